//! A customer's own column on top of a standard map: which tier of the loyalty programme an account is in.

use dualwright_sdk::{Cell, Context, Extend, Extended, ExtensionDescription, Leg, Passing};

/// What it looks at, in the order in which cells come.
const READS: [&str; 2] = ["CustomerGroupId", "CreditLimit"];

/// What it answers for: no other extension on this map may write it.
const OWNS: [&str; 1] = ["new_loyaltytier"];

/// The tiers, from the highest, and the credit limit from which on a customer is in them.
const TIERS: [(&str, i64); 3] = [("Gold", 50_000), ("Silver", 10_000), ("Bronze", 1)];

/// Internal customers take no part.
const INTERNAL_GROUP: &str = "90";

struct Loyalty;

impl Extend for Loyalty {
    fn describe() -> ExtensionDescription {
        ExtensionDescription {
            name: "customer-loyalty".into(),
            version: "0.1.0".into(),
            about: "Puts customers into the tiers of the loyalty programme.".into(),
            map: "customers-accounts".into(),
            leg: Leg::ToDataverse,
            reads: READS.map(str::to_owned).to_vec(),
            owns: OWNS.map(str::to_owned).to_vec(),
        }
    }

    fn extend_one(_context: &Context, passing: Passing) -> Extended {
        let [group, limit] = passing.source.cells.as_slice() else { return Extended::Cells(passing.target) };
        // What may not be seen is not guessed: the column stays as it is.
        if limit.is_absent() {
            return Extended::Cells(vec![Cell::Absent]);
        }
        let tier = if group.as_text() == Some(INTERNAL_GROUP) { None } else { tier(limit) };
        Extended::Cells(vec![tier.map_or(Cell::Null, Cell::from)])
    }
}

fn tier(limit: &Cell) -> Option<&'static str> {
    let text = limit.to_plain_text();
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    TIERS.iter().find(|(_, from)| whole >= *from).map(|(name, _)| *name)
}

dualwright_sdk::export_extension!(Loyalty);

#[cfg(test)]
mod tests {
    use dualwright_sdk::testing::{Row, extend, row};

    use super::*;

    fn tier_of(group: &str, limit: &str) -> Option<Cell> {
        let source = row([("CustomerGroupId", Cell::from(group)), ("CreditLimit", Cell::Decimal(limit.into()))]);
        extend::<Loyalty>(source, Row::new()).expect("it is taken").remove("new_loyaltytier")
    }

    #[test]
    fn tiers_begin_at_their_limits() {
        for (limit, tier) in [("50000.00", "Gold"), ("49999.99", "Silver"), ("10000", "Silver"), ("1", "Bronze")] {
            assert_eq!(tier_of("10", limit), Some(Cell::from(tier)), "{limit}");
        }
        assert_eq!(tier_of("10", "0.99"), Some(Cell::Null));
        assert_eq!(tier_of("90", "50000"), Some(Cell::Null));
    }

    #[test]
    fn what_may_not_be_seen_is_not_guessed() {
        let source = row([("CustomerGroupId", Cell::from("10"))]);
        assert_eq!(extend::<Loyalty>(source, Row::new()).expect("it is taken"), Row::new());
    }
}
