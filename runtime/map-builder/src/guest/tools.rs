//! Tools in fixed versions, fetched once into the cache, and what was built with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::sources::hex;
use crate::error::BuildError;
use crate::options::BuildOptions;

/// How much of a failed tool's output an error keeps, from its end.
const OUTPUT_KEPT: usize = 8_000;

/// What programs say when they reach nobody. Anything else is a failure of its own.
const UNREACHED: [&str; 11] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "NewConnectionError",
    "Failed to establish a new connection",
    "Name or service not known",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
];

/// A language's tools: their names with versions, and the files that pin them and all they depend on by digest.
pub(super) struct Kit {
    /// `typescript`.
    pub(super) language: &'static str,
    /// What they are, to print.
    pub(super) about: &'static str,
    /// Name and text of each file.
    pub(super) files: &'static [(&'static str, &'static str)],
}

impl Kit {
    /// One digest of everything that decides what the tools are.
    pub(super) fn digest(&self) -> String {
        let texts = self.files.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]);
        digest(texts).chars().take(16).collect()
    }

    /// The folder with the tools. Where they are not there yet, `install` puts them into a folder that holds the kit's
    /// files, and that may be moved afterwards.
    pub(super) fn installed(
        &self,
        options: &BuildOptions,
        install: impl FnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let tools = options.cache.join("tools");
        // Compiled parts are of this kind of machine.
        let name = format!(
            "{}-{}-{}-{}",
            self.language,
            std::env::consts::OS,
            std::env::consts::ARCH,
            self.digest()
        );
        let folder = tools.join(&name);
        if folder.is_dir() {
            return Ok(folder);
        }
        if !options.install {
            return Err(BuildError::NoLanguage {
                language: self.language,
                reason: format!(
                    "its tools ({}) are not in {}, and nothing may be installed",
                    self.about,
                    tools.display()
                ),
                command: "env --unset=DUALWRIGHT_NO_INSTALL dualwright map build .".to_owned(),
            });
        }
        options.progress.say(&format!("fetching {} into {}", self.about, folder.display()));
        let part = Part::new(&tools, &name)?;
        for (file, text) in self.files {
            write(&part.0.join(file), text.as_bytes())?;
        }
        install(&part.0)?;
        match fs::rename(&part.0, &folder) {
            // Another build was quicker: its tools are the same.
            Err(_) if folder.is_dir() => {}
            other => other.map_err(|error| BuildError::file("write", &folder, error))?,
        }
        Ok(folder)
    }

    /// The component of these contents, from the cache or built now by `build`, which is given an empty folder to work in.
    pub(super) fn component<'a>(
        &self,
        options: &BuildOptions,
        contents: impl IntoIterator<Item = &'a [u8]>,
        build: impl FnOnce(&Path) -> Result<PathBuf, BuildError>,
    ) -> Result<Vec<u8>, BuildError> {
        let key = digest(contents);
        let folder = options.cache.join("components");
        let path = folder.join(format!("{}-{}-{key}.wasm", self.language, self.digest()));
        if let Ok(bytes) = fs::read(&path) {
            return Ok(bytes);
        }
        let part = Part::new(&folder, &key)?;
        let built = build(&part.0)?;
        let bytes = fs::read(&built).map_err(|error| BuildError::file("read", &built, error))?;
        // Within the same folder, so that nobody ever reads half a file.
        fs::rename(&built, &path).map_err(|error| BuildError::file("write", &path, error))?;
        Ok(bytes)
    }
}

/// A folder to work in, which goes with this value.
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, BuildError> {
        use std::sync::atomic::{AtomicU32, Ordering};

        // Several builds of one process may run at the same time.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{name}.{}-{number}.part", std::process::id()));
        // Of a process of the same number that was killed.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|error| BuildError::file("write", &path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Best effort: it is in the cache, and gone already where it was moved.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a step of a build.
pub(super) fn run(command: &mut Command, tool: &str, what: &Path) -> Result<(), BuildError> {
    finished(command, tool)?.map_err(|output| BuildError::Compile {
        toolchain: tool.to_owned(),
        what: what.display().to_string(),
        output,
    })
}

/// Runs an installation.
pub(super) fn fetch(command: &mut Command, kit: &Kit) -> Result<(), BuildError> {
    finished(command, kit.language)?.map_err(|output| BuildError::Install {
        what: kit.about,
        offline: UNREACHED.iter().any(|word| output.contains(word)),
        output,
    })
}

/// What a program printed when it did not succeed.
fn finished(command: &mut Command, tool: &str) -> Result<Result<(), String>, BuildError> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| BuildError::file("run", tool, error))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let start = text.floor_char_boundary(text.len().saturating_sub(OUTPUT_KEPT));
    Ok(Err(text.get(start..).unwrap_or_default().trim().to_owned()))
}

/// What a program says on one line, when it is there and succeeds.
pub(super) fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first two numbers of a version, `v20.19.2` or `Python 3.11.2`.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let text = text.trim_start_matches(|character: char| !character.is_ascii_digit());
    let mut parts = text.split('.');
    let mut next = || parts.next()?.parse::<u32>().ok();
    Some((next()?, next()?))
}

/// The command that brings packages of the system, where it is known; otherwise an address.
pub(super) fn packages(debian: &str, address: &str) -> String {
    if Path::new("/etc/debian_version").is_file() {
        format!("apt-get install -y {debian}        (newer versions: {address})")
    } else {
        format!("your system's installer for {debian}, or see {address}")
    }
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let failed = |error| BuildError::file("write", path, error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)
}

fn digest<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for content in contents {
        hash.update(u64::try_from(content.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(content);
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests;
