use std::time::Duration;

use dualwright_emulators::{EmulatorError, Options, dataverse};

use crate::support::{Client, http, start, start_in};

#[tokio::test]
async fn health_says_that_it_is_an_emulator() {
    let emulator = start().await;
    let answer = http().get(format!("{}/emulator/health", emulator.client.url)).send().await.unwrap();
    assert_eq!(answer.headers()["server"], "dualwright-emulator");
    assert!(answer.text().await.unwrap().contains("dataverse"));
    emulator.running.shutdown().await;
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path().join("x.sqlite"));
    options.listen = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(dataverse::start(options).await, Err(EmulatorError::NotLoopback { .. })));
}

#[tokio::test]
async fn sign_in_refuses_as_the_identity_platform_does() {
    let emulator = start().await;
    let url = format!("{}/tenant/oauth2/v2.0/token", emulator.client.url);
    let check = async |fields: &[(&str, &str)], status: u16, word: &str| {
        let answer = http().post(&url).form(fields).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let text = answer.text().await.unwrap();
        assert!(text.contains(word), "{text}");
    };
    let good = [("client_id", "dualwright"), ("client_secret", "dualwright-secret"), ("scope", "x/.default")];
    let with = |extra: (&'static str, &'static str)| good.into_iter().chain([extra]).collect::<Vec<_>>();
    check(&with(("grant_type", "client_credentials")), 200, "access_token").await;
    check(&with(("grant_type", "password")), 400, "unsupported_grant_type").await;
    check(&good, 400, "grant_type").await;
    check(&[("grant_type", "client_credentials"), ("client_id", "x")], 400, "invalid_scope").await;
    let mut wrong = with(("grant_type", "client_credentials"));
    wrong[1].1 = "guess";
    check(&wrong, 401, "AADSTS7000215").await;
}

#[tokio::test]
async fn tokens_are_checked_and_outlive_a_restart() {
    let emulator = start().await;
    let client = emulator.client.clone();
    for token in ["", "nonsense", "a.b.c", &format!("{}x", client.token)] {
        let wrong = Client { token: token.to_owned(), ..client.clone() };
        let answer = wrong.send("GET", "WhoAmI", &[], "").await.expect(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer authorization_uri="));
    }
    let port = emulator.running.address.port();
    let folder = emulator.folder.clone();
    emulator.running.shutdown().await;
    let again = start_in(folder.clone(), Duration::ZERO, port).await;
    client.get("WhoAmI").await;
    let expired = again.client.send("GET", "WhoAmI", &[], "").await.expect(401);
    assert!(expired.header("www-authenticate").contains("expired"));
}

#[tokio::test]
async fn who_am_i_tells_clients_apart() {
    let emulator = start().await;
    let other = Client::sign_in(&emulator.client.url, "someone").await;
    let (one, two) = (emulator.client.get("WhoAmI()").await, other.get("WhoAmI").await);
    assert_ne!(one["UserId"], two["UserId"]);
    assert_eq!(one["OrganizationId"], two["OrganizationId"]);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_a_shutdown() {
    let emulator = start().await;
    let _idle = tokio::net::TcpStream::connect(emulator.running.address).await.unwrap();
    emulator.client.get("WhoAmI").await;
    emulator.running.shutdown().await;
}

#[tokio::test]
async fn it_starts_with_the_tables_inside_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let running = dataverse::start(Options::new(folder.path().join("x.sqlite"))).await.unwrap();
    let client = Client::sign_in(&running.url(), "dualwright").await;
    for set in ["accounts", "contacts", "cdm_companies"] {
        client.get(&format!("{set}?$top=1")).await;
    }
    running.shutdown().await;
}
