use crate::shared::http;
use crate::support::{create, customer, reason, start};

#[tokio::test]
async fn garbage_is_answered_and_the_emulator_lives_on() {
    let emulator = start().await;
    let client = &emulator.client;
    for path in [
        "data/CustomersV3(%ff)",
        "data/CustomersV3((((",
        "data/CustomersV3(')",
        "data/CustomersV3()",
        "data/CustomersV3(dataAreaId='usmf',CustomerAccount='1')/x/y",
        "data/CustomersV3/Microsoft.Dynamics.DataEntities.doIt",
        "data/$batch",
        "data/%00",
        "data/CustomersV3/$count/x",
        "data/$metadata/x",
        "metadata/PublicEntities(",
        "metadata/PublicEntities(1)",
        "metadata/x/y",
        "nothing",
        "data/CustomersV3?$filter=((((",
        "data/CustomersV3?$filter=%ff",
        "data/CustomersV3?$select=*,*",
        "data/CustomersV3?%=%",
        "data/CustomersV3?$top=-1",
        "data/CustomersV3?$orderby=,,",
        "data/CustomersV3?$skiptoken=%00&$orderby=Employees",
        "data/CustomersV3?$skiptoken=a1tdLDFd&$orderby=dataAreaId,CustomerAccount",
        "emulator/data-events",
        "emulator/nothing",
    ] {
        for method in ["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"] {
            let answer = client.send(method, &format!("/{path}"), &[], "\u{0}{\"").await;
            assert_ne!(answer.status, 500, "{method} {path}: {}", answer.text);
        }
    }
    let deep = format!("{{\"OrganizationName\":{}", "[".repeat(100_000));
    client.post("/data/CustomersV3", &deep).await.expect(400);
    let batch = [("content-type", "multipart/mixed;boundary=x")];
    client.send("POST", "/data/$batch", &batch, "--x\r\n\r\nnonsense").await.expect(400);
    client.get("/data/CustomersV3").await;
}

#[tokio::test]
async fn what_is_not_supported_is_named() {
    let emulator = start().await;
    let client = &emulator.client;
    for (method, path, word) in [
        ("GET", "/data/CustomersV3?$expand=Group", "$expand"),
        ("PUT", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='1')", "PUT"),
        ("POST", "/data/CustomersV3/Microsoft.Dynamics.DataEntities.doIt", "doIt"),
    ] {
        let answer = client.send(method, path, &[], "{}").await.expect(501);
        assert!(reason(&answer).contains(word));
    }
}

#[tokio::test]
async fn the_kernels_faults_quotas_and_sign_in_apply() {
    let emulator = start().await;
    let client = &emulator.client;
    let stranger = http().get(format!("{}/data/CustomersV3", client.url)).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    assert!(stranger.headers()["www-authenticate"].to_str().unwrap().contains("authorization_uri"));
    assert_eq!(client.get("/emulator/health").await["emulator"], "finops");

    let fault = r#"[{"kind":"status","operation":"create","times":1,"status":503}]"#;
    let faulty = client.post("/emulator/faults", fault).await;
    assert_eq!(faulty.status, 204, "{}", faulty.text);
    client.post("/data/CustomersV3", r#"{"CustomerAccount":"1"}"#).await.expect(503);
    create(client, "usmf", "1", "").await;

    let limits = r#"{"requests":1,"window_seconds":300}"#;
    let limited = client.post("/emulator/quota", limits).await;
    assert_eq!(limited.status, 204, "{}", limited.text);
    client.get(&customer("usmf", "1")).await;
    let refused = client.send("GET", &customer("usmf", "1"), &[], "").await.expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(reason(&refused).contains("exceeded"));
    client.delete("/emulator/quota").await.expect(204);
    client.get(&customer("usmf", "1")).await;
}
