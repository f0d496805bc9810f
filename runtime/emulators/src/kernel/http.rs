//! Requests and answers as plain values: what a system's code sees of HTTP.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

/// One request, its body read to the end.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query after `?`, still percent-encoded; empty when there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The address the client used, such as `http://127.0.0.1:5001`: links in answers begin with it.
    pub base: String,
}

impl Request {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of a preference of the `Prefer` headers: `Some("")` when it has none. Quotes are taken off.
    pub fn preference(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        headers.find_map(|header| {
            split_preferences(header).into_iter().find_map(|preference| {
                let (found, value) = preference.split_once('=').unwrap_or((preference, ""));
                found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
            })
        })
    }
}

/// Splits at commas and semicolons outside quotes.
fn split_preferences(header: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for (at, letter) in header.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' | ';' if !quoted => {
                parts.extend(header.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(header.get(start..));
    parts
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers; the server adds length, date and its own name.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// An answer with a body of this type.
    pub fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut response = Self { status, headers: HeaderMap::new(), body: body.into() };
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    /// A plain JSON answer, as the endpoints under `/emulator/` and the token endpoint give.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::with_body(status, "application/json; charset=utf-8", body)
    }

    /// Adds a header; a value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Adds `Retry-After` in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }
}

/// Takes percent-encoding off. `None` when it is malformed or not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The fields of an `application/x-www-form-urlencoded` text (also a query), decoded, in order.
pub fn form_fields(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode(&part.replace('+', " ")).unwrap_or_default();
    text.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| field.split_once('=').unwrap_or((field, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Request, form_fields, percent_decode};

    #[test]
    fn preferences_are_found_with_quotes_and_without() {
        let mut request = Request {
            method: http::Method::GET,
            path: String::new(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            base: String::new(),
        };
        let value = "odata.include-annotations=\"a,b\", odata.maxpagesize=3; return=representation,odata.track-changes";
        request.headers.insert("prefer", http::HeaderValue::from_static(value));
        assert_eq!(request.preference("odata.include-annotations").as_deref(), Some("a,b"));
        assert_eq!(request.preference("odata.maxpagesize").as_deref(), Some("3"));
        assert_eq!(request.preference("return").as_deref(), Some("representation"));
        assert_eq!(request.preference("odata.track-changes").as_deref(), Some(""));
        assert_eq!(request.preference("respond-async"), None);
    }

    #[test]
    fn encodings_are_taken_off_or_refused() {
        assert_eq!(percent_decode("a%20b%C3%A9+").as_deref(), Some("a bé+"));
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decode(wrong), None);
        }
        assert_eq!(
            form_fields("a=1+2&b&=c"),
            [("a".into(), "1 2".into()), ("b".into(), String::new()), (String::new(), "c".into())]
        );
    }
}
