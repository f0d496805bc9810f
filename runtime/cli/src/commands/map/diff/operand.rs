//! What can be compared, and how it is found.

use std::path::{Path, PathBuf};

use dualwright_map_builder::diff::Known;
use dualwright_map_builder::dual_write::source::Found;
use dualwright_map_builder::dual_write::{Aids, import};
use dualwright_map_builder::project::{Project, Source};
use dualwright_map_builder::{BuildOptions, Progress as BuildProgress, manifest, map_files};
use dualwright_plugin_host::{Grants, Loaded};

use super::super::dual_write::{environment, read_environment, read_file};
use super::super::export::sheet;
use super::super::workshop::{build_project, load, no_project, sandbox};
use crate::assembly::build_failure;
use crate::config::Config;
use crate::{Failure, Output};

/// The fewest digits of a digest that name a component.
const DIGITS: usize = 6;

/// One map, or several.
pub(super) enum Operand {
    One(Box<Known>),
    Many(Vec<Known>),
}

impl Operand {
    pub(super) fn maps(self) -> Vec<Known> {
        match self {
            Self::One(map) => vec![*map],
            Self::Many(maps) => maps,
        }
    }

    /// Finds out what was meant, and reads it.
    pub(super) async fn open(text: &str, config: &Path, output: &Output) -> Result<Self, Failure> {
        if text.contains("://") {
            let address = environment(text)?;
            let mut found = Found::default();
            read_environment(&mut found, &Config::load_systems(config)?, address.as_ref()).await?;
            return Ok(Self::Many(definitions(found)));
        }
        let path = PathBuf::from(text);
        if path.exists() {
            return of_path(&path, output).await;
        }
        installed(text, config, output).await
    }
}

async fn of_path(path: &Path, output: &Output) -> Result<Operand, Failure> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if path.is_file() && ["json", "zip", "xml", "config"].contains(&extension) {
        let mut found = Found::default();
        read_file(&mut found, path)?;
        let mut maps = definitions(found);
        return Ok(if maps.len() == 1 {
            Operand::One(Box::new(maps.swap_remove(0)))
        } else {
            Operand::Many(maps)
        });
    }
    if path.is_file() && extension == "toml" && is_configuration(path) {
        let config = Config::load_systems(path)?;
        let mut maps = Vec::new();
        for map in &config.maps {
            maps.push(one(&config.resolve(&map.file), output).await?);
        }
        return Ok(Operand::Many(maps));
    }
    if path.is_dir() && Project::find(path).is_err() {
        let mut maps = Vec::new();
        for file in map_files(path).map_err(|error| build_failure(&error))? {
            maps.push(of_file(&file)?);
        }
        if maps.is_empty() {
            return Err(Failure::usage("there is no map in this folder").at(path.display()));
        }
        return Ok(Operand::Many(maps));
    }
    Ok(Operand::One(Box::new(one(path, output).await?)))
}

/// A configuration has both systems, a map file has `[map]`. What is no TOML at all is left to whoever reads maps, which
/// says where it is wrong.
fn is_configuration(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let file: Option<toml::Table> = text.parse().ok();
    file.is_some_and(|file| file.contains_key("finops") && file.contains_key("dataverse"))
}

/// The maps of dual-write, as an import would write them.
fn definitions(mut found: Found) -> Vec<Known> {
    found.keep_one_version();
    let automation = found.automation.take();
    let aids = Aids { automation: automation.as_ref(), ..Aids::default() };
    let maps = found
        .definitions
        .iter()
        .map(|(_, definition)| Known::from_sheet(&import(definition, &aids).sheet, None, &|_| None));
    maps.collect()
}

fn of_file(file: &Path) -> Result<Known, Failure> {
    let built = manifest::read(file).map_err(|error| build_failure(&error))?;
    let find = |name: &str| manifest::value_set(file, name).ok().map(|(_, set)| set);
    Ok(Known::from_sheet(&sheet(file)?, Some(&built.map), &find))
}

/// A map file, a project or a component.
async fn one(path: &Path, output: &Output) -> Result<Known, Failure> {
    let project = Project::find(path).map_err(|error| no_project(&error))?;
    if let Source::Table(file) = &project.source {
        return of_file(file);
    }
    let notes = *output;
    let options = BuildOptions {
        progress: BuildProgress::new(move |line| notes.note(line)),
        ..BuildOptions::default()
    };
    let built = build_project(&project, &options).await?;
    component(&project, built.bytes).await
}

async fn component(project: &Project, bytes: Vec<u8>) -> Result<Known, Failure> {
    match load(&sandbox(None)?, project, bytes.clone(), Grants::for_examination()).await? {
        Loaded::Map(map) => Ok(Known::from_component(&bytes, map.description())),
        Loaded::Layer(_) => {
            let what = "this is a validator or an extension, which has no fields to compare";
            Err(Failure::usage(what).at(project.path().display()))
        }
    }
}

/// An installed version. The files are read beside a runtime that may be at work: they never change.
async fn installed(text: &str, config: &Path, output: &Output) -> Result<Operand, Failure> {
    let nothing = || {
        Failure::usage("there is no such file, folder or installed version").at(text).hint(
            "an installed version is NAME@1.1.0 or the first digits of its digest, as `dualwright plugin list` shows them",
        )
    };
    let is_digest = text.len() >= DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let named = text.split_once('@');
    if !is_digest && named.is_none() {
        return Err(nothing());
    }
    let config = Config::load_systems(config)?;
    let folder = config.resolve(&config.store.path).with_extension("plugins").join("components");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Err(nothing().hint(format!("nothing is installed in {}", folder.display())));
    };
    let files = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect();
    files.sort();
    let mut maps = Vec::new();
    for file in files {
        let digest = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_digest && digest.starts_with(&text.to_lowercase()) {
            maps.push(one(&file, output).await?);
        } else if let Some((name, version)) = named {
            // Validators and extensions lie there too; they are no maps.
            let Ok(map) = one(&file, output).await else { continue };
            if map.name == name && (map.version() == version || digest.starts_with(&version.to_lowercase())) {
                maps.push(map);
            }
        }
    }
    match maps.len() {
        0 => Err(nothing()),
        1 => Ok(Operand::One(Box::new(maps.swap_remove(0)))),
        several => Err(Failure::usage(format!("{several} installed components are meant by this"))
            .at(text)
            .hint("give more digits of the digest")),
    }
}
