//! Whether the rules of a map can be asked of the columns they name.

use dualwright_model::{ColumnPath, ColumnSchema, ColumnType, Decimal, System, TableSchema, Value};
use dualwright_plugin_host::LegDescription;
use dualwright_table_map::compile::CompiledMap;
use dualwright_table_map::kinds::{self, Kind};
use dualwright_table_map::program::{Check, Literal, Stage, Test};

use super::kinds::end_of;
use super::{Report, Severity};

/// Every rule of every leg, where its columns belong to tables that are known. Columns that are missing are found
/// with everything else that the map reads and writes.
pub(super) fn check(report: &mut Report<'_>, compiled: &CompiledMap) {
    let description = report.description;
    for (leg, program) in description.legs.iter().zip(&compiled.programs) {
        for check in &program.checks {
            let side = match check.stage {
                Stage::Captured => leg.leg.source(),
                Stage::Mapped => leg.leg.target(),
            };
            let schemas = report.schemas;
            if let Some(table) = schemas.table(side, description.table(side)) {
                one(report, leg, side, table, check);
            }
        }
    }
}

fn one(report: &mut Report<'_>, leg: &LegDescription, side: System, table: &TableSchema, check: &Check<'_>) {
    let paths = match check.stage {
        Stage::Captured => &leg.reads,
        Stage::Mapped => &leg.writes,
    };
    let column = |report: &Report<'_>, position: usize| -> Option<(ColumnPath, ColumnSchema)> {
        let path = paths.get(position)?;
        Some((path.clone(), end_of(report, side, table, path)?))
    };
    let mismatch = |report: &mut Report<'_>, path: &ColumnPath, message: String| {
        let hint = Some("write the rule for what the column holds".to_owned());
        report.add(Severity::Error, side, Some(path), "rule-type-mismatch", message, hint);
    };
    let uses = kinds::uses(check);
    for (position, kind) in &uses.kinds {
        if let Some((path, schema)) = column(report, *position)
            && !holds(&schema.column_type, *kind)
        {
            let (code, label) = (&check.code, schema.column_type.label());
            let message = format!("the rule {code} takes {path} for {}, and it holds {label}", kind.label());
            mismatch(report, &path, message);
        }
    }
    let mut orderless = Vec::new();
    for position in &uses.ordered {
        if let Some((path, schema)) = column(report, *position)
            && !matches!(kind(&schema.column_type), Kind::Number | Kind::Moment)
        {
            orderless.push(*position);
            let (code, label) = (&check.code, schema.column_type.label());
            let message =
                format!("the rule {code} puts {path} in order, and it holds {label}, which has none");
            mismatch(report, &path, message);
        }
    }
    for (one, other) in &uses.alike {
        if let (Some((path, schema)), Some((other_path, other_schema))) =
            (column(report, *one), column(report, *other))
            && kind(&schema.column_type) != kind(&other_schema.column_type)
            && !orderless.contains(one)
            && !orderless.contains(other)
        {
            let (label, other_label) = (schema.column_type.label(), other_schema.column_type.label());
            let message = format!(
                "the rule {} compares {path} with {other_path}, and they hold {label} and {other_label}",
                check.code
            );
            mismatch(report, &path, message);
        }
    }
    if let Test::OneOf(literals) = &check.test
        && let Some((path, schema)) = column(report, check.position)
    {
        for literal in literals {
            if let Err(error) = value(literal).map_or(Ok(Value::Null), |value| schema.coerce(value)) {
                let message =
                    format!("the rule {} allows {path} a value that it cannot hold: {error}", check.code);
                report.add(Severity::Error, side, Some(&path), "rule-bad-value", message, None);
            }
        }
    }
}

fn kind(column: &ColumnType) -> Kind {
    match column {
        ColumnType::Text { .. } | ColumnType::Guid | ColumnType::Enum { .. } => Kind::Text,
        ColumnType::Integer | ColumnType::Decimal { .. } | ColumnType::OptionSet { .. } => Kind::Number,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Timestamp | ColumnType::Date => Kind::Moment,
    }
}

/// Whether a rule may take a column for this. F&O says yes and no with members of an enum.
fn holds(column: &ColumnType, wanted: Kind) -> bool {
    match column {
        ColumnType::Enum { members, .. } if wanted == Kind::Boolean => {
            members.iter().all(|member| ["yes", "no"].contains(&member.to_lowercase().as_str()))
        }
        column => kind(column) == wanted,
    }
}

fn value(literal: &Literal<'_>) -> Option<Value> {
    Some(match literal {
        Literal::Text(text) => Value::text(text.clone().into_owned()),
        Literal::Boolean(flag) => Value::Boolean(*flag),
        Literal::Number(number) => {
            let text = number.to_string();
            match text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Decimal(Decimal::parse(&text).ok()?),
            }
        }
        Literal::Day(_) => return None,
    })
}
