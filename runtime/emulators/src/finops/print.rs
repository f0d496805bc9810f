//! Rows as JSON, and their versions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dualwright_odata::query::Query;

use super::error::ApiError;
use super::model::Entity;
use crate::kernel::json::push_text;
use crate::kernel::rows::Row;

/// Which columns of a row are printed.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) entity: Arc<Entity>,
    columns: Vec<usize>,
    selected: String,
}

impl View {
    /// After `$select`.
    pub(super) fn new(entity: &Arc<Entity>, query: &Query) -> Result<Self, ApiError> {
        if !query.expand.is_empty() {
            return Err(ApiError::unsupported("$expand"));
        }
        let everything = query.select.is_empty() || query.select.iter().any(|name| name == "*");
        let mut columns = Vec::new();
        let mut selected = String::new();
        if everything {
            columns.extend(0..entity.table.columns.len());
        } else {
            for name in &query.select {
                let position = entity
                    .table
                    .position(name)
                    .ok_or_else(|| ApiError::no_property(name, &entity.public_name))?;
                if !columns.contains(&position) {
                    columns.push(position);
                }
            }
            selected = query.select.join(",");
        }
        Ok(Self { entity: entity.clone(), columns, selected })
    }

    /// The context of a set, or of one row (`/$entity`) of it.
    pub(super) fn context(&self, root: &str, suffix: &str) -> String {
        let set = &self.entity.table.name;
        match self.selected.as_str() {
            "" => format!("{root}/$metadata#{set}{suffix}"),
            selected => format!("{root}/$metadata#{set}({selected}){suffix}"),
        }
    }

    /// One row as a document of its own.
    pub(super) fn document(&self, root: &str, row: &Row) -> String {
        let mut out = String::from("{\"@odata.context\":");
        push_text(&mut out, &self.context(root, "/$entity"));
        out.push(',');
        self.members(&mut out, row);
        out.push('}');
        out
    }

    /// One row as an object.
    pub(super) fn object(&self, out: &mut String, row: &Row) {
        out.push('{');
        self.members(out, row);
        out.push('}');
    }

    fn members(&self, out: &mut String, row: &Row) {
        out.push_str("\"@odata.etag\":");
        push_text(out, &etag(row));
        for position in &self.columns {
            out.push(',');
            self.entity.push_member(out, row, *position);
        }
    }
}

/// The version of a row: base64 of `'RecVersion,RecId;'`, as the service builds it for an entity of one data source.
pub(super) fn etag(row: &Row) -> String {
    // Versions rise over all rows; that of a new row is its sequence, so its own count begins with 0.
    let version = row.version.saturating_sub(row.sequence);
    format!("W/\"{}\"", STANDARD.encode(format!("'{version},{};'", row.id)))
}

#[cfg(test)]
mod tests {
    use super::etag;
    use crate::kernel::rows::Row;

    #[test]
    fn a_version_is_spelled_as_the_service_spells_it() {
        let row = Row { sequence: 7, id: "5637144576".into(), version: 7, cells: Vec::new() };
        assert_eq!(etag(&row), "W/\"JzAsNTYzNzE0NDU3Njsn\"");
    }
}
