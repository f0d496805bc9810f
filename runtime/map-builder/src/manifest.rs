//! Reads a map file and the value sets it names.

use std::ops::Range;
use std::path::{Path, PathBuf};

use dualwright_table_map::compile::{self, CompiledMap, Problem};
use dualwright_table_map::table::{ValueSet, ValuesFile};

use crate::error::{BuildError, MapProblem};
use crate::excerpt;

/// A map file, read and resolved.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub map: CompiledMap,
    /// The files of value sets that it used.
    pub value_files: Vec<PathBuf>,
}

/// Reads `path` and, for every named value set, the nearest `values/<name>.toml` in its folder or above.
///
/// # Errors
/// When a file cannot be read, or with everything that is wrong with the map.
pub fn read(path: &Path) -> Result<Manifest, BuildError> {
    let text = std::fs::read_to_string(path).map_err(|error| BuildError::file("read", path, error))?;
    let located = |problem: &Problem| locate(path, &text, problem);
    let file =
        compile::parse(&text).map_err(|problem| BuildError::Map { problems: vec![located(&problem)] })?;
    let mut value_files = Vec::new();
    let mut find = |name: &str| {
        let (file, set) = value_set(path, name)?;
        if !value_files.contains(&file) {
            value_files.push(file);
        }
        Ok(set)
    };
    let map = compile::compile(&file, &mut find)
        .map_err(|problems| BuildError::Map { problems: problems.iter().map(located).collect() })?;
    Ok(Manifest { path: path.to_owned(), map, value_files })
}

fn locate(path: &Path, text: &str, problem: &Problem) -> MapProblem {
    let place = excerpt::place(text, &problem.span);
    MapProblem {
        path: path.to_owned(),
        line: place.line,
        column: place.column,
        message: problem.message.clone(),
        hint: problem.hint.clone(),
        excerpt: place.excerpt,
    }
}

/// The value set of this name that is nearest to a map, and the file it is in.
///
/// # Errors
/// In words, why there is none.
pub fn value_set(map: &Path, name: &str) -> Result<(PathBuf, ValueSet), String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("{name:?} is not the name of a value set"));
    }
    let file = format!("{name}.toml");
    let absolute =
        std::path::absolute(map).map_err(|error| format!("cannot find {}: {error}", map.display()))?;
    let path = absolute
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("values").join(&file))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| format!("there is no values/{file} beside the map or above it"))?;
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let set: ValuesFile = toml::from_str(&text).map_err(|error| {
        let span: Range<usize> = error.span().unwrap_or(0..0);
        let place = excerpt::place(&text, &span);
        format!("{}:{}:{}: {}", path.display(), place.line, place.column, error.message())
    })?;
    Ok((path, set.values))
}
