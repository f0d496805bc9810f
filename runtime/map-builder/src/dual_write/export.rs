//! A map file becomes a definition.
//!
//! What dual-write has no words for goes into a member `dualwright` beside its own, of the definition and of single fields,
//! so that an import gets the very same map back. An import believes it only as long as the rest still says the same.

use dualwright_table_map::table::{Scalar, ValueSet};
use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::definition::FieldMapping;
use super::fields;
use super::header;
use super::key;
use super::name::version;
use super::sheet::table_to_json;
use super::{Remark, Sheet};

/// A map as a definition.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The row's name: `[CustomerGroups] - [msdyn_customergroups]`.
    pub name: String,
    /// The row's version, of four numbers.
    pub version: String,
    /// The JSON of `msdyn_mapping`.
    pub mapping: Json,
    /// What dual-write will not do; the heaviest first.
    pub remarks: Vec<Remark>,
}

impl Exported {
    /// The row of `msdyn_dualwriteentitymap`, with the mapping as text as the table holds it.
    pub fn row(&self) -> Json {
        json!({
            "msdyn_name": self.name,
            "msdyn_displayname": self.name,
            "msdyn_version": self.version,
            "msdyn_mapping": self.mapping.to_string(),
        })
    }
}

/// The words of the header that dual-write has: in the definition, or beside it.
const CARRIED: [&str; 7] = ["name", "version", "about", "finops", "dataverse", "key", "filter"];

/// Makes a definition of a map file. Named value sets are found by `find_values`, whose errors are told.
pub fn export(sheet: &Sheet, find_values: &mut dyn FnMut(&str) -> Result<ValueSet, String>) -> Exported {
    let mut remarks = Vec::new();
    for word in sheet.header.keys().filter(|word| !CARRIED.contains(&word.as_str())) {
        let reason = "dual-write has nothing for it: it is kept for Dualwright only";
        remarks.push(Remark::lost(word, reason));
    }
    let (finops, dataverse) = (sheet.text("finops"), sheet.text("dataverse"));
    let filters = header::to_filters(&sheet.header, &mut remarks);
    let mut mappings: Vec<Json> = Vec::new();
    for (of_finops, of_dataverse) in sheet.key() {
        if key::is_company(of_finops, of_dataverse) {
            continue;
        }
        let mapping = FieldMapping {
            direction: "3".to_owned(),
            source: of_finops.to_owned(),
            destination: of_dataverse.to_owned(),
            system_generated: true,
            extra: Some(json!({ "key": true })),
            ..FieldMapping::default()
        };
        mappings.push(to_json(&mapping));
    }
    for line in &sheet.fields {
        let values = values(line, find_values, &mut remarks);
        mappings.push(to_json(&fields::of_line_in_full(line, values.as_deref(), &mut remarks)));
    }
    let name = format!("[{finops}] - [{dataverse}]");
    let mapping = json!({
        "name": name,
        "leftEnvironmentType": "AX",
        "centerEnvironmentType": "CRM",
        "rightEnvironmentType": "UNDEFINED",
        "legs": [{
            "id": "001",
            "sourceEnvironmentType": "AX",
            "sourceSchema": finops,
            "sourceFilter": filters.finops,
            "destinationEnvironmentType": "CRM",
            "destinationSchema": dataverse,
            "reversedSourceFilter": filters.dataverse,
            "fieldMappings": mappings,
        }],
        "dualwright": Json::Object(table_to_json(&sheet.header)),
    });
    remarks.sort_by_key(|remark| remark.weight);
    let version = version(sheet.text("version")).unwrap_or(([1, 0, 0], 0)).0.map(|number| number.to_string());
    Exported { name, version: format!("{}.0", version.join(".")), mapping, remarks }
}

/// The value set of a line as texts.
fn values(
    line: &Table,
    find: &mut dyn FnMut(&str) -> Result<ValueSet, String>,
    remarks: &mut Vec<Remark>,
) -> Option<Vec<(String, String)>> {
    match line.get("values")? {
        Value::String(name) => match find(name) {
            Ok(set) => Some(set.into_iter().map(|(from, to)| (from, scalar(&to))).collect()),
            Err(reason) => {
                remarks.push(Remark::lost(format!("value set {name}"), reason));
                None
            }
        },
        Value::Table(set) => Some(set.iter().map(|(from, to)| (from.clone(), fields::plain(to))).collect()),
        _ => None,
    }
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => text.clone(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(flag) => flag.to_string(),
    }
}

fn to_json(mapping: &FieldMapping) -> Json {
    let mut json = Map::new();
    let mut add = |name: &str, value: Json| json.insert(name.to_owned(), value);
    add("syncDirection", mapping.direction.clone().into());
    add("sourceField", mapping.source.clone().into());
    add("destinationField", mapping.destination.clone().into());
    add("isSystemGenerated", mapping.system_generated.into());
    if !mapping.transforms.is_empty() {
        let transforms = mapping.transforms.iter().map(|transform| {
            if transform.kind == "ValueMap" {
                let values: Map<String, Json> =
                    transform.values.iter().map(|(from, to)| (from.clone(), to.clone().into())).collect();
                json!({ "transformType": "ValueMap", "valueMap": values, "createValuesOnDestination": false })
            } else {
                json!({ "transformType": transform.kind, "defaultValue": transform.default })
            }
        });
        add("valueTransforms", transforms.collect());
    }
    if let Some(extra) = &mapping.extra {
        add("dualwright", extra.clone());
    }
    Json::Object(json)
}
