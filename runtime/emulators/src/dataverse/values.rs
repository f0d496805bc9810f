//! Cells between JSON and storage: types checked as Dataverse checks them, printed as it prints them.

use dualwright_model::{Date, Decimal, Timestamp, Value};
use dualwright_odata::literal::is_guid;

use super::error::ApiError;
use super::model::Entity;
use crate::kernel::json::{RawValue, Scalar, scalar};
use crate::kernel::schema::{Column, ColumnType};

/// Reads the value given for a column. Empty text is null.
pub(super) fn read(entity: &Entity, column: &Column, given: &RawValue) -> Result<Value, ApiError> {
    let kind = edm_type(column.kind);
    let refuse = |found: &str| {
        let reason = format!(
            "Cannot convert a value to target type '{kind}' because of conflict between input format string/number and \
             parameter 'IEEE754Compatible' false/true: '{}' is given {found}.",
            column.name
        );
        ApiError::payload(&entity.logical_name, &reason)
    };
    let Some(value) = scalar(given) else { return Err(refuse("an object or a list")) };
    match value {
        Scalar::Null => Ok(Value::Null),
        Scalar::Boolean(flag) if column.kind == ColumnType::Boolean => Ok(Value::Boolean(flag)),
        Scalar::Boolean(_) => Err(refuse("a boolean")),
        Scalar::Number(digits) => match column.kind {
            ColumnType::Integer | ColumnType::OptionSet => {
                let number = Decimal::parse(digits).ok().and_then(|number| number.to_integer());
                let number = number.ok_or_else(|| refuse("a number that is not whole"))?;
                check_option(entity, column, number)
            }
            ColumnType::Decimal => {
                let number = Decimal::parse(digits).map_err(|_| refuse("a number with too many digits"))?;
                Ok(Value::Decimal(round(number, column.scale)))
            }
            _ => Err(refuse("a number")),
        },
        Scalar::Text(text) => match column.kind {
            ColumnType::Text | ColumnType::Enum => read_text(entity, column, text.into_owned()),
            ColumnType::Guid | ColumnType::Lookup if is_guid(&text) => {
                Ok(Value::Text(text.to_ascii_lowercase()))
            }
            ColumnType::Timestamp => moment(&text).map(Value::Timestamp).ok_or_else(|| refuse("a text")),
            ColumnType::Date => Date::parse(&text).map(Value::Date).map_err(|_| refuse("a text")),
            _ => Err(refuse("a text")),
        },
    }
}

fn read_text(entity: &Entity, column: &Column, text: String) -> Result<Value, ApiError> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    match column.max_length {
        Some(most) if text.encode_utf16().count() > usize::try_from(most).unwrap_or(usize::MAX) => {
            Err(ApiError::too_long(&column.name, &entity.logical_name, most))
        }
        _ => Ok(Value::Text(text)),
    }
}

fn check_option(entity: &Entity, column: &Column, number: i64) -> Result<Value, ApiError> {
    if column.kind == ColumnType::OptionSet && !column.options.is_empty() && !column.options.contains(&number)
    {
        return Err(ApiError::no_option(&column.name, &entity.logical_name, &column.options));
    }
    Ok(Value::Integer(number))
}

/// A moment, without fractions of a second, which Dataverse does not keep.
fn moment(text: &str) -> Option<Timestamp> {
    let time = Timestamp::parse(text).ok().or_else(|| {
        let day = Date::parse(text).ok()?;
        Some(Timestamp::from_micros(i64::from(day.as_days()).checked_mul(86_400_000_000)?))
    })?;
    let micros = time.as_micros();
    Some(Timestamp::from_micros(micros - micros.rem_euclid(1_000_000)))
}

/// Rounds half away from zero to the digits that the column keeps.
fn round(number: Decimal, scale: Option<u32>) -> Decimal {
    let Some(scale) = scale.and_then(|scale| usize::try_from(scale).ok()) else { return number };
    let text = number.as_str();
    let Some((whole, fraction)) = text.split_once('.') else { return number };
    let Some((kept, cut)) = fraction.split_at_checked(scale) else { return number };
    let up = cut.bytes().next().is_some_and(|digit| digit >= b'5');
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    let mut carry = up;
    for digit in digits.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == b'9';
        *digit = if carry { b'0' } else { *digit + 1 };
    }
    if carry {
        digits.insert(0, b'1');
    }
    let digits = String::from_utf8(digits).unwrap_or_default();
    let point = digits.len().saturating_sub(kept.len());
    let (whole, kept) = digits.split_at_checked(point).unwrap_or((&digits, ""));
    Decimal::parse(&format!("{sign}{whole}.{kept}")).unwrap_or(number)
}

/// The type as the metadata names it.
pub(super) fn edm_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text | ColumnType::Enum => "Edm.String",
        ColumnType::Integer => "Edm.Int64",
        ColumnType::OptionSet => "Edm.Int32",
        ColumnType::Decimal => "Edm.Decimal",
        ColumnType::Boolean => "Edm.Boolean",
        ColumnType::Timestamp => "Edm.DateTimeOffset",
        ColumnType::Date => "Edm.Date",
        ColumnType::Guid | ColumnType::Lookup => "Edm.Guid",
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::Decimal;

    use super::round;

    #[test]
    fn decimals_are_rounded_half_away_from_zero() {
        let check = |text: &str, scale: u32, expect: &str| {
            assert_eq!(round(Decimal::parse(text).unwrap(), Some(scale)).as_str(), expect, "{text}");
        };
        check("1.005", 2, "1.01");
        check("-1.005", 2, "-1.01");
        check("9.995", 2, "10");
        check("0.994", 2, "0.99");
        check("99.5", 0, "100");
        check("12", 2, "12");
        check("1.5", 2, "1.5");
        check("-0.001", 2, "0");
    }
}
