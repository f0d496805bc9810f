//! Requests to hosts that the operator named, for maps to which `http` was granted.
//!
//! A component imports this only when it calls [`send`]; without the grant it is then refused when it is loaded. Secrets
//! are the operator's: the host adds them, and a map neither sees nor sets those headers. Off WebAssembly nothing is
//! sent: [`answered_by`] stands in for the other side in tests.

#[allow(unsafe_code, reason = "the generated glue lifts and lowers values through linear memory")]
#[allow(unreachable_pub, dead_code, clippy::allow_attributes_without_reason, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package dualwright:sending; world sending { import dualwright:plugin/http@1.1.0; }",
        world: "dualwright:sending/sending",
        with: { "dualwright:plugin/http@1.1.0": generate },
        additional_derives: [PartialEq, Eq],
    });
}

pub use bindings::dualwright::plugin::http::{Failure, Header, Request, Response};

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: None }
    }

    /// A `GET` of an absolute address, `https://rates.example.com/v1/eur`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.to_owned(), value: value.into() });
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }
}

impl Response {
    /// Whether the status says that it went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, when it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The first header of this name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value.as_str())
    }
}

/// Sends one request and waits. An answer of any status is an answer. A batch that is tried again is sent again, so send
/// only what may be repeated; while a version is only tried (`shadow`, `preview`), nothing but `GET` and `HEAD` is sent.
///
/// # Errors
/// A [`Failure`]. A map that cannot do without the answer should reject the record, which is then kept.
pub fn send(request: &Request) -> Result<Response, Failure> {
    outside::send(request)
}

#[cfg(target_family = "wasm")]
mod outside {
    pub(super) use super::bindings::dualwright::plugin::http::send;
}

#[cfg(not(target_family = "wasm"))]
pub use outside::answered_by;

#[cfg(not(target_family = "wasm"))]
mod outside {
    use std::cell::RefCell;

    use super::{Failure, Request, Response};

    type Answers = Box<dyn FnMut(&Request) -> Result<Response, Failure>>;

    thread_local! {
        static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
    }

    struct Reset;

    impl Drop for Reset {
        fn drop(&mut self) {
            ANSWERS.with(|answers| answers.borrow_mut().take());
        }
    }

    /// Runs something, a test of a map, in which [`send`](super::send) is answered like this.
    pub fn answered_by<T>(
        answers: impl FnMut(&Request) -> Result<Response, Failure> + 'static,
        run: impl FnOnce() -> T,
    ) -> T {
        ANSWERS.with(|slot| *slot.borrow_mut() = Some(Box::new(answers)));
        let _reset = Reset;
        run()
    }

    pub(super) fn send(request: &Request) -> Result<Response, Failure> {
        ANSWERS.with(|answers| match answers.borrow_mut().as_mut() {
            Some(answers) => answers(request),
            None => Err(Failure::Unavailable("off WebAssembly nothing is sent; see answered_by".into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Header, Request, Response, answered_by, send};

    #[test]
    fn tests_answer_for_the_other_side() {
        let ask = || send(&Request::get("https://rates.example.com/v1/eur").header("accept", "text/plain"));
        assert!(matches!(ask(), Err(Failure::Unavailable(_))));
        let answer = answered_by(
            |request| {
                assert_eq!((request.method.as_str(), request.headers.len()), ("GET", 1));
                let headers = vec![Header { name: "Content-Type".into(), value: "text/plain".into() }];
                Ok(Response { status: 200, headers, body: b"1.08".to_vec() })
            },
            ask,
        )
        .unwrap();
        assert!(answer.is_success());
        assert_eq!((answer.text(), answer.header("content-type")), (Some("1.08"), Some("text/plain")));
    }
}
