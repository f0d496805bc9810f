//! Which requests go out, and as what.

use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::fault::cut;
use crate::grants::{HttpGrant, is_the_hosts_own};
use crate::services::HttpRequest;
use crate::worlds::bindings::dualwright::plugin::http::{Failure, Header, Request};

/// The longest address, in bytes; also what all headers together may have.
const URL_BYTES: usize = 8 << 10;
const HEADER_BYTES: usize = 16 << 10;
/// The most headers.
const HEADERS: usize = 64;
/// The longest name that is repeated in a message, in bytes.
const NAME_BYTES: usize = 200;

/// Finds the grant that a request goes out under, and adds what belongs to it. In a rehearsal only what changes nothing
/// on the other side goes out.
///
/// # Errors
/// What the guest is told.
pub(super) fn check(
    grants: &[HttpGrant],
    request: Request,
    rehearsal: bool,
) -> Result<(&HttpGrant, HttpRequest), Failure> {
    let Request { method, url, headers, body } = request;
    let url = parse(&url)?;
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Failure::Invalid("the method is not one".to_owned()))?;
    let grant = find(grants, &url, method.as_str())?;
    if url.scheme() != "https" && !grant.is_loopback() {
        return Err(Failure::Invalid("only https goes out, except to this very machine".to_owned()));
    }
    if rehearsal && !matches!(method, Method::GET | Method::HEAD) {
        return Err(Failure::NotGranted(format!(
            "shadow: {method} is not sent while a version is only tried"
        )));
    }
    let length = body.as_ref().map_or(0, Vec::len);
    if u64::try_from(length).unwrap_or(u64::MAX) > grant.most_bytes {
        return Err(Failure::Invalid(format!(
            "the body has {length} bytes, and may have {}",
            grant.most_bytes
        )));
    }
    let mut headers = checked(grant, headers)?;
    headers.extend(
        grant
            .headers
            .iter()
            .map(|header| (header.name.clone(), format!("{}{}", header.prefix, header.secret.reveal()))),
    );
    let request = HttpRequest {
        method: method.as_str().to_owned(),
        url: url.into(),
        headers,
        body,
        timeout: grant.timeout,
        most_bytes: grant.most_bytes,
        private_addresses: grant.may_be_private(),
    };
    Ok((grant, request))
}

