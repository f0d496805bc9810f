//! Whether the columns are there, and can be read and written.

use dualwright_model::{ColumnPath, ColumnSchema, System, TableName, TableSchema};

use super::{Report, Severity, near};

/// Columns read from this side and columns written to it.
pub(super) fn check(report: &mut Report<'_>, side: System, table: &TableSchema) {
    let description = report.description;
    if let Some(leg) = description.leg(side.outgoing()) {
        for path in &leg.reads {
            resolve(report, side, table, path);
        }
        if !table.tracks_changes {
            no_change_tracking(report, side, table);
        }
    }
    let Some(leg) = description.leg(side.other().outgoing()) else {
        return;
    };
    let key = description.key_columns(side);
    for path in &leg.writes {
        if let Some(column) = resolve(report, side, table, path) {
            writable(report, side, path, column, key.contains(path));
        }
    }
    for column in table.columns.values().filter(|column| column.required && column.creatable) {
        let written = leg.writes.iter().any(|path| {
            let own = path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup);
            own.eq_ignore_ascii_case(&column.name)
        });
        if !written {
            let message = format!("{} requires {}, and this map does not write it", table.name, column.name);
            let hint =
                "new rows will be refused unless the system fills it in: map the column or give it a default";
            let field = ColumnPath::new(column.name.as_str());
            report.add(
                Severity::Warning,
                side,
                Some(&field),
                "required-not-written",
                message,
                Some(hint.to_owned()),
            );
        }
    }
}

/// The column a path begins with, after checking the whole path.
fn resolve<'t>(
    report: &mut Report<'_>,
    side: System,
    table: &'t TableSchema,
    path: &ColumnPath,
) -> Option<&'t ColumnSchema> {
    let lookup = path.split_lookup();
    let own = lookup.as_ref().map_or(path.as_str(), |(lookup, _)| lookup);
    let Some(column) = table.column(own) else {
        let hint = near::did_you_mean(own, table.columns.values().map(|column| column.name.as_str()));
        let message = format!("{} has no column {own}", table.name);
        report.add(Severity::Error, side, Some(path), "unknown-column", message, hint);
        return None;
    };
    if let Some((_, rest)) = lookup {
        match &column.lookup {
            Some(lookup) => related(report, side, path, &lookup.targets, &rest),
            None => {
                let message = format!("{own} of {} is not a lookup", table.name);
                let hint = Some(format!("use `{own}` without what follows it"));
                report.add(Severity::Error, side, Some(path), "not-a-lookup", message, hint);
            }
        }
    }
    Some(column)
}

/// The rest of a lookup path, on the tables that the lookup leads to.
fn related(
    report: &mut Report<'_>,
    side: System,
    path: &ColumnPath,
    targets: &[TableName],
    rest: &ColumnPath,
) {
    let schemas = report.schemas;
    for target in targets {
        if schemas.is_missing(side, target) {
            report.unknown_table(side, target, Some(path), Severity::Error);
        }
    }
    let known: Vec<&TableSchema> = targets.iter().filter_map(|target| schemas.table(side, target)).collect();
    let own = rest.split_lookup().map_or_else(|| rest.as_str().to_owned(), |(lookup, _)| lookup.to_owned());
    if known.len() < targets.len()
        || known.is_empty()
        || known.iter().any(|table| table.column(&own).is_some())
    {
        // Some target is not at hand, or one has the column. A lookup through a key is checked where it is written.
        if let Some(table) = known.iter().find(|table| table.column(&own).is_some()) {
            in_a_key(report, side, path, table, &own);
        }
        return;
    }
    let names: Vec<&str> = known.iter().map(|table| table.name.as_str()).collect();
    let columns = known.iter().flat_map(|table| table.columns.values()).map(|column| column.name.as_str());
    let message = format!("{} has no column {own}", names.join(" or "));
    report.add(
        Severity::Error,
        side,
        Some(path),
        "unknown-column",
        message,
        near::did_you_mean(&own, columns),
    );
}

/// A written lookup is found by this column: without a key on it, it may be ambiguous.
fn in_a_key(report: &mut Report<'_>, side: System, path: &ColumnPath, table: &TableSchema, column: &str) {
    let same = |name: &String| name.eq_ignore_ascii_case(column);
    let keyed = table.keys.iter().any(|key| key.columns.iter().any(same))
        || table.primary_id.as_ref().is_some_and(same);
    let written =
        report.description.leg(side.other().outgoing()).is_some_and(|leg| leg.writes.contains(path));
    if written && !keyed {
        let message = format!("{column} is in no key of {}, so it may name several rows", table.name);
        let hint = format!("create an alternate key with {column} on {}", table.name);
        report.add(Severity::Warning, side, Some(path), "lookup-not-a-key", message, Some(hint));
    }
}

fn writable(report: &mut Report<'_>, side: System, path: &ColumnPath, column: &ColumnSchema, key: bool) {
    if !column.creatable && !column.updatable {
        let message = format!("{} cannot be written", column.name);
        let hint = "map it in the other direction only".to_owned();
        report.add(Severity::Error, side, Some(path), "read-only", message, Some(hint));
    } else if !column.updatable && !key {
        let message = format!("{} can be given to a new row, but not changed later", column.name);
        report.add(Severity::Warning, side, Some(path), "not-updatable", message, None);
    }
}

fn no_change_tracking(report: &mut Report<'_>, side: System, table: &TableSchema) {
    let (severity, message, hint) = match side {
        System::Dataverse => (
            Severity::Error,
            format!("change tracking is off for {}", table.name),
            "turn on \"Track changes\" in the table's properties",
        ),
        // There the comparing full scan still finds what changed, only later.
        System::Finops => (
            Severity::Warning,
            format!("{} has no data events", table.name),
            "enable the entity in the business events catalogue, or changes are found by full scans only",
        ),
    };
    report.add(severity, side, None, "no-change-tracking", message, Some(hint.to_owned()));
}
