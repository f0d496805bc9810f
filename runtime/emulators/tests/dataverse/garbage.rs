use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::start;

#[tokio::test]
async fn garbage_is_answered_and_the_emulator_lives_on() {
    let emulator = start().await;
    let client = &emulator.client;
    for path in [
        "accounts(%ff)",
        "accounts((((",
        "accounts(')",
        "accounts()",
        "accounts(%27)/x/y/z/w",
        "$batch",
        "%00",
        "accounts/$count/x",
        "EntityDefinitions(",
        "EntityDefinitions('x')/Attributes(1)",
        "accounts?$filter=((((",
        "accounts?$filter=%ff",
        "accounts?$expand=(",
        "accounts?$select=*,*",
        "accounts?%=%",
        "accounts?$top=-1",
        "accounts?$orderby=,,",
    ] {
        for method in ["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"] {
            let answer = client.send(method, path, &[], "\u{0}{\"").await;
            assert_ne!(answer.status, 500, "{method} {path}: {}", answer.text);
        }
    }
    let deep = format!("{{\"name\":{}", "[".repeat(100_000));
    client.post("accounts", &deep).await.expect(400);
    let batch = [("content-type", "multipart/mixed;boundary=x")];
    client.send("POST", "$batch", &batch, "--x\r\n\r\nnonsense").await.expect(400);
    for bytes in [
        &b"\x16\x03\x01\x00"[..],
        b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
    ] {
        let mut stream = tokio::net::TcpStream::connect(emulator.running.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    client.get("accounts").await;
}
