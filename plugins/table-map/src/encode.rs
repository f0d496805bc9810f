//! A compiled map as bytes, and back.
//!
//! Every batch gets a fresh instance, so a guest reads its table anew for every batch: the format is read in one
//! pass, without copying a text. Numbers are LEB128, texts have their length in front. The description comes after
//! the programs and is read only when it is asked for.

use std::borrow::Cow;

use dualwright_sdk::{Description, KeyPair, LeavePolicy, Leg, LegDescription, TwoWayField};

use crate::program::{Constant, DeletePolicy, Program, Rule, Values};

mod checks;
mod read;
mod write;

use read::Reader;
use write::Writer;

/// The version of this format. A guest and a table must agree on it.
///
/// 1: the first. 2: programs may have checks. A table without checks is the same in both, and a guest reads all formats
/// up to its own.
pub const FORMAT: u32 = 2;

/// Set in a program's second byte when checks follow its rules. Guests of format 1 take such a table for broken, so
/// none of them ever runs a map without its checks.
const HAS_CHECKS: u8 = 0x80;

/// The oldest format that an encoded map can be read as: its guest must read that, or a later one. `None` when the
/// bytes are not a map.
pub fn format(bytes: &[u8]) -> Option<u32> {
    let programs = Reader::new(bytes).list(read_program)?;
    Some(if programs.iter().all(|program| program.checks.is_empty()) { 1 } else { 2 })
}

/// A compiled map as bytes.
pub fn encode(description: &Description, programs: &[Program<'_>]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.list(programs, write_program);
    write_description(&mut writer, description);
    writer.into_bytes()
}

/// The program of one leg; `None` when the map does not have the leg, or the bytes are not a map.
pub fn program(bytes: &[u8], leg: Leg) -> Option<Program<'_>> {
    let mut reader = Reader::new(bytes);
    for _ in 0..reader.count()? {
        let program = read_program(&mut reader)?;
        if program.leg == leg {
            return Some(program);
        }
    }
    None
}

/// The description; `None` when the bytes are not a map.
pub fn description(bytes: &[u8]) -> Option<Description> {
    let mut reader = Reader::new(bytes);
    reader.list(read_program)?;
    read_description(&mut reader)
}

// === programs ===

fn write_program(writer: &mut Writer, program: &Program<'_>) {
    writer.byte(leg_byte(program.leg));
    let on_delete = match program.on_delete {
        DeletePolicy::Propagate => 0,
        DeletePolicy::Ignore => 1,
        DeletePolicy::Mark => 2,
    };
    writer.byte(if program.checks.is_empty() { on_delete } else { on_delete | HAS_CHECKS });
    writer.list(&program.rules, write_rule);
    if !program.checks.is_empty() {
        writer.list(&program.checks, checks::write);
    }
}

fn read_program<'a>(reader: &mut Reader<'a>) -> Option<Program<'a>> {
    let leg = read_leg(reader)?;
    let policy = reader.byte()?;
    let on_delete = match policy & !HAS_CHECKS {
        0 => DeletePolicy::Propagate,
        1 => DeletePolicy::Ignore,
        2 => DeletePolicy::Mark,
        _ => return None,
    };
    let rules = reader.list(read_rule)?;
    let checks = if policy & HAS_CHECKS == 0 { Vec::new() } else { reader.list(checks::read)? };
    Some(Program { leg, on_delete, rules, checks })
}

fn write_rule(writer: &mut Writer, rule: &Rule<'_>) {
    writer.option(rule.source.as_ref(), |writer, source| writer.count(*source));
    writer.text(&rule.column);
    writer.byte(u8::from(rule.key));
    writer.option(rule.default.as_ref(), write_constant);
    writer.option(rule.mark.as_ref(), write_constant);
    writer.option(rule.values.as_ref(), |writer, values| {
        writer.list(&values.entries, |writer, (text, constant)| {
            writer.text(text);
            write_constant(writer, constant);
        });
        writer.text(&values.allowed);
        writer.byte(u8::from(values.keeps_others));
    });
    writer.option(rule.cut.as_ref(), |writer, cut| writer.count(*cut));
}

