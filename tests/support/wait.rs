//! Waiting for what must become true.

use std::time::{Duration, Instant};

use anyhow::Context;

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Until when somebody goes on trying.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    patience: Duration,
    began: Instant,
}

impl Deadline {
    /// So long from now.
    pub fn after(patience: Duration) -> Self {
        Self { patience, began: Instant::now() }
    }

    /// Pauses before the next try; `false` when there is to be none.
    pub async fn look_again(&self) -> bool {
        if self.began.elapsed() > self.patience {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        true
    }
}

/// Looks until `look` finds nothing to complain about.
///
/// # Errors
/// When that takes longer than `patience`: the last complaint.
pub async fn wait_until<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let deadline = Deadline::after(patience);
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(complaint) => {
                if !deadline.look_again().await {
                    return Err(complaint).with_context(|| format!("still so after {patience:?}"));
                }
            }
        }
    }
}
