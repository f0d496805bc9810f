//! Whatever is done to them, in whatever order, the two backends give equal answers.

#![allow(clippy::unwrap_used, reason = "what tests share may fail as tests do")]

use dualwright_diagnostics::Class;
use dualwright_model::{Digest, IntegrationKey, Leg, MapName, RecordId, System, Timestamp, Value};
use dualwright_store::conformance::{awkward_record, entry, link, unlinked};
use dualwright_store::memory::MemoryStore;
use dualwright_store::sqlite::SqliteStore;
use dualwright_store::{
    Activity, Capture, Checkpoint, DeadLetterFilter, DeadLetterId, FeedId, Link, LinkKey, MapStateRecord,
    NewDeadLetter, Resolution, Sequence, Settlement, Store, Wait,
};
use proptest::prelude::*;
use proptest::sample::select;

const MAPS: [&str; 2] = ["one", "two"];
const KEYS: [&str; 4] = ["a", "B", "ü", ""];
const RESOLUTIONS: [Resolution; 5] =
    [Resolution::Applied, Resolution::Unchanged, Resolution::Echo, Resolution::Skipped, Resolution::Dead];

#[derive(Clone, Debug)]
enum Deed {
    Capture(Capture),
    Settle(Box<Settlement>),
    Replay(Vec<DeadLetterId>),
    Discard(Vec<DeadLetterId>),
    SetState(MapStateRecord, Activity),
}

fn map() -> impl Strategy<Value = &'static str> {
    select(&MAPS[..])
}

fn key() -> impl Strategy<Value = &'static str> {
    select(&KEYS[..])
}

fn leg() -> impl Strategy<Value = Leg> {
    select(&Leg::ALL[..])
}

fn few<S: Strategy>(of: S) -> impl Strategy<Value = Vec<S::Value>> {
    prop::collection::vec(of, 0..4)
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    (map(), leg(), prop::option::of(key())).prop_map(|(map, leg, position)| Checkpoint {
        feed: FeedId { map: map.into(), leg, purpose: "changes".into() },
        position: position.map(str::to_owned),
    })
}

fn sequence() -> impl Strategy<Value = Sequence> {
    (0_u64..24).prop_map(Sequence)
}

fn wait() -> impl Strategy<Value = Wait> {
    (any::<i64>(), 0_u32..9, prop::option::of((key(), key()))).prop_map(|(time, attempts, lookup)| Wait {
        not_before: Timestamp::from_micros(time),
        attempts,
        since: Timestamp::default(),
        reason: "because".into(),
        lookup: lookup.map(|(table, key)| (table.into(), key.into())),
    })
}

/// Links whose names collide on purpose.
fn any_link() -> impl Strategy<Value = Link> {
    (map(), key(), key(), prop::option::of(key()), prop::option::of(key())).prop_map(
        |(map, lane, current, finops, dataverse)| {
            let mut link = link(map, lane, current);
            link.finops.id = finops.map(|id| RecordId(id.into()));
            link.dataverse.id = dataverse.map(|id| RecordId(id.into()));
            link
        },
    )
}

fn dead_letter() -> impl Strategy<Value = NewDeadLetter> {
    (map(), leg(), key(), select(&["trap", "rejected"][..])).prop_map(|(map, leg, key, code)| NewDeadLetter {
        entry: entry(map, leg, key),
        class: Class::Data,
        code: code.into(),
        message: "it does not fit".into(),
        column: None,
        violations: Vec::new(),
        intended: Some(awkward_record()),
        map_version: "1.0.0".into(),
        digest: Digest::new("abc"),
        at: Timestamp::from_micros(1),
    })
}

