//! Single records of either system, for maps to which the operator granted `lookup`.
//!
//! A component imports this only when it calls [`find`]; without the grant it is then refused when it is loaded. Off
//! WebAssembly there is no other system: [`answered_by`] stands in for it in tests.

#[allow(unsafe_code, reason = "the generated glue lifts and lowers values through linear memory")]
#[allow(unreachable_pub, dead_code, clippy::allow_attributes_without_reason, reason = "generated code")]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package dualwright:looking; world looking { import dualwright:plugin/lookup@1.1.0; }",
        world: "dualwright:looking/looking",
        with: {
            "dualwright:plugin/types@1.1.0": crate::bindings::dualwright::plugin::types,
            "dualwright:plugin/lookup@1.1.0": generate,
        },
        additional_derives: [PartialEq, Eq],
    });
}

use crate::Cell;
pub use bindings::dualwright::plugin::lookup::{Failure, Side};

/// The record's cells, in the order of the columns asked for, or nothing when there is no such record.
pub type Answer = Result<Option<Vec<Cell>>, Failure>;

/// The named columns of the record with this alternate key. `table` is an entity set; the columns of the key must be
/// granted as well.
///
/// The host remembers answers for the length of one batch and a short while after, so asking again for the same costs
/// little; a batch may ask about sixteen times as often as it has rows.
///
/// # Errors
/// A [`Failure`]. A map that cannot do without the answer should reject the record, which is then kept.
pub fn find(side: Side, table: &str, key: &[(&str, Cell)], columns: &[&str]) -> Answer {
    outside::find(side, table, key, columns)
}

#[cfg(target_family = "wasm")]
mod outside {
    use super::bindings::dualwright::plugin::lookup::{self, KeyCell};
    use super::{Answer, Cell, Side};

    pub(super) fn find(side: Side, table: &str, key: &[(&str, Cell)], columns: &[&str]) -> Answer {
        let key: Vec<KeyCell> = key
            .iter()
            .map(|(column, value)| KeyCell { column: (*column).to_owned(), value: value.clone() })
            .collect();
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        lookup::find(side, table, &key, &columns)
    }
}

#[cfg(not(target_family = "wasm"))]
pub use outside::answered_by;

#[cfg(not(target_family = "wasm"))]
mod outside {
    use std::cell::RefCell;

    use super::{Answer, Cell, Failure, Side};

    type Answers = Box<dyn FnMut(Side, &str, &[(&str, Cell)], &[&str]) -> Answer>;

    thread_local! {
        static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
    }

    struct Reset;

    impl Drop for Reset {
        fn drop(&mut self) {
            ANSWERS.with(|answers| answers.borrow_mut().take());
        }
    }

    /// Runs something, a test of a map, in which [`find`](super::find) is answered like this.
    pub fn answered_by<T>(
        answers: impl FnMut(Side, &str, &[(&str, Cell)], &[&str]) -> Answer + 'static,
        run: impl FnOnce() -> T,
    ) -> T {
        ANSWERS.with(|slot| *slot.borrow_mut() = Some(Box::new(answers)));
        let _reset = Reset;
        run()
    }

    pub(super) fn find(side: Side, table: &str, key: &[(&str, Cell)], columns: &[&str]) -> Answer {
        ANSWERS.with(|answers| match answers.borrow_mut().as_mut() {
            Some(answers) => answers(side, table, key, columns),
            None => {
                Err(Failure::Unavailable("off WebAssembly there is nobody to ask; see answered_by".into()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Side, answered_by, find};
    use crate::Cell;

    #[test]
    fn tests_answer_for_the_host() {
        let name = || find(Side::Dataverse, "accounts", &[("accountnumber", Cell::from("1"))], &["name"]);
        assert!(matches!(name(), Err(Failure::Unavailable(_))));
        let answer = answered_by(
            |side, table, key, columns| {
                assert_eq!((side, table, columns), (Side::Dataverse, "accounts", ["name"].as_slice()));
                Ok((key[0].1 == Cell::from("1")).then(|| vec![Cell::from("One")]))
            },
            name,
        );
        assert_eq!(answer, Ok(Some(vec![Cell::from("One")])));
        assert!(name().is_err(), "afterwards nobody answers");
    }
}
