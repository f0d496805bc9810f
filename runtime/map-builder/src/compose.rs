//! Puts an encoded table into the `table-map` guest, and makes a component of the result.
//!
//! Three ways were built and measured, with the same guest and a table of 31 columns (4.8 kB encoded), wasmtime 48,
//! pooling allocator, medians on a shared machine with two cores:
//!
//! | way | building | larger than the guest by | fresh instance | with 1 row | with 100 rows |
//! |---|---|---|---|---|---|
//! | composed with a generated data component (wac-graph) | 2.1 ms | 9.8 kB | 13.0 µs | 59 µs | 1.06 ms |
//! | **table appended to the guest's memory image** | **1.1 ms** | **6.4 kB** | **3.6 µs** | **36 µs** | **1.07 ms** |
//! | appended, then decoded by running the guest once (wasmtime-wizer) | 41 ms | 13.2 kB | 3.5 µs | 34 µs | 1.06 ms |
//!
//! (The rows cost what they cost because that measurement called through wasmtime's untyped values.) Composing gives
//! every map a second memory and copies the table through it for every batch. Running the guest beforehand saves the
//! 2 µs that decoding takes, and needs a compiler and a sandbox to build a map. Appending needs neither, is 1 ms,
//! and is a hundred lines: it is what is done here.
//!
//! Guests are compiled with opt-level 3: with `s` the component is no smaller (80.0 against 79.7 kB) and a batch takes
//! a tenth longer.

use std::ops::Range;

use dualwright_table_map::encode;
use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, MemorySection, MemoryType, Module, RawSection, SectionId,
};
use wasmparser::{DataKind, ExternalKind, Operator, Parser, Payload};
use wit_component::ComponentEncoder;

use crate::error::BuildError;

/// The name under which the guest exports its placeholder.
const PLACEHOLDER: &str = "DUALWRIGHT_TABLE";
/// The placeholder's first bytes.
const MAGIC: &[u8; 4] = b"DWTM";
/// Bytes in a page of linear memory.
const PAGE: u64 = 65_536;

/// One self-contained component: the guest with this table in its memory, and no import left.
///
/// # Errors
/// When the guest is not a `table-map` module that reads this table format.
pub fn compose(guest: &[u8], table: &[u8]) -> Result<Vec<u8>, BuildError> {
    component(&with_table(guest, table)?)
}

/// A component of a core module that carries its contract (as wit-bindgen leaves it).
///
/// # Errors
/// When the module does not carry one, or does not keep it.
pub fn component(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let error = |error| BuildError::guest("the module", format!("{error:#}"));
    ComponentEncoder::default().module(module).map_err(error)?.validate(true).encode().map_err(error)
}

/// What has to be known of a guest module before a table fits into it.
#[derive(Default)]
struct Layout<'a> {
    sections: Vec<(u8, &'a [u8])>,
    memory: Option<wasmparser::MemoryType>,
    /// Address and bytes of each segment.
    data: Vec<(u32, &'a [u8])>,
    /// The value of each global that is a plain number.
    globals: Vec<Option<u32>>,
    placeholder: Option<u32>,
}

/// The module with the table appended to its memory image and the placeholder filled in.
fn with_table(guest: &[u8], table: &[u8]) -> Result<Vec<u8>, BuildError> {
    let layout = layout(guest)?;
    let memory = layout.memory.ok_or_else(|| refused("it has no memory"))?;
    let placeholder = layout
        .placeholder
        .and_then(|index| layout.globals.get(usize::try_from(index).ok()?).copied().flatten())
        .ok_or_else(|| refused("it has no place for a table"))?;
    let format = encode::format(table).ok_or_else(|| refused("the table is not one"))?;
    check_placeholder(&layout, placeholder, format)?;

    // Behind everything the linker laid out: the guest's allocator only takes memory that it asked for.
    let length = u64::try_from(table.len()).unwrap_or(u64::MAX);
    let pages = memory.initial.saturating_add(length.div_ceil(PAGE));
    if memory.memory64 || memory.maximum.is_some_and(|maximum| pages > maximum) {
        return Err(refused("its memory cannot grow for the table"));
    }
    let number =
        |number: Option<u64>| number.and_then(|number| i32::try_from(number).ok()).map(i32::cast_unsigned);
    let (Some(address), Some(_end)) =
        (number(memory.initial.checked_mul(PAGE)), number(pages.checked_mul(PAGE)))
    else {
        return Err(refused("the table is too large"));
    };
    let mut words = address.to_le_bytes().to_vec();
    words.extend(number(Some(length)).unwrap_or_default().to_le_bytes());
    Ok(rebuild(&layout, memory, pages, &[(address, table), (placeholder.saturating_add(8), &words)]))
}

fn refused(reason: impl std::fmt::Display) -> BuildError {
    BuildError::guest("the table-map module", reason)
}

fn layout(guest: &[u8]) -> Result<Layout<'_>, BuildError> {
    let mut layout = Layout::default();
    for payload in Parser::new(0).parse_all(guest) {
        let payload = payload.map_err(refused)?;
        if let Some((id, range)) = payload.as_section() {
            layout.sections.push((id, slice(guest, range).unwrap_or_default()));
        }
        match payload {
            Payload::ImportSection(_) => {
                return Err(refused("it imports something, and a map needs nothing"));
            }
            Payload::MemorySection(memories) => {
                layout.memory = memories.into_iter().next().transpose().map_err(refused)?;
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    layout.globals.push(constant(&global.map_err(refused)?.init_expr)?);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(refused)?;
                    if export.name == PLACEHOLDER && export.kind == ExternalKind::Global {
                        layout.placeholder = Some(export.index);
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    layout.data.push(placed(&segment.map_err(refused)?)?);
                }
            }
            _ => {}
        }
    }
    Ok(layout)
}

