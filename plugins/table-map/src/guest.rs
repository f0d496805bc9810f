//! The component: answers the contract out of the table that was put into this module.
//!
//! `map-builder` appends the encoded table to the module's memory image and writes its address and length into
//! [`DUALWRIGHT_TABLE`], which the module exports. An instance thus starts with its table in memory: nothing is
//! imported, copied or initialised.

use dualwright_sdk::{Change, Context, Description, Heap, Leg, Map, Outcome};

use crate::{encode, eval};

/// What the builder fills in. The first two words tell it that this is the place, and which format is read here.
#[repr(C)]
struct Placeholder {
    magic: [u8; 4],
    format: u32,
    address: *const u8,
    length: usize,
}

// SAFETY: nothing writes to it, and a component has one thread.
#[allow(unsafe_code, reason = "a raw address is not Sync by itself")]
unsafe impl Sync for Placeholder {}

/// Where the table is.
#[allow(unsafe_code, reason = "the builder finds the placeholder by its exported name")]
#[unsafe(no_mangle)]
static DUALWRIGHT_TABLE: Placeholder =
    Placeholder { magic: *b"DWTM", format: encode::FORMAT, address: std::ptr::null(), length: 0 };

#[allow(unsafe_code, reason = "the table was placed by the builder, outside what the compiler can see")]
fn table() -> &'static [u8] {
    // SAFETY: the placeholder is a valid static. It is read as volatile because the builder changes it after the
    // compiler has seen it.
    let placeholder = unsafe { std::ptr::read_volatile(&raw const DUALWRIGHT_TABLE) };
    if placeholder.address.is_null() {
        return &[];
    }
    // SAFETY: the builder wrote the address and length of a data segment of that size, which nothing else uses.
    unsafe { std::slice::from_raw_parts(placeholder.address, placeholder.length) }
}

/// An instance answers one batch: nothing has to be given back.
#[global_allocator]
static HEAP: Heap = Heap::new();

struct TableMap;

impl Map for TableMap {
    fn describe() -> Description {
        // Without a table there is nothing to say, and the host refuses a map that has no name.
        encode::description(table()).unwrap_or_else(|| Description {
            name: String::new(),
            version: String::new(),
            about: String::new(),
            finops_table: String::new(),
            dataverse_table: String::new(),
            key: Vec::new(),
            legs: Vec::new(),
            two_way: Vec::new(),
            needs: Vec::new(),
        })
    }

    fn transform(leg: Leg, _context: Context, batch: Vec<Change>) -> Vec<Outcome> {
        match encode::program(table(), leg) {
            Some(program) => eval::transform(&program, batch),
            None => batch
                .iter()
                .map(|_| Outcome::reject(None, "no-such-leg", "the map has no such leg"))
                .collect(),
        }
    }
}

dualwright_sdk::export_map!(TableMap);
