//! What a map file promises, read by a few lines of our own.

use std::path::Path;

use anyhow::{Context, bail};
use toml::{Table, Value};

use crate::Cell;

/// What one map promises.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) finops: Side,
    pub(crate) dataverse: Side,
    pub(crate) fields: Vec<Field>,
}

/// One side: a table, its key columns in key order, the rows that are the map's business.
pub(crate) struct Side {
    pub(crate) table: String,
    pub(crate) key: Vec<String>,
    pub(crate) filter: Option<String>,
}

/// One mapped field.
pub(crate) struct Field {
    pub(crate) finops: Option<String>,
    pub(crate) dataverse: Option<String>,
    pub(crate) to_dataverse: bool,
    pub(crate) to_finops: bool,
    pub(crate) default: Option<Cell>,
    /// Pairs of an F&O value and a Dataverse value.
    pub(crate) values: Option<Vec<(Cell, Cell)>>,
}

impl Facts {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = table(path)?;
        let map = file.get("map").and_then(Value::as_table).context("no [map]")?;
        let word = |name: &str| {
            map.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {name}"))
        };
        let side = |name: &str| -> anyhow::Result<Side> {
            let keys = map.get("key").and_then(Value::as_array).context("no key")?;
            let key: Option<Vec<String>> =
                keys.iter().map(|part| part.get(name)?.as_str().map(str::to_owned)).collect();
            let filter = map.get("filter").and_then(|filter| filter.get(name)?.as_str());
            let key = key.context("a key column of one side only")?;
            Ok(Side { table: word(name)?, key, filter: filter.map(str::to_owned) })
        };
        let lists = [map.get("field"), file.get("field")];
        let fields = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        Ok(Self {
            name: word("name")?,
            finops: side("finops")?,
            dataverse: side("dataverse")?,
            fields: fields.map(|field| Field::read(field, path)).collect::<anyhow::Result<_>>()?,
        })
    }

    /// Whether rows of F&O must be in Dataverse.
    pub(crate) fn goes_to_dataverse(&self) -> bool {
        self.fields.iter().any(|field| field.to_dataverse)
    }

    /// Whether rows of Dataverse must be in F&O.
    pub(crate) fn goes_to_finops(&self) -> bool {
        self.fields.iter().any(|field| field.to_finops)
    }
}

impl Field {
    fn read(field: &Value, path: &Path) -> anyhow::Result<Self> {
        let word = |name: &str| field.get(name).and_then(Value::as_str).map(str::to_owned);
        let (finops, dataverse) = (word("finops"), word("dataverse"));
        let (to_dataverse, to_finops) = match word("direction").as_deref() {
            Some("to-dataverse") => (true, false),
            Some("to-finops") => (false, true),
            Some("both") => (true, true),
            None => (dataverse.is_some(), finops.is_some()),
            Some(other) => bail!("{}: a direction called {other}", path.display()),
        };
        let values = match field.get("values") {
            None => None,
            Some(Value::Table(set)) => Some(set.clone()),
            Some(Value::String(name)) => Some(shared_values(name, path)?),
            Some(other) => bail!("{}: values are {other}", path.display()),
        };
        let pair = |(finops, dataverse): (String, Value)| (Cell::Text(finops), Cell::of_toml(&dataverse));
        Ok(Self {
            finops,
            dataverse,
            to_dataverse,
            to_finops,
            default: field.get("default").map(Cell::of_toml),
            values: values.map(|set| set.into_iter().map(pair).collect()),
        })
    }

    /// What Dataverse must say where F&O says this; `None` when the map has no word for it.
    pub(crate) fn in_dataverse(&self, finops: &Cell) -> Option<Cell> {
        self.mapped(finops, |(from, to)| (from, to))
    }

    /// What F&O must say where Dataverse says this; `None` when the map has no word for it.
    pub(crate) fn in_finops(&self, dataverse: &Cell) -> Option<Cell> {
        self.mapped(dataverse, |(to, from)| (from, to))
    }

    fn mapped(&self, source: &Cell, way: fn(&(Cell, Cell)) -> (&Cell, &Cell)) -> Option<Cell> {
        let target = match &self.values {
            _ if *source == Cell::Nothing => Cell::Nothing,
            None => source.clone(),
            Some(pairs) => pairs.iter().map(way).find(|(from, _)| from.key() == source.key())?.1.clone(),
        };
        let empty = target == Cell::Nothing;
        Some(self.default.clone().filter(|_| empty).unwrap_or(target))
    }
}

pub(crate) fn table(path: &Path) -> anyhow::Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    text.parse().with_context(|| format!("{} is not TOML", path.display()))
}

/// A shared value set: in a folder `values` beside the map or above it.
fn shared_values(name: &str, map: &Path) -> anyhow::Result<Table> {
    let files = map.ancestors().skip(1).map(|folder| folder.join("values").join(format!("{name}.toml")));
    let file =
        files.into_iter().find(|file| file.is_file()).with_context(|| format!("no value set {name}"))?;
    table(&file)?.get("values").and_then(Value::as_table).cloned().context("no [values]")
}
