//! The words of Dualwright: values, records, keys, changes, schemas.
//!
//! No I/O, no clock, no wire formats. Every other room speaks these types inside and converts by hand at its
//! edges (I12). Two rules live here because everybody depends on them: what a value *is* ([`Value`]: absent, null
//! and empty differ, money never passes a float, I10) and when two values are the same ([`Fingerprint`]).

mod change;
mod decimal;
mod fingerprint;
mod key;
mod name;
mod order;
mod record;
mod schema;
mod time;
mod value;

pub use change::{Change, Operation};
pub use decimal::{Decimal, DecimalError};
pub use fingerprint::{Fingerprint, FingerprintError, hash_value};
pub use key::{IntegrationKey, RecordId, Version, same_value};
pub use name::{ColumnPath, Digest, Leg, MapName, System, TableName};
pub use order::ColumnOrder;
pub use record::Record;
pub use schema::{AlternateKey, CoerceError, ColumnSchema, ColumnType, Lookup, TableSchema};
pub use time::{Date, TimeError, Timestamp};
pub use value::Value;
