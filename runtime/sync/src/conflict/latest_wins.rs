//! The later change stays.
//!
//! The times are those of two machines, so seconds of skew decide in favour of the fast clock; `doctor` warns of
//! skew. Where one side does not tell, or both tell the same moment, F&O's value stays: the answer must not depend
//! on which direction is looked at first.

use dualwright_model::System;

use super::Circumstances;

pub(super) fn winner(circumstances: Circumstances) -> System {
    let source = circumstances.leg.source();
    match (circumstances.source_modified_at, circumstances.target_modified_at) {
        (Some(ours), Some(theirs)) if ours > theirs => source,
        (Some(ours), Some(theirs)) if ours < theirs => source.other(),
        _ => System::Finops,
    }
}
