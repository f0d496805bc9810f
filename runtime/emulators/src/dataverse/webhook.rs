//! Webhooks: `serviceendpoints` and `sdkmessageprocessingsteps` as ordinary tables whose rows cause calls.
//!
//! After `MicrosoftDocs/powerapps-docs`, `developer/data-platform/use-webhooks.md` and `register-web-hook.md`.
//! Asynchronous steps (mode 1) go through the outbox, in the transaction of the change. Synchronous steps (mode 0)
//! fail the write.

use std::fmt::Write as _;

use dualwright_model::{Timestamp, Value};

use super::error::ApiError;
use super::model::{Entity, Model, stable_guid};
use super::work::Work;
use super::write::{Caller, millis};
use crate::kernel::error::StoreError;
use crate::kernel::json::{push_plain, push_text};
use crate::kernel::outbox::Event;
use crate::kernel::rows::{Row, Snapshot};
use crate::kernel::schema::ColumnType;
use crate::kernel::transaction::Transaction;

/// The table of endpoints.
pub(super) const ENDPOINTS: &str = "serviceendpoints";
/// The table of steps.
pub(super) const STEPS: &str = "sdkmessageprocessingsteps";
/// The table of messages.
pub(super) const MESSAGES: &str = "sdkmessages";
/// The table of messages by table.
pub(super) const FILTERS: &str = "sdkmessagefilters";

/// A larger call leaves out images and parameters, and says so.
const MOST_BYTES: usize = 256 * 1024;
/// `contract` of an endpoint that is a webhook.
const CONTRACT_WEBHOOK: i64 = 8;
/// `authtype` of a webhook whose key travels as `?code=`.
const AUTH_WEBHOOK_KEY: i64 = 4;
const CONTRACTS: &str = "http://schemas.microsoft.com/xrm/2011/Contracts";

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Create,
    Update,
    Delete,
}

impl Message {
    pub(super) const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// One write, as steps see it.
pub(super) struct Occasion<'a> {
    pub(super) message: Message,
    pub(super) operation: usize,
    pub(super) row: &'a Row,
    /// The columns that were given.
    pub(super) sent: &'a [usize],
    pub(super) now: Timestamp,
}

/// A synchronous step to be asked.
pub(super) struct Call {
    pub(super) operation: usize,
    pub(super) step: String,
    pub(super) event: Event,
}

/// All steps that are enabled.
#[derive(Debug, Default)]
pub(super) struct Steps(Vec<Step>);

#[derive(Debug)]
struct Step {
    id: String,
    message: String,
    /// The table's logical name; `None` for every table.
    table: Option<String>,
    synchronous: bool,
    stage: i64,
    /// For updates: only when one of these columns is given.
    filtering: Vec<String>,
    url: String,
}

impl Steps {
    /// Reads the steps.
    pub(super) fn load(snapshot: &Snapshot<'_>, model: &Model) -> Result<Self, ApiError> {
        let Some(steps) = model.entity(STEPS) else { return Ok(Self::default()) };
        let mut rows = Vec::new();
        snapshot.scan(&steps.table, 0, |row| -> Result<bool, ApiError> {
            rows.push(row);
            Ok(true)
        })?;
        let mut found = Vec::new();
        for row in rows {
            found.extend(read_step(snapshot, model, steps, &row)?);
        }
        Ok(Self(found))
    }

    fn matching<'a>(
        &'a self,
        entity: &'a Entity,
        occasion: &'a Occasion<'_>,
    ) -> impl Iterator<Item = &'a Step> {
        self.0.iter().filter(move |step| {
            let given = |name: &String| {
                let given =
                    |position: &usize| entity.column(*position).is_some_and(|column| column.name == *name);
                occasion.sent.iter().any(given)
            };
            step.message == occasion.message.name()
                && step.table.as_ref().is_none_or(|table| *table == entity.logical_name)
                && (occasion.message != Message::Update
                    || step.filtering.is_empty()
                    || step.filtering.iter().any(given))
        })
    }
}

