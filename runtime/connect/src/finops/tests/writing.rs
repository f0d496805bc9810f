use dualwright_model::{ColumnPath, Date, RecordId, Value, Version};
use serde_json::{Value as Json, json};

use super::server::{Server, exchange};
use super::{ETAG, cells, etag, key, refused, row, selection};
use crate::{ConnectError, Connector, Precondition, Write, WriteOutcome, WriteTarget};

const EXISTS: &str = "Error: Cannot create a record in Customers (CustTable). The record already exists..";

fn write(account: &str, given: &[(&str, Value)], precondition: Precondition) -> Write {
    Write { target: WriteTarget::Key(key(account)), cells: cells(given), delete: false, precondition }
}

fn delete(account: &str, precondition: Precondition) -> Write {
    Write { delete: true, ..write(account, &[], precondition) }
}

fn line(method: &str, account: &str) -> String {
    format!("{method} CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')?cross-company=true")
}

fn limit(number: i64) -> (&'static str, Value) {
    ("creditlimit", Value::Integer(number))
}

fn no_row() -> Json {
    json!({ "error": { "code": "", "message": "No resources were found when selecting for update." } })
}

#[tokio::test]
async fn a_new_row_is_posted_with_its_key_and_empties_for_nulls() {
    let script = vec![exchange("POST CustomersV3", 201, row("C-1", "5"))];
    let (server, finops) = Server::start(script).await;
    let given = [limit(5), ("customersince", Value::Null), ("PartyType", Value::text("Organization"))];
    let write = write("C-1", &given, Precondition::Absent);
    let outcomes = finops.apply(&selection(), &[write]).await.unwrap();
    let WriteOutcome::Written(written) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(written.id, Some(RecordId("5637144576".into())));
    assert_eq!((written.version.clone(), written.created), (Some(etag()), Some(true)));
    let seen = server.finish();
    assert_eq!(
        seen[0].json(),
        json!({ "dataAreaId": "usmf", "CustomerAccount": "C-1", "CreditLimit": 5, "PartyType": "Organization",
            "CustomerSince": "1900-01-01T12:00:00Z" })
    );
}

#[tokio::test]
async fn each_precondition_has_its_answer() {
    let script = vec![
        exchange("POST CustomersV3", 400, refused(EXISTS)),
        exchange(&line("PATCH", "b"), 412, Json::Null),
        exchange(&line("PATCH", "c"), 404, no_row()),
        exchange(&line("PATCH", "d"), 404, no_row()),
        exchange(&line("DELETE", "e"), 404, no_row()),
        exchange(&line("DELETE", "f"), 204, Json::Null),
        exchange(&line("DELETE", "g"), 412, Json::Null),
        exchange(&line("PATCH", "h"), 204, Json::Null),
    ];
    let (server, finops) = Server::start(script).await;
    let version = || Precondition::Version(etag());
    let writes = [
        write("a", &[limit(1)], Precondition::Absent),
        write("b", &[limit(1)], version()),
        write("c", &[limit(1)], version()),
        write("d", &[limit(1)], Precondition::Exists),
        delete("e", Precondition::None),
        delete("f", Precondition::None),
        delete("g", version()),
        write("h", &[limit(1)], Precondition::Exists),
    ];
    let outcomes = finops.apply(&selection(), &writes).await.unwrap();
    let word = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Written(_) => "written",
        WriteOutcome::PreconditionFailed => "precondition",
        WriteOutcome::Missing => "missing",
        WriteOutcome::LookupMissing { .. } | WriteOutcome::Failed(_) => "failed",
    };
    let words: Vec<&str> = outcomes.iter().map(word).collect();
    let (failed, missing) = ("precondition", "missing");
    assert_eq!(words, [failed, failed, missing, missing, missing, "written", failed, "written"]);
    let seen = server.finish();
    let conditions: Vec<Option<&str>> = seen.iter().map(|seen| seen.header("if-match")).collect();
    assert_eq!(conditions, [None, Some(ETAG), Some(ETAG), None, None, None, Some(ETAG), None]);
}

