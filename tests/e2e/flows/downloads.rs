//! Components from the network: whole, missing, cut off, and none at all.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::bad_values::said;
use super::operator::{ask, done, version, without_memos};
use super::story::Story;

/// What a server says to a path: its status, how many bytes it announces, and what it sends before it hangs up.
fn answer(path: &str, component: &[u8]) -> (&'static str, usize, Vec<u8>) {
    let half = component.get(..component.len() / 2).unwrap_or_default();
    match path {
        "/maps/next.wasm" => ("200 OK", component.len(), component.to_vec()),
        "/maps/short.wasm" => ("200 OK", component.len(), half.to_vec()),
        "/maps/page.wasm" => {
            let page = b"<!doctype html><title>Sign in</title>".to_vec();
            ("200 OK", page.len(), page)
        }
        "/maps/busy.wasm" => ("503 Service Unavailable", 0, Vec::new()),
        _ => ("404 Not Found", 0, Vec::new()),
    }
}

fn respond(stream: TcpStream, component: &[u8]) -> anyhow::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().context("nothing was asked")??;
    while !lines.next().context("the request has no end")??.is_empty() {}
    let path = first.split_whitespace().nth(1).context("no path")?;
    let path = path.split('?').next().unwrap_or_default();
    let (status, length, body) = answer(path, component);
    let mut stream = &stream;
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
    Ok(stream.write_all(&body)?)
}

/// Serves for as long as the tests run.
fn serve(component: Vec<u8>) -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}/maps", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Err(error) = respond(stream, &component) {
                eprintln!("a request was not answered: {error:#}");
            }
        }
    });
    Ok(url)
}

/// Everything that the registry keeps of components.
fn kept(story: &Story) -> anyhow::Result<Vec<String>> {
    let registry = story.runtime.config().with_file_name("store.plugins");
    let mut kept = Vec::new();
    for folder in [registry.clone(), registry.join("components")] {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            kept.push(entry?.path().display().to_string());
        }
    }
    kept.sort();
    Ok(kept)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_from_the_network_is_whole_or_not_there() -> anyhow::Result<()> {
    let mut story = Story::open("").await?;
    let next = without_memos(&story)?;
    let url = serve(std::fs::read(&next)?)?;
    story.run().await?;
    let (before, listed) = (kept(&story)?, done(&story, &["plugin", "list"])?["plugins"].clone());

    // Each: what was wrong, what to do next, the exit code.
    let bad = [
        ("gone.wasm", "there is nothing at this address", "written as its publisher says", 2),
        ("busy.wasm", "the server answered 503", "ask again later", 3),
        ("short.wasm", "the download broke off after", "ask again", 3),
        ("page.wasm", "page.wasm is not a component", "map build", 2),
    ];
    for (file, what, next, exit) in bad {
        let address = format!("{url}/{file}");
        let (code, text) = said(&story, &["plugin", "install", &format!("{address}?key=s3cret")])?;
        eprintln!("{text}");
        for words in [address.as_str(), what, next] {
            ensure!(text.contains(words), "{file}: no `{words}` in\n{text}");
        }
        ensure!(!text.contains("s3cret"), "{file}: what may be a secret is repeated\n{text}");
        assert_eq!(code, exit, "{file}: {text}");
        assert_eq!(kept(&story)?, before, "{file}: something was left behind");
    }
    let list = done(&story, &["plugin", "list"])?;
    assert_eq!(list["plugins"], listed, "nothing was installed");
    // Only what came whole and is no component is remembered, so that it is not looked at again.
    assert_eq!(list["refused"].as_array().map(Vec::len), Some(1), "{list:#}");
    assert_eq!(list["refused"][0]["file"], format!("{url}/page.wasm"), "{list:#}");

    // Several: one table, the good one is installed, and the exit code is that of the first that is not.
    let [short, whole] = ["short.wasm", "next.wasm"].map(|file| format!("{url}/{file}"));
    let (code, results) = ask(&story, &["plugin", "install", &short, &whole])?;
    assert_eq!(code, 3, "{results:#}");
    let of = |place: usize, name: &str| -> Value { results["results"][place][name].clone() };
    assert_eq!((of(0, "outcome"), of(0, "file")), ("not installed".into(), short.into()), "{results:#}");
    assert_eq!((of(1, "outcome"), of(1, "version")), ("installed".into(), "1.1.0".into()), "{results:#}");
    let answer = done(&story, &["plugin", "install", &whole])?;
    assert_eq!(answer["already"], true, "{answer:#}");
    assert_eq!(answer["plugin"]["file"], whole, "{answer:#}");
    assert_eq!(version(&story)?, "1.0.0", "nothing goes live by being installed");
    assert_eq!(kept(&story)?.len(), before.len() + 1);
    Ok(())
}