fn activity() -> impl Strategy<Value = Activity> {
    (prop::option::of(map()), key()).prop_map(|(map, message)| Activity {
        at: Timestamp::from_micros(5),
        map: map.map(MapName::from),
        kind: "near-miss".into(),
        actor: "engine".into(),
        message: message.into(),
    })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let outcomes = (
        few((sequence(), select(&RESOLUTIONS[..]))),
        few((sequence(), wait())),
        few((sequence(), key()).prop_map(|(sequence, key)| (sequence, entry("m", Leg::ToFinops, key).change))),
        few(any_link()),
        few((map(), key(), 0_i64..9).prop_map(|(map, key, at)| unlinked(&map.into(), key, at))),
        few(dead_letter()),
    );
    let sums = (
        few(checkpoint()),
        few((map().prop_map(MapName::from), leg(), select(&RESOLUTIONS[..]), 0_u64..5)),
        few((map().prop_map(MapName::from), leg(), 0_u64..5)),
        few(activity()),
    );
    (outcomes, sums).prop_map(|(outcomes, sums)| {
        let (resolved, waiting, revised, links, unlinked, dead_letters) = outcomes;
        let (checkpoints, counted, near_misses, activities) = sums;
        Settlement {
            resolved,
            waiting,
            revised,
            links,
            unlinked,
            dead_letters,
            checkpoints,
            counted,
            near_misses,
            activities,
        }
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let entries = few((map(), leg(), key()).prop_map(|(map, leg, key)| entry(map, leg, key)));
    let letters = || few((0_u64..8).prop_map(DeadLetterId));
    prop_oneof![
        3 => (entries, prop::option::of(checkpoint()))
            .prop_map(|(entries, checkpoint)| Deed::Capture(Capture { entries, checkpoint })),
        4 => settlement().prop_map(|settlement| Deed::Settle(Box::new(settlement))),
        1 => letters().prop_map(Deed::Replay),
        1 => letters().prop_map(Deed::Discard),
        1 => (map(), key(), activity()).prop_map(|(map, state, line)| Deed::SetState(
            MapStateRecord {
                map: map.into(),
                state: state.into(),
                since: Timestamp::from_micros(2),
                reason: "asked".into(),
            },
            line
        )),
    ]
}

/// Does it, and tells the answer.
async fn perform(store: &dyn Store, deed: Deed) -> String {
    match deed {
        Deed::Capture(capture) => format!("{:?}", store.capture(capture).await.unwrap()),
        Deed::Settle(settlement) => format!("{:?}", store.settle(*settlement).await.unwrap()),
        Deed::Replay(ids) => format!("{:?}", store.replay(&ids).await.unwrap()),
        Deed::Discard(ids) => format!("{:?}", store.discard(&ids).await.unwrap()),
        Deed::SetState(state, line) => format!("{:?}", store.set_map_state(state, line).await.unwrap()),
    }
}

/// Everything that can be asked.
async fn everything(store: &dyn Store) -> Vec<String> {
    let mut told = Vec::new();
    for name in MAPS {
        let map = MapName::from(name);
        let link_keys: Vec<LinkKey> = KEYS
            .iter()
            .flat_map(|key| {
                [
                    LinkKey::Lane((*key).into()),
                    LinkKey::Key(IntegrationKey::new([&Value::text(*key)])),
                    LinkKey::Id(System::Finops, RecordId((*key).into())),
                    LinkKey::Id(System::Dataverse, RecordId((*key).into())),
                ]
            })
            .collect();
        for after in [0, 3, 9] {
            told.push(format!("{:?}", store.pending(&map, Sequence(after), 7).await.unwrap()));
        }
        told.push(format!("{:?}", store.links(&map, &link_keys).await.unwrap()));
        for after in [None, Some(""), Some("a")] {
            told.push(format!("{:?}", store.links_after(&map, after, 2).await.unwrap()));
        }
        told.push(format!("{:?}", store.counters(&map).await.unwrap()));
        told.push(format!("{:?}", store.activities(Some(&map), 5).await.unwrap()));
        for leg in Leg::ALL {
            let feed = FeedId { map: map.clone(), leg, purpose: "changes".into() };
            told.push(format!("{:?}", store.checkpoint(&feed).await.unwrap()));
            told.push(format!("{:?}", store.recorded(&map, leg, 4).await.unwrap()));
        }
        let filter =
            DeadLetterFilter { map: Some(map), code: Some("trap".into()), after: Some(DeadLetterId(1)) };
        told.push(format!("{:?}", store.dead_letters(&filter, 3).await.unwrap()));
    }
    told.push(format!("{:?}", store.dead_letters(&DeadLetterFilter::default(), 99).await.unwrap()));
    told.push(format!("{:?}", store.map_states().await.unwrap()));
    told.push(format!("{:?}", store.activities(None, 9).await.unwrap()));
    told
}

/// I3, for what went through the journal only.
async fn balances(store: &dyn Store, initial: &[(MapName, Leg, u64)]) {
    for name in MAPS {
        let map = MapName::from(name);
        for (leg, counters) in store.counters(&map).await.unwrap() {
            let of_initial = initial.iter().filter(|(of, on, _)| *of == map && *on == leg);
            let bypassed: u64 = of_initial.map(|(_, _, count)| count).sum();
            let ended: u64 = counters.resolved.values().sum();
            assert_eq!(counters.captured + bypassed, counters.pending + ended, "{map} {leg}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree(deeds in prop::collection::vec(deed(), 1..12), reopen_after in 0_usize..12) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.sqlite");
            let memory = MemoryStore::new();
            let mut sqlite = SqliteStore::open(&path).unwrap();
            let mut initial = Vec::new();
            for (number, deed) in deeds.into_iter().enumerate() {
                if let Deed::Settle(settlement) = &deed {
                    initial.extend(settlement.counted.iter().map(|(map, leg, _, count)| (map.clone(), *leg, *count)));
                }
                assert_eq!(perform(&memory, deed.clone()).await, perform(&sqlite, deed).await);
                assert_eq!(everything(&memory).await, everything(&sqlite).await);
                balances(&sqlite, &initial).await;
                if number == reopen_after {
                    sqlite.close();
                    sqlite = SqliteStore::open(&path).unwrap();
                    assert_eq!(everything(&memory).await, everything(&sqlite).await);
                }
            }
        });
    }
}
