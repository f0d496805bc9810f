//! One leg: what it reads, what it writes, and the rule for each cell.

use std::borrow::Cow;
use std::ops::Range;

use dualwright_sdk::{KeyPair, LeavePolicy, Leg, LegDescription};
use toml::Spanned;

use super::fields::Line;
use super::{Problem, constant, is_column, problem, same_column};
use crate::filter::filter_columns;
use crate::program::{DeletePolicy, Program, Rule};
use crate::table::{Header, OnLeave, OnSideDelete};

struct Builder<'p> {
    reads: Vec<String>,
    writes: Vec<String>,
    rules: Vec<Rule<'static>>,
    problems: &'p mut Vec<Problem>,
}

/// Puts one leg together.
pub(super) fn build(
    header: &Header,
    leg: Leg,
    keys: &[KeyPair],
    lines: &[Line],
    problems: &mut Vec<Problem>,
) -> (LegDescription, Program<'static>) {
    let mut builder = Builder { reads: Vec::new(), writes: Vec::new(), rules: Vec::new(), problems };
    for pair in keys {
        let (source, target) = match leg {
            Leg::ToDataverse => (&pair.finops, &pair.dataverse),
            Leg::ToFinops => (&pair.dataverse, &pair.finops),
        };
        builder.key(source, target, &header.key.span());
    }
    for line in lines.iter().filter(|line| line.goes(leg)) {
        builder.line(line, leg);
    }
    let filter = match leg {
        Leg::ToDataverse => &header.filter.finops,
        Leg::ToFinops => &header.filter.dataverse,
    };
    builder.filter(filter.as_ref());
    let on_delete = match (&header.on_delete, leg) {
        (None, _) => DeletePolicy::Propagate,
        (Some(policy), Leg::ToDataverse) => {
            builder.on_delete(&policy.get_ref().dataverse, keys.len(), &policy.span())
        }
        (Some(policy), Leg::ToFinops) => {
            builder.on_delete(&policy.get_ref().finops, keys.len(), &policy.span())
        }
    };
    let description = LegDescription {
        leg,
        reads: builder.reads,
        writes: builder.writes,
        filter: filter.as_ref().map(|filter| filter.get_ref().clone()),
        on_leave: match header.on_leave {
            OnLeave::Delete => LeavePolicy::Delete,
            OnLeave::Ignore => LeavePolicy::Ignore,
        },
    };
    (description, Program { leg, on_delete, rules: builder.rules, checks: Vec::new() })
}

impl Builder<'_> {
    fn key(&mut self, source: &str, target: &str, span: &Range<usize>) {
        let rule = Rule {
            source: Some(self.read(source)),
            column: Cow::Owned(source.to_owned()),
            key: true,
            ..Rule::default()
        };
        self.write(target, rule, span);
    }

    fn line(&mut self, line: &Line, leg: Leg) {
        let (source, Some(target)) = line.columns(leg) else {
            return;
        };
        // A column without a source is a constant, also when it is the other side that has none.
        let rule = Rule {
            source: source.map(|source| self.read(source)),
            column: Cow::Owned(source.unwrap_or(target).to_owned()),
            key: false,
            default: line.default.as_ref().map(constant),
            mark: None,
            values: line.values(leg).cloned(),
            cut: line.cut,
        };
        self.write(target, rule, &line.span);
    }

    fn filter(&mut self, filter: Option<&Spanned<String>>) {
        let Some(filter) = filter else {
            return;
        };
        match filter_columns(filter.get_ref()) {
            Some(columns) => {
                for column in columns {
                    self.read(&column);
                }
            }
            None => problem(self.problems, filter.span(), "a quoted text in this filter does not end", ""),
        }
    }

    fn on_delete(&mut self, delete: &OnSideDelete, keys: usize, span: &Range<usize>) -> DeletePolicy {
        let cells = match delete {
            OnSideDelete::Propagate => return DeletePolicy::Propagate,
            OnSideDelete::Ignore => return DeletePolicy::Ignore,
            OnSideDelete::Mark(cells) => cells,
        };
        if cells.is_empty() {
            let hint = "name the cells that mark a record as deleted, or say \"ignore\"";
            problem(self.problems, span.clone(), "on-delete marks with no cell", hint);
        }
        for (column, value) in cells {
            let mark = Some(constant(value));
            match self.writes.iter().position(|known| same_column(known, column)) {
                Some(index) if index < keys => {
                    problem(
                        self.problems,
                        span.clone(),
                        format!("on-delete cannot change the key column {column}"),
                        "",
                    );
                }
                Some(index) => {
                    if let Some(rule) = self.rules.get_mut(index) {
                        rule.mark = mark;
                    }
                }
                None if is_column(column) => {
                    self.writes.push(column.clone());
                    self.rules.push(Rule { column: Cow::Owned(column.clone()), mark, ..Rule::default() });
                }
                None => problem(
                    self.problems,
                    span.clone(),
                    format!("{column:?} in on-delete is not a column"),
                    "",
                ),
            }
        }
        DeletePolicy::Mark
    }

    /// The position of a source column, which is read once however often it is used.
    fn read(&mut self, column: &str) -> usize {
        match self.reads.iter().position(|known| same_column(known, column)) {
            Some(position) => position,
            None => {
                self.reads.push(column.to_owned());
                self.reads.len() - 1
            }
        }
    }

    fn write(&mut self, column: &str, rule: Rule<'static>, span: &Range<usize>) {
        if self.writes.iter().any(|known| same_column(known, column)) {
            let message = format!("{column} is written twice on one leg");
            problem(
                self.problems,
                span.clone(),
                message,
                "keep one line, or give the two lines one direction each",
            );
        }
        self.writes.push(column.to_owned());
        self.rules.push(rule);
    }
}
