use dualwright_model::{Decimal, IntegrationKey, Record, RecordId, Value, Version};
use serde_json::{Value as Json, json};

use super::server::{Exchange, Server, exchange, raw};
use super::{ONE, TERM, TWO, USMF, cells, selection};
use crate::{ConnectError, Connector, Precondition, Write, WriteOutcome, WriteTarget};

fn company() -> Exchange {
    exchange(
        "GET cdm_companies?$select=cdm_companyid,cdm_companycode&$filter=(cdm_companycode eq 'USMF')",
        200,
        json!({ "value": [{ "cdm_companyid": USMF, "cdm_companycode": "usmf" }] }),
    )
}

fn terms(rows: Json) -> Exchange {
    exchange(
        "GET msdyn_paymentterms?$select=msdyn_paymenttermid,msdyn_name,_msdyn_companyid_value&$filter=\
         (msdyn_name eq 'Net30' and _msdyn_companyid_value eq 11111111-0000-0000-0000-000000000001)",
        200,
        json!({ "value": rows }),
    )
}

fn term(id: &str) -> Json {
    json!({ "msdyn_paymenttermid": id, "msdyn_name": "Net30", "_msdyn_companyid_value": USMF })
}

fn key(number: &str) -> Vec<Value> {
    vec![Value::text(number), Value::text("USMF")]
}

fn create(number: &str, more: &[(&str, Value)]) -> Write {
    Write {
        target: WriteTarget::Key(key(number)),
        cells: cells(more),
        delete: false,
        precondition: Precondition::Absent,
    }
}

fn update(id: &str, more: &[(&str, Value)], precondition: Precondition) -> Write {
    let target = WriteTarget::Id { id: RecordId(id.into()), key: key("C-1") };
    Write { target, cells: cells(more), delete: false, precondition }
}

fn version(text: &str) -> Precondition {
    Precondition::Version(Version(text.into()))
}

fn net30() -> (&'static str, Value) {
    ("msdyn_paymentterm.msdyn_name", Value::text("Net30"))
}

fn missing(status: u16) -> Json {
    json!({ "error": { "code": "0x80040217", "message": format!("Does Not Exist {status}") } })
}

#[tokio::test]
async fn a_new_row_is_posted_with_its_key_and_its_lookups_bound() {
    let script = vec![
        company(),
        terms(json!([term(TERM)])),
        exchange(
            "POST accounts?$select=accountid&tag=dualwright",
            201,
            json!({ "@odata.etag": "W/\"9\"", "accountid": ONE }),
        ),
    ];
    let (server, dataverse) = Server::start(script).await;
    let limit = Value::Decimal(Decimal::parse("12345678901234567890.10").unwrap());
    let write = create("C-1", &[net30(), ("creditlimit", limit), ("name", Value::Null)]);
    let outcomes = dataverse.apply(&selection(), &[write]).await.unwrap();
    let WriteOutcome::Written(written) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(written.id, Some(RecordId(ONE.into())));
    assert_eq!((written.version.clone(), written.created), (Some(Version("W/\"9\"".into())), Some(true)));
    let seen = server.finish();
    let post = seen.last().unwrap();
    assert_eq!(
        post.json(),
        json!({
            "accountnumber": "C-1", "name": null,
            "creditlimit": serde_json::from_str::<Json>("12345678901234567890.1").unwrap(),
            "msdyn_company@odata.bind": format!("/cdm_companies({USMF})"),
            "msdyn_PaymentTerm@odata.bind": format!("/msdyn_paymentterms({TERM})"),
        })
    );
    assert!(post.body.contains("12345678901234567890.1"));
    assert_eq!(post.header("prefer"), Some("return=representation"));
}

