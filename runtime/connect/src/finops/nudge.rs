//! Data events as nudges (learn.microsoft.com: dynamics365/fin-ops-core/dev-itpro/business-events/data-events).
//!
//! The real service lets only a person switch data events on, in the business events catalogue, so subscribing here
//! says what to enter there. Events come at least once and in any order: they name a row, and are never its content.

use dualwright_model::{Record, System, Timestamp, Value};
use dualwright_odata::json;
use dualwright_odata::percent::decode_query;
use serde_json::{Map, Value as Json};

use super::environment::Environment;
use crate::http::Secret;
use crate::{ConnectError, Nudge, NudgeSubscription};

/// Larger bodies are not data events: those stop at 1 MB.
const MOST_BYTES: usize = 1 << 20;
const SUFFIX: &str = "BusinessEvent";
/// What every business event carries beside the row's cells.
const ENVELOPE: [&str; 11] = [
    "BusinessEventId",
    "BusinessEventLegalEntity",
    "ContextRecordSubject",
    "ControlNumber",
    "EventId",
    "EventTime",
    "EventTimeIso8601",
    "InitiatingUserAADObjectId",
    "MajorVersion",
    "MinorVersion",
    "ParentContextRecordSubjects",
];
const COMPANY: &str = "dataAreaId";

impl Environment {
    /// Tells the operator what to enter in the business events catalogue.
    pub(super) async fn subscribe(&self, subscription: &NudgeSubscription) -> Result<(), ConnectError> {
        for table in &subscription.tables {
            let table = self.catalogue.table(table).await?;
            tracing::info!(
                system = self.client.system(),
                table = table.name(),
                entity = table.schema.logical_name,
                endpoint = subscription.endpoint,
                "in the business events catalogue, activate the data events of this entity with an HTTPS endpoint \
                 of this address, followed by ?code= and the nudge secret; until then changes are found by scans"
            );
        }
        Ok(())
    }
}

/// Reads one pushed request.
pub(super) fn parse(
    system: &str,
    query: &str,
    body: &[u8],
    secret: &str,
) -> Result<Vec<Nudge>, ConnectError> {
    authenticate(system, query, secret)?;
    let protocol = |reason: &str| ConnectError::Protocol {
        system: system.to_owned(),
        reason: format!("a push that is {reason}"),
    };
    if body.len() > MOST_BYTES {
        return Err(protocol("longer than any data event"));
    }
    let payload: Json = serde_json::from_slice(body).map_err(|_| protocol("not JSON"))?;
    let events = match payload {
        Json::Array(events) => events,
        event => vec![event],
    };
    let mut nudges = Vec::with_capacity(events.len());
    for event in events {
        let Json::Object(event) = event else { return Err(protocol("not a business event")) };
        let id = event.get("BusinessEventId").and_then(Json::as_str);
        let id = id.ok_or_else(|| protocol("not a business event"))?;
        let Some((entity, deleted)) = data_event(id) else { continue };
        nudges.push(Nudge {
            system: System::Finops,
            table: entity.to_owned(),
            id: None,
            cells: cells(&event),
            deleted,
        });
    }
    Ok(nudges)
}

fn authenticate(system: &str, query: &str, secret: &str) -> Result<(), ConnectError> {
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
    Ok(())
}

/// The entity of `CustCustomerV3EntityUpdatedBusinessEvent`, and whether the row was deleted. Other business events
/// (an invoice was posted) are not about rows.
fn data_event(id: &str) -> Option<(&str, bool)> {
    let id = id.strip_suffix(SUFFIX).unwrap_or(id);
    let entity = |word| id.strip_suffix(word).filter(|entity: &&str| !entity.is_empty());
    match entity("Deleted") {
        Some(entity) => Some((entity, true)),
        None => entity("Created").or_else(|| entity("Updated")).map(|entity| (entity, false)),
    }
}

