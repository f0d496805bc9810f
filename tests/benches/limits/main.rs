//! Writing under service protection limits, both clients in one run:
//!
//!     cargo bench -p dualwright-tests --bench limits -- [--windows 3]
//!
//! The Dataverse emulator gets the documented limits with the window scaled down (learn.microsoft.com:
//! power-apps/developer/data-platform/api-limits), so that a run takes about a minute. Twenty tasks that always have more
//! to write share the connector, as maps do; beside it a client with fixed settings that waits as it is told and gives a
//! batch up after three attempts, as that page's sample does. The share is what the service let in of the tightest limit,
//! by the emulator's own count, in whole windows from the first request on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark is run by hand, and one that fails should say so at once"
)]

mod adaptive;
mod fixed;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dualwright_emulators::{Options, Running, dataverse};
use serde_json::{Value, json};

/// Seconds; the real one has 300.
const WINDOW: u64 = 5;
/// Tasks that write at once.
const WRITERS: usize = 20;

const TABLE: &str = r#"
table = "accounts"
logical_name = "account"
primary_id = "accountid"
primary_name = "name"
change_tracking = true
column = [
    { name = "accountnumber", type = "text", max_length = 20 },
    { name = "name", type = "text", max_length = 160 },
    { name = "address1_city", type = "text", max_length = 80 },
    { name = "telephone1", type = "text", max_length = 50 },
    { name = "creditlimit", type = "decimal", scale = 2 },
]
key = [{ name = "number", columns = ["accountnumber"] }]
"#;

/// What a client came to.
#[derive(Default)]
struct Done {
    written: AtomicUsize,
    failed: AtomicUsize,
}

struct Scenario {
    name: &'static str,
    requests: u64,
    execution_seconds: u64,
}

/// The documented limit of requests, for the scaled window; and half the documented execution time, for the emulator is
/// quicker than Dataverse and would not meet the whole.
const SCENARIOS: [Scenario; 2] = [
    Scenario { name: "6000 requests in 300 s", requests: 100, execution_seconds: 20 },
    Scenario { name: "600 s of execution in 300 s", requests: 100_000, execution_seconds: 10 },
];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--windows");
    let windows = arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    println!("{WRITERS} writers, windows of {WINDOW} s, {windows} of them\n");
    println!(
        "{:<32}{:<22}{:>7}{:>11}{:>9}{:>9}{:>9}",
        "tightest limit", "client", "share", "requests", "refused", "rows/s", "failed"
    );
    for scenario in &SCENARIOS {
        for adaptive in [true, false] {
            run(scenario, windows, adaptive).await;
        }
    }
}

async fn run(scenario: &Scenario, windows: u32, adaptive: bool) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("dataverse")).unwrap();
    std::fs::write(folder.path().join("dataverse/accounts.toml"), TABLE).unwrap();
    let mut options = Options::new(folder.path().join("dataverse.sqlite"));
    options.schema_folder = Some(folder.path().to_owned());
    let emulator = dataverse::start(options).await.unwrap();
    let limits = json!({
        "window_seconds": WINDOW, "requests": scenario.requests, "execution_seconds": scenario.execution_seconds,
        "concurrent": 52,
    });
    let (client, name) =
        if adaptive { ("dualwright", "dualwright, adaptive") } else { ("someone", "fixed: 16 x 100 rows") };
    let time = Duration::from_secs(WINDOW) * windows;
    let done = Done::default();
    // The schema is read and the tokens are fetched before the clock starts.
    let (told, written) = if adaptive {
        let connector = adaptive::connect(&emulator.url()).await;
        set(&emulator, &limits).await;
        let work = adaptive::write(&connector, &done, Instant::now() + time);
        let (told, ()) = tokio::join!(tell_after(&emulator, client, &done, time), work);
        told
    } else {
        let session = fixed::sign_in(&emulator.url()).await;
        set(&emulator, &limits).await;
        let work = fixed::write(&session, &done, Instant::now() + time);
        let (told, ()) = tokio::join!(tell_after(&emulator, client, &done, time), work);
        told
    };
    let number = |name: &str| told[name].as_f64().unwrap();
    let allowed = |limit: u64| limit as f64 * f64::from(windows);
    let share = (number("requests") / allowed(scenario.requests))
        .max(number("execution_seconds") / allowed(scenario.execution_seconds));
    let refused = number("refused_requests") + number("refused_execution") + number("refused_concurrency");
    println!(
        "{:<32}{name:<22}{share:>7.3}{:>11}{refused:>9}{:>9.0}{:>9}",
        scenario.name,
        number("requests"),
        written as f64 / time.as_secs_f64(),
        done.failed.into_inner(),
    );
    emulator.shutdown().await;
}

async fn set(emulator: &Running, limits: &Value) {
    let request = reqwest::Client::new().post(format!("{}/emulator/quota", emulator.url())).json(limits);
    request.send().await.unwrap().error_for_status().unwrap();
}

/// What the emulator counted of a client by then, and the rows written by then.
async fn tell_after(emulator: &Running, client: &str, done: &Done, time: Duration) -> (Value, usize) {
    tokio::time::sleep(time).await;
    let address = format!("{}/emulator/quota", emulator.url());
    let told: Value = reqwest::get(address).await.unwrap().json().await.unwrap();
    (told["clients"][client].clone(), done.written.load(Ordering::Relaxed))
}
