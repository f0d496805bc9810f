//! What both emulators stand on: schema files, rows in SQLite with a write log and an outbox in the same
//! transaction, tokens, quotas, scripted faults, and the HTTP server. Nothing here knows either protocol.

pub mod clock;
pub mod error;
pub mod faults;
pub mod http;
pub mod https;
pub mod json;
pub mod outbox;
pub mod quota;
pub mod rows;
pub mod schema;
pub mod server;
pub mod store;
pub mod token;
pub mod transaction;
pub mod write_log;

mod cells;
mod connection;
mod sign_in;
