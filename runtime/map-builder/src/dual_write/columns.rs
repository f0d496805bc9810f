//! What the systems' own descriptions tell of columns, where they are at hand.

use dualwright_model::{ColumnSchema, ColumnType, System, TableName, TableSchema};
use toml::Value;

use crate::check::Schemas;

/// The columns of both tables of a map, as far as they are known.
#[derive(Clone, Copy, Default)]
pub(super) struct Columns<'a> {
    pub(super) finops: Option<&'a TableSchema>,
    pub(super) dataverse: Option<&'a TableSchema>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(schemas: &'a Schemas, finops: &str, dataverse: &str) -> Self {
        Self {
            finops: schemas.table(System::Finops, &TableName::new(finops)),
            dataverse: schemas.table(System::Dataverse, &TableName::new(dataverse)),
        }
    }

    fn table(&self, side: System) -> Option<&'a TableSchema> {
        match side {
            System::Finops => self.finops,
            System::Dataverse => self.dataverse,
        }
    }

    fn column(&self, side: System, name: &str) -> Option<&'a ColumnSchema> {
        self.table(side)?.columns.get(&name.to_lowercase())
    }

    /// A column as its system spells it. Definitions write F&O's columns in capitals.
    pub(super) fn spelled(&self, side: System, name: &str) -> String {
        self.column(side, name).filter(|_| !name.contains('.')).map_or(name, |column| &column.name).to_owned()
    }

    /// A value as the column holds it; without a description, what it looks like.
    pub(super) fn value(&self, side: System, column: &str, text: &str) -> Value {
        let number = || canonical_integer(text).map(Value::Integer);
        let flag = || text.to_ascii_lowercase().parse().ok().map(Value::Boolean);
        let typed = match self.column(side, column).map(|column| &column.column_type) {
            Some(ColumnType::Integer | ColumnType::OptionSet { .. }) => number(),
            Some(ColumnType::Boolean) => flag(),
            Some(ColumnType::Enum { .. }) => Some(Value::String(self.member(column, text))),
            Some(_) => None,
            None => number().or_else(|| if text == "true" || text == "false" { flag() } else { None }),
        };
        typed.unwrap_or_else(|| Value::String(text.to_owned()))
    }

    /// The member of an F&O enum as the enum spells it.
    pub(super) fn member(&self, column: &str, text: &str) -> String {
        let Some(ColumnType::Enum { members, .. }) =
            self.column(System::Finops, column).map(|it| &it.column_type)
        else {
            return text.to_owned();
        };
        members
            .iter()
            .find(|member| member.eq_ignore_ascii_case(text))
            .map_or(text, String::as_str)
            .to_owned()
    }

    /// Whether the system is known, and known not to have the column.
    pub(super) fn lacks(&self, side: System, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        self.table(side).is_some_and(|table| !table.columns.contains_key(&first.to_lowercase()))
    }

    /// The lookup to the companies, for a table whose rows belong to one.
    pub(super) fn company(&self) -> Option<String> {
        let table = self.dataverse?;
        let leads_there = |column: &&ColumnSchema| {
            let lookup = column.lookup.as_ref();
            lookup
                .is_some_and(|lookup| lookup.targets.iter().any(|target| target.as_str() == "cdm_companies"))
        };
        let lookups: Vec<&ColumnSchema> = table.columns.values().filter(leads_there).collect();
        let in_key = |column: &&&ColumnSchema| {
            table
                .keys
                .iter()
                .any(|key| key.columns.iter().any(|name| name.eq_ignore_ascii_case(&column.name)))
        };
        let lookup = lookups.iter().find(in_key).or(lookups.first())?;
        Some(format!("{}.cdm_companycode", lookup.name))
    }
}

/// A whole number that is written as it would be printed: `007` and `+1` are texts.
fn canonical_integer(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// A lookup that may lead to several tables, `customerid.Account(accountnumber).Contact(number)`, as the map language writes
/// it: `customerid.accountnumber|number`. Everything else stays as it is.
pub(super) fn one_path(text: &str) -> String {
    let key_of = |part: &str| Some(part.strip_suffix(')')?.split_once('(')?.1.to_owned());
    let Some((lookup, targets)) = text.split_once('.') else { return text.to_owned() };
    match targets.split('.').map(key_of).collect::<Option<Vec<String>>>() {
        Some(keys) => format!("{lookup}.{}", keys.join("|")),
        None => text.to_owned(),
    }
}

/// Whether the map language takes this for a column or a path.
pub(super) fn is_column(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|character| character.is_alphanumeric() || character == '_')
    };
    let mut parts = name.split('.');
    parts.next().is_some_and(word) && parts.all(|part| part.split('|').all(word))
}
