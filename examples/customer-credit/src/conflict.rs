//! What becomes of a customer whom both sides changed since they last agreed.

use std::cmp::Ordering;

use dualwright_sdk::{Cell, Clash, ContestedCell, Context, Leg, Resolve, Verdict, Violation};

use crate::{CustomerCredit, DATAVERSE, FINOPS};

/// The longest note that both sides hold.
const NOTE_LETTERS: usize = 1000;

impl Resolve for CustomerCredit {
    fn resolve_one(leg: Leg, _context: &Context, clash: Clash) -> Verdict {
        let columns = match leg {
            Leg::ToDataverse => DATAVERSE,
            Leg::ToFinops => FINOPS,
        };
        let Ok([company, account, name, limit, note]) = <[ContestedCell; 5]>::try_from(clash.cells) else {
            return Verdict::SourceWins;
        };
        // Nobody but a person knows which of two names is right.
        if name.is_contested() {
            let message = "both sides gave the customer a new name; make them the same on both sides and retry";
            return Verdict::Refuse(vec![Violation::new(Some(columns[2]), "two-names", message)]);
        }
        let note = match joined(leg, &note) {
            Some(note) => note,
            None => {
                let message = format!("the notes of both sides together are longer than {NOTE_LETTERS} letters");
                return Verdict::Refuse(vec![Violation::new(Some(columns[4]), "too-long", message)]);
            }
        };
        Verdict::Merge(vec![company.wanted, account.wanted, name.uncontested(), lower(&limit), note])
    }
}

/// Of two new limits the lower one holds: selling too little can be mended tomorrow.
fn lower(limit: &ContestedCell) -> Cell {
    if !limit.is_contested() {
        return limit.uncontested();
    }
    match limit.wanted.compare_number(&limit.found) {
        Some(Ordering::Greater) => limit.found.clone(),
        _ => limit.wanted.clone(),
    }
}

/// Of two new notes both are kept, that of F&O first, whichever side is looked at first.
fn joined(leg: Leg, note: &ContestedCell) -> Option<Cell> {
    let (Some(wanted), Some(found), true) = (note.wanted.as_text(), note.found.as_text(), note.is_contested())
    else {
        return Some(note.uncontested());
    };
    let (finops, dataverse) = match leg {
        Leg::ToDataverse => (wanted, found),
        Leg::ToFinops => (found, wanted),
    };
    // One of them may hold both already: then somebody was here before.
    let both = match (finops.contains(dataverse), dataverse.contains(finops)) {
        (true, _) => finops.to_owned(),
        (_, true) => dataverse.to_owned(),
        _ => format!("{finops}\n{dataverse}"),
    };
    (both.chars().count() <= NOTE_LETTERS).then_some(Cell::Text(both))
}

#[cfg(test)]
mod tests {
    use dualwright_sdk::testing::{self, NoUpsert, Row};
    use dualwright_sdk::{Cell, Leg};

    use crate::CustomerCredit;

    fn customer(name: &str, limit: &str, note: &str) -> Row {
        testing::row([
            ("accountnumber", Cell::from("C1")),
            ("name", Cell::from(name)),
            ("creditlimit", Cell::Decimal(limit.to_owned())),
            ("description", Cell::from(note)),
        ])
    }

    fn resolve(known: &Row, wanted: &Row, found: &Row) -> Result<Row, NoUpsert> {
        testing::resolve::<CustomerCredit>(Leg::ToDataverse, known, wanted, found)
    }

    #[test]
    fn the_lower_limit_holds_and_both_notes_are_kept() {
        let decided = resolve(
            &customer("Contoso", "100", "pays late"),
            &customer("Contoso", "1000.50", "called on Monday"),
            &customer("Contoso", "90.00", "moved"),
        );
        assert_eq!(decided, Ok(customer("Contoso", "90.00", "called on Monday\nmoved")));
    }

    #[test]
    fn what_only_one_side_changed_is_not_contested() {
        let decided = resolve(
            &customer("Contoso", "100", "a"),
            &customer("Contoso", "1000", "a"),
            &customer("Contoso Ltd", "100", "b"),
        );
        assert_eq!(decided, Ok(customer("Contoso Ltd", "1000", "b")));
    }

    #[test]
    fn two_names_are_left_to_a_person() {
        let decided = resolve(
            &customer("Contoso", "100", "a"),
            &customer("Contoso AG", "100", "a"),
            &customer("Contoso Ltd", "100", "a"),
        );
        let Err(NoUpsert::Reject(violations)) = decided else { panic!("{decided:?}") };
        assert_eq!((violations[0].code.as_str(), violations[0].field.as_deref()), ("two-names", Some("name")));
    }

    #[test]
    fn notes_do_not_grow_for_ever() {
        let (one, other) = ("x".repeat(600), "y".repeat(600));
        let decided =
            resolve(&customer("C", "1", "a"), &customer("C", "1", &one), &customer("C", "1", &other));
        assert!(matches!(decided, Err(NoUpsert::Reject(_))), "{decided:?}");
    }
}
