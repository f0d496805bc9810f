//! Rows as JSON.

use std::fmt::Write as _;
use std::sync::Arc;

use dualwright_model::Value;
use dualwright_odata::query::Query;

use super::error::ApiError;
use super::model::{Entity, Model, Navigation};
use crate::kernel::http::Request;
use crate::kernel::json::{push_plain, push_text};
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::schema::ColumnType;

/// Which parts of a row are printed.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) entity: Arc<Entity>,
    /// Column positions, in the order of `$select`; the primary id always.
    columns: Vec<usize>,
    /// `name,accountnumber` for the context; empty when everything is selected.
    selected: String,
    expand: Vec<Expanded>,
    annotations: Annotations,
}

#[derive(Clone, Debug)]
struct Expanded {
    name: String,
    column: usize,
    view: View,
}

/// Which annotations were asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Annotations {
    formatted: bool,
    lookup: bool,
    navigation: bool,
}

impl Annotations {
    /// After `Prefer: odata.include-annotations`.
    pub(super) fn of(request: &Request) -> Self {
        let Some(wanted) = request.preference("odata.include-annotations") else { return Self::default() };
        let has = |name: &str| {
            wanted.split(',').map(str::trim).any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => pattern == name,
            })
        };
        Self {
            formatted: has("OData.Community.Display.V1.FormattedValue"),
            lookup: has("Microsoft.Dynamics.CRM.lookuplogicalname"),
            navigation: has("Microsoft.Dynamics.CRM.associatednavigationproperty"),
        }
    }
}

impl View {
    /// After `$select` and `$expand`.
    pub(super) fn new(
        model: &Model,
        entity: &Arc<Entity>,
        query: &Query,
        annotations: Annotations,
    ) -> Result<Self, ApiError> {
        let mut columns = Vec::new();
        let everything = query.select.is_empty() || query.select.iter().any(|name| name == "*");
        if everything {
            columns.extend(0..entity.properties.len());
        } else {
            for name in &query.select {
                let position =
                    entity.property(name).ok_or_else(|| ApiError::no_property(name, &entity.logical_name))?;
                if !columns.contains(&position) {
                    columns.push(position);
                }
            }
            if !columns.contains(&entity.id) {
                columns.push(entity.id);
            }
        }
        let mut expand = Vec::new();
        for item in &query.expand {
            let navigation = entity
                .navigation
                .get(&item.path)
                .ok_or_else(|| ApiError::no_property(&item.path, &entity.logical_name))?;
            let inner = &item.options;
            if !inner.expand.is_empty() {
                return Err(ApiError::unsupported("$expand within $expand"));
            }
            if inner.filter.is_some() || !inner.order_by.is_empty() || inner.top.is_some() {
                return Err(ApiError::bad_address(
                    "Only $select and $expand apply to a single-valued property.",
                ));
            }
            let related =
                model.entity(&navigation.target).ok_or_else(|| ApiError::no_resource(&navigation.target))?;
            let view = Self::new(model, related, inner, annotations)?;
            expand.push(Expanded { name: item.path.clone(), column: navigation.column, view });
        }
        let mut selected = if everything { String::new() } else { query.select.join(",") };
        for expanded in &expand {
            let comma = if selected.is_empty() { "" } else { "," };
            let _ = write!(selected, "{comma}{}({})", expanded.name, expanded.view.selected);
        }
        Ok(Self { entity: entity.clone(), columns, selected, expand, annotations })
    }

    /// The context of a set or of one row (`/$entity`) of it.
    pub(super) fn context(&self, root: &str, suffix: &str) -> String {
        let set = &self.entity.table.name;
        if self.selected.is_empty() {
            format!("{root}/$metadata#{set}{suffix}")
        } else {
            format!("{root}/$metadata#{set}({}){suffix}", self.selected)
        }
    }

    /// One row as a document of its own.
    pub(super) fn document(
        &self,
        root: &str,
        snapshot: &Snapshot<'_>,
        model: &Model,
        row: &Row,
    ) -> Result<String, ApiError> {
        let mut out = String::from("{\"@odata.context\":");
        push_text(&mut out, &self.context(root, "/$entity"));
        out.push(',');
        self.members(&mut out, snapshot, model, row)?;
        out.push('}');
        Ok(out)
    }

