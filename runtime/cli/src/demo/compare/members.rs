//! What F&O shows in an enum where nothing was put in: the enum's first member.

use std::collections::HashMap;

use serde::Deserialize;

use super::reader::Reader;
use crate::Failure;

/// The first member of each enum column, by lower-case table and column.
#[derive(Debug, Default)]
pub(crate) struct FirstMembers(HashMap<(String, String), String>);

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entity {
    entity_set_name: String,
    properties: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Property {
    name: String,
    type_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Enumeration {
    name: String,
    members: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    name: String,
    value: i64,
}

impl FirstMembers {
    /// Asks F&O's metadata service.
    pub(crate) async fn read(reader: &Reader, url: &str) -> Result<Self, Failure> {
        let entities: List<Entity> = read(reader, format!("{url}/metadata/PublicEntities")).await?;
        let enums: List<Enumeration> = read(reader, format!("{url}/metadata/PublicEnumerations")).await?;
        let first: HashMap<String, String> = enums
            .value
            .into_iter()
            .filter_map(|list| {
                Some((list.name, list.members.into_iter().min_by_key(|member| member.value)?.name))
            })
            .collect();
        let mut members = Self::default();
        for entity in entities.value {
            let table = entity.entity_set_name.to_lowercase();
            for property in entity.properties {
                let type_name = property.type_name.rsplit('.').next().unwrap_or_default();
                if let Some(member) = first.get(type_name) {
                    members.0.insert((table.clone(), property.name.to_lowercase()), member.clone());
                }
            }
        }
        Ok(members)
    }

    /// One enum column and its first member.
    #[cfg(test)]
    pub(crate) fn of(table: &str, column: &str, member: &str) -> Self {
        Self(HashMap::from([((table.to_lowercase(), column.to_lowercase()), member.to_owned())]))
    }

    /// Whether a column is an enum that shows this text when nothing was put in.
    pub(crate) fn is_first(&self, table: &str, column: &str, text: &str) -> bool {
        let member = self.0.get(&(table.to_lowercase(), column.to_lowercase()));
        member.is_some_and(|member| member.eq_ignore_ascii_case(text))
    }
}

async fn read<T: serde::de::DeserializeOwned>(reader: &Reader, address: String) -> Result<T, Failure> {
    let text = reader.get(&address).await?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::runtime("the metadata could not be read").at(&address).because(error))
}
