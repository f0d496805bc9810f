//! Deciding what becomes of records that both sides changed.

use crate::{Context, Leg};

pub use crate::resolver_bindings::exports::dualwright::plugin::resolver::{Clash, ContestedCell, Verdict};

/// A map that decides what becomes of records that both sides changed, where its operator set the policy `ask-map`.
///
/// Implement it beside [`Map`](crate::Map) and export it with [`export_resolver!`](crate::export_resolver). Implement
/// either [`Resolve::resolve_one`] or, where records are better looked at together, [`Resolve::resolve`]. Both must
/// depend on their arguments only.
pub trait Resolve {
    /// The verdict on each clash, in the same order and of the same number.
    fn resolve(leg: Leg, context: Context, batch: Vec<Clash>) -> Vec<Verdict> {
        batch.into_iter().map(|clash| Self::resolve_one(leg, &context, clash)).collect()
    }

    /// The verdict on one clash: its cells are those of the leg's `writes`, in that order. Lets the source win unless
    /// implemented.
    fn resolve_one(_leg: Leg, _context: &Context, _clash: Clash) -> Verdict {
        Verdict::SourceWins
    }
}

impl ContestedCell {
    /// Whether both sides changed it, to different values.
    pub fn is_contested(&self) -> bool {
        self.changed_by_source && self.changed_by_target && self.wanted != self.found
    }

    /// What it should become where only one side changed it: that side's value.
    pub fn uncontested(&self) -> crate::Cell {
        if self.changed_by_source { self.wanted.clone() } else { self.found.clone() }
    }
}
