//! Tables as the schema files describe them: one TOML file a table, the same format for both systems.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::kernel::error::EmulatorError;

/// The file that holds enums rather than a table.
const ENUMS_FILE: &str = "enums.toml";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// An exact number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A moment.
    Timestamp,
    /// A day.
    Date,
    /// A GUID.
    Guid,
    /// A Dataverse choice: numbers.
    OptionSet,
    /// An F&O enum: member names.
    Enum,
    /// A Dataverse lookup: the GUID of a row of one of the targets.
    Lookup,
}

/// One column, as the file says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name as the API spells it.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Text: the longest, in UTF-16 code units.
    #[serde(default)]
    pub max_length: Option<u32>,
    /// Decimals: digits kept after the point.
    #[serde(default)]
    pub scale: Option<u32>,
    /// Option sets: the numbers allowed; empty allows any.
    #[serde(default)]
    pub options: Vec<i64>,
    /// Enums: the enum's name in `enums.toml`.
    #[serde(default, rename = "enum")]
    pub enum_name: Option<String>,
    /// Lookups: the entity sets it may point to.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Whether a row cannot be created without it.
    #[serde(default)]
    pub required: bool,
    /// Whether it may be changed after the row was created.
    #[serde(default = "yes")]
    pub updatable: bool,
    /// Whether it may be given when a row is created; false for what the system numbers itself.
    #[serde(default = "yes")]
    pub creatable: bool,
    /// F&O key columns: whether a new row that does not give it gets the next number.
    #[serde(default)]
    pub number_sequence: bool,
    /// Its display name, where it differs from the name.
    #[serde(default)]
    pub label: Option<String>,
}

fn yes() -> bool {
    true
}

impl Column {
    /// A plain column of this type.
    pub fn new(name: &str, kind: ColumnType) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            max_length: None,
            scale: None,
            options: Vec::new(),
            enum_name: None,
            targets: Vec::new(),
            required: false,
            updatable: true,
            creatable: true,
            number_sequence: false,
            label: None,
        }
    }
}

/// A set of columns whose values identify a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name; the table's entity name for F&O's only key.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeysInFile {
    Columns(Vec<String>),
    Named(Vec<Key>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableInFile {
    table: String,
    logical_name: Option<String>,
    primary_id: Option<String>,
    primary_name: Option<String>,
    #[serde(default)]
    change_tracking: bool,
    entity: Option<String>,
    public_entity: Option<String>,
    label: Option<String>,
    #[serde(default)]
    column: Vec<Column>,
    key: Option<KeysInFile>,
}

/// One table (entity set).
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The entity set name, as in addresses.
    pub name: String,
    /// Dataverse: the logical (singular) name.
    pub logical_name: Option<String>,
    /// Dataverse: the primary id column.
    pub primary_id: Option<String>,
    /// Dataverse: the primary name column.
    pub primary_name: Option<String>,
    /// Dataverse: whether change tracking is on.
    pub change_tracking: bool,
    /// F&O: the entity's name, such as `CustCustomerV3Entity`.
    pub entity: Option<String>,
    /// F&O: the public singular name, such as `CustomerV3`.
    pub public_entity: Option<String>,
    /// The display name.
    pub label: Option<String>,
    /// The columns; a row's cells are in this order.
    pub columns: Vec<Column>,
    /// The keys; F&O tables have exactly one.
    pub keys: Vec<KeyIndex>,
    by_name: HashMap<String, usize>,
}

/// A key with the positions of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyIndex {
    /// Its name.
    pub name: String,
    /// The positions of its columns in [`Table::columns`].
    pub columns: Vec<usize>,
}

impl Table {
    /// The position of a column, by its exact name.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.by_name.get(column).copied()
    }

    /// A column and its position, by its exact name.
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        let position = self.position(name)?;
        self.columns.get(position).map(|column| (position, column))
    }

    /// Adds a column that every table of the system has; one of the same name in the file stays as it is.
    pub fn add_column(&mut self, column: Column) -> usize {
        if let Some(position) = self.position(&column.name) {
            return position;
        }
        self.by_name.insert(column.name.clone(), self.columns.len());
        self.columns.push(column);
        self.columns.len() - 1
    }

    /// The names of a key's columns.
    pub fn key_columns<'a>(&'a self, key: &'a KeyIndex) -> impl Iterator<Item = &'a Column> {
        key.columns.iter().filter_map(|position| self.columns.get(*position))
    }
}

/// All tables and enums of one emulator.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The tables by entity set name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// F&O's enums by name, members in their order (the first one is the empty value).
    pub enums: BTreeMap<String, Vec<String>>,
}

