//! The integration key. Definitions do not hold it: dual-write keeps keys beside its maps.

use dualwright_model::System;
use toml::{Table, Value};

use super::Remark;
use super::columns::Columns;

/// The company of a row in F&O.
const AREA: &str = "dataAreaId";
/// The company's code in Dataverse.
const CODE: &str = "cdm_companycode";

/// What is known of the key.
pub(super) struct Known<'a> {
    /// Pairs that a person gave.
    pub(super) given: &'a [(String, String)],
    /// Dataverse's columns, as the automation tool's configuration lists them.
    pub(super) listed: Option<&'a [String]>,
    /// Both tables, as far as they are described.
    pub(super) columns: Columns<'a>,
    /// The field lines that dual-write made by itself.
    pub(super) generated: &'a [Table],
}

/// Finds the pairs of the key among field lines.
pub(super) fn find(lines: &[Table], known: &Known<'_>, remarks: &mut Vec<Remark>) -> Vec<(String, String)> {
    if !known.given.is_empty() {
        return known.given.to_vec();
    }
    if let Some(listed) = known.listed {
        return of_list(lines, listed, remarks);
    }
    if let Some(pairs) = of_description(lines, known.columns) {
        let reason = "definitions do not hold it: it is the key of the F&O entity";
        remarks.push(Remark::note("key", reason));
        return pairs;
    }
    let next = "say it with --key FINOPS=DATAVERSE, give the automation tool's configuration, or name a configuration \
                whose F&O environment can be reached";
    let pairs: Vec<(String, String)> = known.generated.iter().filter_map(columns_of).collect();
    if pairs.is_empty() {
        remarks.push(Remark::lost("key", "definitions do not hold it, and nothing else tells it").next(next));
    } else {
        let reason = "definitions do not hold it: the fields that dual-write made by itself are taken, and the company \
                      may be missing";
        remarks.push(Remark::unsure("key", reason).next(next));
    }
    pairs
}

fn of_list(lines: &[Table], listed: &[String], remarks: &mut Vec<Remark>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for path in listed {
        let mapped = lines.iter().filter_map(columns_of).find(|(_, there)| there.eq_ignore_ascii_case(path));
        let parts: Vec<&str> = path.split('.').collect();
        match (mapped, parts.as_slice()) {
            (Some(pair), _) => pairs.push(pair),
            (None, [_, code]) if code.eq_ignore_ascii_case(CODE) => {
                pairs.push((AREA.to_owned(), path.clone()))
            }
            (None, [.., code]) if code.eq_ignore_ascii_case(CODE) => {
                let reason = format!("{path} is left out: lookups stay within the record's company");
                remarks.push(Remark::note("key", reason));
            }
            (None, _) => {
                let reason = format!("{path} is in the list of keys, and no field maps it");
                let next = format!("say it with --key FINOPS={path}");
                remarks.push(Remark::lost("key", reason).next(next));
            }
        }
    }
    pairs
}

fn of_description(lines: &[Table], columns: Columns<'_>) -> Option<Vec<(String, String)>> {
    let key = columns.finops?.keys.first()?;
    key.columns
        .iter()
        .map(|column| {
            let of_line = |(finops, dataverse): (String, String)| {
                finops.eq_ignore_ascii_case(column).then(|| (column.clone(), dataverse))
            };
            let mapped = lines.iter().filter_map(columns_of).find_map(of_line);
            let company = || column.eq_ignore_ascii_case(AREA).then(|| columns.company()).flatten();
            mapped.or_else(|| Some((columns.spelled(System::Finops, column), company()?)))
        })
        .collect()
}

/// Both columns of a line.
fn columns_of(line: &Table) -> Option<(String, String)> {
    let text = |word: &str| line.get(word).and_then(Value::as_str).map(str::to_owned);
    Some((text("finops")?, text("dataverse")?))
}

/// Takes the lines of the key out of the fields: the key maps them.
pub(super) fn without_key(
    lines: Vec<Table>,
    key: &[(String, String)],
    remarks: &mut Vec<Remark>,
) -> Vec<Table> {
    let is_key = |line: &Table| {
        columns_of(line).is_some_and(|(finops, dataverse)| {
            let same = |pair: &(String, String)| {
                pair.0.eq_ignore_ascii_case(&finops) && pair.1.eq_ignore_ascii_case(&dataverse)
            };
            key.iter().any(same)
        })
    };
    let (of_key, rest): (Vec<Table>, Vec<Table>) = lines.into_iter().partition(is_key);
    for line in of_key {
        let words = ["values", "default"].iter().filter(|word| line.contains_key(**word)).copied();
        for word in words {
            let column = line.get("finops").and_then(Value::as_str).unwrap_or_default();
            let reason =
                format!("it is in the key, which holds the same on both sides: its `{word}` is left out");
            remarks.push(Remark::lost(column, reason));
        }
    }
    rest
}

/// The key as the map language writes it.
pub(super) fn value(pairs: &[(String, String)]) -> Value {
    let pair = |(finops, dataverse): &(String, String)| {
        let mut table = Table::new();
        table.insert("finops".to_owned(), Value::String(finops.clone()));
        table.insert("dataverse".to_owned(), Value::String(dataverse.clone()));
        Value::Table(table)
    };
    Value::Array(pairs.iter().map(pair).collect())
}

/// Whether a pair of the key is the company, which dual-write never maps.
pub(super) fn is_company(finops: &str, dataverse: &str) -> bool {
    finops.eq_ignore_ascii_case(AREA) && dataverse.to_lowercase().ends_with(&format!(".{CODE}"))
}
