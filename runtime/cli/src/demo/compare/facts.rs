//! What a map file says, read by a few lines of its own: a mistake in the map builder must not hide here too.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::cell::Cell;
use crate::Failure;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leg {
    /// From F&O to Dataverse.
    ToDataverse,
    /// From Dataverse to F&O.
    ToFinops,
}

impl Leg {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ToDataverse => "to-dataverse",
            Self::ToFinops => "to-finops",
        }
    }
}

/// What one map promises.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) finops: Side,
    pub(crate) dataverse: Side,
    pub(crate) fields: Vec<Field>,
    pub(crate) legs: Vec<Leg>,
}

/// One side: a table, its key columns in key order, the rows that are the map's business.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) table: String,
    pub(crate) key: Vec<String>,
    pub(crate) filter: Option<String>,
}

/// One mapped field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) finops: Option<String>,
    pub(crate) dataverse: Option<String>,
    legs: Vec<Leg>,
    default: Option<Cell>,
    /// Pairs of an F&O value and a Dataverse value.
    values: Option<Vec<(Cell, Cell)>>,
}

// === impl Facts ===

impl Facts {
    /// Reads a map file; shared value sets are looked for in a folder `values` beside it or above it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::usage(format!("this is not a map: {what}")).at(path.display());
        let file = table(path)?;
        let map = file.get("map").and_then(Value::as_table).ok_or_else(|| wrong("no [map]"))?;
        let text = |name: &str| {
            let value = map.get(name).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| wrong(&format!("no {name}")))
        };
        let mut keys = (Vec::new(), Vec::new());
        for pair in map.get("key").and_then(Value::as_array).into_iter().flatten() {
            let column = |side: &str| pair.get(side).and_then(Value::as_str).map(str::to_owned);
            let (Some(finops), Some(dataverse)) = (column("finops"), column("dataverse")) else {
                return Err(wrong("a key without both columns"));
            };
            keys.0.push(finops);
            keys.1.push(dataverse);
        }
        let filter = |side: &str| {
            let filter = map.get("filter").and_then(|filter| filter.get(side));
            filter.and_then(Value::as_str).map(str::to_owned)
        };
        let named = map.get("legs").and_then(Value::as_array).map(|legs| {
            let words: Vec<&str> = legs.iter().filter_map(Value::as_str).collect();
            both_legs()
                .into_iter()
                .filter(|leg| words.contains(&"both") || words.contains(&leg.word()))
                .collect()
        });
        let mut fields = Vec::new();
        let lists = [map.get("field"), file.get("field")];
        for field in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            fields.push(Field::read(field, path)?);
        }
        let legs = named.unwrap_or_else(|| {
            let has = |leg: &Leg| fields.iter().any(|field| field.legs.contains(leg));
            both_legs().into_iter().filter(has).collect::<Vec<Leg>>()
        });
        Ok(Self {
            name: text("name")?,
            finops: Side { table: text("finops")?, key: keys.0, filter: filter("finops") },
            dataverse: Side { table: text("dataverse")?, key: keys.1, filter: filter("dataverse") },
            fields,
            legs: if legs.is_empty() { vec![Leg::ToDataverse] } else { legs },
        })
    }

    /// Source and target of a leg.
    pub(crate) fn sides(&self, leg: Leg) -> (&Side, &Side) {
        match leg {
            Leg::ToDataverse => (&self.finops, &self.dataverse),
            Leg::ToFinops => (&self.dataverse, &self.finops),
        }
    }

    /// Every Dataverse column or lookup path that the map speaks of.
    pub(crate) fn dataverse_columns(&self) -> Vec<&str> {
        let fields = self.fields.iter().filter_map(|field| field.dataverse.as_deref());
        self.dataverse.key.iter().map(String::as_str).chain(fields).collect()
    }
}

fn both_legs() -> [Leg; 2] {
    [Leg::ToDataverse, Leg::ToFinops]
}

fn table(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage("cannot read the map").at(path.display()).because(error))?;
    text.parse().map_err(|error: toml::de::Error| {
        Failure::usage("this is not TOML").at(path.display()).because(error)
    })
}

// === impl Field ===

impl Field {
    fn read(field: &Value, path: &Path) -> Result<Self, Failure> {
        let text = |name: &str| field.get(name).and_then(Value::as_str).map(str::to_owned);
        let (finops, dataverse) = (text("finops"), text("dataverse"));
        let legs = match (text("direction").as_deref(), &finops, &dataverse) {
            (Some("to-dataverse"), ..) | (None, None, _) => vec![Leg::ToDataverse],
            (Some("to-finops"), ..) | (None, _, None) => vec![Leg::ToFinops],
            _ => both_legs().to_vec(),
        };
        let values = match field.get("values") {
            Some(Value::String(name)) => Some(pairs(&shared_values(name, path)?)),
            Some(Value::Table(set)) => Some(pairs(set)),
            _ => None,
        };
        Ok(Self { finops, dataverse, legs, default: field.get("default").map(Cell::of_toml), values })
    }

