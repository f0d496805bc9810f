//! Field mappings and field lines.

use dualwright_model::System;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::Remark;
use super::columns::{Columns, is_column};
use super::definition::{FieldMapping, Transform};
use super::sheet::{table_from_json, table_to_json};
use super::transforms::understood;

/// Which way a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToDataverse,
    ToFinops,
    Both,
}

impl Way {
    /// Reads a `syncDirection`: a number, or one of the words that tools write.
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "1" | "foonly" | "forward" | "todataverse" | "sourcetodestination" | "unidirectional" => {
                Self::ToDataverse
            }
            "2" | "ceonly" | "reverse" | "backward" | "tofinops" | "destinationtosource" => Self::ToFinops,
            "3" | "both" | "bidirectional" | "twoway" => Self::Both,
            _ => return None,
        })
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::ToDataverse => "1",
            Self::ToFinops => "2",
            Self::Both => "3",
        }
    }

    /// The word of the map language; none for both.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::ToDataverse => Some("to-dataverse"),
            Self::ToFinops => Some("to-finops"),
            Self::Both => None,
        }
    }

    /// Seen from the other side.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::ToDataverse => Self::ToFinops,
            Self::ToFinops => Self::ToDataverse,
            Self::Both => Self::Both,
        }
    }
}

/// A field in words: `ONHOLD → msdyn_onhold`.
pub(super) fn subject(mapping: &FieldMapping) -> String {
    let arrow = match Way::read(&mapping.direction) {
        Some(Way::ToDataverse) => "→",
        Some(Way::ToFinops) => "←",
        Some(Way::Both) => "↔",
        None => "?",
    };
    match (mapping.source.as_str(), mapping.destination.as_str()) {
        ("", "") => "a field without columns".to_owned(),
        ("", destination) => destination.to_owned(),
        (source, "") => source.to_owned(),
        (source, destination) => format!("{source} {arrow} {destination}"),
    }
}

/// The field lines of a mapping whose source is F&O.
pub(super) fn lines(mapping: &FieldMapping, columns: Columns<'_>, remarks: &mut Vec<Remark>) -> Vec<Table> {
    if let Some(extra) = mapping.extra.as_ref().and_then(table_from_json) {
        // Values that stand in a file of their own are in the plain part, so they are compared there.
        let values = plain_values(mapping);
        if same(&of_line(&extra, values.as_deref()), mapping) {
            return vec![extra];
        }
        let reason = "it was changed since it was exported: what only Dualwright understood of it is gone";
        remarks.push(Remark::lost(subject(mapping), reason));
    }
    plain_lines(mapping, columns, remarks)
}

fn plain_values(mapping: &FieldMapping) -> Option<Vec<(String, String)>> {
    mapping
        .transforms
        .iter()
        .find(|transform| transform.kind == "ValueMap")
        .map(|transform| transform.values.clone())
}

fn same(one: &FieldMapping, other: &FieldMapping) -> bool {
    let sorted = |mapping: &FieldMapping| {
        let mut transforms = mapping.transforms.clone();
        transforms.iter_mut().for_each(|transform| transform.values.sort());
        transforms
    };
    Way::read(&one.direction) == Way::read(&other.direction)
        && one.source == other.source
        && one.destination == other.destination
        && sorted(one) == sorted(other)
}

fn plain_lines(mapping: &FieldMapping, columns: Columns<'_>, remarks: &mut Vec<Remark>) -> Vec<Table> {
    let subject = subject(mapping);
    for unknown in &mapping.unknown {
        remarks.push(Remark::lost(&subject, format!("nobody knows what {unknown} means")));
    }
    let Some(way) = Way::read(&mapping.direction) else {
        let reason = format!("{:?} is no direction", mapping.direction);
        remarks.push(Remark::lost(&subject, reason));
        return Vec::new();
    };
    for name in [&mapping.source, &mapping.destination] {
        if !name.is_empty() && !is_column(name) {
            remarks.push(Remark::lost(&subject, format!("{name:?} is not a column")));
            return Vec::new();
        }
    }
    let transforms = understood(&mapping.transforms, &subject, remarks);
    if transforms.unusable {
        return Vec::new();
    }
    let finops = columns.spelled(System::Finops, &mapping.source);
    let dataverse = columns.spelled(System::Dataverse, &mapping.destination);
    for (side, name) in [(System::Finops, &finops), (System::Dataverse, &dataverse)] {
        if !name.is_empty() && columns.lacks(side, name) {
            remarks.push(Remark::unsure(&subject, format!("{side} has no column {name}")));
        }
    }
    let pair = Pair { finops, dataverse, columns };
    match (pair.finops.is_empty(), pair.dataverse.is_empty()) {
        (false, false) => pair.lines(way, transforms.values, transforms.default, &subject, remarks),
        (true, true) => {
            remarks.push(Remark::lost(subject, "it names no column"));
            Vec::new()
        }
        (true, false) => pair.constant(Way::ToDataverse, way, transforms.default, &subject, remarks),
        (false, true) => pair.constant(Way::ToFinops, way, transforms.default, &subject, remarks),
    }
}

struct Pair<'a> {
    finops: String,
    dataverse: String,
    columns: Columns<'a>,
}

