//! A definition as dual-write writes it, read leniently: members that nobody knows are kept by name, to be told.
//!
//! The shape is that of `msdyn_mapping` in a row of `msdyn_dualwriteentitymap`. Each saved version of a map is a row of its
//! own; the name in it is `[F&O entity] - [Dataverse table]`.

use serde_json::{Map, Value as Json};

use super::columns::one_path;

/// The largest definition.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// One map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// `[Customer groups] - [msdyn_customergroups]`.
    pub name: String,
    /// `a.b.c.d`, where the row says it.
    pub version: Option<String>,
    /// The legs; every map seen so far has exactly one.
    pub legs: Vec<Leg>,
    /// What dual-write has no words for, as an export left it.
    pub extra: Option<Json>,
    /// Members that nobody knows.
    pub unknown: Vec<String>,
}

/// One pair of tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leg {
    /// Label, name or entity set of the source table.
    pub source: String,
    /// The source table's own name, where it is told.
    pub source_name: Option<String>,
    /// `AX` or `CRM`.
    pub source_system: String,
    /// Label, name or entity set of the destination table.
    pub destination: String,
    /// `AX` or `CRM`.
    pub destination_system: String,
    /// Over the source, in its own language.
    pub source_filter: String,
    /// Over the destination, in its own language.
    pub reversed_filter: String,
    /// The fields.
    pub fields: Vec<FieldMapping>,
    /// Members that nobody knows, or that ask for something that is not done here.
    pub unknown: Vec<String>,
}

/// One pair of columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldMapping {
    /// 1 to the destination, 2 to the source, 3 both; as it is written.
    pub direction: String,
    /// The source column; empty for a constant.
    pub source: String,
    /// The destination column or lookup path; empty for a constant.
    pub destination: String,
    /// The entity set that the path leads to.
    pub related: Option<String>,
    /// Whether dual-write made this line by itself.
    pub system_generated: bool,
    /// What happens to the value.
    pub transforms: Vec<Transform>,
    /// What dual-write has no words for, as an export left it.
    pub extra: Option<Json>,
    /// Members that nobody knows.
    pub unknown: Vec<String>,
}

/// What happens to a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transform {
    /// `ValueMap`, `Default`, or something else.
    pub kind: String,
    /// Source values and what they become.
    pub values: Vec<(String, String)>,
    /// Given where there is no value.
    pub default: Option<String>,
    /// Whether options are made where they are missing.
    pub creates_values: bool,
    /// Members that nobody knows.
    pub unknown: Vec<String>,
}

/// A text that is not a definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// It is too long.
    #[error("a definition of more than {} MiB is not read", MAX_LENGTH / 1024 / 1024)]
    TooLong,
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another shape.
    #[error("it is no dual-write definition: {0}")]
    Shape(&'static str),
}

impl Definition {
    /// Reads one definition: the JSON of `msdyn_mapping`, also where it is packed into a JSON text once more.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        if text.len() > MAX_LENGTH {
            return Err(DefinitionError::TooLong);
        }
        Self::from_json(serde_json::from_str(text)?)
    }

    pub(super) fn from_json(json: Json) -> Result<Self, DefinitionError> {
        let json = match json {
            Json::String(text) => serde_json::from_str(&text)?,
            other => other,
        };
        let Json::Object(object) = json else {
            return Err(DefinitionError::Shape("it is not an object"));
        };
        let mut members = Members(object);
        let legs = members.list("legs").ok_or(DefinitionError::Shape("it has no `legs`"))?;
        if legs.is_empty() {
            return Err(DefinitionError::Shape("`legs` is empty"));
        }
        Ok(Self {
            name: members.text("name").unwrap_or_default(),
            version: members.text("version"),
            legs: legs.into_iter().map(leg).collect::<Result<_, _>>()?,
            extra: members.take("dualwright"),
            unknown: members.unknown(&[
                "id",
                "order",
                "connectionSetName",
                "leftEnvironmentType",
                "centerEnvironmentType",
                "rightEnvironmentType",
                "leftEnvironment",
                "centerEnvironment",
                "rightEnvironment",
                "leftPartitionName",
                "centerPartitionName",
                "rightPartitionName",
            ]),
        })
    }
}

