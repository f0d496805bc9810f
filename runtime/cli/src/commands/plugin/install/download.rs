//! Components from the network: https, or http from this machine; never larger, never longer than agreed.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::source::too_large;
use crate::Failure;

/// How long a download may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long until a connection stands.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);
/// Addresses that one address may lead to.
const HOPS_MAX: usize = 5;
/// More than a signature in any of its forms.
const SIGNATURE_MAX_BYTES: u64 = 4096;

/// Checks an address that a person typed.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    // Not the text itself in the message where it may hold a password (I11).
    let url = Url::parse(text).map_err(|error| Failure::usage("this is not an address").because(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage("an address must not hold a user name or password")
            .hint("download the file by other means and install it from there"));
    }
    if !is_safe(&url, is_here(&url)) {
        return Err(Failure::usage("http lets anybody on the way change the component")
            .at(url)
            .hint("use https; http is for addresses of this machine only"));
    }
    Ok(url)
}

/// The component, and the signature beside it where there is one.
pub(super) async fn component(address: &Url, limit: u64) -> Result<(Vec<u8>, Option<Vec<u8>>), Failure> {
    let client = client(is_here(address))?;
    let bytes = fetch(&client, address, limit).await?.ok_or_else(|| {
        Failure::usage("there is nothing at this address, or nothing that we may have")
            .at(shown(address))
            .hint("look whether it is written as its publisher says; what needs a sign-in is downloaded by other means and installed as a file")
    })?;
    let mut beside = address.clone();
    beside.set_path(&format!("{}.sig", address.path()));
    let signature = fetch(&client, &beside, SIGNATURE_MAX_BYTES).await?;
    Ok((bytes, signature))
}

fn client(from_here: bool) -> Result<Client, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = Policy::custom(move |attempt| {
        if attempt.previous().len() > HOPS_MAX {
            attempt.error("it leads from address to address")
        } else if is_safe(attempt.url(), from_here) {
            attempt.follow()
        } else {
            attempt.error("it leads to an address without https")
        }
    });
    Client::builder()
        .redirect(policy)
        .timeout(PATIENCE)
        .connect_timeout(CONNECT_PATIENCE)
        .build()
        .map_err(|error| Failure::runtime("cannot prepare a download").because(error))
}

/// `None`: nothing is there.
async fn fetch(client: &Client, address: &Url, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
    let failed = |error: reqwest::Error| {
        Failure::environment("the download failed")
            .at(shown(address))
            .because(error.without_url())
            .hint("nothing was installed; look whether this machine reaches the server, and ask again")
    };
    let mut answer = client.get(address.clone()).send().await.map_err(failed)?;
    match answer.status() {
        status if status.is_success() => {}
        // Stores of files say one or the other of what is not there.
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => return Ok(None),
        status => {
            return Err(Failure::environment(format!("the server answered {status}"))
                .at(shown(address))
                .hint("nothing was installed; ask again later, or ask whoever runs the server"));
        }
    }
    read(&mut answer, limit)
        .await
        .map_err(|stopped| match stopped {
            Stopped::TooLarge(size) => too_large(shown(address), size, limit),
            Stopped::Broken { error, came, announced } => {
                let of = announced.map_or_else(String::new, |size| format!(" of {size}"));
                Failure::environment(format!("the download broke off after {came}{of} bytes"))
                    .at(shown(address))
                    .because(error.without_url())
                    .hint("nothing was installed; ask again, or download the file by other means and install it from there")
            }
        })
        .map(Some)
}

enum Stopped {
    TooLarge(u64),
    /// It ended early: so many bytes came, of those that the server had announced.
    Broken {
        error: reqwest::Error,
        came: usize,
        announced: Option<u64>,
    },
}

/// What a server says of the length is a hint; what it sends counts.
async fn read(answer: &mut Response, limit: u64) -> Result<Vec<u8>, Stopped> {
    let announced = answer.content_length();
    if let Some(size) = announced.filter(|size| *size > limit) {
        return Err(Stopped::TooLarge(size));
    }
    let mut bytes = Vec::new();
    loop {
        let part = match answer.chunk().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(error) => return Err(Stopped::Broken { error, came: bytes.len(), announced }),
        };
        bytes.extend_from_slice(&part);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Err(Stopped::TooLarge(size));
        }
    }
    Ok(bytes)
}

fn is_here(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// Whether nobody on the way can change what comes. An address of another machine must not lead to this one.
fn is_safe(url: &Url, from_here: bool) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && from_here && is_here(url))
}

/// An address without what may be a secret in it.
fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    shown.set_query(None);
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::{address, component};

    #[test]
    fn only_https_unless_it_is_here() {
        for good in [
            "https://example.com/a.wasm",
            "http://127.0.0.1:8/a.wasm",
            "http://localhost/a",
            "http://[::1]:1/a",
        ] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in
            ["http://example.com/a.wasm", "http://127.0.0.1.example.com/a", "https://me:secret@example.com/a"]
        {
            let failure = address(bad).unwrap_err().to_string();
            assert!(!failure.contains("secret"), "{failure}");
        }
    }

    /// Answers each request with the next of these, whatever it asks for; answers what was asked for.
    fn serve(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut part = [0_u8; 1024];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    let count = stream.read(&mut part).unwrap();
                    request.extend_from_slice(&part[..count]);
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                asked.push(text.split_whitespace().nth(1).unwrap().to_owned());
                // A reader that has enough hangs up.
                let _ = stream.write_all(answer.as_bytes());
            }
            asked
        });
        (url, asked)
    }

    fn answer(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_component_comes_with_its_signature() {
        let (url, asked) = serve(vec![answer("200 OK", "bytes"), answer("200 OK", "signature")]);
        let address = address(&format!("{url}/maps/a.wasm?token=1")).unwrap();
        let (bytes, signature) = component(&address, 100).await.unwrap();
        assert_eq!((bytes.as_slice(), signature.as_deref()), (&b"bytes"[..], Some(&b"signature"[..])));
        assert_eq!(asked.join().unwrap(), ["/maps/a.wasm?token=1", "/maps/a.wasm.sig?token=1"]);

        let (url, asked) = serve(vec![answer("200 OK", "bytes"), answer("404 Not Found", "")]);
        let (_, signature) = component(&super::address(&url).unwrap(), 100).await.unwrap();
        assert!(signature.is_none());
        asked.join().unwrap();
    }

    #[tokio::test]
    async fn what_is_too_large_is_not_read_whatever_the_server_says() {
        let chunked =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{}\r\n", "x".repeat(100));
        for lie in [answer("200 OK", &"x".repeat(100)), chunked] {
            let (url, asked) = serve(vec![lie]);
            let failure = component(&address(&url).unwrap(), 99).await.unwrap_err().to_string();
            assert!(failure.contains("100 bytes") && failure.contains("at most 99"), "{failure}");
            asked.join().unwrap();
        }
    }

    #[tokio::test]
    async fn an_address_without_https_is_not_followed() {
        let away = "HTTP/1.1 302 Found\r\nlocation: http://example.com/a.wasm\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (url, asked) = serve(vec![away.to_owned()]);
        let failure = component(&address(&url).unwrap(), 100).await.unwrap_err().to_string();
        assert!(failure.contains("without https"), "{failure}");
        asked.join().unwrap();
    }
}
