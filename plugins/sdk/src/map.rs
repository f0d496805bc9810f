//! What a map author writes.

use crate::{Change, Context, Description, Leg, Outcome};

/// A map: says what it is, and turns changes of one side into writes on the other.
///
/// Implement either [`Map::transform_one`] or, where rows are better looked at together, [`Map::transform`].
/// Both must depend on their arguments only.
pub trait Map {
    /// What this map is. Must always give the same answer.
    fn describe() -> Description;

    /// The outcome of each change, in the same order and of the same number.
    ///
    /// The cells of a change are those of the leg's `reads`, in that order; the cells of an upsert are those of its
    /// `writes`.
    fn transform(leg: Leg, context: Context, batch: Vec<Change>) -> Vec<Outcome> {
        batch.into_iter().map(|change| Self::transform_one(leg, &context, change)).collect()
    }

    /// The outcome of one change. Rejects everything unless implemented.
    fn transform_one(_leg: Leg, _context: &Context, _change: Change) -> Outcome {
        Outcome::reject(None, "not-implemented", "this map implements neither transform nor transform_one")
    }
}
