//! Where the rows came from on which two versions of a map were compared, in words.

use serde_json::Value;

/// What a report says of its rows: how many are changes of the past, how many were read for the comparison and why, and
/// how many came since.
pub(super) fn told(report: &Value) -> String {
    let of = |name: &str| report[name].as_u64().unwrap_or_default();
    let (captured, read_now, incomplete) = (of("captured"), of("read_now"), of("incomplete"));
    let since = of("rows").saturating_sub(captured + read_now);
    let mut parts = vec![format!("{captured} as they were captured")];
    if read_now > 0 {
        let why = match incomplete {
            0 => "no more captured changes are kept".to_owned(),
            1 => "1 captured change lacks columns that are read by now".to_owned(),
            more => format!("{more} captured changes lack columns that are read by now"),
        };
        parts.push(format!("{read_now} read now, because {why}"));
    }
    if since > 0 {
        parts.push(format!("{since} since then"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::told;

    #[test]
    fn every_row_is_told_where_it_came_from() {
        let report = |rows: u64, captured: u64, read_now: u64, incomplete: u64| {
            told(&json!({"rows": rows, "captured": captured, "read_now": read_now, "incomplete": incomplete}))
        };
        assert_eq!(report(50, 50, 0, 3), "50 as they were captured");
        assert_eq!(
            report(50, 37, 13, 0),
            "37 as they were captured; 13 read now, because no more captured changes are kept"
        );
        assert_eq!(
            report(60, 0, 50, 7),
            "0 as they were captured; 50 read now, because 7 captured changes lack columns that are read by now; 10 since then"
        );
    }
}
