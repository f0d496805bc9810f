//! Which components are refused, and why (I6, I7).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod support;

use dualwright_diagnostics::Class;
use dualwright_plugin_host::{Grants, Host, HostConfig, HostError, Limits};

use support::{guest, host, tight};

fn refused(host: &Host, bytes: &[u8]) -> HostError {
    host.load("file.wasm", bytes, &Grants::default()).expect_err("refused")
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text of a component")
}

#[test]
fn what_is_no_component() {
    let host = host(Limits::default());
    let mut damaged = guest("echo");
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xff);
    for (bytes, words) in [
        (b"".to_vec(), "not WebAssembly"),
        (b"[map]\nname = \"x\"".to_vec(), "not WebAssembly"),
        (b"(component)".to_vec(), "not WebAssembly"),
        (component("(module)"), "core module"),
        (b"\0asm\x07\0\0\0".to_vec(), "version"),
        (damaged, ""),
    ] {
        let error = refused(&host, &bytes);
        assert!(matches!(&error, HostError::NotAComponent { .. }), "{error:?}");
        assert!(error.to_string().contains(words) && error.to_string().contains("file.wasm"), "{error}");
        assert_eq!(error.class(), Class::Guest);
    }
}

#[test]
fn what_is_too_large() {
    let bytes = guest("echo");
    let host = host(Limits { max_component_bytes: bytes.len() - 1, ..Limits::default() });
    assert!(matches!(refused(&host, &bytes), HostError::TooLarge { .. }));
}

#[test]
fn wasi_is_refused_with_the_flag_that_removes_it() {
    let host = host(Limits::default());
    let error = refused(
        &host,
        &component(
            r#"(component
                (import "wasi:cli/environment@0.2.0" (instance
                    (export "get-environment" (func (result (list (tuple string string))))))))"#,
        ),
    );
    assert!(matches!(&error, HostError::ImportNotGranted { .. }), "{error:?}");
    assert_eq!(error.class(), Class::Permission);
    let message = error.to_string();
    for words in ["wasi:cli/environment@0.2.0", "wasm32-unknown-unknown", "--stub-wasi"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn i6_an_import_needs_its_grant() {
    let host = host(Limits::default());
    let bytes = guest("talk");
    let settings = [("reason".to_owned(), "because".to_owned())].into();
    let log_only = Grants { log: true, ..Grants::default() };
    let both = Grants { log: true, settings, ..Grants::default() };

    let message = refused(&host, &bytes).to_string();
    assert!(message.contains("plugin/log") && message.contains("plugin/settings"), "{message}");
    assert!(message.contains("Grant it"), "{message}");
    let message = host.load("talk", &bytes, &log_only).expect_err("settings are missing").to_string();
    assert!(!message.contains("plugin/log") && message.contains("plugin/settings"), "{message}");
    assert!(host.load("talk", &bytes, &both).is_ok());
}

#[test]
fn any_other_import_is_refused() {
    let host = host(Limits::default());
    let settings = [("a".to_owned(), "b".to_owned())].into();
    let everything = Grants { log: true, settings, ..Grants::default() };
    for text in [
        r#"(component (import "secrets" (func)))"#,
        r#"(component (import "a:b/c@1.0.0" (instance (export "r" (type (sub resource))))))"#,
        r#"(component (import "m" (core module)))"#,
        r#"(component (import "dualwright:plugin/log@2.0.0" (instance (export "log" (func)))))"#,
    ] {
        let error = host.load("file.wasm", &component(text), &everything).expect_err(text);
        assert!(matches!(&error, HostError::ImportNotGranted { .. }), "{text}: {error}");
    }
}

#[test]
fn the_contract_must_be_there_and_have_its_types() {
    let host = host(Limits::default());
    let error = refused(&host, &component("(component)"));
    assert!(matches!(&error, HostError::MissingExport { .. }), "{error}");
    assert!(error.to_string().contains("dualwright:plugin/mapper@1.1.0"));
    let error = refused(
        &host,
        &component(
            r#"(component
                (core module $m (func (export "f")))
                (core instance $m (instantiate $m))
                (func $f (canon lift (core func $m "f")))
                (instance $mapper (export "describe" (func $f)) (export "transform" (func $f)))
                (export "dualwright:plugin/mapper@1.0.0" (instance $mapper)))"#,
        ),
    );
    assert!(matches!(&error, HostError::MissingExport { .. }), "{error}");
    assert!(error.to_string().contains("describe with the types of the contract"), "{error}");
}

