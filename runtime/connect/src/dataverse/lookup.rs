//! From values to rows: which row has this key, and where does this lookup lead.
//!
//! A lookup is written as columns of its target (`msdyn_paymenttermid.msdyn_name`). The target is looked for by those
//! columns and, where the target's table is divided by company, by the company of the record itself: two companies may
//! both have a payment term `Net30`. Paths through several lookups are resolved from the inside out. More than one row
//! that fits is an error, never a guess.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dualwright_model::{ColumnPath, ColumnSchema, IntegrationKey, TableName, Value};
use dualwright_odata::Literal;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::environment::Environment;
use super::memory::TargetKey;
use super::row::{Row, targets, unknown};
use super::schema::Table;
use crate::ConnectError;

/// Columns or paths of a table, and what they must hold.
pub(super) type Conditions = Vec<(ColumnPath, Value)>;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The row's id.
    One(String),
    None,
    /// More than one row fits.
    Many,
    /// A lookup among the conditions leads to a row that does not exist.
    Blocked(Nowhere),
}

/// A row that does not exist and that something points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nowhere {
    pub(super) table: TableName,
    /// What was looked for, in the order of the table's alternate key.
    pub(super) key: IntegrationKey,
}

/// One lookup of one record.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The lookup column.
    pub(super) lookup: String,
    /// What is said of the related row.
    pub(super) conditions: Conditions,
    /// The record's company: the column of the company's row, and its value.
    pub(super) company: Option<(ColumnPath, Value)>,
}

/// Where it leads.
#[derive(Clone, Debug)]
pub(super) enum Lead {
    /// To this row of this table.
    To(Arc<Table>, String),
    Nowhere(Nowhere),
    /// To more than one row of this table.
    Many(TableName),
}

/// What is asked of one lookup target's table, and for whom.
struct Questions {
    target: Arc<Table>,
    places: Vec<usize>,
    conditions: Vec<Conditions>,
}

impl Questions {
    fn to(target: &Arc<Table>) -> Self {
        Self { target: Arc::clone(target), places: Vec::new(), conditions: Vec::new() }
    }

    fn add(&mut self, place: usize, conditions: Conditions) {
        self.places.push(place);
        self.conditions.push(conditions);
    }
}

/// A condition on a column of the row itself.
struct Flat {
    column: ColumnSchema,
    property: String,
    value: Value,
}

/// Conditions as they are compared: without regard to case and trailing spaces.
fn canonical(value: &Value) -> String {
    value.to_key_text().trim_end().to_lowercase()
}

/// Whether a key value says that there is nothing: F&O has no nulls, so empty text means the same.
pub(super) fn is_blank(value: &Value) -> bool {
    value.is_missing() || matches!(value, Value::Text(text) if text.is_empty())
}

/// Whether nothing is said of the row that a lookup leads to. What the row itself is called decides: a location without an
/// aisle still names the warehouse that its aisle would be in.
pub(super) fn says_nothing(conditions: &[(ColumnPath, Value)]) -> bool {
    let own = conditions.iter().filter(|(path, _)| !path.is_lookup());
    let blank = |(_, value): &(ColumnPath, Value)| is_blank(value);
    conditions.iter().all(blank) || own.clone().next().is_some() && own.clone().all(blank)
}

/// The company that a record belongs to, as its cells or key tell it.
pub(super) fn company_of<'a>(
    table: &Table,
    cells: impl IntoIterator<Item = (&'a ColumnPath, &'a Value)>,
) -> Option<(ColumnPath, Value)> {
    cells.into_iter().find_map(|(path, value)| {
        let (lookup, rest) = path.split_lookup()?;
        (table.leads_to_company(lookup) && !is_blank(value)).then(|| (rest, value.clone()))
    })
}

/// Splits conditions into those on the row itself and those on each of its lookups.
pub(super) fn by_lookup(conditions: &[(ColumnPath, Value)]) -> (Conditions, BTreeMap<String, Conditions>) {
    let mut own = Conditions::new();
    let mut lookups: BTreeMap<String, Conditions> = BTreeMap::new();
    for (path, value) in conditions {
        match path.split_lookup() {
            None => own.push((path.clone(), value.clone())),
            Some((lookup, rest)) => {
                lookups.entry(lookup.to_lowercase()).or_default().push((rest, value.clone()));
            }
        }
    }
    (own, lookups)
}

