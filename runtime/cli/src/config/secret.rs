//! Secrets by name: the configuration says where a secret is, never what it is.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};

use crate::Failure;

pub(super) const REFUSAL: &str = "a secret must not be written into the configuration; \
    say where it is instead: { env = \"NAME\" } or { file = \"path\" }";

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In this environment variable.
    Variable(String),
    /// In this file, without the line end.
    File(PathBuf),
}

/// A secret that has been read. It prints as dots (I11).
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

// === impl Secret ===

impl Secret {
    /// Reads the secret.
    ///
    /// # Errors
    /// When the variable is not set, or the file cannot be read, or either is empty.
    pub fn read(&self, folder: &Path) -> Result<SecretText, Failure> {
        let text = match self {
            Self::Variable(name) => std::env::var(name).map_err(|error| {
                Failure::usage(format!("the environment variable {name} does not hold a secret"))
                    .because(error)
                    .hint(format!("set it before starting: export {name}=…"))
            })?,
            Self::File(path) => {
                let path = folder.join(path);
                std::fs::read_to_string(&path).map_err(|error| {
                    Failure::usage("cannot read the secret").at(path.display()).because(error)
                })?
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(Failure::usage("the secret is empty").at(self));
        }
        Ok(SecretText(text.to_owned()))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(formatter, "environment variable {name}"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("{ env = \"NAME\" } or { file = \"path\" }")
    }

    // Every literal is refused with words that do not repeat it: serde's own message would.

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Secret, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(E::custom(REFUSAL))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let wrong = || de::Error::custom("a secret is named by { env = \"NAME\" } or by { file = \"path\" }");
        let Some((place, name)) = map.next_entry::<String, String>()? else {
            return Err(wrong());
        };
        if name.is_empty() || map.next_key::<String>()?.is_some() {
            return Err(wrong());
        }
        match place.as_str() {
            "env" => Ok(Secret::Variable(name)),
            "file" => Ok(Secret::File(PathBuf::from(name))),
            _ => Err(wrong()),
        }
    }
}

// === impl SecretText ===

impl SecretText {
    /// The secret itself, for the one place that must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("•••")
    }
}
