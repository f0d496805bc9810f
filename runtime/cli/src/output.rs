//! Where words go: results to standard output, everything else to standard error.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, TableComponent, presets};
use serde::Serialize;

use crate::Failure;

/// The way a command speaks: for a person, or as JSON for a program.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Speaks JSON when asked to.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program is listening.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the result, for a person; nothing under `--json`.
    pub fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            write_line(&mut std::io::stdout().lock(), text.as_ref());
        }
    }

    /// The result as one line of JSON; nothing for a person.
    ///
    /// # Errors
    /// When the document cannot be written as JSON.
    pub fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string(document)
                .map_err(|error| Failure::runtime("cannot write the result as JSON").because(error))?;
            write_line(&mut std::io::stdout().lock(), &text);
        }
        Ok(())
    }

    /// A remark that is not the result: to standard error, in either way of speaking.
    pub fn note(&self, text: impl AsRef<str>) {
        write_line(&mut std::io::stderr().lock(), text.as_ref());
    }

    /// A failure, to standard error.
    pub fn failure(&self, failure: &Failure) {
        let text = if self.json { failure.to_json() } else { failure.to_string() };
        write_line(&mut std::io::stderr().lock(), &text);
    }
}

/// Wider than this, a table is folded: it must be readable in a log too, where nobody knows the width.
const TABLE_WIDTH: u16 = 118;

/// A table for a person.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    // Lines under the header and around the whole, none between rows.
    for part in [
        TableComponent::HorizontalLines,
        TableComponent::LeftBorderIntersections,
        TableComponent::MiddleIntersections,
        TableComponent::RightBorderIntersections,
    ] {
        table.remove_style(part);
    }
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(TABLE_WIDTH);
    table.set_header(header.to_vec());
    table
}

/// Writes a line. A reader that went away (`| head`) is not our failure, and there is nowhere left to report to.
fn write_line(target: &mut impl Write, text: &str) {
    let _ = writeln!(target, "{text}");
    let _ = target.flush();
}