#[test]
fn further_exports_are_tolerated() {
    let module = format!(
        "(module {} {} (func (export \"init\")))",
        include_str!("guests/prelude.wat"),
        include_str!("guests/echo.wat")
    );
    let bytes = support::component(&module, "map-plugin");
    assert!(host(Limits::default()).load("echo", &bytes, &Grants::default()).is_ok());
}

#[test]
fn a_description_must_come_and_be_sound() {
    let host = host(tight());
    for (name, words) in
        [("describe_wrong", "kebab case"), ("describe_spin", "ran longer than"), ("start", "unreachable")]
    {
        let error = refused(&host, &guest(name));
        assert!(matches!(&error, HostError::BadDescription { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}

#[test]
fn more_memory_than_allowed_from_the_start() {
    let module =
        format!("(module {} {})", include_str!("guests/prelude.wat"), include_str!("guests/echo.wat"))
            .replace("\"memory\") 1)", "\"memory\") 2000)");
    let bytes = support::component(&module, "map-plugin");
    let error = refused(&host(Limits::default()), &bytes);
    assert!(matches!(&error, HostError::NotAComponent { .. }), "{error:?}");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn a_loaded_map_says_what_it_is() {
    let plugin = support::load(&host(Limits::default()), "echo");
    let said = plugin.description();
    assert_eq!(
        (said.name.as_str(), said.version.as_str(), said.about.as_str()),
        ("test-map", "1.0.0", "A test.")
    );
    assert_eq!((said.finops_table.as_str(), said.dataverse_table.as_str()), ("Left", "Right"));
    assert_eq!(said.legs.len(), 2);
    assert_eq!(said.legs[0].reads, ["K".into(), "A".into(), "B".into()]);
    assert_eq!(said.legs[1].writes, said.legs[0].reads);
    assert_eq!(plugin.digest().as_str().len(), 64);
}

#[tokio::test]
async fn loading_off_the_async_threads() {
    let host = host(Limits::default());
    let plugin = host.load_async("echo", guest("echo"), Grants::default()).await.expect("loads");
    assert_eq!(plugin.description().name.as_str(), "test-map");
    assert!(host.load_async("nothing", Vec::new(), Grants::default()).await.is_err());
}

fn cached_host(folder: &std::path::Path) -> Host {
    Host::new(HostConfig { cache_folder: Some(folder.to_owned()), ..HostConfig::default() }).expect("a host")
}

fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn compiled_code_is_kept_and_a_damaged_file_is_replaced() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("compiled");
    let first = support::load(&cached_host(&folder), "echo");
    let file = only_file(&folder);
    assert!(file.file_name().unwrap().to_string_lossy().starts_with(first.digest().as_str()));
    let whole = std::fs::read(&file).expect("the file");

    // Were it not read, the file of a second run would be a new one.
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    support::load(&cached_host(&folder), "echo");
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);

    for damage in [0, 20, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[damage] ^= 0x40;
        std::fs::write(&file, &damaged).unwrap();
        assert_eq!(support::load(&cached_host(&folder), "echo").description(), first.description());
        assert_eq!(std::fs::read(only_file(&folder)).unwrap().len(), whole.len());
        assert_ne!(std::fs::read(&file).unwrap(), damaged, "the damaged file was replaced");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    support::load(&cached_host(folder.path()), "echo");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
