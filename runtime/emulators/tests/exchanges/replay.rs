//! Sends what was recorded over real HTTP, and compares what comes back.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::pattern::Known;
use crate::script::{Kind, Message, Rule};

/// How long the emulator may take to send an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// One emulator, a client of it, and a listener for what it sends by itself.
pub(crate) struct Replay {
    http: reqwest::Client,
    url: String,
    token: String,
    listener: String,
    sent: Arc<Mutex<UnboundedReceiver<Message>>>,
}

impl Replay {
    pub(crate) async fn start(url: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "dualwright"),
            ("client_secret", "dualwright-secret"),
            ("scope", "emulator/.default"),
        ];
        let answer = http.post(format!("{url}/tenant/oauth2/v2.0/token")).form(&form).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        let token = body["access_token"].as_str().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, sent) = unbounded_channel();
        tokio::spawn(listen(listener, sender));
        Self { http, url, token, listener: address, sent: Arc::new(Mutex::new(sent)) }
    }

    /// Replays a file's rules, one after the other. Answers what was not kept.
    pub(crate) async fn run(&self, file: &str, rules: &[Rule]) -> Vec<String> {
        let mut known = Known::default();
        known.learn("url", &self.url);
        known.learn("listener", &self.listener);
        let mut broken = Vec::new();
        for rule in rules {
            let mut answer = None;
            for step in &rule.steps {
                let done = match step.kind {
                    Kind::Request => self.send(&known, &step.message).await.map(|got| answer = Some(got)),
                    Kind::Answer => match answer.take() {
                        Some(answer) => compare(&mut known, &step.message, &answer),
                        None => Err("there is no request before this answer".to_owned()),
                    },
                    Kind::Sent => self.receive(&mut known, &step.message).await,
                };
                if let Err(reason) = done {
                    broken.push(format!("{file}:{}: {}: {reason}", step.line, rule.title));
                    break;
                }
            }
        }
        broken
    }

    async fn send(&self, known: &Known, request: &Message) -> Result<Message, String> {
        let line = known.fill(&request.first)?;
        let (method, path) = line.split_once(' ').ok_or("a request begins with its method and path")?;
        let method = method.parse().map_err(|_| format!("{method} is no method"))?;
        let address = if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        let mut outgoing = self.http.request(method, address);
        let named = |name: &str| request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        if !named("authorization") {
            outgoing = outgoing.bearer_auth(&self.token);
        }
        for (name, value) in request.headers.iter().filter(|(_, value)| value != "none") {
            outgoing = outgoing.header(name, known.fill(value)?);
        }
        let body = known.fill(request.body.as_deref().unwrap_or_default())?;
        let parts = request.headers.iter().any(|(_, value)| value.starts_with("multipart/"));
        let body = if parts { body.replace('\n', "\r\n") + "\r\n" } else { body };
        let answer = outgoing.body(body).send().await.map_err(|error| error.to_string())?;
        let headers = answer.headers().iter();
        Ok(Message {
            first: answer.status().as_u16().to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: Some(answer.text().await.map_err(|error| error.to_string())?),
        })
    }

    async fn receive(&self, known: &mut Known, expected: &Message) -> Result<(), String> {
        let mut sent = self.sent.lock().await;
        match tokio::time::timeout(PATIENCE, sent.recv()).await {
            Ok(Some(found)) => compare(known, expected, &found),
            _ => Err("the emulator sent nothing".to_owned()),
        }
    }
}

fn compare(known: &mut Known, expected: &Message, found: &Message) -> Result<(), String> {
    let text = found.body.as_deref().unwrap_or_default();
    let all = || format!("\n{}\n{text}", found.first);
    known.text(&expected.first, &found.first).map_err(|reason| format!("{reason}{}", all()))?;
    for (name, pattern) in &expected.headers {
        let value = found.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        match (pattern.as_str(), value) {
            ("none", None) => {}
            ("none", Some((_, value))) => return Err(format!("{name} was not expected: {value}")),
            (_, None) => return Err(format!("the header {name} is not there")),
            (pattern, Some((_, value))) => {
                known.text(pattern, value).map_err(|reason| format!("{name}: {reason}"))?;
            }
        }
    }
    let Some(body) = expected.body.as_deref().map(str::trim) else { return Ok(()) };
    if body.starts_with(['{', '[']) {
        let pattern = serde_json::from_str(body).map_err(|error| format!("the recorded body: {error}"))?;
        let found = serde_json::from_str(text).map_err(|error| format!("{error}{}", all()))?;
        return known.json(&pattern, &found, "").map_err(|reason| format!("{reason}{}", all()));
    }
    let told: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    let wanted: Vec<&str> = body.lines().map(str::trim_end).collect();
    if told.len() != wanted.len() {
        return Err(format!("{} lines, expected {}{}", told.len(), wanted.len(), all()));
    }
    wanted
        .iter()
        .zip(told)
        .try_for_each(|(pattern, found)| known.text(pattern, found))
        .map_err(|reason| format!("{reason}{}", all()))
}

/// Takes every request, and answers 200.
async fn listen(listener: TcpListener, sender: UnboundedSender<Message>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(take(stream, sender.clone()));
    }
}

async fn take(mut stream: TcpStream, sender: UnboundedSender<Message>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let (head, body) = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
                if bytes.len() >= end + 4 + length {
                    let body = bytes[end + 4..end + 4 + length].to_vec();
                    bytes.drain(..end + 4 + length);
                    break (head, body);
                }
            }
            let mut chunk = [0; 16384];
            match stream.read(&mut chunk).await.ok()? {
                0 => return None,
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        };
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let message = Message {
            first: head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
            body: Some(String::from_utf8(body).ok()?),
        };
        sender.send(message).ok()?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.ok()?;
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
