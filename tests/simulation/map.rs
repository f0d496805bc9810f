//! A map that copies three columns, natively.

use async_trait::async_trait;
use dualwright_engine::MapLogic;
use dualwright_model::{ColumnPath, Digest, Leg, Operation, Record};
use dualwright_plugin_host::{
    Description, GuestChange, KeyPair, LeavePolicy, LegDescription, Outcome, TransformResult,
};

pub(crate) const COLUMNS: [&str; 3] = ["key", "name", "memo"];

pub(crate) struct CopyMap {
    description: Description,
    digest: Digest,
}

impl CopyMap {
    pub(crate) fn new() -> Self {
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
            version: "1.0.0".into(),
            about: String::new(),
            finops_table: "Rows".into(),
            dataverse_table: "rows".into(),
            key: vec![KeyPair { finops: "key".into(), dataverse: "key".into() }],
            legs: legs.to_vec(),
            two_way: columns.iter().map(|column| (column.clone(), column.clone())).collect(),
            needs: Vec::new(),
        };
        Self { description, digest: "native".into() }
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
            .map(|change| {
                Ok(match change.operation {
                    Operation::Upsert => Outcome::Upsert(copy(change)),
                    Operation::Delete => Outcome::Delete,
                })
            })
            .collect()
    }
}
