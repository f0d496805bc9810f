use clap::{CommandFactory, Parser};

use super::Arguments;

const PAGES: [(&str, &str); 3] = [
    ("README.md", include_str!("../../../../README.md")),
    ("CONTRIBUTING.md", include_str!("../../../../CONTRIBUTING.md")),
    ("the configuration template", crate::config::TEMPLATE),
];

/// The words of every `dualwright …` line of a page, whether typed by itself or through cargo.
fn command_lines(page: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    // What stands between backquotes may be broken over two lines; elsewhere a command is a line.
    let parts = page.split('`').enumerate().flat_map(|(number, part)| match number % 2 {
        1 => vec![part.replace('\n', " ")],
        _ => part.split(['\n', '#']).map(str::to_owned).collect(),
    });
    for quoted in parts {
        let line =
            quoted.trim().trim_start_matches("Check it with:").trim_start_matches("Run it with:").trim();
        let rest = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("dualwright "));
        if let Some(rest) = rest {
            lines.push(
                std::iter::once("dualwright").chain(rest.split_whitespace()).map(str::to_owned).collect(),
            );
        }
    }
    lines
}

fn subcommands(command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        found.push((child.get_name().to_owned(), child.clone()));
        subcommands(child, found);
    }
}

#[test]
fn the_command_line_is_well_formed() {
    Arguments::command().debug_assert();
}

#[test]
fn every_command_has_a_description_and_an_example() {
    let mut found = Vec::new();
    subcommands(&Arguments::command(), &mut found);
    assert!(found.len() >= 3);
    for (name, mut command) in found {
        assert!(command.get_about().is_some(), "{name} says nothing of itself");
        let group = command.get_subcommands().next().is_some();
        let help = command.render_long_help().to_string();
        assert!(group || help.contains("Example"), "{name} --help has no example");
    }
}

#[test]
fn the_pages_show_commands_that_exist() {
    for (name, page) in PAGES {
        let lines = command_lines(page);
        assert!(!lines.is_empty(), "{name} shows no command");
        for words in lines {
            let parsed = Arguments::try_parse_from(&words);
            assert!(parsed.is_ok(), "{name}: {}\n{}", words.join(" "), parsed.unwrap_err());
        }
    }
}

#[test]
fn the_map_in_the_readme_is_a_map() {
    let (_, readme) = PAGES[0];
    let lines =
        readme.lines().skip_while(|line| *line != "    [map]").take_while(|line| line.starts_with("    "));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.toml");
    std::fs::write(&path, lines.map(|line| format!("{}\n", line.trim_start())).collect::<String>()).unwrap();
    let manifest = dualwright_map_builder::manifest::read(&path).unwrap();
    assert_eq!(dualwright_map_builder::describe(&manifest.map).key.len(), 2);
}

#[test]
fn wrong_words_end_in_exit_code_two() {
    for words in [&["dualwright", "dance"][..], &["dualwright", "init", "--nix"], &["dualwright"]] {
        assert_eq!(Arguments::try_parse_from(words).unwrap_err().exit_code(), 2, "{words:?}");
    }
}

#[test]
fn the_version_to_reapply_is_named_once() {
    let parse = |words: &str| {
        Arguments::try_parse_from(
            ["dualwright", "plugin", "reapply", "map"].into_iter().chain(words.split_whitespace()),
        )
    };
    for good in ["--version 1.1.0", "1.1.0", "--version=1.1.0 --address http://127.0.0.1:1"] {
        assert!(parse(good).is_ok(), "{good}");
    }
    for bad in ["", "1.1.0 --version 1.0.0", "--version"] {
        let refused = parse(bad).unwrap_err();
        assert_eq!(refused.exit_code(), 2, "{bad}");
        assert!(refused.to_string().contains("--version <VERSION>"), "{refused}");
    }
}
