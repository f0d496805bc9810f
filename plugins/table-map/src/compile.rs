//! From a map file to programs: names become positions, and what makes no sense is refused with its place.

use std::borrow::Cow;
use std::ops::Range;

use dualwright_sdk::{Description, KeyPair, Leg, TwoWayField};
use toml::Spanned;

use crate::encode;
use crate::program::{Constant, Program};
use crate::table::{MapFile, Scalar, ValueSet};

mod fields;
mod header;
mod leg;
mod rules;
mod values;

use fields::Line;

/// One thing wrong with a map file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the file.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A map that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledMap {
    /// What the map says of itself.
    pub description: Description,
    /// One program a leg, in the order of the description's legs.
    pub programs: Vec<Program<'static>>,
}

impl CompiledMap {
    /// The bytes that the guest runs.
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(&self.description, &self.programs)
    }
}

/// Finds a shared value set by name; the error says why not.
pub type FindValues<'a> = dyn FnMut(&str) -> Result<ValueSet, String> + 'a;

/// Parses a map file.
///
/// # Errors
/// When the text is not TOML, or not a map file.
pub fn parse(text: &str) -> Result<MapFile, Problem> {
    toml::from_str(text).map_err(|error| Problem {
        span: error.span().unwrap_or(0..0),
        message: error.message().to_owned(),
        hint: None,
    })
}

/// Resolves a map file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn compile(file: &MapFile, find_values: &mut FindValues<'_>) -> Result<CompiledMap, Vec<Problem>> {
    let mut problems = Vec::new();
    header::check(&file.map, &mut problems);
    let keys = header::key_pairs(&file.map, &mut problems);
    let named_legs = header::named_legs(&file.map, &mut problems);
    let mut lines = Vec::new();
    for field in file.map.field.iter().chain(&file.field) {
        lines.extend(fields::line(field, named_legs.as_deref(), find_values, &mut problems));
    }
    let legs = named_legs.unwrap_or_else(|| header::legs_with_fields(&lines));
    let mut description = describe(file, &keys, &lines, &legs);
    let mut programs = Vec::new();
    for leg in legs {
        let (leg_description, program) = leg::build(&file.map, leg, &keys, &lines, &mut problems);
        description.legs.push(leg_description);
        programs.push(program);
    }
    rules::add(file, &mut description.legs, &mut programs, &mut problems);
    if problems.is_empty() {
        return Ok(CompiledMap { description, programs });
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    problems.dedup();
    Err(problems)
}

/// All of the description but its legs.
fn describe(file: &MapFile, keys: &[KeyPair], lines: &[Line], legs: &[Leg]) -> Description {
    let both_legs = legs.len() > 1;
    let pair = |finops: &str, dataverse: &str| TwoWayField {
        finops: finops.to_owned(),
        dataverse: dataverse.to_owned(),
    };
    let two_way_keys = keys.iter().map(|key| pair(&key.finops, &key.dataverse));
    let two_way_lines =
        lines.iter().filter_map(|line| line.two_way()).map(|(finops, dataverse)| pair(finops, dataverse));
    Description {
        name: file.map.name.get_ref().clone(),
        version: file.map.version.get_ref().clone(),
        about: file.map.about.clone(),
        finops_table: file.map.finops.get_ref().clone(),
        dataverse_table: file.map.dataverse.get_ref().clone(),
        key: keys.to_vec(),
        legs: Vec::new(),
        two_way: if both_legs { two_way_keys.chain(two_way_lines).collect() } else { Vec::new() },
        needs: header::neighbours(&file.map),
    }
}

fn constant(scalar: &Scalar) -> Constant<'static> {
    match scalar {
        Scalar::Text(text) => Constant::Text(Cow::Owned(text.clone())),
        Scalar::Integer(number) => Constant::Integer(*number),
        Scalar::Boolean(flag) => Constant::Boolean(*flag),
    }
}

fn problem(problems: &mut Vec<Problem>, span: Range<usize>, message: impl Into<String>, hint: &str) {
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    problems.push(Problem { span, message: message.into(), hint });
}

/// Two names that both systems take for the same.
fn same_column(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn is_column(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|character| character.is_alphanumeric() || character == '_')
    };
    let mut parts = name.split('.');
    // Only what a lookup leads to may have another name in another table: `customerid.accountnumber|contactnumber`.
    parts.next().is_some_and(word) && parts.all(|part| part.split('|').all(word))
}

fn check_column(name: &Spanned<String>, problems: &mut Vec<Problem>) {
    if !is_column(name.get_ref()) {
        problem(
            problems,
            name.span(),
            format!("{:?} is not a column", name.get_ref()),
            "a column is letters, digits and `_`; a path through a lookup has dots: `msdyn_company.cdm_companycode`",
        );
    }
}

#[cfg(test)]
mod tests;
