//! The battery that every backend passes: one check for each sentence of the trait's documentation.
//!
//! It panics where a backend is wrong, for it is called by tests; it is public so that a backend elsewhere can be held
//! to it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a battery of assertions, called by tests only"
)]

mod edges;

use dualwright_diagnostics::Class;
use dualwright_model::{
    Change, Decimal, Digest, Fingerprint, IntegrationKey, Leg, MapName, Operation, Record, RecordId, System,
    Timestamp, Value, Version,
};

use crate::{
    Activity, Capture, Checkpoint, DeadLetterFilter, EntryState, FeedId, Link, LinkKey, LinkSide,
    MapStateRecord, NewDeadLetter, NewEntry, Resolution, Sequence, Settlement, Store, Unlinked, Violation,
    Wait,
};

/// A record that holds every kind of value, the awkward ones too.
pub fn awkward_record() -> Record {
    [
        ("absent", Value::Absent),
        ("null", Value::Null),
        ("empty", Value::text("")),
        ("zero", Value::Decimal(Decimal::from(0))),
        ("money", Value::Decimal(Decimal::parse("12345678901234567890.0001").unwrap_or_else(|_| 0.into()))),
        ("integer", Value::Integer(i64::MIN)),
        ("flag", Value::Boolean(false)),
        ("time", Value::Timestamp(Timestamp::from_micros(-1))),
        ("text", Value::text("Ünïcode 🧾 \u{0} \" \\ | \n")),
    ]
    .into_iter()
    .map(|(column, value)| (column.into(), value))
    .collect()
}

/// An entry of a map for a key.
pub fn entry(map: &str, leg: Leg, key: &str) -> NewEntry {
    let key = IntegrationKey::new([&Value::text(key)]);
    let change = Change {
        operation: Operation::Upsert,
        id: RecordId(key.to_string()),
        version: Some(Version("W/\"1\"".into())),
        record: awkward_record(),
        modified_at: None,
        observed_at: Timestamp::from_micros(7),
    };
    NewEntry { map: map.into(), leg, lane_key: key.to_string(), key, change, again: false }
}

/// The end of a link.
pub fn unlinked(map: &MapName, lane_key: &str, micros: i64) -> Unlinked {
    Unlinked { map: map.clone(), lane_key: lane_key.into(), at: Timestamp::from_micros(micros) }
}

/// A link of a map for a key.
pub fn link(map: &str, lane_key: &str, key: &str) -> Link {
    let side = |id: &str| LinkSide {
        id: Some(RecordId(id.into())),
        version: None,
        fingerprint: Fingerprint::of(&awkward_record(), &[]),
        key: vec![Value::text(key), Value::Null],
        written_at: Some(Timestamp::from_micros(3)),
        writer: None,
    };
    Link {
        map: map.into(),
        lane_key: lane_key.into(),
        key: IntegrationKey::new([&Value::text(key)]),
        finops: side(&format!("f-{lane_key}")),
        dataverse: LinkSide { written_at: None, ..side(&format!("d-{lane_key}")) },
        map_version: "1.0.0".into(),
        digest: Digest::new("abc"),
        updated_at: Timestamp::from_micros(9),
    }
}

fn letter(map: &str, key: &str, code: &str) -> NewDeadLetter {
    NewDeadLetter {
        entry: entry(map, Leg::ToFinops, key),
        class: Class::Data,
        code: code.into(),
        message: "it does not fit".into(),
        column: Some("name".into()),
        violations: vec![
            Violation { field: Some("name".into()), code: code.into(), message: "it is too long".into() },
            Violation { field: None, code: "late".into(), message: "it is too late".into() },
        ],
        intended: Some(awkward_record()),
        map_version: "1.0.0".into(),
        digest: Digest::new("abc"),
        at: Timestamp::from_micros(1),
    }
}

fn feed(map: &str) -> FeedId {
    FeedId { map: map.into(), leg: Leg::ToFinops, purpose: "changes".into() }
}

/// Runs the whole battery on an empty store.
pub async fn run(store: &dyn Store) {
    capture_is_in_order_and_moves_its_checkpoint(store).await;
    settling_counts_once(store).await;
    waiting_keeps_its_place(store).await;
    links_are_found_by_every_name(store).await;
    dead_letters_come_back_as_new_entries(store).await;
    states_and_activities_are_kept(store).await;
    edges::run(store).await;
}

