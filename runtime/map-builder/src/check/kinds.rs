//! Whether what is read fits where it is written: types, constants, value sets.

use dualwright_model::{ColumnPath, ColumnSchema, ColumnType, TableSchema, Value};
use dualwright_plugin_host::LegDescription;
use dualwright_table_map::compile::CompiledMap;
use dualwright_table_map::program::{Constant, Program, Rule};

use super::{Report, Severity};

/// How one type goes into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Always.
    Always,
    /// It depends on the value.
    Sometimes,
    /// Never.
    Never,
}

/// Every rule of every leg, where both columns belong to tables that are known.
pub(super) fn check(report: &mut Report<'_>, compiled: &CompiledMap) {
    let description = report.description;
    for (leg, program) in description.legs.iter().zip(&compiled.programs) {
        let schemas = report.schemas;
        let tables = (
            schemas.table(leg.leg.source(), description.table(leg.leg.source())),
            schemas.table(leg.leg.target(), description.table(leg.leg.target())),
        );
        if let (Some(source), Some(target)) = tables {
            check_leg(report, leg, program, source, target);
        }
    }
}

fn check_leg(
    report: &mut Report<'_>,
    leg: &LegDescription,
    program: &Program<'_>,
    source: &TableSchema,
    target: &TableSchema,
) {
    for (rule, path) in program.rules.iter().zip(&leg.writes) {
        let Some(column) = end_of(report, leg.leg.target(), target, path) else {
            continue;
        };
        constants(report, leg, rule, path, &column);
        let from = rule.source.and_then(|index| leg.reads.get(index));
        let Some((from_path, from)) =
            from.and_then(|from| Some((from, end_of(report, leg.leg.source(), source, from)?)))
        else {
            continue;
        };
        match &rule.values {
            Some(values) => members(report, leg, from_path, &from, values),
            None => direct(report, leg, path, (from_path, &from), &column),
        }
    }
}

/// The column at the end of a path; none where its table is not known.
pub(super) fn end_of(
    report: &Report<'_>,
    side: dualwright_model::System,
    table: &TableSchema,
    path: &ColumnPath,
) -> Option<ColumnSchema> {
    let Some((lookup, rest)) = path.split_lookup() else {
        return table.column(path.as_str()).cloned();
    };
    let targets = &table.column(lookup)?.lookup.as_ref()?.targets;
    targets.iter().find_map(|target| end_of(report, side, report.schemas.table(side, target)?, &rest))
}

/// What the map itself gives must fit the column it goes to.
fn constants(
    report: &mut Report<'_>,
    leg: &LegDescription,
    rule: &Rule<'_>,
    path: &ColumnPath,
    column: &ColumnSchema,
) {
    let in_values = rule.values.iter().flat_map(|values| values.entries.iter().map(|(_, constant)| constant));
    for constant in rule.default.iter().chain(&rule.mark).chain(in_values) {
        if let Err(error) = column.coerce(value(constant)) {
            let message =
                format!("{path} cannot hold {:?}, which the map gives: {error}", constant.to_plain_text());
            report.add(Severity::Error, leg.leg.target(), Some(path), "bad-constant", message, None);
        }
    }
}

fn value(constant: &Constant<'_>) -> Value {
    match constant {
        Constant::Text(text) => Value::text(text.clone().into_owned()),
        Constant::Integer(number) => Value::Integer(*number),
        Constant::Boolean(flag) => Value::Boolean(*flag),
    }
}

/// Members and options that the value set leaves out: rows with them will be refused.
fn members(
    report: &mut Report<'_>,
    leg: &LegDescription,
    path: &ColumnPath,
    from: &ColumnSchema,
    values: &dualwright_table_map::program::Values<'_>,
) {
    let all: Vec<String> = match &from.column_type {
        ColumnType::Enum { members, .. } => members.clone(),
        ColumnType::OptionSet { options } => options.iter().map(ToString::to_string).collect(),
        ColumnType::Boolean => vec!["false".to_owned(), "true".to_owned()],
        _ => return,
    };
    let missing: Vec<&str> =
        all.iter().filter(|member| values.get(member).is_none()).map(String::as_str).collect();
    if !missing.is_empty() {
        let message = format!("the value set of {path} does not have: {}", missing.join(", "));
        let hint = "rows with these values become dead letters: add them to the set".to_owned();
        report.add(Severity::Warning, leg.leg.source(), Some(path), "value-not-in-set", message, Some(hint));
    }
}

