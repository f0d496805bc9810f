//! Tables as the environment describes them (learn.microsoft.com:
//! power-apps/developer/data-platform/webapi/query-metadata-web-api and .../retrieve-metadata-name-metadataid).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dualwright_model::{AlternateKey, ColumnPath, ColumnSchema, Lookup, TableName, TableSchema};
use dualwright_odata::percent::encode_query;
use tokio::time::Instant;

use super::definition::{Attribute, Definition, Limits, Listed};
use crate::ConnectError;
use crate::http::{Client, Request};

/// A table with what addresses and bodies need beyond its public schema.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) schema: TableSchema,
    /// By lower-case name of the lookup column: where it leads.
    pub(super) references: BTreeMap<String, Vec<Reference>>,
}

/// One way that a lookup column may lead; a polymorphic one has several.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    /// The related table's logical name.
    pub(super) logical_name: String,
    /// The navigation property, spelled as `@odata.bind` needs it.
    pub(super) navigation: String,
}

/// The companies' table: what makes a table company-striped is a lookup to it.
pub(super) const COMPANY: &str = "cdm_company";

impl Table {
    pub(super) fn name(&self) -> &TableName {
        &self.schema.name
    }

    pub(super) fn primary_id(&self) -> &str {
        self.schema.primary_id.as_deref().unwrap_or_default()
    }

