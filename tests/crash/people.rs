//! People who change records on both sides, and who do not give up when a system is away for a moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Answer, Deadline, Pair, Service, System, wait_until};
use tokio::task::JoinSet;

use crate::stage::{LASTING, PASSING, customer, lasting, passing};

/// A counter that only people in F&O move: its F&O column and its Dataverse column.
pub(crate) const FINOPS_COUNTER: (&str, &str) = ("OrganizationNumberOfEmployees", "numberofemployees");
/// A counter that only people in Dataverse move.
pub(crate) const DATAVERSE_COUNTER: (&str, &str) = ("PaymentTermsBaseDays", "msdyn_paymenttermsbasedays");

/// How long somebody tries before they complain.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two deeds of one person: together a hundred changes a second, which a debug build can just follow.
const PACE: Duration = Duration::from_millis(40);
/// People on each side; each has records of their own.
const PERSONS: usize = 2;

/// Everybody at work.
pub(crate) struct People {
    tasks: JoinSet<anyhow::Result<Words>>,
    stop: Arc<AtomicBool>,
    deeds: Arc<AtomicU64>,
}

/// What was said last of each record, and must stand: the counters by account.
#[derive(Default)]
pub(crate) struct Words {
    finops: BTreeMap<String, i64>,
    dataverse: BTreeMap<String, i64>,
    pub(crate) deeds: u64,
}

struct Person {
    service: Service,
    random: StdRng,
    name: usize,
    stop: Arc<AtomicBool>,
    deeds: Arc<AtomicU64>,
    words: BTreeMap<String, i64>,
    /// Records of their own side that this person will delete.
    to_delete: Vec<String>,
    /// Records of the other side's people that this one edits until they are gone.
    fleeting: Vec<String>,
    born: usize,
}

impl People {
    pub(crate) async fn begin(pair: &Pair, seed: u64) -> anyhow::Result<Self> {
        let (stop, deeds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for name in 0..PERSONS {
            for system in [System::Finops, System::Dataverse] {
                let other = if system == System::Finops { System::Dataverse } else { System::Finops };
                let mine = |count: usize| (0..count).filter(move |number| number % PERSONS == name);
                let person = Person {
                    service: pair.person(system).await?,
                    random: StdRng::seed_from_u64(seed ^ ((name as u64) << 8) ^ ((system as u64) << 16)),
                    name,
                    stop: Arc::clone(&stop),
                    deeds: Arc::clone(&deeds),
                    words: mine(LASTING).map(|number| (lasting(number), 0)).collect(),
                    to_delete: mine(PASSING).map(|number| passing(system, number)).collect(),
                    fleeting: mine(PASSING).map(|number| passing(other, number)).collect(),
                    born: 0,
                };
                tasks.spawn(person.work());
            }
        }
        Ok(Self { tasks, stop, deeds })
    }

    /// Waits until so many more deeds are done.
    pub(crate) async fn wait_for_deeds(&self, more: u64) -> anyhow::Result<()> {
        let goal = self.deeds.load(Ordering::SeqCst) + more;
        let done = wait_until(PATIENCE, async || {
            let deeds = self.deeds.load(Ordering::SeqCst);
            ensure!(deeds >= goal, "{deeds} deeds are done, not {goal}");
            Ok(())
        });
        done.await
    }

    /// Lets everybody finish what they are at; answers what they said last.
    pub(crate) async fn end(mut self) -> anyhow::Result<Words> {
        self.stop.store(true, Ordering::SeqCst);
        let mut words = Words { deeds: self.deeds.load(Ordering::SeqCst), ..Words::default() };
        while let Some(ended) = self.tasks.join_next().await {
            let one = ended??;
            words.finops.extend(one.finops);
            words.dataverse.extend(one.dataverse);
        }
        Ok(words)
    }
}

impl Words {
    /// Every last word is what both systems say.
    pub(crate) async fn stand(&self, pair: &Pair) -> anyhow::Result<()> {
        let finops = pair.person(System::Finops).await?.rows("CustomersV3").await?;
        let dataverse = pair.person(System::Dataverse).await?.rows("accounts").await?;
        ensure!(self.finops.len() >= LASTING && self.dataverse.len() >= LASTING);
        let mut lost = Vec::new();
        for (said, columns) in [(&self.finops, FINOPS_COUNTER), (&self.dataverse, DATAVERSE_COUNTER)] {
            let sides = [(&finops, "CustomerAccount", columns.0), (&dataverse, "accountnumber", columns.1)];
            for (account, word) in said.iter().filter(|(_, word)| **word > 0) {
                for (rows, key, column) in sides {
                    let row = rows.iter().find(|row| row.cell(key).plain() == account);
                    let stands = row.map(|row| row.cell(column).plain().to_owned());
                    if stands.as_deref() != Some(word.to_string().as_str()) {
                        lost.push(format!("{column} of {account} was set to {word} and is {stands:?}"));
                    }
                }
            }
        }
        ensure!(lost.is_empty(), "{} words are lost\n  {}", lost.len(), lost.join("\n  "));
        Ok(())
    }
}

impl Person {
    async fn work(mut self) -> anyhow::Result<Words> {
        let mut pace = tokio::time::interval(PACE);
        while !self.stop.load(Ordering::SeqCst) {
            pace.tick().await;
            self.do_something().await?;
            self.deeds.fetch_add(1, Ordering::SeqCst);
        }
        let words = Words::default();
        Ok(match self.service.system() {
            System::Finops => Words { finops: self.words, ..words },
            System::Dataverse => Words { dataverse: self.words, ..words },
        })
    }

