use dualwright_emulators::load::{Columns, LoadError, csv};

use crate::support::{Emulator, finops};

fn customers(count: u32) -> String {
    let mut text = String::from("CustomerAccount\n");
    (1..=count).for_each(|number| text.push_str(&format!("C{number:04}\n")));
    text
}

async fn loaded(emulator: &Emulator) -> usize {
    emulator.client.writes().await.len()
}

#[tokio::test]
async fn a_busy_service_is_waited_for() {
    let emulator = finops().await;
    emulator
        .fault(r#"{"kind":"status","status":429,"retry_after":0,"operation":"batch","skip":1,"times":3}"#)
        .await;
    emulator
        .fault(r#"{"kind":"status","status":503,"retry_after":0,"operation":"metadata","times":1}"#)
        .await;
    let report = emulator.load("CustomersV3", &customers(450), &Columns::default()).await.unwrap();
    assert_eq!((report.written, report.refused), (450, vec![]));
    assert_eq!(loaded(&emulator).await, 450);
}

#[tokio::test]
async fn a_token_that_runs_out_is_renewed() {
    let emulator = finops().await;
    emulator.fault(r#"{"kind":"status","status":401,"operation":"batch","skip":1,"times":1}"#).await;
    let report = emulator.load("CustomersV3", &customers(450), &Columns::default()).await.unwrap();
    assert_eq!((report.written, loaded(&emulator).await), (450, 450));
    emulator.fault(r#"{"kind":"status","status":401,"operation":"batch"}"#).await;
    let text = customers(1);
    let error = emulator.load("CustomersV3", &text, &Columns::default()).await.unwrap_err();
    assert!(matches!(&error, LoadError::Service { reason, .. } if reason.contains("401")), "{error}");
}

#[tokio::test]
async fn a_failure_in_the_middle_says_how_far_the_load_came() {
    for fault in ["drop-before", "drop-after", "half-response"] {
        let emulator = finops().await;
        emulator.fault(&format!(r#"{{"kind":"{fault}","operation":"batch","skip":1,"times":1}}"#)).await;
        let error = emulator.load("CustomersV3", &customers(450), &Columns::default()).await.unwrap_err();
        let LoadError::Service { reason, .. } = &error else { panic!("{fault}: {error}") };
        assert!(reason.contains("200 rows were written before"), "{fault}: {reason}");
        assert!(reason.contains("lines 202 to 401"), "{fault}: {reason}");
        assert_eq!(loaded(&emulator).await, if fault == "drop-before" { 200 } else { 400 }, "{fault}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_telling_it() {
    let emulator = finops().await;
    let mut target = emulator.target();
    target.client_secret = "not-the-secret".into();
    let file = emulator.file("CustomerAccount\n1\n");
    let error = csv(&target, "CustomersV3", &file, &Columns::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::Service { .. }));
    let said = format!("{error} {error:?}");
    assert!(said.contains("AADSTS7000215") && !said.contains("not-the-secret"), "{said}");
    assert_eq!(loaded(&emulator).await, 0);
}
