//! Values to try a field with, and simpler ones.

use dualwright_model::{ColumnPath, Date, Decimal, Leg, System, Timestamp, Value};
use dualwright_sdk::Cell;
use dualwright_table_map::compile::CompiledMap;

use crate::fixtures::{Case, Expectation};

/// What is known of the values of a column.
pub(super) struct Known {
    /// Values that are met.
    values: Vec<Value>,
    /// Whether there are no others.
    complete: bool,
}

/// What the map's value set, or else the fixtures, tell of the values of a column on the source side of a leg.
pub(super) fn known(cases: &[Case], map: Option<&CompiledMap>, leg: Leg, column: &ColumnPath) -> Known {
    // The set on the way back spells the values as this side does.
    if let Some(values) = map.and_then(|map| value_set(map, leg.target().outgoing(), column)) {
        return Known { values, complete: true };
    }
    let mut values = Vec::new();
    for case in cases {
        let record = match &case.expect {
            _ if case.leg == leg => &case.row,
            Some(Expectation::Upsert(written)) => written,
            _ => continue,
        };
        let value = record.get(column.as_str());
        let empty = matches!(value, Value::Text(text) if text.is_empty());
        if !value.is_missing() && !empty && !values.contains(value) {
            values.push(value.clone());
        }
    }
    Known { values, complete: false }
}

/// What the map can write into a column, when it goes through a value set.
fn value_set(map: &CompiledMap, leg: Leg, column: &ColumnPath) -> Option<Vec<Value>> {
    let wanted = match leg.source() {
        System::Finops => dualwright_sdk::Leg::ToDataverse,
        System::Dataverse => dualwright_sdk::Leg::ToFinops,
    };
    let program = map.programs.iter().find(|program| program.leg == wanted)?;
    let writes = &map.description.legs.iter().find(|leg| leg.leg == wanted)?.writes;
    let rule = program.rules.get(writes.iter().position(|written| written == column.as_str())?)?;
    let constants = rule.values.as_ref()?.entries.iter().map(|(_, constant)| constant.to_cell());
    let values = constants.filter_map(|cell| match cell {
        Cell::Text(text) if !text.is_empty() => Some(Value::Text(text)),
        Cell::Integer(number) => Some(Value::Integer(number)),
        Cell::Boolean(flag) => Some(Value::Boolean(flag)),
        _ => None,
    });
    Some(values.collect())
}

/// A seeded source of values (SplitMix64).
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// The known values, and unless they are all, `count` others of the same kinds; of every kind where none is known.
    pub(super) fn values(&mut self, known: &Known, count: usize) -> Vec<Value> {
        let mut values = known.values.clone();
        if known.complete {
            return values;
        }
        let every = [
            Value::text("a"),
            Value::Integer(1),
            Value::Decimal(Decimal::from(1)),
            Value::Boolean(true),
            Value::Date(Date::from_days(1)),
            Value::Timestamp(Timestamp::from_micros(1)),
        ];
        let kinds = if known.values.is_empty() { every.as_slice() } else { known.values.as_slice() };
        let scale = known.values.iter().filter_map(scale).max().unwrap_or(2);
        values.extend((0..count).zip(kinds.iter().cycle()).map(|(_, kind)| self.like(kind, scale)));
        values
    }

    fn like(&mut self, kind: &Value, scale: u32) -> Value {
        match kind {
            Value::Integer(_) => Value::Integer(self.integer()),
            Value::Decimal(_) => {
                let whole = self.integer();
                let fraction = self.below(10_u64.saturating_pow(scale));
                let width = usize::try_from(scale).unwrap_or(2);
                let text = if scale == 0 { whole.to_string() } else { format!("{whole}.{fraction:0width$}") };
                Decimal::parse(&text).map_or(Value::Integer(whole), Value::Decimal)
            }
            Value::Boolean(_) => Value::Boolean(self.below(2) == 0),
            // From 1970 to about 2079.
            Value::Date(_) => Value::Date(Date::from_days(i32::try_from(self.below(40_000)).unwrap_or(0))),
            Value::Timestamp(_) => {
                let seconds = i64::try_from(self.below(3_456_000_000)).unwrap_or(0);
                Value::Timestamp(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
            }
            Value::Text(_) | Value::Null | Value::Absent => Value::Text(self.text()),
        }
    }

    /// Small numbers and zero more often than large ones.
    fn integer(&mut self) -> i64 {
        let limit = 10_u64.saturating_pow(u32::try_from(self.below(10)).unwrap_or(1));
        let number = i64::try_from(self.below(limit)).unwrap_or(0);
        if self.below(4) == 0 { -number } else { number }
    }

    /// Neither system keeps spaces at the end of a text.
    fn text(&mut self) -> String {
        const LETTERS: [char; 24] = [
            'a', 'b', 'z', 'A', 'B', 'Z', '0', '1', '9', ' ', '-', '.', ',', '/', '\'', '"', '&', '%', 'é',
            'Ø', 'ß', '€', '漢', '🙂',
        ];
        let length = self.below(24) + 1;
        let count = u64::try_from(LETTERS.len()).unwrap_or(1);
        let mut text = String::new();
        for _ in 0..length {
            let place = usize::try_from(self.below(count)).unwrap_or(0);
            text.extend(LETTERS.get(place));
        }
        let kept = text.trim_end();
        if kept.is_empty() { "a".to_owned() } else { kept.to_owned() }
    }
}

