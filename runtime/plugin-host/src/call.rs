//! Batches through a map.

use std::fmt;
use std::sync::Arc;

use dualwright_model::{ColumnOrder, ColumnPath, Digest, Leg};

use crate::caller::{Caller, refuse_all};
use crate::rows::{Picks, Rows};
use crate::worlds::contract::Version;
use crate::worlds::mapper::Mapper;
use crate::worlds::resolver::Resolver;
use crate::{
    Clash, Description, FieldGrant, GuestChange, PluginStats, ResolveResult, TransformResult, resolve,
};

/// A component that passed all checks, compiled and linked. Cheap to clone; the clones are the same plugin. It has no
/// state: every call makes a fresh instance.
#[derive(Clone)]
pub struct Plugin {
    inner: Arc<Inner>,
}

struct Inner {
    mapper: Mapper,
    resolver: Option<Resolver>,
    contract: Version,
    digest: Digest,
    description: Description,
    legs: Vec<LegPlan>,
    fields: FieldGrant,
    caller: Arc<Caller>,
}

struct LegPlan {
    leg: Leg,
    picks: Picks,
    writes: Vec<ColumnPath>,
    order: ColumnOrder,
    /// What of the written columns the guest may see where it is asked about both sides.
    contested: Picks,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Plugin").field(&self.inner.caller).field(&self.inner.digest).finish()
    }
}

impl Plugin {
    pub(crate) fn new(
        mapper: Mapper,
        resolver: Option<Resolver>,
        contract: Version,
        digest: Digest,
        description: Description,
        fields: FieldGrant,
        caller: Arc<Caller>,
    ) -> Self {
        let legs = description
            .legs
            .iter()
            .map(|leg| LegPlan {
                leg: leg.leg,
                picks: Picks::new(&leg.reads, &fields),
                writes: leg.writes.clone(),
                order: ColumnOrder::new(&leg.writes),
                contested: Picks::new(&leg.writes, &fields),
            })
            .collect();
        Self {
            inner: Arc::new(Inner { mapper, resolver, contract, digest, description, legs, fields, caller }),
        }
    }

    /// What the map says of itself.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// The SHA-256 of the component's bytes.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// The version of the contract it was built against, `1.0.0`.
    pub fn contract(&self) -> String {
        self.inner.contract.to_string()
    }

    /// Which columns it was granted.
    pub fn fields(&self) -> &FieldGrant {
        &self.inner.fields
    }

    /// What it has done since it was loaded.
    pub fn stats(&self) -> PluginStats {
        self.inner.caller.stats()
    }

    /// Gives a batch to the map: exactly one answer a change, in the same order. Never fails as a whole: a guest that
    /// traps, hangs, eats memory or answers nonsense costs the records that made it do so, and no others (I9). For how
    /// long that is searched, see [`crate::Limits::isolation_time`].
    ///
    /// The batch is split into calls of [`crate::Limits::batch_rows`] and [`crate::Limits::batch_bytes`], one after the
    /// other, each in a fresh instance. The guest runs on a thread that may block; the call waits for a free place
    /// among the host's concurrent calls. Dropping the future stops after the call that is running.
    pub async fn transform(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        self.run(leg, initial, batch, false).await
    }

    /// [`Plugin::transform`] for a look at what would be written: a map that was granted `http` sends no request that
    /// could change anything, and is told that it was not granted.
    pub async fn rehearse(&self, leg: Leg, initial: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        self.run(leg, initial, batch, true).await
    }

    async fn run(
        &self,
        leg: Leg,
        initial: bool,
        batch: &[GuestChange],
        rehearsal: bool,
    ) -> Vec<TransformResult> {
        let Some(plan) = self.inner.legs.iter().position(|plan| plan.leg == leg) else {
            return refuse_all(batch.len(), &format!("the map has no leg {leg}"));
        };
        let plans = &self.inner.legs;
        let written = plans.get(plan).map_or(0, |plan| plan.writes.len());
        let rows = plans.get(plan).map(|plan| Rows::new(&plan.picks, batch)).unwrap_or_default();
        let inner = Arc::clone(&self.inner);
        let answers = self.inner.caller.answer_all(rows, written, rehearsal, move |store, rows, range| {
            let Some(plan) = inner.legs.get(plan) else { return Ok(Vec::new()) };
            inner.mapper.transform(store, leg, initial, rows, range, &plan.order)
        });
        answers.await
    }
    /// Whether it can be asked what becomes of records that both sides changed: it exports the contract's `resolver`.
    pub fn resolves(&self) -> bool {
        self.inner.resolver.is_some()
    }

    /// Asks the map what becomes of records that both sides changed: exactly one verdict a clash, in the same order.
    /// Limits and the search for culprits are those of [`Plugin::transform`].
    pub async fn resolve(&self, leg: Leg, initial: bool, batch: &[Clash]) -> Vec<ResolveResult> {
        let Some(plan) = self.inner.legs.iter().position(|plan| plan.leg == leg) else {
            return refuse_all(batch.len(), &format!("the map has no leg {leg}"));
        };
        let plans = &self.inner.legs;
        let written = plans.get(plan).map_or(0, |plan| plan.writes.len());
        let (rows, facts) = plans
            .get(plan)
            .map(|plan| resolve::rows_of(batch, &plan.contested, &plan.writes))
            .unwrap_or_default();
        let inner = Arc::clone(&self.inner);
        let answers = self.inner.caller.answer_all(rows, written, false, move |store, rows, range| {
            let writes = inner.legs.get(plan).map(|plan| plan.writes.as_slice()).unwrap_or_default();
            match &inner.resolver {
                Some(resolver) => resolver.resolve(
                    store,
                    leg,
                    initial,
                    rows,
                    range,
                    resolve::Asked { facts: &facts, writes },
                ),
                None => Ok(refuse_all(range.len(), "the map does not export the contract's `resolver`")),
            }
        });
        answers.await
    }
}
