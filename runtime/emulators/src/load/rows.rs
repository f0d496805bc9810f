//! From lines of text to rows of JSON.

use std::path::Path;

use serde_json::{Map, Value};

use super::client::{Field, FieldKind, Table};
use super::{Columns, LoadError};

/// One row, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Its line in the file.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: Map<String, Value>,
}

pub(super) fn read(file: &Path, table: &Table, columns: &Columns) -> Result<Vec<Row>, LoadError> {
    let unreadable = |reason: String| LoadError::File { file: file.to_path_buf(), reason };
    let mut reader = csv::Reader::from_path(file).map_err(|error| unreadable(error.to_string()))?;
    let header = reader.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let fields = fields(table, &header, columns)?;
    let constants = constants(table, columns)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut cells = constants.clone();
        for (field, text) in fields.iter().zip(record.iter()) {
            if let Some(field) = field
                && let Some(value) =
                    cell(field, text).map_err(|reason| unreadable(format!("line {line}: {reason}")))?
            {
                cells.insert(field.name.clone(), value);
            }
        }
        rows.push(Row { line, cells });
    }
    Ok(rows)
}

fn fields<'a>(
    table: &'a Table,
    header: &csv::StringRecord,
    columns: &Columns,
) -> Result<Vec<Option<&'a Field>>, LoadError> {
    let mut unknown = Vec::new();
    let mut fields = Vec::new();
    for name in header {
        let name = name.trim_start_matches('\u{feff}').trim();
        let renamed = columns.renames.iter().find(|(from, _)| from.eq_ignore_ascii_case(name));
        let wanted = renamed.map_or(name, |(_, to)| to.as_str());
        let field = table.field(wanted);
        if field.is_none() && !wanted.is_empty() {
            unknown.push(wanted.to_owned());
        }
        fields.push(field);
    }
    let missing = columns.renames.iter().filter(|(from, _)| {
        !header.iter().any(|name| name.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(from))
    });
    unknown.extend(missing.map(|(from, _)| format!("{from} (renamed, but not in the file)")));
    if unknown.is_empty() {
        return Ok(fields);
    }
    Err(LoadError::UnknownColumns { table: table.name.clone(), columns: unknown.join(", ") })
}

fn constants(table: &Table, columns: &Columns) -> Result<Map<String, Value>, LoadError> {
    let mut cells = Map::new();
    for (name, text) in &columns.constants {
        let field = table
            .field(name)
            .ok_or_else(|| LoadError::UnknownColumns { table: table.name.clone(), columns: name.clone() })?;
        let value = cell(field, text)
            .map_err(|reason| LoadError::Service { url: format!("--set {name}"), reason })?;
        cells.extend(value.map(|value| (field.name.clone(), value)));
    }
    Ok(cells)
}

/// One cell; an empty one says nothing, so that the system puts what it puts when nobody says anything.
fn cell(field: &Field, text: &str) -> Result<Option<Value>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |expected: &str| format!("{} holds {expected}, and this is `{text}`", field.name);
    let value = match field.kind {
        FieldKind::Text => Value::String(text.to_owned()),
        // As written: an amount never passes a float (I10).
        FieldKind::Number => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => return Err(wrong("a number")),
        },
        FieldKind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => return Err(wrong("true or false")),
        },
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::super::client::{Field, FieldKind, Table};
    use super::{Columns, read};

    fn table() -> Table {
        let field = |name: &str, kind| Field { name: name.into(), kind };
        Table {
            name: "Things".into(),
            fields: vec![
                field("Name", FieldKind::Text),
                field("Price", FieldKind::Number),
                field("Gone", FieldKind::Boolean),
            ],
        }
    }

    fn load(text: &str, renames: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("things.csv");
        std::fs::write(&file, text).unwrap();
        let renames = renames.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let columns = Columns { renames, constants: vec![("gone".into(), "no".into())] };
        match read(&file, &table(), &columns) {
            Ok(rows) => Ok(rows.iter().map(|row| serde_json::to_string(&row.cells).unwrap()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn cells_keep_what_was_written() {
        let rows = load("\u{feff}name,PRICE\n\"Ünï, \"\"x\"\"\",0.10\nempty,\n", &[]).unwrap();
        assert_eq!(rows, r#"{"Gone":false,"Name":"Ünï, \"x\"","Price":0.10}{"Gone":false,"Name":"empty"}"#);
    }

    #[test]
    fn nothing_is_passed_over_in_silence() {
        assert!(load("name,colour\na,red\n", &[]).unwrap_err().contains("has no field colour"));
        assert!(load("name,colour\na,red\n", &[("colour", "")]).is_ok());
        assert!(load("title\na\n", &[("title", "Name")]).is_ok());
        assert!(load("name\na\n", &[("title", "Name")]).unwrap_err().contains("not in the file"));
        assert!(load("price\nfree\n", &[]).unwrap_err().contains("line 2"));
        assert!(load("name,price\nonly one\n", &[]).unwrap_err().contains("things.csv"));
    }
}
