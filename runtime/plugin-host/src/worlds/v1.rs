//! `dualwright:plugin@1.0.0`.

use std::ops::Range;

use dualwright_model::{
    ColumnPath, Date, Decimal, Leg, MapName, Operation, Record, TableName, Timestamp, Value,
};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store, Trap};

use crate::fault::{NotStarted, WrongLength, cut};
use crate::rows::{Cell, Rows};
use crate::store::State;
use crate::{
    Description, Grants, GuestFault, GuestFaultKind, KeyPair, LeavePolicy, LegDescription, Outcome,
    TransformResult, Violation,
};

#[allow(
    unsafe_code,
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    reason = "generated from wit/ by the engine's own macro"
)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "map-plugin-with-host",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

use bindings::dualwright::plugin::{describe as wit_describe, types as wit};
pub(crate) use bindings::dualwright::plugin::{log, settings};

/// The export without which a component is not a map of this world.
pub(crate) const MAPPER: &str = "dualwright:plugin/mapper@1.0.0";

/// The longest sentence taken over from a guest, in bytes.
const SENTENCE_BYTES: usize = 4096;
/// The most violations taken over for one record.
const VIOLATIONS: usize = 100;

/// A component, linked with what it was granted: what remains for each batch is to make the instance.
pub(crate) struct Mapper(bindings::MapPluginWithHostPre<State>);

/// Whether a component exports the contract's functions with the contract's types.
///
/// The engine itself compares types only when it makes the first instance, where the difference would look like a bad
/// answer. Its check is public and hidden from its documentation; the types it is given are the generated ones.
///
/// # Errors
/// What is missing or different.
pub(crate) fn check_types(engine: &Engine, component: &Component) -> Result<(), String> {
    let component = component.component_type();
    let Some(ComponentItem::ComponentInstance(mapper)) =
        component.get_export(engine, MAPPER).map(|item| item.ty)
    else {
        return Err(MAPPER.to_owned());
    };
    let types = component.instance_type();
    let function = |name: &str| match mapper.get_export(engine, name).map(|item| item.ty) {
        Some(ComponentItem::ComponentFunc(function)) => Ok(function),
        _ => Err(format!("{MAPPER}#{name}")),
    };
    let other = |name: &str, error: &wasmtime::Error| {
        format!("{MAPPER}#{name} with the types of the contract: {}", error.root_cause())
    };
    function("describe")?
        .typecheck::<(), (wit_describe::Description,)>(&types)
        .map_err(|error| other("describe", &error))?;
    function("transform")?
        .typecheck::<(wit::Leg, wit::Context, &[wit::Change<'_>]), (Vec<wit::Outcome>,)>(&types)
        .map_err(|error| other("transform", &error))
}

impl Mapper {
    /// Links what was granted, and nothing else (I6).
    ///
    /// # Errors
    /// When an import is missing or has other types, or the contract's functions are missing.
    pub(crate) fn link(engine: &Engine, component: &Component, grants: &Grants) -> wasmtime::Result<Self> {
        let mut linker = Linker::<State>::new(engine);
        if grants.allow(crate::grants::LOG) {
            log::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        }
        if grants.allow(crate::grants::SETTINGS) {
            settings::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        }
        bindings::MapPluginWithHostPre::new(linker.instantiate_pre(component)?).map(Self)
    }

    fn start(&self, store: &mut Store<State>) -> wasmtime::Result<bindings::MapPluginWithHost> {
        self.0.instantiate(store).map_err(|error| {
            if error.is::<Trap>() { error } else { NotStarted(error.root_cause().to_string()).into() }
        })
    }

    /// Asks a fresh instance what the map is. Nothing in the answer is checked yet.
    pub(crate) fn describe(&self, mut store: &mut Store<State>) -> wasmtime::Result<Description> {
        let instance = self.start(store)?;
        let description = instance.dualwright_plugin_mapper().call_describe(&mut store)?;
        Ok(description_from(description))
    }

    /// Gives some rows to a fresh instance. One answer a row, in the same order.
    pub(crate) fn transform(
        &self,
        mut store: &mut Store<State>,
        leg: Leg,
        initial: bool,
        rows: &Rows,
        range: &Range<usize>,
        writes: &[ColumnPath],
    ) -> wasmtime::Result<Vec<TransformResult>> {
        let picked = rows.rows.get(range.clone()).unwrap_or_default();
        let mut cells: Vec<wit::CellParam<'_>> = Vec::new();
        for row in picked {
            cells.extend(
                rows.cells.get(row.cells.clone()).unwrap_or_default().iter().map(|cell| lower(rows, cell)),
            );
        }
        let mut rest = cells.as_slice();
        let changes: Vec<wit::Change<'_>> = picked
            .iter()
            .map(|row| {
                let (cells, after) = rest.split_at_checked(row.cells.len()).unwrap_or_default();
                rest = after;
                wit::Change { operation: operation(row.operation), cells }
            })
            .collect();
        let instance = self.start(store)?;
        let leg = match leg {
            Leg::ToDataverse => wit::Leg::ToDataverse,
            Leg::ToFinops => wit::Leg::ToFinops,
        };
        let outcomes = instance.dualwright_plugin_mapper().call_transform(
            &mut store,
            leg,
            wit::Context { initial },
            &changes,
        )?;
        if outcomes.len() != changes.len() {
            return Err(WrongLength { expected: changes.len(), found: outcomes.len() }.into());
        }
        Ok(outcomes.into_iter().map(|outcome| outcome_from(outcome, writes)).collect())
    }
}

fn operation(operation: Operation) -> wit::Operation {
    match operation {
        Operation::Upsert => wit::Operation::Upsert,
        Operation::Delete => wit::Operation::Delete,
    }
}

fn lower<'a>(rows: &'a Rows, cell: &Cell) -> wit::CellParam<'a> {
    match cell {
        Cell::Absent => wit::CellParam::Absent,
        Cell::Null => wit::CellParam::Null,
        Cell::Text(text) => wit::CellParam::Text(rows.text(text)),
        Cell::Integer(number) => wit::CellParam::Integer(*number),
        Cell::Decimal(number) => wit::CellParam::Decimal(rows.text(number)),
        Cell::Boolean(flag) => wit::CellParam::Boolean(*flag),
        Cell::Timestamp(micros) => wit::CellParam::Timestamp(*micros),
        Cell::Date(days) => wit::CellParam::Date(*days),
    }
}

