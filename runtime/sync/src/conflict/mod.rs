//! Both sides changed the same record since the last settle: who wins?
//!
//! Decided column by column. A column that only one side changed is no conflict, whatever the policy: both edits
//! survive. Only a column that both changed, to different values, is decided by the policy.

mod dataverse_wins;
mod finops_wins;
mod latest_wins;
mod verdict;

use dualwright_model::{ColumnPath, Fingerprint, Leg, Record, System, Timestamp, Value, same_value};
use serde::{Deserialize, Serialize};

pub use verdict::{Verdict, carry_out, changed_columns};

/// Which side's value stays when both changed one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// F&O's value stays.
    #[default]
    FinopsWins,
    /// Dataverse's value stays.
    DataverseWins,
    /// The later change stays, by the systems' own modification times; F&O's when they do not tell.
    LatestWins,
    /// The map is asked, record by record. What it is not asked about (deletions), and what is decided before it can be,
    /// goes as by [`Policy::LatestWins`].
    AskMap,
}

/// The circumstances that a policy may look at.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The direction of the write in question.
    pub leg: Leg,
    /// When the source's row was changed.
    pub source_modified_at: Option<Timestamp>,
    /// When the target's row was changed.
    pub target_modified_at: Option<Timestamp>,
}

impl Policy {
    /// Which system's value stays.
    pub fn winner(self, circumstances: Circumstances) -> System {
        match self {
            Self::FinopsWins => finops_wins::winner(circumstances),
            Self::DataverseWins => dataverse_wins::winner(circumstances),
            Self::LatestWins | Self::AskMap => latest_wins::winner(circumstances),
        }
    }

    /// The policy by which a master wins an initial sync.
    pub fn master(master: System) -> Self {
        match master {
            System::Finops => Self::FinopsWins,
            System::Dataverse => Self::DataverseWins,
        }
    }
}

/// What the target says now, beside what we want it to say.
#[derive(Clone, Copy, Debug)]
pub struct Clash<'a> {
    /// The cells the map wants, in the target's own values.
    pub desired: &'a Record,
    /// What the link knew of the target; empty without a link.
    pub known: &'a Fingerprint,
    /// The target's row as just read.
    pub current: &'a Record,
    /// The target's columns of the integration key.
    pub key: &'a [ColumnPath],
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The cells to write; empty when the target already says what it should.
    pub write: Record,
    /// The columns in which the target's own newer value stays: it has to travel the other way.
    pub kept: Vec<String>,
    /// The columns whose value has to travel the other way although the target's own history does not show it: those that
    /// are given a value which neither side has, and those that only the source changed and that stay all the same.
    pub returned: Vec<ColumnPath>,
    /// Whether any column was decided by the policy, either way: worth a line in the activity log.
    pub conflicted: bool,
    /// Whether, apart from what is written, the row holds just what the link knew (or was wanted): only then may its
    /// version be remembered as fully known.
    pub clean: bool,
}

/// Whose value a column gets.
enum Choice {
    /// What the map wants.
    Source,
    /// What the target holds.
    Target,
    /// Another one.
    Other(Value),
}

/// Decides an upsert onto a row that exists.
pub fn decide(clash: Clash<'_>, policy: Policy, circumstances: Circumstances) -> Decision {
    let source_wins = policy.winner(circumstances) == circumstances.leg.source();
    decide_by(clash, |column| by_side(column, source_wins))
}

/// One column, as both sides have it.
struct Column<'a> {
    name: &'a ColumnPath,
    wanted: &'a Value,
    now: &'a Value,
    same: bool,
    source_changed: bool,
    target_changed: bool,
}

fn by_side(column: &Column<'_>, source_wins: bool) -> Choice {
    if column.source_changed && (!column.target_changed || source_wins) {
        Choice::Source
    } else {
        Choice::Target
    }
}

fn columns<'a>(clash: Clash<'a>) -> impl Iterator<Item = Column<'a>> {
    clash.desired.iter().map(move |(name, wanted)| {
        let now = clash.current.get(name.as_str());
        Column {
            name,
            wanted,
            now,
            same: same_value(name, now, wanted, clash.key),
            source_changed: !clash.known.matches(name, wanted, clash.key),
            target_changed: !matches!(now, Value::Absent) && !clash.known.matches(name, now, clash.key),
        }
    })
}

fn decide_by(clash: Clash<'_>, choose: impl Fn(&Column<'_>) -> Choice) -> Decision {
    let mut decision = Decision {
        write: Record::new(),
        kept: Vec::new(),
        returned: Vec::new(),
        conflicted: false,
        clean: true,
    };
    for column in columns(clash) {
        decision.conflicted |= !column.same && column.source_changed && column.target_changed;
        match choose(&column) {
            Choice::Source | Choice::Target if column.same => {}
            Choice::Source => decision.write.set(column.name.clone(), column.wanted.clone()),
            Choice::Target => {
                if column.source_changed && !column.target_changed {
                    decision.returned.push(column.name.clone());
                }
                decision.kept.push(column.name.to_string());
                decision.clean = false;
            }
            Choice::Other(value) => {
                decision.write.set(column.name.clone(), value);
                decision.returned.push(column.name.clone());
                decision.clean = false;
            }
        }
    }
    for (column, now) in clash.current.iter() {
        let wanted = clash.desired.get(column.as_str());
        if wanted.is_absent() && clash.known.knows(column) && !clash.known.matches(column, now, clash.key) {
            decision.clean = false;
        }
    }
    decision
}

/// Whether a deletion goes through although the target's row changed since the last settle.
pub fn deletion_goes_through(
    known: &Fingerprint,
    current: &Record,
    key: &[ColumnPath],
    policy: Policy,
    circumstances: Circumstances,
) -> bool {
    let unchanged =
        current.iter().all(|(column, now)| !known.knows(column) || known.matches(column, now, key));
    unchanged || policy.winner(circumstances) == circumstances.leg.source()
}

#[cfg(test)]
mod tests;
