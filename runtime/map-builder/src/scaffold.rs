//! New projects for map authors, from embedded templates.
//!
//! A language is one row of [`TEMPLATES`] and one folder of files beside it. In paths and texts `{{name}}` is the
//! project's name as it was given (`customer-groups`), `{{name_snake}}` the same as an identifier (`customer_groups`).

mod templates;

use std::fs;
use std::path::{Path, PathBuf};

pub use templates::TEMPLATES;

/// What a new project of one language is made of.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The word by which authors choose it.
    pub language: &'static str,
    /// One sentence on when to choose it.
    pub about: &'static str,
    /// Groups of files: path below the project, text.
    pub files: &'static [&'static [(&'static str, &'static str)]],
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// The name would not do as the name of a map.
    #[error("{name:?} cannot be the name of a map: {reason}")]
    Name {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such template.
    #[error("there is no template for {language:?}; there are: {known}")]
    Language {
        /// What was asked for.
        language: String,
        /// The languages there are.
        known: String,
    },
    /// Something is there already, and is left as it is.
    #[error("{folder} is there already and is not empty; nothing was written")]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// The template of a language.
///
/// # Errors
/// [`ScaffoldError::Language`] when there is none.
pub fn template(language: &str) -> Result<&'static Template, ScaffoldError> {
    TEMPLATES.iter().find(|template| template.language == language).ok_or_else(|| ScaffoldError::Language {
        language: language.to_owned(),
        known: TEMPLATES.iter().map(|template| template.language).collect::<Vec<_>>().join(", "),
    })
}

/// Whether a name will do as the name of a map, and as the name of a package in every language.
///
/// # Errors
/// [`ScaffoldError::Name`] with what is wrong.
pub fn check_name(name: &str) -> Result<(), ScaffoldError> {
    const LONGEST: usize = 64;
    let wrong = |reason| Err(ScaffoldError::Name { name: name.to_owned(), reason });
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return wrong("use lower-case letters, digits and hyphens, such as customer-groups");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return wrong("begin with a letter");
    }
    if name.ends_with('-') || name.contains("--") {
        return wrong("a hyphen stands between two words");
    }
    if name.len() > LONGEST {
        return wrong("use at most 64 characters");
    }
    // Rust, Python and JavaScript refuse packages of these names.
    if ["test", "core", "std", "alloc", "self", "super", "crate", "main", "sdk"].contains(&name) {
        return wrong("a programming language has taken it; use two words");
    }
    Ok(())
}

/// Writes a new project into `folder`, which must not be there yet or be empty. Answers the files it wrote, in the order
/// of their paths.
///
/// # Errors
/// When the name will not do, the folder is occupied, or a file cannot be written.
pub fn create(folder: &Path, name: &str, template: &Template) -> Result<Vec<PathBuf>, ScaffoldError> {
    check_name(name)?;
    let failed = |path: &Path, source| ScaffoldError::Write { path: path.to_owned(), source };
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(ScaffoldError::Occupied { folder: folder.to_owned() });
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        // A file has that name.
        Err(_) if folder.exists() => return Err(ScaffoldError::Occupied { folder: folder.to_owned() }),
        Err(error) => return Err(failed(folder, error)),
    }
    let mut written = Vec::new();
    for (path, text) in template.files.iter().copied().flatten() {
        let path = folder.join(fill(path, name));
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        fs::write(&path, fill(text, name)).map_err(|error| failed(&path, error))?;
        written.push(path);
    }
    written.sort();
    Ok(written)
}

fn fill(text: &str, name: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{name_snake}}", &name.replace('-', "_"))
        .replace("{{wit_bindgen}}", templates::WIT_BINDGEN)
}

#[cfg(test)]
mod tests;
