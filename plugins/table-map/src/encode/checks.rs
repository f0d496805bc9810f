//! Checks as bytes, and back.

use std::borrow::Cow;

use super::read::Reader;
use super::write::Writer;
use crate::exact::Exact;
use crate::pattern::{Pattern, STEPS_MAX, Step};
use crate::program::{Check, Comparison, Literal, Stage, Term, Test};

pub(super) fn write(writer: &mut Writer, check: &Check<'_>) {
    writer.byte(u8::from(check.stage == Stage::Mapped));
    writer.count(check.position);
    writer.option(check.field.as_ref(), |writer, field| writer.text(field));
    writer.text(&check.code);
    writer.text(&check.message);
    match &check.test {
        Test::Required => writer.byte(0),
        Test::OneOf(literals) => {
            writer.byte(1);
            writer.list(literals, write_literal);
        }
        Test::Range { minimum, maximum } => {
            writer.byte(2);
            writer.option(minimum.as_ref(), write_literal);
            writer.option(maximum.as_ref(), write_literal);
        }
        Test::Length { minimum, maximum } => {
            writer.byte(3);
            writer.option(minimum.as_ref(), |writer, count| writer.count(*count));
            writer.option(maximum.as_ref(), |writer, count| writer.count(*count));
        }
        Test::Pattern(pattern) => {
            writer.byte(4);
            write_pattern(writer, pattern);
        }
        Test::Unique => writer.byte(5),
        Test::Expression(terms) => {
            writer.byte(6);
            writer.list(terms, write_term);
        }
    }
}

pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Option<Check<'a>> {
    let stage = match reader.byte()? {
        0 => Stage::Captured,
        1 => Stage::Mapped,
        _ => return None,
    };
    Some(Check {
        stage,
        position: reader.count()?,
        field: reader.option(|reader| reader.text().map(Cow::Borrowed))?,
        code: reader.text().map(Cow::Borrowed)?,
        message: reader.text().map(Cow::Borrowed)?,
        test: match reader.byte()? {
            0 => Test::Required,
            1 => Test::OneOf(reader.list(read_literal)?),
            2 => Test::Range { minimum: reader.option(read_literal)?, maximum: reader.option(read_literal)? },
            3 => Test::Length {
                minimum: reader.option(Reader::count)?,
                maximum: reader.option(Reader::count)?,
            },
            4 => Test::Pattern(read_pattern(reader)?),
            5 => Test::Unique,
            6 => Test::Expression(reader.list(read_term)?),
            _ => return None,
        },
    })
}

fn write_literal(writer: &mut Writer, literal: &Literal<'_>) {
    match literal {
        Literal::Text(text) => {
            writer.byte(0);
            writer.text(text);
        }
        Literal::Boolean(flag) => writer.byte(if *flag { 2 } else { 1 }),
        Literal::Number(number) => {
            let (mantissa, scale) = number.parts();
            writer.byte(3);
            writer.byte(scale);
            writer.wide(mantissa);
        }
        Literal::Day(days) => {
            writer.byte(4);
            writer.integer(i64::from(*days));
        }
    }
}

fn read_literal<'a>(reader: &mut Reader<'a>) -> Option<Literal<'a>> {
    Some(match reader.byte()? {
        0 => Literal::Text(Cow::Borrowed(reader.text()?)),
        1 => Literal::Boolean(false),
        2 => Literal::Boolean(true),
        3 => {
            let scale = reader.byte()?;
            Literal::Number(Exact::of_parts(reader.wide()?, scale)?)
        }
        4 => Literal::Day(i32::try_from(reader.integer()?).ok()?),
        _ => return None,
    })
}

fn write_pattern(writer: &mut Writer, pattern: &Pattern) {
    writer.list(&pattern.classes, |writer, class| {
        writer.list(class, |writer, (first, last)| {
            writer.character(*first);
            writer.character(*last);
        });
    });
    writer.list(&pattern.steps, |writer, step| match step {
        Step::Take(class) => {
            writer.byte(0);
            writer.count(*class);
        }
        Step::Split(one, other) => {
            writer.byte(1);
            writer.count(*one);
            writer.count(*other);
        }
        Step::Jump(to) => {
            writer.byte(2);
            writer.count(*to);
        }
        Step::Start => writer.byte(3),
        Step::End => writer.byte(4),
        Step::Done => writer.byte(5),
    });
}

fn read_pattern(reader: &mut Reader<'_>) -> Option<Pattern> {
    let classes =
        reader.list(|reader| reader.list(|reader| Some((reader.character()?, reader.character()?))))?;
    let steps = reader.list(|reader| {
        Some(match reader.byte()? {
            0 => Step::Take(reader.count()?),
            1 => Step::Split(reader.count()?, reader.count()?),
            2 => Step::Jump(reader.count()?),
            3 => Step::Start,
            4 => Step::End,
            5 => Step::Done,
            _ => return None,
        })
    })?;
    (steps.len() <= STEPS_MAX).then_some(Pattern { classes, steps })
}

/// Terms that are nothing but their own name, by the byte that stands for them.
const PLAIN: [Term<'static>; 15] = [
    Term::Not,
    Term::IsNull,
    Term::Length,
    Term::Negate,
    Term::And,
    Term::Or,
    Term::Compare(Comparison::Equal),
    Term::Compare(Comparison::NotEqual),
    Term::Compare(Comparison::Less),
    Term::Compare(Comparison::LessOrEqual),
    Term::Compare(Comparison::Greater),
    Term::Compare(Comparison::GreaterOrEqual),
    Term::Add,
    Term::Subtract,
    Term::Multiply,
];
/// The byte of the first of them.
const FIRST_PLAIN: u8 = 2;

fn write_term(writer: &mut Writer, term: &Term<'_>) {
    match term {
        Term::Cell(index) => {
            writer.byte(0);
            writer.count(*index);
        }
        Term::Literal(literal) => {
            writer.byte(1);
            write_literal(writer, literal);
        }
        plain => {
            let index = PLAIN.iter().zip(FIRST_PLAIN..).find(|(known, _)| *known == plain);
            // Every other term is in the list; a reader refuses what is not.
            writer.byte(index.map_or(u8::MAX, |(_, byte)| byte));
        }
    }
}

fn read_term<'a>(reader: &mut Reader<'a>) -> Option<Term<'a>> {
    Some(match reader.byte()? {
        0 => Term::Cell(reader.count()?),
        1 => Term::Literal(read_literal(reader)?),
        byte => PLAIN.get(usize::from(byte.checked_sub(FIRST_PLAIN)?))?.clone(),
    })
}
