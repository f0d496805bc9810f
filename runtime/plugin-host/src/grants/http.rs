//! Hosts to which a plugin may send requests.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use url::{Host, Url};

/// How long an exchange may take unless the operator says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a body may be, either way, unless the operator says otherwise.
const MOST_BYTES: u64 = 1 << 20;

/// A text that is never shown: `Debug` prints dots (I11).
#[derive(Clone, PartialEq, Eq)]
pub struct HiddenText(String);

impl HiddenText {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it and the one that looks for it in answers.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("•••")
    }
}

/// A header that the host adds to every request under a grant. No guest can see, name or override it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InjectedHeader {
    /// In lower case.
    pub(crate) name: String,
    /// What stands before the secret, `Bearer `.
    pub(crate) prefix: String,
    pub(crate) secret: HiddenText,
}

/// A grant that cannot be used as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpGrantError(String);

/// One host to which a plugin may send requests, and how. Unless more is said: `GET`, any path, no header added, 5 s,
/// 1 MiB, and no address inside a private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    host: Host<String>,
    port: Option<u16>,
    methods: Vec<String>,
    path_prefix: String,
    pub(crate) headers: Vec<InjectedHeader>,
    pub(crate) timeout: Duration,
    pub(crate) most_bytes: u64,
    private_addresses: bool,
}

impl HttpGrant {
    /// A grant for exactly this host: `rates.example.com`, `rates.example.com:8443`, `10.0.0.7`, `[::1]:8080`. Without a
    /// port it is the scheme's own.
    ///
    /// # Errors
    /// When the text is not a host, or a pattern.
    pub fn new(host: &str) -> Result<Self, HttpGrantError> {
        let wrong = || {
            HttpGrantError(format!(
                "`{host}` is not a host; write for example rates.example.com or rates.example.com:8443"
            ))
        };
        if host.contains(['*', '?']) {
            return Err(HttpGrantError(format!(
                "`{host}` is a pattern; every host is granted by its whole name"
            )));
        }
        if host.contains(['/', '\\', '@', '#']) || host.trim() != host {
            return Err(wrong());
        }
        let secure = Url::parse(&format!("https://{host}/")).map_err(|_| wrong())?;
        let plain = Url::parse(&format!("http://{host}/")).map_err(|_| wrong())?;
        let name = secure.host().ok_or_else(wrong)?.to_owned();
        Ok(Self {
            host: name,
            // Each scheme hides its own port.
            port: secure.port().or(plain.port()),
            methods: vec!["GET".to_owned()],
            path_prefix: "/".to_owned(),
            headers: Vec::new(),
            timeout: TIMEOUT,
            most_bytes: MOST_BYTES,
            private_addresses: false,
        })
    }

    /// With these methods instead of `GET`.
    ///
    /// # Errors
    /// When there is none, or one is not a method; `TRACE` and `CONNECT` are for nobody: the one repeats the headers that
    /// were added, the other is a tunnel.
    pub fn methods<'a>(mut self, methods: impl IntoIterator<Item = &'a str>) -> Result<Self, HttpGrantError> {
        self.methods.clear();
        for name in methods {
            let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes())
                .ok()
                .filter(|method| !matches!(*method, Method::TRACE | Method::CONNECT))
                .ok_or_else(|| HttpGrantError(format!("`{name}` is not a method that can be granted")))?;
            self.methods.push(method.as_str().to_owned());
        }
        if self.methods.is_empty() {
            return Err(HttpGrantError("no method is granted; name at least one, such as GET".to_owned()));
        }
        Ok(self)
    }

    /// With paths that begin with these segments only.
    ///
    /// # Errors
    /// When it does not begin with a slash, or is not written as addresses write it.
    pub fn path_prefix(mut self, prefix: &str) -> Result<Self, HttpGrantError> {
        let canonical = Url::parse("https://host/").and_then(|base| base.join(prefix));
        let is_path = prefix.starts_with('/') && !prefix.starts_with("//");
        if !is_path || canonical.map_or(true, |url| url.path() != prefix) {
            return Err(HttpGrantError(format!(
                "`{prefix}` is not the beginning of a path; write for example /v1/"
            )));
        }
        prefix.clone_into(&mut self.path_prefix);
        Ok(self)
    }

    /// With one more header on every request: a prefix, such as `Bearer `, and a secret.
    ///
    /// # Errors
    /// When no header can have this name or value, or the name is the host's own or named twice. The message has no
    /// secret.
    pub fn header(mut self, name: &str, prefix: &str, secret: HiddenText) -> Result<Self, HttpGrantError> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpGrantError(format!("`{name}` is not the name of a header")))?;
        let name = name.as_str().to_owned();
        if is_the_hosts_own(&name) {
            return Err(HttpGrantError(format!("the header {name} is set by the host itself")));
        }
        if self.headers.iter().any(|header| header.name == name) {
            return Err(HttpGrantError(format!("the header {name} is named twice")));
        }
        if secret.reveal().is_empty()
            || HeaderValue::from_str(&format!("{prefix}{}", secret.reveal())).is_err()
        {
            return Err(HttpGrantError(format!(
                "the secret of the header {name} is empty, or holds what no header can: line ends or control characters"
            )));
        }
        self.headers.push(InjectedHeader { name, prefix: prefix.to_owned(), secret });
        Ok(self)
    }

    /// With this time for a whole exchange.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With this length for a body, either way, in bytes.
    #[must_use]
    pub fn most_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// Whether the host's name may lead to an address inside a private network. An address that is named itself, and
    /// `localhost`, always may.
    #[must_use]
    pub fn private_addresses(mut self, allowed: bool) -> Self {
        self.private_addresses = allowed;
        self
    }

    /// Whether this is the host, to the port.
    pub(crate) fn is_host_of(&self, url: &Url) -> bool {
        let port_matches = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(),
        };
        port_matches && url.host().is_some_and(|host| host.to_owned() == self.host)
    }

    pub(crate) fn has_method(&self, method: &str) -> bool {
        self.methods.iter().any(|granted| granted == method)
    }

    /// Whether a path is below the granted one. Where only a part of the host is granted, a path that some servers read
    /// otherwise than it is spelled is below nothing.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        if self.path_prefix == "/" {
            return true;
        }
        let lower = path.to_ascii_lowercase();
        let ambiguous = ["%2f", "%5c", "%2e", "%25", "%00", "\\", "//", "/..;", "/.;"];
        if ambiguous.iter().any(|part| lower.contains(part)) {
            return false;
        }
        path.strip_prefix(&self.path_prefix)
            .is_some_and(|rest| self.path_prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether the host is this very machine: then, and only then, nothing has to be encrypted.
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
            Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
        }
    }

    /// Whether the wire may connect to an address inside a private network.
    pub(crate) fn may_be_private(&self) -> bool {
        self.private_addresses || self.is_loopback() || !matches!(self.host, Host::Domain(_))
    }
}