#[tokio::test]
async fn to_create_or_overwrite_is_to_change_and_then_to_create() {
    let script = vec![
        exchange(&line("PATCH", "a"), 404, no_row()),
        exchange(&line("PATCH", "b"), 204, Json::Null),
        exchange("POST CustomersV3", 400, refused(EXISTS)),
        exchange(&line("PATCH", "a"), 204, Json::Null),
    ];
    let (server, finops) = Server::start(script).await;
    let writes = ["a", "b"].map(|account| write(account, &[limit(1)], Precondition::None));
    let outcomes = finops.apply(&selection(), &writes).await.unwrap();
    for outcome in &outcomes {
        let WriteOutcome::Written(written) = outcome else { panic!("{outcomes:?}") };
        assert_eq!((written.created, &written.version), (Some(false), &None::<Version>));
    }
    server.finish();
}

#[tokio::test]
async fn a_changed_key_is_written_at_the_old_address() {
    let script = vec![exchange(&line("PATCH", "old"), 204, Json::Null)];
    let (server, finops) = Server::start(script).await;
    let id = RecordId("5637144576".into());
    let given = [
        ("dataAreaId", Value::text("USMF")),
        ("CustomerAccount", Value::text("new")),
        ("CustomerSince", Value::Date(Date::parse("2026-11-23").unwrap())),
    ];
    let write = Write {
        target: WriteTarget::Id { id: id.clone(), key: key("old") },
        ..write("old", &given, Precondition::Version(etag()))
    };
    let outcomes = finops.apply(&selection(), &[write]).await.unwrap();
    let WriteOutcome::Written(written) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(written.id, Some(id));
    let seen = server.finish();
    // The company is the same and may not be changed: it is not sent.
    assert_eq!(seen[0].json(), json!({ "CustomerAccount": "new", "CustomerSince": "2026-11-23T12:00:00Z" }));
}

#[tokio::test]
async fn a_refusal_says_what_the_infolog_says() {
    let conflict = "Error: An update conflict occurred due to another user process..";
    let script = vec![
        exchange(&line("PATCH", "a"), 400, refused("Error: The value 'X' in field 'Group' is not found..")),
        exchange(&line("PATCH", "b"), 400, refused(conflict)),
        exchange(&line("PATCH", "c"), 500, refused("Error: Function failed..")),
        exchange(&line("PATCH", "c"), 500, refused("Error: Function failed..")),
    ];
    let (server, finops) = Server::start(script).await;
    let writes = ["a", "b", "c"].map(|account| write(account, &[limit(1)], Precondition::Exists));
    let outcomes = finops.apply(&selection(), &writes).await.unwrap();
    let [WriteOutcome::Failed(data), WriteOutcome::Failed(conflict), WriteOutcome::Failed(fault)] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    let says = "Error: The value 'X' in field 'Group' is not found..";
    assert!(matches!(data, ConnectError::Rejected { message, .. } if message == says), "{data}");
    assert!(matches!(conflict, ConnectError::Unavailable { .. }), "{conflict}");
    assert!(matches!(fault, ConnectError::Rejected { .. }), "{fault}");
    server.finish();
}

#[tokio::test]
async fn a_new_row_refused_in_other_words_is_looked_for() {
    let select = "$select=CreditLimit,CustomerAccount,CustomerSince,PartyType,dataAreaId";
    let read = |account: &str| format!("{}&{select}", line("GET", account));
    let words = || refused("Fehler: Der Datensatz ist bereits vorhanden..");
    let script = vec![
        exchange("POST CustomersV3", 400, words()),
        exchange("POST CustomersV3", 400, refused("Fehler: Das Feld muss ausgefüllt werden..")),
        exchange(&read("a"), 200, row("a", "1")),
        exchange(&read("b"), 404, no_row()),
    ];
    let (server, finops) = Server::start(script).await;
    let writes = ["a", "b"].map(|account| write(account, &[limit(1)], Precondition::Absent));
    let outcomes = finops.apply(&selection(), &writes).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::PreconditionFailed), "{outcomes:?}");
    assert!(matches!(outcomes[1], WriteOutcome::Failed(ConnectError::Rejected { .. })), "{outcomes:?}");
    server.finish();
}

#[tokio::test]
async fn a_number_that_the_system_gives_is_left_to_it_and_not_asked_for_twice() {
    let script = vec![exchange("POST CustomersV3", 500, json!({}))];
    let (server, finops) = Server::start(script).await;
    let write = write("", &[limit(1)], Precondition::Absent);
    let outcomes = finops.apply(&selection(), &[write]).await.unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Failed(ConnectError::Unavailable { .. })), "{outcomes:?}");
    let seen = server.finish();
    assert_eq!(seen[0].json(), json!({ "dataAreaId": "usmf", "CreditLimit": 1 }));
}

