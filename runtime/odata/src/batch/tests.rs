use proptest::prelude::*;

use super::{
    BatchError, Item, Limits, PartRequest, PartResponse, build_request, build_response, content_type,
    parse_request, parse_response,
};

const LIMITS: Limits = Limits { parts: 1000, bytes: 1 << 24 };

#[test]
fn the_documented_request_is_read() {
    // learn.microsoft.com: power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
    let body = "--batch_AAA123\r\n\
        Content-Type: multipart/mixed; boundary=\"changeset_BBB456\"\r\n\r\n\
        --changeset_BBB456\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n\
        POST /api/data/v9.2/tasks HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n\r\n\
        {\"subject\":\"Task 1 in batch\"}\r\n\
        --changeset_BBB456--\r\n\r\n\
        --batch_AAA123\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        GET /api/data/v9.2/accounts?$filter=name eq 'x' HTTP/1.1\r\n\r\n\r\n\
        --batch_AAA123--\r\n";
    for body in [body.to_owned(), body.replace("\r\n", "\n"), format!("preamble\r\n{body}epilogue")] {
        let items = parse_request("multipart/mixed;boundary=batch_AAA123", body.as_bytes(), &LIMITS).unwrap();
        let [Item::Changeset(changes), Item::Single(read)] = items.as_slice() else { panic!("{items:?}") };
        let [task] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((task.method.as_str(), task.url.as_str()), ("POST", "/api/data/v9.2/tasks"));
        assert_eq!(task.body, br#"{"subject":"Task 1 in batch"}"#);
        assert_eq!(task.content_id.as_deref(), Some("1"));
        assert_eq!(task.header("content-type"), Some("application/json; type=entry"));
        assert_eq!(read.url, "/api/data/v9.2/accounts?$filter=name eq 'x'");
        assert!(read.body.is_empty());
    }
}

#[test]
fn the_documented_answer_is_read() {
    let body = "--batchresponse_f27ef42d\r\nContent-Type: multipart/mixed; boundary=changesetresponse_64cc3fff\r\n\r\n\
        --changesetresponse_64cc3fff\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n\
        HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nOData-EntityId: https://h/api/data/v9.2/tasks(x)\r\n\r\n\r\n\
        --changesetresponse_64cc3fff--\r\n\
        --batchresponse_f27ef42d\r\nContent-Type: application/http\r\n\r\n\
        HTTP/1.1 412 Precondition Failed\r\nContent-Type: application/json\r\n\r\n{\"error\":{}}\r\n\
        --batchresponse_f27ef42d--\r\n";
    let items =
        parse_response("multipart/mixed; boundary=batchresponse_f27ef42d", body.as_bytes(), &LIMITS).unwrap();
    let [Item::Changeset(done), Item::Single(refused)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((done[0].status, done[0].content_id.as_deref()), (204, Some("1")));
    assert_eq!(done[0].header("odata-entityid"), Some("https://h/api/data/v9.2/tasks(x)"));
    assert_eq!((refused.status, refused.body.as_slice()), (412, br#"{"error":{}}"#.as_slice()));
}

fn refused(body: &str, expect: BatchError) {
    let limits = Limits { parts: 2, bytes: 2000 };
    assert_eq!(parse_request("multipart/mixed; boundary=b", body.as_bytes(), &limits), Err(expect), "{body}");
}

#[test]
fn what_is_wrong_is_told_apart() {
    let part = "--b\r\nContent-Type: application/http\r\n\r\nGET /a HTTP/1.1\r\n\r\n\r\n";
    refused("", BatchError::MissingBoundary);
    refused("--bx\r\n--bx--\r\n", BatchError::MissingBoundary);
    refused(part, BatchError::Unterminated);
    refused(&format!("{part}{part}{part}--b--"), BatchError::TooManyParts { limit: 2 });
    refused(&" ".repeat(2001), BatchError::TooLong { limit: 2000 });
    refused("--b\r\n\r\nGET /\r\n--b--", BatchError::Part { part: 1, reason: "it has no content type" });
    refused(
        "--b\r\nContent-Type: text/plain\r\n\r\nGET /\r\n--b--",
        BatchError::Part { part: 1, reason: "it is not of type application/http" },
    );
    refused(
        "--b\r\nContent-Type: application/http\r\n\r\nGET\r\n--b--",
        BatchError::Part { part: 1, reason: "it has no request line" },
    );
    let changeset = "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n";
    refused(&format!("{changeset}--b--"), BatchError::MissingBoundary);
    let inner = part.replace("--b", "--c");
    refused(
        &format!("{changeset}{inner}{inner}{inner}--c--\r\n--b--"),
        BatchError::TooManyParts { limit: 2 },
    );
    assert_eq!(parse_request("text/plain", b"", &LIMITS), Err(BatchError::NoBoundary));
}

#[test]
fn a_line_end_in_a_header_forges_nothing() {
    let part = PartRequest {
        headers: vec![("If-Match".into(), "x\r\nMSCRM.CallerID: someone".into())],
        ..PartRequest::new("GET", "/a\r\nX: y")
    };
    let body = build_request(&[Item::Single(part)], "b");
    let items = parse_request(&content_type("b"), &body, &LIMITS).unwrap();
    let [Item::Single(part)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(part.headers.len(), 1);
}

#[test]
fn a_full_batch_is_read_whole() {
    let part = |index: usize| {
        Item::Changeset(vec![PartRequest {
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: vec![b'x'; 1024],
            content_id: Some(index.to_string()),
            ..PartRequest::new("PATCH", format!("/data/CustomersV3({index})"))
        }])
    };
    let items: Vec<_> = (0..1000).map(part).collect();
    let body = build_request(&items, "batch_1");
    assert_eq!(parse_request(&content_type("batch_1"), &body, &LIMITS).unwrap(), items);
}

fn any_headers() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("X-[A-Za-z]{1,9}", "[!-~]{0,9}"), 0..3)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    any::<Vec<u8>>().prop_filter("a body of line ends alone counts as none", |body| {
        body.is_empty() || body.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    })
}

fn any_request() -> impl Strategy<Value = PartRequest> {
    ("[A-Z]{3,6}", "/[!-~]{0,20}", any_headers(), any_body(), prop::option::of("[0-9]{1,4}")).prop_map(
        |(method, url, headers, body, content_id)| PartRequest { method, url, headers, body, content_id },
    )
}

fn any_response() -> impl Strategy<Value = PartResponse> {
    (200_u16..599, any_headers(), any_body(), prop::option::of("[0-9]{1,4}")).prop_map(
        |(status, headers, body, content_id)| PartResponse {
            body: if matches!(status, 204 | 304) { Vec::new() } else { body },
            status,
            headers,
            content_id,
        },
    )
}

fn any_items<P: std::fmt::Debug + Clone + 'static>(
    part: impl Strategy<Value = P> + Clone + 'static,
) -> impl Strategy<Value = Vec<Item<P>>> {
    let changeset = prop::collection::vec(part.clone(), 0..4).prop_map(Item::Changeset);
    prop::collection::vec(prop_oneof![part.prop_map(Item::Single), changeset], 0..5)
}

proptest! {
    #[test]
    fn requests_are_read_back(items in any_items(any_request().boxed())) {
        let body = build_request(&items, "batch_7c1e");
        prop_assert_eq!(parse_request(&content_type("batch_7c1e"), &body, &LIMITS).unwrap(), items);
    }

    #[test]
    fn answers_are_read_back(items in any_items(any_response().boxed())) {
        let body = build_response(&items, "batch_7c1e");
        prop_assert_eq!(parse_response(&content_type("batch_7c1e"), &body, &LIMITS).unwrap(), items);
    }

    #[test]
    fn garbage_does_not_panic(bytes in any::<Vec<u8>>(), lines in "((--b|--b--|--c|Content-Type: |multipart/mixed;boundary=c|application/http|GET / HTTP/1.1|HTTP/1.1 200|:|x)?\r?\n){0,30}") {
        let _ = parse_request("multipart/mixed;boundary=b", &bytes, &LIMITS);
        let _ = parse_response("multipart/mixed;boundary=b", &bytes, &LIMITS);
        let _ = parse_request("multipart/mixed;boundary=b", lines.as_bytes(), &LIMITS);
        let _ = parse_response("multipart/mixed;boundary=b", lines.as_bytes(), &LIMITS);
    }
}
