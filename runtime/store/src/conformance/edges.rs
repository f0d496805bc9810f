//! The corners: nothing, twice, at once, and text that is not English.

use std::collections::BTreeSet;

use dualwright_model::{IntegrationKey, Leg, MapName, Operation, RecordId, System, Timestamp, Value};

use super::{entry, feed, letter, link, unlinked};
use crate::{
    Capture, Checkpoint, EntryState, FeedId, Link, LinkKey, NewEntry, Resolution, Sequence, Settlement,
    Store, Wait, Writer,
};

pub(super) async fn run(store: &dyn Store) {
    nothing_changes_nothing(store).await;
    captures_at_once_stay_whole(store).await;
    a_settled_entry_does_not_come_back(store).await;
    what_was_read_again_is_kept(store).await;
    tombstones_keep_the_latest_moment(store).await;
    who_wrote_and_what_comes_again_is_kept(store).await;
    counters_balance(store).await;
    any_text_is_a_key(store).await;
    names_move_with_their_link(store).await;
    feeds_do_not_share_positions(store).await;
    the_newest_settled_changes_are_kept(store).await;
}

async fn nothing_changes_nothing(store: &dyn Store) {
    let map = MapName::from("nothing");
    assert!(store.capture(Capture::default()).await.unwrap().is_empty());
    store.settle(Settlement::default()).await.unwrap();
    assert!(store.links(&map, &[]).await.unwrap().is_empty());
    assert!(store.counters(&map).await.unwrap().is_empty());
    assert_eq!(store.replay(&[]).await.unwrap() + store.discard(&[]).await.unwrap(), 0);
    // A link that is not there is forgotten, an entry that is not there is settled: neither is an error (I4).
    let settlement = Settlement {
        resolved: vec![(Sequence(u64::MAX), Resolution::Applied)],
        unlinked: vec![unlinked(&map, "nobody", 1)],
        ..Settlement::default()
    };
    store.settle(settlement).await.unwrap();
    assert!(store.counters(&map).await.unwrap().is_empty());
    assert!(store.pending(&map, Sequence(u64::MAX), 10).await.unwrap().is_empty());
}

async fn captures_at_once_stay_whole(store: &dyn Store) {
    let map = MapName::from("at-once");
    let captures = (0..20).map(|number| {
        let key = number.to_string();
        let entries = (0..5).map(|_| entry("at-once", Leg::ToFinops, &key)).collect();
        store.capture(Capture { entries, checkpoint: None })
    });
    let mut running: Vec<_> = captures.collect();
    let mut all = BTreeSet::new();
    // All are sent before the first is answered.
    std::future::poll_fn(|context| {
        running.retain_mut(|capture| match capture.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                let sequences = answer.unwrap();
                assert!(sequences.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1), "{sequences:?}");
                all.extend(sequences);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    let pending = store.pending(&map, Sequence(0), 1000).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.sequence).collect::<BTreeSet<_>>(), all);
    assert_eq!(all.len(), 100);
    for together in pending.chunks(5) {
        assert!(
            together.iter().all(|one| one.entry.key == together[0].entry.key),
            "a capture stays together"
        );
    }
}

async fn a_settled_entry_does_not_come_back(store: &dyn Store) {
    let map = MapName::from("gone");
    let entries = vec![entry("gone", Leg::ToFinops, "a")];
    let sequence = store.capture(Capture { entries, checkpoint: None }).await.unwrap()[0];
    let resolved = vec![(sequence, Resolution::Applied)];
    store.settle(Settlement { resolved, ..Settlement::default() }).await.unwrap();
    let wait = Wait {
        not_before: Default::default(),
        attempts: 1,
        since: Default::default(),
        reason: "too late".into(),
        lookup: None,
    };
    let late = Settlement {
        waiting: vec![(sequence, wait)],
        resolved: vec![(sequence, Resolution::Dead)],
        ..Settlement::default()
    };
    store.settle(late).await.unwrap();
    assert!(store.pending(&map, Sequence(0), 10).await.unwrap().is_empty());
    let counters = store.counters(&map).await.unwrap().remove(&Leg::ToFinops).unwrap();
    assert_eq!((counters.captured, counters.pending), (1, 0));
    assert_eq!(counters.resolved.into_iter().collect::<Vec<_>>(), [(Resolution::Applied, 1)]);
}

async fn what_was_read_again_is_kept(store: &dyn Store) {
    let map = MapName::from("revised");
    let entries = vec![entry("revised", Leg::ToFinops, "a"), entry("revised", Leg::ToFinops, "b")];
    let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let mut newer = entry("revised", Leg::ToFinops, "a").change;
    newer.operation = Operation::Delete;
    newer.observed_at = Timestamp::from_micros(99);
    let revised = vec![(sequences[0], newer.clone()), (Sequence(u64::MAX), newer.clone())];
    store.settle(Settlement { revised, ..Settlement::default() }).await.unwrap();
    let pending = store.pending(&map, Sequence(0), 10).await.unwrap();
    assert_eq!(pending.iter().map(|one| one.revised).collect::<Vec<_>>(), [true, false]);
    assert_eq!(pending[0].entry.change, newer);
    assert_eq!(pending[0].entry.key, entry("revised", Leg::ToFinops, "a").key);
    assert_eq!(pending[1].entry.change, entry("revised", Leg::ToFinops, "b").change);
}

