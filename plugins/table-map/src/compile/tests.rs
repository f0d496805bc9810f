use dualwright_sdk::{Cell, Change, Leg, Operation, Outcome};

use super::{CompiledMap, compile, parse};
use crate::table::Scalar;
use crate::{encode, eval};

const CUSTOMERS: &str = r#"
[map]
name = "customers-accounts"
version = "1.0.0"
about = "Customers that are organizations, as accounts."
finops = "CustomersV3"
dataverse = "accounts"
key = [ { finops = "dataAreaId", dataverse = "msdyn_company.cdm_companycode" }, { finops = "CustomerAccount", dataverse = "accountnumber" } ]
filter = { finops = "PartyType eq 'Organization'", dataverse = "customertypecode eq 3" }
on-delete = { dataverse = { statecode = 1 } }
needs = ["customer-groups"]
field = [
  { finops = "OrganizationName", dataverse = "name" },
  { finops = "LanguageId", direction = "to-finops", default = "en-us" },
  { finops = "OnHoldStatus", dataverse = "msdyn_onholdstatus", values = { No = 806380000, Invoice = 806380001 } },
  { finops = "IsOneTimeCustomer", dataverse = "msdyn_onetimecustomer", values = "yes-no" },
  { finops = "SalesMemo", dataverse = "description", direction = "to-dataverse", default = "none" },
  { dataverse = "customertypecode", direction = "to-dataverse", default = 3 },
]
"#;

fn try_compile(text: &str) -> Result<CompiledMap, Vec<super::Problem>> {
    let file = parse(text).map_err(|problem| vec![problem])?;
    compile(&file, &mut |name| match name {
        "yes-no" => Ok(vec![("No".into(), Scalar::Boolean(false)), ("Yes".into(), Scalar::Boolean(true))]),
        _ => Err(format!("there is no value set {name}")),
    })
}

fn run(map: &CompiledMap, leg: Leg, operation: Operation, cells: Vec<Cell>) -> Outcome {
    let bytes = map.encode();
    let program = encode::program(&bytes, leg).unwrap();
    eval::transform(&program, vec![Change { operation, cells }]).pop().unwrap()
}

#[test]
fn the_description_names_what_is_read_and_written() {
    let map = try_compile(CUSTOMERS).unwrap();
    let description = encode::description(&map.encode()).unwrap();
    assert_eq!(description, map.description);
    let to_dataverse = &description.legs[0];
    assert_eq!(
        to_dataverse.reads,
        [
            "dataAreaId",
            "CustomerAccount",
            "OrganizationName",
            "OnHoldStatus",
            "IsOneTimeCustomer",
            "SalesMemo",
            "PartyType"
        ]
    );
    assert_eq!(
        to_dataverse.writes,
        [
            "msdyn_company.cdm_companycode",
            "accountnumber",
            "name",
            "msdyn_onholdstatus",
            "msdyn_onetimecustomer",
            "description",
            "customertypecode",
            "statecode"
        ]
    );
    let to_finops = &description.legs[1];
    assert_eq!(to_finops.filter.as_deref(), Some("customertypecode eq 3"));
    assert!(to_finops.reads.contains(&"customertypecode".to_owned()), "the filter's column must be read");
    assert!(to_finops.writes.contains(&"LanguageId".to_owned()));
    assert_eq!(description.two_way.len(), 5, "two keys and three fields");
    assert_eq!(description.needs, ["customer-groups"]);
}

#[test]
fn a_row_goes_out() {
    let map = try_compile(CUSTOMERS).unwrap();
    let cells = vec![
        "USMF".into(),
        "C-1".into(),
        "Ørsted".into(),
        "invoice".into(),
        "Yes".into(),
        "".into(),
        "Organization".into(),
    ];
    assert_eq!(
        run(&map, Leg::ToDataverse, Operation::Upsert, cells),
        Outcome::Upsert(vec![
            "USMF".into(),
            "C-1".into(),
            "Ørsted".into(),
            Cell::Integer(806380001),
            Cell::Boolean(true),
            "none".into(),
            Cell::Integer(3),
            Cell::Absent,
        ])
    );
}

