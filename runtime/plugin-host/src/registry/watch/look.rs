//! When the bytes of a file are believed.
//!
//! A file goes through three looks: seen; then, one tick later and unchanged, read; then, a settle time later and still
//! unchanged, read again, and judged if these are the same bytes. Any change of size, time stamps or identity begins anew,
//! and so does any change of the signature beside it, which may come before or after. One thing is quicker: a signature
//! by a trusted key that fits the bytes proves that they are whole. (A rename into the folder proves nothing: whoever
//! wrote the file may still have it open.)
//!
//! What was judged is not opened again until it changes. A writer that stops for longer than the settle time has its half
//! refused, once, by the digest of that half; when it goes on, the file is another one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ACTOR;
use super::file::{self, Found, Print};
use crate::registry::admit::{self, SIGNATURE_FILE_BYTES};
use crate::registry::{Installed, Refused, Registry, RegistryError};

/// Names looked at in one folder; nobody has so many versions.
const NAMES_MAX: usize = 10_000;
/// A file so many times larger than any component is not even read to its end for a digest.
const READ_TIMES_LIMIT: u64 = 16;
/// How long until a file is tried again when disk or sandbox failed, and how long at most.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What a look found out.
#[derive(Debug)]
pub(super) enum Report {
    /// A component was installed as a candidate.
    Installed(Installed),
    /// A file was refused; `again`, as its bytes had been before.
    Refused { refused: Refused, again: bool },
    /// Something that is not a file to be looked at, said once.
    Passed { file: String, reason: String },
    /// Disk or sandbox failed, which is not the file's fault.
    Failed { file: String, error: String, again_in: Duration },
}

/// What came of a look.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) reports: Vec<Report>,
    /// When something may have settled; `None` when nothing is under way.
    pub(super) again_in: Option<Duration>,
}

/// The eyes on one folder. Time is told from outside, from any beginning.
pub(super) struct Looker {
    folder: PathBuf,
    settle: Duration,
    seen: BTreeMap<OsString, Seen>,
    /// The folder itself could not be read; said once.
    blind: bool,
}

/// What is known of one name.
#[derive(Debug)]
struct Seen {
    prints: Prints,
    stage: Stage,
}

/// A file and its signature.
type Prints = (Found, Option<Found>);

#[derive(Debug)]
enum Stage {
    /// It is new, or changed since the look before.
    Moving,
    /// It held still, and had this digest then.
    Quiet { digest: String, since: Duration },
    /// Nothing more to do until it changes.
    Judged,
    /// Not judged, for reasons of our own.
    Failed { at: Duration, pause: Duration },
}

impl Looker {
    pub(super) fn new(folder: PathBuf, settle: Duration) -> Self {
        Self { folder, settle, seen: BTreeMap::new(), blind: false }
    }

    /// The time between two looks at a file that moves.
    pub(super) fn tick(&self) -> Duration {
        (self.settle / 4).max(Duration::from_millis(1))
    }

    /// Looks at every file once. Blocks: it reads, and has components compiled. `stopped` is asked between files.
    pub(super) fn look(&mut self, registry: &Registry, now: Duration, stopped: &dyn Fn() -> bool) -> Looked {
        let mut looked = Looked::default();
        let names = match self.names() {
            Ok(names) => names,
            Err(error) => {
                if !std::mem::replace(&mut self.blind, true) {
                    let file = file::shown(&self.folder);
                    looked.reports.push(Report::Passed {
                        file,
                        reason: format!("the watched folder cannot be read: {error}"),
                    });
                }
                return looked;
            }
        };
        self.blind = false;
        // What vanished is forgotten: should it come back, it is looked at as if new.
        self.seen.retain(|name, _| names.contains(name));
        for name in names {
            if stopped() {
                return looked;
            }
            let path = self.folder.join(&name);
            match prints(&path) {
                Ok(Some(prints)) => {
                    let seen = self.seen.remove(&name).filter(|seen| seen.prints == prints);
                    let stage = self.step(
                        registry,
                        &path,
                        &prints,
                        seen.map(|seen| seen.stage),
                        now,
                        &mut looked.reports,
                    );
                    looked.expect(self.wait(&stage, now));
                    self.seen.insert(name, Seen { prints, stage });
                }
                Ok(None) => drop(self.seen.remove(&name)),
                Err(error) => {
                    // Its folder was read a moment ago: try again, but say it once.
                    let known =
                        self.seen.insert(name, Seen { prints: (Found::Other, None), stage: Stage::Judged });
                    if known.is_none() {
                        let reason = format!("it cannot be looked at: {error}");
                        looked.reports.push(Report::Passed { file: file::shown(&path), reason });
                    }
                }
            }
        }
        looked
    }

