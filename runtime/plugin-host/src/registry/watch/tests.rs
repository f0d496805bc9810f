//! Real files in a real folder, with time that is told, and with the real thread.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tempfile::{TempDir, tempdir};

use super::look::{Looked, Looker, Report};
use super::{Watch, WatchConfig};
use crate::registry::tests::support::{Counting, component, open, open_trusting};
use crate::registry::{PublicKey, RefusalKind, Registry, State, Trust};

const SETTLE: Duration = Duration::from_secs(4);

/// A folder, a registry, and a clock that moves when it is told.
struct Stage {
    home: TempDir,
    folder: PathBuf,
    examine: Arc<Counting>,
    registry: Registry,
    looker: Looker,
    now: Duration,
}

impl Stage {
    fn new() -> Self {
        Self::trusting(Trust::default())
    }

    fn trusting(trust: Trust) -> Self {
        let home = tempdir().unwrap();
        let folder = home.path().join("plugins-in");
        fs::create_dir(&folder).unwrap();
        let examine = Counting::new();
        let registry = open_trusting(&home.path().join("registry"), &examine, trust);
        let looker = Looker::new(folder.clone(), SETTLE);
        Self { home, folder, examine, registry, looker, now: Duration::ZERO }
    }

    /// The runtime was started again.
    fn restart(self) -> Self {
        let Self { home, folder, examine, registry, now, .. } = self;
        drop(registry);
        let registry = open(&home.path().join("registry"), &examine);
        let looker = Looker::new(folder.clone(), SETTLE);
        Self { home, folder, examine, registry, looker, now }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn look(&mut self) -> Looked {
        self.looker.look(&self.registry, self.now, &|| false)
    }

    /// Looks as often as the looker asks for, until nothing is under way; answers what was reported.
    fn settle(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for _ in 0..100 {
            let looked = self.look();
            reports.extend(looked.reports);
            match looked.again_in {
                Some(wait) if wait <= SETTLE => self.now += wait,
                _ => return reports,
            }
        }
        panic!("it never settles");
    }

    fn versions(&self) -> Vec<String> {
        self.registry.list().into_iter().map(|one| one.component.version).collect()
    }
}

fn kinds(reports: &[Report]) -> Vec<String> {
    let kind = |report: &Report| match report {
        Report::Installed(done) => format!("installed {}", done.version),
        Report::Refused { refused, again } => {
            format!("{}{}", refused.kind, if *again { " again" } else { "" })
        }
        Report::Passed { .. } => "passed over".to_owned(),
        Report::Failed { .. } => "failed".to_owned(),
    };
    reports.iter().map(kind).collect()
}

#[test]
fn a_file_that_drips_in_is_taken_once_it_is_whole() {
    let mut stage = Stage::new();
    let path = stage.put("customers.wasm", b"");
    let bytes = component("customers", "1.0.0");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    for byte in &bytes {
        file.write_all(std::slice::from_ref(byte)).unwrap();
        assert!(stage.look().reports.is_empty());
        stage.now += SETTLE / 2;
    }
    assert!(stage.examine.examined().is_empty());
    assert_eq!(kinds(&stage.settle()), ["installed 1.0.0"]);
    assert_eq!(stage.examine.examined(), ["map customers 1.0.0"]);
    assert!(matches!(stage.registry.list()[0].state, State::Candidate), "nothing goes live by itself");
    assert!(stage.registry.list()[0].component.file.ends_with("plugins-in/customers.wasm"));
    // And nothing is opened again while nothing changes.
    let looked = stage.look();
    assert!(looked.reports.is_empty() && looked.again_in.is_none());
}

#[test]
fn other_bytes_of_the_same_size_are_another_file() {
    let mut stage = Stage::new();
    let path = stage.put("customers.wasm", b"map customers 1.0.0");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    stage.look();
    stage.now += stage.looker.tick();
    stage.look();
    // Somebody keeps the old time stamp, as `cp -p` and `rsync` do.
    fs::write(&path, b"map customers 2.0.0").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    stage.now += SETTLE;
    assert!(stage.look().reports.is_empty(), "it has to settle anew");
    assert_eq!(kinds(&stage.settle()), ["installed 2.0.0"]);
    assert_eq!(stage.examine.examined(), ["map customers 2.0.0"]);
}

#[test]
fn i7_bad_files_are_refused_once_and_compiled_at_most_once() {
    let mut stage = Stage::new();
    stage.put("half.wasm", b"map customers");
    stage.put("script.wasm", b"#!/bin/sh");
    stage.put("other.wasm", b"wrong-world");
    stage.put("large.wasm", &[b'x'; 65]);
    stage.put("huge.wasm", &[b'x'; 16 * 64 + 1]);
    stage.put("notes.txt", b"not looked at");
    let expected = ["passed over", "not-a-component", "too-large", "wrong-world", "not-a-component"];
    assert_eq!(kinds(&stage.settle()), expected);
    assert_eq!(stage.examine.examined().len(), 3);
    assert_eq!(stage.registry.refused().len(), 4);

    // Copied, renamed, touched: the same bytes.
    stage.put("again.wasm", b"wrong-world");
    fs::rename(stage.folder.join("half.wasm"), stage.folder.join("moved.wasm")).unwrap();
    stage.put("script.wasm", b"#!/bin/sh");
    let reports = kinds(&stage.settle());
    assert_eq!(reports, ["wrong-world again", "not-a-component again", "not-a-component again"]);
    assert!(stage.settle().is_empty());

    let mut stage = stage.restart();
    assert!(kinds(&stage.settle()).iter().all(|kind| kind == "passed over" || kind.ends_with(" again")));
    assert_eq!(stage.examine.examined().len(), 3);

    // The rest of the half arrives, and the folder's other files are none the worse.
    stage.put("moved.wasm", b"map customers 1.0.0");
    assert_eq!(kinds(&stage.settle()), ["installed 1.0.0"]);
}

#[test]
fn files_that_were_there_before_are_looked_at_and_those_that_vanish_change_nothing() {
    let mut stage = Stage::new();
    stage.put("a.wasm", b"map customers 1.0.0");
    stage.put("b.wasm", b"map customers 1.1.0");
    assert_eq!(kinds(&stage.settle()), ["installed 1.0.0", "installed 1.1.0"]);
    stage.put("c.wasm", b"map customers 1.2.0");
    stage.look();
    for name in ["a.wasm", "c.wasm"] {
        fs::remove_file(stage.folder.join(name)).unwrap();
    }
    assert!(stage.settle().is_empty());
    let mut stage = stage.restart();
    assert!(stage.settle().is_empty());
    assert_eq!(stage.versions(), ["1.0.0", "1.1.0"]);
    assert_eq!(stage.examine.examined().len(), 2);
    // The folder itself goes and comes.
    fs::remove_dir_all(&stage.folder).unwrap();
    assert_eq!(kinds(&stage.settle()), ["passed over"]);
    assert!(stage.settle().is_empty(), "said once");
    fs::create_dir(&stage.folder).unwrap();
    stage.put("d.wasm", b"map customers 1.3.0");
    assert_eq!(kinds(&stage.settle()), ["installed 1.3.0"]);
}

fn signer() -> (Ed25519KeyPair, Trust) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let text: String = pair.public_key().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = PublicKey::parse("partner", &text).unwrap();
    (pair, Trust { keys: vec![key], required: true })
}

