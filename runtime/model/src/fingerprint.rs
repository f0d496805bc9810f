//! What we know of the content of a row without keeping its values.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::key::canonical;
use crate::{ColumnPath, Record, Value};

/// One hash a column: enough to tell which columns of two images differ, without storing row values (I11).
///
/// Absent columns are unknown: they are neither equal to nor different from anything. Columns of the integration key,
/// which every method is told as `key`, are compared in canonical form (see [`crate::same_value`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Vec<(u32, u64)>);

/// Bytes that are not an encoded fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored fingerprint has {length} bytes, which is not a multiple of 12")]
pub struct FingerprintError {
    length: usize,
}

/// The stable hash of one value. Equal values have equal hashes; the kind is part of the hash.
pub fn hash_value(value: &Value) -> u64 {
    match value {
        Value::Absent | Value::Null => hash_bytes(value, &[]),
        Value::Text(text) => hash_bytes(value, text.as_bytes()),
        Value::Integer(number) => hash_bytes(value, &number.to_le_bytes()),
        Value::Decimal(number) => hash_bytes(value, number.as_str().as_bytes()),
        Value::Boolean(flag) => hash_bytes(value, &[u8::from(*flag)]),
        Value::Timestamp(time) => hash_bytes(value, &time.as_micros().to_le_bytes()),
        Value::Date(date) => hash_bytes(value, &date.as_days().to_le_bytes()),
    }
}

/// The hash of `kind`, a zero byte, and the bytes: short ones at once, which is several times faster than in parts.
fn hash_bytes(value: &Value, bytes: &[u8]) -> u64 {
    const SHORT: usize = 64;
    let kind = value.kind().as_bytes();
    let mut buffer = [0_u8; SHORT];
    let length = kind.len() + 1 + bytes.len();
    if let Some((start, end)) =
        buffer.get_mut(..length).and_then(|all| all.split_at_mut_checked(kind.len() + 1))
    {
        if let Some(start) = start.get_mut(..kind.len()) {
            start.copy_from_slice(kind);
        }
        end.copy_from_slice(bytes);
        return xxh3_64(buffer.get(..length).unwrap_or_default());
    }
    let mut hasher = Xxh3::new();
    hasher.update(kind);
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.digest()
}

fn hash_cell(column: &ColumnPath, value: &Value, key: &[ColumnPath]) -> u64 {
    if !value.is_missing() && key.contains(column) {
        return hash_value(&Value::Text(canonical(value)));
    }
    hash_value(value)
}

fn hash_column(column: &ColumnPath) -> u32 {
    let [a, b, c, d, ..] = xxh3_64(column.as_str().as_bytes()).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Fingerprint {
    /// The fingerprint of everything the record says.
    pub fn of(record: &Record, key: &[ColumnPath]) -> Self {
        let mut entries: Vec<(u32, u64)> = record
            .iter()
            .map(|(column, value)| (hash_column(column), hash_cell(column, value, key)))
            .collect();
        // Where two columns share a hash, the later one counts, as when they are set one by one.
        entries.sort_by_key(|entry| entry.0);
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = later.1;
            }
            same
        });
        Self(entries)
    }

    /// Notes the value of one column; absent is ignored.
    pub fn set(&mut self, column: &ColumnPath, value: &Value, key: &[ColumnPath]) {
        if value.is_absent() {
            return;
        }
        let (name, hash) = (hash_column(column), hash_cell(column, value, key));
        match self.0.binary_search_by_key(&name, |entry| entry.0) {
            Ok(index) => {
                if let Some(entry) = self.0.get_mut(index) {
                    entry.1 = hash;
                }
            }
            Err(index) => self.0.insert(index, (name, hash)),
        }
    }

    /// Whether this column is known to hold exactly this value.
    pub fn matches(&self, column: &ColumnPath, value: &Value, key: &[ColumnPath]) -> bool {
        self.find(hash_column(column)) == Some(hash_cell(column, value, key))
    }

    /// Forgets one column: whatever it holds when it is next seen is news.
    pub fn forget(&mut self, column: &ColumnPath) {
        let name = hash_column(column);
        self.0.retain(|entry| entry.0 != name);
    }

    /// Whether anything is known of this column.
    pub fn knows(&self, column: &ColumnPath) -> bool {
        self.find(hash_column(column)).is_some()
    }

    /// Whether every column that the record speaks of is known to hold just that.
    pub fn agrees_with(&self, record: &Record, key: &[ColumnPath]) -> bool {
        record.iter().all(|(column, value)| self.matches(column, value, key))
    }

    /// Takes over everything that `record` says, keeping what it does not speak of.
    pub fn merge(&mut self, record: &Record, key: &[ColumnPath]) {
        if self.0.is_empty() {
            *self = Self::of(record, key);
            return;
        }
        for (column, value) in record.iter() {
            self.set(column, value, key);
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stored form: 12 bytes a column.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 12);
        for (name, hash) in &self.0 {
            bytes.extend_from_slice(&name.to_le_bytes());
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the bytes are not of that form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FingerprintError> {
        let chunks = bytes.chunks_exact(12);
        if !chunks.remainder().is_empty() {
            return Err(FingerprintError { length: bytes.len() });
        }
        let mut entries: Vec<(u32, u64)> = chunks
            .filter_map(|chunk| {
                let (name, hash) = chunk.split_at_checked(4)?;
                Some((u32::from_le_bytes(name.try_into().ok()?), u64::from_le_bytes(hash.try_into().ok()?)))
            })
            .collect();
        entries.sort_unstable();
        Ok(Self(entries))
    }

    fn find(&self, name: u32) -> Option<u64> {
        let index = self.0.binary_search_by_key(&name, |entry| entry.0).ok()?;
        self.0.get(index).map(|entry| entry.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;
    use crate::{Record, Value};

    #[test]
    fn short_and_long_values_are_hashed_alike() {
        for length in 0..200 {
            let text = "x".repeat(length);
            let whole = xxhash_rust::xxh3::xxh3_64(format!("text\0{text}").as_bytes());
            assert_eq!(super::hash_value(&Value::Text(text)), whole);
        }
    }

    #[test]
    fn null_empty_zero_and_absent_differ() {
        let mut record = Record::new();
        record.set("a", Value::Null);
        let print = Fingerprint::of(&record, &[]);
        assert!(print.matches(&"a".into(), &Value::Null, &[]));
        assert!(!print.matches(&"a".into(), &Value::text(""), &[]));
        assert!(!print.matches(&"a".into(), &Value::Integer(0), &[]));
        assert!(!print.knows(&"b".into()));
        assert_eq!(Fingerprint::from_bytes(&print.to_bytes()).unwrap(), print);
        assert!(Fingerprint::from_bytes(&[1, 2, 3]).is_err());
    }
}
