//! Answers that are well formed and hold what no system knows: each ends as the fault of its record, or as the very value,
//! for the columns to refuse, and never as a panic or as another value (I9, I10).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by panicking"
)]

mod support;

use std::fmt::Write as _;

use dualwright_model::{Date, Leg, Timestamp, Value};
use dualwright_plugin_host::{Grants, GuestFaultKind, Outcome, TransformResult};

use support::{SECRET, batch, echoed, filled, host, patient};

const TEXT: u8 = 2;
const INTEGER: u8 = 3;
const DECIMAL: u8 = 4;
const BOOLEAN: u8 = 5;
const TIMESTAMP: u8 = 6;
const DATE: u8 = 7;

/// What comes of a record that a guest ends with another cell; the others of its batch arrive.
async fn answered(kind: u8, payload: i64, text: &str, big: usize) -> TransformResult {
    let payload = payload.to_string();
    let data = text.bytes().fold(String::new(), |mut data, byte| {
        let _ = write!(data, "\\{byte:02x}");
        data
    });
    let (kind, big) = (kind.to_string(), big.to_string());
    let parts = [("kind", kind.as_str()), ("payload", &payload), ("text", &data), ("big", &big)];
    let bytes = filled("last_cell", &parts, "map-plugin");
    let plugin = host(patient()).load("garbage", &bytes, &Grants::default()).expect("loads");
    let mut answers = plugin.transform(Leg::ToDataverse, false, &batch(20, &[7])).await;
    let answer = answers.remove(7);
    for (index, honest) in answers.iter().enumerate() {
        assert_eq!(*honest, echoed(if index < 7 { index } else { index + 1 }, SECRET));
    }
    answer
}

async fn text(kind: u8, text: &str) -> TransformResult {
    answered(kind, 896 | (i64::try_from(text.len()).unwrap() << 32), text, 0).await
}

fn told(answer: TransformResult, words: &str) {
    let fault = answer.expect_err(words);
    assert_eq!(fault.kind, GuestFaultKind::BadAnswer, "{}", fault.message);
    assert!(fault.message.contains(words), "{}", fault.message);
    assert!(fault.message.len() < 200, "{}", fault.message);
}

fn kept(answer: TransformResult, value: &Value) {
    match answer {
        Ok(Outcome::Upsert(record)) => assert_eq!(record.get("b"), value),
        other => panic!("{value:?}: {other:?}"),
    }
}

#[tokio::test]
async fn numbers_that_are_none() {
    for number in ["NaN", "-inf", "1e999999999", "1e-999999999", "1e80", "", " 1", "1,5", "0x1F"] {
        told(text(DECIMAL, number).await, "a decimal that is not a decimal number for b");
    }
    told(answered(DECIMAL, 0, "", 3 << 20).await, "a decimal that is not a decimal number for b");
    told(answered(DECIMAL, 0, "", 10 << 20).await, "returned more than it may");
}

#[tokio::test]
async fn dates_that_no_calendar_has() {
    for micros in [i64::MIN, i64::MAX, -1] {
        kept(answered(TIMESTAMP, micros, "", 0).await, &Value::Timestamp(Timestamp::from_micros(micros)));
    }
    for days in [i32::MIN, i32::MAX] {
        kept(answered(DATE, days.into(), "", 0).await, &Value::Date(Date::from_days(days)));
    }
    kept(answered(INTEGER, i64::MIN, "", 0).await, &Value::Integer(i64::MIN));
}

#[tokio::test]
async fn texts_that_are_too_long() {
    told(answered(TEXT, 0, "", 10 << 20).await, "returned more than it may");
    // What a call may return is kept as it is: how much fits is the column's business.
    kept(answered(TEXT, 0, "", 1 << 20).await, &Value::Text("9".repeat(1 << 20)));
    told(answered(TEXT, 0xffff_0000 | (0xffff << 32), "", 0).await, "a pointer outside its memory");
}

#[tokio::test]
async fn cells_that_are_none() {
    told(answered(8, 0, "", 0).await, "a case that does not exist");
    told(answered(255, -1, "", 0).await, "a case that does not exist");
    // The canonical ABI calls every byte but 0 true.
    kept(answered(BOOLEAN, 7, "", 0).await, &Value::Boolean(true));
}

#[tokio::test]
async fn words_for_people_are_short_and_of_one_line() {
    let plugin = |kind: usize, length: usize| {
        let act = format!("(i32.const {kind}) (i32.const 896) (i32.const {length})");
        let bytes = filled("words", &[("answer", &act)], "map-plugin");
        host(patient()).load("words", &bytes, &Grants::default()).expect("loads")
    };
    let answers = plugin(3, 1).transform(Leg::ToDataverse, false, &batch(2, &[1])).await;
    let Ok(Outcome::Reject(violations)) = &answers[1] else { panic!("{answers:?}") };
    let said = &violations[0];
    assert_eq!((said.code.as_str(), said.message.as_str()), ("no [31m", "a ERROR forged [2J"));
    // A million of them are too many to take over.
    let answers = plugin(3, 1_000_000).transform(Leg::ToDataverse, false, &batch(2, &[1])).await;
    told(answers[1].clone(), "returned");
    assert_eq!(answers[0], echoed(0, SECRET));
}
