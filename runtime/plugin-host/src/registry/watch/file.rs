//! Files that anybody may have put there: looked at without following links and without waiting for writers.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// What tells that a file may not be what it was. The same print does not prove the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) size: u64,
    identity: Identity,
    /// When it was written and when anything about it was changed, in whatever units the system has.
    times: [i64; 4],
}

/// Which file or folder it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    number: u64,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file like any other.
    Regular(Print),
    /// A link, a folder, a pipe, a device: never opened.
    Other,
}

impl Identity {
    /// `None`: nothing is there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

/// What a name stands for now; `None` when it is gone.
pub(super) fn look_at(path: &Path) -> io::Result<Option<Found>> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(Found::Regular(Print::from(&metadata)))),
        Ok(_) => Ok(Some(Found::Other)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file; `None` when it is not the file of this print any more. Another program may have put a pipe or
/// a link in its place since it was looked at: neither is waited for or followed.
pub(super) fn open(path: &Path, print: &Print) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true);
    without_waiting(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        // Gone, or something else by now: the next look tells.
        Err(_) if look_at(path)? != Some(Found::Regular(print.clone())) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(is_still(&file, print)?.then_some(file))
}

/// Whether an open file is the one that was looked at, unchanged.
pub(super) fn is_still(file: &File, print: &Print) -> io::Result<bool> {
    let metadata = file.metadata()?;
    Ok(metadata.is_file() && Print::from(&metadata) == *print)
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
}

#[cfg(not(unix))]
fn without_waiting(_: &mut OpenOptions) {}

#[cfg(unix)]
impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

#[cfg(not(unix))]
impl From<&Metadata> for Identity {
    fn from(_: &Metadata) -> Self {
        Self { device: 0, number: 0 }
    }
}

#[cfg(unix)]
impl From<&Metadata> for Print {
    fn from(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            size: metadata.len(),
            identity: metadata.into(),
            times: [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()],
        }
    }
}

#[cfg(not(unix))]
impl From<&Metadata> for Print {
    fn from(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Self {
            size: metadata.len(),
            identity: metadata.into(),
            times: [seconds, i64::from(since.subsec_nanos()), 0, 0],
        }
    }
}

/// A path in a form that is safe in a terminal, a log and a file: what does not print is escaped.
pub(super) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for letter in path.to_string_lossy().chars() {
        if matches!(letter, '\'' | '"' | '\\') {
            text.push(letter);
        } else {
            text.extend(letter.escape_debug());
        }
    }
    text
}
