//! Validators and extensions from text, for the map of `prelude.wat`.

use std::fmt::Write as _;

use super::{component, read};

/// Where what is written here begins, and where the prelude's heap does.
const FREE: usize = 360;
const HEAP: usize = 1024;

/// Never comes back.
pub(crate) const SPIN: &str = "(loop $forever (br $forever))";

/// What a layer of the tests says of itself. All work on the leg to Dataverse.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) name: &'static str,
    pub(crate) map: &'static str,
    pub(crate) reads: &'static [&'static str],
    pub(crate) owns: &'static [&'static str],
}

/// What it does with a record in which a text cell says `boom`.
#[derive(Clone, Copy)]
pub(crate) enum Poisoned {
    /// It gives two reasons against it: one of the column A, one of no column.
    Refused,
    /// It traps.
    Trapped,
    /// It does this.
    Does(&'static str),
    /// Nothing: it never even says what it is.
    Mute,
}

impl Poisoned {
    fn silence(self) -> &'static str {
        if matches!(self, Self::Mute) { SPIN } else { "" }
    }
}

/// A validator of what was captured (0), or of what is about to be written (1).
pub(crate) fn validator(said: Said, stage: usize, poisoned: Poisoned) -> Vec<u8> {
    let mut memory = Memory::new();
    let refused = memory.refusal(poisoned);
    let head = memory.head(said);
    let reads = memory.list(said.reads);
    let description = memory.words(&[&head[..], &[stage << 8, reads.0, reads.1]].concat());
    let body = format!(
        "{data}
(func (export \"dualwright:plugin/validator@1.1.0#describe-validator\") (result i32) {silence} (i32.const {description}))
(func (export \"cabi_realloc\") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))
(func (export \"dualwright:plugin/validator@1.1.0#validate\")
    (param $initial i32) (param $changes i32) (param $count i32) (result i32)
    (local $answer i32) (local $verdict i32)
    (local.set $answer (call $allocate (i32.const 8) (i32.const 4)))
    (local.set $verdict (call $allocate (i32.mul (local.get $count) (i32.const 8)) (i32.const 4)))
    (i32.store (local.get $answer) (local.get $verdict))
    (i32.store offset=4 (local.get $answer) (local.get $count))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (call $is_poison (local.get $changes))
                (then
                    {refused}
                    (i32.store (local.get $verdict) (i32.const {violations}))
                    (i32.store offset=4 (local.get $verdict) (i32.const 2))))
            (local.set $changes (i32.add (local.get $changes) (i32.const 12)))
            (local.set $verdict (i32.add (local.get $verdict) (i32.const 8)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))",
        data = memory.data,
        silence = poisoned.silence(),
        refused = refused.0,
        violations = refused.1,
    );
    component(&format!("(module\n{}\n{body}\n)", read("prelude")), "validator-plugin")
}

/// An extension that answers with the cells it reads, or with the target's cells as it got them.
pub(crate) fn extension(said: Said, echoes_target: bool, poisoned: Poisoned) -> Vec<u8> {
    let mut memory = Memory::new();
    let refused = memory.refusal(poisoned);
    let head = memory.head(said);
    let (reads, owns) = (memory.list(said.reads), memory.list(said.owns));
    let description = memory.words(&[&head[..], &[0, reads.0, reads.1, owns.0, owns.1]].concat());
    let cells = if echoes_target { 12 } else { 4 };
    let body = format!(
        "{data}
(func (export \"dualwright:plugin/extension@1.1.0#describe-extension\") (result i32) {silence} (i32.const {description}))
(func (export \"cabi_realloc\") (param i32 i32) (param $align i32) (param $size i32) (result i32)
    (call $allocate (local.get $size) (local.get $align)))
(func (export \"dualwright:plugin/extension@1.1.0#extend\")
    (param $initial i32) (param $batch i32) (param $count i32) (result i32)
    (local $answer i32) (local $extended i32)
    (local.set $answer (call $allocate (i32.const 8) (i32.const 4)))
    (local.set $extended (call $allocate (i32.mul (local.get $count) (i32.const 12)) (i32.const 4)))
    (i32.store (local.get $answer) (local.get $extended))
    (i32.store offset=4 (local.get $answer) (local.get $count))
    (block $done
        (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (if (call $is_poison (local.get $batch))
                (then
                    {refused}
                    (i32.store8 (local.get $extended) (i32.const 1))
                    (i32.store offset=4 (local.get $extended) (i32.const {violations}))
                    (i32.store offset=8 (local.get $extended) (i32.const 2)))
                (else
                    (i32.store offset=4 (local.get $extended) (i32.load offset={cells} (local.get $batch)))
                    (i32.store offset=8 (local.get $extended) (i32.load offset={length} (local.get $batch)))))
            (local.set $batch (i32.add (local.get $batch) (i32.const 20)))
            (local.set $extended (i32.add (local.get $extended) (i32.const 12)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))
    (local.get $answer))",
        data = memory.data,
        silence = poisoned.silence(),
        refused = refused.0,
        violations = refused.1,
        length = cells + 4,
    );
    component(&format!("(module\n{}\n{body}\n)", read("prelude")), "extension-plugin")
}

/// Data of the module, by the canonical ABI.
struct Memory {
    data: String,
    end: usize,
}

impl Memory {
    fn new() -> Self {
        Self { data: String::new(), end: FREE }
    }

    fn text(&mut self, text: &str) -> [usize; 2] {
        let at = self.end;
        let _ = writeln!(self.data, "(data (i32.const {at}) \"{text}\")");
        self.end += text.len().next_multiple_of(4);
        [at, text.len()]
    }

    fn words(&mut self, words: &[usize]) -> usize {
        let at = self.end;
        let bytes: String = words.iter().map(|word| super::word(*word)).collect();
        let _ = writeln!(self.data, "(data (i32.const {at}) \"{bytes}\")");
        self.end += words.len() * 4;
        assert!(self.end <= HEAP, "the data does not fit below the heap");
        at
    }

    fn list(&mut self, texts: &[&str]) -> (usize, usize) {
        let words: Vec<usize> = texts.iter().flat_map(|text| self.text(text)).collect();
        (self.words(&words), texts.len())
    }

    /// Name, version, one sentence, map.
    fn head(&mut self, said: Said) -> Vec<usize> {
        [said.name, "2.1.0", "A test.", said.map].iter().flat_map(|text| self.text(text)).collect()
    }

    /// What is done with a poisoned record, and where the reasons against it are.
    fn refusal(&mut self, poisoned: Poisoned) -> (&'static str, usize) {
        let (field, code, message) = (self.text("A"), self.text("loud"), self.text("it is loud"));
        let (other, more) = (self.text("late"), self.text("it is late"));
        let first = [1, field[0], field[1], code[0], code[1], message[0], message[1]];
        let second = [0, 0, 0, other[0], other[1], more[0], more[1]];
        let at = self.words(&[first, second].concat());
        match poisoned {
            Poisoned::Refused | Poisoned::Mute => ("", at),
            Poisoned::Trapped => ("(unreachable)", at),
            Poisoned::Does(this) => (this, at),
        }
    }
}
