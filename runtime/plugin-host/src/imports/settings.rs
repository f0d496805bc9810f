//! Values that the operator set for this activation.

use crate::store::State;
use crate::worlds::bindings::dualwright::plugin::settings::Host;

impl Host for State {
    fn get(&mut self, name: String) -> Option<String> {
        self.settings.get(&name).cloned()
    }
}
