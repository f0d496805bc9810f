//! Value transforms: what they say, put together.

use super::Remark;
use super::definition::Transform;

/// What all transforms of one field come to.
#[derive(Default)]
pub(super) struct Transforms {
    /// Source values and what they become.
    pub(super) values: Option<Vec<(String, String)>>,
    /// Given where there is no value.
    pub(super) default: Option<String>,
    /// Whether something makes the field unusable without it.
    pub(super) unusable: bool,
}

/// Puts transforms together; says what has no place.
pub(super) fn understood(transforms: &[Transform], subject: &str, remarks: &mut Vec<Remark>) -> Transforms {
    let mut all = Transforms::default();
    for transform in transforms {
        if transform.creates_values {
            let reason = "values that the target lacks are not created here: a record with one is refused";
            remarks.push(Remark::lost(subject, reason).next("add the values to the target's choice"));
        }
        for unknown in &transform.unknown {
            let reason = format!("nobody knows what {unknown} means in a value transform");
            remarks.push(Remark::lost(subject, reason));
        }
        let default = transform.default.clone().filter(|text| !text.is_empty());
        match transform.kind.to_ascii_lowercase().as_str() {
            "valuemap" => {
                if default.is_some() {
                    let reason = "the default of a value map is given for empty cells only: other values outside of \
                                  the map are refused";
                    remarks.push(Remark::unsure(subject, reason));
                    all.default = default;
                }
                if all.values.is_some() {
                    remarks.push(Remark::lost(subject, "a second value map: only the first is used"));
                } else {
                    all.values = Some(transform.values.clone());
                }
            }
            // A default may be the empty text, which is a value of its own.
            "default" | "defaultvalue" | "fixedvalue" => all.default = transform.default.clone(),
            "truncate" => {
                remarks.push(Remark::lost(subject, "text that is too long is refused here, never cut"))
            }
            other => {
                let kind = if other.is_empty() { "without a type" } else { transform.kind.as_str() };
                let reason =
                    format!("the value transform {kind} is not known, so the field would hold wrong values");
                remarks
                    .push(Remark::lost(subject, reason).next("write the field by hand, or as an extension"));
                all.unusable = true;
            }
        }
    }
    all
}
