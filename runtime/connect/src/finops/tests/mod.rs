//! The connector against recorded exchanges over real HTTP.

mod describing;
mod reading;
mod server;
mod writing;

use std::collections::BTreeMap;

use dualwright_model::{
    AlternateKey, ColumnPath, ColumnSchema, ColumnType, Record, TableSchema, Value, Version,
};
use serde_json::{Value as Json, json};

use super::schema::Table;
use crate::Selection;

/// `'0,5637144576;'`, as F&O prints it.
const ETAG: &str = "W/\"JzAsNTYzNzE0NDU3Njsn\"";

/// The table that the recorded definitions tell.
pub(super) fn customers() -> Table {
    let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let columns = [
        ("dataAreaId", ColumnType::Text { max_length: None }),
        ("CustomerAccount", ColumnType::Text { max_length: None }),
        ("CreditLimit", ColumnType::Decimal { scale: None }),
        (
            "PartyType",
            ColumnType::Enum {
                name: "DirPartyBaseType".into(),
                members: members(&["Person", "Organization"]),
            },
        ),
        ("IsOneTimeCustomer", ColumnType::Enum { name: "NoYes".into(), members: members(&["No", "Yes"]) }),
        ("CustomerSince", ColumnType::Date),
    ];
    let column = |(name, column_type): (&str, ColumnType)| ColumnSchema {
        name: name.to_owned(),
        column_type,
        nullable: false,
        required: name == "CustomerAccount",
        creatable: true,
        updatable: name != "dataAreaId",
        lookup: None,
    };
    let columns: Vec<ColumnSchema> = columns.into_iter().map(column).collect();
    let key = columns[..2].to_vec();
    let names = key.iter().map(|column| column.name.clone()).collect();
    let columns: BTreeMap<String, ColumnSchema> =
        columns.into_iter().map(|column| (column.name.to_lowercase(), column)).collect();
    let schema = TableSchema {
        name: "CustomersV3".into(),
        logical_name: "CustCustomerV3Entity".into(),
        primary_id: None,
        columns,
        keys: vec![AlternateKey { name: String::new(), columns: names, active: true }],
        tracks_changes: true,
    };
    Table { schema, key }
}

fn selection() -> Selection {
    let paths = |names: &[&str]| names.iter().map(|name| ColumnPath::from(*name)).collect();
    Selection {
        table: "CustomersV3".into(),
        columns: paths(&["creditlimit", "PartyType", "CustomerSince"]),
        key: paths(&["dataAreaId", "CUSTOMERACCOUNT"]),
        filter: None,
    }
}

fn key(account: &str) -> Vec<Value> {
    vec![Value::text("usmf"), Value::text(account)]
}

fn row(account: &str, limit: &str) -> Json {
    let limit: Json = serde_json::from_str(limit).unwrap();
    json!({ "@odata.etag": ETAG, "dataAreaId": "usmf", "CustomerAccount": account, "CreditLimit": limit,
        "PartyType": "Organization", "CustomerSince": "1900-01-01T12:00:00Z" })
}

fn cells(cells: &[(&str, Value)]) -> Record {
    cells.iter().map(|(name, value)| (ColumnPath::from(*name), value.clone())).collect()
}

fn etag() -> Version {
    Version(ETAG.into())
}

/// A refusal as F&O words it.
fn refused(infolog: &str) -> Json {
    let message = format!("Write failed for table row of type 'CustCustomerV3Entity'. Infolog: {infolog}");
    json!({ "error": { "code": "", "message": "An error has occurred.", "innererror": { "message": message,
        "type": "Microsoft.Dynamics.Platform.Integration.Services.OData.ODataException", "stacktrace": "" } } })
}
