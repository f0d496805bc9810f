//! OData v4 text: keys, filters, queries, batches, JSON cells, metadata, delta links. Parse and print, for both ends
//! of the wire; no sockets, no clock, no randomness.
//!
//! Every parser here reads text that came from another party, so every one has a limit on size and nesting, answers
//! garbage with a typed error, and never panics. Numbers never pass a float (I10).
//!
//! What is *not* here: what a system makes of a request, URLs' hosts, HTTP itself.

pub mod batch;
pub mod delta;
pub mod error;
pub mod filter;
pub mod json;
pub mod key;
pub mod literal;
pub mod metadata;
pub mod percent;
pub mod query;

pub use error::ServiceError;
pub use filter::Filter;
pub use key::KeyPredicate;
pub use literal::Literal;
pub use query::Query;