impl Environment {
    /// The ids of the rows that meet the conditions, one answer a question. `remember` allows an answer that was true
    /// some minutes ago, for lookups; a record's own row is always asked for.
    pub(super) fn find<'a>(
        &'a self,
        table: &'a Arc<Table>,
        questions: &'a [Conditions],
        remember: bool,
    ) -> BoxFuture<'a, Result<Vec<Found>, ConnectError>> {
        Box::pin(async move {
            let flattened = self.flatten(table, questions).await?;
            let mut answers: Vec<Found> = Vec::with_capacity(questions.len());
            let mut open: BTreeMap<TargetKey, Vec<Flat>> = BTreeMap::new();
            let mut places: HashMap<TargetKey, Vec<usize>> = HashMap::new();
            for (place, flat) in flattened.into_iter().enumerate() {
                let flat = match flat {
                    Ok(flat) => flat,
                    Err(found) => {
                        answers.push(found);
                        continue;
                    }
                };
                let key = target_key(table, &flat);
                let known = if remember { self.memory.target(&key) } else { None };
                answers.push(known.clone().map_or(Found::None, Found::One));
                if known.is_none() {
                    places.entry(key.clone()).or_default().push(place);
                    open.insert(key, flat);
                }
            }
            let asked_at = Instant::now();
            for (key, found) in self.ask(table, open).await? {
                if let (true, Found::One(id)) = (remember, &found) {
                    self.memory.keep_target(key.clone(), asked_at, id.clone());
                }
                for place in places.get(&key).into_iter().flatten() {
                    if let Some(answer) = answers.get_mut(*place) {
                        *answer = found.clone();
                    }
                }
            }
            Ok(answers)
        })
    }

    /// Where lookups of rows of this table lead, one answer an ask. Asks that say nothing (all blank) are not for here.
    pub(super) async fn leads(&self, table: &Arc<Table>, asks: &[Ask]) -> Result<Vec<Lead>, ConnectError> {
        let mut leads: Vec<Option<Lead>> = asks.iter().map(|_| None).collect();
        let mut candidates = Vec::with_capacity(asks.len());
        for ask in asks {
            candidates.push(self.candidates(table, ask).await?);
        }
        // A polymorphic lookup tries its targets one after the other.
        let rounds = candidates.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..rounds {
            let mut by_target: BTreeMap<&str, Questions> = BTreeMap::new();
            for (place, (ask, targets)) in asks.iter().zip(&candidates).enumerate() {
                let Some(target) = targets.get(round) else { continue };
                if !matches!(leads.get(place), Some(Some(Lead::To(..) | Lead::Many(_)))) {
                    let entry = by_target.entry(&target.schema.logical_name);
                    entry.or_insert_with(|| Questions::to(target)).add(place, with_company(target, ask));
                }
            }
            for questions in by_target.into_values() {
                self.lead_to(questions, &mut leads).await?;
            }
        }
        leads
            .into_iter()
            .map(|lead| lead.ok_or_else(|| self.client.protocol("a lookup without a target")))
            .collect()
    }

    async fn lead_to(&self, questions: Questions, leads: &mut [Option<Lead>]) -> Result<(), ConnectError> {
        let Questions { target, places, conditions } = questions;
        let found = self.find(&target, &conditions, true).await?;
        for ((place, conditions), found) in places.into_iter().zip(&conditions).zip(found) {
            let lead = match found {
                Found::One(id) => Lead::To(Arc::clone(&target), id),
                Found::Many => Lead::Many(target.name().clone()),
                Found::Blocked(nowhere) => Lead::Nowhere(nowhere),
                Found::None => Lead::Nowhere(Nowhere {
                    table: target.name().clone(),
                    key: IntegrationKey::new(conditions.iter().map(|(_, value)| value)),
                }),
            };
            let Some(slot) = leads.get_mut(place) else { continue };
            // Of several targets without the row, the first is the one that is named.
            if slot.is_none() || !matches!(lead, Lead::Nowhere(_)) {
                *slot = Some(lead);
            }
        }
        Ok(())
    }

    /// The tables that this lookup may lead to and that have all the columns it is described by.
    async fn candidates(&self, table: &Arc<Table>, ask: &Ask) -> Result<Vec<Arc<Table>>, ConnectError> {
        let mut candidates: Option<Vec<Arc<Table>>> = None;
        for (rest, _) in &ask.conditions {
            let having = targets(&self.catalogue, table, &ask.lookup, rest).await?;
            if having.is_empty() {
                let path = ColumnPath::new(format!("{}.{rest}", ask.lookup));
                return Err(unknown(&self.catalogue, table, &path));
            }
            let both = candidates.map(|before: Vec<Arc<Table>>| {
                let name = |table: &Arc<Table>| table.schema.logical_name.clone();
                before.into_iter().filter(|one| having.iter().any(|other| name(one) == name(other))).collect()
            });
            candidates = Some(both.unwrap_or(having));
        }
        match candidates {
            Some(candidates) if !candidates.is_empty() => Ok(candidates),
            _ => Err(unknown(&self.catalogue, table, &ColumnPath::from(ask.lookup.as_str()))),
        }
    }

    /// Conditions on the rows themselves: lookups are replaced by the ids of the rows that they lead to.
    async fn flatten(
        &self,
        table: &Arc<Table>,
        questions: &[Conditions],
    ) -> Result<Vec<Result<Vec<Flat>, Found>>, ConnectError> {
        let (mut flattened, mut asks, mut askers) = (Vec::new(), Vec::new(), Vec::new());
        for (place, question) in questions.iter().enumerate() {
            let company = company_of(table, question.iter().map(|(path, value)| (path, value)));
            let (own, lookups) = by_lookup(question);
            let mut flat = Ok(Vec::new());
            for (path, value) in &own {
                let column = self.column(table, path.as_str())?;
                add(&mut flat, table, column, value);
            }
            for (lookup, conditions) in lookups {
                let column = self.column(table, &lookup)?;
                if says_nothing(&conditions) {
                    add(&mut flat, table, column, &Value::Null);
                } else {
                    asks.push(Ask { lookup, conditions, company: company.clone() });
                    askers.push(place);
                }
            }
            flattened.push(flat);
        }
        if asks.is_empty() {
            return Ok(flattened);
        }
        let leads = self.leads(table, &asks).await?;
        for ((place, ask), lead) in askers.into_iter().zip(&asks).zip(leads) {
            let column = self.column(table, &ask.lookup)?;
            let Some(flat) = flattened.get_mut(place) else { continue };
            match lead {
                Lead::To(_, id) => add(flat, table, column, &Value::Text(id)),
                Lead::Nowhere(nowhere) => *flat = Err(Found::Blocked(nowhere)),
                Lead::Many(_) => *flat = Err(Found::Many),
            }
        }
        Ok(flattened)
    }

    /// Asks the service for all that is not known, in one go for each set of columns.
    async fn ask(
        &self,
        table: &Arc<Table>,
        open: BTreeMap<TargetKey, Vec<Flat>>,
    ) -> Result<Vec<(TargetKey, Found)>, ConnectError> {
        let mut by_columns: BTreeMap<Vec<String>, Vec<(TargetKey, Vec<Flat>)>> = BTreeMap::new();
        for (key, flat) in open {
            let columns = flat.iter().map(|condition| condition.property.clone()).collect();
            by_columns.entry(columns).or_default().push((key, flat));
        }
        let mut answers = Vec::new();
        for (columns, questions) in by_columns {
            let select = std::iter::once(table.primary_id()).chain(columns.iter().map(String::as_str));
            let select = select.collect::<Vec<_>>().join(",");
            let clauses: Vec<String> = questions.iter().map(|(_, flat)| clause(flat)).collect();
            let rows = self.rows(table, &select, None, &clauses).await?;
            let Some((_, shape)) = questions.first() else { continue };
            let mut candidates: HashMap<Vec<String>, Vec<Candidate>> = HashMap::new();
            for row in &rows {
                let candidate = self.candidate(table, shape, row)?;
                candidates.entry(candidate.canonical.clone()).or_default().push(candidate);
            }
            for (key, flat) in questions {
                let wanted: Vec<String> = flat.iter().map(|condition| canonical(&condition.value)).collect();
                let spelled: Vec<String> =
                    flat.iter().map(|condition| condition.value.to_key_text()).collect();
                let found = candidates.get(&wanted).map_or(Found::None, |rows| choose(rows, &spelled));
                answers.push((key, found));
            }
        }
        Ok(answers)
    }

    fn candidate(&self, table: &Table, shape: &[Flat], row: &Row) -> Result<Candidate, ConnectError> {
        let bad = |reason: String| self.client.protocol(format!("{}: {reason}", table.name()));
        let id = row.guid(table.primary_id()).ok_or_else(|| bad("a row without its id".to_owned()))?;
        let values: Result<Vec<Value>, String> =
            shape.iter().map(|condition| row.cell(&condition.property, &condition.column)).collect();
        let values = values.map_err(bad)?;
        Ok(Candidate {
            id,
            canonical: values.iter().map(canonical).collect(),
            spelled: values.iter().map(Value::to_key_text).collect(),
        })
    }

    fn column(&self, table: &Table, name: &str) -> Result<ColumnSchema, ConnectError> {
        let column = table.schema.column(name).cloned();
        column.ok_or_else(|| unknown(&self.catalogue, table, &ColumnPath::from(name)))
    }
}

