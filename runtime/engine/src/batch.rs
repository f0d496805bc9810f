//! A batch on its way: every record in it once, all of one leg.

use dualwright_diagnostics::Class;
use dualwright_model::{Leg, Record, Timestamp};
use dualwright_store::{Activity, Link, NewDeadLetter, NewEntry, Resolution, Sequence, Wait};
use dualwright_sync::park::Target;

use crate::apply;
use crate::judge;
use crate::map::MapContext;
use crate::shadow::Shadow;
use crate::transform;

/// One change to be brought to the other side.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Its place in the journal; `None` for a row of an initial sync, which can be read again.
    pub(crate) sequence: Option<Sequence>,
    /// The change.
    pub(crate) entry: NewEntry,
    /// Whether its row was read again already: a deletion that was confirmed then is carried out, even when it has to
    /// be tried twice and the row came back in between.
    pub(crate) revised: bool,
    /// How it has fared so far.
    pub(crate) history: Option<Wait>,
}

/// What else is true while a batch runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// The direction.
    pub(crate) leg: Leg,
    /// Whether this is an initial sync, in which the master wins.
    pub(crate) initial: bool,
}

/// How an item ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// For good.
    Resolved(Resolution),
    /// It waits; when for a lookup, for that row.
    Wait(Wait, Option<Target>),
    /// It is a dead letter.
    Dead(Box<NewDeadLetter>),
    /// Nothing can be said: the call as a whole failed. It is tried again as if it had never been.
    PutBack(Class, String),
}

/// What becomes of the record link.
#[derive(Debug, Default)]
pub(crate) enum LinkEffect {
    #[default]
    Keep,
    Set(Box<Link>),
    Forget(String),
}

/// An item that ended, with everything that has to be remembered together.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) item: Item,
    pub(crate) ending: Ending,
    pub(crate) link: LinkEffect,
    pub(crate) near_miss: bool,
    pub(crate) activity: Option<Activity>,
    /// The target's own newer row, which has to travel the other way.
    pub(crate) reverse: Option<NewEntry>,
    /// A row of Dataverse that others may be waiting for.
    pub(crate) arrived: Option<Target>,
}

impl Done {
    pub(crate) fn new(item: Item, ending: Ending) -> Self {
        Self {
            item,
            ending,
            link: LinkEffect::Keep,
            near_miss: false,
            activity: None,
            reverse: None,
            arrived: None,
        }
    }

    pub(crate) fn resolved(item: Item, resolution: Resolution) -> Self {
        Self::new(item, Ending::Resolved(resolution))
    }
}

/// What the map wants for one record.
#[derive(Debug)]
pub(crate) enum Wish {
    /// These cells on the other side, already in the target's own values.
    Upsert(Record),
    /// No such record on the other side.
    Delete,
}

/// A change that is real and belongs to the map.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) item: Item,
    pub(crate) link: Option<Link>,
    /// The lane key for a link that is made now.
    pub(crate) new_lane_key: String,
    /// When a former link of this lane was forgotten; only looked up where there is no link.
    pub(crate) buried_at: Option<Timestamp>,
    pub(crate) near_miss: bool,
    /// Whether a column of which something was known changed at the source; if not, nobody there has anything to say.
    pub(crate) edited: bool,
}

/// Runs a batch through judging, the map, and the target. Answers exactly one [`Done`] an item.
pub(crate) async fn run(
    map: &MapContext,
    mode: Mode,
    items: Vec<Item>,
    shadow: Option<&Shadow>,
) -> Vec<Done> {
    let mut done = Vec::with_capacity(items.len());
    let work = judge::judge(map, mode, items, &mut done).await;
    let wishes = transform::transform(map, mode, work, shadow, &mut done).await;
    apply::apply(map, mode, wishes, &mut done).await;
    done
}
