use serde_json::{Value, json};

use super::{Judge, base64, expand, record_id};
use crate::facts::Facts;
use crate::schema::Empties;
use crate::write_log::{Authors, Write};
use crate::{RUNTIME, Row, System};

/// The real map of customers, so that the reading of map files is tested too.
fn differences(finops: &[Value], dataverse: &[Value], log: &Value) -> Vec<String> {
    let map = crate::catalogue(&["pre-party/customers-accounts"]);
    let facts = Facts::read(&map[0]).unwrap();
    let log: Vec<Write> = serde_json::from_value(log.clone()).unwrap();
    let judge = Judge {
        empties: Empties::of("CustomersV3").unwrap(),
        id_column: "accountid".into(),
        finops_authors: Authors::default(),
        dataverse_authors: Authors::read(&log, RUNTIME),
        facts: &facts,
    };
    let rows = |system, rows: &[Value]| rows.iter().map(|row| Row::read(system, row)).collect();
    judge.compare(rows(System::Finops, finops), rows(System::Dataverse, dataverse)).unwrap().differences
}

fn customer() -> Value {
    json!({"dataAreaId": "usmf", "CustomerAccount": "C-1", "PartyType": "Organization", "OrganizationName": "Ünal",
        "CreditLimit": 0.00, "OnHoldStatus": "No", "IsOneTimeCustomer": "No", "CreditLimitIsMandatory": "Yes",
        "CustomerGroupId": "g1", "OrganizationNumberOfEmployees": 0, "PaymentTermsBaseDays": 5})
}

fn account() -> Value {
    json!({"accountid": "id1", "accountnumber": "c-1", "msdyn_company": {"cdm_companycode": "USMF"}, "name": "Ünal",
        "customertypecode": 3, "address1_addresstypecode": 2, "creditlimit": 0, "msdyn_onholdstatus": 806380000,
        "msdyn_onetimecustomer": false, "msdyn_creditlimitismandatory": true, "numberofemployees": 0,
        "msdyn_customergroupid": {"msdyn_groupid": "G1"}, "msdyn_paymenttermsbasedays": 5,
        // What F&O cannot leave empty and the runtime fills.
        "address1_latitude": null, "address1_longitude": null})
}

/// The account was made by a client.
fn made_by(client: &str) -> Value {
    json!([{"sequence": 1, "at": "2026-01-01T00:00:00Z", "client": client, "operation": "create", "table": "accounts", "id": "id1",
        "key": {}, "cells": {"creditlimit": 0}}])
}

#[test]
fn sides_that_agree_agree() {
    assert_eq!(differences(&[customer()], &[account()], &made_by(RUNTIME)), Vec::<String>::new());
}

#[test]
fn every_kind_of_difference_is_seen() {
    for (column, value) in [
        ("name", json!("Unal")),
        ("creditlimit", json!(0.01)),
        ("creditlimit", Value::Null),
        ("msdyn_onholdstatus", json!(806380001)),
        ("msdyn_onholdstatus", Value::Null),
        ("msdyn_onetimecustomer", json!(true)),
        ("msdyn_creditlimitismandatory", Value::Null),
        ("msdyn_paymenttermsbasedays", json!(4)),
        ("msdyn_customergroupid", json!({"msdyn_groupid": "G2"})),
        ("msdyn_customergroupid", Value::Null),
        ("address1_addresstypecode", json!(1)),
    ] {
        let mut other = account();
        other[column] = value.clone();
        assert_eq!(differences(&[customer()], &[other], &made_by(RUNTIME)).len(), 1, "{column} {value}");
    }
    let [nobody, ours] = [json!([]), made_by(RUNTIME)];
    assert_eq!(differences(&[customer()], &[], &nobody).len(), 1);
    assert_eq!(differences(&[], &[account()], &nobody).len(), 1);
    assert_eq!(differences(&[customer()], &[account(), account()], &ours).len(), 1, "twice");
    let mut person = customer();
    person["PartyType"] = json!("Person");
    assert_eq!(differences(&[person], &[], &nobody), Vec::<String>::new(), "none of the map's business");
}

/// I10: a zero that the runtime should have written is missed, a cell that a person left empty is not.
#[test]
fn a_lost_zero_is_seen_and_an_empty_cell_is_not_one() {
    let mut empty = account();
    empty["creditlimit"] = Value::Null;
    empty["msdyn_onetimecustomer"] = Value::Null;
    assert_eq!(differences(&[customer()], &[empty.clone()], &made_by(RUNTIME)).len(), 2);
    assert_eq!(differences(&[customer()], &[empty.clone()], &made_by("someone")), Vec::<String>::new());
    let mut filled = customer();
    filled["CreditLimit"] = json!(5);
    assert_eq!(differences(&[filled], &[empty], &made_by("someone")).len(), 1);
}

#[test]
fn the_id_of_an_finops_record_is_in_its_etag() {
    assert_eq!(base64("JzAsNTYzNzE0NDU3Njsn"), b"'0,5637144576;'");
    let row = Row::read(System::Finops, &json!({"@odata.etag": "W/\"JzAsNTYzNzE0NDU3Njsn\""}));
    assert_eq!(record_id(&row).plain(), "5637144576");
}

#[test]
fn paths_become_an_expand() {
    let columns = ["name", "company.code", "group.id", "company.code", "company.name"];
    assert_eq!(expand(columns.into_iter()), "?$expand=company($select=code,name),group($select=id)");
    assert_eq!(expand(["name"].into_iter()), "");
}
