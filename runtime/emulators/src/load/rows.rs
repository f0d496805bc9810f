//! From lines of text to rows of JSON.

use std::path::Path;

use serde_json::{Map, Value};

use super::client::{Field, FieldKind, Table};
use super::{Columns, LoadError, Refused};

/// One row, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Its line in the file.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: Map<String, Value>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    /// The rows to be sent.
    pub(super) rows: Vec<Row>,
    /// The rows with a cell that its field cannot hold.
    pub(super) refused: Vec<Refused>,
}

pub(super) fn read(file: &Path, table: &Table, columns: &Columns) -> Result<Rows, LoadError> {
    let unreadable =
        |error: csv::Error| LoadError::File { file: file.to_path_buf(), reason: error.to_string() };
    let mut reader = csv::Reader::from_path(file).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let fields = fields(table, &header, columns)?;
    let constants = constants(table, columns)?;
    let mut read = Rows { rows: Vec::new(), refused: Vec::new() };
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        match row(&fields, &constants, &record) {
            Ok(cells) => read.rows.push(Row { line, cells }),
            Err(reason) => read.refused.push(Refused { line, reason }),
        }
    }
    Ok(read)
}

fn row(
    fields: &[Option<&Field>],
    constants: &Map<String, Value>,
    record: &csv::StringRecord,
) -> Result<Map<String, Value>, String> {
    let mut cells = constants.clone();
    for (field, text) in fields.iter().zip(record) {
        let Some(field) = field else { continue };
        if let Some(value) = cell(field, text)? {
            cells.insert(field.name.clone(), value);
        }
    }
    Ok(cells)
}

/// The field of each column; `None` for those that are left out.
fn fields<'a>(
    table: &'a Table,
    header: &csv::StringRecord,
    columns: &Columns,
) -> Result<Vec<Option<&'a Field>>, LoadError> {
    let mut unknown = Vec::new();
    let mut fields = Vec::new();
    // Which field is given by what.
    let mut given: Vec<(&Field, String)> = Vec::new();
    for (name, _) in &columns.constants {
        given.extend(table.field(name).map(|field| (field, "a value for every row".to_owned())));
    }
    for name in header.iter().map(plain) {
        let renamed = columns.renames.iter().find(|(from, _)| from.eq_ignore_ascii_case(name));
        let wanted = renamed.map_or(name, |(_, to)| to.as_str());
        // Only a rename to nothing leaves a column out; a column without a name is no field.
        let left_out = wanted.is_empty() && renamed.is_some();
        let field = if left_out { None } else { table.field(wanted) };
        match field {
            Some(field) => given.push((field, format!("column {name}"))),
            None if left_out => {}
            None if wanted.is_empty() => {
                unknown.push(format!("for column {}, which has no name", fields.len() + 1))
            }
            None => unknown.push(wanted.to_owned()),
        }
        fields.push(field);
    }
    for (index, (from, _)) in columns.renames.iter().enumerate() {
        let mut others = columns.renames.iter().take(index);
        if !header.iter().any(|name| plain(name).eq_ignore_ascii_case(from)) {
            unknown.push(format!("{from} (renamed, but not in the file)"));
        } else if others.any(|(other, _)| other.eq_ignore_ascii_case(from)) {
            unknown.push(format!("{from} (renamed twice)"));
        }
    }
    if !unknown.is_empty() {
        return Err(LoadError::UnknownColumns { table: table.name.clone(), columns: unknown.join(", ") });
    }
    for (field, _) in &given {
        let same: Vec<&str> =
            given.iter().filter(|(other, _)| other.name == field.name).map(|(_, by)| by.as_str()).collect();
        if same.len() > 1 {
            let sources = same.join(" and ");
            return Err(LoadError::FieldTwice {
                table: table.name.clone(),
                field: field.name.clone(),
                sources,
            });
        }
    }
    Ok(fields)
}

/// A header without the mark that some programs begin a file with.
fn plain(name: &str) -> &str {
    name.trim_start_matches('\u{feff}').trim()
}

fn constants(table: &Table, columns: &Columns) -> Result<Map<String, Value>, LoadError> {
    let mut cells = Map::new();
    for (name, text) in &columns.constants {
        let field = table
            .field(name)
            .ok_or_else(|| LoadError::UnknownColumns { table: table.name.clone(), columns: name.clone() })?;
        let value = cell(field, text).map_err(|reason| LoadError::Constant { reason })?;
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
        FieldKind::Moment { day_time } => Value::String(moment(text.trim(), day_time)),
    };
    Ok(Some(value))
}