impl Pair<'_> {
    fn line(&self, way: Way) -> Table {
        let mut line = Table::new();
        for (side, name) in [("finops", &self.finops), ("dataverse", &self.dataverse)] {
            if !name.is_empty() {
                line.insert(side.to_owned(), Value::String(name.clone()));
            }
        }
        if let Some(word) = way.word() {
            line.insert("direction".to_owned(), Value::String(word.to_owned()));
        }
        line
    }

    fn target_value(&self, way: Way, text: &str) -> Value {
        match way {
            Way::ToFinops => self.columns.value(System::Finops, &self.finops, text),
            _ => self.columns.value(System::Dataverse, &self.dataverse, text),
        }
    }

    fn constant(
        &self,
        target: Way,
        said: Way,
        default: Option<String>,
        subject: &str,
        remarks: &mut Vec<Remark>,
    ) -> Vec<Table> {
        let Some(default) = default else {
            remarks.push(Remark::lost(subject, "it names one column, and no value for it"));
            return Vec::new();
        };
        if said != target && said != Way::Both {
            remarks.push(Remark::lost(subject, "its value goes to a side where it names no column"));
            return Vec::new();
        }
        let mut line = self.line(target);
        line.insert("default".to_owned(), self.target_value(target, &default));
        vec![line]
    }

    fn lines(
        &self,
        way: Way,
        values: Option<Vec<(String, String)>>,
        default: Option<String>,
        subject: &str,
        remarks: &mut Vec<Remark>,
    ) -> Vec<Table> {
        // Several F&O values may stand for one of Dataverse; on the way back, the first of them does.
        let doubled = values.as_ref().is_some_and(|pairs| {
            let mut seen = Vec::new();
            pairs.iter().any(|(_, to)| {
                let to = to.to_lowercase();
                let twice = seen.contains(&to);
                seen.push(to);
                twice
            })
        });
        if doubled && way != Way::ToDataverse {
            let reason =
                "several F&O values stand for one of Dataverse: on the way back the first of them is taken";
            remarks.push(Remark::unsure(subject, reason).next("look at the line that goes to F&O"));
        }
        if default.is_some() && way == Way::Both {
            let reason = "a default needs one direction: it is given on the way to Dataverse";
            remarks.push(
                Remark::unsure(subject, reason).next("give the line to F&O its own default, if it has one"),
            );
        }
        let ways = if way == Way::Both && (doubled || default.is_some()) {
            vec![Way::ToDataverse, Way::ToFinops]
        } else {
            vec![way]
        };
        ways.iter()
            .map(|way| {
                let mut line = self.line(*way);
                if let Some(pairs) = &values {
                    line.insert("values".to_owned(), Value::Table(self.set(pairs, *way != Way::ToDataverse)));
                }
                if let Some(default) = &default
                    && (*way != Way::ToFinops || ways.len() == 1)
                {
                    line.insert("default".to_owned(), self.target_value(*way, default));
                }
                line
            })
            .collect()
    }

    /// The value set; with one F&O value for each of Dataverse where the way back is asked for.
    fn set(&self, pairs: &[(String, String)], way_back: bool) -> Table {
        let mut set = Table::new();
        let mut taken: Vec<String> = Vec::new();
        for (finops, dataverse) in pairs {
            let lower = dataverse.to_lowercase();
            if way_back && taken.contains(&lower) {
                continue;
            }
            taken.push(lower);
            let value = self.columns.value(System::Dataverse, &self.dataverse, dataverse);
            set.insert(self.columns.member(&self.finops, finops), value);
        }
        set
    }
}

/// A field line as a mapping whose source is F&O. `values` is the line's value set, wherever it stands.
pub(super) fn of_line(line: &Table, values: Option<&[(String, String)]>) -> FieldMapping {
    let text = |word: &str| line.get(word).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (source, destination) = (text("finops"), text("dataverse"));
    let way = match (text("direction").as_str(), line.contains_key("finops"), line.contains_key("dataverse"))
    {
        ("to-dataverse", _, _) | ("", false, true) => Way::ToDataverse,
        ("to-finops", _, _) | ("", true, false) => Way::ToFinops,
        _ => Way::Both,
    };
    let mut transforms = Vec::new();
    if let Some(values) = values
        && line.contains_key("values")
    {
        transforms.push(Transform {
            kind: "ValueMap".to_owned(),
            values: values.to_vec(),
            ..Transform::default()
        });
    }
    if let Some(default) = line.get("default") {
        let default = Some(plain(default));
        transforms.push(Transform { kind: "Default".to_owned(), default, ..Transform::default() });
    }
    FieldMapping {
        direction: way.code().to_owned(),
        source,
        destination,
        transforms,
        ..FieldMapping::default()
    }
}

/// A field line as a mapping that comes back as that line, with what dual-write has no words for beside it.
pub(super) fn of_line_in_full(
    line: &Table,
    values: Option<&[(String, String)]>,
    remarks: &mut Vec<Remark>,
) -> FieldMapping {
    let mut mapping = of_line(line, values);
    let known = ["finops", "dataverse", "direction", "default", "values"];
    for (word, value) in line {
        let plain = matches!(word.as_str(), "default" | "values") || value.is_str();
        if !known.contains(&word.as_str()) || !plain {
            let reason = format!("dual-write has nothing for `{word}`: it is kept for Dualwright only");
            remarks.push(Remark::lost(subject(&mapping), reason));
        }
    }
    if plain_lines(&mapping, Columns::default(), &mut Vec::new()) != [line.clone()] {
        mapping.extra = Some(Json::Object(table_to_json(line)));
    }
    mapping
}

/// A value of a map file as dual-write writes values.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
