//! What was held against a version, where the registry could not take it: a line in the log of activities, which lies in
//! another file. The next start takes it from there.

use dualwright_engine::{Clock as _, EngineError, SystemClock};
use dualwright_model::{Digest, MapName, Timestamp};
use dualwright_plugin_host::registry::{Act, Condemned, Evidence, Listing, Registry, State};
use dualwright_store::{Activity, Store};

use super::PluginError;
use super::keeper::ACTOR;

/// The kind of line.
const KIND: &str = "condemned";
/// Between the digest and what is held against it.
const WORDS: &str = " must not run: ";
/// Lines that are searched. The registry is asked again every ten seconds, so that a line of long ago has been taken.
const LINES: usize = 5000;

/// The line.
pub(super) fn line(map: &MapName, digest: &Digest, evidence: &str, actor: &str) -> Activity {
    Activity {
        at: SystemClock.now(),
        map: Some(map.clone()),
        kind: KIND.to_owned(),
        actor: actor.to_owned(),
        message: format!("{digest}{WORDS}{evidence}"),
    }
}

/// Puts into quarantine what the log of activities says was undone when the registry could not be written, and what was
/// put aside gets its reason. To be asked before any version is put to work (I7). Lines that are older than what the
/// registry says of the version change nothing.
///
/// # Errors
/// When the log cannot be read. A registry that still cannot be written is none, as long as it keeps the version out.
pub async fn take_up(registry: &Registry, store: &dyn Store) -> Result<(), PluginError> {
    let lines = store.activities(None, LINES).await.map_err(EngineError::from)?;
    for line in lines.into_iter().rev().filter(|line| line.kind == KIND && line.actor == ACTOR) {
        let Some((digest, reason)) = line.message.split_once(WORDS) else { continue };
        let digest = Digest::from(digest);
        let Some(listing) = registry.list().into_iter().find(|one| one.component.digest == digest) else {
            continue;
        };
        if !is_news(registry, &listing, line.at) {
            continue;
        }
        let evidence = Evidence { text: reason.to_owned(), counters: Default::default() };
        let (keeper, condemned) = (registry.clone(), digest.clone());
        let done = tokio::task::spawn_blocking(move || keeper.condemn(&condemned, evidence, ACTOR)).await;
        match done.map_err(|_| PluginError::CutOff)?? {
            Condemned::Written(_) => {
                tracing::warn!(map = %listing.component.name, %digest, reason, "a version that was undone is put in quarantine");
            }
            Condemned::PutAside(_, error) => {
                tracing::error!(map = %listing.component.name, %digest, %error, "a version that was undone stays out, and the registry still cannot be written");
            }
        }
    }
    Ok(())
}

/// Whether the registry knows less of this version than a line of that moment.
fn is_news(registry: &Registry, listing: &Listing, at: Timestamp) -> bool {
    if let State::Quarantined(why) = &listing.state {
        return why.evidence.is_unwritten();
    }
    let digest = &listing.component.digest;
    let history = registry.history(&listing.component.name).unwrap_or_default();
    let of_it = |act: &Act| match act {
        Act::Installed { digest: one, .. }
        | Act::Quarantined { digest: one, .. }
        | Act::Released { digest: one } => one == digest,
        Act::Activated { to, .. } | Act::RolledBack { to, .. } => to == digest,
    };
    !history.iter().any(|entry| entry.at >= at && of_it(&entry.act))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dualwright_plugin_host::HostError;
    use dualwright_plugin_host::registry::{Examine, Identity, RegistryConfig, Role};
    use dualwright_store::Settlement;
    use dualwright_store::memory::MemoryStore;

    use super::*;

    /// Takes everything; the bytes are the version.
    #[derive(Debug)]
    struct Anything;

    impl Examine for Anything {
        fn examine(&self, _: &str, bytes: &[u8]) -> Result<Identity, HostError> {
            let version = String::from_utf8_lossy(bytes).into_owned();
            Ok(Identity { name: "customers".into(), version, role: Role::Map, map: None })
        }

        fn max_bytes(&self) -> usize {
            64
        }

        fn rules(&self) -> String {
            String::new()
        }
    }

    fn live(registry: &Registry) -> String {
        registry.map(&"customers".into()).unwrap().live.unwrap().version
    }

    /// I7: the line alone keeps the version out, once; an operator who says otherwise later is not overruled.
    #[tokio::test]
    async fn what_only_the_log_knows_is_taken_up_once() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(RegistryConfig::new(folder.path()), Arc::new(Anything)).unwrap();
        let (store, map) = (MemoryStore::new(), MapName::from("customers"));
        let mut digests = Vec::new();
        for version in ["1.0.0", "1.1.0"] {
            let done = registry.install("a.wasm", version.as_bytes().to_vec(), None, "anna").unwrap();
            registry.activate(&map, &done.component.digest, "anna").unwrap();
            digests.push(done.component.digest);
        }
        take_up(&registry, &store).await.unwrap();
        assert_eq!(live(&registry), "1.1.0", "nobody says anything of it");
        let note = |digest: &Digest| {
            let activities = vec![line(&map, digest, "it must not run: it trapped", ACTOR)];
            Settlement { activities, ..Settlement::default() }
        };
        store.settle(note(&digests[1])).await.unwrap();
        store.settle(note(&Digest::from("of another registry"))).await.unwrap();
        for _ in 0..2 {
            take_up(&registry, &store).await.unwrap();
            assert_eq!(live(&registry), "1.0.0");
            let (_, why) = registry.map(&map).unwrap().quarantined.pop().unwrap();
            assert_eq!(
                (why.evidence.text.as_str(), why.actor.as_str()),
                ("it must not run: it trapped", ACTOR)
            );
        }
        assert_eq!(registry.history(&map).unwrap().len(), 5);
        registry.release(&digests[1], "anna").unwrap();
        registry.activate(&map, &digests[1], "anna").unwrap();
        take_up(&registry, &store).await.unwrap();
        assert_eq!(live(&registry), "1.1.0");
    }
}
