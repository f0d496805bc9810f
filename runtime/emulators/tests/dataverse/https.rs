use std::net::{IpAddr, Ipv4Addr};

use dualwright_emulators::{EmulatorError, Https, Options, dataverse};
use serde_json::Value;

use crate::support::{http, start};

/// A client that trusts the emulator's authority and nobody else.
fn trusting(https: &Https) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(https.authority()).unwrap();
    let authority = reqwest::Certificate::from_pem(&pem).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap()
}

#[tokio::test]
async fn https_is_served_to_whoever_trusts_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let https = Https::open(folder.path(), IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap();
    let mut options = Options::new(folder.path().join("dataverse.sqlite"));
    options.https = Some(https.clone());
    let running = dataverse::start(options).await.unwrap();
    let url = running.url();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");

    let client = trusting(&https);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "someone"),
        ("client_secret", "someone-secret"),
        ("scope", "x/.default"),
    ];
    let answer = client.post(format!("{url}/tenant/oauth2/v2.0/token")).form(&form).send().await.unwrap();
    let token: Value = answer.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let accounts = client.get(format!("{url}/api/data/v9.2/accounts?$select=name")).bearer_auth(token);
    let answer: Value = accounts.send().await.unwrap().json().await.unwrap();
    let context = answer["@odata.context"].as_str().unwrap();
    assert!(context.starts_with(&format!("{url}/api/data/v9.2/$metadata#accounts")), "{context}");

    // A stranger to the authority is not served, and neither is plain HTTP.
    http().get(format!("{url}/emulator/health")).send().await.unwrap_err();
    http().get(url.replace("https", "http")).send().await.unwrap_err();
    running.shutdown().await;

    // The authority is the same after a restart: what was told to trust it still does.
    let before = std::fs::read(https.authority()).unwrap();
    let again = Https::open(folder.path(), IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap();
    assert_eq!(std::fs::read(again.authority()).unwrap(), before);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_kept_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Https::open(&file, IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap_err();
    assert!(matches!(error, EmulatorError::Certificate { .. }));
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

/// After `learn.microsoft.com/entra/identity-platform/v2-protocols-oidc`: sign-in libraries read where the token
/// endpoint of a tenant is.
#[tokio::test]
async fn the_configuration_of_a_tenant_names_its_endpoints() {
    let emulator = start().await;
    let url = &emulator.client.url;
    let answer =
        http().get(format!("{url}/contoso/v2.0/.well-known/openid-configuration")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["token_endpoint"], format!("{url}/contoso/oauth2/v2.0/token"));
    assert_eq!(body["issuer"], format!("{url}/contoso/v2.0"));
    // What needs a person and a browser is refused by name.
    let answer = http().get(body["authorization_endpoint"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 501);
    assert!(answer.text().await.unwrap().contains("oauth2/v2.0/authorize"));
}
