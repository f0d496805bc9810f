//! Detached ed25519 signatures: `FILE.sig` beside `FILE`, over the file's bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::RegistryError;

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// What comes before the key in a PEM file (RFC 8410): an algorithm identifier and the head of a bit string.
pub(super) const SPKI_HEAD: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key that an operator trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    bytes: [u8; KEY_BYTES],
}

impl PublicKey {
    /// Reads a key: 64 hexadecimal digits, the same bytes in Base64, or what `openssl pkey -pubout` prints.
    /// `name` is what messages and the history call it.
    ///
    /// # Errors
    /// [`RegistryError::BadKey`].
    pub fn parse(name: &str, text: &str) -> Result<Self, RegistryError> {
        let bytes = decode(&body_of(text))
            .map(|bytes| bytes.strip_prefix(SPKI_HEAD.as_slice()).map(<[u8]>::to_vec).unwrap_or(bytes))
            .and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        bytes.map(|bytes| Self { name: name.to_owned(), bytes }).ok_or_else(|| RegistryError::BadKey {
            name: name.to_owned(),
            reason: "it is not an ed25519 public key (32 bytes as hexadecimal or Base64, or a PEM file)"
                .to_owned(),
        })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whose components an operator lets in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The keys. With none, signatures are not looked at.
    pub keys: Vec<PublicKey>,
    /// Whether a component without a signature by one of them is refused. With no keys, every one is.
    pub required: bool,
}

/// What the signature beside a file is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Made by the key of this name.
    By(String),
    /// None there, or nobody to judge it, and none needed.
    NotNeeded,
    /// None there, and one is needed.
    Missing,
    /// There, and wrong.
    Wrong(&'static str),
}

impl Trust {
    pub(super) fn judge(&self, bytes: &[u8], signature: Option<&[u8]>) -> Verdict {
        let Some(signature) = signature else {
            return if self.required { Verdict::Missing } else { Verdict::NotNeeded };
        };
        if self.keys.is_empty() {
            return if self.required {
                Verdict::Wrong("no signing key is listed")
            } else {
                Verdict::NotNeeded
            };
        }
        let Some(signature) = read(signature) else {
            return Verdict::Wrong("the .sig file does not hold an ed25519 signature of 64 bytes");
        };
        self.keys
            .iter()
            .find(|key| UnparsedPublicKey::new(&ED25519, key.bytes).verify(bytes, &signature).is_ok())
            .map_or(
                Verdict::Wrong("the signature is of other bytes, or by a key that is not listed"),
                |key| Verdict::By(key.name.clone()),
            )
    }
}

impl Trust {
    /// Whether a signature by one of the keys shows that these bytes are all there are.
    pub(super) fn proves_whole(&self, bytes: Option<&[u8]>, signature: Option<&[u8]>) -> bool {
        bytes.is_some_and(|bytes| matches!(self.judge(bytes, signature), Verdict::By(_)))
    }
}

/// What is between the lines of dashes of a PEM file, or all there is.
pub(super) fn body_of(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect()
}

/// 64 bytes as they are, or as text.
fn read(signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() == SIGNATURE_BYTES {
        return Some(signature.to_vec());
    }
    let text: String = std::str::from_utf8(signature).ok()?.split_whitespace().collect();
    decode(&text).filter(|bytes| bytes.len() == SIGNATURE_BYTES)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let hexadecimal = matches!(text.len(), 64 | 128) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal {
        return STANDARD.decode(text).ok();
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::{PublicKey, SPKI_HEAD, Trust, Verdict};

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn trust(required: bool) -> Trust {
        let key = PublicKey::parse("partner", &hex(pair(1).public_key().as_ref())).unwrap();
        Trust { keys: vec![key], required }
    }

    #[test]
    fn every_way_to_write_a_key_is_the_same_key() {
        let bytes = pair(1).public_key().as_ref().to_vec();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode([SPKI_HEAD.as_slice(), &bytes].concat())
        );
        let hexadecimal = PublicKey::parse("k", &hex(&bytes)).unwrap();
        assert_eq!(PublicKey::parse("k", &STANDARD.encode(&bytes)).unwrap(), hexadecimal);
        assert_eq!(PublicKey::parse("k", &pem).unwrap(), hexadecimal);
        for wrong in ["", "hello", "00", &hex(&[1; 33]), &STANDARD.encode([1; 64])] {
            assert!(PublicKey::parse("k", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_signature_is_accepted_in_three_forms_and_only_for_its_bytes() {
        let signature = pair(1).sign(b"component");
        let raw = signature.as_ref();
        let by = Verdict::By("partner".to_owned());
        for form in [raw.to_vec(), hex(raw).into_bytes(), format!("{}\n", STANDARD.encode(raw)).into_bytes()]
        {
            assert_eq!(trust(true).judge(b"component", Some(&form)), by);
            assert!(matches!(trust(false).judge(b"Component", Some(&form)), Verdict::Wrong(_)));
        }
        let stranger = pair(2).sign(b"component");
        assert!(matches!(trust(true).judge(b"component", Some(stranger.as_ref())), Verdict::Wrong(_)));
        assert!(matches!(trust(true).judge(b"component", Some(b"")), Verdict::Wrong(_)));
    }

    #[test]
    fn what_is_required_decides_only_where_nothing_is_there() {
        assert_eq!(trust(true).judge(b"component", None), Verdict::Missing);
        assert_eq!(trust(false).judge(b"component", None), Verdict::NotNeeded);
        let nobody = Trust { keys: Vec::new(), required: true };
        assert!(matches!(nobody.judge(b"component", Some(&[0; 64])), Verdict::Wrong(_)));
    }
}
