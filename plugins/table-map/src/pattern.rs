//! Patterns as the guest runs them: a small machine that tries all ways at once, so that no pattern and no text make
//! it slow (the work is at most steps times characters). Regular expressions are compiled to it when a map is built:
//! the guest has no parser and no tables.

/// The most steps of a pattern.
pub const STEPS_MAX: usize = 2_000;
/// A longer text, in bytes, never fits a pattern.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// A set of characters as sorted ranges, both ends included.
pub type Class = Vec<(char, char)>;

/// One step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Takes one character of the class at this index, then goes on with the next step.
    Take(usize),
    /// Goes on at both steps.
    Split(usize, usize),
    /// Goes on at this step.
    Jump(usize),
    /// Goes on where the text begins.
    Start,
    /// Goes on where the text ends.
    End,
    /// The pattern is complete.
    Done,
}

/// A compiled pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// The classes that steps refer to.
    pub classes: Vec<Class>,
    /// The steps, the first one first.
    pub steps: Vec<Step>,
}

impl Pattern {
    /// Whether the whole text fits.
    pub fn fits(&self, text: &str) -> bool {
        if text.len() > TEXT_BYTES_MAX {
            return false;
        }
        let mut front = Front::new(self.steps.len());
        let mut next = Front::new(self.steps.len());
        front.add(&self.steps, 0, true, text.is_empty());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if front.taking.is_empty() {
                return false;
            }
            let at_end = characters.as_str().is_empty();
            for step in front.taking.drain(..) {
                if let Some(Step::Take(class)) = self.steps.get(step)
                    && self.classes.get(*class).is_some_and(|class| contains(class, character))
                {
                    next.add(&self.steps, step + 1, false, at_end);
                }
            }
            front.clear();
            std::mem::swap(&mut front, &mut next);
        }
        front.done
    }
}

fn contains(class: &Class, character: char) -> bool {
    let after = class.partition_point(|(first, _)| *first <= character);
    after.checked_sub(1).and_then(|index| class.get(index)).is_some_and(|(_, last)| character <= *last)
}

/// The steps that are reached at one place of the text.
struct Front {
    seen: Vec<bool>,
    waiting: Vec<usize>,
    taking: Vec<usize>,
    done: bool,
}

impl Front {
    fn new(steps: usize) -> Self {
        Self { seen: vec![false; steps], waiting: Vec::new(), taking: Vec::new(), done: false }
    }

    fn clear(&mut self) {
        self.seen.fill(false);
        self.taking.clear();
        self.done = false;
    }

    /// Adds a step and all that are reached from it without taking a character.
    fn add(&mut self, steps: &[Step], step: usize, at_start: bool, at_end: bool) {
        self.waiting.push(step);
        while let Some(index) = self.waiting.pop() {
            let (Some(step), Some(seen)) = (steps.get(index), self.seen.get_mut(index)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            match step {
                Step::Take(_) => self.taking.push(index),
                Step::Split(one, other) => self.waiting.extend([*one, *other]),
                Step::Jump(to) => self.waiting.push(*to),
                Step::Start if at_start => self.waiting.push(index + 1),
                Step::End if at_end => self.waiting.push(index + 1),
                Step::Start | Step::End => {}
                Step::Done => self.done = true,
            }
        }
    }
}
