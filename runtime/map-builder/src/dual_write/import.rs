//! A definition becomes a map file.

use dualwright_model::System;
use dualwright_table_map::compile;
use toml::{Table, Value};

use super::automation::Automation;
use super::columns::Columns;
use super::definition::{Definition, FieldMapping, Leg};
use super::fields::{self, Way};
use super::header::{self, Filters};
use super::key;
use super::name::{kebab, version};
use super::sheet::table_from_json;
use super::tables::{self, Entity};
use super::{Remark, Sheet};
use crate::check::Schemas;

/// What helps to understand definitions.
#[derive(Clone, Copy, Default)]
pub struct Aids<'a> {
    /// Labels of F&O entities with their entity sets, as a person says.
    pub tables: &'a [(String, String)],
    /// The F&O entities that there are; `None` when nobody was asked.
    pub entities: Option<&'a [Entity]>,
    /// Pairs of the key, F&O's column first, as a person says.
    pub key: &'a [(String, String)],
    /// The configuration of the automation tool.
    pub automation: Option<&'a Automation>,
    /// Tables as their systems describe them.
    pub schemas: Option<&'a Schemas>,
    /// The named value sets within reach of where the map will be. Others are written into the map.
    pub value_sets: &'a [String],
}

/// A definition as a map.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The map file.
    pub sheet: Sheet,
    /// What was not carried, guessed, or changed on the way; the heaviest first.
    pub remarks: Vec<Remark>,
    /// The side that an initial sync reads from, where that is known.
    pub master: Option<System>,
    /// Whether there is an initial sync, where that is known.
    pub initial_sync: Option<bool>,
}

impl Imported {
    /// The map file as text, with what it lacks as comments in it.
    pub fn to_text(&self) -> String {
        let heavy = |remark: &&Remark| remark.weight != super::Weight::Note;
        let comments: Vec<String> = self.remarks.iter().filter(heavy).map(ToString::to_string).collect();
        self.sheet.to_text(&comments)
    }
}

/// A leg whose source is F&O.
struct Turned {
    names: Vec<String>,
    dataverse: String,
    filters: Filters,
    fields: Vec<FieldMapping>,
}

/// The two tables of a definition, F&O's first: those whose descriptions help.
pub fn tables_of(definition: &Definition, aids: &Aids<'_>) -> (String, String) {
    let Some(leg) = definition.legs.first() else { return Default::default() };
    let leg = turned(leg, &mut Vec::new());
    let (finops, _) = table(definition, &leg, aids);
    (finops, leg.dataverse)
}

/// Makes a map file of a definition.
pub fn import(definition: &Definition, aids: &Aids<'_>) -> Imported {
    let mut remarks = Vec::new();
    for unknown in &definition.unknown {
        remarks.push(Remark::lost(unknown, "nobody knows what it means"));
    }
    let empty = Leg::default();
    let mut legs = definition.legs.iter();
    let leg = turned(legs.next().unwrap_or(&empty), &mut remarks);
    for leg in legs {
        let reason =
            format!("a second leg, {} to {}: a map has one pair of tables", leg.source, leg.destination);
        remarks.push(Remark::lost("leg", reason).next("write a map of its own for it"));
    }
    let (finops, doubt) = table(definition, &leg, aids);
    remarks.extend(doubt);
    let nothing = Schemas::default();
    let columns = Columns::new(aids.schemas.unwrap_or(&nothing), &finops, &leg.dataverse);

    let extra = definition.extra.as_ref().and_then(table_from_json);
    let settings = aids.automation.and_then(|all| all.find(&definition.name));
    let mut generated = Vec::new();
    let mut lines = Vec::new();
    for mapping in &leg.fields {
        if extra.is_some() && is_key(mapping) {
            continue;
        }
        let mut made = fields::lines(mapping, columns, &mut remarks);
        for line in &mut made {
            with_values_at_hand(line, mapping, aids.value_sets, &mut remarks);
        }
        if mapping.system_generated {
            generated.extend(made.iter().cloned());
        }
        lines.extend(made);
    }
    let listed = settings.map(|settings| settings.keys.as_slice()).filter(|keys| !keys.is_empty());
    let sheet = match extra {
        Some(extra) => Sheet { header: known_header(extra, &finops, &leg, &mut remarks), fields: lines },
        None => {
            let known = key::Known { given: aids.key, listed, columns, generated: &generated };
            let pairs = key::find(&lines, &known, &mut remarks);
            let header = new_header(definition, &finops, &leg, &pairs, &mut remarks);
            Sheet { header, fields: key::without_key(lines, &pairs, &mut remarks) }
        }
    };
    refusals(&sheet, aids.value_sets, &mut remarks);
    remarks.sort_by_key(|remark| remark.weight);
    Imported {
        sheet,
        remarks,
        master: settings.and_then(|settings| settings.master),
        initial_sync: settings.and_then(|settings| settings.initial_sync),
    }
}

/// Whether an export marked the field as one of the key.
fn is_key(mapping: &FieldMapping) -> bool {
    mapping.extra.as_ref().is_some_and(|extra| extra["key"] == true)
}

