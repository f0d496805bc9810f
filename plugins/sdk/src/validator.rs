//! Accepting and refusing records of somebody's map.

use crate::{Change, Context, Violation};

pub use crate::validator_bindings::exports::dualwright::plugin::validator::{Stage, ValidatorDescription};

/// Accepts or refuses the records of a map, before they are mapped or before they are written.
///
/// Export it with [`export_validator!`](crate::export_validator); a component is a validator or a map, not both. Implement
/// either [`Validate::validate_one`] or, where records are better looked at together, [`Validate::validate`]. Both must
/// depend on their arguments only.
pub trait Validate {
    /// What this validator is. Must always give the same answer.
    fn describe() -> ValidatorDescription;

    /// The reasons against each change, in the same order and of the same number; none accepts it.
    ///
    /// The cells of a change are those of `reads`, in that order.
    fn validate(context: Context, batch: Vec<Change>) -> Vec<Vec<Violation>> {
        batch.into_iter().map(|change| Self::validate_one(&context, change)).collect()
    }

    /// The reasons against one change. Refuses everything unless implemented.
    fn validate_one(_context: &Context, _change: Change) -> Vec<Violation> {
        let message = "this validator implements neither validate nor validate_one";
        vec![Violation { field: None, code: "not-implemented".into(), message: message.into() }]
    }
}
