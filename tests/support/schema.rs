//! What is known of the emulators' tables: their schema files are data, and data may be shared.

use anyhow::Context;
use toml::{Table, Value};

use crate::facts::table;
use crate::{Cell, System};

fn read(system: System, name: &str) -> anyhow::Result<Table> {
    let folder = crate::repository().join("runtime/emulators/schema").join(system.word());
    table(&folder.join(format!("{name}.toml")))
}

/// The column that holds the id of a Dataverse table's rows.
pub(crate) fn primary_id(dataverse_table: &str) -> anyhow::Result<String> {
    let schema = read(System::Dataverse, dataverse_table)?;
    Ok(schema.get("primary_id").and_then(Value::as_str).context("no primary_id")?.to_owned())
}

/// What the columns of an F&O table read as when nothing was put in them.
pub(crate) struct Empties {
    schema: Table,
    enums: Table,
}

impl Empties {
    pub(crate) fn of(finops_table: &str) -> anyhow::Result<Self> {
        Ok(Self { schema: read(System::Finops, finops_table)?, enums: read(System::Finops, "enums")? })
    }

    /// Whether this is what an untouched cell of the column says: F&O has no null.
    pub(crate) fn is_empty(&self, column: &str, cell: &Cell) -> bool {
        let columns = self.schema.get("column").and_then(Value::as_array).into_iter().flatten();
        let word = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = columns
            .into_iter()
            .find(|one| word(one, "name").is_some_and(|name| name.eq_ignore_ascii_case(column)));
        let Some(named) = named else { return *cell == Cell::Nothing };
        let first = |name: String| {
            let members = self.enums.get(&name).and_then(Value::as_array);
            members.and_then(|members| members.first()).map(Cell::of_toml)
        };
        let empty = match word(named, "type").as_deref() {
            Some("integer" | "decimal") => Cell::Number("0".into()),
            Some("boolean") => Cell::Flag(false),
            Some("enum") => word(named, "enum").and_then(first).unwrap_or(Cell::Nothing),
            _ => Cell::Nothing,
        };
        *cell == empty
    }
}
