//! import(export(map)) is the map.

use std::path::{Path, PathBuf};

use dualwright_table_map::table::{ValueSet, ValuesFile};
use proptest::prelude::*;
use toml::{Table, Value};

use crate::dual_write::source::Found;
use crate::dual_write::{Aids, Definition, Sheet, Weight, export, import};
use crate::map_files;

fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/catalogue")
}

/// The value sets near a map: in `values/` of its folder or above.
fn near(map: &Path, name: &str) -> Result<ValueSet, String> {
    let file = map
        .ancestors()
        .map(|folder| folder.join("values").join(format!("{name}.toml")))
        .find(|file| file.is_file())
        .ok_or("none")?;
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    toml::from_str::<ValuesFile>(&text).map(|file| file.values).map_err(|error| error.to_string())
}

fn names_of_sets(sheet: &Sheet) -> Vec<String> {
    let name = |line: &Table| line.get("values").and_then(Value::as_str).map(str::to_owned);
    sheet.fields.iter().filter_map(name).collect()
}

#[test]
fn every_map_of_the_catalogue_comes_back_as_it_went_out() {
    let files = map_files(&catalogue()).unwrap();
    assert!(files.len() > 8, "the catalogue is not there");
    for file in files {
        let sheet = Sheet::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let exported = export(&sheet, &mut |name| near(&file, name));
        let sets = names_of_sets(&sheet);
        let aids = Aids { value_sets: &sets, ..Aids::default() };
        // By the row of the table, as it stands in an environment or a solution.
        let mut found = Found::default();
        found.read("row", exported.row().to_string().as_bytes()).unwrap();
        let imported = import(&found.definitions[0].1, &aids);
        assert_eq!(imported.sheet, sheet, "{}", file.display());
        let heavy: Vec<_> = imported.remarks.iter().filter(|remark| remark.weight != Weight::Note).collect();
        assert!(heavy.is_empty(), "{}: {heavy:?}", file.display());
        // Printed, it is the same file again.
        assert_eq!(Sheet::parse(&imported.sheet.to_text(&["a comment".into()])).unwrap(), sheet);
    }
}

/// Without what only Dualwright understands, a map still comes back with its tables, columns and directions.
#[test]
fn what_dual_write_itself_would_keep_comes_back() {
    for file in map_files(&catalogue()).unwrap() {
        let sheet = Sheet::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let mut mapping = export(&sheet, &mut |name| near(&file, name)).mapping;
        mapping.as_object_mut().unwrap().remove("dualwright");
        for field in mapping["legs"][0]["fieldMappings"].as_array_mut().unwrap() {
            field.as_object_mut().unwrap().remove("dualwright");
        }
        let key: Vec<(String, String)> = sheet
            .key()
            .into_iter()
            .map(|(finops, dataverse)| (finops.to_owned(), dataverse.to_owned()))
            .collect();
        let tables = [(sheet.text("finops").to_owned(), sheet.text("finops").to_owned())];
        let aids = Aids { key: &key, tables: &tables, ..Aids::default() };
        let imported = import(&Definition::parse(&mapping.to_string()).unwrap(), &aids);
        assert_eq!(imported.sheet.key(), sheet.key(), "{}", file.display());
        for word in ["finops", "dataverse"] {
            assert_eq!(imported.sheet.text(word), sheet.text(word), "{}", file.display());
        }
        let plain = |line: &&Table| {
            let known = ["finops", "dataverse", "direction", "default", "values"];
            let text = |word: &str| line.get(word).is_none_or(Value::is_str);
            line.keys().all(|word| known.contains(&word.as_str())) && text("finops") && text("dataverse")
        };
        for line in sheet.fields.iter().filter(plain) {
            let columns = |line: &Table| (line.get("finops").cloned(), line.get("dataverse").cloned());
            let back = imported.sheet.fields.iter().any(|other| columns(other) == columns(line));
            assert!(back, "{}: {line}: {:?}", file.display(), imported.remarks);
        }
    }
}

