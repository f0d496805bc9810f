//! A map's filter in the words of F&O: columns spelled as the table spells them, enum members with their type, dates as
//! moments, and `in`, which F&O does not know, as a chain of `or`.

use dualwright_model::{ColumnSchema, ColumnType, Value};
use dualwright_odata::filter::Operator;
use dualwright_odata::{Filter, Literal};

use super::environment::Environment;
use super::schema::Table;
use super::value;
use crate::ConnectError;

impl Environment {
    /// Reads and rewrites a filter.
    ///
    /// # Errors
    /// [`ConnectError::Unknown`] when it is not one, or names a column that the table does not have.
    pub(super) fn filter(&self, table: &Table, text: &str) -> Result<Filter, ConnectError> {
        let filter = Filter::parse(text).map_err(|error| self.unknown(format!("this filter: {error}")))?;
        for column in filter.columns() {
            table
                .schema
                .column(column)
                .ok_or_else(|| self.unknown(format!("the column {column} of {}", table.name())))?;
        }
        Ok(rewritten(table, filter))
    }
}

fn rewritten(table: &Table, filter: Filter) -> Filter {
    let mut filter = without_in(filter);
    filter.map_paths(&|path| match table.schema.column(path) {
        Some(column) => column.name.clone(),
        None => path.to_owned(),
    });
    filter.map_literals(&|path, literal| match table.schema.column(path) {
        Some(column) => in_its_type(column, literal),
        None => literal,
    });
    filter
}

fn without_in(filter: Filter) -> Filter {
    let each = |filters: Vec<Filter>| filters.into_iter().map(without_in).collect();
    match filter {
        Filter::And(filters) => Filter::And(each(filters)),
        Filter::Or(filters) => Filter::Or(each(filters)),
        Filter::Not(filter) => Filter::Not(Box::new(without_in(*filter))),
        Filter::In { path, list } => {
            let equals = list.into_iter().map(|literal| Filter::Compare {
                path: path.clone(),
                operator: Operator::Equal,
                literal,
            });
            Filter::any(equals.collect::<Vec<_>>()).unwrap_or(Filter::Or(Vec::new()))
        }
        leaf => leaf,
    }
}

fn in_its_type(column: &ColumnSchema, literal: Literal) -> Literal {
    match (&column.column_type, &literal) {
        (ColumnType::Enum { .. }, Literal::Enum { .. }) => literal,
        (ColumnType::Enum { .. }, Literal::Boolean(flag)) => {
            value::literal(&Value::text(if *flag { "Yes" } else { "No" }), column)
        }
        // The number of a member; only in yes/no does everybody know which is which.
        (ColumnType::Enum { members, .. }, Literal::Integer(number)) => {
            let yes_no = members.iter().map(String::as_str).eq(["No", "Yes"]);
            match number {
                0 if yes_no => value::literal(&Value::text("No"), column),
                1 if yes_no => value::literal(&Value::text("Yes"), column),
                _ => literal,
            }
        }
        (ColumnType::Text { .. }, Literal::Guid(text)) => Literal::Text(text.clone()),
        _ => value::literal(&literal.to_value(), column),
    }
}

#[cfg(test)]
mod tests {
    use dualwright_odata::Filter;

    use super::rewritten;
    use crate::finops::tests::customers;

    fn check(text: &str, expect: &str) {
        let filter = rewritten(&customers(), Filter::parse(text).unwrap());
        assert_eq!(filter.to_string(), expect);
    }

    #[test]
    fn a_maps_filter_becomes_the_systems() {
        let yes_no = "Microsoft.Dynamics.DataEntities.NoYes";
        check(
            "partytype eq 'organization'",
            "PartyType eq Microsoft.Dynamics.DataEntities.DirPartyBaseType'Organization'",
        );
        check("isonetimecustomer eq true", &format!("IsOneTimeCustomer eq {yes_no}'Yes'"));
        check("IsOneTimeCustomer eq 0", &format!("IsOneTimeCustomer eq {yes_no}'No'"));
        check("CustomerAccount in ('a','b')", "CustomerAccount eq 'a' or CustomerAccount eq 'b'");
        check("CustomerAccount in ('a')", "CustomerAccount eq 'a'");
        check("CustomerAccount ne null and CreditLimit gt 5", "CustomerAccount ne '' and CreditLimit gt 5");
        check("CustomerSince ge 2026-01-02", "CustomerSince ge 2026-01-02T12:00:00Z");
        check("not (CustomerSince eq null)", "not (CustomerSince eq 1900-01-01T12:00:00Z)");
    }
}
