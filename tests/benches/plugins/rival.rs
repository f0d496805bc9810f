//! The same rows as JSON, through the same engine.

use dualwright_model::{ColumnPath, Date, Decimal, Leg, Operation, Record, Timestamp, Value};
use dualwright_plugin_host::{GuestChange, Outcome, Plugin, TransformResult};

use serde_json::Value as Tree;

use crate::json::{Columns, Plain, Writer, read};

/// By columns, without anything in between.
pub(crate) async fn streamed(guest: &Plugin, batch: &[GuestChange]) -> Vec<TransformResult> {
    let mut question = Writer::default();
    for change in batch {
        let cells = change.record.iter();
        question.row(cells.filter_map(|(column, value)| Some((column.as_str(), plain(value)?))));
    }
    let text = ask(guest, false, question.finish()).await;
    let writes = &guest.description().legs[0].writes;
    let names: Vec<&str> = writes.iter().map(|column| column.as_str()).collect();
    let mut rows = vec![Vec::with_capacity(names.len()); batch.len()];
    let heard = read(&text, &Columns::new(&names), |row, column, plain| {
        rows[row].push((writes[column].clone(), value(plain)));
    });
    heard.unwrap();
    rows.into_iter().map(|cells| Ok(Outcome::Upsert(cells.into_iter().collect::<Record>()))).collect()
}

/// Through `serde_json::Value`.
pub(crate) async fn trees(guest: &Plugin, batch: &[GuestChange]) -> Vec<TransformResult> {
    let rows: Vec<Tree> =
        batch.iter().map(|change| Tree::Object(change.record.iter().map(branch).collect())).collect();
    let text = ask(guest, true, serde_json::to_string(&rows).unwrap()).await;
    let rows: Vec<serde_json::Map<String, Tree>> = serde_json::from_str(&text).unwrap();
    let row = |cells: serde_json::Map<String, Tree>| {
        let cells = cells.into_iter().map(|(name, tree)| (name.as_str().into(), grown(&name, tree)));
        Ok(Outcome::Upsert(cells.collect::<Record>()))
    };
    rows.into_iter().map(row).collect()
}

async fn ask(guest: &Plugin, trees: bool, question: String) -> String {
    let leg = &guest.description().legs[1];
    let mut record = Record::new();
    record.set(leg.reads[0].clone(), Value::Text(question));
    let asked = [GuestChange { operation: Operation::Upsert, record }];
    let mut answer = guest.transform(Leg::ToFinops, trees, &asked).await;
    match answer.pop() {
        Some(Ok(Outcome::Upsert(record))) => match record.get(leg.writes[0].as_str()) {
            Value::Text(text) => text.clone(),
            other => panic!("{}", other.kind()),
        },
        other => panic!("{other:?}"),
    }
}

fn branch((column, value): (&ColumnPath, &Value)) -> (String, Tree) {
    let tree = match value {
        Value::Absent | Value::Null => Tree::Null,
        Value::Text(text) => Tree::from(text.as_str()),
        Value::Integer(number) => Tree::from(*number),
        Value::Decimal(number) => Tree::from(number.as_str()),
        Value::Boolean(flag) => Tree::from(*flag),
        Value::Timestamp(time) => Tree::from(time.as_micros()),
        Value::Date(date) => Tree::from(date.as_days()),
    };
    (column.to_string(), tree)
}

fn grown(name: &str, tree: Tree) -> Value {
    match (name.as_bytes()[0], tree) {
        (_, Tree::Null) => Value::Null,
        (_, Tree::Bool(flag)) => Value::Boolean(flag),
        (b'e', Tree::String(text)) => Value::Decimal(Decimal::try_from(text).unwrap()),
        (_, Tree::String(text)) => Value::Text(text),
        (b'm', Tree::Number(number)) => Value::Timestamp(Timestamp::from_micros(number.as_i64().unwrap())),
        (b'd', Tree::Number(number)) => {
            Value::Date(Date::from_days(number.as_i64().unwrap().try_into().unwrap()))
        }
        (_, Tree::Number(number)) => Value::Integer(number.as_i64().unwrap()),
        (_, other) => panic!("{other}"),
    }
}

fn plain(value: &Value) -> Option<Plain<'_>> {
    Some(match value {
        Value::Absent => return None,
        Value::Null => Plain::Null,
        Value::Text(text) => Plain::Text(text.into()),
        Value::Integer(number) => Plain::Integer(*number),
        Value::Decimal(number) => Plain::Decimal(number.as_str().into()),
        Value::Boolean(flag) => Plain::Boolean(*flag),
        Value::Timestamp(time) => Plain::Timestamp(time.as_micros()),
        Value::Date(date) => Plain::Date(date.as_days()),
    })
}

fn value(plain: Plain<'_>) -> Value {
    match plain {
        Plain::Null => Value::Null,
        Plain::Text(text) => Value::Text(text.into_owned()),
        Plain::Integer(number) => Value::Integer(number),
        Plain::Decimal(text) => Value::Decimal(Decimal::try_from(text.into_owned()).unwrap()),
        Plain::Boolean(flag) => Value::Boolean(flag),
        Plain::Timestamp(microseconds) => Value::Timestamp(Timestamp::from_micros(microseconds)),
        Plain::Date(days) => Value::Date(Date::from_days(days)),
    }
}
