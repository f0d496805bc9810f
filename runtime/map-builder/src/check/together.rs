//! Whether several maps get along: what no map can tell by itself.

use dualwright_model::{ColumnPath, Leg, System, TableName};
use dualwright_plugin_host::{Description, LegDescription};

use super::{Finding, Report, Schemas, Severity};

/// What does not fit between maps that run together, worst first; each map comes with the schemas of its tables. A
/// finding is about the later of two maps.
///
/// `filled` names tables that something else fills: lookups to them are as good as those to a table that one of the
/// maps fills.
pub fn check_together(maps: &[(&Description, &Schemas)], filled: &[TableName]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (description, schemas)) in maps.iter().enumerate() {
        let mut report = Report { description, schemas, findings: Vec::new() };
        for (other, _) in maps.iter().take(index) {
            same_name(&mut report, other);
            excluded(&mut report, other);
            for side in [System::Finops, System::Dataverse] {
                written_twice(&mut report, side, other);
            }
        }
        for leg in &description.legs {
            lookups(&mut report, leg, maps, filled);
        }
        findings.append(&mut report.findings);
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn same_name(report: &mut Report<'_>, other: &Description) {
    if report.description.name == other.name {
        let message = format!("two maps are named {}", other.name);
        let hint = Some("give one of them another name".to_owned());
        report.add(Severity::Error, System::Finops, None, "same-name", message, hint);
    }
}

/// Maps of which one says that the other must not run beside it.
fn excluded(report: &mut Report<'_>, other: &Description) {
    let description = report.description;
    if description.excludes.contains(&other.name) || other.excludes.contains(&description.name) {
        let message = format!("{} must not run beside {}", description.name, other.name);
        let hint =
            Some("they do the same work in two ways: take one of them out of the configuration".to_owned());
        report.add(Severity::Error, System::Finops, None, "excluded", message, hint);
    }
}

/// Columns of one table that two maps write would change back and forth. Maps whose rows a filter keeps apart do not
/// meet, and both may write what they recognise a row by.
fn written_twice(report: &mut Report<'_>, side: System, other: &Description) {
    let description = report.description;
    let leg = side.other().outgoing();
    let (Some(mine), Some(theirs)) = (description.leg(leg), other.leg(leg)) else {
        return;
    };
    let same_table = description.table(side).as_str().eq_ignore_ascii_case(other.table(side).as_str());
    if !same_table || kept_apart(leg, (description, mine), (other, theirs)) {
        return;
    }
    let in_both_keys = |column: &str| {
        [description, other].iter().all(|map| map.key_columns(side).iter().any(|key| own(key) == column))
    };
    for path in &mine.writes {
        let column = own(path);
        if !in_both_keys(&column) && theirs.writes.iter().any(|their| own(their) == column) {
            let message = format!(
                "{} of {} is written by {} too",
                path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup),
                description.table(side),
                other.name
            );
            let hint = "take it out of one of the maps, or give both a filter that keeps their rows apart";
            report.add(Severity::Error, side, Some(path), "written-twice", message, Some(hint.to_owned()));
        }
    }
}

/// Whether both maps have a filter on this leg, and not the same one on the same table.
fn kept_apart(
    leg: Leg,
    mine: (&Description, &LegDescription),
    theirs: (&Description, &LegDescription),
) -> bool {
    let source = |map: &Description| map.table(leg.source()).as_str().to_lowercase();
    match (&mine.1.filter, &theirs.1.filter) {
        (Some(my_filter), Some(their_filter)) => {
            source(mine.0) != source(theirs.0) || my_filter != their_filter
        }
        _ => false,
    }
}

/// A written lookup needs a row to lead to, and so somebody who writes such rows.
fn lookups(
    report: &mut Report<'_>,
    leg: &LegDescription,
    maps: &[(&Description, &Schemas)],
    filled: &[TableName],
) {
    let side = leg.leg.target();
    let (description, schemas) = (report.description, report.schemas);
    let Some(table) = schemas.table(side, description.table(side)) else {
        return;
    };
    let is_filled = |target: &TableName| {
        let same = |table: &TableName| table.as_str().eq_ignore_ascii_case(target.as_str());
        filled.iter().any(same)
            || maps.iter().any(|(map, _)| map.leg(leg.leg).is_some() && same(map.table(side)))
    };
    for path in &leg.writes {
        let Some((lookup, _)) = path.split_lookup() else { continue };
        let Some(lookup) = table.column(lookup).and_then(|column| column.lookup.as_ref()) else { continue };
        if lookup.targets.is_empty() || lookup.targets.iter().any(is_filled) {
            continue;
        }
        let targets: Vec<&str> = lookup.targets.iter().map(TableName::as_str).collect();
        let targets = targets.join(" or ");
        let message = format!("{path} leads to {targets}, which no map fills");
        let hint = format!(
            "run the map that fills {targets} beside this one, or say that something else fills it: --filled {}",
            lookup.targets.first().map_or("TABLE", TableName::as_str)
        );
        report.add(Severity::Error, side, Some(path), "lookup-not-filled", message, Some(hint));
    }
}

/// The column of the table itself, as both systems compare names.
fn own(path: &ColumnPath) -> String {
    path.split_lookup().map_or(path.as_str(), |(lookup, _)| lookup).to_lowercase()
}