fn leg(json: Json) -> Result<Leg, DefinitionError> {
    let Json::Object(object) = json else {
        return Err(DefinitionError::Shape("a leg is not an object"));
    };
    let mut members = Members(object);
    let fields =
        members.list("fieldMappings").ok_or(DefinitionError::Shape("a leg has no `fieldMappings`"))?;
    Ok(Leg {
        source: members.text("sourceSchema").unwrap_or_default(),
        source_name: members.text("sourceSchemaDistinctName").filter(|name| !name.trim().is_empty()),
        source_system: members.text("sourceEnvironmentType").unwrap_or_default(),
        destination: members.text("destinationSchema").unwrap_or_default(),
        destination_system: members.text("destinationEnvironmentType").unwrap_or_default(),
        source_filter: members.text("sourceFilter").unwrap_or_default(),
        reversed_filter: members.text("reversedSourceFilter").unwrap_or_default(),
        fields: fields.into_iter().map(field).collect::<Result<_, _>>()?,
        // `deleteNonMatchingData: false` is empty and so not told; `true` would be.
        unknown: members.unknown(&[
            "id",
            "sourceEnvironment",
            "destinationEnvironment",
            "isSourceFilterEditable",
            "entityFileFormat",
            "sourceEntitySchema",
            "sourceProjectName",
        ]),
    })
}

fn field(json: Json) -> Result<FieldMapping, DefinitionError> {
    let Json::Object(object) = json else {
        return Err(DefinitionError::Shape("a field mapping is not an object"));
    };
    let mut members = Members(object);
    let transforms = members.list("valueTransforms").unwrap_or_default();
    Ok(FieldMapping {
        direction: members.text("syncDirection").unwrap_or_default(),
        source: members.text("sourceField").unwrap_or_default().trim().to_owned(),
        destination: one_path(members.text("destinationField").unwrap_or_default().trim()),
        related: members.text("destinationLookupFieldRelatedEntity"),
        system_generated: members.flag("isSystemGenerated"),
        transforms: transforms.into_iter().map(transform).collect::<Result<_, _>>()?,
        extra: members.take("dualwright"),
        unknown: members.unknown(&["id"]),
    })
}

fn transform(json: Json) -> Result<Transform, DefinitionError> {
    let Json::Object(object) = json else {
        return Err(DefinitionError::Shape("a value transform is not an object"));
    };
    let mut members = Members(object);
    let values = match members.take("valueMap") {
        Some(Json::Object(pairs)) => {
            pairs.into_iter().map(|(from, to)| (from, plain(&to).unwrap_or_default())).collect()
        }
        _ => Vec::new(),
    };
    Ok(Transform {
        kind: members.text("transformType").unwrap_or_default(),
        values,
        default: members.text("defaultValue"),
        creates_values: members.flag("createValuesOnDestination"),
        unknown: members.unknown(&[]),
    })
}

/// The members of an object, taken out one by one, without regard to letter case.
struct Members(Map<String, Json>);

impl Members {
    fn take(&mut self, name: &str) -> Option<Json> {
        let key = self.0.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
        self.0.remove(&key).filter(|json| !json.is_null())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        plain(&self.take(name)?)
    }

    fn flag(&mut self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    fn list(&mut self, name: &str) -> Option<Vec<Json>> {
        match self.take(name)? {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }

    /// What is left, but for what has no bearing and what says nothing.
    fn unknown(&self, without_bearing: &[&str]) -> Vec<String> {
        let empty = |json: &Json| match json {
            Json::Null | Json::Bool(false) => true,
            Json::String(text) => text.trim().is_empty(),
            Json::Array(items) => items.is_empty(),
            Json::Object(members) => members.is_empty(),
            _ => false,
        };
        let known = |name: &str| {
            name.starts_with('$') || without_bearing.iter().any(|word| word.eq_ignore_ascii_case(name))
        };
        self.0
            .iter()
            .filter(|(name, json)| !known(name) && !empty(json))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// A text, number or flag as text.
fn plain(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
