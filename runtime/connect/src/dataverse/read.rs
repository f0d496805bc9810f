//! Reading single rows, many at a time.

use std::collections::{BTreeSet, HashMap};

use dualwright_odata::literal::is_guid;

use super::environment::Environment;
use super::lookup::{Conditions, Found};
use super::row::Image;
use super::schema::Table;
use crate::{ConnectError, Existing, ReadKey, Selection};

impl Environment {
    pub(super) async fn read(
        &self,
        selection: &Selection,
        keys: &[ReadKey],
    ) -> Result<Vec<Option<Existing>>, ConnectError> {
        let plan = self.plan(selection).await?;
        let mut ids: Vec<Option<String>> = Vec::with_capacity(keys.len());
        let (mut places, mut questions): (Vec<usize>, Vec<Conditions>) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate() {
            match key {
                ReadKey::Id(id) => ids.push(Some(id.0.to_lowercase()).filter(|id| is_guid(id))),
                ReadKey::Key(values) => {
                    ids.push(None);
                    places.push(place);
                    questions.push(self.question(selection, values)?);
                }
            }
        }
        let found = self.find(&plan.table, &questions, false).await?;
        for (place, found) in places.into_iter().zip(found) {
            let id = match found {
                Found::One(id) => Some(id),
                Found::None | Found::Blocked(_) => None,
                Found::Many => return Err(self.ambiguous(&plan.table)),
            };
            if let Some(slot) = ids.get_mut(place) {
                *slot = id;
            }
        }
        let wanted: BTreeSet<String> = ids.iter().flatten().cloned().collect();
        let images = self.images_by_id(&plan, &wanted).await?;
        let by_id: HashMap<String, Image> =
            images.into_iter().map(|image| (image.id.0.clone(), image)).collect();
        Ok(ids.into_iter().map(|id| id.and_then(|id| by_id.get(&id).cloned()).map(existing)).collect())
    }

    /// The key's paths with these values.
    pub(super) fn question(
        &self,
        selection: &Selection,
        values: &[dualwright_model::Value],
    ) -> Result<Conditions, ConnectError> {
        if values.is_empty() || values.len() != selection.key.len() {
            let what = format!(
                "a key of {} values where {} has {}",
                values.len(),
                selection.table,
                selection.key.len()
            );
            return Err(ConnectError::Unknown { system: self.client.system().to_owned(), what });
        }
        Ok(selection.key.iter().cloned().zip(values.iter().cloned()).collect())
    }

    /// More than one row has a key that should name one.
    pub(super) fn ambiguous(&self, table: &Table) -> ConnectError {
        ConnectError::Rejected {
            system: self.client.system().to_owned(),
            code: String::new(),
            message: format!("more than one row of {} has this key", table.name()),
        }
    }
}

fn existing(image: Image) -> Existing {
    Existing { id: image.id, version: image.version, record: image.record, modified_at: image.modified_at }
}