#[test]
fn absent_null_empty_and_zero_stay_apart() {
    let map = try_compile(CUSTOMERS).unwrap();
    let outcome = |name: Cell| match run(
        &map,
        Leg::ToDataverse,
        Operation::Upsert,
        vec!["USMF".into(), "C-1".into(), name.clone(), name, Cell::Absent, Cell::Absent],
    ) {
        Outcome::Upsert(cells) => (cells[2].clone(), cells[3].clone(), cells[4].clone(), cells[5].clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(Cell::Absent), (Cell::Absent, Cell::Absent, Cell::Absent, Cell::Absent));
    assert_eq!(outcome(Cell::Null), (Cell::Null, Cell::Null, Cell::Absent, Cell::Absent));
    assert_eq!(outcome("".into()), ("".into(), Cell::Null, Cell::Absent, Cell::Absent));
    for zero in [Cell::Integer(0), Cell::Decimal("0.00".into()), Cell::Boolean(false)] {
        let cells = vec!["USMF".into(), "C-1".into(), zero.clone(), Cell::Absent, Cell::Absent, zero.clone()];
        let Outcome::Upsert(cells) = run(&map, Leg::ToDataverse, Operation::Upsert, cells) else { panic!() };
        assert_eq!(cells[2], zero, "zero is a value");
        assert_eq!(cells[5], zero, "a default does not replace zero");
    }
}

#[test]
fn a_value_outside_the_set_is_refused_without_being_told() {
    let map = try_compile(CUSTOMERS).unwrap();
    let cells = vec!["USMF".into(), "C-1".into(), Cell::Null, "secret".into(), "maybe".into()];
    let Outcome::Reject(violations) = run(&map, Leg::ToDataverse, Operation::Upsert, cells) else { panic!() };
    assert_eq!(violations.len(), 2);
    assert_eq!(violations[0].field.as_deref(), Some("OnHoldStatus"));
    assert_eq!(violations[0].code, "unmapped-value");
    assert!(violations[0].message.contains("Invoice, No"), "{}", violations[0].message);
    assert!(!violations[0].message.contains("secret"));
}

#[test]
fn deletes_follow_the_policy() {
    let map = try_compile(CUSTOMERS).unwrap();
    let key: Vec<Cell> = vec!["USMF".into(), "C-1".into()];
    let Outcome::Upsert(cells) = run(&map, Leg::ToDataverse, Operation::Delete, key.clone()) else {
        panic!()
    };
    assert_eq!(cells.iter().filter(|cell| !cell.is_absent()).count(), 3, "the key and the mark");
    assert_eq!(cells[7], Cell::Integer(1));
    assert_eq!(run(&map, Leg::ToFinops, Operation::Delete, key.clone()), Outcome::Delete);
    let ignoring =
        CUSTOMERS.replace("on-delete = { dataverse = { statecode = 1 } }", "on-delete = \"ignore\"");
    let ignoring = try_compile(&ignoring).unwrap();
    assert!(matches!(run(&ignoring, Leg::ToDataverse, Operation::Delete, key), Outcome::Skip(_)));
}

#[test]
fn an_entry_for_the_empty_text_speaks_for_null_and_empty() {
    let text = CUSTOMERS.replace("values = { No", "values = { \"\" = 7, No");
    let map = try_compile(&text).unwrap();
    for empty in [Cell::Null, "".into()] {
        let cells = vec!["USMF".into(), "C-1".into(), Cell::Absent, empty];
        let Outcome::Upsert(cells) = run(&map, Leg::ToDataverse, Operation::Upsert, cells) else { panic!() };
        assert_eq!(cells[3], Cell::Integer(7));
    }
}

#[test]
fn legs_come_from_the_fields_unless_they_are_named() {
    let legs = |text: &str| {
        try_compile(text).unwrap().description.legs.iter().map(|leg| leg.leg).collect::<Vec<_>>()
    };
    let map = |rest: &str| {
        format!(
            "[map]\nname = \"m\"\nversion = \"1.0.0\"\nfinops = \"A\"\ndataverse = \"b\"\n\
             key = [{{ finops = \"Id\", dataverse = \"id\" }}]\n{rest}"
        )
    };
    assert_eq!(legs(&map("")), [Leg::ToDataverse]);
    assert_eq!(legs(&map("legs = [\"to-finops\"]")), [Leg::ToFinops]);
    assert_eq!(legs(&map("field = [{ dataverse = \"x\", default = 1 }]")), [Leg::ToDataverse]);
    assert_eq!(legs(&map("[[field]]\nfinops = \"X\"\ndataverse = \"x\"")), [Leg::ToDataverse, Leg::ToFinops]);
    // One leg only: a set that many values share, and a default, need no direction of their own.
    let one_way = "legs = [\"to-dataverse\"]\n[[field]]\nfinops = \"X\"\ndataverse = \"x\"\ndefault = 0\nvalues = { A = 1, B = 1 }";
    assert_eq!(legs(&map(one_way)), [Leg::ToDataverse]);
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    fn check(from: &str, to: &str, at: &str, message: &str) {
        let text = CUSTOMERS.replace(from, to);
        assert_ne!(text, CUSTOMERS, "{from}");
        let problems = try_compile(&text).unwrap_err();
        let found = problems
            .iter()
            .any(|problem| problem.message.contains(message) && text[problem.span.clone()].contains(at));
        assert!(found, "{message} at {at}: {problems:?}");
    }
    check(
        "dataverse = \"name\"",
        "dataverse = \"accountnumber\"",
        "OrganizationName",
        "accountnumber is written twice",
    );
    check("dataverse = \"name\"", "dataverse = \"na me\"", "na me", "is not a column");
    check("version = \"1.0.0\"", "version = \"1.0\"", "1.0", "is not a version");
    check("\"customers-accounts\"", "\"Customers Accounts\"", "Customers Accounts", "is not a map's name");
    check("\"yes-no\"", "\"yes-yes\"", "yes-yes", "there is no value set yes-yes");
    check("Invoice = 806380001", "Invoice = 806380000", "Invoice", "stands for both \"Invoice\" and \"No\"");
    check("Invoice = 806380001", "no = 806380001", "no = 8", "stands for both");
    check("\"to-finops\"", "\"to-dataverse\"", "to-dataverse", "can only go there");
    check("\"to-finops\"", "\"sideways\"", "sideways", "unknown variant");
    check(
        "direction = \"to-dataverse\", default = \"none\"",
        "default = \"none\"",
        "none",
        "a default needs a direction",
    );
    check("dataverse = \"name\"", "dataverze = \"name\"", "dataverze", "unknown field");
    check("default = 3", "default = 3.5", "3.5", "write a number with a fraction as text");
    check(", default = \"en-us\"", "", "LanguageId", "nothing says what finops gets");
    check("statecode = 1", "accountnumber = 1", "accountnumber", "cannot change the key column");
    check("'Organization'", "'Organization", "Organization", "does not end");
    check("key = [ {", "key = [ ] # {", "[ ]", "a map needs a key");
    check(
        "needs = [\"customer-groups\"]",
        "needs = [\"customers-accounts\"]",
        "customers",
        "cannot need itself",
    );
    check(
        "default = 3 ",
        "default = 3, unlisted = \"keep\" ",
        "keep",
        "only a field with a value set has unlisted values",
    );
    check("dataverse = \"name\"", "dataverse = \"name\", cut = 160", "160", "a cut needs a direction");
    check(
        "dataverse = \"name\"",
        "dataverse = \"name\", direction = \"to-dataverse\", cut = 0",
        "0",
        "at least one character",
    );
    check("field = [", "legs = [\"to-dataverse\"]\nfield = [", "LanguageId", "no leg to");
}

const ADDRESSES: &str = r#"
[map]
name = "addresses"
version = "1.0.0"
finops = "Addresses"
dataverse = "msdyn_addresses"
key = [ { finops = "AddressId", dataverse = "msdyn_addressid" } ]
needs = ["countries"]
excludes = ["addresses-v2"]
field = [
  { finops = "Country", dataverse = "msdyn_country", values = { US = "United States" }, unlisted = "keep" },
  { finops = "Street", dataverse = "msdyn_line1", direction = "to-dataverse", cut = 5 },
  { finops = "Owner", dataverse = "msdyn_owner.accountnumber|msdyn_contactpersonid" },
]
"#;

#[test]
fn an_unlisted_value_is_kept_and_a_text_is_cut_where_the_map_says_so() {
    let map = try_compile(ADDRESSES).unwrap();
    let text = |text: &str| Cell::Text(text.to_owned());
    let cells = vec![text("1"), text("Atlantis"), text("Größenweg 1"), Cell::Null];
    let outcome = run(&map, Leg::ToDataverse, Operation::Upsert, cells);
    assert_eq!(outcome, Outcome::Upsert(vec![text("1"), text("Atlantis"), text("Größe"), Cell::Null]));
    let cells = vec![text("1"), text("United States"), text("C-7")];
    let outcome = run(&map, Leg::ToFinops, Operation::Upsert, cells);
    assert_eq!(outcome, Outcome::Upsert(vec![text("1"), text("US"), text("C-7")]));
}

#[test]
fn neighbours_are_told_as_the_contract_writes_them() {
    let map = try_compile(ADDRESSES).unwrap();
    assert_eq!(map.description.needs, ["countries", "!addresses-v2"]);
    let myself = ADDRESSES.replace("addresses-v2", "addresses");
    assert!(
        try_compile(&myself).unwrap_err().iter().any(|problem| problem.message.contains("exclude itself"))
    );
    let nowhere = ADDRESSES.replace("\"Country\"", "\"Country|Land\"").replace("accountnumber|", "|");
    let problems = try_compile(&nowhere).unwrap_err();
    assert_eq!(problems.iter().filter(|problem| problem.message.contains("is not a column")).count(), 2);
}
