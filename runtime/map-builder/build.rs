//! Embeds the SDK, so that a new Rust project carries its copy and builds wherever it lies.

#![allow(clippy::print_stdout, reason = "cargo listens to it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

fn main() -> Result<(), Box<dyn error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("../..").canonicalize()?;
    let sdk = root.join("plugins/sdk");
    let mut files = Vec::new();
    for part in ["src", "wit"] {
        collect(&sdk.join(part), &mut files)?;
    }
    files.sort();
    let mut code = String::from("/// The SDK's files: path below the project, text.\n");
    code.push_str("pub(super) const SDK: &[(&str, &str)] = &[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let path = file.strip_prefix(&sdk)?.to_string_lossy().replace('\\', "/");
        writeln!(code, "    ({:?}, include_str!({:?})),", format!("sdk/{path}"), file)?;
    }
    code.push_str("];\n");
    // Only the contract, for the other languages: where each looks for it.
    for (name, folder) in [("TYPESCRIPT_WIT", "sdk/wit"), ("PYTHON_WIT", "dualwright_sdk/wit")] {
        writeln!(code, "pub(super) const {name}: &[(&str, &str)] = &[")?;
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wit")) {
            let base = file.file_name().unwrap_or_default().to_string_lossy();
            writeln!(code, "    ({:?}, include_str!({:?})),", format!("{folder}/{base}"), file)?;
        }
        code.push_str("];\n");
    }
    // The SDK's manifest inherits from the workspace; its copy names the version itself.
    let manifest = root.join("Cargo.toml");
    println!("cargo::rerun-if-changed={}", manifest.display());
    println!("cargo::rerun-if-changed={}", sdk.display());
    let text = fs::read_to_string(&manifest)?;
    let bindgen = text
        .lines()
        .find(|line| line.starts_with("wit-bindgen = "))
        .ok_or("the workspace names no version of wit-bindgen")?;
    writeln!(code, "/// The SDK's one dependency, as its manifest names it.")?;
    writeln!(code, "pub(super) const WIT_BINDGEN: &str = {bindgen:?};")?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("sdk.rs"), code)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "wit") {
            files.push(path);
        }
    }
    Ok(())
}