async fn capture_is_in_order_and_moves_its_checkpoint(store: &dyn Store) {
    let map = MapName::from("order");
    let entries = vec![entry("order", Leg::ToFinops, "a"), entry("order", Leg::ToDataverse, "b")];
    let checkpoint = Some(Checkpoint { feed: feed("order"), position: Some("p1".into()) });
    let first = store.capture(Capture { entries: entries.clone(), checkpoint }).await.unwrap();
    let second = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let all: Vec<Sequence> = first.iter().chain(&second).copied().collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "sequences grow in the order given");
    let pending = store.pending(&map, Sequence(0), 100).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), all);
    let read = &pending[0];
    assert_eq!(read.state, EntryState::Ready);
    assert_eq!(
        read.entry.change,
        entry("order", Leg::ToFinops, "a").change,
        "values survive as they are (I10)"
    );
    assert_eq!(read.entry.key, IntegrationKey::new([&Value::text("a")]));
    let later = store.pending(&map, all[1], 1).await.unwrap();
    assert_eq!(later.len(), 1);
    assert_eq!(later[0].sequence, all[2]);
    assert_eq!(store.checkpoint(&feed("order")).await.unwrap().as_deref(), Some("p1"));
    let cleared = Some(Checkpoint { feed: feed("order"), position: None });
    store.capture(Capture { entries: Vec::new(), checkpoint: cleared }).await.unwrap();
    assert_eq!(store.checkpoint(&feed("order")).await.unwrap(), None);
    assert!(store.pending(&"nobody".into(), Sequence(0), 10).await.unwrap().is_empty());
}

/// I3 and I4: the counters balance, and a settlement that is repeated counts once.
async fn settling_counts_once(store: &dyn Store) {
    let map = MapName::from("count");
    let entries = (0..5).map(|number| entry("count", Leg::ToFinops, &number.to_string())).collect();
    let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let settlement = Settlement {
        resolved: vec![
            (sequences[0], Resolution::Applied),
            (sequences[1], Resolution::Echo),
            (sequences[2], Resolution::Applied),
        ],
        near_misses: Vec::new(),
        checkpoints: vec![Checkpoint { feed: feed("count"), position: Some("page".into()) }],
        ..Settlement::default()
    };
    for _ in 0..2 {
        store.settle(settlement.clone()).await.unwrap();
    }
    let counted = Settlement {
        counted: vec![(map.clone(), Leg::ToFinops, Resolution::Unchanged, 40)],
        near_misses: vec![(map.clone(), Leg::ToFinops, 2)],
        ..Settlement::default()
    };
    store.settle(counted).await.unwrap();
    let counters = store.counters(&map).await.unwrap().remove(&Leg::ToFinops).unwrap();
    assert_eq!((counters.captured, counters.pending, counters.near_misses), (5, 2, 2));
    let expect = [(Resolution::Applied, 2), (Resolution::Echo, 1), (Resolution::Unchanged, 40)];
    assert_eq!(counters.resolved.into_iter().collect::<Vec<_>>(), {
        let mut expect = expect.to_vec();
        expect.sort();
        expect
    });
    assert_eq!(store.pending(&map, Sequence(0), 10).await.unwrap().len(), 2);
    assert_eq!(store.checkpoint(&feed("count")).await.unwrap().as_deref(), Some("page"));
}

async fn waiting_keeps_its_place(store: &dyn Store) {
    let map = MapName::from("wait");
    let entries = vec![entry("wait", Leg::ToFinops, "a"), entry("wait", Leg::ToFinops, "b")];
    let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let wait = Wait {
        not_before: Timestamp::from_micros(50),
        attempts: 3,
        since: Timestamp::from_micros(1),
        reason: "no group".into(),
        lookup: Some(("groups".into(), "10|usmf".into())),
    };
    let settlement = Settlement { waiting: vec![(sequences[0], wait.clone())], ..Settlement::default() };
    store.settle(settlement).await.unwrap();
    let pending = store.pending(&map, Sequence(0), 10).await.unwrap();
    assert_eq!(pending[0].sequence, sequences[0]);
    assert_eq!(pending[0].state, EntryState::Waiting(wait));
    assert_eq!(pending[1].state, EntryState::Ready);
}

