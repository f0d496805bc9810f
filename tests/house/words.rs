//! What the pages promise is there.

use crate::sources;

const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// The targets of `[text](target)` that are files of this repository.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1).filter_map(|part| part.split_once(')'));
    let targets = parts.map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut findings = Vec::new();
    for source in sources::all(&["md"]) {
        let path = sources::root().join(&source.path);
        let folder = path.parent().unwrap();
        let broken = links(&source.text).into_iter().filter(|target| !folder.join(target).exists());
        findings.extend(broken.map(|target| format!("{} → {target}", source.path)));
    }
    sources::none(&findings, "a link leads nowhere");
}

/// Paths in backquotes that begin in one of our folders exist; `{a,b}` and `…` are for people.
#[test]
fn paths_named_in_the_pages_exist() {
    let mut findings = Vec::new();
    for page in PAGES {
        for (number, quoted) in sources::read(page).split('`').enumerate() {
            let ours = ["runtime/", "plugins/", "wit/", "tests/", ".ci/", ".config/"];
            let is_path = number % 2 == 1 && ours.iter().any(|folder| quoted.starts_with(folder));
            let plain = !quoted.contains(['{', '<', ' ', '…', '*']);
            if is_path && plain && !sources::root().join(quoted).exists() {
                findings.push(format!("{page}: {quoted}"));
            }
        }
    }
    sources::none(&findings, "a page names a path that is not there");
}

/// The two commands of the README are those that CI and the contributor's page use.
#[test]
fn the_readme_has_the_two_commands() {
    let readme = sources::read("README.md");
    for command in ["\n    cargo run --release -- demo\n", "\n    cargo test --workspace\n"] {
        assert!(readme.contains(command), "README.md lacks {command}");
    }
    assert!(
        sources::read(".ci/run").contains("\ncargo test --workspace"),
        ".ci/run does not run the README's tests"
    );
}

#[cfg(unix)]
#[test]
fn ci_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(sources::root().join(".ci/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, ".ci/run is not executable");
}
