use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use super::CRATES;
use crate::dual_write::source::Found;

/// An archive as a solution export writes it: the rows stand in `customizations.xml`.
fn solution(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn customizations() -> String {
    let older = CRATES.replace("contoso_name", "contoso_title");
    format!(
        "<?xml version=\"1.0\"?><ImportExportXml><Entities>\
         <Entity><Name>msdyn_dualwriteentitymap</Name></Entity></Entities><msdyn_dualwriteentitymaps>\
         <msdyn_dualwriteentitymap msdyn_dualwriteentitymapid=\"1\"><msdyn_mapping>{}</msdyn_mapping>\
         <msdyn_name>[Crate types] - [contoso_cratetypes]</msdyn_name><msdyn_version>1.0.0.9</msdyn_version></msdyn_dualwriteentitymap>\
         <msdyn_dualwriteentitymap><msdyn_name>[Crate types] - [contoso_cratetypes]</msdyn_name>\
         <msdyn_version>1.0.0.10</msdyn_version><msdyn_mapping><![CDATA[{CRATES}]]></msdyn_mapping></msdyn_dualwriteentitymap>\
         </msdyn_dualwriteentitymaps></ImportExportXml>",
        escaped(&older)
    )
}

#[test]
fn the_rows_of_a_solution_are_found_and_the_newest_is_kept() {
    let xml = customizations();
    // A path that leads out of the folder is only a name: nothing is written.
    let bytes = solution(&[
        ("solution.xml", b"<a/>"),
        ("../../etc/customizations.xml", xml.as_bytes()),
        ("picture.png", b"\x89PNG"),
        ("Other/notes.json", b"{ not json }"),
        ("WebResources/half.xml", b"<a></b>"),
    ]);
    let mut found = Found::default();
    found.read("crates.zip", &bytes).unwrap();
    assert_eq!(found.definitions.len(), 2);
    let remarks = found.keep_one_version();
    let (place, definition) = &found.definitions[0];
    assert_eq!(definition.version.as_deref(), Some("1.0.0.10"));
    assert_eq!(definition.legs[0].fields[1].destination, "contoso_name");
    assert!(place.starts_with("crates.zip: ") && place.ends_with("[contoso_cratetypes]"), "{place}");
    assert!(remarks[0].reason.contains("1.0.0.9") && found.definitions.len() == 1, "{remarks:?}");
}

#[test]
fn the_version_that_the_automation_tool_names_is_kept() {
    let mut found = Found::default();
    found.read("customizations.xml", customizations().as_bytes()).unwrap();
    let config =
        "<MapConfigs><Map mapName=\"contoso_cratetypes - Crate types\" version=\"1.0.0.9\"/></MapConfigs>";
    found.read("App.config", config.as_bytes()).unwrap();
    found.keep_one_version();
    assert_eq!(found.definitions[0].1.version.as_deref(), Some("1.0.0.9"));
}

/// An answer of the Web API, saved to a file; and text with a mark in front, as Windows programs write it.
#[test]
fn rows_in_json_are_found() {
    let row = serde_json::json!({ "value": [
        { "msdyn_name": "a", "msdyn_version": "1.0.0.0", "msdyn_mapping": CRATES },
        { "msdyn_name": "b", "msdyn_mapping": CRATES },
    ] });
    let mut bytes = vec![0xEF, 0xBB, 0xBF];
    bytes.extend_from_slice(row.to_string().as_bytes());
    let mut found = Found::default();
    found.read("rows.json", &bytes).unwrap();
    assert_eq!(found.definitions.len(), 2);
    assert_eq!(found.definitions[1].0, "rows.json: row 2");
}

#[test]
fn bombs_and_broken_archives_are_refused() {
    let zeros = vec![b' '; 65 * 1024 * 1024];
    let bomb = solution(&[("customizations.xml", &zeros)]);
    assert!(bomb.len() < 1024 * 1024, "it does not even look small");
    let error = Found::default().read("bomb.zip", &bomb).unwrap_err().to_string();
    assert!(error.contains("customizations.xml") && error.contains("64 MiB"), "{error}");

    let whole = solution(&[("customizations.xml", customizations().as_bytes())]);
    for length in [4, 30, 100, whole.len() - 1] {
        assert!(Found::default().read("cut.zip", &whole[..length]).is_err(), "{length}");
    }
    for bytes in [&b"\xff\x00\x01"[..], b"<a></b>", b"<a>&", b"no json"] {
        assert!(Found::default().read("x", bytes).is_err());
    }
    // An entity that nobody defined is not made up, and nothing is expanded.
    let bomb = b"<!DOCTYPE a [<!ENTITY x \"xxxxxxxx\">]><a>&x;</a>";
    Found::default().read("x", bomb).unwrap();
}
