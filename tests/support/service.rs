//! A small client for both systems, which shares nothing with the connectors.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::Value;

use crate::emulator::secret;
use crate::row::Row;
use crate::{System, wait_until};

/// A token, for whoever has none.
const TOKEN_PATIENCE: Duration = Duration::from_secs(30);

/// One system, and who works in it.
pub struct Service {
    system: System,
    url: String,
    client: String,
    token: Mutex<String>,
    http: reqwest::Client,
}

/// What a system answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of the answer.
    pub status: u16,
    /// The address of the row that was written, where it is told.
    pub row: Option<String>,
    /// The body; null when there is none or it is not JSON.
    pub body: Value,
}

impl Answer {
    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An HTTP client as all tests use it.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    // The provider is chosen once a process; whoever came first chose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build()?)
}

impl Service {
    /// Signs in as a client of the emulators; waits a while for a system that is just coming up.
    ///
    /// # Errors
    /// When the system does not let them in.
    pub async fn sign_in(system: System, url: &str, client_id: &str) -> anyhow::Result<Self> {
        let service = Self {
            system,
            url: url.to_owned(),
            client: client_id.to_owned(),
            token: Mutex::new(String::new()),
            http: client()?,
        };
        wait_until(TOKEN_PATIENCE, async || service.take_token().await).await?;
        Ok(service)
    }

    /// Which system this is.
    pub fn system(&self) -> System {
        self.system
    }

    async fn take_token(&self) -> anyhow::Result<()> {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.client.clone()),
            ("client_secret", secret(&self.client)),
            ("scope", format!("{}/.default", self.url)),
        ];
        let address = format!("{}/local/oauth2/v2.0/token", self.url);
        let answer: Value =
            self.http.post(address).form(&form).send().await?.error_for_status()?.json().await?;
        let token = answer.get("access_token").and_then(Value::as_str).context("no token")?;
        token.clone_into(&mut self.token.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Sends a request to a path below the service's root; an answer of any status is an answer.
    ///
    /// # Errors
    /// When there is no answer: what was asked may or may not have been done.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let answer = self.send_once(&method, path, body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // Tokens do not outlive the emulator that gave them.
        self.take_token().await?;
        self.send_once(&method, path, body).await
    }

    async fn send_once(&self, method: &Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let address = match self.system {
            _ if path.starts_with("http") => path.to_owned(),
            System::Finops => format!("{}/data/{path}", self.url),
            System::Dataverse => format!("{}/api/data/v9.2/{path}", self.url),
        };
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut request = self.http.request(method.clone(), address).bearer_auth(token);
        if *method == Method::PATCH && self.system == System::Dataverse {
            // Without it a PATCH to a row that is gone would make it again.
            request = request.header("If-Match", "*");
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let header =
            |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let row = header("odata-entityid").or_else(|| header("location"));
        let text = answer.text().await?;
        Ok(Answer { status, row, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }

    async fn done(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let answer = self.send(method.clone(), path, body).await?;
        ensure!(answer.is_done(), "{method} {path} was answered with {}: {}", answer.status, answer.body);
        Ok(answer)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.done(Method::GET, path, None).await?.body)
    }

    /// Makes a row; answers the part of its address in brackets (in Dataverse: its id).
    ///
    /// # Errors
    /// When it is refused.
    pub async fn create(&self, table: &str, row: &Value) -> anyhow::Result<String> {
        let address = self.done(Method::POST, &self.across(table), Some(row)).await?.row;
        let address = address.context("no address of the new row")?;
        let id = address.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        Ok(id.context("no key in the address of the new row")?.to_owned())
    }

    /// Changes cells of a row that is there: `accounts(…)`, `CustomersV3(dataAreaId='usmf',CustomerAccount='1')`.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn update(&self, row: &str, cells: &Value) -> anyhow::Result<()> {
        self.done(Method::PATCH, &self.across(row), Some(cells)).await.map(|_| ())
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn delete(&self, row: &str) -> anyhow::Result<()> {
        self.done(Method::DELETE, &self.across(row), None).await.map(|_| ())
    }

    /// A path that reaches the rows of all companies.
    pub fn across(&self, path: &str) -> String {
        match self.system {
            System::Finops if path.contains('?') => format!("{path}&cross-company=true"),
            System::Finops => format!("{path}?cross-company=true"),
            System::Dataverse => path.to_owned(),
        }
    }

    /// Every row that a path answers, page by page.
    ///
    /// # Errors
    /// When a page cannot be read.
    pub async fn rows(&self, path: &str) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut next = Some(self.across(path));
        while let Some(page) = next {
            let page = self.get(&page).await?;
            let values = page.get("value").and_then(Value::as_array).context("a page without rows")?;
            rows.extend(values.iter().map(|value| Row::read(self.system, value)));
            next = page.get("@odata.nextLink").and_then(Value::as_str).map(str::to_owned);
        }
        Ok(rows)
    }

    /// The row whose column says this, if there is just one.
    ///
    /// # Errors
    /// When it cannot be read, or there are several.
    pub async fn find(&self, table: &str, column: &str, value: &str) -> anyhow::Result<Option<Row>> {
        let filter = format!("{column}%20eq%20%27{}%27", value.replace('\'', "''"));
        let mut rows = self.rows(&format!("{table}?$filter={filter}")).await?;
        if rows.len() > 1 {
            bail!("{} rows of {table} have {column} = {value}", rows.len());
        }
        Ok(rows.pop())
    }

    /// Has the emulator go wrong by a script, a list of faults, until that is over or lifted.
    ///
    /// # Errors
    /// When the emulator refuses the script.
    pub async fn go_wrong(&self, script: &Value) -> anyhow::Result<()> {
        self.done(Method::POST, &format!("{}/emulator/faults", self.url), Some(script)).await.map(|_| ())
    }

    /// Ends every script.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn go_right(&self) -> anyhow::Result<()> {
        self.done(Method::DELETE, &format!("{}/emulator/faults", self.url), None).await.map(|_| ())
    }

    /// How often the faults of the scripts that are not over have struck, all together.
    ///
    /// # Errors
    /// When the emulator does not tell.
    pub async fn went_wrong(&self) -> anyhow::Result<u64> {
        let document = self.emulator("faults").await?;
        let faults = document.get("faults").and_then(Value::as_array).context("no faults")?;
        let struck = faults.iter().map(|fault| fault.get("struck").and_then(Value::as_u64));
        struck.sum::<Option<u64>>().context("a fault that does not tell how often it struck")
    }

    /// A document of the emulator itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn emulator(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}/emulator/{path}", self.url)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}
