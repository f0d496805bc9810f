//! Reading the repository.

use std::path::{Path, PathBuf};

/// One text file of the repository.
pub(crate) struct Source {
    /// Its path from the root, with forward slashes.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// All text files with one of these extensions, by path; what is built or fetched is left out.
pub(crate) fn all(extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), extensions, &mut found);
    assert!(found.len() > 3, "the walk through the repository found nothing to check");
    found.sort_by(|one, two| one.path.cmp(&two.path));
    found
}

fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let skipped = ["target", "node_modules", ".git", ".dualwright"].contains(&name.as_str());
            if !skipped && !path.is_symlink() {
                walk(&path, extensions, found);
            }
        } else if extensions.iter().any(|extension| name.ends_with(&format!(".{extension}"))) {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            // A file may vanish between listing and reading (an editor's temporary file).
            if let Ok(text) = std::fs::read_to_string(&path) {
                found.push(Source { path: relative, text });
            }
        }
    }
}

/// Fails with one line for each finding.
pub(crate) fn none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}
