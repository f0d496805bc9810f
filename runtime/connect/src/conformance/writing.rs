//! Rules on writing.

use dualwright_model::{Decimal, Value};

use super::{Outcome, Trial, expect, fresh_name, holds};
use crate::{Precondition, WriteOutcome};

impl Trial<'_> {
    pub(super) async fn creation(&self) -> Outcome {
        let name = fresh_name();
        let first = self.apply_one(self.creation_of(&name, self.cells("first", 12))).await?;
        let WriteOutcome::Written(written) = &first else { return Err(format!("{first:?}")) };
        expect(written.created != Some(false), || "a new row was called an old one".to_owned())?;
        let again = self.apply_one(self.creation_of(&name, self.cells("second", 13))).await?;
        expect(matches!(again, WriteOutcome::PreconditionFailed), || format!("again: {again:?}"))?;
        let row = self.row(&name).await?;
        expect(written.id.as_ref().is_none_or(|id| *id == row.id), || {
            "the write told another id".to_owned()
        })?;
        expect(written.version.is_none() || written.version == row.version, || {
            format!("the write told version {:?}, the row has {:?}", written.version, row.version)
        })?;
        holds(&row, self.text(), &Value::text("first"))?;
        holds(&row, self.number(), &Value::Decimal(Decimal::from(12)))
    }

    pub(super) async fn version_conflict(&self) -> Outcome {
        let name = fresh_name();
        let row = self.made(&name).await?;
        let old = Self::version(&row)?;
        self.written(self.update_of(&name, &row, &[(self.text(), Value::text("mine"))])).await?;
        let late = self.apply_one(self.update_of(&name, &row, &[(self.text(), Value::text("late"))])).await?;
        expect(matches!(late, WriteOutcome::PreconditionFailed), || format!("{late:?}"))?;
        let mut deletion = self.deletion_of(&name, &row.id);
        deletion.precondition = Precondition::Version(old.clone());
        let late = self.apply_one(deletion).await?;
        expect(matches!(late, WriteOutcome::PreconditionFailed), || format!("deletion: {late:?}"))?;
        let row = self.row(&name).await?;
        holds(&row, self.text(), &Value::text("mine"))?;
        expect(Self::version(&row)? != old, || "the version did not change with the row".to_owned())
    }

    pub(super) async fn partial_write(&self) -> Outcome {
        let name = fresh_name();
        let row = self.made(&name).await?;
        self.written(self.update_of(&name, &row, &[(self.text(), Value::text("other"))])).await?;
        let after = self.row(&name).await?;
        holds(&after, self.text(), &Value::text("other"))?;
        for (column, value) in row.record.iter().filter(|(column, _)| column.as_str() != self.text()) {
            holds(&after, column.as_str(), value)?;
        }
        expect(after.id == row.id, || "the row has another id".to_owned())
    }

    pub(super) async fn null_empty_zero(&self) -> Outcome {
        let name = fresh_name();
        let mut row = self.made(&name).await?;
        let exact = Decimal::parse("1234567.89").map_err(|error| error.to_string())?;
        for number in [Decimal::from(0), exact] {
            let number = Value::Decimal(number);
            self.written(self.update_of(&name, &row, &[(self.number(), number.clone())])).await?;
            row = self.row(&name).await?;
            holds(&row, self.number(), &number)?;
            holds(&row, self.text(), &Value::text("first"))?;
        }
        for empty in [Value::Null, Value::text("")] {
            self.written(self.update_of(&name, &row, &[(self.text(), empty)])).await?;
            row = self.row(&name).await?;
            holds(&row, self.text(), &self.fixture.empty_text)?;
            self.written(self.update_of(
                &name,
                &row,
                &[(self.text(), Value::text("O'Neil & Söhne <ü> 100%"))],
            ))
            .await?;
            row = self.row(&name).await?;
            holds(&row, self.text(), &Value::text("O'Neil & Söhne <ü> 100%"))?;
        }
        Ok(())
    }

    pub(super) async fn missing_lookup(&self) -> Outcome {
        let Some(lookup) = &self.fixture.lookup else { return Ok(()) };
        let name = fresh_name();
        let mut cells = self.cells("first", 12);
        cells.set(lookup.path.clone(), lookup.absent.clone());
        let outcome = self.apply_one(self.creation_of(&name, cells)).await?;
        let told = matches!(&outcome, WriteOutcome::LookupMissing { path, table, .. }
            if *path == lookup.path && *table == lookup.table);
        expect(told, || format!("{outcome:?}"))?;
        expect(self.find(&name).await?.is_none(), || "the row was written all the same".to_owned())?;

        let mut cells = self.cells("first", 12);
        cells.set(lookup.path.clone(), lookup.present.clone());
        self.written(self.creation_of(&name, cells)).await?;
        let mut row = self.row(&name).await?;
        holds(&row, lookup.path.as_str(), &lookup.present)?;
        self.written(self.update_of(&name, &row, &[(lookup.path.as_str(), Value::Null)])).await?;
        row = self.row(&name).await?;
        holds(&row, lookup.path.as_str(), &Value::Null)?;
        self.written(self.update_of(&name, &row, &[(lookup.path.as_str(), lookup.present.clone())])).await?;
        holds(&self.row(&name).await?, lookup.path.as_str(), &lookup.present)
    }

    pub(super) async fn double_deletion(&self) -> Outcome {
        let name = fresh_name();
        let row = self.made(&name).await?;
        self.written(self.deletion_of(&name, &row.id)).await?;
        expect(self.find(&name).await?.is_none(), || "the row is still there".to_owned())?;
        let again = self.apply_one(self.deletion_of(&name, &row.id)).await?;
        expect(matches!(again, WriteOutcome::Missing), || format!("again: {again:?}"))?;
        let late = self.apply_one(self.update_of(&name, &row, &[(self.text(), Value::text("late"))])).await?;
        let gone = matches!(late, WriteOutcome::Missing | WriteOutcome::PreconditionFailed);
        expect(gone, || format!("a write to the deleted row: {late:?}"))?;
        expect(self.find(&name).await?.is_none(), || "a write revived the row".to_owned())
    }

    pub(super) async fn mixed_batch(&self) -> Outcome {
        let (old, new, gone) = (fresh_name(), fresh_name(), fresh_name());
        let row = self.made(&old).await?;
        let deleted = self.made(&gone).await?;
        self.written(self.deletion_of(&gone, &deleted.id)).await?;
        let writes = [
            self.creation_of(&old, self.cells("again", 1)),
            self.creation_of(&new, self.cells("new", 2)),
            self.deletion_of(&gone, &deleted.id),
            self.update_of(&old, &row, &[(self.text(), Value::text("changed"))]),
        ];
        let outcomes = self.apply(&writes).await?;
        let as_meant = matches!(
            outcomes.as_slice(),
            [
                WriteOutcome::PreconditionFailed,
                WriteOutcome::Written(_),
                WriteOutcome::Missing,
                WriteOutcome::Written(_)
            ]
        );
        expect(as_meant, || format!("{outcomes:?}"))?;
        holds(&self.row(&old).await?, self.text(), &Value::text("changed"))?;
        holds(&self.row(&new).await?, self.text(), &Value::text("new"))
    }
}
