//! Lines for the operator.

use crate::store::State;
use crate::worlds::bindings::dualwright::plugin::log::{Host, Level};

/// The longest line, in bytes.
const LINE_BYTES: usize = 1024;
/// Lines that one call may write; later ones are dropped.
const LINES: u32 = 100;

/// How many lines a call has written.
#[derive(Debug, Default)]
pub(crate) struct LineCount(u32);

impl Host for State {
    fn log(&mut self, level: Level, message: String) {
        self.lines.0 = self.lines.0.saturating_add(1);
        if self.lines.0 > LINES {
            if self.lines.0 == LINES + 1 {
                tracing::warn!(target: "dualwright::map", map = %self.origin, "writes too many lines; the rest of this call is dropped");
            }
            return;
        }
        let line = one_line(&message);
        let map = &self.origin;
        match level {
            Level::Debug => tracing::debug!(target: "dualwright::map", %map, "{line}"),
            Level::Info => tracing::info!(target: "dualwright::map", %map, "{line}"),
            Level::Warn => tracing::warn!(target: "dualwright::map", %map, "{line}"),
            Level::Error => tracing::error!(target: "dualwright::map", %map, "{line}"),
        }
    }
}

/// Cut, and without line ends or escapes: a guest must not be able to forge other lines of the log.
fn one_line(message: &str) -> String {
    crate::fault::cut(message, LINE_BYTES)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES, one_line};

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(one_line("a\nERROR forged\u{1b}[31m"), "a ERROR forged [31m");
        assert!(one_line(&"é".repeat(LINE_BYTES)).len() <= LINE_BYTES);
    }
}
