//! What a dead letter keeps of what was to be written.

use dualwright_model::{Record, Value};

/// The longest text of a cell that is kept, in bytes.
const TEXT_BYTES: usize = 4096;

/// The record as a person may look at it: what a map wrote may be as long as an answer may be, and nobody reads
/// megabytes. A retry asks the map again, so nothing is lost.
pub(crate) fn shown(intended: Record) -> Record {
    let long = |value: &Value| matches!(value, Value::Text(text) if text.len() > TEXT_BYTES);
    if !intended.iter().any(|(_, value)| long(value)) {
        return intended;
    }
    intended.iter().map(|(column, value)| (column.clone(), cut(value))).collect()
}

fn cut(value: &Value) -> Value {
    match value {
        Value::Text(text) if text.len() > TEXT_BYTES => {
            let kept = text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or_default();
            Value::Text(format!("{kept}… ({} bytes in all)", text.len()))
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::{Record, Value};

    use super::shown;

    #[test]
    fn long_texts_are_cut_and_everything_else_is_kept() {
        let mut record = Record::new();
        record.set("long", Value::text("é".repeat(3000)));
        record.set("short", Value::text("é"));
        record.set("number", Value::Integer(7));
        let kept = shown(record.clone());
        let Value::Text(long) = kept.get("long") else { panic!("{kept:?}") };
        assert!(long.ends_with("é… (6000 bytes in all)") && long.len() < 4200, "{}", long.len());
        assert_eq!((kept.get("short"), kept.get("number")), (record.get("short"), record.get("number")));
    }
}
