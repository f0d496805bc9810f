//! Reads whole tables over HTTP, by a few lines of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::cell::Cell;
use crate::Failure;

/// The cells of one row by lower-case column or lookup path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row(BTreeMap<String, Cell>);

/// Where a system is, and who reads it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) url: String,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

/// A signed-in reader of one system.
#[derive(Clone)]
pub(crate) struct Reader {
    http: reqwest::Client,
    url: String,
    token: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    value: Vec<BTreeMap<String, Box<RawValue>>>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// So many times a throttled request is sent again.
const PATIENCE: u32 = 60;

// === impl Row ===

impl Row {
    /// The cell of a column or lookup path.
    pub(crate) fn cell(&self, column: &str) -> Cell {
        self.0.get(&column.to_lowercase()).cloned().unwrap_or(Cell::Nothing)
    }

    /// The cells with their names.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.0.iter().map(|(name, cell)| (name.as_str(), cell))
    }

    /// The row that an answer holds as a JSON object; related rows in it become lookup paths.
    pub(crate) fn of(object: BTreeMap<String, Box<RawValue>>) -> Self {
        let mut cells = BTreeMap::new();
        Self::read("", object, &mut cells);
        Self(cells)
    }

    fn read(prefix: &str, object: BTreeMap<String, Box<RawValue>>, cells: &mut BTreeMap<String, Cell>) {
        for (name, raw) in object {
            let name = format!("{prefix}{}", name.to_lowercase());
            if let Some(cell) = Cell::read(&raw) {
                cells.insert(name, cell);
            } else if let Ok(related) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(raw.get()) {
                Self::read(&format!("{name}."), related, cells);
            }
        }
    }
}

// === impl Reader ===

impl Reader {
    /// Signs in.
    pub(crate) async fn sign_in(account: &Account) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()
            .map_err(|error| Failure::runtime("cannot make an HTTP client").because(error))?;
        let address = format!("{}/{}/oauth2/v2.0/token", account.url, account.tenant);
        let scope = format!("{}/.default", account.url);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", account.client_id.as_str()),
            ("client_secret", account.client_secret.as_str()),
            ("scope", scope.as_str()),
        ];
        let answer =
            http.post(&address).form(&form).send().await.map_err(|error| unreachable(&address, error))?;
        let answer = answer
            .error_for_status()
            .map_err(|error| Failure::environment("the sign-in was refused").at(&address).because(error))?;
        let token: Token = answer.json().await.map_err(|error| unreadable(&address, error))?;
        Ok(Self { http, url: account.url.clone(), token: token.access_token })
    }

    /// A signed-in request, for whoever changes something by hand.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// The first row of an answer, when it has one; the path begins at the system's address.
    pub(crate) async fn first(&self, path: &str) -> Result<Option<Row>, Failure> {
        let address = format!("{}{path}", self.url);
        let text = self.get(&address).await?;
        let page: Page = serde_json::from_str(&text).map_err(|error| unreadable(&address, error))?;
        Ok(page.value.into_iter().next().map(Row::of))
    }

    /// Every row of an F&O table, in all companies.
    pub(crate) async fn finops(&self, table: &str) -> Result<Vec<Row>, Failure> {
        self.rows(format!("{}/data/{table}?cross-company=true", self.url)).await
    }

    /// Every row of a Dataverse table, with the related columns that lookup paths name.
    pub(crate) async fn dataverse(&self, table: &str, columns: &[&str]) -> Result<Vec<Row>, Failure> {
        let paths: Vec<Vec<&str>> = columns.iter().map(|column| column.split('.').collect()).collect();
        let expand = expand(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let query = if expand.is_empty() { String::new() } else { format!("?{expand}") };
        self.rows(format!("{}/api/data/v9.2/{table}{query}", self.url)).await
    }

    /// The text of one page.
    pub(crate) async fn get(&self, address: &str) -> Result<String, Failure> {
        for _ in 0..PATIENCE {
            let request =
                self.http.get(address).bearer_auth(&self.token).header("Accept", "application/json");
            let answer = request.send().await.map_err(|error| unreachable(address, error))?;
            if answer.status() == reqwest::StatusCode::TOO_MANY_REQUESTS {
                let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                let seconds = after.and_then(|text| text.parse().ok()).unwrap_or(1);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                continue;
            }
            let status = answer.status();
            let text = answer.text().await.map_err(|error| unreadable(address, error))?;
            if status.is_success() {
                return Ok(text);
            }
            let about = text.chars().take(300).collect::<String>();
            return Err(Failure::runtime(format!("the read was answered with {status}: {about}")).at(address));
        }
        Err(Failure::environment("the service went on throttling").at(address))
    }

    async fn rows(&self, first: String) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        let mut next = Some(first);
        while let Some(address) = next {
            let text = self.get(&address).await?;
            let page: Page = serde_json::from_str(&text).map_err(|error| unreadable(&address, error))?;
            rows.extend(page.value.into_iter().map(Row::of));
            next = page.next;
        }
        Ok(rows)
    }
}

/// `$expand=company($select=code),group($select=id;$expand=…)`; empty when no path goes through a lookup.
fn expand(paths: &[&[&str]]) -> String {
    let mut lookups: BTreeMap<&str, Vec<&[&str]>> = BTreeMap::new();
    for path in paths {
        if let [lookup, rest @ ..] = path
            && !rest.is_empty()
        {
            lookups.entry(lookup).or_default().push(rest);
        }
    }
    let mut parts = Vec::new();
    for (lookup, below) in lookups {
        let mut columns: Vec<&str> =
            below.iter().filter_map(|path| path.first().copied().filter(|_| path.len() == 1)).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut options = Vec::new();
        if !columns.is_empty() {
            options.push(format!("$select={}", columns.join(",")));
        }
        let nested = expand(&below);
        if !nested.is_empty() {
            options.push(nested);
        }
        parts.push(format!("{lookup}({})", options.join(";")));
    }
    if parts.is_empty() { String::new() } else { format!("$expand={}", parts.join(",")) }
}

pub(crate) fn unreachable(address: &str, error: reqwest::Error) -> Failure {
    Failure::environment("the system did not answer").at(address).because(error.without_url())
}

fn unreadable(address: &str, error: impl std::error::Error) -> Failure {
    Failure::runtime("the answer could not be understood").at(address).because(error)
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn lookup_paths_become_an_expand() {
        let paths: [&[&str]; 4] =
            [&["company", "code"], &["name"], &["group", "company", "code"], &["group", "id"]];
        assert_eq!(
            expand(&paths),
            "$expand=company($select=code),group($select=id;$expand=company($select=code))"
        );
        assert_eq!(expand(&[&["name"]]), "");
    }
}
