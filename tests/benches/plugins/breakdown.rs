//! Where the component's time goes, by taking away: guests that do less and less of the work.

use dualwright_map_builder::profile::native::Native;
use dualwright_plugin_host::{GuestChange, Plugin};

use crate::measure::{Figures, ROUNDS, nanoseconds};
use crate::wide;

/// Calls of one round.
const CALLS: usize = 40;

/// What one way costs, in nanoseconds a call: in all, and of it in the call itself (instance, lowering, guest, lifting,
/// making records).
struct Cost {
    whole: f64,
    call: f64,
}

pub(crate) async fn run(table: &Plugin, measure: &Plugin, native: &Native) {
    println!("\nwhere it goes, nanoseconds a row");
    let one = wide::batch(1);
    // One row that is deleted unread: next to nothing but the instance.
    let instance = cost(measure, true, &one).await;
    let handover = instance.whole - instance.call;
    println!(
        "  fresh instance               {:>8}   a call, with one row that is not looked at",
        nanoseconds(instance.call)
    );
    println!("  to another thread and back   {:>8}   a call", nanoseconds(handover));
    println!("{:>28} {:>8} {:>8}", "batch", 100, 1000);
    let mut lines: Vec<(&str, Vec<f64>)> = Vec::new();
    for rows in [100, 1000] {
        let batch = wide::batch(rows);
        let nothing = cost(measure, true, &batch).await;
        let echo = cost(measure, false, &batch).await;
        let whole = cost(table, false, &batch).await;
        let mut rounds = Figures::default();
        for _ in 0..ROUNDS {
            rounds.add(crate::measure::round(rows, async || native.transform(&batch)).await);
        }
        let a_row = |time: f64| time / rows as f64;
        for (name, time) in [
            ("instance and handover", a_row(instance.whole)),
            ("host: cells by position", a_row(whole.whole - whole.call - handover)),
            ("lower into the guest", a_row(nothing.call - instance.call)),
            ("lift, make records", a_row(echo.call - nothing.call)),
            ("the table's own code", a_row(whole.call - echo.call)),
            ("sum", a_row(whole.whole)),
            ("native, all in all", rounds.undisturbed()),
        ] {
            match lines.iter_mut().find(|(known, _)| *known == name) {
                Some((_, times)) => times.push(time),
                None => lines.push((name, vec![time])),
            }
        }
    }
    for (name, times) in lines {
        let times: String = times.into_iter().map(|time| format!(" {:>8}", nanoseconds(time))).collect();
        println!("  {name:<26}{times}");
    }
}

async fn cost(plugin: &Plugin, initial: bool, batch: &[GuestChange]) -> Cost {
    let (mut whole, mut call) = (Figures::default(), Figures::default());
    let calls = (CALLS * 20 / batch.len()).clamp(2, CALLS * 4);
    for _ in 0..ROUNDS {
        let (before, began) = (plugin.stats(), std::time::Instant::now());
        for _ in 0..calls {
            std::hint::black_box(plugin.transform(wide::LEG, initial, batch).await);
        }
        whole.add(began.elapsed().as_secs_f64() * 1e9 / calls as f64);
        call.add((plugin.stats().time - before.time).as_secs_f64() * 1e9 / calls as f64);
    }
    Cost { whole: whole.undisturbed(), call: call.undisturbed() }
}