fn outcome_from(outcome: wit::Outcome, writes: &[ColumnPath]) -> TransformResult {
    Ok(match outcome {
        wit::Outcome::Upsert(cells) => Outcome::Upsert(record_from(cells, writes)?),
        wit::Outcome::Delete => Outcome::Delete,
        wit::Outcome::Skip(reason) => Outcome::Skip(sentence(reason)),
        wit::Outcome::Reject(violations) => {
            Outcome::Reject(violations.into_iter().take(VIOLATIONS).map(violation_from).collect())
        }
    })
}

fn record_from(cells: Vec<wit::CellResult>, writes: &[ColumnPath]) -> Result<Record, GuestFault> {
    if cells.len() != writes.len() {
        return Err(bad_answer(format!("returned {} cells for {} columns", cells.len(), writes.len())));
    }
    let mut record = Record::new();
    for (column, cell) in writes.iter().zip(cells) {
        let value = value_from(cell).map_err(|what| bad_answer(format!("returned {what} for {column}")))?;
        record.set(column.clone(), value);
    }
    Ok(record)
}

fn value_from(cell: wit::CellResult) -> Result<Value, &'static str> {
    Ok(match cell {
        wit::CellResult::Absent => Value::Absent,
        wit::CellResult::Null => Value::Null,
        wit::CellResult::Text(text) => Value::Text(text),
        wit::CellResult::Integer(number) => Value::Integer(number),
        wit::CellResult::Decimal(text) => {
            Value::Decimal(Decimal::parse(&text).map_err(|_| "a decimal that is not a decimal number")?)
        }
        wit::CellResult::Boolean(flag) => Value::Boolean(flag),
        wit::CellResult::Timestamp(micros) => Value::Timestamp(Timestamp::from_micros(micros)),
        wit::CellResult::Date(days) => Value::Date(Date::from_days(days)),
    })
}

fn violation_from(violation: wit::Violation) -> Violation {
    Violation {
        field: violation.field.map(|field| ColumnPath::new(sentence(field))),
        code: sentence(violation.code),
        message: sentence(violation.message),
    }
}

fn sentence(mut text: String) -> String {
    text.truncate(cut(&text, SENTENCE_BYTES).len());
    text
}

fn bad_answer(message: String) -> GuestFault {
    GuestFault { kind: GuestFaultKind::BadAnswer, message }
}

fn description_from(said: wit_describe::Description) -> Description {
    let columns = |names: Vec<String>| names.into_iter().map(ColumnPath::from).collect();
    Description {
        name: MapName::new(said.name),
        version: said.version,
        about: said.about,
        finops_table: TableName::new(said.finops_table),
        dataverse_table: TableName::new(said.dataverse_table),
        key: said
            .key
            .into_iter()
            .map(|pair| KeyPair { finops: pair.finops.into(), dataverse: pair.dataverse.into() })
            .collect(),
        legs: said
            .legs
            .into_iter()
            .map(|leg| LegDescription {
                leg: match leg.leg {
                    wit::Leg::ToDataverse => Leg::ToDataverse,
                    wit::Leg::ToFinops => Leg::ToFinops,
                },
                reads: columns(leg.reads),
                writes: columns(leg.writes),
                filter: leg.filter,
                on_leave: match leg.on_leave {
                    wit_describe::LeavePolicy::Delete => LeavePolicy::Delete,
                    wit_describe::LeavePolicy::Ignore => LeavePolicy::Ignore,
                },
            })
            .collect(),
        two_way: said.two_way.into_iter().map(|pair| (pair.finops.into(), pair.dataverse.into())).collect(),
        needs: said.needs.into_iter().map(MapName::new).collect(),
    }
}