async fn who_wrote_and_what_comes_again_is_kept(store: &dyn Store) {
    let map = MapName::from("writers");
    let mut written = link("writers", "a", "a");
    written.dataverse.writer = Some(Writer { map_version: "1.0 beta".into(), digest: "abc".into() });
    store.settle(Settlement { links: vec![written.clone()], ..Settlement::default() }).await.unwrap();
    assert_eq!(store.links(&map, &[LinkKey::Lane("a".into())]).await.unwrap(), [Some(written)]);
    let again = NewEntry { again: true, ..entry("writers", Leg::ToFinops, "a") };
    let entries = vec![again, entry("writers", Leg::ToFinops, "b")];
    store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let pending = store.pending(&map, Sequence(0), 10).await.unwrap();
    assert_eq!(pending.iter().map(|one| one.entry.again).collect::<Vec<_>>(), [true, false]);
}

async fn tombstones_keep_the_latest_moment(store: &dyn Store) {
    let map = MapName::from("buried");
    let at = Timestamp::from_micros;
    store
        .settle(Settlement { links: vec![link("buried", "a", "a")], ..Settlement::default() })
        .await
        .unwrap();
    for moment in [5, 9, 7] {
        let unlinked = vec![unlinked(&map, "a", moment)];
        store.settle(Settlement { unlinked, ..Settlement::default() }).await.unwrap();
    }
    let lanes = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
    assert_eq!(store.tombstones(&map, &lanes).await.unwrap(), [Some(at(9)), None, Some(at(9))]);
    assert_eq!(store.tombstones(&"other".into(), &lanes).await.unwrap(), [None, None, None]);
    // A new record under the old key does not undo the old one's end.
    store
        .settle(Settlement { links: vec![link("buried", "a", "a")], ..Settlement::default() })
        .await
        .unwrap();
    assert_eq!(store.tombstones(&map, &lanes[..1]).await.unwrap(), [Some(at(9))]);
}

/// I3: what was captured is what ended and what is left, on each leg, also when it was dead and came back.
async fn counters_balance(store: &dyn Store) {
    let map = MapName::from("balance");
    let legs = [Leg::ToFinops, Leg::ToDataverse];
    let entries = (0..12).map(|number| entry("balance", legs[number % 2], &number.to_string())).collect();
    let sequences = store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let ends =
        [Resolution::Applied, Resolution::Unchanged, Resolution::Echo, Resolution::Skipped, Resolution::Dead];
    let resolved = sequences.iter().copied().zip(ends).collect();
    let dead_letters = vec![letter("balance", "4", "rejected")];
    store.settle(Settlement { resolved, dead_letters, ..Settlement::default() }).await.unwrap();
    let filter = crate::DeadLetterFilter { map: Some(map.clone()), ..Default::default() };
    let dead = store.dead_letters(&filter, 10).await.unwrap()[0].id;
    assert_eq!(store.replay(&[dead]).await.unwrap(), 1);
    let pending = store.pending(&map, Sequence(0), 100).await.unwrap();
    assert!(pending.iter().all(|entry| entry.state == EntryState::Ready));
    assert!(pending.last().unwrap().sequence > sequences[11], "what is replayed goes to the end");
    for (leg, counters) in store.counters(&map).await.unwrap() {
        let left = pending.iter().filter(|entry| entry.entry.leg == leg).count();
        assert_eq!(counters.pending, u64::try_from(left).unwrap(), "{leg}");
        assert_eq!(counters.captured, counters.pending + counters.resolved.values().sum::<u64>(), "{leg}");
    }
}

async fn any_text_is_a_key(store: &dyn Store) {
    let map = MapName::from("text");
    let texts = ["", " ", "Ärger|\\", "🧾", "a\u{0}b", "'; DROP TABLE link; --", "%", "_", "\u{301}e", "é"];
    let links: Vec<Link> = texts.iter().map(|text| link("text", text, text)).collect();
    store.settle(Settlement { links: links.clone(), ..Settlement::default() }).await.unwrap();
    for (text, link) in texts.iter().zip(&links) {
        let keys = [
            LinkKey::Lane((*text).to_owned()),
            LinkKey::Id(System::Finops, RecordId(format!("f-{text}"))),
            LinkKey::Id(System::Dataverse, RecordId(format!("d-{text}"))),
        ];
        let found = store.links(&map, &keys).await.unwrap();
        assert!(found.iter().all(|found| found.as_ref() == Some(link)), "{text:?}");
    }
    let mut sorted: Vec<&str> = texts.to_vec();
    sorted.sort_unstable();
    let mut after = None;
    for text in sorted {
        let next = store.links_after(&map, after.as_deref(), 1).await.unwrap();
        assert_eq!(next[0].lane_key, text, "lane keys are in the order of their bytes");
        after = Some(next[0].lane_key.clone());
    }
    assert!(store.links_after(&map, after.as_deref(), 1).await.unwrap().is_empty());
}