    /// One row as an object.
    pub(super) fn object(
        &self,
        out: &mut String,
        snapshot: &Snapshot<'_>,
        model: &Model,
        row: &Row,
    ) -> Result<(), ApiError> {
        out.push('{');
        self.members(out, snapshot, model, row)?;
        out.push('}');
        Ok(())
    }

    fn members(
        &self,
        out: &mut String,
        snapshot: &Snapshot<'_>,
        model: &Model,
        row: &Row,
    ) -> Result<(), ApiError> {
        let _ = write!(out, "\"@odata.etag\":\"W/\\\"{}\\\"\"", row.version);
        for position in &self.columns {
            let name = self.entity.property_name(*position);
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            if *position == self.entity.id {
                push_text(out, &row.id);
            } else if *position == self.entity.version {
                let _ = write!(out, "{}", row.version);
            } else if is_secret(&self.entity, *position) {
                out.push_str("null");
            } else {
                push_plain(out, row.cell(*position));
                self.annotate(out, snapshot, model, *position, row.cell(*position))?;
            }
        }
        for expanded in &self.expand {
            out.push_str(",\"");
            out.push_str(&expanded.name);
            out.push_str("\":");
            let related = match row.cell(expanded.column) {
                Value::Text(id) => snapshot.get(&expanded.view.entity.table, id)?,
                _ => None,
            };
            match related {
                Some(related) => expanded.view.object(out, snapshot, model, &related)?,
                None => out.push_str("null"),
            }
        }
        Ok(())
    }

    fn annotate(
        &self,
        out: &mut String,
        snapshot: &Snapshot<'_>,
        model: &Model,
        position: usize,
        value: &Value,
    ) -> Result<(), ApiError> {
        let Annotations { formatted, lookup, navigation } = self.annotations;
        if value.is_missing() || !(formatted || lookup || navigation) {
            return Ok(());
        }
        let Some(column) = self.entity.column(position) else { return Ok(()) };
        let name = self.entity.property_name(position);
        let mut annotation = |term: &str, text: &str| {
            let _ = write!(out, ",\"{name}@{term}\":");
            push_text(out, text);
        };
        match (column.kind, value) {
            (ColumnType::Lookup, Value::Text(id)) => {
                for target in column.targets.iter().filter_map(|target| model.entity(target)) {
                    let Some(related) = snapshot.get(&target.table, id)? else { continue };
                    let title = target.name.map(|name| related.cell(name).to_key_text());
                    if let Some(title) = title.filter(|title| formatted && !title.is_empty()) {
                        annotation("OData.Community.Display.V1.FormattedValue", &title);
                    }
                    let leads = |(_, property): &(&String, &Navigation)| {
                        property.column == position && property.target == target.table.name
                    };
                    if let Some((name, _)) = self.entity.navigation.iter().find(leads).filter(|_| navigation)
                    {
                        annotation("Microsoft.Dynamics.CRM.associatednavigationproperty", name);
                    }
                    if lookup {
                        annotation("Microsoft.Dynamics.CRM.lookuplogicalname", &target.logical_name);
                    }
                    break;
                }
            }
            (ColumnType::Boolean, Value::Boolean(flag)) if formatted => {
                annotation("OData.Community.Display.V1.FormattedValue", if *flag { "Yes" } else { "No" });
            }
            (ColumnType::OptionSet, Value::Integer(number)) if formatted => {
                let text = self.entity.option_label(position, *number);
                annotation("OData.Community.Display.V1.FormattedValue", &text);
            }
            (ColumnType::Integer | ColumnType::Decimal | ColumnType::Timestamp | ColumnType::Date, value)
                if formatted =>
            {
                annotation("OData.Community.Display.V1.FormattedValue", &value.to_key_text());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a column may be written but never read: the key of a webhook.
pub(super) fn is_secret(entity: &Entity, position: usize) -> bool {
    entity.table.name == super::webhook::ENDPOINTS
        && entity.column(position).is_some_and(|column| column.name == "authvalue")
}
