//! `EntityDefinitions`: table definitions as data. After `webapi/query-metadata-web-api.md`.

use std::collections::BTreeSet;
use std::sync::Arc;

use dualwright_model::Value as Cell;
use dualwright_odata::key::parse_path_segment;
use dualwright_odata::query::Query;
use http::StatusCode;
use serde_json::{Map, Value, json as object};

use super::definition::{attribute, entity_definition, key, relationship};
use super::error::ApiError;
use super::model::{Entity, Model};
use super::request::{ReadRequest, json};
use crate::kernel::http::Response;
use crate::kernel::rows::Snapshot;

/// Reads definitions.
pub(super) struct Definitions {
    root: String,
    query: Query,
    /// The table's logical name or `MetadataId`; `None` for all tables.
    table: Option<Named>,
    part: Part,
}

enum Named {
    Logical(String),
    Id(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    Attributes,
    Keys,
    ManyToOne,
    OneToMany,
    /// The emulator has no such relationship: it is always empty.
    ManyToMany,
}

enum Part {
    /// The definition itself.
    Whole,
    /// One of its collections, cast to a type, and one member of it by logical name.
    Collection { collection: Collection, cast: Option<String>, member: Option<String> },
}

impl Collection {
    fn of(name: &str) -> Option<Self> {
        match name {
            "Attributes" => Some(Self::Attributes),
            "Keys" => Some(Self::Keys),
            "ManyToOneRelationships" => Some(Self::ManyToOne),
            "OneToManyRelationships" => Some(Self::OneToMany),
            "ManyToManyRelationships" => Some(Self::ManyToMany),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Attributes => "Attributes",
            Self::Keys => "Keys",
            Self::ManyToOne => "ManyToOneRelationships",
            Self::OneToMany => "OneToManyRelationships",
            Self::ManyToMany => "ManyToManyRelationships",
        }
    }
}

impl Definitions {
    pub(super) fn new(root: String, segments: &[&str], query: Query) -> Result<Self, ApiError> {
        let first = segments.first().copied().unwrap_or_default();
        let table = named(first, "EntityDefinitions")?;
        let part = match (segments.get(1).copied(), &table) {
            (None, _) => Part::Whole,
            (Some(segment), Some(_)) => {
                let (name, key) =
                    parse_path_segment(segment).map_err(|error| ApiError::bad_address(error.to_string()))?;
                let Some(collection) = Collection::of(&name) else {
                    return Err(ApiError::unsupported(&format!("{name} of a table definition")));
                };
                let member = match key {
                    None => None,
                    Some(_) => match named(segment, &name)? {
                        Some(Named::Logical(name)) => Some(name),
                        _ => return Err(ApiError::unsupported("definitions by MetadataId below a table")),
                    },
                };
                let cast = segments.get(2).map(|cast| cast.trim_start_matches("Microsoft.Dynamics.CRM."));
                Part::Collection { collection, cast: cast.map(str::to_owned), member }
            }
            (Some(segment), None) => return Err(ApiError::no_resource(segment)),
        };
        if segments.len() > 3 {
            return Err(ApiError::unsupported("addresses below a definition's attribute"));
        }
        for option in &query.expand {
            let known = Collection::of(&option.path).is_some() || option.path == "OptionSet";
            if !known {
                return Err(ApiError::unsupported(&format!("$expand of {} of a definition", option.path)));
            }
        }
        Ok(Self { root, query, table, part })
    }

    fn find<'a>(&self, model: &'a Model, named: &Named) -> Result<&'a Arc<Entity>, ApiError> {
        let found = match named {
            Named::Logical(name) => model.by_logical_name(name),
            Named::Id(id) => {
                model.entities.values().find(|entity| super::definition::metadata_id(entity) == *id)
            }
        };
        found.ok_or_else(|| {
            let (Named::Logical(name) | Named::Id(name)) = named;
            ApiError::not_found("entity definition", name)
        })
    }

    fn whole(&self, model: &Model, entity: &Entity) -> Result<Value, ApiError> {
        let definition = entity_definition(entity);
        let known = |name: &str| definition.get(name).is_some() || Collection::of(name).is_some();
        check_names(&self.query, "a table definition", known)?;
        let mut definition = select(definition, &self.query, "MetadataId");
        for option in &self.query.expand {
            let Some(collection) = Collection::of(&option.path) else { continue };
            let members = members(model, entity, collection, None, &option.options)?;
            if let Value::Object(definition) = &mut definition {
                definition.insert(option.path.clone(), Value::Array(members));
            }
        }
        Ok(definition)
    }
}

fn named(segment: &str, expected: &str) -> Result<Option<Named>, ApiError> {
    let (name, key) =
        parse_path_segment(segment).map_err(|error| ApiError::bad_address(error.to_string()))?;
    if name != expected {
        return Err(ApiError::no_resource(&name));
    }
    let Some(key) = key else { return Ok(None) };
    let literal = key.get("LogicalName").map(|literal| (true, literal));
    match literal.or_else(|| key.unnamed().map(|literal| (false, literal))) {
        Some((true, literal)) => Ok(Some(Named::Logical(literal.to_value().to_key_text()))),
        Some((false, literal)) => Ok(Some(Named::Id(literal.to_value().to_key_text()))),
        None => Err(ApiError::no_key("EntityMetadata")),
    }
}