struct Candidate {
    id: String,
    canonical: Vec<String>,
    spelled: Vec<String>,
}

/// Of several rows that fit without regard to case, the one that is spelled just so.
fn choose(rows: &[Candidate], spelled: &[String]) -> Found {
    match rows {
        [] => Found::None,
        [only] => Found::One(only.id.clone()),
        several => {
            let mut exact = several.iter().filter(|row| row.spelled == spelled);
            match (exact.next(), exact.next()) {
                (Some(only), None) => Found::One(only.id.clone()),
                _ => Found::Many,
            }
        }
    }
}

fn add(flat: &mut Result<Vec<Flat>, Found>, table: &Table, column: ColumnSchema, value: &Value) {
    let Ok(conditions) = flat else { return };
    // A value that the column cannot hold is a row that cannot exist.
    match column.coerce(value.clone()) {
        Ok(value) => conditions.push(Flat { property: table.property(&column), column, value }),
        Err(_) => *flat = Err(Found::None),
    }
}

fn clause(flat: &[Flat]) -> String {
    let conditions: Vec<String> = flat
        .iter()
        .map(|condition| {
            // Trailing spaces do not count in either system.
            let value = match &condition.value {
                Value::Text(text) => Value::text(text.trim_end()),
                other => other.clone(),
            };
            let literal =
                Literal::from_value(&value, Some(&condition.column.column_type)).unwrap_or(Literal::Null);
            format!("{} eq {literal}", condition.property)
        })
        .collect();
    format!("({})", conditions.join(" and "))
}

