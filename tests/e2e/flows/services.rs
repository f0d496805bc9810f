//! Maps that ask something outside: a record of the other system, a server that the operator named.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use serde_json::json;
use support::{Pair, Turn, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::guest::{Table, asking};
use super::story::{PATIENCE, Story};

/// What the operator's server wants to see, and nobody else may.
const TOKEN: &str = "a-secret-of-the-operator";

const UNITS: Table = Table {
    finops: "UnitsOfMeasure",
    dataverse: "uoms",
    key: &[("UnitSymbol", "msdyn_symbol")],
    text: ("UnitDescription", "msdyn_description"),
};
const COMPANIES: Table = Table {
    finops: "LegalEntities",
    dataverse: "cdm_companies",
    key: &[("LegalEntityId", "cdm_companycode")],
    text: ("Name", "cdm_name"),
};

/// A server of rates on this machine.
struct Rates {
    port: u16,
    /// The head of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Rates {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heads = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 4\r\nConnection: close\r\n\r\n1.08";
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Ok(Self { port, asked })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Grants to two maps, by the names of their files.
fn granted(config: &str, port: u16) -> String {
    let lookup = "[map.grants]\n\
        lookup = [{ side = \"dataverse\", table = \"accounts\", columns = [\"accountnumber\", \"name\"] }]\n";
    let http = format!(
        "[map.grants]\nhttp = [{{ host = \"127.0.0.1:{port}\", path-prefix = \"/v1/\", timeout = \"20s\", \
         headers = {{ Authorization = {{ file = \"token\", prefix = \"Bearer \" }} }} }}]\n"
    );
    let lines = config.lines().map(|line| match line {
        line if line.contains("lookup.wasm") => format!("{line}\n{lookup}"),
        line if line.contains("http.wasm") => format!("{line}\n{http}"),
        line => format!("{line}\n"),
    });
    lines.collect()
}

// I6 and I11: what an operator granted is answered, what not is refused, and nobody sees the secret.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maps_ask_what_they_were_granted() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let rates = Rates::start().await?;
    let lookup = pair.folder().join("lookup.wasm");
    let parts = [("side", "1"), ("table", "accounts"), ("key", "accountnumber"), ("column", "name")];
    std::fs::write(&lookup, asking("asked-units", "lookup", &parts, &UNITS)?)?;
    let http = pair.folder().join("http.wasm");
    let parts = [("method", "GET"), ("header", ""), ("headers", "0")];
    std::fs::write(&http, asking("asked-companies", "http", &parts, &COMPANIES)?)?;
    let mut story = Story::with(turn, pair, Vec::new(), vec![lookup, http], "").await?;
    let tables = [UNITS.finops, COMPANIES.finops].map(str::to_owned);
    story.runtime.have_data_events_of(&story.pair, &tables).await?;
    let path = story.runtime.config();
    std::fs::write(&path, granted(&std::fs::read_to_string(&path)?, rates.port))?;
    std::fs::write(path.with_file_name("token"), TOKEN)?;

    story.dataverse.create("accounts", &json!({"accountnumber": "A-1", "name": "Fabrikam"})).await?;
    let unit = |symbol: &str, text: &str| json!({"UnitSymbol": symbol, "UnitDescription": text});
    let company = |name: &str, url: &str| json!({"LegalEntityId": name, "Name": url});
    story.finops.create("UnitsOfMeasure", &unit("ea", "A-1")).await?;
    story.finops.create("UnitsOfMeasure", &unit("no", "A-2")).await?;
    story.finops.create("LegalEntities", &company("RATE", &rates.url("/v1/eur"))).await?;
    story.finops.create("LegalEntities", &company("EVIL", &rates.url("/v2/eur"))).await?;
    story.run().await?;

    let units = |symbol| ("uoms", "msdyn_symbol", symbol);
    story.row_shows(&story.dataverse, units("ea"), "msdyn_description", "Fabrikam").await?;
    let missing = story.dataverse.find("uoms", "msdyn_symbol", "no").await?;
    ensure!(missing.is_none(), "there is no such account, so the map skips the unit");
    story
        .row_shows(&story.dataverse, ("cdm_companies", "cdm_companycode", "RATE"), "cdm_name", "1.08")
        .await?;
    // USMF's name is no address, and EVIL's was not granted. A row that is read again dies again.
    let dead = wait_until(PATIENCE, async || {
        let dead = story.runtime.dead_letters().await?;
        let codes: BTreeSet<&str> = dead.iter().filter_map(|letter| letter["code"].as_str()).collect();
        ensure!(codes == BTreeSet::from(["invalid", "not-granted"]), "{dead:#?}");
        Ok(dead)
    });
    let dead = dead.await.with_context(|| story.runtime.log_tail())?;

    // Live, too.
    story.finops.create("UnitsOfMeasure", &unit("box", "A-1")).await?;
    story.row_shows(&story.dataverse, units("box"), "msdyn_description", "Fabrikam").await?;

    let asked = rates.asked.lock().unwrap().clone();
    ensure!(!asked.is_empty(), "the server was asked");
    for head in &asked {
        ensure!(head.starts_with("GET /v1/eur HTTP/1.1\r\n"), "{head}");
        ensure!(head.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{head}");
    }
    let told = format!("{}{dead:?}", std::fs::read_to_string(story.runtime.log())?);
    ensure!(!told.contains(TOKEN), "the secret was told");
    Ok(())
}