fn cells(event: &Map<String, Json>) -> Record {
    let mut record = Record::new();
    for (name, raw) in event.iter().filter(|(name, _)| !ENVELOPE.contains(&name.as_str())) {
        if let Ok(value) = json::to_value(raw, None) {
            record.set(name.as_str(), as_moment(value));
        }
    }
    let company = event.get("BusinessEventLegalEntity").and_then(Json::as_str).unwrap_or_default();
    let told = record.iter().any(|(name, _)| name.as_str().eq_ignore_ascii_case(COMPANY));
    if !told && !company.is_empty() {
        record.set(COMPANY, Value::text(company));
    }
    record
}

/// `/Date(1581003234000)/`, milliseconds since 1970.
fn as_moment(value: Value) -> Value {
    let moment = match &value {
        Value::Text(text) => text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")),
        _ => None,
    };
    match moment.and_then(|millis| millis.parse::<i64>().ok()) {
        Some(millis) => Value::Timestamp(Timestamp::from_micros(millis.saturating_mul(1000))),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{System, Timestamp, Value};

    use super::parse;
    use crate::ConnectError;

    const BODY: &str = r#"{"BusinessEventId":"CustCustomerV3EntityUpdatedBusinessEvent","BusinessEventLegalEntity":"usmf",
        "ContextRecordSubject":"","ControlNumber":5637166326,"CustomerAccount":"US-001","EventId":"7A8D",
        "EventTime":"/Date(1581003234000)/","InitiatingUserAADObjectId":"{0000}","MajorVersion":0,"MinorVersion":0,
        "ParentContextRecordSubjects":[],"ValidFrom":"/Date(1581003234000)/","LineNumber":1.50}"#;

    #[test]
    fn a_data_event_names_its_row() {
        let nudges = parse("f", "x=1&code=s%20ecret", BODY.as_bytes(), "s ecret").unwrap();
        let [nudge] = nudges.as_slice() else { panic!("{nudges:?}") };
        assert_eq!((nudge.system, nudge.table.as_str()), (System::Finops, "CustCustomerV3Entity"));
        assert!(!nudge.deleted);
        assert_eq!(nudge.cells.get("CustomerAccount"), &Value::text("US-001"));
        assert_eq!(nudge.cells.get("dataAreaId"), &Value::text("usmf"));
        let moment = Timestamp::parse("2020-02-06T15:33:54Z").unwrap();
        assert_eq!(nudge.cells.get("ValidFrom"), &Value::Timestamp(moment));
        assert_eq!(nudge.cells.len(), 4);
    }

    #[test]
    fn created_and_deleted_are_told_and_other_events_passed_over() {
        let event = |id: &str| BODY.replace("CustCustomerV3EntityUpdatedBusinessEvent", id);
        let read = |id: &str| parse("f", "code=s", event(id).as_bytes(), "s").unwrap();
        assert!(read("VendVendorV2EntityDeletedBusinessEvent")[0].deleted);
        assert_eq!(read("VendVendorV2EntityCreatedBusinessEvent")[0].table, "VendVendorV2Entity");
        assert_eq!(read("VendVendorV2EntityCreated")[0].table, "VendVendorV2Entity");
        assert!(read("SalesInvoicePostedBusinessEvent").is_empty());
        assert!(read("Deleted").is_empty());
        let several = format!("[{BODY},{BODY}]");
        assert_eq!(parse("f", "code=s", several.as_bytes(), "s").unwrap().len(), 2);
    }

    #[test]
    fn without_the_secret_nothing_is_read() {
        for query in ["", "code", "code=", "code=x", "Code=s", "code=S", "code=%zz"] {
            let refused = parse("f", query, BODY.as_bytes(), "s").unwrap_err();
            assert!(matches!(refused, ConnectError::Unauthorized { .. }), "{query}");
        }
        assert!(parse("f", "code=", BODY.as_bytes(), "").is_err());
    }

    #[test]
    fn garbage_is_a_protocol_error() {
        for body in ["", "1", "{}", "[1]", r#"{"BusinessEventId":1}"#, "\u{0}"] {
            let error = parse("f", "code=s", body.as_bytes(), "s").unwrap_err();
            assert!(matches!(error, ConnectError::Protocol { .. }), "{body}");
        }
    }
}
