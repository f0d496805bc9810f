//! A header that the runtime adds to the requests of a component: a secret by name, and what stands before it.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};

use super::Secret;
use super::secret::REFUSAL;

/// One header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedHeader {
    /// Where the secret is.
    pub secret: Secret,
    /// What stands before it, `Bearer `.
    pub prefix: String,
}

impl<'de> Deserialize<'de> for InjectedHeader {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = InjectedHeader;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("{ env = \"NAME\", prefix = \"Bearer \" } or { file = \"path\" }")
    }

    // Every literal is refused with words that do not repeat it: serde's own message would.

    fn visit_str<E: de::Error>(self, _: &str) -> Result<InjectedHeader, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<InjectedHeader, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<InjectedHeader, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<InjectedHeader, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InjectedHeader, A::Error> {
        let wrong = || {
            de::Error::custom(
                "a header is a secret named by { env = \"NAME\" } or by { file = \"path\" }, and at most a prefix, such as \
                 prefix = \"Bearer \"",
            )
        };
        let (mut secret, mut prefix) = (None, None);
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            let twice = match name.as_str() {
                "env" if !value.is_empty() => secret.replace(Secret::Variable(value)).is_some(),
                "file" if !value.is_empty() => secret.replace(Secret::File(PathBuf::from(value))).is_some(),
                "prefix" => prefix.replace(value).is_some(),
                _ => return Err(wrong()),
            };
            if twice {
                return Err(wrong());
            }
        }
        let secret = secret.ok_or_else(wrong)?;
        Ok(InjectedHeader { secret, prefix: prefix.unwrap_or_default() })
    }
}
