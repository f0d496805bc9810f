//! The filters of a map.

use dualwright_odata::Filter;
use toml::{Table, Value};

use super::Remark;
use super::xpp::{self, Condition};

/// Both filters as dual-write states them: over F&O in X++, over Dataverse in OData.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filters {
    pub(super) finops: String,
    pub(super) dataverse: String,
}

/// Dual-write's filters in the words of the map language. One that cannot be carried stays as it is: a map with a filter
/// that nobody understands does not start, and one without would write rows that are none of its business.
pub(super) fn of_filters(filters: &Filters, remarks: &mut Vec<Remark>) -> Option<Value> {
    let mut table = Table::new();
    let mut insert = |side: &str, text: String| table.insert(side.to_owned(), Value::String(text));
    let next = "write it in OData: as it stands, the map is refused when it starts";
    match Condition::parse(&filters.finops) {
        Ok(None) => {}
        Ok(Some(condition)) => match xpp::to_odata(&condition) {
            Ok(filter) => {
                insert("finops", filter.to_string());
            }
            Err(reasons) => {
                for reason in reasons {
                    remarks.push(Remark::lost("filter over F&O", reason).next(next));
                }
                insert("finops", filters.finops.trim().to_owned());
            }
        },
        Err(error) => {
            remarks.push(Remark::lost("filter over F&O", error.to_string()).next(next));
            insert("finops", filters.finops.trim().to_owned());
        }
    }
    let dataverse = filters.dataverse.trim();
    if !dataverse.is_empty() {
        if let Err(error) = Filter::parse(dataverse) {
            remarks.push(Remark::lost("filter over Dataverse", error.to_string()).next(next));
        }
        insert("dataverse", dataverse.to_owned());
    }
    (!table.is_empty()).then_some(Value::Table(table))
}

/// The filters of a map in dual-write's words. One that cannot be carried stays as it is: dual-write refuses it.
pub(super) fn to_filters(header: &Table, remarks: &mut Vec<Remark>) -> Filters {
    let text = |side: &str| {
        header.get("filter").and_then(|filters| filters.get(side)).and_then(Value::as_str).unwrap_or_default()
    };
    let finops = text("finops");
    let translated = match finops.trim() {
        "" => Ok(String::new()),
        filter => Filter::parse(filter)
            .map_err(|error| error.to_string())
            .and_then(|filter| xpp::from_odata(&filter))
            .map(|condition| format!("({condition})")),
    };
    let finops = translated.unwrap_or_else(|reason| {
        let next = "write it in X++: as it stands, dual-write refuses it";
        remarks.push(Remark::lost("filter over F&O", reason).next(next));
        finops.to_owned()
    });
    Filters { finops, dataverse: text("dataverse").to_owned() }
}