fn read_step(
    snapshot: &Snapshot<'_>,
    model: &Model,
    steps: &Entity,
    row: &Row,
) -> Result<Option<Step>, ApiError> {
    let text = |entity: &Entity, row: &Row, name: &str| {
        entity.table.position(name).and_then(|position| match row.cell(position) {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
    };
    let number = |entity: &Entity, row: &Row, name: &str| {
        entity.table.position(name).and_then(|position| match row.cell(position) {
            Value::Integer(number) => Some(*number),
            _ => None,
        })
    };
    let related = |lookup: &str, set: &str| -> Result<_, ApiError> {
        let (Some(id), Some(entity)) = (text(steps, row, lookup), model.entity(set)) else { return Ok(None) };
        Ok(snapshot.get(&entity.table, &id)?.map(|row| (entity.clone(), row)))
    };
    if number(steps, row, "statecode") != Some(0) {
        return Ok(None);
    }
    let Some((messages, message)) = related("sdkmessageid", MESSAGES)? else { return Ok(None) };
    let Some((endpoints, endpoint)) = related("eventhandler", ENDPOINTS)? else { return Ok(None) };
    let filter = related("sdkmessagefilterid", FILTERS)?;
    let table = filter.and_then(|(filters, filter)| text(&filters, &filter, "primaryobjecttypecode"));
    let Some(mut url) = text(&endpoints, &endpoint, "url") else { return Ok(None) };
    if let Some(key) = text(&endpoints, &endpoint, "authvalue") {
        let joint = if url.contains('?') { '&' } else { '?' };
        let key = dualwright_odata::percent::encode_query(&key);
        url = format!("{url}{joint}code={key}");
    }
    Ok(Some(Step {
        id: row.id.clone(),
        message: text(&messages, &message, "name").unwrap_or_default(),
        table: table.filter(|table| table != "none"),
        synchronous: number(steps, row, "mode") == Some(0),
        stage: number(steps, row, "stage").unwrap_or(40),
        filtering: text(steps, row, "filteringattributes")
            .map(|list| {
                list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
            })
            .unwrap_or_default(),
        url,
    }))
}

/// Refuses endpoints that the emulator would not call as the real service does.
pub(super) fn check(entity: &Entity, cells: &[Value]) -> Result<(), ApiError> {
    if entity.table.name != ENDPOINTS {
        return Ok(());
    }
    let cell = |name: &str| entity.table.position(name).and_then(|position| cells.get(position));
    match (cell("contract"), cell("authtype")) {
        (Some(Value::Integer(CONTRACT_WEBHOOK)), Some(Value::Integer(AUTH_WEBHOOK_KEY))) => {}
        (Some(Value::Integer(CONTRACT_WEBHOOK)), _) => {
            return Err(ApiError::unsupported("webhooks with an authtype other than 4 (WebhookKey)"));
        }
        _ => return Err(ApiError::unsupported("service endpoints with a contract other than 8 (Webhook)")),
    }
    match cell("url") {
        Some(Value::Text(url)) if url.starts_with("http://") || url.starts_with("https://") => Ok(()),
        _ => Err(ApiError::argument("The URL of a webhook must be an absolute http or https address.")),
    }
}

/// Lets the steps that match a write know of it.
pub(super) fn fire(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    caller: &Caller,
    entity: &Entity,
    occasion: &Occasion<'_>,
) -> Result<(), ApiError> {
    if [ENDPOINTS, STEPS, FILTERS, MESSAGES].contains(&entity.table.name.as_str()) {
        work.touch_steps();
    }
    if caller.bypass {
        return Ok(());
    }
    let steps = work.steps(transaction)?;
    for step in steps.matching(entity, occasion) {
        let event = event(step, work.model(), caller, entity, occasion);
        if !step.synchronous {
            transaction.queue_event(&event)?;
            continue;
        }
        match work.verdict(occasion.operation, &step.id) {
            Some(Ok(())) => {}
            Some(Err(reason)) => return Err(ApiError::aborted(reason)),
            None => work.ask(Call { operation: occasion.operation, step: step.id.clone(), event }),
        }
    }
    Ok(())
}

fn event(step: &Step, model: &Model, caller: &Caller, entity: &Entity, occasion: &Occasion<'_>) -> Event {
    let correlation = uuid::Uuid::new_v4().to_string();
    let mut body = context(step, model, caller, entity, occasion, &correlation, true);
    let exceeded = body.len() > MOST_BYTES;
    if exceeded {
        body = context(step, model, caller, entity, occasion, &correlation, false);
    }
    let organization = caller.root.split('/').nth(2).unwrap_or("localhost");
    let mut headers = vec![
        ("x-ms-dynamics-organization".to_owned(), organization.to_owned()),
        ("x-ms-dynamics-entity-name".to_owned(), entity.logical_name.clone()),
        ("x-ms-dynamics-request-name".to_owned(), occasion.message.name().to_owned()),
        ("x-ms-correlation-request-id".to_owned(), correlation),
    ];
    if exceeded {
        headers.push(("x-ms-dynamics-msg-size-exceeded".to_owned(), "true".to_owned()));
    }
    Event { url: step.url.clone(), headers, body }
}

/// The `RemoteExecutionContext`. Writing to a string cannot fail.
fn context(
    step: &Step,
    model: &Model,
    caller: &Caller,
    entity: &Entity,
    occasion: &Occasion<'_>,
    correlation: &str,
    whole: bool,
) -> String {
    let user = stable_guid(&format!("systemuser:{}", caller.client));
    let mut out = String::with_capacity(2048);
    let _ = write!(
        out,
        "{{\"BusinessUnitId\":\"{unit}\",\"CorrelationId\":\"{correlation}\",\"Depth\":1,\"InitiatingUserId\":\"{user}\",\
         \"InputParameters\":[",
        unit = stable_guid("businessunit"),
    );
    if whole {
        out.push_str("{\"key\":\"Target\",\"value\":");
        if occasion.message == Message::Delete {
            reference(&mut out, &entity.logical_name, &occasion.row.id);
        } else {
            target(&mut out, model, entity, occasion);
        }
        out.push('}');
    }
    let _ = write!(
        out,
        "],\"IsExecutingOffline\":false,\"IsInTransaction\":{synchronous},\"IsOfflinePlayback\":false,\"IsolationMode\":1,\
         \"MessageName\":\"{message}\",\"Mode\":{mode},\"OperationCreatedOn\":\"/Date({created})/\",\
         \"OperationId\":\"{operation}\",\"OrganizationId\":\"{organization}\",\"OrganizationName\":\"emulator\",\
         \"OutputParameters\":[],\"OwningExtension\":{{\"Id\":\"{step}\",\"KeyAttributes\":[],\
         \"LogicalName\":\"sdkmessageprocessingstep\",\"Name\":null,\"RowVersion\":null}},\"ParentContext\":null,\
         \"PostEntityImages\":[],\"PreEntityImages\":[],\"PrimaryEntityId\":\"{id}\",\"PrimaryEntityName\":\"{name}\",\
         \"RequestId\":null,\"SecondaryEntityName\":\"none\",\"SharedVariables\":[",
        synchronous = step.synchronous,
        message = occasion.message.name(),
        mode = u8::from(!step.synchronous),
        created = millis(occasion.now),
        operation = uuid::Uuid::new_v4(),
        organization = stable_guid("organization"),
        step = step.id,
        id = occasion.row.id,
        name = entity.logical_name,
    );
    if let Some(tag) = &caller.tag {
        out.push_str("{\"key\":\"tag\",\"value\":");
        push_text(&mut out, tag);
        out.push('}');
    }
    let _ = write!(out, "],\"Stage\":{},\"UserId\":\"{user}\"}}", step.stage);
    out
}

/// The row as the message's target: what was given, and for a new row all it has.
fn target(out: &mut String, model: &Model, entity: &Entity, occasion: &Occasion<'_>) {
    let _ = write!(
        out,
        "{{\"__type\":\"Entity:{CONTRACTS}\",\"Attributes\":[{{\"key\":\"{}\",\"value\":",
        entity.id_name
    );
    push_text(out, &occasion.row.id);
    out.push('}');
    for (position, column) in (0..).zip(&entity.table.columns) {
        let value = occasion.row.cell(position);
        let shown = occasion.sent.contains(&position)
            || position == entity.modified
            || (occasion.message == Message::Create && !value.is_missing());
        if !shown
            || position == entity.id
            || position == entity.version
            || super::print::is_secret(entity, position)
        {
            continue;
        }
        let _ = write!(out, ",{{\"key\":\"{}\",\"value\":", column.name);
        match (column.kind, value) {
            (ColumnType::OptionSet, Value::Integer(number)) => {
                let _ = write!(out, "{{\"__type\":\"OptionSetValue:{CONTRACTS}\",\"Value\":{number}}}");
            }
            (ColumnType::Lookup, Value::Text(id)) => {
                // Which of several targets it is would take a read; the first is the usual one.
                let set = column.targets.first().and_then(|set| model.entity(set));
                reference(out, set.map_or("", |entity| entity.logical_name.as_str()), id);
            }
            (_, Value::Timestamp(time)) => {
                let _ = write!(out, "\"/Date({})/\"", millis(*time));
            }
            (_, value) => push_plain(out, value),
        }
        out.push('}');
    }
    let _ = write!(
        out,
        "],\"EntityState\":null,\"FormattedValues\":[],\"Id\":\"{}\",\"KeyAttributes\":[],\"LogicalName\":\"{}\",\
         \"RelatedEntities\":[],\"RowVersion\":\"{}\"}}",
        occasion.row.id, entity.logical_name, occasion.row.version
    );
}

fn reference(out: &mut String, logical_name: &str, id: &str) {
    let _ = write!(
        out,
        "{{\"__type\":\"EntityReference:{CONTRACTS}\",\"Id\":\"{id}\",\"KeyAttributes\":[],\
         \"LogicalName\":\"{logical_name}\",\"Name\":null,\"RowVersion\":null}}"
    );
}

/// Makes the rows that name the messages, for every table. Their ids are always the same.
pub(super) fn seed(transaction: &mut Transaction<'_>, model: &Model) -> Result<(), StoreError> {
    let (Some(messages), Some(filters)) = (model.entity(MESSAGES), model.entity(FILTERS)) else {
        return Ok(());
    };
    for message in Message::ALL {
        let message_id = stable_guid(&format!("sdkmessage:{}", message.name()));
        seed_row(transaction, messages, &message_id, &[("name", Value::text(message.name()))])?;
        for entity in model.entities.values() {
            let id = stable_guid(&format!("sdkmessagefilter:{}:{}", message.name(), entity.logical_name));
            let cells = [
                ("primaryobjecttypecode", Value::text(&entity.logical_name)),
                ("secondaryobjecttypecode", Value::text("none")),
                ("sdkmessageid", Value::text(&message_id)),
                ("iscustomprocessingstepallowed", Value::Boolean(true)),
            ];
            seed_row(transaction, filters, &id, &cells)?;
        }
    }
    Ok(())
}

fn seed_row(
    transaction: &mut Transaction<'_>,
    entity: &Entity,
    id: &str,
    given: &[(&str, Value)],
) -> Result<(), StoreError> {
    if transaction.exists(&entity.table, id)? {
        return Ok(());
    }
    let now = crate::kernel::clock::now_seconds();
    let mut cells = vec![Value::Null; entity.table.columns.len()];
    let system = [
        (Some(entity.created), Value::Timestamp(now)),
        (Some(entity.modified), Value::Timestamp(now)),
        (Some(entity.state), Value::Integer(0)),
        (Some(entity.status), Value::Integer(1)),
    ];
    let given = given.iter().map(|(name, value)| (entity.table.position(name), value.clone()));
    for (position, value) in system.into_iter().chain(given) {
        if let Some(cell) = position.and_then(|position| cells.get_mut(position)) {
            *cell = value;
        }
    }
    let note = crate::kernel::transaction::Note { client: "", sent: &[], at: now };
    transaction.insert(&entity.table, id, cells, note).map(|_| ())
}