#[test]
fn what_was_changed_outside_wins_and_is_told() {
    let text = "[map]\nname = \"a\"\nversion = \"1.0.0\"\nfinops = \"A\"\ndataverse = \"b\"\n\
                key = [{ finops = \"K\", dataverse = \"k\" }]\nfilter = { finops = \"X eq 1\" }\n\
                field = [{ finops = \"N\", dataverse = \"n\", direction = \"both\" }]\n";
    let sheet = Sheet::parse(text).unwrap();
    let exported = export(&sheet, &mut |_| Err(String::new())).mapping.to_string();
    let changed = exported
        .replace("(X == 1)", "(X == 2)")
        .replace("\"destinationField\":\"n\"", "\"destinationField\":\"m\"");
    let imported = import(&Definition::parse(&changed).unwrap(), &Aids::default());
    assert_eq!(imported.sheet.header["filter"]["finops"].as_str(), Some("X eq 2"));
    assert_eq!(imported.sheet.fields[0]["dataverse"].as_str(), Some("m"));
    let told: Vec<&str> = imported.remarks.iter().map(|remark| remark.subject.as_str()).collect();
    assert_eq!(told, ["N ↔ m", "filter"], "{:?}", imported.remarks);
}

fn column() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_]{0,6}"
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::String),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
        Just(Value::String("true".into())),
        Just(Value::String("007".into())),
        Just(Value::String("3".into())),
    ]
}

fn set() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any::<String>(), scalar(), 1..4)
        .prop_map(|pairs| Value::Table(pairs.into_iter().collect()))
}

fn line() -> impl Strategy<Value = Table> {
    let some = |value: Value| Just(Some(value));
    let text = |word: &str| Value::String(word.to_owned());
    (
        prop::option::of(column().prop_map(Value::String)),
        prop::option::of("[a-z]{1,5}(\\.[a-z]{1,5}){0,2}".prop_map(Value::String)),
        prop_oneof![Just(None), some(text("to-dataverse")), some(text("to-finops")), some(text("both"))],
        prop::option::of(scalar()),
        prop::option::of(set()),
        // Words that the language may learn.
        prop::option::of(prop_oneof![scalar(), set(), Just(Value::Array(vec![Value::Integer(1)]))]),
    )
        .prop_map(|(finops, dataverse, direction, default, values, new)| {
            let words = [
                ("finops", finops),
                ("dataverse", dataverse),
                ("direction", direction),
                ("default", default),
                ("values", values),
                ("learnt", new),
            ];
            words.into_iter().filter_map(|(word, value)| Some((word.to_owned(), value?))).collect()
        })
}

fn sheet() -> impl Strategy<Value = Sheet> {
    let pair = (column(), column());
    let filter = prop_oneof![
        Just("A eq 'x' and not (B gt 1.5)".to_owned()),
        Just("A in (1,2)".to_owned()),
        Just("no filter at all".to_owned()),
        any::<String>()
    ];
    (
        prop::collection::vec(pair, 0..3),
        prop::option::of(filter),
        prop::collection::vec(line(), 0..6),
        prop::option::of(prop_oneof![scalar(), set()]),
        any::<String>(),
    )
        .prop_map(|(pairs, filter, fields, word, about)| {
            let mut header: Table = [
                ("name", "a"),
                ("version", "1.2.3"),
                ("finops", "Ab"),
                ("dataverse", "c"),
                ("about", &about),
            ]
            .into_iter()
            .map(|(word, text)| (word.to_owned(), Value::String(text.to_owned())))
            .collect();
            header.insert("key".into(), crate::dual_write::key::value(&pairs));
            if let Some(filter) = filter {
                let both = [("finops", filter.clone()), ("dataverse", filter)];
                let table =
                    both.into_iter().map(|(side, text)| (side.to_owned(), Value::String(text))).collect();
                header.insert("filter".into(), Value::Table(table));
            }
            header.extend(word.map(|word| ("learnt".to_owned(), word)));
            Sheet { header, fields }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn import_of_export_is_the_map(sheet in sheet()) {
        let exported = export(&sheet, &mut |_| Err(String::new()));
        let definition = Definition::parse(&exported.mapping.to_string()).unwrap();
        prop_assert_eq!(import(&definition, &Aids::default()).sheet, sheet);
    }

    #[test]
    fn a_sheet_is_read_as_it_is_printed(sheet in sheet()) {
        prop_assert_eq!(Sheet::parse(&sheet.to_text(&["one\ntwo".to_owned()])).unwrap(), sheet);
    }
}
