//! The credit department's word on customers, before they reach Dataverse.

use dualwright_sdk::{Cell, Change, Context, Leg, Operation, Stage, Validate, ValidatorDescription, Violation};

/// What it looks at, in the order in which cells come.
const READS: [&str; 4] = ["CreditLimit", "CreditLimitIsMandatory", "OnHoldStatus", "SalesMemo"];

/// From this limit on, orders must not go past it.
const WATCHED_FROM: i64 = 100_000;

struct CreditControl;

impl Validate for CreditControl {
    fn describe() -> ValidatorDescription {
        ValidatorDescription {
            name: "customer-credit-control".into(),
            version: "0.1.0".into(),
            about: "High credit limits are mandatory ones, and a customer on hold says why.".into(),
            map: "customers-accounts".into(),
            leg: Leg::ToDataverse,
            stage: Stage::Captured,
            reads: READS.map(str::to_owned).to_vec(),
        }
    }

    fn validate_one(_context: &Context, change: Change) -> Vec<Violation> {
        let [limit, mandatory, hold, memo] = change.cells.as_slice() else { return Vec::new() };
        // A deletion carries the key only.
        if change.operation == Operation::Delete {
            return Vec::new();
        }
        let mut violations = Vec::new();
        if whole_part(limit) >= WATCHED_FROM && mandatory.as_text() != Some("Yes") {
            violations.push(Violation {
                field: Some("CreditLimit".into()),
                code: "unwatched-limit".into(),
                message: format!("a credit limit from {WATCHED_FROM} on has to be a mandatory one"),
            });
        }
        let is_on_hold = hold.as_text().is_some_and(|status| !matches!(status, "" | "No"));
        if is_on_hold && memo.as_text().is_none_or(|text| text.trim().is_empty()) {
            violations.push(Violation {
                field: Some("SalesMemo".into()),
                code: "hold-without-reason".into(),
                message: "a customer on hold needs a note that says why".into(),
            });
        }
        violations
    }
}

/// The number before the decimal point; zero where there is none.
fn whole_part(cell: &Cell) -> i64 {
    let text = cell.to_plain_text();
    text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)
}

dualwright_sdk::export_validator!(CreditControl);

#[cfg(test)]
mod tests {
    use dualwright_sdk::testing::{row, validate};

    use super::*;

    fn codes<const N: usize>(cells: [(&str, Cell); N]) -> Vec<String> {
        let violations = validate::<CreditControl>(row(cells)).expect("the row fits");
        violations.into_iter().map(|violation| violation.code).collect()
    }

    fn decimal(text: &str) -> Cell {
        Cell::Decimal(text.into())
    }

    #[test]
    fn high_limits_are_mandatory() {
        assert!(codes([("CreditLimit", decimal("99999.99"))]).is_empty());
        assert_eq!(codes([("CreditLimit", decimal("100000.00"))]), ["unwatched-limit"]);
        assert!(codes([("CreditLimit", decimal("100000")), ("CreditLimitIsMandatory", "Yes".into())]).is_empty());
    }

    #[test]
    fn a_hold_has_a_reason() {
        assert_eq!(codes([("OnHoldStatus", "All".into()), ("SalesMemo", " ".into())]), ["hold-without-reason"]);
        assert!(codes([("OnHoldStatus", "All".into()), ("SalesMemo", "Disputes invoice 7.".into())]).is_empty());
        assert!(codes([("OnHoldStatus", "No".into())]).is_empty());
    }
}
