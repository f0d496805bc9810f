//! A folder whose component files are installed as they appear.
//!
//! Anybody may write there, at any speed, with any program: a file is believed only when its bytes have settled, or when
//! the signature beside it proves that they are whole ([`look`] decides). What is installed is a candidate; nothing goes
//! live by being copied here. Files that vanish change nothing.
//!
//! The system's notifications only say when to look. Looking again from time to time is the net under them: they get
//! lost, and network file systems send none.

mod file;
mod look;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Registry, RegistryError};
use file::Identity;
use look::{Looker, Report};

/// Who is written into the history.
const ACTOR: &str = "watched folder";

/// Which folder is watched, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// The folder; made if missing. What is in folders below it is not looked at.
    pub folder: PathBuf,
    /// For so long the size, the time stamps and the bytes of a file must not have changed.
    pub settle: Duration,
    /// After so long the folder is looked at even if the system reported nothing.
    pub rescan: Duration,
}

impl WatchConfig {
    /// Two seconds to settle, ten until it is looked at anyway.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), settle: Duration::from_secs(2), rescan: Duration::from_secs(10) }
    }
}

/// A folder being watched, by a thread of its own, for as long as this is kept.
#[derive(Debug)]
pub struct Watch {
    told: Arc<Told>,
    thread: Option<JoinHandle<()>>,
}

/// How the thread is woken.
#[derive(Debug)]
struct Told {
    stop: AtomicBool,
    // One place: a thousand notifications while a file is examined are one reason to look.
    wake: SyncSender<()>,
}

impl Told {
    fn wake(&self) {
        // Full: it will wake anyway. Gone: it has ended.
        let _ = self.wake.try_send(());
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Watch {
    /// Looks at what is in the folder, and from then on at what comes. What it does is in the log, among the
    /// registry's events and in its lists.
    ///
    /// # Errors
    /// [`RegistryError::Disk`] when the folder is not there and cannot be made.
    pub fn start(registry: Registry, config: WatchConfig) -> Result<Self, RegistryError> {
        Self::start_with(Notices::new, registry, config)
    }

    fn start_with(
        notices: impl FnOnce(&Arc<Told>) -> Notices,
        registry: Registry,
        config: WatchConfig,
    ) -> Result<Self, RegistryError> {
        std::fs::create_dir_all(&config.folder)
            .map_err(RegistryError::disk("the watched folder could not be made", &config.folder))?;
        let (wake, woken) = sync_channel(1);
        let told = Arc::new(Told { stop: AtomicBool::new(false), wake });
        let notices = notices(&told);
        let worker = Worker { told: Arc::clone(&told), woken, notices, config, registry };
        let folder = worker.config.folder.clone();
        let thread = std::thread::Builder::new()
            .name("plugin-folder".to_owned())
            .spawn(move || worker.run())
            .map_err(RegistryError::disk("no thread could be started to watch it", &folder))?;
        Ok(Self { told, thread: Some(thread) })
    }

    /// As on a file system that notifies nobody.
    #[cfg(test)]
    fn start_without_notices(registry: Registry, config: WatchConfig) -> Result<Self, RegistryError> {
        Self::start_with(|_| Notices { watcher: None, of: None }, registry, config)
    }

    /// Ends it, and waits until the file that is being looked at is done. Blocks.
    pub fn stop(mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn end(&self) {
        self.told.stop.store(true, Ordering::SeqCst);
        self.told.wake();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

struct Worker {
    told: Arc<Told>,
    woken: Receiver<()>,
    notices: Notices,
    config: WatchConfig,
    registry: Registry,
}

impl Worker {
    fn run(mut self) {
        let began = Instant::now();
        let mut looker = Looker::new(self.config.folder.clone(), self.config.settle);
        tracing::info!(folder = %self.config.folder.display(), "components that appear here are installed");
        while !self.told.stopped() {
            self.notices.renew(&self.config.folder);
            let looked = Instant::now();
            let done = looker.look(&self.registry, began.elapsed(), &|| self.told.stopped());
            for report in &done.reports {
                tell(report);
            }
            let wait = done.again_in.unwrap_or(self.config.rescan).min(self.config.rescan);
            if let Err(RecvTimeoutError::Disconnected) = self.woken.recv_timeout(wait) {
                return;
            }
            // A writer that drips is not followed byte by byte.
            self.rest(looked + looker.tick());
        }
    }

    fn rest(&self, until: Instant) {
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.told.stopped() || self.woken.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }
}

/// The system's notifications, where there are any.
struct Notices {
    watcher: Option<RecommendedWatcher>,
    /// The folder they are about: one that was removed and made anew is another one.
    of: Option<Identity>,
}

impl Notices {
    fn new(told: &Arc<Told>) -> Self {
        let told = Arc::clone(told);
        let handler = move |event: notify::Result<notify::Event>| {
            // Reading is no change; our own reading least of all.
            let only_read = event.as_ref().is_ok_and(|event| match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                EventKind::Access(_) => true,
                _ => false,
            });
            if !only_read {
                told.wake();
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .inspect_err(|error| tracing::warn!(%error, "no notifications of files; the folder is only looked at from time to time"))
            .ok();
        Self { watcher, of: None }
    }

    fn renew(&mut self, folder: &Path) {
        let now = Identity::of(folder);
        let Some(watcher) = self.watcher.as_mut().filter(|_| now != self.of) else { return };
        if self.of.is_some() {
            // Gone already, most often.
            let _ = watcher.unwatch(folder);
        }
        self.of = None;
        if now.is_none() {
            return;
        }
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => self.of = now,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "no notifications of this folder; it is only looked at from time to time");
                self.watcher = None;
            }
        }
    }
}

fn tell(report: &Report) {
    match report {
        Report::Installed(done) => tracing::info!(
            file = %done.file, map = %done.name, version = %done.version, digest = %done.digest,
            "installed from the watched folder; `dualwright plugin activate {} {}` puts it to work", done.name, done.version
        ),
        Report::Refused { refused, again: false } => tracing::warn!(
            file = %refused.file, digest = %refused.digest, kind = %refused.kind, "refused: {refused}"
        ),
        Report::Refused { refused, again: true } => tracing::info!(
            digest = %refused.digest, kind = %refused.kind, "refused before and not looked at again: {refused}"
        ),
        Report::Passed { file, reason } => tracing::warn!(file, "passed over: {reason}"),
        Report::Failed { file, error, again_in } => {
            tracing::error!(file, %error, again_in = ?again_in, "could not be looked at; trying again");
        }
    }
}

#[cfg(test)]
mod tests;
