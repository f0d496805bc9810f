use proptest::prelude::*;

use super::pattern;
use crate::compile::{CompiledMap, Problem, compile, parse};
use crate::program::Stage;

const MAP: &str = r#"
[map]
name = "customers"
version = "1.0.0"
finops = "CustomersV3"
dataverse = "accounts"
key = [ { finops = "CustomerAccount", dataverse = "accountnumber" } ]
field = [
  { finops = "Name", dataverse = "name" },
  { finops = "Limit", dataverse = "limit", direction = "to-dataverse" },
]
"#;

fn try_compile(text: &str) -> Result<CompiledMap, Vec<Problem>> {
    let file = parse(text).map_err(|problem| vec![problem])?;
    compile(&file, &mut |_| Err("none".to_owned()))
}

/// What is wrong with a rule: the place in the file, and the sentence.
fn refused(rule: &str) -> Vec<(String, String)> {
    let text = format!("{MAP}\n[[rule]]\n{rule}\n");
    let problems = try_compile(&text).expect_err(rule);
    problems.into_iter().map(|problem| (text[problem.span].to_owned(), problem.message)).collect()
}

#[track_caller]
fn check(rule: &str, at: &str, message: &str) {
    let found = refused(rule);
    assert_eq!(found, [(at.to_owned(), message.to_owned())], "{rule}");
}

#[test]
fn a_bad_rule_is_refused_where_it_stands() {
    let whole = |rule: &str, message: &str| {
        let found = refused(rule);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].1, message);
        assert!(found[0].0.starts_with("[[rule]]"), "{found:?}");
    };
    whole("finops = 'Name'", "this rule asks nothing");
    whole(
        "finops = 'Name'\nrequired = true\nunique = true",
        "this rule asks several things: required, unique",
    );
    whole("required = true", "this rule names no column");
    whole("expression = 'Name is null'", "this expression would be about both legs");
    whole(
        "finops = 'Name'\ndirection = 'to-finops'\nrequired = true",
        "in this direction the column is written, and the rule looks at what was captured",
    );
    whole(
        "finops = 'Name'\ndirection = 'to-dataverse'\nstage = 'mapped'\nrequired = true",
        "in this direction the column is read, and the rule looks at what is written",
    );
    check("finops = 'Na me'\nrequired = true", "'Na me'", "\"Na me\" is not a column");
    check(
        "dataverse = 'nam'\ndirection = 'to-dataverse'\nstage = 'mapped'\nrequired = true",
        "'nam'",
        "the map does not write nam on this leg; it writes: accountnumber, name, limit",
    );
    check("finops = 'Name'\nrequired = false", "false", "`required = false` asks nothing");
    check("finops = 'Name'\none-of = []", "[]", "nothing can be one of no values");
    check(
        "finops = 'Limit'\nrange = { min = 5, max = '4.99' }",
        "{ min = 5, max = '4.99' }",
        "`min` is larger than `max`",
    );
    check("finops = 'Limit'\nrange = {}", "{}", "a range needs a bound");
    check("finops = 'Limit'\nrange = { min = 'low' }", "'low'", "a bound is a number or a day");
    check(
        "finops = 'Limit'\nrange = { min = 1, max = '2026-01-31' }",
        "{ min = 1, max = '2026-01-31' }",
        "one bound is a number and the other a day",
    );
    check(
        "finops = 'Name'\nlength = { min = 3, max = 2 }",
        "{ min = 3, max = 2 }",
        "`min` is larger than `max`",
    );
    check("finops = 'Name'\nlength = {}", "{}", "a length needs a bound");
    check(
        "finops = 'Name'\npattern = 'a{3'",
        "{3",
        "this is not a regular expression: unclosed counted repetition",
    );
    check(
        "finops = 'Name'\npattern = '\\bx'",
        "'\\bx'",
        "a pattern fits a whole text: word and line boundaries are not understood",
    );
    check(
        "finops = 'Name'\npattern = '(a{100}){100}'",
        "'(a{100}){100}'",
        "this regular expression becomes more than 2000 steps: use `length` instead of large repetitions",
    );
    check("finops = 'Name'\nrequired = true\ncode = 'No Name'", "'No Name'", "\"No Name\" is not a code");
    check("finops = 'Name'\nrequired = true\nmessage = ' '", "' '", "a message has from 1 to 300 characters");
    let float = refused("finops = 'Limit'\nrange = { min = 0.5 }");
    assert!(float[0].1.contains("write a number with a fraction as text"), "{float:?}");
}