#[tokio::test]
async fn each_record_of_a_batch_has_its_own_outcome() {
    let duplicate = r#"{"error":{"code":"0x80060892","message":"already exists"}}"#;
    let invalid = r#"{"error":{"code":"0x80044331","message":"too long"}}"#;
    let changed = r#"{"error":{"code":"0x80060882","message":"version"}}"#;
    let script = vec![
        company(),
        raw("POST accounts?", 412, duplicate),
        exchange(
            &format!("PATCH accounts({ONE})?"),
            200,
            json!({ "@odata.etag": "W/\"9\"", "accountid": ONE }),
        ),
        raw(&format!("PATCH accounts({TWO})?"), 412, changed),
        raw(&format!("PATCH accounts({TWO})?"), 412, duplicate),
        raw(&format!("PATCH accounts({TWO})?"), 400, invalid),
        exchange(&format!("PATCH accounts({TWO})?"), 404, missing(404)),
        raw(&format!("DELETE accounts({ONE})?tag=dualwright"), 204, ""),
        exchange(&format!("DELETE accounts({TWO})?tag=dualwright"), 404, missing(404)),
    ];
    let (server, dataverse) = Server::start(script).await;
    let name = [("name", Value::text("A & B"))];
    let delete = |id: &str, precondition| Write { delete: true, ..update(id, &[], precondition) };
    let writes = [
        create("C-1", &name),
        update(ONE, &name, version("W/\"8\"")),
        update(TWO, &name, version("W/\"1\"")),
        update(TWO, &name, Precondition::Exists),
        update(TWO, &name, Precondition::Exists),
        update(TWO, &name, Precondition::Exists),
        delete(ONE, version("W/\"3\"")),
        delete(TWO, Precondition::None),
    ];
    let outcomes = dataverse.apply(&selection(), &writes).await.unwrap();
    let told: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            WriteOutcome::Written(_) => "written",
            WriteOutcome::PreconditionFailed => "precondition",
            WriteOutcome::Missing => "missing",
            WriteOutcome::LookupMissing { .. } => "lookup",
            WriteOutcome::Failed(ConnectError::Rejected { code, .. }) if code == "0x80044331" => "refused",
            WriteOutcome::Failed(ConnectError::Rejected { .. }) => "duplicate",
            WriteOutcome::Failed(_) => "failed",
        })
        .collect();
    assert_eq!(
        told,
        ["precondition", "written", "precondition", "duplicate", "refused", "missing", "written", "missing"]
    );
    let seen = server.finish();
    let conditions: Vec<Option<&str>> = seen[2..].iter().map(|seen| seen.header("if-match")).collect();
    assert_eq!(
        conditions,
        [Some("W/\"8\""), Some("W/\"1\""), Some("*"), Some("*"), Some("*"), Some("W/\"3\""), None]
    );
    assert_eq!(seen[2].json(), json!({ "name": "A & B" }));
}

#[tokio::test]
async fn a_lookup_that_leads_nowhere_is_told_and_nothing_is_sent_for_that_record() {
    let script = vec![
        company(),
        terms(json!([])),
        exchange(&format!("PATCH accounts({TWO})?"), 200, json!({ "accountid": TWO })),
    ];
    let (server, dataverse) = Server::start(script).await;
    let writes = [
        update(ONE, &[net30()], Precondition::Exists),
        update(TWO, &[("msdyn_paymentterm.msdyn_name", Value::Null)], Precondition::Exists),
    ];
    let outcomes = dataverse.apply(&selection(), &writes).await.unwrap();
    let WriteOutcome::LookupMissing { path, table, key } = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!((path.as_str(), table.as_str()), ("msdyn_paymentterm.msdyn_name", "msdyn_paymentterms"));
    // In the order of the table's alternate key.
    assert_eq!(*key, IntegrationKey::new([&Value::text("usmf"), &Value::text("net30")]));
    assert!(matches!(outcomes[1], WriteOutcome::Written(_)));
    assert_eq!(server.finish().last().unwrap().json(), json!({ "msdyn_PaymentTerm@odata.bind": null }));
}

#[tokio::test]
async fn a_missing_company_is_what_is_told() {
    // Asked for the record and for its payment term: that something is missing is never remembered.
    let none = || exchange("GET cdm_companies?", 200, json!({ "value": [] }));
    let (server, dataverse) = Server::start(vec![none(), none()]).await;
    let outcomes = dataverse.apply(&selection(), &[create("C-1", &[net30()])]).await.unwrap();
    assert!(
        matches!(&outcomes[0], WriteOutcome::LookupMissing { table, .. } if table.as_str() == "cdm_companies"),
        "{outcomes:?}"
    );
    server.finish();
}

#[tokio::test]
async fn of_two_rows_that_fit_a_lookup_none_is_guessed() {
    let script = vec![company(), terms(json!([term(TERM), term(TWO)]))];
    let (server, dataverse) = Server::start(script).await;
    let outcomes =
        dataverse.apply(&selection(), &[update(ONE, &[net30()], Precondition::Exists)]).await.unwrap();
    let WriteOutcome::Failed(ConnectError::Rejected { message, .. }) = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert!(message.contains("fits more than one row of msdyn_paymentterms"), "{message}");
    server.finish();
}

#[tokio::test]
async fn a_target_remembered_too_long_is_looked_for_again() {
    let write = [update(ONE, &[net30()], Precondition::Exists)];
    let patch = format!("PATCH accounts({ONE})?");
    let script = vec![
        company(),
        terms(json!([term(TERM)])),
        exchange(&patch, 200, json!({ "accountid": ONE })),
        // The term was deleted and made anew by somebody else.
        exchange(&patch, 404, missing(404)),
        terms(json!([term(TWO)])),
        exchange(&patch, 200, json!({ "accountid": ONE })),
        // It is gone for good.
        exchange(&patch, 404, missing(404)),
        terms(json!([])),
    ];
    let (server, dataverse) = Server::start(script).await;
    for _ in 0..2 {
        let outcomes = dataverse.apply(&selection(), &write).await.unwrap();
        assert!(matches!(outcomes[0], WriteOutcome::Written(_)), "{outcomes:?}");
    }
    let outcomes = dataverse.apply(&selection(), &write).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::LookupMissing { .. }), "{outcomes:?}");
    let seen = server.finish();
    let bound = |seen: &super::server::Seen| seen.json()["msdyn_PaymentTerm@odata.bind"].clone();
    assert_eq!(bound(&seen[5]), json!(format!("/msdyn_paymentterms({TWO})")));
}

