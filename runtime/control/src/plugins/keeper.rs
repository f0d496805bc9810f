//! What the engine undoes is in quarantine before it is undone.
//!
//! The order of every change is chosen so that a death in between leaves the sound version:
//!
//! - *Undo and quarantine*: the registry first. Killed then, the next start runs the version before, and what the bad one
//!   had failed on is sent through that ([`Plugins::finish_undoing`]). A registry that cannot be written (a full disk) puts
//!   the component's file aside, and why is noted in the log of activities, which lies elsewhere: either keeps the version
//!   out after the next start ([`super::take_up_evidence`]).
//! - *Activate and rollback*: the engine first, for only it can say whether a version fits its tables; what it does not
//!   take must never be what the next start begins with. Killed then, nobody was told that it was done, and the next start
//!   runs the version before. What the new one wrote meanwhile names it, as every write does: `trace` shows it, and
//!   `plugin reapply` sends it through the live one.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use dualwright_engine::{Keeper, Undone};
use dualwright_model::Digest;
use dualwright_plugin_host::registry::{Condemned, Evidence, Registry};
use dualwright_store::Settlement;

use super::{PluginError, Plugins, evidence};

/// Who is written into the history.
pub(super) const ACTOR: &str = "engine";
/// How long until what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The registry, as the engine knows it.
pub(super) struct RegistryKeeper(pub(super) Weak<Plugins>);

#[async_trait]
impl Keeper for RegistryKeeper {
    async fn condemn(&self, undone: &Undone) -> Result<(), String> {
        let plugins = self.0.upgrade().ok_or("the runtime is ending")?;
        let (error, put_aside) = match plugins.condemn(undone).await {
            Ok(Condemned::Written(_)) => return Ok(()),
            Ok(Condemned::PutAside(_, error)) => (error.to_string(), true),
            Err(error) => (error.to_string(), false),
        };
        // The engine does not wait for a disk that is full: the bad version goes now, and what is missing is written when it
        // can be.
        let (weak, undone) = (Weak::clone(&self.0), undone.clone());
        let (map, digest) = (undone.map.clone(), undone.digest.clone());
        let noted = plugins.note(&undone).await;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                let Some(plugins) = weak.upgrade() else { return };
                match plugins.write_down(&undone, put_aside).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(map = %undone.map, digest = %undone.digest, %error, "the registry still cannot be written");
                    }
                }
            }
        });
        if let Err(why) = &noted {
            tracing::error!(%map, %digest, error = why, "why a version is undone could not be noted");
        }
        if !put_aside && noted.is_err() {
            return Err(error);
        }
        tracing::error!(%map, %digest, error, "the registry cannot be written; the version that is undone stays out nevertheless");
        Ok(())
    }
}

impl Plugins {
    async fn condemn(&self, undone: &Undone) -> Result<Condemned, PluginError> {
        let evidence = Evidence { text: undone.evidence.clone(), counters: undone.counters.clone() };
        let digest = self.culprit(undone);
        // Without taking a turn: an operator's switch may be waiting for the very batch that is judged here. In whichever
        // order both arrive, the registry never makes live what it has in quarantine.
        self.blocking(move |registry| registry.condemn(&digest, evidence, ACTOR)).await
    }

    /// Of a stack it is the part that was new.
    fn culprit(&self, undone: &Undone) -> Digest {
        let part = self.stacks.culprit(&undone.map, &undone.digest);
        part.unwrap_or_else(|| undone.digest.clone())
    }

    /// What the registry could not take.
    async fn write_down(&self, undone: &Undone, put_aside: bool) -> Result<(), PluginError> {
        if put_aside {
            return self.blocking(Registry::write_down).await;
        }
        match self.condemn(undone).await? {
            Condemned::Written(_) => Ok(()),
            Condemned::PutAside(_, error) => Err(error.into()),
        }
    }

    /// Notes in the log of activities what the registry could not take.
    async fn note(&self, undone: &Undone) -> Result<(), String> {
        let line = evidence::line(&undone.map, &self.culprit(undone), &undone.evidence, ACTOR);
        let settlement = Settlement { activities: vec![line], ..Settlement::default() };
        self.engine.store().settle(settlement).await.map_err(|error| error.to_string())
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
