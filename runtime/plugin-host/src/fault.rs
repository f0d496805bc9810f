//! What the engine says of a failed call, in words for an operator.

use std::fmt::Write as _;
use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};

use crate::imports::outside::{AskedTooOften, GivenUp};
use crate::limits::{MemoryGuard, MemoryRefused};
use crate::{GuestFault, GuestFaultKind};

/// The longest fault message, in bytes.
const MESSAGE_BYTES: usize = 4096;
/// The longest function or file name in a backtrace, in bytes.
const NAME_BYTES: usize = 200;

/// The guest answered, but not with one outcome a change.
#[derive(Debug, thiserror::Error)]
#[error("returned {found} outcomes for {expected} changes")]
pub(crate) struct WrongLength {
    pub(crate) expected: usize,
    pub(crate) found: usize,
}

/// The guest never ran: the machine has no memory or address space left for an instance. The component was already seen
/// to start when it was loaded, so this is the host's trouble and may pass.
#[derive(Debug, thiserror::Error)]
#[error("the host could not make an instance: {0}")]
pub(crate) struct NotStarted(pub(crate) String);

/// Says how a call failed. The message has the reason and the guest's own backtrace (names from the component, fixed
/// when it was built), never row values (I11).
pub(crate) fn of(
    error: &wasmtime::Error,
    guard: &MemoryGuard,
    memory_bytes: usize,
    deadline: Duration,
) -> GuestFault {
    let (kind, mut message) = reason(error, guard, memory_bytes, deadline);
    if let Some(trace) = error.downcast_ref::<WasmBacktrace>() {
        write_trace(&mut message, trace);
    }
    GuestFault { kind, message: cut(&message, MESSAGE_BYTES).to_owned() }
}

fn reason(
    error: &wasmtime::Error,
    guard: &MemoryGuard,
    memory_bytes: usize,
    deadline: Duration,
) -> (GuestFaultKind, String) {
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return (GuestFaultKind::TimedOut, format!("ran longer than {} ms", deadline.as_millis()));
    }
    if error.is::<MemoryRefused>() || guard.refused() {
        let rest = trap.map(|trap| format!(", then: {trap}")).unwrap_or_default();
        return (
            GuestFaultKind::OutOfMemory,
            format!("asked for more than {memory_bytes} bytes of memory{rest}"),
        );
    }
    if let Some(trap) = trap {
        return (GuestFaultKind::Trap, trap.to_string());
    }
    if let Some(host) = error.downcast_ref::<NotStarted>() {
        return (GuestFaultKind::Trap, host.to_string());
    }
    if let Some(often) = error.downcast_ref::<AskedTooOften>() {
        return (GuestFaultKind::Trap, often.to_string());
    }
    if let Some(given_up) = error.downcast_ref::<GivenUp>() {
        return (GuestFaultKind::Trap, given_up.to_string());
    }
    if let Some(length) = error.downcast_ref::<WrongLength>() {
        return (GuestFaultKind::BadAnswer, length.to_string());
    }
    (GuestFaultKind::BadAnswer, bad_answer(&error.root_cause().to_string()).to_owned())
}

/// The engine's words for a malformed answer, reduced to fixed sentences: its own might quote what the guest sent.
fn bad_answer(words: &str) -> &'static str {
    const KNOWN: [(&str, &str); 7] = [
        ("fuel allocated for hostcalls", "returned more than it may"),
        ("utf-8", "returned text that is not UTF-8"),
        ("discriminant", "returned a variant with a case that does not exist"),
        ("not aligned", "returned a pointer that is not aligned"),
        ("out of bounds", "returned a pointer outside its memory"),
        ("bounds of memory", "returned a pointer outside its memory"),
        ("beyond end of memory", "returned a pointer outside its memory"),
    ];
    KNOWN
        .iter()
        .find(|(part, _)| words.contains(part))
        .map_or("returned something that is not an answer", |(_, sentence)| *sentence)
}

fn write_trace(message: &mut String, trace: &WasmBacktrace) {
    for (index, frame) in trace.frames().iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(message, "\n{index:>4}: ");
        match frame.func_name() {
            Some(name) => message.push_str(&printable(name)),
            None => {
                let _ = write!(message, "function {}", frame.func_index());
            }
        }
        if let Some(offset) = frame.module_offset() {
            let _ = write!(message, " @ {offset:#x}");
        }
        for symbol in frame.symbols() {
            if let Some(file) = symbol.file() {
                let _ = write!(message, "\n      at {}:{}", printable(file), symbol.line().unwrap_or(0));
            }
        }
    }
}

fn printable(name: &str) -> String {
    cut(name, NAME_BYTES).chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// The longest beginning of a text that has at most so many bytes and ends between two characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{NotStarted, bad_answer, cut, of, printable};
    use crate::limits::MemoryGuard;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("añb", 2), "a");
        assert_eq!(cut("añb", 3), "añ");
        assert_eq!(cut("ab", 5), "ab");
        assert_eq!(cut("ñ", 0), "");
    }

    #[test]
    fn the_hosts_own_trouble_is_called_that() {
        let error = NotStarted("no memory".to_owned()).into();
        let fault = of(&error, &MemoryGuard::new(1), 1, Duration::ZERO);
        assert_eq!(fault.message, "the host could not make an instance: no memory");
    }

    #[test]
    fn nothing_the_guest_sent_is_quoted() {
        assert!(!bad_answer("unexpected discriminant: 4711").contains("4711"));
        assert_eq!(bad_answer("secret row value"), "returned something that is not an answer");
        assert_eq!(printable("a\nb"), "a?b");
    }
}
