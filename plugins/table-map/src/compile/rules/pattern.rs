//! Regular expressions, compiled to what the guest runs. The syntax is that of Rust's `regex` crate.

use std::ops::Range;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use crate::pattern::{self, Pattern, STEPS_MAX, Step};

/// The longest regular expression, in bytes.
const BYTES_MAX: usize = 1_000;

/// Why a text is no pattern, and where in it if that is known.
pub(super) struct Unfit {
    pub(super) at: Option<Range<usize>>,
    pub(super) message: String,
}

/// Compiles a regular expression that is to fit whole texts.
pub(super) fn compile(text: &str) -> Result<Pattern, Unfit> {
    let unfit = |message: String| Unfit { at: None, message };
    if text.len() > BYTES_MAX {
        return Err(unfit(format!("this regular expression is longer than {BYTES_MAX} bytes")));
    }
    let hir = regex_syntax::Parser::new().parse(text).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => {
            of_place(&error.kind().to_string(), error.span().start.offset..error.span().end.offset)
        }
        regex_syntax::Error::Translate(error) => {
            of_place(&error.kind().to_string(), error.span().start.offset..error.span().end.offset)
        }
        other => unfit(other.to_string()),
    })?;
    let mut compiler = Compiler::default();
    compiler.add(&hir).map_err(unfit)?;
    compiler.push(Step::Done).map_err(unfit)?;
    Ok(compiler.pattern)
}

fn of_place(message: &str, at: Range<usize>) -> Unfit {
    Unfit { at: Some(at), message: format!("this is not a regular expression: {message}") }
}

#[derive(Default)]
struct Compiler {
    pattern: Pattern,
}

impl Compiler {
    fn add(&mut self, hir: &Hir) -> Result<(), String> {
        match hir.kind() {
            HirKind::Empty => Ok(()),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).map_err(|_| not_text())?;
                text.chars().try_for_each(|character| self.take(vec![(character, character)]))
            }
            HirKind::Class(Class::Unicode(class)) => {
                self.take(class.iter().map(|range| (range.start(), range.end())).collect())
            }
            HirKind::Class(Class::Bytes(class)) if class.is_ascii() => {
                self.take(class.iter().map(|range| (range.start().into(), range.end().into())).collect())
            }
            HirKind::Class(Class::Bytes(_)) => Err(not_text()),
            HirKind::Look(Look::Start) => self.push(Step::Start),
            HirKind::Look(Look::End) => self.push(Step::End),
            HirKind::Look(_) => {
                Err("a pattern fits a whole text: word and line boundaries are not understood".to_owned())
            }
            HirKind::Repetition(repetition) => self.repeat(repetition),
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part)),
            HirKind::Alternation(ways) => self.either(ways),
        }
    }

    fn push(&mut self, step: Step) -> Result<(), String> {
        self.pattern.steps.push(step);
        match self.pattern.steps.len() > STEPS_MAX {
            true => Err(format!(
                "this regular expression becomes more than {STEPS_MAX} steps: use `length` instead of large repetitions"
            )),
            false => Ok(()),
        }
    }

    fn take(&mut self, class: pattern::Class) -> Result<(), String> {
        let known = self.pattern.classes.iter().position(|known| *known == class);
        let index = known.unwrap_or_else(|| {
            self.pattern.classes.push(class);
            self.pattern.classes.len() - 1
        });
        self.push(Step::Take(index))
    }

    fn here(&self) -> usize {
        self.pattern.steps.len()
    }

    fn set(&mut self, at: usize, step: Step) {
        if let Some(place) = self.pattern.steps.get_mut(at) {
            *place = step;
        }
    }

    fn repeat(&mut self, repetition: &Repetition) -> Result<(), String> {
        for _ in 0..repetition.min {
            self.add(&repetition.sub)?;
        }
        let Some(max) = repetition.max else {
            let split = self.here();
            self.push(Step::Split(0, 0))?;
            self.add(&repetition.sub)?;
            self.push(Step::Jump(split))?;
            self.set(split, Step::Split(split + 1, self.here()));
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in repetition.min..max {
            splits.push(self.here());
            self.push(Step::Split(0, 0))?;
            self.add(&repetition.sub)?;
        }
        for split in splits {
            self.set(split, Step::Split(split + 1, self.here()));
        }
        Ok(())
    }

    fn either(&mut self, ways: &[Hir]) -> Result<(), String> {
        let mut ends = Vec::new();
        for (index, way) in ways.iter().enumerate() {
            if index + 1 == ways.len() {
                self.add(way)?;
                break;
            }
            let split = self.here();
            self.push(Step::Split(0, 0))?;
            self.add(way)?;
            ends.push(self.here());
            self.push(Step::Jump(0))?;
            self.set(split, Step::Split(split + 1, self.here()));
        }
        for end in ends {
            self.set(end, Step::Jump(self.here()));
        }
        Ok(())
    }
}

fn not_text() -> String {
    "this regular expression fits bytes that are not text".to_owned()
}
