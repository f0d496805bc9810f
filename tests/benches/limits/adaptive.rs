//! The connector, as the engine uses it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dualwright_connect::dataverse::{Dataverse, DataverseConfig};
use dualwright_connect::http::SignIn;
use dualwright_connect::{Connector, Precondition, Selection, Write, WriteOutcome, WriteTarget};
use dualwright_model::Value;

use super::{Done, WINDOW, WRITERS};

/// Rows a call, as the engine has it.
const ROWS: usize = 200;

pub(super) async fn connect(url: &str) -> Dataverse {
    let sign_in = SignIn::new(url, "tenant", url, "dualwright", "dualwright-secret".into());
    let mut config = DataverseConfig::new(url, sign_in);
    config.http.limit_window = Duration::from_secs(WINDOW);
    let connector = Dataverse::connect(config).unwrap();
    connector.describe(&"accounts".into(), &[]).await.unwrap();
    connector
}

pub(super) async fn write(connector: &Dataverse, done: &Done, until: Instant) {
    let selection = Selection {
        table: "accounts".into(),
        columns: vec!["name".into()],
        key: vec!["accountnumber".into()],
        filter: None,
    };
    let next = AtomicUsize::new(0);
    let writer = async || {
        while Instant::now() < until {
            let first = next.fetch_add(ROWS, Ordering::Relaxed);
            let writes: Vec<Write> = (first..first + ROWS).map(creation).collect();
            for outcome in connector.apply(&selection, &writes).await.unwrap() {
                let counter = match outcome {
                    WriteOutcome::Written(_) => &done.written,
                    _ => &done.failed,
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    futures::future::join_all((0..WRITERS).map(|_| writer())).await;
}

fn creation(number: usize) -> Write {
    let cells = [
        ("name", Value::text(format!("Customer number {number}"))),
        ("address1_city", Value::text("Århus")),
        ("telephone1", Value::text("+45 555 0100")),
    ];
    Write {
        target: WriteTarget::Key(vec![Value::text(format!("A-{number}"))]),
        cells: cells.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        delete: false,
        precondition: Precondition::Absent,
    }
}
