//! Adding to what somebody's map writes, without forking it.

use crate::{Context, Violation};

pub use crate::extension_bindings::exports::dualwright::plugin::extension::{
    Extended, ExtensionDescription, Passing,
};

/// Stacked on a map: fills columns of its own, or writes otherwise what the map wrote.
///
/// Export it with [`export_extension!`](crate::export_extension); a component is an extension or a map, not both. Implement
/// either [`Extend::extend_one`] or, where records are better looked at together, [`Extend::extend`]. Both must depend on
/// their arguments only.
pub trait Extend {
    /// What this extension is, and which target columns it owns: no other extension on that map may own them. Must always
    /// give the same answer.
    fn describe() -> ExtensionDescription;

    /// One answer a record, in the same order and of the same number.
    fn extend(context: Context, batch: Vec<Passing>) -> Vec<Extended> {
        batch.into_iter().map(|passing| Self::extend_one(&context, passing)).collect()
    }

    /// What the owned columns are to say of one record. `passing.source` holds the cells of `reads`, `passing.target` those
    /// of `owns` as the map and the extensions below wrote them. Refuses everything unless implemented.
    fn extend_one(_context: &Context, _passing: Passing) -> Extended {
        let message = "this extension implements neither extend nor extend_one";
        Extended::Reject(vec![Violation {
            field: None,
            code: "not-implemented".into(),
            message: message.into(),
        }])
    }
}
