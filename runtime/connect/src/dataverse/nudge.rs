//! Pushes: registering the webhook, and reading what it sends (learn.microsoft.com:
//! power-apps/developer/data-platform/register-web-hook, .../use-webhooks, and the reference pages of the tables
//! `serviceendpoint` and `sdkmessageprocessingstep`).
//!
//! The steps run asynchronously after the operation: a runtime that is down never makes anybody's save fail, and
//! Dataverse repeats what it could not deliver.

use std::collections::{BTreeSet, HashMap};

use dualwright_model::{Record, RecordId, System};
use dualwright_odata::percent::{decode_query, encode_query};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::environment::Environment;
use super::row::Row;
use crate::http::{Request, Secret};
use crate::{ConnectError, Nudge, NudgeSubscription};

/// By this name the registration is found again.
const NAME: &str = "dualwright";
/// `contract`: a webhook.
const WEBHOOK: i64 = 8;
/// `authtype`: the secret travels as `?code=`.
const WEBHOOK_KEY: i64 = 4;
/// `stage`: after the operation, where its row is written.
const POST_OPERATION: i64 = 40;
/// `mode`: by a system job.
const ASYNCHRONOUS: i64 = 1;
const MESSAGES: [&str; 3] = ["Create", "Update", "Delete"];
/// Larger bodies cannot come from Dataverse, which leaves things out above 256 kB.
const MOST_BYTES: usize = 1 << 20;

impl Environment {
    /// Registers the webhook and its steps, or brings what is registered up to date. What is there already stays.
    pub(super) async fn subscribe(&self, subscription: &NudgeSubscription) -> Result<(), ConnectError> {
        let endpoint = self.endpoint(subscription).await?;
        let there = self.own_steps().await?;
        let messages = self.messages().await?;
        for table in &subscription.tables {
            let table = self.catalogue.table(table).await?;
            let logical_name = &table.schema.logical_name;
            let missing: Vec<&str> = MESSAGES
                .into_iter()
                .filter(|message| !there.contains(&step_name(message, logical_name)))
                .collect();
            if missing.is_empty() {
                continue;
            }
            let filters = self.filters(logical_name).await?;
            for message in missing {
                let unknown = || ConnectError::Unknown {
                    system: self.client.system().to_owned(),
                    what: format!("the message {message} for {logical_name}"),
                };
                let message_id = messages.get(message).ok_or_else(unknown)?;
                let filter_id = filters.get(message_id).ok_or_else(unknown)?;
                let step = json!({
                    "name": step_name(message, logical_name),
                    "description": "Tells Dualwright that a row changed.",
                    "stage": POST_OPERATION,
                    "mode": ASYNCHRONOUS,
                    "rank": 1,
                    "supporteddeployment": 0,
                    "asyncautodelete": true,
                    "sdkmessageid@odata.bind": format!("/sdkmessages({message_id})"),
                    "sdkmessagefilterid@odata.bind": format!("/sdkmessagefilters({filter_id})"),
                    "eventhandler_serviceendpoint@odata.bind": format!("/serviceendpoints({endpoint})"),
                });
                let request = Request::new(Method::POST, "sdkmessageprocessingsteps", false);
                self.client.fetch(request.body(step.to_string())).await?;
            }
        }
        Ok(())
    }

    async fn endpoint(&self, subscription: &NudgeSubscription) -> Result<String, ConnectError> {
        let filter = encode_query(&format!("name eq '{NAME}' and contract eq {WEBHOOK}"));
        let path = format!("serviceendpoints?$select=serviceendpointid,name,url&$filter={filter}");
        let known = self.list(path).await?.first().and_then(|row| row.guid("serviceendpointid"));
        // The secret cannot be read back, so it is set each time.
        let mut endpoint = json!({
            "url": subscription.endpoint,
            "authtype": WEBHOOK_KEY,
            "authvalue": subscription.secret,
        });
        if let Some(id) = known {
            let request = Request::new(Method::PATCH, format!("serviceendpoints({id})"), true);
            self.client.fetch(request.header("if-match", "*").body(endpoint.to_string())).await?;
            return Ok(id);
        }
        if let Some(members) = endpoint.as_object_mut() {
            members.insert("name".to_owned(), json!(NAME));
            members.insert("contract".to_owned(), json!(WEBHOOK));
        }
        let request = Request::new(Method::POST, "serviceendpoints?$select=serviceendpointid", false)
            .header("prefer", "return=representation")
            .body(endpoint.to_string());
        let answer = self.client.fetch(request).await?;
        let row: Row = answer.json().map_err(|reason| self.client.protocol(reason))?;
        row.guid("serviceendpointid")
            .ok_or_else(|| self.client.protocol("a new service endpoint without its id"))
    }

    async fn own_steps(&self) -> Result<BTreeSet<String>, ConnectError> {
        let filter = encode_query(&format!("startswith(name,'{NAME}: ')"));
        let path =
            format!("sdkmessageprocessingsteps?$select=sdkmessageprocessingstepid,name&$filter={filter}");
        Ok(self.list(path).await?.iter().filter_map(|row| row.text("name")).collect())
    }