    /// The names of what may be components, in order. Hidden files are other programs' half-written ones.
    fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            let component = Path::new(&name).extension().is_some_and(|end| end.eq_ignore_ascii_case("wasm"));
            if component && !hidden {
                names.push(name);
            }
            if names.len() >= NAMES_MAX {
                break;
            }
        }
        names.sort();
        Ok(names)
    }

    fn wait(&self, stage: &Stage, now: Duration) -> Option<Duration> {
        match stage {
            Stage::Moving => Some(self.tick()),
            Stage::Quiet { since, .. } => Some((*since + self.settle).saturating_sub(now)),
            Stage::Judged => None,
            Stage::Failed { at, .. } => Some(at.saturating_sub(now)),
        }
    }

    /// What becomes of a file that has these prints now, and had them at the last look if `before` says anything.
    fn step(
        &self,
        registry: &Registry,
        path: &Path,
        prints: &Prints,
        before: Option<Stage>,
        now: Duration,
        reports: &mut Vec<Report>,
    ) -> Stage {
        let Found::Regular(print) = &prints.0 else {
            if before.is_none() {
                let reason = "it is no regular file (links are not followed)".to_owned();
                reports.push(Report::Passed { file: file::shown(path), reason });
            }
            return Stage::Judged;
        };
        let limit = u64::try_from(registry.inner.examine.max_bytes()).unwrap_or(u64::MAX);
        if print.size > limit.saturating_mul(READ_TIMES_LIMIT) {
            if before.is_none() {
                let reason = format!("it has {} bytes, and the limit of a component is {limit}", print.size);
                reports.push(Report::Passed { file: file::shown(path), reason });
            }
            return Stage::Judged;
        }
        let pause = match &before {
            None => return Stage::Moving,
            Some(Stage::Judged) => return Stage::Judged,
            Some(Stage::Quiet { since, .. }) if now < *since + self.settle => {
                return before.unwrap_or(Stage::Moving);
            }
            Some(Stage::Failed { at, .. }) if now < *at => return before.unwrap_or(Stage::Moving),
            Some(Stage::Failed { pause, .. }) => Some(*pause),
            Some(Stage::Moving | Stage::Quiet { .. }) => None,
        };
        let failed = |error: String, reports: &mut Vec<Report>| {
            let pause = pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
            reports.push(Report::Failed { file: file::shown(path), error, again_in: pause });
            Stage::Failed { at: now + pause, pause }
        };
        let (read, signature) = match read(registry, path, print, prints.1.as_ref()) {
            Ok(Some(found)) => found,
            Ok(None) => return Stage::Moving,
            Err(error) => return failed(error.to_string(), reports),
        };
        let digest = read.digest.as_str().to_owned();
        let whole = match before {
            Some(Stage::Quiet { digest: then, .. }) => then == digest,
            // It held still when it was tried first.
            Some(Stage::Failed { .. }) => true,
            _ => registry.inner.trust.proves_whole(read.bytes.as_deref(), signature.as_deref()),
        };
        if !whole {
            return Stage::Quiet { digest, since: now };
        }
        match registry.admit(&file::shown(path), &read, signature.as_deref(), ACTOR) {
            Ok(done) if done.already => {}
            Ok(done) => reports.push(Report::Installed(done.component)),
            Err(RegistryError::Refused { refused, again }) => {
                reports.push(Report::Refused { refused: *refused, again });
            }
            Err(error) => return failed(error.to_string(), reports),
        }
        Stage::Judged
    }
}

impl Looked {
    fn expect(&mut self, wait: Option<Duration>) {
        self.again_in = match (self.again_in, wait) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

fn prints(path: &Path) -> io::Result<Option<Prints>> {
    let Some(component) = file::look_at(path)? else { return Ok(None) };
    Ok(Some((component, file::look_at(&signature_path(path))?)))
}

fn signature_path(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(OsStr::new(".sig"));
    PathBuf::from(path)
}

/// Both files; `None` when one of them is not what it was when it was looked at.
fn read(
    registry: &Registry,
    path: &Path,
    print: &Print,
    signature: Option<&Found>,
) -> io::Result<Option<(admit::Found, Option<Vec<u8>>)>> {
    let Some(mut file) = file::open(path, print)? else { return Ok(None) };
    let found = admit::read_from(&mut file, registry.inner.examine.max_bytes())?;
    if !file::is_still(&file, print)? || found.size != print.size {
        return Ok(None);
    }
    let Some(Found::Regular(print)) = signature else { return Ok(Some((found, None))) };
    let Some(file) = file::open(&signature_path(path), print)? else { return Ok(None) };
    let mut bytes = Vec::new();
    (&file).take(SIGNATURE_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(file::is_still(&file, print)?.then_some((found, Some(bytes))))
}
