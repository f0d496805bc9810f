//! Progress of long work: bars on a terminal, plain lines elsewhere, nothing under `--json`.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Output;

const BAR: &str = "{prefix:34} {bar:28} {human_pos:>8}/{human_len} {per_sec:>12} {msg}";
const SPINNER: &str = "{spinner} {prefix} {msg}";

/// Several pieces of long work shown together.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
    output: Output,
    terminal: bool,
}

/// One piece of work with a known (or growing) size.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    bar: ProgressBar,
    output: Output,
    name: String,
    plain: bool,
}

// === impl Progress ===

impl Progress {
    /// Draws on standard error.
    pub(crate) fn new(output: &Output) -> Self {
        let terminal = std::io::stderr().is_terminal() && !output.is_json();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target), output: *output, terminal }
    }

    /// Work whose steps are counted.
    pub(crate) fn counted(&self, name: impl Into<String>, total: u64) -> Task {
        self.task(name.into(), ProgressBar::new(total), BAR)
    }

    /// Work of which only the end is known.
    pub(crate) fn waiting(&self, name: impl Into<String>) -> Task {
        let task = self.task(name.into(), ProgressBar::new_spinner(), SPINNER);
        if self.terminal {
            task.bar.enable_steady_tick(Duration::from_millis(100));
        }
        task
    }

    /// A line above the bars.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if self.terminal {
            // Drawing failed: the terminal went away, and there is nobody left to tell.
            let _ = self.bars.println(text);
        } else {
            self.output.line(text);
        }
    }

    fn task(&self, name: String, bar: ProgressBar, template: &str) -> Task {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = self.bars.add(bar.with_style(style).with_prefix(name.clone()));
        Task { bar, output: self.output, name, plain: !self.terminal }
    }
}

// === impl Task ===

impl Task {
    /// So many steps are done, of so many.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.bar.set_length(total.max(done));
        }
        self.bar.set_position(done);
    }

    /// One step more.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Done, with a word about how it went.
    pub(crate) fn finish(&self, message: impl Into<String>) {
        let message = message.into();
        if self.plain {
            self.output.line(format!("{}: {message}", self.name));
        }
        self.bar.finish_with_message(message);
    }
}