    pub(super) fn references(&self, lookup: &str) -> &[Reference] {
        self.references.get(&lookup.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn leads_to_company(&self, lookup: &str) -> bool {
        self.references(lookup).iter().any(|reference| reference.logical_name == COMPANY)
    }

    /// How the API names a column in `$select`, filters and answers: lookups have a property of their own.
    pub(super) fn property(&self, column: &ColumnSchema) -> String {
        if column.lookup.is_some() { format!("_{}_value", column.name) } else { column.name.clone() }
    }
}

/// What is known of the environment's tables.
pub(super) struct Catalogue {
    client: Client,
    life: Duration,
    known: Mutex<Known>,
    /// Held while a table is read, so that not every task reads it when it is forgotten.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// By entity set and by logical name, both in lower case.
    tables: HashMap<Name, (Instant, Arc<Table>)>,
    /// Entity sets by logical name.
    sets: Option<(Instant, Arc<HashMap<String, String>>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Set(String),
    Logical(String),
}

impl Catalogue {
    pub(super) fn new(client: Client, life: Duration) -> Self {
        Self { client, life, known: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The word for the system in errors.
    pub(super) fn system(&self) -> &str {
        self.client.system()
    }

    /// A table by its entity set.
    pub(super) async fn table(&self, set: &TableName) -> Result<Arc<Table>, ConnectError> {
        let name = Name::Set(set.as_str().to_lowercase());
        self.known_or_read(&name, set.as_str()).await
    }

    /// A table by its logical name.
    pub(super) async fn logical(&self, logical_name: &str) -> Result<Arc<Table>, ConnectError> {
        let name = Name::Logical(logical_name.to_lowercase());
        self.known_or_read(&name, logical_name).await
    }

    async fn known_or_read(&self, name: &Name, spelled: &str) -> Result<Arc<Table>, ConnectError> {
        if let Some(table) = self.remembered(name) {
            return Ok(table);
        }
        let _one_at_a_time = self.reading.lock().await;
        match self.remembered(name) {
            Some(table) => Ok(table),
            None => self.load(name, spelled).await,
        }
    }

    /// A table as it is described now.
    pub(super) async fn fresh(&self, set: &TableName) -> Result<Arc<Table>, ConnectError> {
        self.load(&Name::Set(set.as_str().to_lowercase()), set.as_str()).await
    }

    /// The column at the end of a path, with the lookup column that the path begins with, if it is one. `None` where
    /// the path leads nowhere.
    pub(super) async fn follow(
        &self,
        table: &Arc<Table>,
        path: &ColumnPath,
    ) -> Result<Option<ColumnSchema>, ConnectError> {
        let Some((lookup, rest)) = path.split_lookup() else {
            return Ok(table.schema.column(path.as_str()).cloned());
        };
        for reference in table.references(lookup) {
            let target = self.logical(&reference.logical_name).await?;
            if let Some(found) = Box::pin(self.follow(&target, &rest)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn load(&self, name: &Name, spelled: &str) -> Result<Arc<Table>, ConnectError> {
        let condition = match name {
            Name::Set(_) => format!("EntitySetName eq '{}'", spelled.replace('\'', "''")),
            Name::Logical(_) => format!("LogicalName eq '{}'", spelled.replace('\'', "''")),
        };
        let found: Listed<Definition> = self
            .get(format!(
                "EntityDefinitions?$filter={}&$select=LogicalName,EntitySetName,PrimaryIdAttribute,\
                 ChangeTrackingEnabled&$expand=Attributes($select=LogicalName,AttributeType,IsValidForCreate,\
                 IsValidForUpdate,RequiredLevel),Keys($select=SchemaName,LogicalName,KeyAttributes,\
                 EntityKeyIndexStatus),ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,\
                 ReferencedAttribute,ReferencingEntityNavigationPropertyName)",
                encode_query(&condition)
            ))
            .await?;
        let Some(definition) = found.value.into_iter().next() else {
            let what = format!("the table {spelled}");
            return Err(ConnectError::Unknown { system: self.client.system().to_owned(), what });
        };
        let (limits, sets) = futures::try_join!(self.limits(&definition.logical_name), self.sets())?;
        let table = Arc::new(assemble(definition, &limits, &sets));
        let now = Instant::now();
        let mut known = self.lock();
        let set = Name::Set(table.schema.name.as_str().to_lowercase());
        let logical = Name::Logical(table.schema.logical_name.to_lowercase());
        known.tables.insert(set, (now, Arc::clone(&table)));
        known.tables.insert(logical, (now, Arc::clone(&table)));
        Ok(table)
    }

    /// What only the typed definitions tell. A kind that the environment does not answer for stays unlimited: the
    /// limits only let us refuse a value earlier than Dataverse would.
    async fn limits(&self, logical_name: &str) -> Result<Limits, ConnectError> {
        let kinds = Limits::KINDS.iter().map(|(kind, select)| {
            let path = format!(
                "EntityDefinitions(LogicalName='{logical_name}')/Attributes/Microsoft.Dynamics.CRM.{kind}?{select}"
            );
            async move { self.client.send(Request::get(path)).await }
        });
        let mut limits = Limits::default();
        for answer in futures::future::join_all(kinds).await {
            let answer = answer?;
            if !answer.status.is_success() {
                tracing::debug!(
                    table = logical_name,
                    status = answer.status.as_u16(),
                    "limits of a kind unknown"
                );
                continue;
            }
            match answer.json::<Listed<Attribute>>() {
                Ok(listed) => limits.add(listed.value),
                Err(reason) => tracing::debug!(table = logical_name, %reason, "limits of a kind unreadable"),
            }
        }
        Ok(limits)
    }

    /// Every table's entity set by its logical name: lookups name their targets logically, addresses need the set.
    async fn sets(&self) -> Result<Arc<HashMap<String, String>>, ConnectError> {
        if let Some((read_at, sets)) = &self.lock().sets
            && read_at.elapsed() < self.life
        {
            return Ok(Arc::clone(sets));
        }
        let listed: Listed<Definition> =
            self.get("EntityDefinitions?$select=LogicalName,EntitySetName".to_owned()).await?;
        let sets = listed
            .value
            .into_iter()
            .filter_map(|definition| Some((definition.logical_name, definition.entity_set_name?)))
            .collect();
        let sets = Arc::new(sets);
        self.lock().sets = Some((Instant::now(), Arc::clone(&sets)));
        Ok(sets)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: String) -> Result<T, ConnectError> {
        let answer = self.client.fetch(Request::get(path)).await?;
        answer.json().map_err(|reason| self.client.protocol(format!("EntityDefinitions: {reason}")))
    }

    fn remembered(&self, name: &Name) -> Option<Arc<Table>> {
        let known = self.lock();
        let (read_at, table) = known.tables.get(name)?;
        (read_at.elapsed() < self.life).then(|| Arc::clone(table))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn assemble(definition: Definition, limits: &Limits, sets: &HashMap<String, String>) -> Table {
    let mut references: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
    for relationship in definition.many_to_one_relationships {
        let (Some(attribute), Some(logical_name), Some(navigation)) =
            (relationship.referencing_attribute, relationship.referenced_entity, relationship.navigation)
        else {
            continue;
        };
        references.entry(attribute.to_lowercase()).or_default().push(Reference { logical_name, navigation });
    }
    let primary_id = definition.primary_id_attribute;
    let mut columns = BTreeMap::new();
    for attribute in definition.attributes {
        let Some(column_type) = limits.column_type(&attribute) else { continue };
        let lower = attribute.logical_name.to_lowercase();
        let lookup = attribute.is_lookup().then(|| {
            let leads = references.get(&lower).into_iter().flatten();
            let targets = leads.filter_map(|reference| sets.get(&reference.logical_name));
            Lookup { targets: targets.map(|set| TableName::new(set.as_str())).collect() }
        });
        let column = ColumnSchema {
            nullable: primary_id.as_ref() != Some(&attribute.logical_name),
            required: attribute.is_required(),
            creatable: attribute.is_valid_for_create.unwrap_or(true),
            updatable: attribute.is_valid_for_update.unwrap_or(true),
            name: attribute.logical_name,
            column_type,
            lookup,
        };
        columns.insert(lower, column);
    }
    let keys = definition.keys.into_iter().map(|key| AlternateKey {
        name: key.logical_name.or(key.schema_name).unwrap_or_default(),
        columns: key.key_attributes,
        active: key.entity_key_index_status.as_deref() == Some("Active"),
    });
    let schema = TableSchema {
        name: TableName::new(definition.entity_set_name.unwrap_or_default()),
        logical_name: definition.logical_name,
        primary_id,
        columns,
        keys: keys.collect(),
        tracks_changes: definition.change_tracking_enabled.unwrap_or(false),
    };
    Table { schema, references }
}

/// The schema that the engine sees: the table's own columns, and those that the paths lead to.
pub(super) async fn describe(
    catalogue: &Catalogue,
    set: &TableName,
    paths: &[ColumnPath],
) -> Result<TableSchema, ConnectError> {
    let table = catalogue.fresh(set).await?;
    let mut schema = table.schema.clone();
    for path in paths {
        let Some((lookup, _)) = path.split_lookup() else { continue };
        let Some(own) = table.schema.column(lookup) else { continue };
        // A path that leads nowhere is left out: whoever asks can say better which map is wrong.
        let Some(end) = catalogue.follow(&table, path).await? else { continue };
        let lower = path.as_str().to_lowercase();
        let column = ColumnSchema {
            name: lower.clone(),
            // A lookup can always be empty, whatever its target's column may be.
            nullable: true,
            required: own.required,
            creatable: own.creatable,
            updatable: own.updatable,
            column_type: end.column_type,
            lookup: None,
        };
        schema.columns.insert(lower, column);
    }
    Ok(schema)
}
