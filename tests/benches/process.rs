//! The real binary in processes of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The release binary, built first so that what is measured is what is here; `DUALWRIGHT_BIN` names another.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(binary) = std::env::var_os("DUALWRIGHT_BIN") {
            return binary.into();
        }
        let repository = repository();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "-p", "dualwright"])
            .current_dir(&repository)
            .status()
            .unwrap();
        assert!(built.success());
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
        target.join("release/dualwright")
    })
}

fn first_document(child: &mut Child) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().expect("the process says where it listens").unwrap();
    // Whoever writes on must not meet a closed pipe.
    std::thread::spawn(move || lines.for_each(drop));
    serde_json::from_str(&line).unwrap()
}

pub(crate) struct Emulators {
    pub(crate) finops: String,
    pub(crate) dataverse: String,
    child: Child,
    _folder: TempDir,
}

impl Emulators {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(binary())
            .args(["emulate", "--json", "--finops-port", "0", "--dataverse-port", "0", "--data"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let document = first_document(&mut child);
        let url = |system: &str| document[system]["url"].as_str().unwrap().to_owned();
        Self { finops: url("finops"), dataverse: url("dataverse"), child, _folder: folder }
    }
}

impl Drop for Emulators {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Runtime {
    address: String,
    child: Child,
    _folder: TempDir,
}

const MAPS: [&str; 4] = [
    "company/legal-entities-companies",
    "payments/payment-terms",
    "customers/customer-groups",
    "pre-party/customers-accounts",
];

impl Runtime {
    pub(crate) fn start(emulators: &Emulators) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let side = |name: &str, url: &str| {
            format!(
                "[{name}]\nurl = \"{url}\"\ntenant = \"local\"\ntoken-url = \"{url}/local/oauth2/v2.0/token\"\n\
                 client-id = \"dualwright\"\nclient-secret = {{ env = \"BENCH_SECRET\" }}\n"
            )
        };
        let maps: String = MAPS
            .iter()
            .map(|map| {
                let file = repository().join("plugins/catalogue").join(format!("{map}.toml"));
                format!("[[map]]\nfile = \"{}\"\n", file.display())
            })
            .collect();
        let config = format!(
            "{}{}[store]\npath = \"store.sqlite\"\n[control]\nlisten = \"127.0.0.1:0\"\n\
             nudge-secret = {{ env = \"BENCH_SECRET\" }}\n{maps}",
            side("finops", &emulators.finops),
            side("dataverse", &emulators.dataverse),
        );
        let path = folder.path().join("dualwright.toml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(binary())
            .args(["run", "--json", "--config"])
            .arg(&path)
            .env("BENCH_SECRET", "dualwright-secret")
            .env("DUALWRIGHT_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let document = first_document(&mut child);
        let address = document["address"].as_str().unwrap().to_owned();
        Self { address, child, _folder: folder }
    }

    /// Where a system sends its pushes.
    pub(crate) fn nudge_address(&self, system: &str) -> String {
        format!("{}/nudges/{system}?code=dualwright-secret", self.address)
    }

    /// Waits until a map runs; answers the peak memory in bytes.
    pub(crate) async fn wait_until_running(&self, map: &str, patience: Duration) -> u64 {
        let began = Instant::now();
        while began.elapsed() < patience {
            let maps: Value =
                reqwest::get(format!("{}/v1/maps", self.address)).await.unwrap().json().await.unwrap();
            let state = maps["maps"].as_array().unwrap().iter().find(|one| one["map"] == map).unwrap();
            if state["state"] == "running" {
                return self.peak_memory();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{map} is not running after {patience:?}");
    }

    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kibibytes * 1024
    }

    /// How long a map's own initial sync took, by the activity log: from the end of the maps it waits for.
    pub(crate) async fn initial_sync_seconds(&self, map: &str) -> f64 {
        let at = async |map: &str, word: &str| -> f64 {
            let address = format!("{}/v1/activities?map={map}&limit=100", self.address);
            let log: Value = reqwest::get(address).await.unwrap().json().await.unwrap();
            let lines = log["activities"].as_array().unwrap();
            let line = lines.iter().find(|line| line["message"].as_str().unwrap().contains(word)).unwrap();
            seconds(line["at"].as_str().unwrap())
        };
        let before = at("customer-groups", "the initial sync is through").await;
        at(map, "the initial sync is through").await - before
    }
}

/// Seconds of the day in an ISO moment: enough for a difference within a day.
fn seconds(moment: &str) -> f64 {
    let time = moment.split('T').nth(1).unwrap().trim_end_matches('Z');
    time.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
