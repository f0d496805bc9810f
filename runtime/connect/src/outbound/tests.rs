use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get};

use super::{Outbound, OutboundError, OutboundRequest, headers};

/// A server on this machine; answers its port.
async fn server() -> u16 {
    let app = Router::new()
        .route("/rate", get(|| async { ([("set-cookie", "a=b")], "1.08") }))
        .route("/moved", get(|| async { (StatusCode::FOUND, [("location", "/rate")], "moved") }))
        .route("/large", get(|| async { "x".repeat(100) }))
        .route("/never", get(|| async { std::future::pending::<()>().await }))
        .route(
            "/echo",
            any(|headers: HeaderMap, body: String| async move {
                let key = headers.get("x-key").and_then(|value| value.to_str().ok()).unwrap_or_default();
                (StatusCode::IM_A_TEAPOT, format!("{key} {body}")).into_response()
            }),
        );
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

fn request(method: &str, url: String) -> OutboundRequest {
    OutboundRequest {
        method: method.to_owned(),
        url,
        headers: vec![("x-key".to_owned(), "hunter2".to_owned())],
        body: None,
        timeout: Duration::from_secs(60),
        most_bytes: 64,
        private_addresses: true,
    }
}

fn get_from(port: u16, path: &str) -> OutboundRequest {
    request("GET", format!("http://127.0.0.1:{port}{path}"))
}

#[test]
fn i11_no_header_is_shown() {
    let request = get_from(1, "/rate");
    let shown = format!("{request:?} {:?}", headers(&request.headers).unwrap());
    assert!(shown.contains("x-key") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_request_and_its_answer() {
    let (outbound, port) = (Outbound::new().unwrap(), server().await);
    let answer = outbound.send(get_from(port, "/rate")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (200, b"1.08".as_slice()));
    assert!(answer.headers.iter().any(|(name, value)| name == "set-cookie" && value == "a=b"));
    let echo = OutboundRequest {
        body: Some(b"body".to_vec()),
        ..request("POST", format!("http://127.0.0.1:{port}/echo"))
    };
    let answer = outbound.send(echo).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (418, b"hunter2 body".as_slice()));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (outbound, port) = (Outbound::new().unwrap(), server().await);
    let answer = outbound.send(get_from(port, "/moved")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (302, b"moved".as_slice()));
}

#[tokio::test]
async fn long_and_late_answers_are_given_up() {
    let (outbound, port) = (Outbound::new().unwrap(), server().await);
    assert_eq!(outbound.send(get_from(port, "/large")).await.unwrap_err(), OutboundError::TooLong(64));
    let late = OutboundRequest { timeout: Duration::from_millis(50), ..get_from(port, "/never") };
    let error = outbound.send(late).await.unwrap_err();
    assert_eq!(error, OutboundError::Unavailable("127.0.0.1 did not answer in time".to_owned()));
    let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let error = outbound.send(get_from(closed, "/rate")).await.unwrap_err();
    assert!(matches!(&error, OutboundError::Unavailable(_)), "{error:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

/// A name is judged by what it leads to at the moment of connecting.
#[tokio::test]
async fn names_that_lead_inside_are_refused_unless_that_is_allowed() {
    let (outbound, port) = (Outbound::new().unwrap(), server().await);
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("http://{host}:{port}/rate");
        let inside = OutboundRequest { private_addresses: false, ..request("GET", url.clone()) };
        let error = outbound.send(inside).await.unwrap_err();
        assert_eq!(error, OutboundError::PrivateAddress(host.to_owned()));
        // And not by whether somebody else is connected there already.
        assert_eq!(outbound.send(request("GET", url)).await.unwrap().status, 200, "{host}");
    }
}
