//! Single records of either system.

use std::sync::Arc;
use std::time::Instant;

use dualwright_model::{ColumnPath, System, TableName, Value};

use super::outside::{Errands, Outside};
use crate::fault::cut;
use crate::grants::LookupGrant;
use crate::services::{LookupQuestion, ServiceError};
use crate::store::State;
use crate::worlds::bindings::dualwright::plugin::lookup::{Failure, Host, KeyCell, Side};
use crate::worlds::bindings::dualwright::plugin::types::CellResult;
use crate::worlds::cells;

/// The most columns of a key, and of an answer.
const KEY_COLUMNS: usize = 16;
const COLUMNS: usize = 256;
/// The longest name that is repeated in a message, in bytes.
const NAME_BYTES: usize = 200;

type Answer = Result<Option<Vec<CellResult>>, Failure>;

impl Host for State {
    fn find(
        &mut self,
        side: Side,
        table: String,
        key: Vec<KeyCell>,
        columns: Vec<String>,
    ) -> wasmtime::Result<Answer> {
        let Some(errands) = &mut self.errands else {
            return Ok(Err(Failure::Unavailable(super::ASLEEP.to_owned())));
        };
        errands.count()?;
        let system = match side {
            Side::Finops => System::Finops,
            Side::Dataverse => System::Dataverse,
        };
        match question(&errands.outside(), system, &table, key, &columns) {
            Ok(Some(question)) => answer(errands, question),
            Ok(None) => Ok(Ok(None)),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

/// Checks a question against the grants and puts it into the operator's spelling; `None` when no record can have this
/// key, because a part of it is empty.
fn question(
    outside: &Outside,
    system: System,
    table: &str,
    key: Vec<KeyCell>,
    columns: &[String],
) -> Result<Option<LookupQuestion>, Failure> {
    let grants: Vec<&LookupGrant> =
        outside.lookup.iter().filter(|grant| grant.is_about(system, table)).collect();
    let Some(first) = grants.first() else {
        return Err(Failure::NotGranted(format!("the {system} table {}", shown(table))));
    };
    let column = |name: &str| -> Result<ColumnPath, Failure> {
        let granted = grants.iter().find_map(|grant| grant.column(name));
        granted.cloned().ok_or_else(|| {
            Failure::NotGranted(format!("the column {} of the {system} table {}", shown(name), first.table))
        })
    };
    if key.is_empty() || key.len() > KEY_COLUMNS || columns.is_empty() || columns.len() > COLUMNS {
        return Err(Failure::Invalid(format!(
            "a question has 1 to {KEY_COLUMNS} columns of a key and asks for 1 to {COLUMNS} columns"
        )));
    }
    let mut parts = Vec::with_capacity(key.len());
    let mut empty = false;
    for KeyCell { column: name, value } in key {
        let name = column(&name)?;
        let value = cells::value_from(value)
            .map_err(|what| Failure::Invalid(format!("the key column {name} is {what}")))?;
        match &value {
            Value::Absent => return Err(Failure::Invalid(format!("the key column {name} is absent"))),
            Value::Null => empty = true,
            Value::Text(text) => empty |= text.is_empty(),
            _ => {}
        }
        parts.push((name, value));
    }
    let columns = columns.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
    let table = TableName::new(first.table.as_str());
    Ok((!empty).then_some(LookupQuestion { system, table, key: parts, columns }))
}

fn answer(errands: &mut Errands, question: LookupQuestion) -> wasmtime::Result<Answer> {
    let outside = errands.outside();
    let known = outside.answers().get(&question, Instant::now(), errands.batch_began());
    if let Some(found) = known {
        return Ok(Ok(found.map(|cells| lift(&cells))));
    }
    let asked = question.clone();
    let found = errands
        .ask(errands.lookup_timeout(), |services| async move { services.find(asked).await })?
        .and_then(|found| match found {
            Some(cells) if cells.len() != question.columns.len() => {
                Err(ServiceError::Unavailable("the answer has another number of cells".to_owned()))
            }
            found => Ok(found),
        });
    Ok(match found {
        Ok(found) => {
            let found: Option<Arc<[Value]>> = found.map(Arc::from);
            outside.answers().put(question, found.clone(), Instant::now());
            Ok(found.map(|cells| lift(&cells)))
        }
        Err(error) => Err(failure(error)),
    })
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::NotGranted(what) => Failure::NotGranted(what),
        ServiceError::Invalid(what) => Failure::Invalid(what),
        ServiceError::Unavailable(why) => Failure::Unavailable(why),
        ServiceError::TooLarge(_) => Failure::Unavailable(error.to_string()),
    }
}

fn lift(cells: &[Value]) -> Vec<CellResult> {
    cells.iter().map(cell).collect()
}

fn cell(value: &Value) -> CellResult {
    match value {
        Value::Absent => CellResult::Absent,
        Value::Null => CellResult::Null,
        Value::Text(text) => CellResult::Text(text.clone()),
        Value::Integer(number) => CellResult::Integer(*number),
        Value::Decimal(number) => CellResult::Decimal(number.as_str().to_owned()),
        Value::Boolean(flag) => CellResult::Boolean(*flag),
        Value::Timestamp(time) => CellResult::Timestamp(time.as_micros()),
        Value::Date(date) => CellResult::Date(date.as_days()),
    }
}

fn shown(name: &str) -> String {
    format!("{:?}", cut(name, NAME_BYTES))
}
