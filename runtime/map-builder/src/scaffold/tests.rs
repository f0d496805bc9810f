use super::{ScaffoldError, TEMPLATES, check_name, create, template};

#[test]
fn names_that_would_break_later_are_refused_now() {
    for good in ["a", "customer-groups", "v2-customers"] {
        check_name(good).unwrap();
    }
    let long = "a".repeat(65);
    for bad in ["", "Customer", "a b", "../a", "a/b", "1a", "-a", "a-", "a--b", "ünits", "test", &long] {
        assert!(matches!(check_name(bad), Err(ScaffoldError::Name { .. })), "{bad}");
    }
}

#[test]
fn every_template_is_written_whole_and_without_a_placeholder_left() {
    for template in TEMPLATES {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("unit-prices");
        let written = create(&project, "unit-prices", template).unwrap();
        assert!(written.contains(&project.join("README.md")), "{}", template.language);
        assert!(
            written.iter().any(|path| path.starts_with(project.join("fixtures"))),
            "{}",
            template.language
        );
        for path in written {
            let text = std::fs::read_to_string(&path).unwrap();
            let open = ["{{name", "{{wit"].iter().any(|mark| text.contains(mark));
            assert!(!open, "{} still has a placeholder", path.display());
        }
    }
    assert!(template("cobol").unwrap_err().to_string().contains("table, rust"));
}

#[test]
fn what_is_there_already_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let table = template("table").unwrap();
    create(folder.path(), "units", table).unwrap();
    let before = std::fs::read_to_string(folder.path().join("map.toml")).unwrap();
    assert!(matches!(create(folder.path(), "other", table), Err(ScaffoldError::Occupied { .. })));
    assert_eq!(std::fs::read_to_string(folder.path().join("map.toml")).unwrap(), before);
    let file = folder.path().join("map.toml");
    assert!(matches!(create(&file, "units", table), Err(ScaffoldError::Occupied { .. })));
}
