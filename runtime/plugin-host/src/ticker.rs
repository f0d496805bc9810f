//! The clock that guests are stopped by.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// How often guests look whether their time is up.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Counts the engine's epoch up, every [`TICK`], on a thread of its own, until dropped.
#[derive(Debug)]
pub(crate) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let engine = engine.clone();
        let thread = std::thread::Builder::new().name("guest-clock".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// How many ticks a guest may live to have at least this much time.
    pub(crate) fn ticks(time: Duration) -> u64 {
        let ticks = time.as_millis().div_ceil(TICK.as_millis());
        // The current tick is already running, so one more.
        u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread only sleeps and counts; it cannot panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ticker;
    use std::time::Duration;

    #[test]
    fn a_guest_gets_at_least_its_time() {
        assert_eq!(Ticker::ticks(Duration::ZERO), 1);
        assert_eq!(Ticker::ticks(Duration::from_millis(1)), 2);
        assert_eq!(Ticker::ticks(Duration::from_secs(2)), 201);
    }
}