#[tokio::test]
async fn a_row_without_a_unique_key_is_looked_for_before_it_is_made() {
    // Without a value in the whole key, Dataverse does not keep the key unique.
    let question = "GET accounts?$select=accountid,accountnumber,_msdyn_company_value&$filter=(accountnumber eq 'C-1' \
                    and _msdyn_company_value eq null)";
    let existing = json!({ "accountid": ONE, "accountnumber": "C-1", "_msdyn_company_value": null });
    let script = vec![
        exchange(question, 200, json!({ "value": [existing] })),
        exchange(question, 200, json!({ "value": [] })),
        exchange("PATCH accounts(", 201, json!({ "accountid": TWO })),
    ];
    let (server, dataverse) = Server::start(script).await;
    let mut write = create("C-1", &[]);
    write.target = WriteTarget::Key(vec![Value::text("C-1"), Value::Null]);
    let first = dataverse.apply(&selection(), std::slice::from_ref(&write)).await.unwrap();
    assert!(matches!(first[0], WriteOutcome::PreconditionFailed));
    let second = dataverse.apply(&selection(), &[write]).await.unwrap();
    assert!(matches!(second[0], WriteOutcome::Written(_)), "{second:?}");
    let seen = server.finish();
    assert_eq!(seen[2].header("if-none-match"), Some("*"));
    assert_eq!(seen[2].json(), json!({ "accountnumber": "C-1" }));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unknown_and_the_others_are_not() {
    // Without a condition a write is not sent twice.
    let script = vec![
        raw(&format!("PATCH accounts({ONE})"), 500, ""),
        raw(&format!("PATCH accounts({TWO})"), 204, ""),
    ];
    let (server, dataverse) = Server::start(script).await;
    let name = [("name", Value::text("x"))];
    let writes = [update(ONE, &name, Precondition::None), update(TWO, &name, Precondition::Exists)];
    let outcomes = dataverse.apply(&selection(), &writes).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::Failed(ConnectError::Unavailable { .. })), "{outcomes:?}");
    let WriteOutcome::Written(written) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((&written.id, &written.version), (&Some(RecordId(TWO.into())), &None));
    server.finish();
}

#[tokio::test]
async fn updates_by_key_find_their_row_first() {
    let found = json!({ "accountid": ONE, "accountnumber": "c-1", "_msdyn_company_value": USMF });
    let script = vec![
        company(),
        exchange("GET accounts?$select=accountid,accountnumber", 200, json!({ "value": [found] })),
        exchange(&format!("PATCH accounts({ONE})?"), 200, json!({ "accountid": ONE })),
    ];
    let (server, dataverse) = Server::start(script).await;
    let by_key = |number: &str, delete| Write {
        target: WriteTarget::Key(key(number)),
        cells: if delete { Record::new() } else { cells(&[("name", Value::text("x"))]) },
        delete,
        precondition: Precondition::Exists,
    };
    let writes = [by_key("C-1", false), by_key("C-2", false), by_key("C-3", true)];
    let outcomes = dataverse.apply(&selection(), &writes).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::Written(_)), "{outcomes:?}");
    assert!(matches!(outcomes[1..], [WriteOutcome::Missing, WriteOutcome::Missing]), "{outcomes:?}");
    let seen = server.finish();
    // The key is not written again, only what changed.
    assert_eq!(seen[2].json(), json!({ "name": "x" }));
}

/// RFC 6585, section 3: a service that takes no deletion without a condition is told that any version will do, once.
#[tokio::test]
async fn a_deletion_that_needs_a_condition_gets_one() {
    let deletion =
        |id: &str, precondition: Precondition| Write { delete: true, ..update(id, &[], precondition) };
    let script = vec![
        raw(&format!("DELETE accounts({ONE})?tag=dualwright"), 428, ""),
        raw(&format!("DELETE accounts({TWO})?tag=dualwright"), 428, ""),
        // Of the two, only the one that means any version goes again.
        raw(&format!("DELETE accounts({ONE})?tag=dualwright"), 204, ""),
    ];
    let (server, dataverse) = Server::start(script).await;
    let writes = [deletion(ONE, Precondition::Exists), deletion(TWO, version("W/\"1\""))];
    let outcomes = dataverse.apply(&selection(), &writes).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::Written(_)), "{outcomes:?}");
    assert!(matches!(outcomes[1], WriteOutcome::Failed(ConnectError::Rejected { .. })), "{outcomes:?}");
    let conditions: Vec<Option<String>> =
        server.finish().iter().map(|seen| seen.header("if-match").map(str::to_owned)).collect();
    assert_eq!(conditions, [None, Some("W/\"1\"".to_owned()), Some("*".to_owned())]);
}
