//! One change of one record, as captured.

use serde::{Deserialize, Serialize};

use crate::{Record, RecordId, Timestamp, Version};

/// What happened to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// The record was created or updated: feeds do not always tell which, and nothing depends on it.
    Upsert,
    /// The record was deleted.
    Delete,
}

/// One change of one record on one side: the image of the row as the feed read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Created or updated, or deleted.
    pub operation: Operation,
    /// The record's identity in its system.
    pub id: RecordId,
    /// The row version of this image, where the system tells it.
    pub version: Option<Version>,
    /// The columns that the map asked for; at most the key for a delete.
    pub record: Record,
    /// When the source says the row was last modified, where it tells.
    pub modified_at: Option<Timestamp>,
    /// The runtime's clock *before* the request that read this image was sent. An image observed before our own
    /// last write to that side was answered may predate the write.
    pub observed_at: Timestamp,
}