/// The members of a collection, filtered, selected and expanded.
fn members(
    model: &Model,
    entity: &Entity,
    collection: Collection,
    cast: Option<&str>,
    query: &Query,
) -> Result<Vec<Value>, ApiError> {
    let with_options = cast.is_some() && query.expand.iter().any(|option| option.path == "OptionSet");
    let all: Vec<Value> = match collection {
        Collection::Attributes => (0..entity.properties.len())
            .filter_map(|position| attribute(model, entity, position, with_options))
            .collect(),
        Collection::Keys => entity.table.keys.iter().map(|index| key(entity, index)).collect(),
        Collection::ManyToOne => entity
            .navigation
            .iter()
            .filter_map(|(name, navigation)| relationship(model, entity, name, navigation))
            .collect(),
        Collection::OneToMany => model
            .entities
            .values()
            .flat_map(|other| {
                let leads = other.navigation.iter();
                let here = leads.filter(|(_, navigation)| navigation.target == entity.table.name);
                here.filter_map(|(name, navigation)| relationship(model, other, name, navigation))
            })
            .collect(),
        Collection::ManyToMany => Vec::new(),
    };
    let known: BTreeSet<&str> =
        all.iter().filter_map(Value::as_object).flat_map(Map::keys).map(String::as_str).collect();
    check_names(query, collection.name(), |name| {
        all.is_empty() || name == "OptionSet" || known.contains(name)
    })?;
    let wanted = cast.map(|cast| format!("#Microsoft.Dynamics.CRM.{cast}"));
    let mut kept = Vec::with_capacity(all.len());
    for member in all {
        let typed = wanted
            .as_ref()
            .is_none_or(|wanted| member.get("@odata.type").and_then(Value::as_str) == Some(wanted));
        if typed && fits(&member, query) {
            let mut member = select(member, query, "MetadataId");
            if cast.is_some()
                && let Value::Object(member) = &mut member
            {
                member.remove("@odata.type");
            }
            kept.push(member);
        }
    }
    Ok(kept)
}

/// Refuses properties of definitions that the emulator does not have: a filter on them would find nothing, and a client
/// would take that for the truth.
fn check_names(query: &Query, of: &str, known: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    let filtered = query.filter.iter().flat_map(|filter| filter.columns());
    let selected = query.select.iter().map(String::as_str);
    let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    match filtered.chain(selected).map(first).find(|name| !known(name)) {
        Some(name) => Err(ApiError::unsupported(&format!("the property {name} of {of}"))),
        None => Ok(()),
    }
}

fn fits(member: &Value, query: &Query) -> bool {
    query.filter.as_ref().is_none_or(|filter| {
        filter.matches(&|path| {
            let found = path.split('/').try_fold(member, |value, name| value.get(name));
            match found {
                Some(Value::String(text)) => Cell::text(text),
                Some(Value::Bool(flag)) => Cell::Boolean(*flag),
                Some(Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::Integer),
                _ => Cell::Null,
            }
        })
    })
}

fn select(value: Value, query: &Query, always: &str) -> Value {
    let Value::Object(members) = value else { return value };
    if query.select.is_empty() {
        return Value::Object(members);
    }
    let expanded = |name: &str| query.expand.iter().any(|option| option.path == name);
    let wanted = |name: &str| {
        name == always
            || name.starts_with('@')
            || expanded(name)
            || query.select.iter().any(|selected| selected == name)
    };
    Value::Object(members.into_iter().filter(|(name, _)| wanted(name)).collect::<Map<_, _>>())
}

impl ReadRequest for Definitions {
    fn run(&self, _: &Snapshot<'_>, model: &Model) -> Result<Response, ApiError> {
        let context = |suffix: &str| format!("{}/$metadata#EntityDefinitions{suffix}", self.root);
        let Some(named) = &self.table else {
            let mut definitions = Vec::new();
            for entity in model.entities.values() {
                let whole = self.whole(model, entity)?;
                if fits(&entity_definition(entity), &self.query) {
                    definitions.push(whole);
                }
            }
            let body = object!({ "@odata.context": context(""), "value": definitions });
            return Ok(json(StatusCode::OK, body.to_string()));
        };
        let entity = self.find(model, named)?;
        let body = match &self.part {
            Part::Whole => with_context(self.whole(model, entity)?, &context("/$entity")),
            Part::Collection { collection, cast, member } => {
                let members = members(model, entity, *collection, cast.as_deref(), &self.query)?;
                let context = context(&format!("('{}')/{}", entity.logical_name, collection.name()));
                match member {
                    None => object!({ "@odata.context": context, "value": members }),
                    Some(name) => {
                        let found = members
                            .into_iter()
                            .find(|member| member.get("LogicalName").and_then(Value::as_str) == Some(name));
                        let found = found.ok_or_else(|| ApiError::not_found("attribute", name))?;
                        with_context(found, &format!("{context}/$entity"))
                    }
                }
            }
        };
        Ok(json(StatusCode::OK, body.to_string()))
    }
}

fn with_context(value: Value, context: &str) -> Value {
    let mut members = Map::new();
    members.insert("@odata.context".to_owned(), Value::from(context));
    if let Value::Object(own) = value {
        members.extend(own);
    }
    Value::Object(members)
}