/// Brings a leg into the direction from F&O to Dataverse.
fn turned(leg: &Leg, remarks: &mut Vec<Remark>) -> Turned {
    for unknown in &leg.unknown {
        remarks.push(Remark::lost(unknown, "it has no counterpart here"));
    }
    let names = |own: &str, distinct: Option<&String>| {
        std::iter::once(own.to_owned()).chain(distinct.cloned()).filter(|name| !name.is_empty()).collect()
    };
    let from_dataverse =
        leg.source_system.eq_ignore_ascii_case("CRM") || leg.destination_system.eq_ignore_ascii_case("AX");
    if !from_dataverse {
        return Turned {
            names: names(&leg.source, leg.source_name.as_ref()),
            dataverse: leg.destination.clone(),
            filters: Filters { finops: leg.source_filter.clone(), dataverse: leg.reversed_filter.clone() },
            fields: leg.fields.clone(),
        };
    }
    let fields = leg.fields.iter().cloned().map(|mut field| {
        std::mem::swap(&mut field.source, &mut field.destination);
        if let Some(way) = Way::read(&field.direction) {
            field.direction = way.turned().code().to_owned();
        }
        for transform in &mut field.transforms {
            for pair in &mut transform.values {
                std::mem::swap(&mut pair.0, &mut pair.1);
            }
        }
        field
    });
    Turned {
        names: names(&leg.destination, None),
        dataverse: leg.source.clone(),
        filters: Filters { finops: leg.reversed_filter.clone(), dataverse: leg.source_filter.clone() },
        fields: fields.collect(),
    }
}

fn table(definition: &Definition, leg: &Turned, aids: &Aids<'_>) -> (String, Option<Remark>) {
    // An export says the entity set itself.
    let own = definition.extra.as_ref().and_then(|extra| extra["finops"].as_str());
    if let Some(own) = own
        && leg.names.first().is_some_and(|name| name == own)
    {
        return (own.to_owned(), None);
    }
    let names: Vec<&str> = leg.names.iter().map(String::as_str).collect();
    tables::resolve(&names, aids.tables, aids.entities)
}

fn new_header(
    definition: &Definition,
    finops: &str,
    leg: &Turned,
    pairs: &[(String, String)],
    remarks: &mut Vec<Remark>,
) -> Table {
    let mut header = Table::new();
    let mut text = |word: &str, value: String| header.insert(word.to_owned(), Value::String(value));
    let label = leg.names.first().map_or("", String::as_str);
    let name = format!("{} {}", kebab(label), kebab(&leg.dataverse));
    text("name", kebab(&name));
    text("version", new_version(definition.version.as_deref(), remarks));
    text("about", format!("{label} and {}, as dual-write had them.", leg.dataverse));
    text("finops", finops.to_owned());
    text("dataverse", leg.dataverse.clone());
    header.insert("key".to_owned(), key::value(pairs));
    if let Some(filters) = header::of_filters(&leg.filters, remarks) {
        header.insert("filter".to_owned(), filters);
    }
    header
}

fn new_version(said: Option<&str>, remarks: &mut Vec<Remark>) -> String {
    let Some(said) = said else { return "1.0.0".to_owned() };
    let Some(([major, minor, patch], revision)) = version(said) else {
        remarks.push(Remark::unsure("version", format!("{said:?} is no version: 1.0.0 is taken")));
        return "1.0.0".to_owned();
    };
    if revision > 0 {
        let reason = format!("{said} has a fourth number: {major}.{minor}.{patch} is taken");
        remarks.push(Remark::note("version", reason));
    }
    format!("{major}.{minor}.{patch}")
}

/// The header that an export left, where the rest of the definition still says the same.
fn known_header(extra: Table, finops: &str, leg: &Turned, remarks: &mut Vec<Remark>) -> Table {
    let mut header = extra;
    for (word, table) in [("finops", finops), ("dataverse", &leg.dataverse)] {
        header.insert(word.to_owned(), Value::String(table.to_owned()));
    }
    if header::to_filters(&header, &mut Vec::new()) != leg.filters {
        header.remove("filter");
        if let Some(filters) = header::of_filters(&leg.filters, remarks) {
            header.insert("filter".to_owned(), filters);
        }
        remarks.push(Remark::note("filter", "it was changed since it was exported"));
    }
    header
}

/// Writes a value set into the line where its file is not at hand.
fn with_values_at_hand(
    line: &mut Table,
    mapping: &FieldMapping,
    at_hand: &[String],
    remarks: &mut Vec<Remark>,
) {
    let Some(name) = line.get("values").and_then(Value::as_str).map(str::to_owned) else { return };
    if at_hand.contains(&name) {
        return;
    }
    let plain = FieldMapping { extra: None, ..mapping.clone() };
    let set = fields::lines(&plain, Columns::default(), &mut Vec::new())
        .into_iter()
        .find_map(|line| line.get("values").filter(|set| set.is_table()).cloned());
    if let Some(set) = set {
        let reason = format!("the value set {name} is not within reach: its values are written into the map");
        remarks.push(Remark::note(fields::subject(mapping), reason));
        line.insert("values".to_owned(), set);
    }
}

/// Says what the map language refuses in the file.
fn refusals(sheet: &Sheet, at_hand: &[String], remarks: &mut Vec<Remark>) {
    let text = sheet.to_text(&[]);
    let mut find = |name: &str| {
        if at_hand.iter().any(|known| known == name) {
            // Its values are looked at when the map is built.
            Ok(Vec::new())
        } else {
            Err(format!("there is no value set {name}"))
        }
    };
    let problems = match compile::parse(&text) {
        Ok(file) => compile::compile(&file, &mut find).err().unwrap_or_default(),
        Err(problem) => vec![problem],
    };
    for problem in problems {
        let line = text.get(problem.span.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let subject = line.trim().trim_end_matches(',');
        let mut remark =
            Remark::lost(subject, format!("the map cannot be built with this: {}", problem.message));
        remark.next = problem.hint;
        remarks.push(remark);
    }
}
