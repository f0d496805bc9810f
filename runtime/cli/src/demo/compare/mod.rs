//! Do both sides agree? Asked of the systems themselves, over HTTP, by code of its own.
//!
//! Nothing here uses the connectors, the map evaluation or the OData room: a comparison that shares code with what it
//! judges shares its mistakes. It knows the maps' facts from their files and reads both systems whole.

mod cell;
mod facts;
mod filter;
mod members;
mod provenance;
mod reader;

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Serialize;

pub(crate) use cell::Cell;
pub(crate) use reader::{Account, Reader, Row, unreachable};

use crate::Failure;
use facts::{Facts, Field, Leg, Side};
use members::FirstMembers;
use provenance::Provenance;

/// What to compare.
pub(crate) struct Comparison {
    /// The F&O side and who reads it.
    pub(crate) finops: Account,
    /// The Dataverse side and who reads it.
    pub(crate) dataverse: Account,
    /// The client id that the runtime signs in with.
    pub(crate) runtime: String,
    /// The map files.
    pub(crate) maps: Vec<PathBuf>,
}

/// How one leg of one map stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LegReport {
    pub(crate) map: String,
    pub(crate) leg: &'static str,
    /// Source rows that are the map's business.
    pub(crate) rows: u64,
    /// Fields that differ, and rows that are missing or there twice.
    pub(crate) mismatches: u64,
    /// The first few, for a person.
    #[serde(skip)]
    pub(crate) examples: Vec<String>,
}

const EXAMPLES: usize = 5;

/// Everything a comparison of one map looks at.
struct Judge<'a> {
    facts: &'a Facts,
    finops: Vec<Row>,
    dataverse: Vec<Row>,
    finops_log: &'a Provenance,
    dataverse_log: &'a Provenance,
    members: &'a FirstMembers,
}

// === impl Comparison ===

impl Comparison {
    /// Compares every mapped field of every row, leg by leg.
    pub(crate) async fn run(&self) -> Result<Vec<LegReport>, Failure> {
        let finops = Reader::sign_in(&self.finops).await?;
        let dataverse = Reader::sign_in(&self.dataverse).await?;
        let finops_log = Provenance::read(&finops, &self.finops.url, &self.runtime).await?;
        let dataverse_log = Provenance::read(&dataverse, &self.dataverse.url, &self.runtime).await?;
        let members = FirstMembers::read(&finops, &self.finops.url).await?;
        let mut reports = Vec::new();
        for path in &self.maps {
            let facts = Facts::read(path)?;
            let judge = Judge {
                finops: finops.finops(&facts.finops.table).await?,
                dataverse: dataverse.dataverse(&facts.dataverse.table, &facts.dataverse_columns()).await?,
                finops_log: &finops_log,
                dataverse_log: &dataverse_log,
                members: &members,
                facts: &facts,
            };
            for leg in &facts.legs {
                reports.push(judge.leg(*leg)?);
            }
        }
        Ok(reports)
    }
}

// === impl Judge ===