#[test]
fn a_signature_may_come_before_or_after() {
    let (pair, trust) = signer();
    let mut stage = Stage::trusting(trust);
    let (one, two) = (component("customers", "1.0.0"), component("customers", "2.0.0"));

    stage.put("one.wasm.sig", pair.sign(&one).as_ref());
    assert!(stage.settle().is_empty(), "a signature alone is nothing");
    stage.put("one.wasm", &one);
    assert_eq!(kinds(&stage.settle()), ["installed 1.0.0"]);

    stage.put("two.wasm", &two);
    assert_eq!(kinds(&stage.settle()), ["unsigned"]);
    assert!(stage.settle().is_empty(), "refused once");
    assert_eq!(stage.examine.examined().len(), 1, "and not compiled");
    stage.put("two.wasm.sig", pair.sign(&one).as_ref());
    assert_eq!(kinds(&stage.settle()), ["bad-signature"]);
    assert_eq!(stage.registry.refused()[0].kind, RefusalKind::BadSignature);
    stage.put("two.wasm.sig", pair.sign(&two).as_ref());
    assert_eq!(kinds(&stage.settle()), ["installed 2.0.0"]);
    assert!(stage.registry.refused().is_empty());
    assert_eq!(stage.examine.examined().len(), 2);
}

#[test]
fn a_signature_that_fits_proves_that_a_file_is_whole() {
    let (pair, trust) = signer();
    let mut stage = Stage::trusting(trust);
    let bytes = component("customers", "1.0.0");
    stage.put("a.wasm.sig", pair.sign(&bytes).as_ref());
    stage.put("a.wasm", &bytes[..10]);
    stage.look();
    stage.now += stage.looker.tick();
    assert!(stage.look().reports.is_empty(), "half a file is not proved");
    stage.put("a.wasm", &bytes);
    stage.look();
    stage.now += stage.looker.tick();
    assert_eq!(kinds(&stage.look().reports), ["installed 1.0.0"], "no need to wait any longer");
}

#[test]
fn a_sandbox_that_fails_is_asked_again_later() {
    let mut stage = Stage::new();
    stage.put("a.wasm", b"broken-sandbox");
    assert_eq!(kinds(&stage.settle()), ["failed"]);
    let again = stage.look().again_in.unwrap();
    assert!(again > SETTLE);
    stage.now += again;
    assert_eq!(kinds(&stage.look().reports), ["failed"]);
    assert!(stage.look().again_in.unwrap() > again, "more and more seldom");
    assert_eq!(stage.examine.examined().len(), 2);
}

