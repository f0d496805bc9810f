//! Dataverse's value stays.

use dualwright_model::System;

use super::Circumstances;

pub(super) fn winner(_: Circumstances) -> System {
    System::Dataverse
}
