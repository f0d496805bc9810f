//! Two systems with a company, a map of customers, and the runtime between them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::write_log::{self, Write};
use support::{Pair, RUNTIME, Row, Runtime, Service, System, Turn, agreement, catalogue, wait_until};

/// How long anything may take to arrive.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A map of customers with one field of each kind. Lines of the caller are added to its header.
const CUSTOMERS: &str = r#"
[map]
name = "few-customers"
version = "1.0.0"
finops = "CustomersV3"
dataverse = "accounts"
key = [
  { finops = "dataAreaId", dataverse = "msdyn_company.cdm_companycode" },
  { finops = "CustomerAccount", dataverse = "accountnumber" },
]
filter = { finops = "PartyType eq 'Organization'", dataverse = "customertypecode eq 3" }
HEADER
field = [
  { finops = "OrganizationName", dataverse = "name" },
  { finops = "CreditLimit", dataverse = "creditlimit" },
  { finops = "OrganizationNumberOfEmployees", dataverse = "numberofemployees" },
  { finops = "PaymentTermsBaseDays", dataverse = "msdyn_paymenttermsbasedays" },
  { finops = "SalesMemo", dataverse = "description" },
  { finops = "PrimaryContactEmail", dataverse = "emailaddress1" },
  { finops = "CustomerGroupId", dataverse = "msdyn_customergroupid.msdyn_groupid" },
  { finops = "InvoiceAccount", dataverse = "msdyn_billingaccount.accountnumber" },
  { dataverse = "customertypecode", direction = "to-dataverse", default = 3 },
  { finops = "PartyType", direction = "to-finops", default = "Organization" },
]
"#;

/// What a story is told with. Dropped from top to bottom: nobody writes to systems that are gone.
pub(crate) struct Story {
    pub(crate) runtime: Runtime,
    pub(crate) pair: Pair,
    pub(crate) maps: Vec<PathBuf>,
    pub(crate) finops: Service,
    pub(crate) dataverse: Service,
    _turn: Turn,
}

/// How far the write logs had come at some moment.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    finops: u64,
    dataverse: u64,
}

impl Story {
    /// Starts both systems, with the company USMF; does not start the runtime. `header` is added to the map of customers.
    pub(crate) async fn open(header: &str) -> anyhow::Result<Self> {
        Self::configured(header, "").await
    }

    /// The same with further lines of configuration.
    pub(crate) async fn configured(header: &str, config: &str) -> anyhow::Result<Self> {
        let turn = Turn::take().await?;
        let pair = Pair::start()?;
        let map = pair.folder().join("few-customers.toml");
        std::fs::write(&map, CUSTOMERS.replace("HEADER", header))?;
        let mut maps = catalogue(&["company/legal-entities-companies", "customers/customer-groups"]);
        maps.push(map);
        Self::with(turn, pair, maps, Vec::new(), config).await
    }

    /// The same with the runtime running, and with customers who have arrived in Dataverse.
    pub(crate) async fn of_customers(header: &str, customers: &[&str]) -> anyhow::Result<Self> {
        let mut story = Self::open(header).await?;
        for account in customers {
            story.finops.create("CustomersV3", &customer(account)).await?;
        }
        story.run().await?;
        Ok(story)
    }

    /// Of these maps, and of further ones that the oracle cannot read; `config` is added to the configuration.
    pub(crate) async fn with(
        turn: Turn,
        pair: Pair,
        maps: Vec<PathBuf>,
        components: Vec<PathBuf>,
        config: &str,
    ) -> anyhow::Result<Self> {
        let finops = pair.person(System::Finops).await?;
        let dataverse = pair.person(System::Dataverse).await?;
        finops.create("LegalEntities", &json!({"LegalEntityId": "USMF", "Name": "Contoso"})).await?;
        let all: Vec<PathBuf> = maps.iter().cloned().chain(components).collect();
        let runtime = Runtime::with(&pair, &all, config)?;
        runtime.switch_data_events_on(&pair, &maps).await?;
        Ok(Self { runtime, pair, maps, finops, dataverse, _turn: turn })
    }

