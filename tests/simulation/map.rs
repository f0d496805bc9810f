//! A map that copies three columns, natively, and versions of it that do not.

use std::collections::BTreeSet;

use async_trait::async_trait;
use dualwright_engine::MapLogic;
use dualwright_model::{ColumnPath, Digest, Leg, Operation, Record, Value};
use dualwright_plugin_host::{
    Clash, Description, GuestChange, GuestFault, GuestFaultKind, KeyPair, LeavePolicy, LegDescription,
    Outcome, ResolveResult, TransformResult, Verdict,
};

pub(crate) const COLUMNS: [&str; 3] = ["key", "name", "memo"];

/// What a version does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// It traps on every record.
    Traps,
    /// It refuses every record.
    Refuses,
    /// It writes memos in capitals.
    Shouts,
}

pub(crate) struct CopyMap {
    description: Description,
    digest: Digest,
    flaw: Flaw,
}

impl CopyMap {
    pub(crate) fn new() -> Self {
        Self::version("1.0.0", "native", Flaw::None)
    }

    pub(crate) fn version(version: &str, digest: &str, flaw: Flaw) -> Self {
        let columns: Vec<ColumnPath> = COLUMNS.iter().map(|column| ColumnPath::from(*column)).collect();
        let legs = Leg::ALL.map(|leg| LegDescription {
            leg,
            reads: columns.clone(),
            writes: columns.clone(),
            filter: None,
            on_leave: LeavePolicy::Delete,
        });
        let description = Description {
            name: "copy".into(),
            version: version.into(),
            about: String::new(),
            finops_table: "Rows".into(),
            dataverse_table: "rows".into(),
            key: vec![KeyPair { finops: "key".into(), dataverse: "key".into() }],
            legs: legs.to_vec(),
            two_way: columns.iter().map(|column| (column.clone(), column.clone())).collect(),
            needs: Vec::new(),
            excludes: Vec::new(),
        };
        Self { description, digest: digest.into(), flaw }
    }

    /// One that speaks of another table.
    pub(crate) fn of_another_table() -> Self {
        let mut map = Self::new();
        map.description.dataverse_table = "others".into();
        map
    }
}

#[async_trait]
impl MapLogic for CopyMap {
    fn description(&self) -> &Description {
        &self.description
    }

    fn digest(&self) -> &Digest {
        &self.digest
    }

    async fn transform(&self, _: Leg, _: bool, batch: &[GuestChange]) -> Vec<TransformResult> {
        let copy = |change: &GuestChange| -> Record {
            COLUMNS.iter().map(|column| ((*column).into(), change.record.get(column).clone())).collect()
        };
        batch
            .iter()
            .map(|change| match self.flaw {
                Flaw::Traps => Err(GuestFault { kind: GuestFaultKind::Trap, message: "unreachable".into() }),
                Flaw::Refuses => Ok(Outcome::Reject(Vec::new())),
                Flaw::None | Flaw::Shouts => Ok(match change.operation {
                    Operation::Upsert => {
                        let mut cells = copy(change);
                        if let (Flaw::Shouts, Value::Text(memo)) = (self.flaw, cells.get("memo").clone()) {
                            cells.set("memo", Value::Text(memo.to_uppercase()));
                        }
                        Outcome::Upsert(cells)
                    }
                    Operation::Delete => Outcome::Delete,
                }),
            })
            .collect()
    }
    fn resolves(&self) -> bool {
        true
    }

    /// Of names the greater one stays; memos are words, and all words of both sides stay.
    async fn resolve(&self, _: Leg, _: bool, batch: &[Clash]) -> Vec<ResolveResult> {
        let greater =
            |one: &Value, other: &Value| if text(one) > text(other) { one.clone() } else { other.clone() };
        batch
            .iter()
            .map(|clash| {
                let mut merged = Record::new();
                let both = |column: &str| (clash.wanted.get(column).clone(), clash.found.get(column).clone());
                let (wanted, found) = both("name");
                merged.set("name", greater(&wanted, &found));
                let (wanted, found) = both("memo");
                let words: BTreeSet<&str> =
                    text(&wanted).split_whitespace().chain(text(&found).split_whitespace()).collect();
                merged.set("memo", Value::text(words.into_iter().collect::<Vec<_>>().join(" ")));
                Ok(Verdict::Merge(merged))
            })
            .collect()
    }
}

fn text(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}
