//! What the operator lets one component see and import.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use dualwright_model::ColumnPath;
use dualwright_plugin_host as host;
use serde::Deserialize;

use super::{Http, Lookup};
use crate::Failure;

/// What one component, a map or a layer, is granted: `[map.grants]` and `[map.layer.grants]`. Nothing is granted that is
/// not written here, but for the columns that the component declares.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Grants {
    /// Whether it may write lines into the operator's log.
    pub log: bool,
    /// Values that it may ask for by name.
    pub settings: BTreeMap<String, Setting>,
    /// The only columns that it may see, whatever it declares.
    pub fields: Option<BTreeSet<ColumnPath>>,
    /// Columns that it may not see, whatever it declares.
    pub withhold: BTreeSet<ColumnPath>,
    /// The tables in which it may look single records up.
    pub lookup: Vec<Lookup>,
    /// The hosts to which it may send requests.
    pub http: Vec<Http>,
}

/// One value. Components get it as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a setting is a text, a whole number, or true or false; write other numbers as text"
)]
pub enum Setting {
    /// As it is.
    Text(String),
    /// In digits.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Boolean(flag) => write!(formatter, "{flag}"),
        }
    }
}

impl Grants {
    /// The grants as the sandbox wants them. `folder` is where relative paths start from.
    ///
    /// # Errors
    /// When something that is named here cannot be read.
    pub fn read(&self, folder: &Path) -> Result<host::Grants, Failure> {
        let settings = self.settings.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let fields = host::FieldGrant { only: self.fields.clone(), withhold: self.withhold.clone() };
        let lookup = self.lookup.iter().map(Lookup::read).collect::<Result<_, _>>()?;
        let http = self.http.iter().map(|http| http.read(folder)).collect::<Result<_, _>>()?;
        Ok(host::Grants { log: self.log, settings, fields, lookup, http })
    }
}
