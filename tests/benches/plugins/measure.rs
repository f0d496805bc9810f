//! Rounds and medians.

use std::time::{Duration, Instant};

/// How often each figure is taken.
pub(crate) const ROUNDS: usize = 60;
/// How long one round lasts.
const ROUND: Duration = Duration::from_millis(8);

/// One figure, taken some times.
#[derive(Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// What it is where nothing else disturbs it: a tenth of the rounds were quicker. Rounds are so short that some
    /// have a core for themselves on a machine that is busy with other things too.
    pub(crate) fn undisturbed(&self) -> f64 {
        self.quantile(0.1)
    }

    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * part).round() as usize]
    }
}

/// Nanoseconds a row, over as many calls as fit into a round.
pub(crate) async fn round<T>(rows: usize, call: impl AsyncFn() -> T) -> f64 {
    let (began, mut calls) = (Instant::now(), 0_usize);
    while began.elapsed() < ROUND {
        std::hint::black_box(call().await);
        calls += 1;
    }
    began.elapsed().as_secs_f64() * 1e9 / (calls * rows) as f64
}

/// A figure to read: `12,345`.
pub(crate) fn nanoseconds(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