#[test]
fn a_bad_expression_is_refused_at_the_word_that_is_wrong() {
    let at = |expression: &str, at: &str, message: &str| {
        check(&format!("direction = 'to-dataverse'\nexpression = \"{expression}\""), at, message);
    };
    at("Limit >", "\"", "something is missing at the end");
    at("Limit > 5 Name", "Name", "this does not belong here");
    at("Limit == 5", "==", "`==` is not a comparison");
    at("Limit = null", "null", "null is equal to nothing");
    at("Limit > 'a'", "Limit > 'a'", "text has no order: only numbers, days and moments have");
    at("Limit > 5 and 'a'", "Limit > 5 and 'a'", "`and` needs yes or no, and this is text");
    at("Limit + 1", "Limit + 1", "a rule needs yes or no, and this is a number");
    at("5 = 'a'", "5 = 'a'", "a number cannot be compared with text");
    at("length(5) > 1", "5", "`length` needs text, and this is a number");
    at("upper(Name) = 'A'", "upper", "there is no function upper");
    at("Name in ('a', Limit)", "Limit", "only values can stand in this list");
    at("Name in ('a'", "\"", "`,` or `)` must stand here");
    at("(Limit > 5", "\"", "`)` must stand here");
    at("Limit > 5 & Name = 'a'", "&", "this sign means nothing here");
    at("Name = 'a", "'a", "this text does not end");
    at("Since > date '2026-02-30'", "'2026-02-30'", "this is not a day");
    at("(Limit + 1) is null", "Limit + 1", "only a column can be null");
    at("Limit > 1.2.3", "1.2.3", "this is not a number of at most 38 digits");
    at("a..b = 1", "a..b", "\"a..b\" is not a column");
    let deep = format!("direction = 'to-dataverse'\nexpression = '{}Limit > 1'", "(".repeat(60));
    assert_eq!(refused(&deep)[0].1, "this is nested too deeply");
    let long = format!("direction = 'to-dataverse'\nexpression = '{}'", ["Limit > 1"; 200].join(" and "));
    assert_eq!(refused(&long)[0].1, "more than 500 terms");
}

#[test]
fn rules_say_themselves_in_a_sentence() {
    let sentence = |rule: &str| {
        let map = try_compile(&format!("{MAP}\n[[rule]]\ndirection = 'to-dataverse'\n{rule}\n")).unwrap();
        let check = &map.programs[0].checks[0];
        format!("[{}] {}", check.code, check.message)
    };
    for (rule, expect) in [
        ("finops = 'Name'\nrequired = true", "[required] Name must not be empty"),
        (
            "finops = 'Name'\nunique = true",
            "[unique] Name must be unique, and a record before this one has the same value",
        ),
        ("finops = 'Name'\none-of = ['A', 1, true]", "[one-of] Name must be one of: A, 1, true"),
        ("finops = 'Limit'\nrange = { min = 0, max = '9.50' }", "[range] Limit must be from 0 to 9.50"),
        ("finops = 'Limit'\nrange = { min = '2026-01-31' }", "[range] Limit must be at least 2026-01-31"),
        ("finops = 'Limit'\nrange = { max = 7 }", "[range] Limit must be at most 7"),
        ("finops = 'Name'\nlength = { min = 4, max = 4 }", "[length] Name must have exactly 4 characters"),
        ("finops = 'Name'\nlength = { min = 1, max = 4 }", "[length] Name must have from 1 to 4 characters"),
        ("finops = 'Name'\nlength = { max = 4 }", "[length] Name must have at most 4 characters"),
        ("finops = 'Name'\nlength = { min = 4 }", "[length] Name must have at least 4 characters"),
        ("finops = 'Name'\npattern = '[A-Z]+'", "[pattern] Name does not have the form [A-Z]+"),
        ("expression = ' Limit > 0 '", "[expression] this must hold: Limit > 0"),
        ("finops = 'Name'\nrequired = true\ncode = 'a-b'\nmessage = 'Say.'", "[a-b] Say."),
    ] {
        assert_eq!(sentence(rule), expect);
    }
    let many: Vec<String> = (1..=23).map(|number| number.to_string()).collect();
    let sentence = sentence(&format!("finops = 'Limit'\none-of = [{}]", many.join(", ")));
    assert!(sentence.ends_with("19, 20, and 3 more"), "{sentence}");
}

