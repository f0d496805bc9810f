//! Which version of a map is at work, and what becomes of it after a switch.
//!
//! A [`MapContext`] is one version of a map. Tasks take the current one at the start of each batch or page and keep it to
//! the end of that: a switch happens between batches, and what is in flight ends on the version it began with (I8).

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dualwright_diagnostics::Class;
use dualwright_model::Digest;
use dualwright_store::{DeadLetterFilter, DeadLetterId, Settlement};
use dualwright_sync::health::{self, HealthPolicy, Verdict};

use crate::map::MapContext;
use crate::shadow::Shadow;
use crate::worker::activity;
use crate::{EngineError, Event};

/// Dead letters looked at together when a switch is undone.
const LETTERS_PAGE: usize = 500;

/// The versions of one map.
pub(crate) struct Versions {
    current: RwLock<Arc<MapContext>>,
    /// The version before, for as long as the current one is on trial.
    before: Mutex<Option<Arc<MapContext>>>,
    shadow: RwLock<Option<Arc<Shadow>>>,
    policy: HealthPolicy,
}

/// What a switch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The component that was at work.
    pub from: Digest,
    /// The component that is at work now.
    pub to: Digest,
}

impl Versions {
    pub(crate) fn new(context: MapContext) -> Self {
        let policy = context.settings.health;
        Self {
            current: RwLock::new(Arc::new(context)),
            before: Mutex::new(None),
            shadow: RwLock::new(None),
            policy,
        }
    }

    /// The version at work.
    pub(crate) fn now(&self) -> Arc<MapContext> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who is looking over its shoulder.
    pub(crate) fn shadow(&self) -> Option<Arc<Shadow>> {
        self.shadow.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a candidate beside the live version, or takes it away; answers the one that was there.
    pub(crate) fn set_shadow(&self, shadow: Option<Arc<Shadow>>) -> Option<Arc<Shadow>> {
        std::mem::replace(&mut *self.shadow.write().unwrap_or_else(PoisonError::into_inner), shadow)
    }

    /// Puts another version to work, from the next batch on.
    pub(crate) async fn switch(&self, next: MapContext, actor: &str) -> Result<Switched, EngineError> {
        let now = self.now();
        let switched = Switched { from: now.logic.digest().clone(), to: next.logic.digest().clone() };
        let message = format!(
            "version {} ({}) took over from {} ({})",
            next.description().version,
            short(&switched.to),
            now.description().version,
            short(&switched.from)
        );
        next.read_anew_where_more_is_read(&now).await?;
        self.put_to_work(Arc::new(next), Some(now), &message, actor).await?;
        Ok(switched)
    }

    async fn put_to_work(
        &self,
        next: Arc<MapContext>,
        before: Option<Arc<MapContext>>,
        message: &str,
        actor: &str,
    ) -> Result<(), EngineError> {
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = before;
        let before = std::mem::replace(
            &mut *self.current.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&next),
        );
        let activities = vec![activity(&next, "switch", actor, message)];
        next.store.settle(Settlement { activities, ..Settlement::default() }).await?;
        tracing::info!(map = %next.name, actor, message, "map version");
        let _ = next.events.send(Event::Switched {
            map: next.name.clone(),
            from: before.logic.digest().clone(),
            to: next.logic.digest().clone(),
            actor: actor.to_owned(),
        });
        next.captured.notify_one();
        Ok(())
    }

    /// Looks at how the current version has fared since it took over, and undoes that where the policy says so.
    pub(crate) async fn watch(&self) -> Result<(), EngineError> {
        let Some(before) = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return Ok(());
        };
        let now = self.now();
        match health::verdict(before.tally(), now.tally(), self.policy) {
            Verdict::Watch => Ok(()),
            Verdict::Trust => {
                *self.before.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(())
            }
            Verdict::Undo(reason) => self.undo(&now, before, reason).await,
        }
    }

    async fn undo(
        &self,
        bad: &MapContext,
        before: Arc<MapContext>,
        reason: String,
    ) -> Result<(), EngineError> {
        let digest = bad.logic.digest().clone();
        let message = format!(
            "version {} ({}) was undone: {reason}; version {} is back",
            bad.description().version,
            short(&digest),
            before.description().version
        );
        tracing::warn!(map = %bad.name, digest = %digest, reason, "a switch was undone");
        self.put_to_work(Arc::clone(&before), None, &message, "engine").await?;
        let replayed = replay_faults_of(&before, &digest).await?;
        let evidence = if replayed == 0 {
            reason
        } else {
            format!("{reason}; the {replayed} records it failed on go through the version before again")
        };
        let _ = before.events.send(Event::Undone { map: before.name.clone(), digest, evidence });
        Ok(())
    }
}

/// What a version failed on is no fault of the records: they go through the version before again.
async fn replay_faults_of(map: &MapContext, digest: &Digest) -> Result<usize, EngineError> {
    let mut ids: Vec<DeadLetterId> = Vec::new();
    let mut filter = DeadLetterFilter { map: Some(map.name.clone()), ..DeadLetterFilter::default() };
    loop {
        let letters = map.store.dead_letters(&filter, LETTERS_PAGE).await?;
        filter.after = letters.last().map(|letter| letter.id);
        let full = letters.len() == LETTERS_PAGE;
        let guilty = |letter: &dualwright_store::DeadLetter| {
            letter.letter.digest == *digest && letter.letter.class == Class::Guest
        };
        ids.extend(letters.iter().filter(|letter| guilty(letter)).map(|letter| letter.id));
        if !full {
            break;
        }
    }
    let count = map.store.replay(&ids).await?;
    map.captured.notify_one();
    Ok(count)
}

fn short(digest: &Digest) -> &str {
    digest.as_str().get(..12).unwrap_or(digest.as_str())
}
