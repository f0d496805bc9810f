//! Whether the filters can be understood.

use dualwright_model::{ColumnPath, System, TableSchema};
use dualwright_odata::Filter;

use super::{Report, Severity, near};

/// The filter over rows of this side.
pub(super) fn check(report: &mut Report<'_>, side: System, table: &TableSchema) {
    let Some(leg) = report.description.leg(side.outgoing()) else {
        return;
    };
    let Some(text) = &leg.filter else {
        return;
    };
    let filter = match Filter::parse(text) {
        Ok(filter) => filter,
        Err(error) => {
            report.add(Severity::Error, side, None, "bad-filter", format!("{error}: {text}"), None);
            return;
        }
    };
    for column in filter.columns() {
        let path = ColumnPath::new(column.replace('/', "."));
        let own = path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup);
        if table.column(own).is_none() {
            let hint = near::did_you_mean(own, table.columns.values().map(|column| column.name.as_str()));
            let message = format!("{} has no column {own}, which the filter names", table.name);
            report.add(Severity::Error, side, Some(&path), "unknown-column", message, hint);
        } else if !leg.reads.iter().any(|read| read.as_str().eq_ignore_ascii_case(path.as_str())) {
            let message = format!("the filter names {path}, and the map does not read it");
            let hint =
                "add the column to the leg's `reads`: without it nobody can tell whether a row matches"
                    .to_owned();
            report.add(Severity::Error, side, Some(&path), "filter-not-read", message, Some(hint));
        }
    }
}