    /// The target column of a leg, when the field goes that way.
    pub(crate) fn target(&self, leg: Leg) -> Option<&str> {
        let target = match leg {
            Leg::ToDataverse => self.dataverse.as_deref(),
            Leg::ToFinops => self.finops.as_deref(),
        };
        target.filter(|_| self.legs.contains(&leg))
    }

    /// The source column of a leg; none for a constant.
    pub(crate) fn source(&self, leg: Leg) -> Option<&str> {
        match leg {
            Leg::ToDataverse => self.finops.as_deref(),
            Leg::ToFinops => self.dataverse.as_deref(),
        }
    }

    /// What the target must say when the source says this; `None` when the map has no word for it.
    pub(crate) fn expected(&self, leg: Leg, source: &Cell) -> Option<Cell> {
        let mapped = match &self.values {
            None => source.clone(),
            Some(pairs) => {
                let sides = pairs.iter().map(|(finops, dataverse)| match leg {
                    Leg::ToDataverse => (finops, dataverse),
                    Leg::ToFinops => (dataverse, finops),
                });
                let mut fitting =
                    sides.filter(|(from, _)| from.key() == source.key()).map(|(_, to)| to.clone());
                match fitting.next() {
                    Some(to) => to,
                    None if source.is_nothing() => Cell::Nothing,
                    None => return None,
                }
            }
        };
        match &self.default {
            Some(default) if mapped.is_nothing() => Some(default.clone()),
            _ => Some(mapped),
        }
    }
}

fn pairs(set: &Table) -> Vec<(Cell, Cell)> {
    set.iter().map(|(finops, dataverse)| (Cell::text(finops), Cell::of_toml(dataverse))).collect()
}

fn shared_values(name: &str, map: &Path) -> Result<Table, Failure> {
    let files: Vec<PathBuf> =
        map.ancestors().skip(1).map(|folder| folder.join("values").join(format!("{name}.toml"))).collect();
    let Some(file) = files.iter().find(|file| file.is_file()) else {
        return Err(Failure::usage(format!("there is no value set {name}")).at(map.display()));
    };
    let file = table(file)?;
    file.get("values")
        .and_then(Value::as_table)
        .cloned()
        .ok_or_else(|| Failure::usage(format!("the value set {name} has no [values]")).at(map.display()))
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::{Facts, Leg};

    const MAP: &str = r#"
[map]
name = "shops"
finops = "Shops"
dataverse = "shops"
key = [ { finops = "dataAreaId", dataverse = "company.code" }, { finops = "ShopId", dataverse = "number" } ]
filter = { finops = "Kind eq 'Shop'" }
field = [
  { finops = "Open", dataverse = "isopen", values = "yes-no" },
  { finops = "Level", dataverse = "level", values = { Low = 1, High = 2 } },
  { dataverse = "kind", default = 3 },
  { finops = "Language", dataverse = "language", direction = "to-finops", default = "en-us" },
]
"#;

    #[test]
    fn a_map_file_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("values")).unwrap();
        std::fs::create_dir_all(folder.path().join("area")).unwrap();
        let set = "[values]\nNo = false\nYes = true\n";
        std::fs::write(folder.path().join("values/yes-no.toml"), set).unwrap();
        let path = folder.path().join("area/shops.toml");
        std::fs::write(&path, MAP).unwrap();
        let facts = Facts::read(&path).unwrap();
        assert_eq!(facts.legs, [Leg::ToDataverse, Leg::ToFinops]);
        assert_eq!(facts.dataverse.key, ["company.code", "number"]);
        assert_eq!(facts.finops.filter.as_deref(), Some("Kind eq 'Shop'"));
        let [open, level, kind, language] = facts.fields.as_slice() else { panic!("four fields") };
        assert_eq!(open.expected(Leg::ToDataverse, &Cell::text("yes")), Some(Cell::Flag(true)));
        assert_eq!(open.expected(Leg::ToFinops, &Cell::Flag(false)), Some(Cell::text("No")));
        assert_eq!(level.expected(Leg::ToDataverse, &Cell::text("Middle")), None);
        assert_eq!(level.expected(Leg::ToDataverse, &Cell::Nothing), Some(Cell::Nothing));
        assert_eq!((kind.target(Leg::ToDataverse), kind.source(Leg::ToDataverse)), (Some("kind"), None));
        assert_eq!(kind.target(Leg::ToFinops), None);
        assert_eq!(language.target(Leg::ToDataverse), None);
        assert_eq!(language.expected(Leg::ToFinops, &Cell::Nothing), Some(Cell::text("en-us")));
    }
}