/// How many digits a decimal has after the point.
fn scale(value: &Value) -> Option<u32> {
    let Value::Decimal(number) = value else { return None };
    let (_, fraction) = number.as_str().split_once('.')?;
    u32::try_from(fraction.len()).ok()
}

/// Values that are simpler than this one, the simplest first.
pub(super) fn simpler(value: &Value) -> Vec<Value> {
    match value {
        Value::Text(text) => simpler_text(text).into_iter().map(Value::Text).collect(),
        Value::Integer(number) => towards_zero(*number).into_iter().map(Value::Integer).collect(),
        Value::Decimal(number) => simpler_decimal(number).into_iter().map(Value::Decimal).collect(),
        Value::Boolean(true) => vec![Value::Boolean(false)],
        Value::Date(date) => towards_zero(i64::from(date.as_days()))
            .into_iter()
            .filter_map(|days| i32::try_from(days).ok())
            .map(|days| Value::Date(Date::from_days(days)))
            .collect(),
        Value::Timestamp(time) => towards_zero(time.as_micros() / 1_000_000)
            .into_iter()
            .map(|seconds| Value::Timestamp(Timestamp::from_micros(seconds.saturating_mul(1_000_000))))
            .filter(|simpler| simpler != value)
            .collect(),
        Value::Boolean(false) | Value::Null | Value::Absent => Vec::new(),
    }
}

fn simpler_text(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut offer = |letters: Vec<char>| {
        let other: String = letters.into_iter().collect();
        if !other.is_empty() && other != text && other.trim_end() == other {
            found.push(other);
        }
    };
    let (head, tail) = letters.split_at(letters.len() / 2);
    offer(head.to_vec());
    offer(tail.to_vec());
    for skipped in 0..letters.len() {
        let rest = letters.iter().enumerate().filter(|(at, _)| *at != skipped);
        offer(rest.map(|(_, letter)| *letter).collect());
    }
    for (changed, letter) in letters.iter().enumerate() {
        if *letter != 'a' {
            let plain = letters.iter().enumerate();
            offer(plain.map(|(at, letter)| if at == changed { 'a' } else { *letter }).collect());
        }
    }
    found
}

fn towards_zero(number: i64) -> Vec<i64> {
    let mut found: Vec<i64> = [0, number / 10, number / 2, number - number.signum()].into();
    found.retain(|other| other.unsigned_abs() < number.unsigned_abs());
    if number < 0 {
        found.extend(number.checked_neg());
    }
    found.dedup();
    found
}

fn simpler_decimal(number: &Decimal) -> Vec<Decimal> {
    let (whole, fraction) = number.as_str().split_once('.').unwrap_or((number.as_str(), ""));
    let mut texts: Vec<String> = Vec::new();
    if let Ok(number) = whole.parse::<i64>() {
        if !fraction.is_empty() {
            texts.push(whole.to_owned());
        }
        let point = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
        texts.extend(towards_zero(number).iter().map(|simpler| format!("{simpler}{point}")));
    }
    let mut shorter = fraction.to_owned();
    if shorter.pop().is_some() {
        texts.push(format!("{whole}.{shorter}"));
    }
    let mut smaller = |digits: &str| texts.push(format!("{whole}.{digits}"));
    if let Some(last) = fraction.bytes().last().filter(|last| *last > b'1') {
        smaller(&format!("{shorter}{}", char::from(last - 1)));
    }
    texts.iter().filter_map(|text| Decimal::parse(text).ok()).filter(|other| other != number).collect()
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Decimal, Value};

    use super::{Generator, Known, simpler};

    #[test]
    fn the_same_seed_makes_the_same_values_of_the_known_kinds() {
        let known = Known {
            values: vec![Value::Decimal(Decimal::parse("1.250").unwrap()), Value::text("x")],
            complete: false,
        };
        let values = Generator::new(7).values(&known, 200);
        assert_eq!(values, Generator::new(7).values(&known, 200));
        assert_ne!(values, Generator::new(8).values(&known, 200));
        assert!(values.iter().all(|value| matches!(value, Value::Decimal(_) | Value::Text(_))));
        let complete = Known { complete: true, ..known };
        assert_eq!(Generator::new(7).values(&complete, 200), complete.values);
    }

    /// Shrinking ends, and finds the simplest value that still has the property.
    #[test]
    fn shrinking_ends_at_the_simplest() {
        fn least(mut value: Value, broken: fn(&Value) -> bool) -> Value {
            let mut steps = 0;
            while let Some(next) = simpler(&value).into_iter().find(broken) {
                value = next;
                steps += 1;
                assert!(steps < 200, "shrinking goes round in circles at {value:?}");
            }
            value
        }
        let quoted = |value: &Value| matches!(value, Value::Text(text) if text.contains('"'));
        assert_eq!(least(Value::text("Ab \" é 漢 zz"), quoted), Value::text("\""));
        let large = |value: &Value| matches!(value, Value::Integer(number) if *number > 41);
        assert_eq!(least(Value::Integer(987_654), large), Value::Integer(42));
        let cents = |value: &Value| matches!(value, Value::Decimal(number) if number.as_str().contains('.'));
        let least_cents = least(Value::Decimal(Decimal::parse("-123.45").unwrap()), cents);
        assert_eq!(least_cents, Value::Decimal(Decimal::parse("0.1").unwrap()));
    }
}
