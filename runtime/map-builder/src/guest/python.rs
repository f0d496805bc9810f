//! Builds Python projects into components with componentize-py, which puts CPython inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::rust::BuiltGuest;
use super::tools::{Kit, answer, fetch, packages, run, version, write};
use crate::error::BuildError;
use crate::options::BuildOptions;

/// The tool, as `tools/python/requirements.txt` pins it.
const KIT: Kit = Kit {
    language: "python",
    about: "componentize-py 0.25.1",
    files: &[("requirements.txt", include_str!("tools/python/requirements.txt"))],
};

/// The oldest Python that the tool runs on.
const OLDEST: (u32, u32) = (3, 9);

/// Folders that are no part of a map.
const LEFT_OUT: [&str; 6] = ["__pycache__", "fixtures", "test", "tests", "build", "node_modules"];

/// The part of a `pyproject.toml` that matters here.
#[derive(Deserialize)]
struct Manifest {
    tool: Tool,
}

#[derive(Deserialize)]
struct Tool {
    dualwright: Settings,
}

#[derive(Deserialize)]
struct Settings {
    module: String,
}

/// Builds the project whose `pyproject.toml` is at `manifest`: the module that it names under `tool.dualwright` has a class
/// `Mapper`.
///
/// # Errors
/// When Python is missing, the tool cannot be fetched, or the project cannot be imported.
pub fn build_python(manifest: &Path, options: &BuildOptions) -> Result<BuiltGuest, BuildError> {
    let manifest = fs::canonicalize(manifest).map_err(|error| BuildError::file("read", manifest, error))?;
    let folder = manifest.parent().unwrap_or(Path::new("/"));
    let text = fs::read_to_string(&manifest).map_err(|error| BuildError::file("read", &manifest, error))?;
    let read: Manifest = toml::from_str(&text).map_err(|error| {
        let reason = format!("it needs [tool.dualwright] with module = \"...\": {}", error.message());
        BuildError::guest(&manifest.display().to_string(), reason)
    })?;
    let module = read.tool.dualwright.module;
    let (python, found) = python()?;
    let tools = KIT.installed(options, |folder| {
        fetch(Command::new(python).args(["-m", "venv", "venv"]).current_dir(folder), &KIT)?;
        let mut pip = Command::new(interpreter(folder));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]);
        pip.args(["--require-hashes", "--retries", "1", "-r", "requirements.txt"]);
        fetch(pip.current_dir(folder), &KIT)
    })?;
    let toolchain = format!("{found}, {}", KIT.about);
    options.progress.say(&format!("building {} with {toolchain}", folder.display()));
    let wit = contract(&folder.join("dualwright_sdk/wit"))?;
    let mut sources = Vec::new();
    collect(folder, Path::new(""), &mut sources)?;
    sources.sort();
    let contents = wit.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_slice()]);
    let contents = contents.chain(
        sources.iter().flat_map(|(path, text)| [path.as_os_str().as_encoded_bytes(), text.as_slice()]),
    );
    let bytes = KIT.component(options, contents.chain([module.as_bytes()]), |work| {
        // Everything below the folder would go into the component: only what belongs there is in this one.
        let stage = work.join("map");
        for (path, text) in &sources {
            write(&stage.join(path), text)?;
        }
        let output = work.join("map.wasm");
        let mut componentize = Command::new(interpreter(&tools));
        componentize
            .args(["-c", "import sys, componentize_py; sys.exit(componentize_py.script())", "--wit-path"])
            .arg(folder.join("dualwright_sdk/wit"))
            .args(["--world", "map-plugin", "componentize", &module, "--stub-wasi", "--python-path"])
            .arg(&stage)
            .arg("--output")
            .arg(&output);
        run(componentize.current_dir(work), "componentize-py", folder)?;
        Ok(output)
    })?;
    Ok(BuiltGuest { bytes, toolchain })
}

/// The contract that a project carries: name and text of each file.
pub(super) fn contract(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, BuildError> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| BuildError::file("list", folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| BuildError::file("list", folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read(&path).map_err(|error| BuildError::file("read", &path, error))?));
        }
    }
    files.sort();
    Ok(files)
}

/// The modules of a project without its tests: path below it, text.
fn collect(root: &Path, below: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<(), BuildError> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).map_err(|error| BuildError::file("list", &folder, error))? {
        let entry = entry.map_err(|error| BuildError::file("list", &folder, error))?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let short = below.join(entry.file_name());
        if path.is_dir() {
            // A virtual environment is the author's, not the map's.
            let left_out = name.starts_with('.') || LEFT_OUT.contains(&name.as_str());
            if !left_out && !path.join("pyvenv.cfg").is_file() {
                collect(root, &short, files)?;
            }
        } else if name.ends_with(".py") && !name.starts_with("test_") {
            files.push((short, fs::read(&path).map_err(|error| BuildError::file("read", &path, error))?));
        }
    }
    Ok(())
}

/// The first Python that will do, and what it says of itself.
fn python() -> Result<(&'static str, String), BuildError> {
    let missing = |reason: String| BuildError::NoLanguage {
        language: KIT.language,
        reason,
        command: packages("python3 python3-venv", "https://www.python.org/downloads/"),
    };
    let found = ["python3", "python"].into_iter().find_map(|program| {
        let says = answer(program, &["--version"])?;
        version(&says).is_some_and(|version| version >= OLDEST).then_some((program, says))
    });
    let (program, says) = found.ok_or_else(|| {
        missing(format!("there is no Python (python3) of version {}.{} or later", OLDEST.0, OLDEST.1))
    })?;
    // Debian leaves this part out of python3.
    answer(program, &["-c", "import venv, ensurepip"])
        .ok_or_else(|| missing(format!("{says} is here, and its module venv is not")))?;
    Ok((program, says))
}

fn interpreter(tools: &Path) -> PathBuf {
    tools.join(if cfg!(windows) { "venv/Scripts/python.exe" } else { "venv/bin/python" })
}
