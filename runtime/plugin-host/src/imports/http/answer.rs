//! Which answers reach the guest, and what of them.
//!
//! A server that repeats what it was sent would hand the guest the secret that the host added. Such an answer is withheld
//! as a whole: a text with a hole in it would be taken for the server's own.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::grants::{HttpGrant, InjectedHeader};
use crate::services::HttpAnswer;
use crate::worlds::bindings::dualwright::plugin::http::{Failure, Header, Response};

/// The most headers that are handed on, and the bytes they have together.
const HEADERS: usize = 100;
const HEADER_BYTES: usize = 32 << 10;

/// Headers about the connection, about signing in and about cookies are not the guest's business.
const DROPPED: [&str; 14] = [
    "authentication-info",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// Looks an answer over and hands it on.
///
/// # Errors
/// What the guest is told instead.
pub(super) fn release(grant: &HttpGrant, answer: HttpAnswer) -> Result<Response, Failure> {
    let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    if length > grant.most_bytes {
        return Err(Failure::TooLarge(grant.most_bytes));
    }
    let mut headers = Vec::new();
    let mut bytes = 0_usize;
    for (name, value) in answer.headers {
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if headers.len() >= HEADERS || bytes > HEADER_BYTES {
            break;
        }
        if !DROPPED.contains(&name.to_ascii_lowercase().as_str()) {
            headers.push(Header { name, value });
        }
    }
    let repeats = |header: &InjectedHeader| {
        spellings(header).iter().any(|spelling| {
            let spelling = spelling.as_bytes();
            contains(&answer.body, spelling)
                || headers.iter().any(|header| {
                    contains(header.value.as_bytes(), spelling) || contains(header.name.as_bytes(), spelling)
                })
        })
    };
    if let Some(header) = grant.headers.iter().find(|header| repeats(header)) {
        tracing::warn!(
            target: "dualwright::map",
            header = %header.name,
            "an answer repeats the secret of a header that was added to its request, and is withheld from the map"
        );
        return Err(Failure::Unavailable(format!(
            "the answer repeats what the operator added as {}, and is withheld",
            header.name
        )));
    }
    Ok(Response { status: answer.status, headers, body: answer.body })
}

/// The ways in which servers commonly repeat a text: as it is, in JSON, in an address, in base64.
fn spellings(header: &InjectedHeader) -> Vec<String> {
    let secret = header.secret.reveal();
    let whole = format!("{}{secret}", header.prefix);
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut spellings = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD_NO_PAD.encode(&whole),
        URL_SAFE_NO_PAD.encode(&whole),
    ];
    spellings.sort();
    spellings.dedup();
    spellings.retain(|spelling| !spelling.is_empty());
    spellings
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::release;
    use crate::grants::{HiddenText, HttpGrant};
    use crate::services::HttpAnswer;
    use crate::worlds::bindings::dualwright::plugin::http::{Failure, Response};

    const SECRET: &str = "hunter2/\"+é";

    fn released(headers: &[(&str, &str)], body: &[u8]) -> Result<Response, Failure> {
        let grant = HttpGrant::new("a.com").unwrap().most_bytes(100);
        let grant = grant.header("X-Key", "Key ", HiddenText::new(SECRET)).unwrap();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        release(&grant, HttpAnswer { status: 200, headers, body: body.to_vec() })
    }

    #[test]
    fn cookies_and_the_connection_are_not_handed_on() {
        let answer = released(
            &[("Set-Cookie", "a=b"), ("Content-Type", "text/plain"), ("connection", "close")],
            b"1.08",
        )
        .unwrap();
        let names: Vec<&str> = answer.headers.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["Content-Type"]);
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"1.08".as_slice()));
    }

    #[test]
    fn i11_an_answer_that_repeats_the_secret_is_withheld() {
        let json = serde_json::json!({ "x-key": format!("Key {SECRET}") }).to_string();
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, SECRET);
        for body in [SECRET, &json, "you sent hunter2%2F%22%2B%C3%A9", &base64] {
            let failure = released(&[], body.as_bytes()).unwrap_err();
            assert!(
                matches!(&failure, Failure::Unavailable(text) if text.contains("x-key") && !text.contains("hunter2")),
                "{failure:?}"
            );
        }
        assert!(released(&[("x-echo", SECRET)], b"").is_err());
        assert!(released(&[], b"hunter2").is_ok(), "a part of it is not it");
    }

    #[test]
    fn what_is_too_long_is_not_handed_on() {
        assert!(matches!(released(&[], &[b'x'; 101]), Err(Failure::TooLarge(100))));
        let many: Vec<(&str, &str)> = (0..200).map(|_| ("x-a", "b")).collect();
        assert_eq!(released(&many, b"").unwrap().headers.len(), 100);
    }
}
