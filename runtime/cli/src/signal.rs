//! Waiting for a person or the service manager to say stop.

use crate::Failure;

/// Both ways of being told to stop. Listening begins when this is made, so that a signal that comes during start-up
/// is not lost.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let cannot = |error| Failure::runtime("cannot listen for signals").because(error);
            Ok(Self {
                terminate: signal(SignalKind::terminate()).map_err(cannot)?,
                interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns when told to stop, with the name of what told us.
    pub(crate) async fn stopped(&mut self) -> &'static str {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "Ctrl-C",
            }
        }
        #[cfg(not(unix))]
        {
            // Without a console there is nothing to wait for: then only killing the process stops it.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            "Ctrl-C"
        }
    }
}
