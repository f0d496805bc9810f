//! Whether what a validator or extension says of itself can be used.

use super::{COLUMNS, bounded, column, kebab_case, text, version};
use crate::LayerDescription;
use crate::grants::same;

/// Checks a description by itself; whether it fits a map is checked when it is stacked.
///
/// # Errors
/// A sentence for its author.
pub(crate) fn check(said: &LayerDescription) -> Result<(), String> {
    for (what, name) in [("name", &said.name), ("map", &said.map)] {
        kebab_case(name.as_str()).then_some(()).ok_or_else(|| {
            let shown = name.as_str().chars().take(64).collect::<String>();
            format!("the {what} `{}` is not in kebab case (`customers-accounts`)", shown.escape_debug())
        })?;
    }
    version(&said.version).then_some(()).ok_or("the version is not `major.minor.patch`")?;
    text("about", &said.about)?;
    for (what, columns) in [("reads", said.reads.as_slice()), ("owns", said.owns())] {
        bounded(what, columns.len(), COLUMNS)?;
        for (place, path) in columns.iter().enumerate() {
            column(what, path)?;
            if columns.iter().take(place).any(|earlier| same(earlier, path)) {
                return Err(format!("{what} names {path} twice"));
            }
        }
    }
    match said.word() {
        "extension" if said.owns().is_empty() => {
            Err("it owns no column, so nothing it answers could be written".to_owned())
        }
        "validator" if said.reads.is_empty() => {
            Err("it reads no column, so it has nothing to judge".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use dualwright_model::Leg;

    use super::check;
    use crate::{LayerDescription, LayerRole, Stage};

    fn extension() -> LayerDescription {
        LayerDescription {
            name: "customer-loyalty".into(),
            version: "1.0.0".into(),
            about: "Loyalty tiers.".into(),
            map: "customers-accounts".into(),
            leg: Leg::ToDataverse,
            reads: vec!["SalesMemo".into()],
            role: LayerRole::Extension { owns: vec!["new_tier".into()] },
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        assert_eq!(check(&extension()), Ok(()));
        let refused = |change: &dyn Fn(&mut LayerDescription)| {
            let mut said = extension();
            change(&mut said);
            check(&said).unwrap_err()
        };
        assert!(refused(&|said| said.name = "Not Kebab".into()).contains("kebab"));
        assert!(refused(&|said| said.map = "".into()).contains("map"));
        assert!(refused(&|said| said.version = "1".into()).contains("version"));
        assert!(refused(&|said| said.reads.push("SALESMEMO".into())).contains("twice"));
        assert!(
            refused(&|said| said.role = LayerRole::Extension { owns: vec![] }).contains("owns no column")
        );
        let judge = LayerRole::Validator { stage: Stage::Mapped };
        assert!(
            refused(&|said| {
                said.reads.clear();
                said.role = judge.clone();
            })
            .contains("reads no column")
        );
    }
}