async fn links_are_found_by_every_name(store: &dyn Store) {
    let map = MapName::from("link");
    let (one, two) = (link("link", "a", "a"), link("link", "b", "b"));
    let settlement = Settlement { links: vec![one.clone(), two.clone()], ..Settlement::default() };
    for _ in 0..2 {
        store.settle(settlement.clone()).await.unwrap();
    }
    let keys = [
        LinkKey::Lane("b".into()),
        LinkKey::Key(one.key.clone()),
        LinkKey::Id(System::Finops, RecordId("f-b".into())),
        LinkKey::Id(System::Dataverse, RecordId("d-a".into())),
        LinkKey::Id(System::Dataverse, RecordId("f-a".into())),
    ];
    let found = store.links(&map, &keys).await.unwrap();
    assert_eq!(found, vec![Some(two.clone()), Some(one.clone()), Some(two.clone()), Some(one.clone()), None]);
    assert!(store.links(&"other".into(), &keys).await.unwrap().iter().all(Option::is_none));
    let renamed = Link { key: IntegrationKey::new([&Value::text("c")]), ..one.clone() };
    let settlement = Settlement {
        links: vec![renamed.clone()],
        unlinked: vec![unlinked(&map, "b", 5)],
        ..Settlement::default()
    };
    store.settle(settlement).await.unwrap();
    let keys = [LinkKey::Key(one.key.clone()), LinkKey::Key(renamed.key.clone()), LinkKey::Lane("b".into())];
    assert_eq!(store.links(&map, &keys).await.unwrap(), vec![None, Some(renamed.clone()), None]);
    store.settle(Settlement { links: vec![two.clone()], ..Settlement::default() }).await.unwrap();
    assert_eq!(store.links_after(&map, None, 10).await.unwrap(), vec![renamed, two.clone()]);
    assert_eq!(store.links_after(&map, Some("a"), 1).await.unwrap(), vec![two]);
}

async fn dead_letters_come_back_as_new_entries(store: &dyn Store) {
    let map = MapName::from("dead");
    let letters =
        vec![letter("dead", "a", "rejected"), letter("dead", "b", "trap"), letter("dead", "c", "trap")];
    store.settle(Settlement { dead_letters: letters, ..Settlement::default() }).await.unwrap();
    let of_map = DeadLetterFilter { map: Some(map.clone()), ..DeadLetterFilter::default() };
    let all = store.dead_letters(&of_map, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].letter.intended, Some(awkward_record()));
    assert_eq!(all[0].letter.column.as_deref(), Some("name"));
    assert_eq!(all[0].letter.violations, letter("any", "any", &all[0].letter.code).violations);
    let trapped = DeadLetterFilter { code: Some("trap".into()), ..of_map.clone() };
    assert_eq!(store.dead_letters(&trapped, 10).await.unwrap().len(), 2);
    let after = DeadLetterFilter { after: Some(all[0].id), ..of_map.clone() };
    assert_eq!(store.dead_letters(&after, 1).await.unwrap()[0].id, all[1].id);
    assert_eq!(
        store.replay(&[all[0].id, all[0].id, all[1].id]).await.unwrap(),
        2,
        "an unknown number is passed over"
    );
    assert_eq!(store.discard(&[all[2].id, all[1].id]).await.unwrap(), 1);
    assert!(store.dead_letters(&of_map, 10).await.unwrap().is_empty());
    let pending = store.pending(&map, Sequence(0), 10).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.entry.lane_key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(pending.iter().all(|entry| entry.entry.change.observed_at == Timestamp::default()));
}

async fn states_and_activities_are_kept(store: &dyn Store) {
    let map = MapName::from("state");
    for (number, word) in ["initial-sync", "running"].into_iter().enumerate() {
        let at = Timestamp::from_micros(i64::try_from(number).unwrap_or(0));
        let state =
            MapStateRecord { map: map.clone(), state: word.into(), since: at, reason: "asked".into() };
        let line = Activity {
            at,
            map: Some(map.clone()),
            kind: "state".into(),
            actor: "operator".into(),
            message: word.into(),
        };
        store.set_map_state(state, line).await.unwrap();
    }
    let states = store.map_states().await.unwrap();
    let state = states.iter().find(|state| state.map == map).unwrap();
    assert_eq!(state.state, "running");
    let lines = store.activities(Some(&map), 1).await.unwrap();
    assert_eq!(lines[0].message, "running", "newest first");
    assert_eq!(store.activities(None, 100).await.unwrap().len(), 2);
}
