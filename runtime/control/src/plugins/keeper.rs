//! What the engine undoes is in quarantine before it is undone.
//!
//! The order of every change is chosen so that a death in between leaves the sound version:
//!
//! - *Undo and quarantine*: the registry first. Killed then, the next start runs the version before, and what the bad one
//!   had failed on is sent through that ([`Plugins::finish_undoing`]).
//! - *Activate and rollback*: the engine first, for only it can say whether a version fits its tables; what it does not
//!   take must never be what the next start begins with. Killed then, nobody was told that it was done, and the next start
//!   runs the version before. What the new one wrote meanwhile names it, as every write does: `trace` shows it, and
//!   `plugin reapply` sends it through the live one.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use dualwright_engine::{Keeper, Undone};
use dualwright_plugin_host::registry::Evidence;

use super::{PluginError, Plugins};

/// Who is written into the history.
const ACTOR: &str = "engine";
/// How long until what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The registry, as the engine knows it.
pub(super) struct RegistryKeeper(pub(super) Weak<Plugins>);

#[async_trait]
impl Keeper for RegistryKeeper {
    async fn condemn(&self, undone: &Undone) -> Result<(), String> {
        let plugins = self.0.upgrade().ok_or("the runtime is ending")?;
        let Err(error) = plugins.condemn(undone).await else { return Ok(()) };
        // The engine does not wait for a disk that is full: the bad version goes now, and is condemned when it can be.
        let (weak, undone) = (Weak::clone(&self.0), undone.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                let Some(plugins) = weak.upgrade() else { return };
                match plugins.condemn(&undone).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(map = %undone.map, digest = %undone.digest, %error, "still not in quarantine")
                    }
                }
            }
        });
        Err(error.to_string())
    }
}

impl Plugins {
    async fn condemn(&self, undone: &Undone) -> Result<(), PluginError> {
        let evidence = Evidence { text: undone.evidence.clone(), counters: undone.counters.clone() };
        // Of a stack it is the part that was new.
        let part = self.stacks.culprit(&undone.map, &undone.digest);
        let digest = part.unwrap_or_else(|| undone.digest.clone());
        // Without taking a turn: an operator's switch may be waiting for the very batch that is judged here. In whichever
        // order both arrive, the registry never makes live what it has in quarantine.
        self.blocking(move |registry| registry.quarantine(&digest, evidence, ACTOR)).await?;
        Ok(())
    }

    /// Sends what condemned versions failed on through those that run: an undo that was cut off did not come to that.
    pub(super) fn finish_undoing(self: &Arc<Self>) {
        let plugins = Arc::clone(self);
        tokio::spawn(async move {
            for live in plugins.registry.live() {
                let Ok(versions) = plugins.registry.map(&live.name) else { continue };
                for (condemned, why) in versions.quarantined {
                    if why.actor != ACTOR {
                        continue;
                    }
                    match plugins.engine.replay_faults(&condemned.name, &condemned.digest).await {
                        Ok(0) => {}
                        Ok(count) => tracing::info!(
                            map = %condemned.name, digest = %condemned.digest, count,
                            "what an undone version failed on goes through the live one"
                        ),
                        // A map that is not configured any more.
                        Err(error) => tracing::debug!(map = %condemned.name, %error, "nothing is sent again"),
                    }
                }
            }
        });
    }
}
