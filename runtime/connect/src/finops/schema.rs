//! Tables as the metadata service describes them: `/metadata/DataEntities`, `/metadata/PublicEntities`,
//! `/metadata/PublicEnumerations`. The `$metadata` document of the data service says the same in fifty megabytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dualwright_model::{AlternateKey, ColumnSchema, ColumnType, TableName, TableSchema};
use dualwright_odata::metadata::local_name;
use dualwright_odata::percent::{encode_query, encode_segment};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::ConnectError;
use crate::http::{Client, Request};

/// A table and what is often asked of it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) schema: TableSchema,
    /// The columns of its only key, in order.
    pub(super) key: Vec<ColumnSchema>,
}

impl Table {
    pub(super) fn name(&self) -> &str {
        self.schema.name.as_str()
    }
}

/// The tables' descriptions, remembered for a while.
pub(super) struct Catalogue {
    client: Client,
    metadata_path: String,
    life: Duration,
    tables: Mutex<HashMap<String, (Instant, Arc<Table>)>>,
}

#[derive(Deserialize)]
struct Listed<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DataEntity {
    name: String,
    public_entity_name: Option<String>,
    public_collection_name: Option<String>,
    #[serde(default)]
    is_read_only: bool,
}

/// A data entity's names, as the metadata service tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityName {
    /// Its own name: `CustCustomerGroupEntity`.
    pub name: String,
    /// The entity set: `CustomerGroups`.
    pub set: String,
    /// One row's name: `CustomerGroup`.
    pub singular: String,
    /// The label, or the id of one (`@SYS11811`); empty where it has none.
    pub label: String,
}