#[tokio::test]
async fn a_row_known_by_another_key_is_found_first() {
    let select = "$select=CreditLimit,CustomerAccount,CustomerSince,PartyType,dataAreaId";
    let filter = "CustomerAccount eq 'a' or CustomerAccount eq 'b'";
    let script = vec![
        exchange(
            &format!("GET CustomersV3?cross-company=true&{select}&$filter={filter}"),
            200,
            json!({ "value": [row("a", "1")] }),
        ),
        exchange(&line("PATCH", "a"), 204, Json::Null),
    ];
    let (server, finops) = Server::start(script).await;
    let selection = crate::Selection { key: vec![ColumnPath::from("CustomerAccount")], ..selection() };
    let writes = ["a", "b"].map(|account| Write {
        target: WriteTarget::Key(vec![Value::text(account)]),
        ..write(account, &[limit(2)], Precondition::Exists)
    });
    let outcomes = finops.apply(&selection, &writes).await.unwrap();
    assert!(matches!(outcomes[0], WriteOutcome::Written(_)), "{outcomes:?}");
    assert!(matches!(outcomes[1], WriteOutcome::Missing), "{outcomes:?}");
    server.finish();
}

#[tokio::test]
async fn a_write_that_does_not_fit_the_table_fails_alone() {
    let (server, finops) = Server::start(vec![exchange(&line("PATCH", "b"), 204, Json::Null)]).await;
    let writes = [
        write("a", &[("Nothing", Value::Null)], Precondition::Exists),
        write("b", &[limit(1)], Precondition::Exists),
        Write { target: WriteTarget::Key(vec![]), ..write("c", &[limit(1)], Precondition::Exists) },
    ];
    let outcomes = finops.apply(&selection(), &writes).await.unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Failed(ConnectError::Unknown { .. })), "{outcomes:?}");
    assert!(matches!(&outcomes[1], WriteOutcome::Written(_)), "{outcomes:?}");
    assert!(matches!(&outcomes[2], WriteOutcome::Failed(_)), "{outcomes:?}");
    server.finish();
}

/// RFC 6585, section 3: a service that insists on a condition is told that any version will do, once.
#[tokio::test]
async fn a_service_that_wants_a_condition_gets_one() {
    let script = vec![
        exchange(&line("PATCH", "a"), 428, Json::Null),
        exchange(&line("PATCH", "a"), 204, Json::Null),
        exchange(&line("DELETE", "b"), 428, Json::Null),
        exchange(&line("DELETE", "b"), 428, Json::Null),
    ];
    let (server, finops) = Server::start(script).await;
    let one = |write: Write| async { finops.apply(&selection(), &[write]).await.unwrap().remove(0) };
    let outcome = one(write("a", &[limit(1)], Precondition::Exists)).await;
    assert!(matches!(outcome, WriteOutcome::Written(_)), "{outcome:?}");
    let outcome = one(delete("b", Precondition::Exists)).await;
    assert!(matches!(outcome, WriteOutcome::Failed(ConnectError::Rejected { .. })), "{outcome:?}");
    let conditions: Vec<Option<String>> =
        server.finish().iter().map(|seen| seen.header("if-match").map(str::to_owned)).collect();
    assert_eq!(conditions, [None, Some("*".to_owned()), None, Some("*".to_owned())]);
}

#[tokio::test]
async fn a_row_is_not_taken_for_gone_by_the_page_of_a_gateway() {
    let page = || json!("<html>404 - File or directory not found.</html>");
    let script =
        vec![exchange(&line("DELETE", "a"), 404, page()), exchange(&line("PATCH", "b"), 404, page())];
    let (server, finops) = Server::start(script).await;
    for write in [delete("a", Precondition::Exists), write("b", &[limit(1)], Precondition::None)] {
        let outcome = finops.apply(&selection(), &[write]).await.unwrap().remove(0);
        let WriteOutcome::Failed(ConnectError::Unavailable { reason, .. }) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(reason.contains("before the service"), "{reason}");
    }
    server.finish();
}
