//! Can pushes arrive? What the systems are given as the runtime's address is asked for here, and must lead back here.

use std::net::SocketAddr;
use std::time::Duration;

use dualwright_model::System;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Finding;
use crate::config::Config;

const PLACE: &str = "[control]";
/// How long the way to the address and back may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// No request of ours is longer.
const MOST_BYTES: usize = 16 * 1024;

/// Whether pushes can arrive.
pub(crate) async fn check_pushes(config: &Config, findings: &mut Vec<Finding>) {
    let Some(secret) = &config.control.nudge_secret else {
        let message = "without a nudge-secret nothing is pushed: a change is seen only when it is polled";
        findings.push(
            Finding::warning(PLACE, "no-pushes", message).hint("set nudge-secret = { env = \"NAME\" }"),
        );
        return;
    };
    if let Err(failure) = secret.read(&config.folder) {
        findings.push(Finding::error(PLACE, "secret-unreadable", format!("nudge-secret: {failure}")));
    }
    let public = config.control.public_url(config.control.listen);
    let mut elsewhere = false;
    for (system, environment) in [(System::Finops, &config.finops), (System::Dataverse, &config.dataverse)] {
        if is_local(&public) && !is_local(environment.url.as_str()) {
            elsewhere = true;
            let message = format!("{system} is elsewhere and cannot push to {public}");
            let hint = "set public-url to an https address that leads here";
            findings.push(Finding::warning(PLACE, "unreachable-from-outside", message).hint(hint));
        }
    }
    if !elsewhere {
        findings.push(match leads_here(&public, config.control.listen).await {
            Ok(how) => Finding::good(PLACE, format!("pushes to {public} arrive: {how}")),
            Err(reason) => {
                let message = format!("pushes to {public} do not arrive: {reason}");
                let hint = format!(
                    "lead the address to {} (name, certificate, proxy, firewall); until then a change is seen only when \
                     it is polled",
                    config.control.listen
                );
                Finding::warning(PLACE, "pushes-unreachable", message).hint(hint)
            }
        });
    }
}

fn is_local(url: &str) -> bool {
    ["//127.0.0.1", "//localhost", "//[::1]"].iter().any(|local| url.contains(local))
}

/// Asks for the public address, seen from this machine. Where the runtime does not run, a word is left at the listening
/// address to be found there; where it does, its own answer tells that it is one.
async fn leads_here(public: &str, listen: SocketAddr) -> Result<&'static str, String> {
    let mut builder = reqwest::Client::builder().timeout(PATIENCE);
    if is_local(public) {
        builder = builder.no_proxy();
    }
    let http = builder.build().map_err(|error| told(&error))?;
    match TcpListener::bind(listen).await {
        Ok(listener) => {
            let word = uuid::Uuid::new_v4().to_string();
            let answering = tokio::spawn(answer(listener, word.clone()));
            let found = ask(&http, &format!("{public}/{word}")).await;
            answering.abort();
            match found? == word {
                true => Ok("what was left at the listening address was found there"),
                false => Err("somebody else answers there".to_owned()),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let health: serde_json::Value =
                serde_json::from_str(&ask(&http, &format!("{public}/health")).await?)
                    .map_err(|_| "somebody else answers there".to_owned())?;
            match health.get("healthy") {
                Some(_) => Ok("the runtime answers there"),
                None => Err("somebody else answers there".to_owned()),
            }
        }
        Err(error) => Err(format!("nobody can listen on {listen} here: {error}")),
    }
}

async fn ask(http: &reqwest::Client, address: &str) -> Result<String, String> {
    let answer = http.get(address).send().await.map_err(|error| told(&error))?;
    answer.text().await.map_err(|error| told(&error))
}

/// The error and its causes: the first alone says no more than that it failed.
fn told(error: &reqwest::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        said = next.to_string();
        cause = next.source();
    }
    said
}

/// Answers every request whose address ends in the word with the word.
async fn answer(listener: TcpListener, word: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let asked = head(&mut stream).await;
        let line = asked.lines().next().unwrap_or_default();
        let found = line.split(' ').nth(1).is_some_and(|path| path.ends_with(&word));
        let (status, body) = if found { ("200 OK", word.as_str()) } else { ("404 Not Found", "") };
        let text =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        // Whoever went away does not want the answer.
        let _ = stream.write_all(text.as_bytes()).await;
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while bytes.len() < MOST_BYTES && !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend(chunk.iter().take(count)),
            _ => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::{answer, leads_here};

    #[tokio::test]
    async fn an_address_leads_here_elsewhere_or_nowhere() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert!(leads_here(&format!("http://{free}"), free).await.is_ok());
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let elsewhere = format!("http://{}", other.local_addr().unwrap());
        tokio::spawn(answer(other, "nothing of ours".to_owned()));
        assert_eq!(leads_here(&elsewhere, free).await.unwrap_err(), "somebody else answers there");
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        tokio::spawn(answer(taken, "{\"healthy\":true}".to_owned()));
        assert!(leads_here(&format!("http://{address}"), address).await.is_err(), "that is no runtime");
        assert!(leads_here("http://127.0.0.1:1", free).await.unwrap_err().contains("refused"));
    }
}
