//! Days of the calendar.

/// Days since 1970-01-01 of `2026-01-31`; `None` when it is no day.
pub(super) fn day(text: &str) -> Option<i32> {
    let numbers: Vec<&str> = text.split('-').collect();
    let [year, month, day] = numbers.as_slice() else { return None };
    let digits = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i32>().ok())
            .flatten()
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || day < 1 || day > days_of_month {
        return None;
    }
    // Counted from 1 March of the year 0, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let since_march = (153 * month + 2) / 5 + day - 1;
    Some(365 * year + year / 4 - year / 100 + year / 400 + since_march - 719_468)
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, expect) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2026-01-01", Some(20_454)),
            ("1900-01-01", Some(-25_567)),
            ("0001-01-01", Some(-719_162)),
            ("2025-02-29", None),
            ("2026-13-01", None),
            ("2026-00-01", None),
            ("2026-1-01", None),
            ("2026-01-01T00:00:00Z", None),
        ] {
            assert_eq!(day(text), expect, "{text}");
        }
    }
}
