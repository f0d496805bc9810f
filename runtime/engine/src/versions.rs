//! Which version of a map is at work, and what becomes of it after a switch.
//!
//! A [`MapContext`] is one version of a map. Tasks take the current one at the start of each batch or page and keep it to
//! the end of that: a switch happens between batches, and what is in flight ends on the version it began with (I8).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dualwright_diagnostics::Class;
use dualwright_model::Digest;
use dualwright_store::{DeadLetterFilter, DeadLetterId, Settlement};
use dualwright_sync::health::{self, HealthPolicy, Tally, Verdict};

use crate::map::MapContext;
use crate::shadow::Shadow;
use crate::worker::activity;
use crate::{EngineError, Event, Keeper, Undone};

/// Dead letters looked at together when a switch is undone.
const LETTERS_PAGE: usize = 500;

/// The versions of one map.
pub(crate) struct Versions {
    current: RwLock<Arc<MapContext>>,
    /// The version before, for as long as the current one is on trial.
    before: Mutex<Option<Arc<MapContext>>>,
    shadow: RwLock<Option<Arc<Shadow>>>,
    policy: HealthPolicy,
    /// Who must know of an undone version before the one before it is back.
    keeper: RwLock<Option<Arc<dyn Keeper>>>,
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
            keeper: RwLock::new(None),
        }
    }

    pub(crate) fn set_keeper(&self, keeper: Arc<dyn Keeper>) {
        *self.keeper.write().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
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
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let next = Arc::new(next);
        let before = std::mem::replace(
            &mut *self.current.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&next),
        );
        tell(&next, &before, &message, actor).await?;
        Ok(switched)
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
                let mut trial = self.before.lock().unwrap_or_else(PoisonError::into_inner);
                // Another version may be on trial by now.
                if trial.as_ref().is_some_and(|trial| Arc::ptr_eq(trial, &before)) {
                    *trial = None;
                }
                Ok(())
            }
            Verdict::Undo(reason) => self.undo(&now, before, reason).await,
        }
    }

    /// In this order, so that a death at any point leaves the bad version out: first its keeper makes durable that it
    /// must not run, then the version before takes over, then what it failed on goes through that.
    async fn undo(
        &self,
        bad: &Arc<MapContext>,
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
        let undone = Undone {
            map: bad.name.clone(),
            digest: digest.clone(),
            back_to: before.logic.digest().clone(),
            counters: counters(bad.tally(), before.tally()),
            evidence: reason,
        };
        let keeper = self.keeper.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(keeper) = keeper
            && let Err(error) = keeper.condemn(&undone).await
        {
            // A version that fares badly must not stay at work because a disk is full.
            tracing::error!(map = %bad.name, digest = %digest, %error, "a version that is undone could not be put in quarantine; it would run again after a restart");
        }
        if !self.take_back(bad, &before) {
            // Somebody put another version to work meanwhile, and that stays.
            return Ok(());
        }
        tracing::warn!(map = %bad.name, digest = %digest, reason = undone.evidence, "a switch was undone");
        tell(&before, bad, &message, "engine").await?;
        let replayed = replay_faults_of(&before, &digest).await?;
        let evidence = if replayed == 0 {
            undone.evidence
        } else {
            format!(
                "{}; the {replayed} records it failed on go through the version before again",
                undone.evidence
            )
        };
        let Undone { map, counters, .. } = undone;
        let _ = before.events.send(Event::Undone { map, digest, evidence, counters });
        Ok(())
    }

    /// Puts the version before back, unless another one has taken over from the bad one.
    fn take_back(&self, bad: &Arc<MapContext>, before: &Arc<MapContext>) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let still = Arc::ptr_eq(&current, bad);
        if still {
            *self.before.lock().unwrap_or_else(PoisonError::into_inner) = None;
            *current = Arc::clone(before);
        }
        still
    }
}

/// A version took over: the log of activities, the program's log and onlookers hear of it.
async fn tell(
    next: &Arc<MapContext>,
    before: &MapContext,
    message: &str,
    actor: &str,
) -> Result<(), EngineError> {
    let activities = vec![activity(next, "switch", actor, message)];
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

/// How both versions had fared, for the evidence.
fn counters(bad: Tally, before: Tally) -> BTreeMap<String, u64> {
    let of = |name: &str, tally: Tally| {
        let Tally { rows, faults, rejects, micros } = tally;
        let counts = [("rows", rows), ("faults", faults), ("rejects", rejects), ("micros", micros)];
        counts.map(|(what, count)| (format!("{name}-{what}"), count))
    };
    of("undone", bad).into_iter().chain(of("before", before)).collect()
}

/// What a version failed on is no fault of the records: they go through the version before again.
pub(crate) async fn replay_faults_of(map: &MapContext, digest: &Digest) -> Result<usize, EngineError> {
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