fn direct(
    report: &mut Report<'_>,
    leg: &LegDescription,
    path: &ColumnPath,
    (from_path, from): (&ColumnPath, &ColumnSchema),
    to: &ColumnSchema,
) {
    let side = leg.leg.target();
    match fit(&from.column_type, &to.column_type) {
        Fit::Always => {}
        Fit::Sometimes => {
            let message = format!(
                "{path} holds {}, and {from_path} {}: not every value fits",
                to.column_type.label(),
                from.column_type.label()
            );
            report.add(Severity::Warning, side, Some(path), "may-not-fit", message, None);
        }
        Fit::Never => {
            let message = format!(
                "{path} holds {}, and {from_path} {}",
                to.column_type.label(),
                from.column_type.label()
            );
            let hint = "give the field a value set: `values = { … }`".to_owned();
            report.add(Severity::Error, side, Some(path), "type-mismatch", message, Some(hint));
        }
    }
    if let (
        ColumnType::Text { max_length: Some(from_length) },
        ColumnType::Text { max_length: Some(to_length) },
    ) = (&from.column_type, &to.column_type)
        && from_length > to_length
    {
        let message = format!("{path} holds {to_length} characters, and {from_path} may have {from_length}");
        let hint = "longer texts become dead letters; they are never cut".to_owned();
        report.add(Severity::Warning, side, Some(path), "may-be-too-long", message, Some(hint));
    }
}

/// What [`ColumnSchema::coerce`] makes of a value of one type in a column of another.
fn fit(from: &ColumnType, to: &ColumnType) -> Fit {
    use ColumnType as T;
    match (from, to) {
        (_, T::Text { .. })
        | (T::Integer | T::OptionSet { .. }, T::Integer)
        | (T::Decimal { .. } | T::Integer | T::OptionSet { .. }, T::Decimal { .. })
        | (T::Boolean, T::Boolean)
        | (T::Timestamp | T::Date, T::Timestamp)
        | (T::Timestamp | T::Date, T::Date)
        | (T::Guid, T::Guid) => Fit::Always,
        (T::Decimal { .. }, T::Integer)
        | (T::Text { .. }, T::Integer | T::Decimal { .. } | T::Boolean | T::Timestamp | T::Date | T::Guid)
        | (T::Text { .. } | T::Integer, T::OptionSet { .. })
        | (T::Text { .. }, T::Enum { .. }) => Fit::Sometimes,
        (T::OptionSet { options: from }, T::OptionSet { options: to }) => within(from, to),
        (T::Enum { members: from, .. }, T::Enum { members: to, .. }) => {
            let lower =
                |members: &[String]| members.iter().map(|member| member.to_lowercase()).collect::<Vec<_>>();
            within(&lower(from), &lower(to))
        }
        (T::Enum { members, .. }, T::Boolean) => {
            let word =
                |member: &String| ["yes", "no", "true", "false"].contains(&member.to_lowercase().as_str());
            if members.iter().all(word) { Fit::Always } else { Fit::Never }
        }
        (T::Boolean, T::Enum { members, .. }) => {
            let has = |word: &str| members.iter().any(|member| member.eq_ignore_ascii_case(word));
            if members.is_empty() || (has("yes") && has("no")) { Fit::Always } else { Fit::Never }
        }
        _ => Fit::Never,
    }
}

fn within<T: PartialEq>(from: &[T], to: &[T]) -> Fit {
    let outside = from.iter().filter(|value| !to.contains(value)).count();
    match outside {
        _ if from.is_empty() || to.is_empty() => Fit::Sometimes,
        0 => Fit::Always,
        outside if outside == from.len() => Fit::Never,
        _ => Fit::Sometimes,
    }
}
