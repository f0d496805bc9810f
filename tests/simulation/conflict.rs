//! A map that is asked what becomes of records that both sides changed.

use std::collections::BTreeSet;
use std::time::Duration;

use dualwright_model::{System, Value};
use dualwright_sync::conflict::Policy;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::system::Faults;
use crate::{World, seeds, settle_down};

/// Both sides add words to the same cell at the same time, and the map keeps the words of both: none is lost, whatever
/// dies and whatever answer is.
#[test]
fn nobodys_word_is_lost_where_the_map_merges() {
    for seed in seeds(100) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut random = StdRng::seed_from_u64(seed);
            let world = World::new(seed, Policy::AskMap, System::Finops);
            for key in 0..3 {
                world.finops.user_set(&format!("c{key}"), "memo", Value::text("w00000"));
            }
            let mut engine = world.start().await;
            settle_down(&world, seed).await;
            world.set_faults(Faults { refuse: 0.05, lose_answer: 0.1, lose_push: 0.1, double_push: 0.2 });
            let mut said = vec![BTreeSet::from(["w00000".to_owned()]); 3];
            for edit in 1..120 {
                let key = random.random_range(0..3);
                let side = if random.random_bool(0.5) { &world.finops } else { &world.dataverse };
                let name = format!("c{key}");
                let word = format!("w{edit:05}");
                let before = side.rows()[&name]["memo"].clone();
                let Value::Text(before) = before else { panic!("seed {seed}: no memo in {name}") };
                side.user_set(&name, "memo", Value::text(format!("{before} {word}")));
                said[key].insert(word);
                tokio::time::sleep(Duration::from_millis(random.random_range(0..80))).await;
                if random.random_bool(0.02) {
                    world.finops.detach();
                    world.dataverse.detach();
                    engine.abandon();
                    engine = world.start().await;
                }
            }
            world.set_faults(Faults::none());
            settle_down(&world, seed).await;
            engine.shutdown().await;
            let rows = world.finops.rows();
            for (key, words) in said.into_iter().enumerate() {
                let Value::Text(memo) = &rows[&format!("c{key}")]["memo"] else { panic!("seed {seed}") };
                let kept: BTreeSet<String> = memo.split_whitespace().map(str::to_owned).collect();
                assert_eq!(kept, words, "seed {seed}: c{key}");
            }
        });
    }
}
