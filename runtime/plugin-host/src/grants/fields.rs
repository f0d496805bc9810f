//! Which columns a plugin may see.

use std::collections::BTreeSet;

use dualwright_model::ColumnPath;

/// Which of the columns that a plugin asks for ever enter its sandbox; the cells of the others are absent there, as if
/// the source had not said. By default all that it declares and none besides: what a component reads is asked for by
/// name, and shown to the operator before it is activated.
///
/// Names compare without regard to case, as both systems compare them, and mean both sides of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldGrant {
    /// Nothing but these; `None` stands for whatever it declares.
    pub only: Option<BTreeSet<ColumnPath>>,
    /// And of those, not these.
    pub withhold: BTreeSet<ColumnPath>,
}

impl FieldGrant {
    /// Whether this column may enter the sandbox, when the plugin asks for it.
    pub fn allows(&self, column: &ColumnPath) -> bool {
        let among = |columns: &BTreeSet<ColumnPath>| columns.iter().any(|one| same(one, column));
        self.only.as_ref().is_none_or(among) && !among(&self.withhold)
    }

    /// Columns that the operator names and the plugin does not ask for: mostly a slip of the pen, which for a withheld
    /// column means that another one is not withheld.
    pub fn unknown<'a>(&'a self, declared: &'a [ColumnPath]) -> impl Iterator<Item = &'a ColumnPath> {
        let named = self.only.iter().flatten().chain(&self.withhold);
        named.filter(|column| !declared.iter().any(|one| same(one, column)))
    }
}

/// Whether two names mean one column.
pub(crate) fn same(one: &ColumnPath, other: &ColumnPath) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

#[cfg(test)]
mod tests {
    use dualwright_model::ColumnPath;

    use super::FieldGrant;

    #[test]
    fn declared_columns_are_granted_unless_they_are_withheld() {
        let all = FieldGrant::default();
        assert!(all.allows(&"CreditLimit".into()));
        let without = FieldGrant { withhold: ["creditlimit".into()].into(), ..FieldGrant::default() };
        assert!(!without.allows(&"CreditLimit".into()) && without.allows(&"Name".into()));
        let few = FieldGrant { only: Some(["Name".into(), "Memo".into()].into()), ..without };
        assert!(
            few.allows(&"name".into()) && !few.allows(&"City".into()) && !few.allows(&"CreditLimit".into())
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_found() {
        let grant =
            FieldGrant { withhold: ["CreditLimt".into(), "NAME".into()].into(), ..FieldGrant::default() };
        let declared = [ColumnPath::from("CreditLimit"), ColumnPath::from("Name")];
        assert_eq!(grant.unknown(&declared).collect::<Vec<_>>(), [&ColumnPath::from("CreditLimt")]);
    }
}