    async fn do_something(&mut self) -> anyhow::Result<()> {
        match self.random.random_range(0..100) {
            0..70 => self.count_up().await,
            70..85 => {
                let account = self.one_of_mine();
                self.write_memo(&account).await
            }
            85..92 if !self.fleeting.is_empty() => {
                let account = self.fleeting[self.random.random_range(0..self.fleeting.len())].clone();
                self.write_memo(&account).await
            }
            92..94 => match self.to_delete.pop() {
                Some(account) => self.delete(&account).await,
                None => self.count_up().await,
            },
            94..97 => self.make_one().await,
            _ => self.count_up().await,
        }
    }

    fn one_of_mine(&mut self) -> String {
        let number = self.random.random_range(0..self.words.len());
        self.words.keys().nth(number).cloned().unwrap_or_default()
    }

    async fn count_up(&mut self) -> anyhow::Result<()> {
        let account = self.one_of_mine();
        let next = self.words[&account] + 1;
        let column = match self.service.system() {
            System::Finops => FINOPS_COUNTER.0,
            System::Dataverse => DATAVERSE_COUNTER.1,
        };
        if self.change(&account, &json!({ column: next })).await? {
            self.words.insert(account, next);
        }
        Ok(())
    }

    /// Both sides write memos, so that they meet.
    async fn write_memo(&mut self, account: &str) -> anyhow::Result<()> {
        let (column, who) = match self.service.system() {
            System::Finops => ("SalesMemo", "F&O"),
            System::Dataverse => ("description", "Dataverse"),
        };
        let memo = format!("« {who} » says {}", self.random.random_range(0..1000));
        self.change(account, &json!({ column: memo })).await.map(|_| ())
    }

    /// Changes a record; answers whether it was there.
    async fn change(&self, account: &str, cells: &Value) -> anyhow::Result<bool> {
        let Some(row) = self.address(account).await? else { return Ok(false) };
        let (answer, _) = self.insist(Method::PATCH, &row, Some(cells)).await?;
        match answer.status {
            404 => Ok(false),
            _ if answer.is_done() => Ok(true),
            _ => bail!("{row}: {answer:?}"),
        }
    }

    async fn delete(&self, account: &str) -> anyhow::Result<()> {
        let Some(row) = self.address(account).await? else { return Ok(()) };
        let (answer, _) = self.insist(Method::DELETE, &row, None).await?;
        ensure!(answer.is_done() || answer.status == 404, "{row}: {answer:?}");
        Ok(())
    }

    async fn make_one(&mut self) -> anyhow::Result<()> {
        self.born += 1;
        let (account, table, row) = match self.service.system() {
            System::Finops => {
                let account = format!("NF-{}-{:03}", self.name, self.born);
                (account.clone(), "CustomersV3", customer(&account))
            }
            System::Dataverse => {
                let account = format!("ND-{}-{:03}", self.name, self.born);
                let companies = self.find("cdm_companies", "cdm_companycode", "USMF").await?;
                let Some(company) = companies else { return Ok(()) };
                let company = format!("/cdm_companies({})", company.cell("cdm_companyid").plain());
                let row = json!({"accountnumber": account, "name": format!("Société {account}"),
                    "customertypecode": 3, "msdyn_company@odata.bind": company});
                (account, "accounts", row)
            }
        };
        let path = self.service.across(table);
        let (answer, tried_before) = self.insist(Method::POST, &path, Some(&row)).await?;
        // A record that is there already is ours, if an answer was lost before.
        ensure!(
            answer.is_done() || (tried_before && (400..500).contains(&answer.status)),
            "{row}: {answer:?}"
        );
        self.words.insert(account, 0);
        Ok(())
    }

    /// The address of a record, unless it is not there (yet, or any more).
    async fn address(&self, account: &str) -> anyhow::Result<Option<String>> {
        if self.service.system() == System::Finops {
            let row = format!("CustomersV3(dataAreaId='usmf',CustomerAccount='{account}')");
            return Ok(Some(self.service.across(&row)));
        }
        let found = self.find("accounts", "accountnumber", account).await?;
        Ok(found.map(|row| format!("accounts({})", row.cell("accountid").plain())))
    }

    async fn find(&self, table: &str, column: &str, value: &str) -> anyhow::Result<Option<support::Row>> {
        let deadline = Deadline::after(PATIENCE);
        loop {
            match self.service.find(table, column, value).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    ensure!(deadline.look_again().await, "{table} cannot be read: {error:#}");
                }
            }
        }
    }

    /// Sends until there is an answer; answers also whether an earlier one was lost.
    async fn insist(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(Answer, bool)> {
        let deadline = Deadline::after(PATIENCE);
        let mut tried_before = false;
        loop {
            let outcome = self.service.send(method.clone(), path, body).await;
            match outcome {
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    return Ok((answer, tried_before));
                }
                _ => ensure!(deadline.look_again().await, "{method} {path}: {outcome:?}"),
            }
            tried_before = true;
        }
    }
}