#[test]
fn a_rule_is_about_the_leg_that_its_side_and_stage_imply() {
    let rules = "[[rule]]\nfinops = 'Name'\ndataverse = 'name'\nrequired = true\n\
                 [[rule]]\nfinops = 'name'\nstage = 'mapped'\nlength = { max = 9 }\n\
                 [[rule]]\nfinops = 'Blocked'\none-of = ['No']\n";
    let map = try_compile(&format!("{MAP}\n{rules}")).unwrap();
    let [to_dataverse, to_finops] = map.programs.as_slice() else { panic!() };
    let checks = |program: &crate::program::Program<'_>| {
        program
            .checks
            .iter()
            .map(|check| (check.stage, check.position, check.field.clone().unwrap().into_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        checks(to_dataverse),
        [(Stage::Captured, 1, "Name".to_owned()), (Stage::Captured, 3, "Blocked".to_owned())]
    );
    assert_eq!(
        checks(to_finops),
        [(Stage::Captured, 1, "name".to_owned()), (Stage::Mapped, 1, "name".to_owned())]
    );
    let reads = &map.description.legs[0].reads;
    assert_eq!(reads, &["CustomerAccount", "Name", "Limit", "Blocked"], "what a rule looks at is read");
    assert_eq!(map.description.legs[0].writes, ["accountnumber", "name", "limit"]);
    let listed = MAP.replace("field = [", "rule = [ { finops = \"Name\", required = true } ]\nfield = [");
    assert_eq!(try_compile(&listed).unwrap().programs[0].checks.len(), 1, "`map.rule` is the same list");
}

/// What the page of the language shows can be written.
#[test]
fn the_examples_of_the_page_are_rules() {
    let page = include_str!("../../../README.md");
    let map = MAP
        .replace("\"Limit\"", "\"CreditLimit\"")
        .replace("\"limit\", direction = \"to-dataverse\"", "\"limit\"");
    let blocks: Vec<String> = page
        .split("\n\n")
        .filter(|block| block.starts_with("    [[rule]]") || block.starts_with("    rule = ["))
        .map(|block| block.lines().map(|line| format!("{}\n", line.trim_start())).collect())
        .collect();
    let words = page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 4);
    let words: Vec<String> = words
        .filter_map(|line| line.trim_end_matches("` |").rsplit_once("| `"))
        .filter(|(_, example)| example.contains(" = "))
        .map(|(_, example)| format!("[[rule]]\nfinops = \"CreditLimit\"\n{example}\n"))
        .collect();
    assert_eq!((blocks.len(), words.len()), (5, 7), "{blocks:?} {words:?}");
    for rule in blocks.iter().chain(&words) {
        let text = match rule.starts_with("rule") {
            true => map.replace("field = [", &format!("{rule}field = [")),
            false => format!("{map}\n{rule}"),
        };
        let compiled = try_compile(&text).unwrap_or_else(|problems| panic!("{rule}: {problems:?}"));
        assert_eq!(compiled.programs.iter().map(|program| program.checks.len()).sum::<usize>(), 1, "{rule}");
    }
}

fn fits(expression: &str, text: &str) -> bool {
    match pattern::compile(expression) {
        Ok(pattern) => pattern.fits(text),
        Err(unfit) => panic!("{expression}: {}", unfit.message),
    }
}

#[test]
fn patterns_fit_whole_texts() {
    for (expression, good, bad) in [
        ("", vec![""], vec!["a"]),
        ("a|bc", vec!["a", "bc"], vec!["ab", "b", "abc", ""]),
        ("a|bc|d*", vec!["a", "bc", "", "ddd"], vec!["add", "bcd"]),
        ("^[A-Z]{2}[0-9]{2,4}$", vec!["DK12", "DK1234"], vec!["DK1", "DK12345", "dk12"]),
        ("(?i)usmf", vec!["USMF", "UsMf"], vec!["USM"]),
        ("[^ø]+", vec!["Æ", "ab"], vec!["ø", "aøb", ""]),
        (r"\p{Lu}\w*", vec!["Ærø"], vec!["ærø", "Æ-"]),
        (".{1,3}", vec!["a", "ÆØÅ"], vec!["", "abcd", "\n"]),
        ("(a*)*b", vec!["b", "aab"], vec!["a"]),
        ("(a?){3}", vec!["", "aaa"], vec!["aaaa"]),
        ("(^a|b)*", vec!["", "abb", "b"], vec!["ba"]),
        (r"[\w.+-]+@[\w-]+(\.[\w-]+)+", vec!["a.b@c.dk"], vec!["a@b", "a b@c.dk"]),
    ] {
        for text in good {
            assert!(fits(expression, text), "{expression} {text}");
        }
        for text in bad {
            assert!(!fits(expression, text), "{expression} {text}");
        }
    }
}

#[test]
fn no_pattern_is_slow() {
    // With an engine that tries one way after the other, each of these takes longer than the universe is old.
    for expression in ["(a*)*(a*)*c", "(a|a|aa)+c", "(a?){60}a{60}"] {
        assert!(!fits(expression, &format!("{}b", "a".repeat(5_000))));
    }
    assert!(fits("a*", &"a".repeat(65_536)));
    assert!(!fits("a*", &"a".repeat(65_537)), "a text beyond the limit never fits");
}

proptest! {
    /// The same as the reference engine, on texts and expressions that are likely to meet.
    #[test]
    fn patterns_do_what_regular_expressions_do(
        expression in "(\\(?[abc.]\\)?[*+?]?|[ab]\\|[bc]|\\[[a-c]{1,2}\\]\\{1,2\\}|\\(a\\|b[*?]\\)[+?]?){0,5}",
        text in "[abcd]{0,7}",
    ) {
        // By itself as well: `a)(b` is one in these brackets only.
        if let (Ok(_), Ok(reference)) =
            (regex::Regex::new(&expression), regex::Regex::new(&format!("^(?:{expression})$")))
        {
            prop_assert_eq!(fits(&expression, &text), reference.is_match(&text), "{} {}", expression, text);
        }
    }

    #[test]
    fn any_text_is_read_as_a_rule_without_harm(text in ".{0,40}") {
        let quoted = toml::Value::String(text).to_string();
        for word in ["pattern", "expression"] {
            let rule = format!("{MAP}\n[[rule]]\nfinops = 'Name'\n{word} = {quoted}\n");
            if let Err(problems) = try_compile(&rule) {
                prop_assert!(problems.iter().all(|problem| rule.get(problem.span.clone()).is_some()), "{:?}", problems);
            }
        }
    }
}
