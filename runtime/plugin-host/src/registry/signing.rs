//! Making keys and signatures, for those who give components to others.
//!
//! The files are what OpenSSL reads and writes: a key is PKCS#8 in PEM (RFC 8410), a signature is 64 bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::RegistryError;
use super::signature::{SPKI_HEAD, body_of};

/// What comes before the 32 secret bytes in a private key (RFC 8410, version 1: without the public half, so that every
/// OpenSSL reads it).
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const SEED_BYTES: usize = 32;

/// A private key. It prints as dots (I11).
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Makes a key; answers it in the form of its file, which nobody else may read.
    ///
    /// # Errors
    /// [`RegistryError::BadKey`] when this machine gives no random numbers.
    pub fn generate() -> Result<String, RegistryError> {
        let mut seed = [0_u8; SEED_BYTES];
        let no_random = |_| bad("new", "this machine gives no random numbers");
        SystemRandom::new().fill(&mut seed).map_err(no_random)?;
        Ok(pem("PRIVATE KEY", &[PKCS8_HEAD.as_slice(), &seed].concat()))
    }

    /// Reads a private key's file. `name` is what messages call it.
    ///
    /// # Errors
    /// [`RegistryError::BadKey`]; nothing of the file is in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, RegistryError> {
        let document = STANDARD.decode(body_of(text)).ok().filter(|_| text.contains("PRIVATE KEY-----"));
        let pair = document.and_then(|document| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).ok());
        pair.map(|pair| Self { pair })
            .ok_or_else(|| bad(name, "it is not an unencrypted ed25519 private key (PKCS#8 in a PEM file)"))
    }

    /// The public half, in the form of its file: what operators list as trusted.
    pub fn public_file(&self) -> String {
        pem("PUBLIC KEY", &[SPKI_HEAD.as_slice(), self.pair.public_key().as_ref()].concat())
    }

    /// The signature of a component, in the form of its file.
    pub fn sign(&self, component: &[u8]) -> Vec<u8> {
        self.pair.sign(component).as_ref().to_vec()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKey(•••)")
    }
}

fn pem(label: &str, document: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(document))
}

fn bad(name: &str, reason: &str) -> RegistryError {
    RegistryError::BadKey { name: name.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::SigningKey;
    use crate::registry::{PublicKey, Trust};

    #[test]
    fn what_is_signed_is_accepted_by_whoever_lists_the_key() {
        let file = SigningKey::generate().unwrap();
        assert_ne!(file, SigningKey::generate().unwrap());
        let key = SigningKey::parse("mine", &file).unwrap();
        let public = PublicKey::parse("partner", &key.public_file()).unwrap();
        let trust = Trust { keys: vec![public], required: true };
        let signature = key.sign(b"component");
        assert_eq!(signature.len(), 64);
        assert!(trust.proves_whole(Some(b"component"), Some(&signature)));
        assert!(!trust.proves_whole(Some(b"component "), Some(&signature)));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    /// Made with `openssl genpkey -algorithm ed25519` and `openssl pkeyutl -sign -rawin` (OpenSSL 3).
    #[test]
    fn keys_of_openssl_are_keys() {
        let file = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
        // RFC 8032, section 7.1, test 1: the key, and the signature of nothing.
        let key = SigningKey::parse("rfc", file).unwrap();
        let signature: String = key.sign(b"").iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(signature.starts_with("e5564300c360ac729086e2cc806e828a"), "{signature}");
        for wrong in ["", "nonsense", &key.public_file(), &file.replace("MC4", "MC5")] {
            assert!(SigningKey::parse("wrong", wrong).is_err());
        }
    }
}