impl Schema {
    /// Reads schema files: `(file name, text)`.
    ///
    /// # Errors
    /// When a file is not of the format, or names a column, enum or table that is not there.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, EmulatorError> {
        let mut schema = Self::default();
        for (file, text) in files {
            let wrong = |reason: &dyn std::fmt::Display| EmulatorError::Schema {
                file: file.into(),
                reason: reason.to_string(),
            };
            if file == ENUMS_FILE || file.ends_with("/enums.toml") {
                let enums: BTreeMap<String, Vec<String>> =
                    toml::from_str(text).map_err(|error| wrong(&error))?;
                schema.enums.extend(enums);
            } else {
                let table: TableInFile = toml::from_str(text).map_err(|error| wrong(&error))?;
                let table = prepare(table).map_err(|reason| wrong(&reason))?;
                if schema.tables.insert(table.name.clone(), Arc::new(table)).is_some() {
                    return Err(wrong(&"this table is described twice"));
                }
            }
        }
        schema.check()?;
        Ok(schema)
    }

    /// Reads the schema of one system: from the folder where one is given, else the files inside the program.
    ///
    /// # Errors
    /// As [`Schema::parse`], and when the folder cannot be read.
    pub fn load(
        folder: Option<&Path>,
        system: &str,
        embedded: &[(&str, &str)],
    ) -> Result<Self, EmulatorError> {
        let Some(folder) = folder else {
            return Self::parse(embedded.iter().copied());
        };
        let inner = folder.join(system);
        let folder = if inner.is_dir() { inner } else { folder.to_path_buf() };
        let files =
            read_folder(&folder).map_err(|source| EmulatorError::Read { path: folder.clone(), source })?;
        Self::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Takes over the tables and enums of another schema.
    pub fn merge(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.enums.extend(other.enums);
    }

    /// A table by its exact entity set name.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// A Dataverse table by its logical name.
    pub fn table_by_logical_name(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.values().find(|table| table.logical_name.as_deref() == Some(name))
    }

    /// Lets a system add what all its tables have.
    pub fn extend_tables(&mut self, mut extend: impl FnMut(&mut Table)) {
        for table in self.tables.values_mut() {
            extend(Arc::make_mut(table));
        }
    }

    fn check(&self) -> Result<(), EmulatorError> {
        for table in self.tables.values() {
            let wrong = |reason: String| EmulatorError::Schema { file: table.name.clone(), reason };
            for column in &table.columns {
                match (column.kind, &column.enum_name) {
                    (ColumnType::Enum, Some(name)) if self.enums.get(name).is_none_or(Vec::is_empty) => {
                        return Err(wrong(format!(
                            "{} uses the enum {name}, which has no members",
                            column.name
                        )));
                    }
                    (ColumnType::Enum, None) => return Err(wrong(format!("{} names no enum", column.name))),
                    _ => {}
                }
                if column.kind == ColumnType::Lookup && column.targets.is_empty() {
                    return Err(wrong(format!("the lookup {} has no targets", column.name)));
                }
            }
        }
        Ok(())
    }
}

fn read_folder(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, std::fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

fn prepare(file: TableInFile) -> Result<Table, String> {
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !plain(&file.table) {
        return Err("a table name consists of letters, digits and underscores".into());
    }
    let mut by_name = HashMap::new();
    for (position, column) in file.column.iter().enumerate() {
        if !plain(&column.name) {
            return Err(format!("column {position} has no plain name"));
        }
        if by_name.insert(column.name.clone(), position).is_some() {
            return Err(format!("column {} is described twice", column.name));
        }
    }
    let keys = match file.key {
        None => Vec::new(),
        Some(KeysInFile::Named(keys)) => keys,
        Some(KeysInFile::Columns(columns)) => {
            vec![Key { name: file.entity.clone().unwrap_or_else(|| file.table.clone()), columns }]
        }
    };
    let mut indexes = Vec::with_capacity(keys.len());
    for key in keys {
        let columns: Result<Vec<usize>, String> = key
            .columns
            .iter()
            .map(|name| {
                by_name.get(name).copied().ok_or(format!("key {} names {name}, which is no column", key.name))
            })
            .collect();
        let columns = columns?;
        if columns.is_empty() {
            return Err(format!("key {} has no columns", key.name));
        }
        indexes.push(KeyIndex { name: key.name, columns });
    }
    Ok(Table {
        name: file.table,
        logical_name: file.logical_name,
        primary_id: file.primary_id,
        primary_name: file.primary_name,
        change_tracking: file.change_tracking,
        entity: file.entity,
        public_entity: file.public_entity,
        label: file.label,
        columns: file.column,
        keys: indexes,
        by_name,
    })
}

#[cfg(test)]
mod tests {
    use super::{ColumnType, Schema};

    const GROUPS: &str = r#"
        table = "CustomerGroups"
        entity = "CustCustomerGroupEntity"
        public_entity = "CustomerGroup"
        key = ["dataAreaId", "CustomerGroupId"]
        column = [
            { name = "dataAreaId", type = "text", max_length = 4 },
            { name = "CustomerGroupId", type = "text", max_length = 10 },
            { name = "IsSalesTaxIncludedInPrice", type = "enum", enum = "NoYes" },
        ]
    "#;

    #[test]
    fn both_ways_of_naming_keys_are_read() {
        let accounts = r#"
            table = "accounts"
            logical_name = "account"
            primary_id = "accountid"
            column = [{ name = "accountnumber", type = "text" }]
            key = [{ name = "number", columns = ["accountnumber"] }]
        "#;
        let files = [("g.toml", GROUPS), ("enums.toml", "NoYes = ['No', 'Yes']"), ("a.toml", accounts)];
        let schema = Schema::parse(files).unwrap();
        let groups = schema.table("CustomerGroups").unwrap();
        assert_eq!(groups.keys[0].columns, vec![0, 1]);
        assert_eq!(groups.column("IsSalesTaxIncludedInPrice").unwrap().1.kind, ColumnType::Enum);
        assert_eq!(schema.table_by_logical_name("account").unwrap().keys[0].name, "number");
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str, word: &str| {
            let error = Schema::parse([("t.toml", text)]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        check(GROUPS, "NoYes");
        check("table = 'a b'", "letters");
        check("table = 'a'\ncolour = 'red'", "colour");
        check("table = 'a'\nkey = ['x']", "no column");
        check("table = 'a'\ncolumn = [{ name = 'x', type = 'lookup' }]", "targets");
        check(
            "table = 'a'\ncolumn = [{ name = 'x', type = 'text' }, { name = 'x', type = 'text' }]",
            "twice",
        );
    }
}
