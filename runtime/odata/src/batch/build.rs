//! Batches as bytes.

use super::{Item, PartRequest, PartResponse};

/// The body of a `$batch` request. The boundary must not occur in any part: take a fresh random one.
pub fn build_request(items: &[Item<PartRequest>], boundary: &str) -> Vec<u8> {
    build(items, boundary, "changeset", write_request)
}

/// The body of the answer to a `$batch` request. Both systems call the inner boundary `changesetresponse_…`
/// (`webapi/execute-batch-operations-using-web-api.md`), and there are clients that know a changeset by that word.
pub fn build_response(items: &[Item<PartResponse>], boundary: &str) -> Vec<u8> {
    build(items, boundary, "changesetresponse", write_response)
}

fn build<P>(items: &[Item<P>], boundary: &str, word: &str, write: fn(&mut Vec<u8>, &P)) -> Vec<u8> {
    let mut body = Vec::with_capacity(items.len().saturating_mul(512));
    for (index, item) in items.iter().enumerate() {
        delimit(&mut body, boundary, "");
        match item {
            Item::Single(part) => write(&mut body, part),
            Item::Changeset(parts) => {
                let inner = format!("{word}_{index}_{boundary}");
                line(&mut body, &["Content-Type: ", &super::content_type(&inner)]);
                line(&mut body, &[]);
                for part in parts {
                    delimit(&mut body, &inner, "");
                    write(&mut body, part);
                }
                delimit(&mut body, &inner, "--");
            }
        }
    }
    delimit(&mut body, boundary, "--");
    body
}

fn write_request(body: &mut Vec<u8>, part: &PartRequest) {
    line(body, &["Content-Type: application/http"]);
    line(body, &["Content-Transfer-Encoding: binary"]);
    content_id(body, part.content_id.as_deref());
    line(body, &[]);
    line(body, &[&part.method, " ", &part.url, " HTTP/1.1"]);
    content(body, &part.headers, &part.body);
}

fn write_response(body: &mut Vec<u8>, part: &PartResponse) {
    line(body, &["Content-Type: application/http"]);
    line(body, &["Content-Transfer-Encoding: binary"]);
    content_id(body, part.content_id.as_deref());
    line(body, &[]);
    line(body, &["HTTP/1.1 ", &part.status.to_string(), " ", reason(part.status)]);
    content(body, &part.headers, &part.body);
}

fn content_id(body: &mut Vec<u8>, id: Option<&str>) {
    if let Some(id) = id {
        line(body, &["Content-ID: ", id]);
    }
}

fn content(body: &mut Vec<u8>, headers: &[(String, String)], content: &[u8]) {
    for (name, value) in headers {
        line(body, &[name, ": ", value]);
    }
    line(body, &[]);
    body.extend_from_slice(content);
    line(body, &[]);
}

fn delimit(body: &mut Vec<u8>, boundary: &str, end: &str) {
    line(body, &["--", boundary, end]);
}

/// One line. Line ends inside the texts would forge headers or parts: they become spaces.
fn line(body: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        body.extend(text.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    }
    body.extend_from_slice(b"\r\n");
}

/// The usual phrase; nothing reads it.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        424 => "Failed Dependency",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