/// Headers that belong to the connection, choose another host, path or method than the one granted, or would hide an
/// injected secret in the answer from the host: in another encoding, or cut in two. Neither guest nor operator sets them.
pub(crate) fn is_the_hosts_own(name: &str) -> bool {
    const OWN: [&str; 19] = [
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "host",
        "if-range",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
    ];
    let name = name.to_ascii_lowercase();
    OWN.contains(&name.as_str()) || name.starts_with("proxy-") || name.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{HiddenText, HttpGrant};

    fn is_host_of(grant: &str, url: &str) -> bool {
        HttpGrant::new(grant).unwrap().is_host_of(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_host_is_exactly_itself() {
        assert!(is_host_of("rates.example.com", "https://rates.example.com/v1"));
        assert!(is_host_of("RATES.example.com", "https://rates.EXAMPLE.com:443/"));
        assert!(is_host_of("rates.example.com:8443", "https://rates.example.com:8443/"));
        assert!(is_host_of("[::1]:80", "http://[::1]/"));
        assert!(is_host_of("127.0.0.1", "http://127.0.0.1/"));
        // The same address, spelled so that a careless comparison misses it.
        assert!(is_host_of("127.0.0.1", "http://0x7f.1/"));
        for other in [
            "https://rates.example.com.evil.com/",
            "https://rates.example.com./",
            "https://evil.rates.example.com/",
            "https://example.com/",
            "https://rates.example.com:8443/",
            "https://127.0.0.1/",
        ] {
            assert!(!is_host_of("rates.example.com", other), "{other}");
        }
        assert!(!is_host_of("rates.example.com:8443", "https://rates.example.com/"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", " ", "*.example.com", "https://a.com", "a.com/v1", "user@a.com", "a.com:x", "a b"] {
            assert!(HttpGrant::new(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_granted_by_whole_segments() {
        let below = |prefix: &str, path: &str| {
            HttpGrant::new("a.com").unwrap().path_prefix(prefix).unwrap().has_path(path)
        };
        assert!(below("/", "/any%2fthing"));
        assert!(
            below("/v1/", "/v1/eur")
                && below("/v1/", "/v1/")
                && below("/v1", "/v1/eur")
                && below("/v1", "/v1")
        );
        for path in
            ["/v10", "/v2/", "/", "/V1/", "/v1/..%2fadmin", "/v1/%2e%2e/admin", "/v1/..;/admin", "/v1//"]
        {
            assert!(!below("/v1", path), "{path}");
        }
        for prefix in ["v1/", "", "//evil.com/", "/a/../b", "/a?b", "/a b"] {
            assert!(HttpGrant::new("a.com").unwrap().path_prefix(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn methods_and_headers_that_cannot_be_granted() {
        let grant = || HttpGrant::new("a.com").unwrap();
        assert!(grant().has_method("GET") && !grant().has_method("POST"));
        assert!(grant().methods(["post"]).unwrap().has_method("POST"));
        for method in ["TRACE", "connect", "", "G T"] {
            assert!(grant().methods([method]).is_err(), "{method}");
        }
        assert!(grant().methods([]).is_err());
        let secret = |text: &str| HiddenText::new(text);
        assert!(grant().header("X-Key", "", secret("k")).is_ok());
        for (name, text) in
            [("Host", "k"), ("a b", "k"), ("X-Key", "a\nb"), ("X-Key", ""), ("Proxy-Authorization", "k")]
        {
            let error = grant().header(name, "", secret(text)).unwrap_err().to_string();
            assert!(!error.contains("a\nb"), "{error}");
        }
        assert!(grant().header("X-Key", "", secret("k")).unwrap().header("x-key", "", secret("l")).is_err());
    }

    #[test]
    fn i11_a_grant_shows_no_secret() {
        let grant = HttpGrant::new("a.com").unwrap().header("X-Key", "", HiddenText::new("hunter2")).unwrap();
        assert!(!format!("{grant:?}").contains("hunter2"));
    }

    #[test]
    fn only_this_machine_needs_no_encryption() {
        for (host, loopback, private) in [
            ("localhost:8080", true, true),
            ("127.0.0.1", true, true),
            ("[::1]", true, true),
            ("10.0.0.7", false, true),
            ("rates.example.com", false, false),
        ] {
            let grant = HttpGrant::new(host).unwrap();
            assert_eq!((grant.is_loopback(), grant.may_be_private()), (loopback, private), "{host}");
        }
        assert!(HttpGrant::new("a.com").unwrap().private_addresses(true).may_be_private());
    }
}