fn read_rule<'a>(reader: &mut Reader<'a>) -> Option<Rule<'a>> {
    Some(Rule {
        source: reader.option(Reader::count)?,
        column: reader.text().map(Cow::Borrowed)?,
        key: reader.byte()? != 0,
        default: reader.option(read_constant)?,
        mark: reader.option(read_constant)?,
        values: reader.option(|reader| {
            let entries =
                reader.list(|reader| Some((Cow::Borrowed(reader.text()?), read_constant(reader)?)))?;
            let allowed = Cow::Borrowed(reader.text()?);
            let keeps_others = match reader.byte()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            Some(Values { entries, allowed, keeps_others })
        })?,
        cut: reader.option(Reader::count)?,
    })
}

fn write_constant(writer: &mut Writer, constant: &Constant<'_>) {
    match constant {
        Constant::Text(text) => {
            writer.byte(0);
            writer.text(text);
        }
        Constant::Integer(number) => {
            writer.byte(1);
            writer.integer(*number);
        }
        Constant::Boolean(flag) => writer.byte(2 + u8::from(*flag)),
    }
}

fn read_constant<'a>(reader: &mut Reader<'a>) -> Option<Constant<'a>> {
    match reader.byte()? {
        0 => Some(Constant::Text(Cow::Borrowed(reader.text()?))),
        1 => Some(Constant::Integer(reader.integer()?)),
        2 => Some(Constant::Boolean(false)),
        3 => Some(Constant::Boolean(true)),
        _ => None,
    }
}

// === description ===

fn write_description(writer: &mut Writer, description: &Description) {
    for text in [
        &description.name,
        &description.version,
        &description.about,
        &description.finops_table,
        &description.dataverse_table,
    ] {
        writer.text(text);
    }
    writer.list(&description.key, |writer, pair| {
        writer.text(&pair.finops);
        writer.text(&pair.dataverse);
    });
    writer.list(&description.legs, |writer, leg| {
        writer.byte(leg_byte(leg.leg));
        writer.list(&leg.reads, |writer, column| writer.text(column));
        writer.list(&leg.writes, |writer, column| writer.text(column));
        writer.option(leg.filter.as_ref(), |writer, filter| writer.text(filter));
        writer.byte(u8::from(leg.on_leave == LeavePolicy::Ignore));
    });
    writer.list(&description.two_way, |writer, pair| {
        writer.text(&pair.finops);
        writer.text(&pair.dataverse);
    });
    writer.list(&description.needs, |writer, name| writer.text(name));
}

fn read_description(reader: &mut Reader<'_>) -> Option<Description> {
    Some(Description {
        name: reader.owned()?,
        version: reader.owned()?,
        about: reader.owned()?,
        finops_table: reader.owned()?,
        dataverse_table: reader.owned()?,
        key: reader.list(|reader| Some(KeyPair { finops: reader.owned()?, dataverse: reader.owned()? }))?,
        legs: reader.list(|reader| {
            Some(LegDescription {
                leg: read_leg(reader)?,
                reads: reader.list(Reader::owned)?,
                writes: reader.list(Reader::owned)?,
                filter: reader.option(Reader::owned)?,
                on_leave: if reader.byte()? == 0 { LeavePolicy::Delete } else { LeavePolicy::Ignore },
            })
        })?,
        two_way: reader
            .list(|reader| Some(TwoWayField { finops: reader.owned()?, dataverse: reader.owned()? }))?,
        needs: reader.list(Reader::owned)?,
    })
}

fn leg_byte(leg: Leg) -> u8 {
    match leg {
        Leg::ToDataverse => 0,
        Leg::ToFinops => 1,
    }
}

fn read_leg(reader: &mut Reader<'_>) -> Option<Leg> {
    match reader.byte()? {
        0 => Some(Leg::ToDataverse),
        1 => Some(Leg::ToFinops),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
