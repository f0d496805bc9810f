//! What must survive a crash: the journal, checkpoints, record links, dead letters, map states, activity.
//!
//! The trait names the two moments that must be atomic ([`Store::capture`] and [`Store::settle`]): all or nothing, or
//! safely repeatable. Everything else is a read or a small write. `conformance` is the battery each backend passes.
//!
//! What is not here: any decision. The store does not know what an echo or a conflict is.

pub mod conformance;
mod error;
pub mod memory;
mod port;
pub mod sqlite;

pub use error::StoreError;
pub use port::{
    Activity, Capture, Checkpoint, DeadLetter, DeadLetterFilter, DeadLetterId, Entry, EntryState, FeedId,
    Link, LinkKey, LinkSide, MapCounters, MapStateRecord, NewDeadLetter, NewEntry, RECORDED, Resolution,
    Sequence, Settlement, Store, Unlinked, Violation, Wait, Writer,
};