#[derive(Deserialize)]
struct EntityPage {
    value: Vec<ListedEntity>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedEntity {
    name: String,
    public_entity_name: Option<String>,
    public_collection_name: Option<String>,
    label_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicEntity {
    entity_set_name: String,
    properties: Vec<PublicProperty>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublicProperty {
    name: String,
    type_name: String,
    data_type: String,
    #[serde(default)]
    is_key: bool,
    #[serde(default)]
    is_mandatory: bool,
    #[serde(default = "yes")]
    configuration_enabled: bool,
    #[serde(default = "yes")]
    allow_edit: bool,
    #[serde(default = "yes")]
    allow_edit_on_create: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Enumeration {
    members: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    name: String,
}

fn yes() -> bool {
    true
}

impl Catalogue {
    pub(super) fn new(client: Client, metadata_path: String, life: Duration) -> Self {
        Self { client, metadata_path, life, tables: Mutex::default() }
    }

    /// A table's description, not older than the time it is believed for.
    pub(super) async fn table(&self, name: &TableName) -> Result<Arc<Table>, ConnectError> {
        if let Some(table) = self.remembered(name) {
            return Ok(table);
        }
        self.refresh(name).await
    }

    fn remembered(&self, name: &TableName) -> Option<Arc<Table>> {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, table) = tables.get(&name.as_str().to_lowercase())?;
        (read_at.elapsed() <= self.life).then(|| Arc::clone(table))
    }

    /// A table's description, read now.
    pub(super) async fn refresh(&self, name: &TableName) -> Result<Arc<Table>, ConnectError> {
        let read_at = Instant::now();
        let entity = self.data_entity(name).await?;
        let singular = entity.public_entity_name.as_deref().unwrap_or_default();
        let path = format!("PublicEntities('{}')", quoted(singular));
        let public: PublicEntity = self.get(&path).await?;
        let enums = self.enums(&public).await?;
        let table = Arc::new(table(&entity, public, &enums));
        if table.key.is_empty() {
            return Err(self.client.protocol(format!("the table {name} has no key")));
        }
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.insert(name.as_str().to_lowercase(), (read_at, Arc::clone(&table)));
        Ok(table)
    }

    /// Which data entity has this entity set.
    async fn data_entity(&self, name: &TableName) -> Result<DataEntity, ConnectError> {
        let filter =
            encode_query(&format!("PublicCollectionName eq '{}'", name.as_str().replace('\'', "''")));
        let listed: Listed<DataEntity> = self.get(&format!("DataEntities?$filter={filter}")).await?;
        let is_it = |entity: &DataEntity| {
            let set = entity.public_collection_name.as_deref().unwrap_or_default();
            set.eq_ignore_ascii_case(name.as_str()) && entity.public_entity_name.is_some()
        };
        listed.value.into_iter().find(is_it).ok_or_else(|| self.unknown(format!("the table {name}")))
    }

    /// Every data entity that has an entity set.
    pub(super) async fn entities(&self) -> Result<Vec<EntityName>, ConnectError> {
        let mut path = format!(
            "{}DataEntities?$select=Name,PublicEntityName,PublicCollectionName,LabelId",
            self.metadata_path
        );
        let mut entities = Vec::new();
        loop {
            let answer = self.client.fetch(Request::get(path)).await?;
            let page: EntityPage = answer
                .json()
                .map_err(|reason| self.client.protocol(format!("the metadata service: {reason}")))?;
            entities.extend(page.value.into_iter().filter_map(|entity| {
                Some(EntityName {
                    name: entity.name,
                    set: entity.public_collection_name.filter(|set| !set.is_empty())?,
                    singular: entity.public_entity_name.unwrap_or_default(),
                    label: entity.label_id.unwrap_or_default(),
                })
            }));
            match page.next_link {
                Some(link) => path = self.client.path_of(&link)?,
                None => return Ok(entities),
            }
        }
    }

    /// The members of every enum that the table's columns use.
    async fn enums(&self, entity: &PublicEntity) -> Result<HashMap<String, Vec<String>>, ConnectError> {
        let names: BTreeSet<&str> = entity
            .properties
            .iter()
            .filter(|property| property.data_type == "Enum")
            .map(|property| local_name(&property.type_name))
            .collect();
        let reads = names.into_iter().map(|name| async move {
            let path = format!("PublicEnumerations('{}')", quoted(name));
            let enumeration: Enumeration = self.get(&path).await?;
            let members = enumeration.members.into_iter().map(|member| member.name).collect();
            Ok::<_, ConnectError>((name.to_owned(), members))
        });
        futures::future::try_join_all(reads).await.map(|pairs| pairs.into_iter().collect())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ConnectError> {
        let answer = self.client.fetch(Request::get(format!("{}{path}", self.metadata_path))).await?;
        answer.json().map_err(|reason| self.client.protocol(format!("the metadata service: {reason}")))
    }

    fn unknown(&self, what: String) -> ConnectError {
        ConnectError::Unknown { system: self.client.system().to_owned(), what }
    }
}

fn quoted(name: &str) -> String {
    encode_segment(&name.replace('\'', "''"))
}

fn table(entity: &DataEntity, public: PublicEntity, enums: &HashMap<String, Vec<String>>) -> Table {
    let mut columns = BTreeMap::new();
    let mut key = Vec::new();
    for property in public.properties {
        let Some(column_type) = column_type(&property, enums) else { continue };
        let column = ColumnSchema {
            column_type,
            // F&O stores an empty value where others store none.
            nullable: false,
            required: property.is_mandatory,
            creatable: property.allow_edit_on_create && !entity.is_read_only,
            updatable: property.allow_edit && !entity.is_read_only,
            lookup: None,
            name: property.name,
        };
        if property.is_key {
            key.push(column.clone());
        }
        if property.is_key || property.configuration_enabled {
            columns.insert(column.name.to_lowercase(), column);
        }
    }
    let key_columns = key.iter().map(|column| column.name.clone()).collect();
    let schema = TableSchema {
        name: TableName::new(public.entity_set_name),
        logical_name: entity.name.clone(),
        primary_id: None,
        columns,
        keys: vec![AlternateKey { name: String::new(), columns: key_columns, active: true }],
        tracks_changes: true,
    };
    Table { schema, key }
}

/// What a column holds; `None` for what no map can use (containers of bytes).
fn column_type(property: &PublicProperty, enums: &HashMap<String, Vec<String>>) -> Option<ColumnType> {
    Some(match (property.data_type.as_str(), property.type_name.as_str()) {
        ("Enum", type_name) => {
            let name = local_name(type_name).to_owned();
            let members = enums.get(&name).cloned().unwrap_or_default();
            ColumnType::Enum { name, members }
        }
        ("Date", _) => ColumnType::Date,
        (_, "Edm.String") => ColumnType::Text { max_length: None },
        // `Time` is the number of seconds since midnight.
        (_, "Edm.Int32" | "Edm.Int64" | "Edm.Int16") => ColumnType::Integer,
        (_, "Edm.Decimal" | "Edm.Double") => ColumnType::Decimal { scale: None },
        (_, "Edm.Boolean") => ColumnType::Boolean,
        (_, "Edm.DateTimeOffset") => ColumnType::Timestamp,
        (_, "Edm.Date") => ColumnType::Date,
        (_, "Edm.Guid") => ColumnType::Guid,
        _ => return None,
    })
}
