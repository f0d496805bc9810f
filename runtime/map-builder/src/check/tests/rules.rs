//! Rules against schemas.

use super::*;

/// The findings of the map with these rules.
fn with_rules(rules: &str) -> Vec<Finding> {
    let mut finops = customers();
    for extra in [
        column("Since", ColumnType::Date),
        column("Changed", ColumnType::Timestamp),
        column("Flag", ColumnType::Boolean),
        column(
            "Blocked",
            ColumnType::Enum { name: "NoYes".into(), members: vec!["No".into(), "Yes".into()] },
        ),
    ] {
        finops.columns.insert(extra.name.to_lowercase(), extra);
    }
    findings(&format!("{MAP}\n{rules}"), &finops, &accounts())
}

fn rule(column: &str, rest: &str) -> String {
    format!("[[rule]]\nfinops = {column:?}\n{rest}\n")
}

fn expression(text: &str) -> String {
    format!("[[rule]]\ndirection = \"to-dataverse\"\nexpression = \"{text}\"\n")
}

#[track_caller]
fn refused(rules: &str, field: &str, code: &str, message: &str) {
    let found = with_rules(rules);
    assert_eq!(found.len(), 1, "{found:?}");
    is(&found[0], Severity::Error, System::Finops, code);
    assert_eq!(found[0].field.as_ref().unwrap().as_str(), field);
    assert_eq!(found[0].message, message);
    assert_eq!(found[0].map.as_str(), "customers-accounts");
}

#[test]
fn rules_that_fit_the_schema_have_no_findings() {
    for rules in [
        rule("CreditLimit", "range = { min = 0, max = \"10.50\" }"),
        rule("Since", "range = { min = \"2000-01-01\" }"),
        rule("OrganizationName", "length = { max = 60 }"),
        rule("OnHoldStatus", "one-of = [\"no\", \"All\"]"),
        rule("OnHoldStatus", "pattern = 'No|All'"),
        rule("CreditLimit", "one-of = [1, \"2.50\"]"),
        rule("Flag", "one-of = [true]"),
        rule("Blocked", "unique = true"),
        expression("Since <= Changed and CreditLimit * 2 > 1 and not Flag"),
        expression("Blocked = 'No' or Blocked = false or Flag"),
        "[[rule]]\ndataverse = \"msdyn_onholdstatus\"\ndirection = \"to-dataverse\"\nstage = \"mapped\"\none-of = [0]\n".into(),
    ] {
        assert_eq!(with_rules(&rules), [], "{rules}");
    }
}

#[test]
fn rules_that_the_schema_contradicts_are_refused() {
    refused(
        &rule("OrganizationNam", "required = true"),
        "OrganizationNam",
        "unknown-column",
        "CustomersV3 has no column OrganizationNam",
    );
    refused(
        &rule("OrganizationName", "range = { min = 1 }"),
        "OrganizationName",
        "rule-type-mismatch",
        "the rule range takes OrganizationName for a number, and it holds text",
    );
    refused(
        &rule("CreditLimit", "length = { max = 9 }\ncode = \"short\""),
        "CreditLimit",
        "rule-type-mismatch",
        "the rule short takes CreditLimit for text, and it holds a decimal number",
    );
    let found = with_rules(&rule("OnHoldStatus", "one-of = [\"Alle\"]"));
    is(&found[0], Severity::Error, System::Finops, "rule-bad-value");
    assert!(
        found[0].message.starts_with("the rule one-of allows OnHoldStatus a value that it cannot hold: "),
        "{found:?}"
    );
    refused(
        &expression("OrganizationName > CreditLimit"),
        "OrganizationName",
        "rule-type-mismatch",
        "the rule expression puts OrganizationName in order, and it holds text, which has none",
    );
    refused(
        &expression("Since = CreditLimit"),
        "Since",
        "rule-type-mismatch",
        "the rule expression compares Since with CreditLimit, and they hold a date and a decimal number",
    );
    refused(
        &expression("OnHoldStatus = true"),
        "OnHoldStatus",
        "rule-type-mismatch",
        "the rule expression takes OnHoldStatus for yes or no, and it holds a member of CustVendorBlocked",
    );
}