    /// Starts the runtime and waits until both sides agree.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        self.runtime.start()?;
        self.runtime.wait_until_up()?;
        self.settle().await
    }

    /// Waits until nothing is under way and both sides agree by every map.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        self.runtime.wait_until_quiet(PATIENCE).await?;
        agreement::wait(&self.pair, &self.maps, PATIENCE).await.with_context(|| self.runtime.log_tail())?;
        self.runtime.wait_until_quiet(PATIENCE).await
    }

    /// Waits until a change that is made after all others has arrived on both sides, so that what has not happened by
    /// then does not happen. Uses a customer of its own.
    pub(crate) async fn pass_time(&self) -> anyhow::Result<()> {
        let row = self.customer_path("CLOCK");
        if self.finops.find("CustomersV3", "CustomerAccount", "CLOCK").await?.is_none() {
            self.finops.create("CustomersV3", &customer("CLOCK")).await?;
            self.account("CLOCK").await?;
        }
        let old = self.customer("CLOCK").await?;
        let next: i64 = old.cell("OrganizationNumberOfEmployees").plain().parse()?;
        self.finops.update(&row, &json!({"OrganizationNumberOfEmployees": next + 1})).await?;
        self.shows("CLOCK", "numberofemployees", &(next + 1).to_string()).await?;
        let account = self.account_path("CLOCK").await?;
        self.dataverse.update(&account, &json!({"msdyn_paymenttermsbasedays": next + 1})).await?;
        self.customer_shows("CLOCK", "PaymentTermsBaseDays", &(next + 1).to_string()).await?;
        self.runtime.wait_until_quiet(PATIENCE).await
    }

    /// The address of a customer in F&O.
    #[allow(clippy::unused_self, reason = "reads like its sibling")]
    pub(crate) fn customer_path(&self, account: &str) -> String {
        format!("CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')")
    }

    /// The address of an account in Dataverse; waits for it.
    pub(crate) async fn account_path(&self, account: &str) -> anyhow::Result<String> {
        let row = self.account(account).await?;
        Ok(format!("accounts({})", row.cell("accountid").plain()))
    }

    /// An account in Dataverse; waits for it.
    pub(crate) async fn account(&self, account: &str) -> anyhow::Result<Row> {
        let found = wait_until(PATIENCE, async || {
            let found = self.dataverse.find("accounts", "accountnumber", account).await?;
            found.with_context(|| format!("there is no account {account}"))
        });
        found.await.with_context(|| self.runtime.log_tail())
    }

    /// A customer in F&O; waits for it.
    pub(crate) async fn customer(&self, account: &str) -> anyhow::Result<Row> {
        let found = wait_until(PATIENCE, async || {
            let found = self.finops.find("CustomersV3", "CustomerAccount", account).await?;
            found.with_context(|| format!("there is no customer {account}"))
        });
        found.await.with_context(|| self.runtime.log_tail())
    }

    /// Waits until a column of an account says this; empty text stands for nothing.
    pub(crate) async fn shows(&self, account: &str, column: &str, text: &str) -> anyhow::Result<()> {
        self.row_shows(&self.dataverse, ("accounts", "accountnumber", account), column, text).await
    }

    /// Waits until a column of a customer says this; empty text stands for nothing.
    pub(crate) async fn customer_shows(&self, account: &str, column: &str, text: &str) -> anyhow::Result<()> {
        self.row_shows(&self.finops, ("CustomersV3", "CustomerAccount", account), column, text).await
    }

    /// Waits until a column of a row says this; empty text stands for nothing. The row is named by table, column and value.
    pub(crate) async fn row_shows(
        &self,
        service: &Service,
        (table, key, value): (&str, &str, &str),
        column: &str,
        text: &str,
    ) -> anyhow::Result<()> {
        let shown = wait_until(PATIENCE, async || {
            let row = service.find(table, key, value).await?.with_context(|| format!("no {value}"))?;
            let cell = row.cell(column).plain();
            ensure!(cell == text, "{column} of {value} is {cell:?} and not {text:?}");
            Ok(())
        });
        shown.await.with_context(|| self.runtime.log_tail())
    }

    /// Waits until a row is gone.
    pub(crate) async fn is_gone(
        &self,
        service: &Service,
        table: &str,
        key: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        let gone = wait_until(PATIENCE, async || {
            ensure!(service.find(table, key, value).await?.is_none(), "{value} is still in {table}");
            Ok(())
        });
        gone.await.with_context(|| self.runtime.log_tail())
    }

    /// The place both write logs have reached.
    pub(crate) async fn mark(&self) -> anyhow::Result<Mark> {
        let last = async |service| -> anyhow::Result<u64> {
            Ok(write_log::read(service).await?.last().map_or(0, |write| write.sequence))
        };
        Ok(Mark { finops: last(&self.finops).await?, dataverse: last(&self.dataverse).await? })
    }

    /// What the runtime has written to a table since.
    pub(crate) async fn written_since(
        &self,
        mark: Mark,
        service: &Service,
        table: &str,
    ) -> anyhow::Result<Vec<Write>> {
        let after = match service.system() {
            System::Finops => mark.finops,
            System::Dataverse => mark.dataverse,
        };
        let log = write_log::of_tables(&write_log::read(service).await?, &[table.to_owned()]);
        Ok(log.into_iter().filter(|write| write.client == RUNTIME && write.sequence > after).collect())
    }

    /// Nothing was written twice by the runtime, and no letter is dead.
    pub(crate) async fn nothing_went_wrong(&self) -> anyhow::Result<()> {
        for (service, table) in [(&self.finops, "CustomersV3"), (&self.dataverse, "accounts")] {
            let log = write_log::of_tables(&write_log::read(service).await?, &[table.to_owned()]);
            let findings = write_log::written_twice(&log, RUNTIME);
            ensure!(findings.is_empty(), "{}", findings.join("\n"));
        }
        let dead = self.runtime.dead_letters().await?;
        ensure!(dead.is_empty(), "dead letters: {dead:#?}");
        Ok(())
    }
}

/// A customer that is an organization.
pub(crate) fn customer(account: &str) -> Value {
    json!({
        "dataAreaId": "usmf", "CustomerAccount": account, "PartyType": "Organization",
        "OrganizationName": format!("Société {account}"), "CreditLimit": 1000.50, "SalesMemo": "Pays on time.",
        "PrimaryContactEmail": "info@example.com",
    })
}

/// The names of the cells that a write sent, sorted.
pub(crate) fn columns(write: &Write) -> Vec<&str> {
    let mut columns: Vec<&str> = write.cells.keys().map(String::as_str).collect();
    columns.sort_unstable();
    columns
}
