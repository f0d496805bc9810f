//! Projects in TypeScript and Python build with the real tools where those are present, and are tested in the sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod support;

use std::path::Path;

use dualwright_map_builder::project::{Built, Project};
use dualwright_map_builder::scaffold::{create, template};
use dualwright_map_builder::{BuildError, BuildOptions};

use support::{all_good, examine, repository};

/// The component, unless this machine has not got the language or no registry can be reached for its tools. Everything
/// else that goes wrong is wrong.
fn built(folder: &Path) -> Option<Built> {
    match Project::find(folder).unwrap().build(&BuildOptions::default()) {
        Ok(built) => Some(built),
        Err(error @ (BuildError::NoLanguage { .. } | BuildError::Install { offline: true, .. })) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

async fn passes_its_own_tests(folder: &Path, most_bytes: usize) {
    let Some(built) = built(folder) else { return };
    eprintln!("SIZE {}: {} bytes, {:?}", folder.display(), built.bytes.len(), built.toolchain);
    assert!(built.bytes.len() < most_bytes, "{} bytes", built.bytes.len());
    all_good(&examine(folder, built).await);
}

/// Puts a line into a new project's map that throws for one row, and a fixture that expects to be told its number and
/// nothing of what was thrown.
fn let_it_throw(folder: &Path, file: &str, before: &str, line: &str, told: &str) {
    let path = folder.join(file);
    let code = std::fs::read_to_string(&path).unwrap();
    let number = code.lines().position(|other| other.starts_with(before)).unwrap() + 1;
    let code = code.replacen(before, &format!("{line}\n{before}"), 1);
    std::fs::write(&path, code).unwrap();
    let fixture = folder.join("fixtures/to-dataverse.toml");
    let mut cases = std::fs::read_to_string(&fixture).unwrap();
    let message = told.replace("{line}", &number.to_string());
    cases.push_str(&format!(
        "\n[[case]]\nname = \"an exception\"\nleg = \"to-dataverse\"\nrow = {{ dataAreaId = \"usmf\", CustomerGroupId = \"1\", \
         IsSalesTaxIncludedInPrice = \"throw\" }}\n\n[[case.expect.reject]]\ncode = \"exception\"\nmessage = \"{message}\"\n"
    ));
    std::fs::write(&fixture, cases).unwrap();
}

#[tokio::test]
async fn a_new_typescript_project_passes_its_own_tests_and_tells_where_it_throws() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("typescript").unwrap()).unwrap();
    let_it_throw(
        folder.path(),
        "src/map.ts",
        "  const word = typeof member",
        "  if (member === \"throw\") throw new RangeError(`secret: ${member}`);",
        "the map threw RangeError at src/map.ts:{line}",
    );
    passes_its_own_tests(folder.path(), 3 << 20).await;
}

#[tokio::test]
async fn a_new_python_project_passes_its_own_tests_and_tells_where_it_raises() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("python").unwrap()).unwrap();
    let_it_throw(
        folder.path(),
        "unit_prices_map.py",
        "        if tax is not None",
        "        if tax == \"throw\": raise KeyError(\"secret\")",
        "the map raised KeyError at unit_prices_map.py:{line} in transform",
    );
    passes_its_own_tests(folder.path(), 24 << 20).await;
}

#[test]
fn a_mistake_in_typescript_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("typescript").unwrap()).unwrap();
    let path = folder.path().join("src/map.ts");
    let code = std::fs::read_to_string(&path).unwrap();
    let wrong = code.replace("row.CustomerGroupId", "row.CustomerGroup");
    assert_ne!(code, wrong);
    std::fs::write(&path, wrong).unwrap();
    match Project::find(folder.path()).unwrap().build(&BuildOptions::default()).unwrap_err() {
        BuildError::Compile { toolchain, output, .. } => {
            assert_eq!(toolchain, "tsc");
            assert!(output.contains("src/map.ts") && output.contains("CustomerGroup"), "{output}");
        }
        error @ (BuildError::NoLanguage { .. } | BuildError::Install { offline: true, .. }) => {
            eprintln!("skipped: {error}");
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_typescript_example_passes_its_own_tests() {
    passes_its_own_tests(&repository().join("examples/contact-names-typescript"), 3 << 20).await;
}

#[tokio::test]
async fn the_python_example_passes_its_own_tests() {
    passes_its_own_tests(&repository().join("examples/product-weights-python"), 24 << 20).await;
}

/// What an example holds of the SDK is what a new project gets; so it needs no tool to know that they agree.
#[test]
fn the_examples_carry_the_sdk_of_this_release() {
    for (language, example, parts) in [
        ("typescript", "contact-names-typescript", ["sdk", "tsconfig.json", ".gitignore"].as_slice()),
        ("python", "product-weights-python", &["dualwright_sdk", "wit_world", "componentize_py_types.py"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let files = create(folder.path(), "new", template(language).unwrap()).unwrap();
        let mut compared = 0;
        for file in files {
            let short = file.strip_prefix(folder.path()).unwrap();
            if parts.iter().any(|part| short.starts_with(part)) {
                let ours = repository().join("examples").join(example).join(short);
                let same = std::fs::read(&ours).is_ok_and(|text| text == std::fs::read(&file).unwrap());
                assert!(same, "{}: copy it from a new project", ours.display());
                compared += 1;
            }
        }
        assert!(compared > 10, "{language}: {compared}");
    }
}