#[cfg(unix)]
#[test]
fn links_folders_pipes_and_odd_names_do_no_harm() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mut stage = Stage::new();
    let outside = stage.home.path().join("outside");
    fs::write(&outside, b"map customers 6.6.6").unwrap();
    std::os::unix::fs::symlink(&outside, stage.folder.join("link.wasm")).unwrap();
    std::os::unix::fs::symlink("nowhere", stage.folder.join("dangling.wasm")).unwrap();
    std::os::unix::fs::symlink(".", stage.folder.join("round.wasm")).unwrap();
    fs::create_dir(stage.folder.join("folder.wasm")).unwrap();
    stage.put("folder.wasm/inside.wasm", b"map customers 7.7.7");
    stage.put(".hidden.wasm", b"map customers 8.8.8");
    // Opening a pipe waits for a writer, who never comes.
    let mut passed = 4;
    for name in ["pipe.wasm", "good.wasm.sig"] {
        match Command::new("mkfifo").arg(stage.folder.join(name)).status() {
            Ok(status) if status.success() => passed += usize::from(name == "pipe.wasm"),
            _ => eprintln!("skipped: no mkfifo on this machine"),
        }
    }
    stage.put("good.wasm", b"map customers 1.0.0");
    let odd = stage.folder.join(OsStr::from_bytes(b"\xff\x1b[31m\n\xe2\x80\xae.wasm"));
    fs::write(&odd, b"nonsense").unwrap();
    let reports = stage.settle();
    let count = |wanted: &str| kinds(&reports).iter().filter(|kind| *kind == wanted).count();
    assert_eq!((count("passed over"), count("installed 1.0.0"), count("not-a-component")), (passed, 1, 1));
    assert_eq!(reports.len(), passed + 2, "{reports:?}");
    assert_eq!(stage.versions(), ["1.0.0"]);
    let shown = &stage.registry.refused()[0].file;
    assert!(shown.contains("\\u{1b}[31m\\n\\u{202e}.wasm"), "{shown}");
    assert!(!shown.chars().any(char::is_control), "{shown}");
    assert!(stage.settle().is_empty());
}

/// Waits for something that another thread does.
fn wait_until(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(Instant::now() < until, "it does not happen");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn watched(home: &Path, examine: &Arc<Counting>, settle: u64, rescan: u64) -> (Registry, Watch, PathBuf) {
    let registry = open(&home.join("registry"), examine);
    let folder = home.join("plugins-in");
    let config = WatchConfig {
        folder: folder.clone(),
        settle: Duration::from_millis(settle),
        rescan: Duration::from_millis(rescan),
    };
    let watch = Watch::start(registry.clone(), config).unwrap();
    (registry, watch, folder)
}

#[test]
fn the_thread_takes_what_drips_in_beside_what_is_bad() {
    let home = tempdir().unwrap();
    let examine = Counting::new();
    let (registry, watch, folder) = watched(home.path(), &examine, 100, 200);
    let bad = folder.join("bad.wasm");
    fs::write(&bad, b"wrong-world").unwrap();
    let writer = std::thread::spawn({
        let path = folder.join("good.wasm");
        move || {
            let mut file = fs::File::create(path).unwrap();
            for byte in component("customers", "1.0.0") {
                file.write_all(&[byte]).unwrap();
                std::thread::park_timeout(Duration::from_millis(7));
            }
        }
    });
    writer.join().unwrap();
    wait_until(|| registry.list().len() == 1);
    for copy in 0..5 {
        fs::write(folder.join(format!("copy-{copy}.wasm")), b"wrong-world").unwrap();
        fs::write(&bad, b"wrong-world").unwrap();
    }
    fs::write(folder.join("last.wasm"), component("customers", "2.0.0")).unwrap();
    wait_until(|| registry.list().len() == 2);
    watch.stop();
    let mut examined = examine.examined();
    let times = examined.len();
    examined.sort();
    examined.dedup();
    // A stalled machine may have seen a half of the good one; no bytes are ever compiled twice.
    assert_eq!(examined.len(), times, "{examined:?}");
    assert!(examined.contains(&"wrong-world".to_owned()));
    assert_eq!(registry.refused().iter().filter(|one| one.kind == RefusalKind::WrongWorld).count(), 1);
}

#[test]
fn notifications_are_enough_and_so_is_looking_again() {
    let home = tempdir().unwrap();
    let examine = Counting::new();
    // An hour until it would be looked at anyway.
    let (registry, watch, folder) = watched(home.path(), &examine, 50, 3_600_000);
    fs::write(folder.join("a.wasm"), component("customers", "1.0.0")).unwrap();
    wait_until(|| registry.list().len() == 1);
    watch.stop();
    drop(registry);

    let registry = open(&home.path().join("registry"), &examine);
    let config = WatchConfig {
        folder: folder.clone(),
        settle: Duration::from_millis(50),
        rescan: Duration::from_millis(50),
    };
    let watch = Watch::start_without_notices(registry.clone(), config).unwrap();
    fs::write(folder.join("b.wasm"), component("customers", "2.0.0")).unwrap();
    wait_until(|| registry.list().len() == 2);
    watch.stop();
    assert_eq!(examine.examined().len(), 2);
}
