//! Connectors: code that speaks to one kind of system over real HTTP.
//!
//! The trait below is the contract; `conformance` is the battery that every connector passes. What is *not* here:
//! deciding what to write, retrying what the service refused for good, remembering anything across a restart.
//!
//! Two things a connector does for everybody: it waits out throttling by itself (a 429 is never a failed record,
//! its `Retry-After` is honoured), and it retries passing faults with backoff and jitter inside one call, as long as
//! the call may be repeated safely.

mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod dataverse;
mod error;
pub mod finops;
pub mod http;
pub mod outbound;
mod port;

pub use error::ConnectError;
pub use port::{
    ChangePage, ChangePosition, Connector, Existing, Nudge, NudgeSubscription, Precondition, ReadKey,
    ScanPage, ScanPosition, Selection, Write, WriteOutcome, WriteTarget, Written,
};