impl Judge<'_> {
    fn leg(&self, leg: Leg) -> Result<LegReport, Failure> {
        let (source, target) = self.facts.sides(leg);
        let (sources, targets) = match leg {
            Leg::ToDataverse => (&self.finops, &self.dataverse),
            Leg::ToFinops => (&self.dataverse, &self.finops),
        };
        let mut index: HashMap<Vec<String>, Vec<&Row>> = HashMap::new();
        for row in targets {
            index.entry(key(target, row)).or_default().push(row);
        }
        let mut report = LegReport::new(&self.facts.name, leg);
        for row in sources {
            let key = key(source, row);
            if key.iter().all(String::is_empty) || !is_meant(source, row, &self.facts.name)? {
                continue;
            }
            report.rows += 1;
            let name = key.join("|");
            match index.get(&key).map(Vec::as_slice) {
                None | Some([]) => report.differs(|| format!("{name} is missing in {}", target.table)),
                Some([found]) => {
                    for difference in
                        self.facts.fields.iter().filter_map(|field| self.field(leg, field, row, found))
                    {
                        report.differs(|| format!("{name}: {difference}"));
                    }
                }
                Some(more) => {
                    report.differs(|| format!("{name} is there {} times in {}", more.len(), target.table));
                }
            }
        }
        Ok(report)
    }

    /// What is wrong with one field, if anything is.
    fn field(&self, leg: Leg, field: &Field, source: &Row, target: &Row) -> Option<String> {
        let column = field.target(leg)?;
        let (found, given) = (target.cell(column), field.source(leg).map(|column| source.cell(column)));
        if given.is_none() && !self.runtime_created(leg, target) {
            // A constant is promised to rows that the runtime made; a row that was there before may say otherwise.
            return None;
        }
        let given = given.unwrap_or(Cell::Nothing);
        let Some(expected) = field.expected(leg, &given) else {
            return Some(format!("the map has no value for {column}"));
        };
        // Related rows are named by key, and keys compare without regard to case.
        let related = column.contains('.') || field.source(leg).is_some_and(|source| source.contains('.'));
        let same = expected.says_the_same(&found) || (related && expected.key() == found.key());
        if same || self.only_emptiness_differs(leg, field, &expected, &given, &found, target) {
            return None;
        }
        Some(format!("{column} should say {:?} and says {:?}", expected.plain(), found.plain()))
    }

    /// F&O has no null. Nothing in Dataverse is F&O's own empty value there; and a Dataverse cell that a person left
    /// empty stays empty although F&O shows its empty value. A cell that the runtime wrote has no such excuse.
    fn only_emptiness_differs(
        &self,
        leg: Leg,
        field: &Field,
        expected: &Cell,
        given: &Cell,
        found: &Cell,
        target: &Row,
    ) -> bool {
        let (Some(finops), Some(dataverse)) = (field.finops.as_deref(), field.dataverse.as_deref()) else {
            return false;
        };
        match leg {
            Leg::ToFinops => expected.is_nothing() && self.is_empty_in_finops(finops, found),
            Leg::ToDataverse => {
                let ours = self.dataverse_log.answers_for(&self.facts.dataverse.table, target, dataverse);
                found.is_nothing() && !ours && self.is_empty_in_finops(finops, given)
            }
        }
    }

    /// What F&O shows where nothing was put in: 0, or the first member of an enum.
    fn is_empty_in_finops(&self, column: &str, cell: &Cell) -> bool {
        match cell {
            Cell::Nothing => true,
            Cell::Number(number) => number == "0",
            Cell::Text(text) => self.members.is_first(&self.facts.finops.table, column, text),
            Cell::Flag(_) => false,
        }
    }

    fn runtime_created(&self, leg: Leg, target: &Row) -> bool {
        match leg {
            Leg::ToDataverse => self.dataverse_log.created(&self.facts.dataverse.table, target),
            Leg::ToFinops => self.finops_log.created(&self.facts.finops.table, target),
        }
    }
}

fn key(side: &Side, row: &Row) -> Vec<String> {
    side.key.iter().map(|column| row.cell(column).key()).collect()
}

fn is_meant(side: &Side, row: &Row, map: &str) -> Result<bool, Failure> {
    let Some(filter) = &side.filter else { return Ok(true) };
    filter::passes(filter, &|column| row.cell(column)).ok_or_else(|| {
        Failure::runtime(format!("the comparison cannot judge the filter of {map}")).at(filter)
    })
}

// === impl LegReport ===

impl LegReport {
    fn new(map: &str, leg: Leg) -> Self {
        Self { map: map.to_owned(), leg: leg.word(), rows: 0, mismatches: 0, examples: Vec::new() }
    }

    fn differs(&mut self, tell: impl FnOnce() -> String) {
        self.mismatches += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(tell());
        }
    }
}

#[cfg(test)]
mod tests;