/// The canonical address: the same parser that the wire uses, so that both mean the same host.
fn parse(text: &str) -> Result<Url, Failure> {
    let invalid = |why: &str| Failure::Invalid(why.to_owned());
    if text.len() > URL_BYTES {
        return Err(invalid("the address is too long"));
    }
    let mut url = Url::parse(text).map_err(|error| Failure::Invalid(format!("the address: {error}")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(invalid("the address must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("an address must not hold a user name or password"));
    }
    url.set_fragment(None);
    Ok(url)
}

fn find<'a>(grants: &'a [HttpGrant], url: &Url, method: &str) -> Result<&'a HttpGrant, Failure> {
    let host = url.host_str().unwrap_or_default();
    let place = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let place = cut(&place, NAME_BYTES);
    let of_host: Vec<&HttpGrant> = grants.iter().filter(|grant| grant.is_host_of(url)).collect();
    if of_host.is_empty() {
        return Err(Failure::NotGranted(format!("the host {place}")));
    }
    let of_path: Vec<&HttpGrant> = of_host.into_iter().filter(|grant| grant.has_path(url.path())).collect();
    if of_path.is_empty() {
        return Err(Failure::NotGranted(format!("the path {} of {place}", cut(url.path(), NAME_BYTES))));
    }
    of_path
        .into_iter()
        .find(|grant| grant.has_method(method))
        .ok_or_else(|| Failure::NotGranted(format!("the method {} to {place}", cut(method, NAME_BYTES))))
}

fn checked(grant: &HttpGrant, headers: Vec<Header>) -> Result<Vec<(String, String)>, Failure> {
    let bytes: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    if headers.len() > HEADERS || bytes > HEADER_BYTES {
        return Err(Failure::Invalid(format!(
            "a request has at most {HEADERS} headers of {HEADER_BYTES} bytes together"
        )));
    }
    let mut checked = Vec::with_capacity(headers.len());
    for Header { name, value } in headers {
        let shown = cut(&name, NAME_BYTES);
        let wrong = |why: &str| Failure::Invalid(format!("the header {shown:?} {why}"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("has no possible name"))?;
        if HeaderValue::from_str(&value).is_err() {
            return Err(wrong("has no possible value"));
        }
        if is_the_hosts_own(name.as_str()) {
            return Err(wrong("is set by the host itself"));
        }
        if grant.headers.iter().any(|header| header.name == name.as_str()) {
            return Err(wrong("is set by the operator"));
        }
        checked.push((name.as_str().to_owned(), value));
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::grants::{HiddenText, HttpGrant};
    use crate::worlds::bindings::dualwright::plugin::http::{Failure, Header, Request};

    fn grants() -> Vec<HttpGrant> {
        let rates = HttpGrant::new("rates.example.com").unwrap().path_prefix("/v1/").unwrap();
        let rates = rates.header("Authorization", "Bearer ", HiddenText::new("hunter2")).unwrap();
        let log = HttpGrant::new("localhost:8080").unwrap().methods(["POST"]).unwrap().most_bytes(4);
        vec![rates, log]
    }

    fn request(method: &str, url: &str) -> Request {
        Request { method: method.into(), url: url.into(), headers: Vec::new(), body: None }
    }

    fn with_header(name: &str, value: &str) -> Request {
        let mut request = request("GET", "https://rates.example.com/v1/eur");
        request.headers.push(Header { name: name.into(), value: value.into() });
        request
    }

    fn failure(request: Request) -> Failure {
        let grants = grants();
        check(&grants, request, false).map(|(_, request)| request.url).unwrap_err()
    }

    #[test]
    fn what_was_granted_goes_out_with_its_secret() {
        let grants = grants();
        let (_, sent) =
            check(&grants, request("get", "https://RATES.example.com:443/v1/a/../eur?d=1#x"), false).unwrap();
        assert_eq!(
            (sent.method.as_str(), sent.url.as_str()),
            ("GET", "https://rates.example.com/v1/eur?d=1")
        );
        assert_eq!(sent.headers, [("authorization".to_owned(), "Bearer hunter2".to_owned())]);
        assert!(!sent.private_addresses);
        let (_, sent) = check(&grants, with_header("Accept", "text/plain"), false).unwrap();
        assert_eq!(sent.headers[0], ("accept".to_owned(), "text/plain".to_owned()));
        let (_, sent) = check(&grants, request("POST", "http://localhost:8080/any"), false).unwrap();
        assert!(sent.headers.is_empty() && sent.private_addresses);
    }

    #[test]
    fn i6_what_was_not_granted_is_named() {
        for (method, url, words) in [
            ("GET", "https://evil.example.com/v1/eur", "host evil.example.com"),
            ("GET", "https://rates.example.com:8443/v1/eur", "host rates.example.com:8443"),
            ("GET", "https://rates.example.com/v2/eur", "path /v2/eur"),
            ("GET", "https://rates.example.com/v1/../v2", "path /v2"),
            ("GET", "https://rates.example.com\\@evil.com/v1/", "path"),
            ("DELETE", "https://rates.example.com/v1/eur", "method DELETE"),
            ("GET", "https://169.254.169.254/latest", "host 169.254.169.254"),
        ] {
            let failure = failure(request(method, url));
            assert!(
                matches!(&failure, Failure::NotGranted(text) if text.contains(words)),
                "{url}: {failure:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_invalid() {
        for (url, words) in [
            ("http://rates.example.com/v1/eur", "https"),
            ("ftp://rates.example.com/v1/eur", "https"),
            ("https://user@rates.example.com/v1/eur", "user name"),
            ("rates.example.com", "address"),
        ] {
            let failure = failure(request("GET", url));
            assert!(matches!(&failure, Failure::Invalid(text) if text.contains(words)), "{url}: {failure:?}");
        }
        let long = Request { body: Some(vec![0; 5]), ..request("POST", "http://localhost:8080/") };
        assert!(matches!(failure(long), Failure::Invalid(text) if text.contains("5 bytes")));
    }

    #[test]
    fn guests_cannot_set_the_hosts_headers_nor_the_operators() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "Connection",
            "AUTHORIZATION",
            "X-Forwarded-For",
            "Range",
            "Accept-Encoding",
        ] {
            let failure = failure(with_header(name, "x"));
            assert!(
                matches!(&failure, Failure::Invalid(text) if text.contains("is set by")),
                "{name}: {failure:?}"
            );
        }
        for (name, value) in [("a b", "x"), ("x", "a\r\nb: c"), ("", "x")] {
            assert!(matches!(failure(with_header(name, value)), Failure::Invalid(_)), "{name:?}");
        }
        // By address and method it is the other grant, which adds no such header.
        let mut other = request("POST", "http://localhost:8080/");
        other.headers.push(Header { name: "Authorization".into(), value: "its own".into() });
        assert!(check(&grants(), other, false).is_ok());
    }

    #[test]
    fn a_rehearsal_changes_nothing_outside() {
        let grants = grants();
        assert!(check(&grants, request("GET", "https://rates.example.com/v1/eur"), true).is_ok());
        let refused =
            check(&grants, request("POST", "http://localhost:8080/"), true).map(|_| ()).unwrap_err();
        assert!(matches!(refused, Failure::NotGranted(text) if text.starts_with("shadow")));
    }
}