async fn names_move_with_their_link(store: &dyn Store) {
    let map = MapName::from("names");
    let one = link("names", "one", "one");
    let mut moved = link("names", "one", "uno");
    moved.finops.id = Some(RecordId("f-uno".into()));
    moved.dataverse.id = None;
    // A second record takes over the key that the first gave up.
    let heir = Link { key: one.key.clone(), ..link("names", "two", "two") };
    for links in [vec![one.clone()], vec![moved.clone(), heir.clone()]] {
        store.settle(Settlement { links, ..Settlement::default() }).await.unwrap();
    }
    let keys = [
        LinkKey::Key(one.key),
        LinkKey::Key(IntegrationKey::new([&Value::text("uno")])),
        LinkKey::Id(System::Finops, RecordId("f-one".into())),
        LinkKey::Id(System::Finops, RecordId("f-uno".into())),
        LinkKey::Id(System::Dataverse, RecordId("d-one".into())),
    ];
    let expect = vec![Some(heir), Some(moved.clone()), None, Some(moved), None];
    assert_eq!(store.links(&map, &keys).await.unwrap(), expect);
}

async fn feeds_do_not_share_positions(store: &dyn Store) {
    let one = feed("feeds");
    let others = [
        FeedId { leg: Leg::ToDataverse, ..one.clone() },
        FeedId { purpose: "scan".into(), ..one.clone() },
        FeedId { map: "feed".into(), ..one.clone() },
    ];
    let checkpoint = Some(Checkpoint { feed: one.clone(), position: Some(String::new()) });
    store.capture(Capture { entries: Vec::new(), checkpoint }).await.unwrap();
    assert_eq!(store.checkpoint(&one).await.unwrap().as_deref(), Some(""), "an empty position is a position");
    for other in &others {
        assert_eq!(store.checkpoint(other).await.unwrap(), None, "{other:?}");
    }
}

async fn the_newest_settled_changes_are_kept(store: &dyn Store) {
    let map = MapName::from("recorded");
    let leg = Leg::ToFinops;
    let keys = async |limit: usize| -> Vec<String> {
        let changes = store.recorded(&map, leg, limit).await.unwrap();
        changes.into_iter().map(|change| change.id.0).collect()
    };
    let capture =
        async |entries: Vec<NewEntry>| store.capture(Capture { entries, checkpoint: None }).await.unwrap();
    let settle = async |resolved: Vec<(Sequence, Resolution)>| {
        // Twice is once (I4).
        for _ in 0..2 {
            store.settle(Settlement { resolved: resolved.clone(), ..Settlement::default() }).await.unwrap();
        }
    };
    let mut entries: Vec<NewEntry> =
        ["applied", "echo", "skipped", "gone", "dead", "waits"].map(|key| entry("recorded", leg, key)).into();
    entries[3].change.operation = Operation::Delete;
    entries.push(entry("recorded", Leg::ToDataverse, "other leg"));
    let all = capture(entries).await;
    // What was read again since is what the map got.
    let read_again = entry("recorded", leg, "skipped, read again").change;
    let settlement = Settlement { revised: vec![(all[2], read_again.clone())], ..Settlement::default() };
    store.settle(settlement).await.unwrap();
    let ends =
        [Resolution::Applied, Resolution::Echo, Resolution::Skipped, Resolution::Applied, Resolution::Dead];
    settle(all.iter().copied().zip(ends).collect()).await;
    settle(vec![(all[6], Resolution::Applied)]).await;
    assert_eq!(keys(9).await, ["dead", "skipped, read again", "applied"]);
    assert_eq!(keys(2).await, ["dead", "skipped, read again"]);
    assert_eq!(
        store.recorded(&map, leg, 2).await.unwrap()[1],
        read_again,
        "values survive as they are (I10)"
    );
    assert!(store.recorded(&"nobody".into(), leg, 9).await.unwrap().is_empty());

    // In settlements small and large the newest stay, and no more.
    for (from, to) in [(0, 7), (7, 7 + crate::RECORDED + 30)] {
        let entries = (from..to).map(|number| entry("recorded", leg, &number.to_string())).collect();
        let sequences = capture(entries).await;
        settle(sequences.into_iter().map(|sequence| (sequence, Resolution::Unchanged)).collect()).await;
    }
    let expect: Vec<String> = (37..37 + crate::RECORDED).rev().map(|number| number.to_string()).collect();
    assert_eq!(keys(usize::MAX).await, expect);
    assert_eq!(store.recorded(&map, Leg::ToDataverse, 9).await.unwrap().len(), 1, "other legs keep theirs");
}