/// A moment as the services spell it: a day alone gets its time, a moment without a zone is universal time. The service
/// judges everything else.
fn moment(text: &str, day_time: &str) -> String {
    if text.parse::<jiff::civil::Date>().is_ok() && text.len() == "2026-11-23".len() {
        return format!("{text}{day_time}");
    }
    let zoned = text.ends_with(['Z', 'z']) || text.get(10..).is_some_and(|time| time.contains(['+', '-']));
    if !zoned && text.parse::<jiff::civil::DateTime>().is_ok() {
        return format!("{}Z", text.replacen(' ', "T", 1));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::client::{Field, FieldKind, Table};
    use super::{Columns, moment, read};

    fn table() -> Table {
        let field = |name: &str, kind| Field { name: name.into(), kind };
        Table {
            name: "Things".into(),
            fields: vec![
                field("Name", FieldKind::Text),
                field("Price", FieldKind::Number),
                field("Gone", FieldKind::Boolean),
                field("Since", FieldKind::Moment { day_time: "T12:00:00Z" }),
            ],
        }
    }

    fn load(text: &str, renames: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("things.csv");
        std::fs::write(&file, text).unwrap();
        let renames = renames.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        let columns = Columns { renames, constants: vec![("gone".into(), "no".into())] };
        let read = read(&file, &table(), &columns).map_err(|error| error.to_string())?;
        let mut told: Vec<String> =
            read.rows.iter().map(|row| serde_json::to_string(&row.cells).unwrap()).collect();
        told.extend(read.refused.iter().map(|refused| format!("line {}: {}", refused.line, refused.reason)));
        Ok(told.join(" "))
    }

    #[test]
    fn cells_keep_what_was_written() {
        let rows = load("\u{feff}name,PRICE\n\"Ünï, \"\"x\"\"\",0.10\nempty,\n", &[]).unwrap();
        assert_eq!(rows, r#"{"Gone":false,"Name":"Ünï, \"x\"","Price":0.10} {"Gone":false,"Name":"empty"}"#);
    }

    #[test]
    fn a_cell_that_does_not_fit_costs_its_own_row() {
        let rows = load("name,price\na,free\n\"b\nb\",1\nc,NaN\n", &[]).unwrap();
        let refused = "line 2: Price holds a number, and this is `free` line 5: Price holds a number, and this is `NaN`";
        assert_eq!(rows, format!(r#"{{"Gone":false,"Name":"b\nb","Price":1}} {refused}"#));
    }

    #[test]
    fn nothing_is_passed_over_in_silence() {
        let error = |text: &str, renames: &[(&str, &str)]| load(text, renames).unwrap_err();
        assert!(error("name,colour\na,red\n", &[]).contains("has no field colour"));
        assert!(load("name,colour\na,red\n", &[("colour", "")]).is_ok());
        assert!(load("title\na\n", &[("title", "Name")]).is_ok());
        assert!(error("name\na\n", &[("title", "Name")]).contains("not in the file"));
        assert!(error("title\na\n", &[("title", "Name"), ("Title", "")]).contains("renamed twice"));
        assert!(error("name,title\na,b\n", &[("title", "Name")]).contains("by column name and column title"));
        assert!(error("name,gone\na,yes\n", &[]).contains("by a value for every row and column gone"));
        assert!(error("name,\na,b\n", &[]).contains("column 2, which has no name"));
        assert!(load("name,\na,b\n", &[("", "")]).is_ok());
        assert!(error("name,price\nonly one\n", &[]).contains("things.csv"));
    }

    #[test]
    fn a_day_becomes_a_moment() {
        for (given, expect) in [
            ("2026-11-23", "2026-11-23T12:00:00Z"),
            ("1996-07-04 00:00:00.000", "1996-07-04T00:00:00.000Z"),
            ("1996-07-04T01:02:03", "1996-07-04T01:02:03Z"),
            ("1996-07-04T01:02:03Z", "1996-07-04T01:02:03Z"),
            ("1996-07-04T01:02:03+02:00", "1996-07-04T01:02:03+02:00"),
            ("1996-07-04T01:02:03-02:00", "1996-07-04T01:02:03-02:00"),
            ("4 July", "4 July"),
        ] {
            assert_eq!(moment(given, "T12:00:00Z"), expect);
        }
    }
}
