//! The command as a person or a script meets it: words, exit codes, JSON.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise, helpers included")]

use std::path::Path;
use std::process::{Command, Output};

fn dualwright(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dualwright"))
        .args(arguments)
        .current_dir(folder)
        .env("SHOP_SECRET", "hunter2")
        .env_remove("DUALWRIGHT_LOG")
        .output()
        .unwrap()
}

fn words(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A port on which nobody listens: it was free a moment ago.
fn nobody() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const MAP: &str = r#"
[map]
name = "groups"
version = "1.0.0"
finops = "CustomerGroups"
dataverse = "msdyn_customergroups"
key = [ { finops = "CustomerGroupId", dataverse = "msdyn_groupid" } ]
field = [ { finops = "Description", dataverse = "msdyn_description" } ]
"#;

fn write_config(folder: &Path, map: &str) {
    let environment = format!(
        "url = \"http://127.0.0.1:{}\"\ntenant = \"t\"\ntoken-url = \"http://127.0.0.1:{}/token\"\n\
         client-id = \"c\"\nclient-secret = {{ env = \"SHOP_SECRET\" }}\n",
        nobody(),
        nobody()
    );
    let config = format!("[finops]\n{environment}[dataverse]\n{environment}[[map]]\nfile = \"{map}\"\n");
    std::fs::write(folder.join("dualwright.toml"), config).unwrap();
}

#[test]
fn init_writes_a_configuration_once() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = words(&dualwright(folder.path(), &["init"]));
    assert_eq!(code, 0);
    assert!(out.contains("dualwright doctor --config dualwright.toml"), "{out}");
    let written = std::fs::read_to_string(folder.path().join("dualwright.toml")).unwrap();
    assert!(written.contains("[[map]]"));
    let (code, _, err) = words(&dualwright(folder.path(), &["init"]));
    assert_eq!(code, 2);
    assert!(err.contains("error: the file exists already") && err.contains("next: "), "{err}");
    assert_eq!(dualwright(folder.path(), &["init", "--force"]).status.code(), Some(0));
}

#[test]
fn failures_say_what_where_and_what_next_also_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = words(&dualwright(folder.path(), &["run"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("at: dualwright.toml") && err.contains("dualwright init"), "{err}");
    let (code, out, err) = words(&dualwright(folder.path(), &["--json", "run"]));
    assert_eq!((code, out.as_str()), (2, ""));
    let failure: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!(failure["error"]["exit_code"], 2);
    assert_eq!(failure["error"]["place"], "dualwright.toml");
    assert_eq!(dualwright(folder.path(), &["dance"]).status.code(), Some(2));
}

#[test]
fn a_wrong_map_is_shown_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("map.toml"), MAP.replace("finops = \"Desc", "finnops = \"Desc"))
        .unwrap();
    let (code, _, err) = words(&dualwright(folder.path(), &["map", "build", "map.toml"]));
    assert_eq!(code, 2);
    assert!(err.contains("map.toml:8:") && err.contains("finnops"), "{err}");
    assert!(!folder.path().join("map.wasm").exists());
}

/// I11: whatever goes wrong, the secret is not told.
#[test]
fn doctor_tells_an_unreachable_system_from_a_wrong_map() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("map.wasm"), b"not a component").unwrap();
    write_config(folder.path(), "map.wasm");
    let (code, out, err) = words(&dualwright(folder.path(), &["--json", "doctor"]));
    assert_eq!(code, 3, "{out}{err}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let codes: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == "unavailable").count(), 2, "{codes:?}");
    assert!(codes.contains(&"map-unusable") && codes.contains(&"no-pushes"), "{codes:?}");
    assert_eq!(document["good"], false);
    assert!(!out.contains("hunter2") && !err.contains("hunter2"));
    let (code, out, err) = words(&dualwright(folder.path(), &["doctor"]));
    assert_eq!(code, 3);
    assert!(out.contains("how to mend it"), "{out}{err}");
}

#[test]
fn maps_that_exclude_each_other_do_not_start_together() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("groups.toml"), MAP).unwrap();
    let other = MAP.replace("\"groups\"", "\"groups-v2\"").replace("key =", "excludes = [\"groups\"]\nkey =");
    std::fs::write(folder.path().join("groups-v2.toml"), other).unwrap();
    write_config(folder.path(), "groups.toml");
    let path = folder.path().join("dualwright.toml");
    let config = std::fs::read_to_string(&path).unwrap() + "[[map]]\nfile = \"groups-v2.toml\"\n";
    std::fs::write(&path, config).unwrap();
    let (code, _, err) = words(&dualwright(folder.path(), &["run"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("groups-v2 must not run beside groups"), "{err}");
    assert!(err.contains("next: take one of the two out"), "{err}");
}