    /// Ids of the messages by name.
    async fn messages(&self) -> Result<HashMap<String, String>, ConnectError> {
        let filter = MESSAGES.map(|message| format!("name eq '{message}'")).join(" or ");
        let path = format!("sdkmessages?$select=sdkmessageid,name&$filter={}", encode_query(&filter));
        let rows = self.list(path).await?;
        Ok(rows.iter().filter_map(|row| Some((row.text("name")?, row.guid("sdkmessageid")?))).collect())
    }

    /// Ids of a table's filters by id of their message.
    async fn filters(&self, logical_name: &str) -> Result<HashMap<String, String>, ConnectError> {
        let filter = encode_query(&format!("primaryobjecttypecode eq '{logical_name}'"));
        let path =
            format!("sdkmessagefilters?$select=sdkmessagefilterid,_sdkmessageid_value&$filter={filter}");
        let rows = self.list(path).await?;
        let pair = |row: &Row| Some((row.guid("_sdkmessageid_value")?, row.guid("sdkmessagefilterid")?));
        Ok(rows.iter().filter_map(pair).collect())
    }

    async fn list(&self, path: String) -> Result<Vec<Row>, ConnectError> {
        let mut page = self.page(&self.client.fetch(Request::get(path)).await?)?;
        let mut rows = std::mem::take(&mut page.value);
        while let Some(link) = page.next_link.take() {
            let request = Request::get(self.client.path_of(&link)?);
            page = self.page(&self.client.fetch(request).await?)?;
            rows.append(&mut page.value);
        }
        Ok(rows)
    }
}

fn step_name(message: &str, logical_name: &str) -> String {
    format!("{NAME}: {message} of {logical_name}")
}

/// The part of a `RemoteExecutionContext` that says which row. All else in it may be old by the time it arrives.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    message_name: String,
    primary_entity_name: String,
    primary_entity_id: Option<String>,
}

const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Reads one pushed request.
pub(super) fn parse(
    system: &str,
    query: &str,
    body: &[u8],
    secret: &str,
) -> Result<Vec<Nudge>, ConnectError> {
    let refused =
        |reason: &str| ConnectError::Unauthorized { system: system.to_owned(), reason: reason.to_owned() };
    let code = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("code="))
        .ok_or_else(|| refused("a push without a code"))?;
    let code = decode_query(code).map_err(|_| refused("a push with an unreadable code"))?;
    // An empty secret would let everybody in.
    if secret.is_empty() || !Secret::from(secret).is(&code) {
        return Err(refused("a push with a wrong code"));
    }
    let protocol = |reason: String| ConnectError::Protocol { system: system.to_owned(), reason };
    if body.len() > MOST_BYTES {
        return Err(protocol(format!("a push of {} bytes", body.len())));
    }
    let context: Context = serde_json::from_slice(body)
        .map_err(|_| protocol("a push that is not a RemoteExecutionContext".to_owned()))?;
    let deleted = match context.message_name.as_str() {
        "Create" | "Update" => false,
        "Delete" => true,
        _ => return Ok(Vec::new()),
    };
    let id = context.primary_entity_id.map(|id| id.to_lowercase()).filter(|id| id != NO_ID);
    let table = context.primary_entity_name;
    Ok(vec![Nudge { system: System::Dataverse, table, id: id.map(RecordId), cells: Record::new(), deleted }])
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::ConnectError;

    const BODY: &str = r#"{"MessageName":"Update","PrimaryEntityName":"contact","Depth":1,
        "PrimaryEntityId":"6D81597F-0f9f-e711-8122-000d3aa2331c","InputParameters":[]}"#;

    #[test]
    fn a_push_names_its_row() {
        let nudges = parse("d", "code=s%20ecret", BODY.as_bytes(), "s ecret").unwrap();
        assert_eq!(nudges[0].table, "contact");
        assert_eq!(nudges[0].id.as_ref().unwrap().0, "6d81597f-0f9f-e711-8122-000d3aa2331c");
        assert!(!nudges[0].deleted);
        let deleted = BODY.replace("Update", "Delete");
        assert!(parse("d", "a=b&code=s", deleted.as_bytes(), "s").unwrap()[0].deleted);
        let other = BODY.replace("Update", "Associate");
        assert!(parse("d", "code=s", other.as_bytes(), "s").unwrap().is_empty());
    }

    #[test]
    fn without_the_secret_nothing_is_read() {
        for query in ["", "code", "code=", "code=x", "Code=s", "code=S", "code=%zz"] {
            let refused = parse("d", query, BODY.as_bytes(), "s").unwrap_err();
            assert!(matches!(refused, ConnectError::Unauthorized { .. }), "{query}");
        }
        assert!(parse("d", "code=", BODY.as_bytes(), "").is_err());
    }

    #[test]
    fn garbage_is_a_protocol_error_and_tells_nothing() {
        for body in ["", "[]", "{}", r#"{"MessageName":1}"#, "\u{0}"] {
            let error = parse("d", "code=s", body.as_bytes(), "s").unwrap_err();
            assert!(matches!(error, ConnectError::Protocol { .. }), "{body}");
        }
    }
}