fn slice(bytes: &[u8], range: Range<u64>) -> Option<&[u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// Address and bytes of a segment. The guest's linker makes no other kind than those with a fixed address.
fn placed<'a>(segment: &wasmparser::Data<'a>) -> Result<(u32, &'a [u8]), BuildError> {
    let address = match &segment.kind {
        DataKind::Active { memory_index: 0, offset_expr } => constant(offset_expr)?,
        _ => None,
    };
    address.map(|address| (address, segment.data)).ok_or_else(|| refused("its data has no fixed address"))
}

/// The number that a constant expression gives, when it is a plain one.
fn constant(expression: &wasmparser::ConstExpr<'_>) -> Result<Option<u32>, BuildError> {
    match expression.get_operators_reader().read().map_err(refused)? {
        Operator::I32Const { value } => Ok(Some(value.cast_unsigned())),
        _ => Ok(None),
    }
}

/// A guest reads every table format up to its own.
fn check_placeholder(layout: &Layout<'_>, placeholder: u32, needed: u32) -> Result<(), BuildError> {
    let bytes = layout.data.iter().find_map(|(address, data)| {
        let start = usize::try_from(placeholder.checked_sub(*address)?).ok()?;
        data.get(start..start.checked_add(8)?)
    });
    let reads = bytes.and_then(|bytes| {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        Some((magic, u32::from_le_bytes(*rest.first_chunk::<4>()?)))
    });
    match reads {
        Some((magic, _)) if magic != MAGIC => Err(refused("its placeholder is not one")),
        Some((_, format)) if format < needed => Err(refused(format!(
            "it reads table format {format}, and this map needs {needed} for its rules; build the guest anew"
        ))),
        Some(_) => Ok(()),
        None => Err(refused("its placeholder is not in its data")),
    }
}

fn rebuild(
    layout: &Layout<'_>,
    memory: wasmparser::MemoryType,
    pages: u64,
    added: &[(u32, &[u8])],
) -> Vec<u8> {
    let mut module = Module::new();
    for (id, bytes) in &layout.sections {
        if *id == SectionId::Memory as u8 {
            let mut memories = MemorySection::new();
            memories.memory(MemoryType {
                minimum: pages,
                maximum: memory.maximum,
                memory64: memory.memory64,
                shared: memory.shared,
                page_size_log2: memory.page_size_log2,
            });
            module.section(&memories);
        } else if *id == SectionId::DataCount as u8 {
            let count = layout.data.len() + added.len();
            module.section(&DataCountSection { count: u32::try_from(count).unwrap_or(u32::MAX) });
        } else if *id == SectionId::Data as u8 {
            module.section(&data(layout, added));
        } else {
            module.section(&RawSection { id: *id, data: bytes });
        }
    }
    module.finish()
}

fn data(layout: &Layout<'_>, added: &[(u32, &[u8])]) -> DataSection {
    let mut section = DataSection::new();
    for (address, bytes) in layout.data.iter().chain(added) {
        section.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes.iter().copied());
    }
    section
}
