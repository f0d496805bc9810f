use super::facts::{Facts, Leg};
use super::members::FirstMembers;
use super::provenance::Provenance;
use super::reader::Row;
use super::{Judge, LegReport};

const MAP: &str = r#"
[map]
name = "shops"
finops = "Shops"
dataverse = "shops"
key = [ { finops = "ShopId", dataverse = "number" } ]
filter = { finops = "Kind eq 'Shop'" }
field = [
  { finops = "Name", dataverse = "name" },
  { finops = "Amount", dataverse = "amount" },
  { finops = "Open", dataverse = "isopen", values = { No = false, Yes = true } },
  { finops = "Company", dataverse = "company.code" },
  { dataverse = "kind", direction = "to-dataverse", default = 3 },
]
"#;

const FINOPS: &str =
    r#"{"ShopId":"A-1","Kind":"Shop","Name":"Ana","Amount":0.00,"Open":"No","Company":"usmf"}"#;
const DATAVERSE: &str = r#"{"shopid":"g1","number":"a-1","name":"Ana","amount":0,"isopen":false,"company":{"code":"USMF"},"kind":3}"#;
/// The runtime made the Dataverse row.
const MADE: &str = r#"{"writes":[{"sequence":1,"client":"dualwright","operation":"create","table":"shops","id":"g1",
    "key":{"number":"A-1"},"cells":{"number":"A-1","name":"Ana","amount":0,"isopen":false,"kind":3}}]}"#;

fn check(finops: &[&str], dataverse: &[&str], log: &str) -> [LegReport; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shops.toml");
    std::fs::write(&path, MAP).unwrap();
    let facts = Facts::read(&path).unwrap();
    let rows =
        |texts: &[&str]| texts.iter().map(|text| Row::of(serde_json::from_str(text).unwrap())).collect();
    let (finops_log, dataverse_log) = (Provenance::default(), Provenance::of(log, "dualwright").unwrap());
    let judge = Judge {
        facts: &facts,
        finops: rows(finops),
        dataverse: rows(dataverse),
        finops_log: &finops_log,
        dataverse_log: &dataverse_log,
        members: &FirstMembers::of("Shops", "Open", "No"),
    };
    [judge.leg(Leg::ToDataverse).unwrap(), judge.leg(Leg::ToFinops).unwrap()]
}

fn mismatches(finops: &[&str], dataverse: &[&str], log: &str) -> [u64; 2] {
    check(finops, dataverse, log).map(|report| report.mismatches)
}

const NOBODY: &str = r#"{"writes":[]}"#;

#[test]
fn sides_that_agree_agree() {
    let reports = check(&[FINOPS], &[DATAVERSE], MADE);
    for report in reports {
        assert_eq!((report.rows, report.mismatches), (1, 0), "{:?}", report.examples);
    }
}

#[test]
fn every_kind_of_difference_is_seen() {
    let differs = |from: &str, to: &str| {
        assert!(DATAVERSE.contains(from), "{from}");
        mismatches(&[FINOPS], &[&DATAVERSE.replace(from, to)], MADE)
    };
    assert_eq!(differs("Ana", "ana"), [1, 1]);
    assert_eq!(differs("\"amount\":0", "\"amount\":0.01"), [1, 1]);
    assert_eq!(differs("USMF", "ussi"), [1, 1]);
    assert_eq!(differs("\"isopen\":false", "\"isopen\":true"), [1, 1]);
    assert_eq!(differs("\"kind\":3", "\"kind\":2"), [1, 0]);
    assert_eq!(mismatches(&[FINOPS], &[], NOBODY), [1, 0]);
    assert_eq!(mismatches(&[], &[DATAVERSE], NOBODY), [0, 1]);
    assert_eq!(mismatches(&[FINOPS], &[DATAVERSE, DATAVERSE], MADE), [1, 0]);
    let outside = FINOPS.replace("\"Kind\":\"Shop\"", "\"Kind\":\"Kiosk\"");
    assert_eq!(mismatches(&[&outside], &[], NOBODY), [0, 0]);
}

/// I10: dual-write lost 0.00. A zero that the runtime should have written is missed, an empty cell that a person left
/// empty is not.
#[test]
fn a_lost_zero_is_seen_and_an_empty_cell_is_not_one() {
    let empty =
        DATAVERSE.replace("\"amount\":0", "\"amount\":null").replace("\"isopen\":false", "\"isopen\":null");
    assert_eq!(mismatches(&[FINOPS], &[&empty], MADE), [2, 0]);
    let by_a_person = MADE.replace("dualwright", "someone");
    assert_eq!(mismatches(&[FINOPS], &[&empty], &by_a_person), [0, 0]);
    let emptied = MADE.replace(
        "]}",
        r#",{"sequence":2,"client":"someone","operation":"update","table":"shops","id":"g1",
        "key":{"number":"A-1"},"cells":{"amount":null,"isopen":null}}]}"#,
    );
    assert_eq!(mismatches(&[FINOPS], &[&empty], &emptied), [0, 0]);
    let filled = FINOPS.replace("\"Amount\":0.00", "\"Amount\":5");
    assert_eq!(mismatches(&[&filled], &[&empty], &by_a_person), [1, 1]);
}
