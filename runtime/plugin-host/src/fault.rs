//! What the engine says of a failed call, in words for an operator.

use std::fmt::Write as _;
use std::time::Duration;

use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use crate::imports::outside::{AskedTooOften, GivenUp};
use crate::limits::{MemoryGuard, MemoryRefused};
use crate::{GuestFault, GuestFaultKind};

/// The longest fault message, in bytes.
const MESSAGE_BYTES: usize = 4096;
/// The longest function or file name in a backtrace, in bytes.
const NAME_BYTES: usize = 200;

/// The most functions of a backtrace.
const FRAMES: usize = 16;
/// What `dualwright map build` puts in the place of a project's folder.
const PROJECT: &str = "/map/";
/// How much of a path of the machine that built the guest is shown.
const PATH_PARTS: usize = 3;
/// How the functions of Rust's own library begin, where no file tells it.
const LIBRARY_NAMES: [&str; 7] =
    ["core::", "std::", "alloc::", "__rust", "rust_panic", "rust_begin_unwind", "__rustc"];

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
    let frames: Vec<Frame> = trace.frames().iter().map(frame).collect();
    // What a panic runs through in the standard library says nothing of the guest; should there be nothing else, it stays.
    let own = frames.iter().position(|frame| !frame.is_library).unwrap_or(0);
    let lines = || frames.iter().skip(own).flat_map(|frame| &frame.lines);
    if let Some(line) = lines().find(|line| !is_library(&line.file)) {
        // Lists of faults show the first line only.
        let _ = write!(message, ", at {}:{}", place(&line.file), line.number);
    }
    for (index, frame) in frames.iter().enumerate().skip(own).take(FRAMES) {
        // Writing to a string does not fail.
        let _ = write!(message, "\n{:>4}: {}", index.saturating_sub(own), frame.name);
        if let Some(offset) = frame.offset {
            let _ = write!(message, " @ {offset:#x}");
        }
        for line in &frame.lines {
            let _ = write!(message, "\n      at {}:{}", place(&line.file), line.number);
            if let Some(inlined) = &line.inlined {
                let _ = write!(message, " in {inlined}");
            }
        }
    }
}

struct Frame {
    name: String,
    offset: Option<usize>,
    /// Innermost first: what was inlined into the function comes before it.
    lines: Vec<Line>,
    is_library: bool,
}

struct Line {
    file: String,
    number: u32,
    inlined: Option<String>,
}

fn frame(frame: &FrameInfo) -> Frame {
    let name = match frame.func_name() {
        Some(name) => printable(&demangled(name)),
        None => format!("function {}", frame.func_index()),
    };
    let symbols = frame.symbols();
    let mut lines: Vec<Line> = symbols
        .iter()
        .enumerate()
        .filter_map(|(index, symbol)| {
            // The last one is the function itself.
            let inlined = symbol.name().filter(|_| index.saturating_add(1) < symbols.len());
            let inlined = inlined.map(|name| printable(without_types(&demangled(name))));
            Some(Line { file: printable(symbol.file()?), number: symbol.line()?, inlined })
        })
        .collect();
    let library = if lines.is_empty() {
        LIBRARY_NAMES.iter().any(|start| name.trim_start_matches('<').starts_with(start))
    } else {
        lines.iter().all(|line| is_library(&line.file))
    };
    if !library {
        // Of the library's code that was inlined only the guest's lines around it say something.
        lines.retain(|line| !is_library(&line.file));
    }
    Frame { is_library: library, name, offset: frame.module_offset(), lines }
}

/// Without the hash at its end.
pub(crate) fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The name of an inlined function without what it is generic over, which may be many times as long.
fn without_types(name: &str) -> &str {
    name.split_once('<').map_or(name, |(plain, _)| plain)
}

/// Whether a file belongs to Rust's own library, as its builds name it.
fn is_library(file: &str) -> bool {
    ["/rustc/", "library/core/src/", "library/std/src/", "library/alloc/src/", "library/panic_abort/"]
        .iter()
        .any(|part| file.contains(part))
}

/// A file as it is shown: a path of the machine that built the guest is nobody's business, so its end is all there is.
fn place(file: &str) -> String {
    if let Some(inside) = file.strip_prefix(PROJECT) {
        return inside.to_owned();
    }
    let absolute = file.starts_with(['/', '~', '\\']) || file.get(1..2) == Some(":");
    if !absolute {
        return file.to_owned();
    }
    let parts: Vec<&str> = file.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let kept = parts.get(parts.len().saturating_sub(PATH_PARTS)..).unwrap_or_default();
    format!("…/{}", kept.join("/"))
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

    use super::{NotStarted, bad_answer, cut, is_library, of, place, printable};
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
    fn the_builders_folders_are_not_shown() {
        for (file, shown) in [
            ("src/lib.rs", "src/lib.rs"),
            ("/map/src/lib.rs", "src/lib.rs"),
            ("/home/somebody/maps/credit/src/lib.rs", "…/credit/src/lib.rs"),
            ("C:\\Users\\somebody\\maps\\credit\\src\\lib.rs", "…/credit/src/lib.rs"),
            ("~/lib.rs", "…/~/lib.rs"),
            ("", ""),
        ] {
            assert_eq!(place(file), shown);
        }
        assert!(is_library("/rustc/59807616e/library/core/src/panicking.rs"));
        assert!(!is_library("src/library.rs"));
    }

    #[test]
    fn nothing_the_guest_sent_is_quoted() {
        assert!(!bad_answer("unexpected discriminant: 4711").contains("4711"));
        assert_eq!(bad_answer("secret row value"), "returned something that is not an answer");
        assert_eq!(printable("a\nb"), "a?b");
    }
}