/// A path by the one of its names that this table has, where a lookup to several tables gives a name for each.
fn named_by(target: &Table, path: &ColumnPath) -> ColumnPath {
    match target.schema.column(path.as_str()) {
        Some(column) if path.as_str().contains('|') => ColumnPath::from(column.name.as_str()),
        _ => path.clone(),
    }
}

fn target_key(table: &Table, flat: &[Flat]) -> TargetKey {
    let conditions =
        flat.iter().map(|condition| (condition.property.clone(), canonical(&condition.value))).collect();
    TargetKey { table: table.schema.logical_name.clone(), conditions }
}

/// The conditions on a lookup's target, with the record's company where the target's table is divided by company, in
/// the order of the target's alternate key.
fn with_company(target: &Table, ask: &Ask) -> Conditions {
    let mut conditions: Conditions =
        ask.conditions.iter().map(|(path, value)| (named_by(target, path), value.clone())).collect();
    let first = |path: &ColumnPath| {
        path.split_lookup().map_or(path.as_str().to_lowercase(), |(lookup, _)| lookup.to_lowercase())
    };
    let given: Vec<String> = conditions.iter().map(|(path, _)| first(path)).collect();
    if given.iter().any(|column| target.leads_to_company(column)) {
        return conditions;
    }
    let missing_of = |columns: &[String]| -> Option<Vec<String>> {
        let columns: Vec<String> = columns.iter().map(|column| column.to_lowercase()).collect();
        let all_given = given.iter().all(|column| columns.contains(column));
        all_given.then(|| columns.into_iter().filter(|column| !given.contains(column)).collect())
    };
    let keys = target.schema.keys.iter().filter(|key| key.active);
    let mut fitting: Vec<(&[String], Vec<String>)> = keys
        .filter_map(|key| Some((key.columns.as_slice(), missing_of(&key.columns)?)))
        .filter(|(_, missing)| missing.iter().all(|column| target.leads_to_company(column)))
        .collect();
    fitting.sort_by_key(|(_, missing)| missing.len());
    let company_column = match fitting.first() {
        Some((_, missing)) => missing.first().cloned(),
        // No key says so, but a table with one lookup to the companies is divided by them all the same.
        None => {
            let mut leading = target.references.keys().filter(|column| target.leads_to_company(column));
            leading.next().filter(|_| leading.next().is_none()).cloned()
        }
    };
    if let (Some(column), Some((rest, value))) = (company_column, &ask.company) {
        conditions.push((ColumnPath::new(format!("{column}.{rest}")), value.clone()));
    }
    if let Some((order, _)) = fitting.first() {
        let position =
            |path: &ColumnPath| order.iter().position(|column| column.to_lowercase() == first(path));
        conditions.sort_by_key(|(path, _)| position(path).unwrap_or(usize::MAX));
    }
    conditions
}
