use std::path::Path;
use std::process::Command;

use super::{BuildError, BuildOptions, Kit, fetch, version, write};

const KIT: Kit = Kit { language: "none", about: "nothing 1.0", files: &[("lock", "nothing")] };

fn options(cache: &Path) -> BuildOptions {
    BuildOptions { cache: cache.to_owned(), install: true, ..BuildOptions::default() }
}

#[test]
fn versions_are_found_in_what_programs_say() {
    assert_eq!(version("v20.19.2"), Some((20, 19)));
    assert_eq!(version("Python 3.11.2"), Some((3, 11)));
    assert_eq!(version("Python"), None);
}

#[test]
fn tools_are_fetched_once_and_never_half() {
    let cache = tempfile::tempdir().unwrap();
    let options = options(cache.path());
    let failed = KIT.installed(&options, |folder| {
        assert!(folder.join("lock").is_file());
        Err(BuildError::NoLanguage { language: "none", reason: String::new(), command: String::new() })
    });
    assert!(failed.is_err());
    assert_eq!(std::fs::read_dir(cache.path().join("tools")).unwrap().count(), 0);
    let folder = KIT.installed(&options, |folder| write(&folder.join("tool"), b"tool")).unwrap();
    assert!(folder.join("tool").is_file());
    let again = KIT.installed(&options, |_| panic!("it is there already")).unwrap();
    assert_eq!(again, folder);
}

#[test]
fn without_leave_nothing_is_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let options = BuildOptions { install: false, ..options(cache.path()) };
    let error = KIT.installed(&options, |_| panic!("it may not")).unwrap_err();
    assert!(error.to_string().contains("nothing may be installed"), "{error}");
}

#[test]
fn the_same_contents_are_built_once() {
    let cache = tempfile::tempdir().unwrap();
    let options = options(cache.path());
    let build = |text: &'static str| {
        move |folder: &Path| {
            let path = folder.join("out.wasm");
            write(&path, text.as_bytes())?;
            Ok(path)
        }
    };
    let contents = [b"a".as_slice(), b"b"];
    assert_eq!(KIT.component(&options, contents, build("first")).unwrap(), b"first");
    assert_eq!(KIT.component(&options, contents, build("second")).unwrap(), b"first");
    assert_eq!(KIT.component(&options, [b"ab".as_slice()], build("third")).unwrap(), b"third");
    assert_eq!(std::fs::read_dir(cache.path().join("components")).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn a_registry_out_of_reach_is_told_from_a_failure() {
    for (said, expected) in [("npm error code ENOTFOUND", true), ("npm error code EINTEGRITY", false)] {
        let error = fetch(Command::new("sh").args(["-c", &format!("echo '{said}' >&2; exit 1")]), &KIT);
        let Err(BuildError::Install { offline, output, .. }) = error else { panic!("{error:?}") };
        assert_eq!((offline, output.as_str()), (expected, said));
    }
}
