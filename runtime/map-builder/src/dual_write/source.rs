//! Where definitions are found: JSON files, exported solutions, the XML inside them, rows of the table.
//!
//! A solution that carries maps holds the rows of `msdyn_dualwriteentitymap` in its XML. Every XML and JSON file of the
//! archive is looked at, so it does not matter in which one they are.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value as Json;

use super::automation::Automation;
use super::definition::{Definition, DefinitionError};
use super::name::version_order;
use super::{Remark, automation};

/// The table's logical name.
const ROW: &str = "msdyn_dualwriteentitymap";
/// The most files looked at in an archive.
const MOST_FILES: usize = 10_000;
/// The most bytes read of one file of an archive, and of one file.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// The most bytes read of a whole archive: one that unpacks to more is not a solution but a bomb.
const LARGEST_ARCHIVE: u64 = 256 * 1024 * 1024;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The definitions, with the place each was found at.
    pub definitions: Vec<(String, Definition)>,
    /// The automation tool's configuration, if any was among it.
    pub automation: Option<Automation>,
}

/// A source in which nothing can be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It cannot be read as the archive it looks like.
    #[error("{place} cannot be unpacked")]
    Archive {
        /// The archive.
        place: String,
        /// Why not.
        #[source]
        source: zip::result::ZipError,
    },
    /// It is larger than anything that belongs here.
    #[error("{place} is not read: {reason}")]
    TooLarge {
        /// The file or archive.
        place: String,
        /// Which limit it passes.
        reason: String,
    },
    /// It is not XML.
    #[error("{place} is not XML")]
    Xml {
        /// The file.
        place: String,
        /// Why not.
        #[source]
        source: quick_xml::Error,
    },
    /// It is not a definition.
    #[error("{place} cannot be used")]
    Definition {
        /// The file, and the row in it.
        place: String,
        /// Why not.
        #[source]
        source: DefinitionError,
    },
    /// It is not text.
    #[error("{place} is neither an archive nor UTF-8 text")]
    NotText {
        /// The file.
        place: String,
    },
}

impl Found {
    /// Looks into a file: a definition, rows of the table, a solution, or the automation tool's configuration. Nothing is
    /// ever written anywhere, so it does not matter how the files of an archive are called.
    ///
    /// # Errors
    /// When it is none of these, or too large.
    pub fn read(&mut self, place: &str, bytes: &[u8]) -> Result<(), SourceError> {
        if bytes.starts_with(b"PK\x03\x04") {
            return self.read_archive(place, bytes);
        }
        let text = utf8(bytes).ok_or_else(|| SourceError::NotText { place: place.to_owned() })?;
        if text.trim_start().starts_with('<') {
            self.read_xml(place, &text)
        } else {
            self.read_json(place, &text)
        }
    }

    fn read_archive(&mut self, place: &str, bytes: &[u8]) -> Result<(), SourceError> {
        let wrong = |source| SourceError::Archive { place: place.to_owned(), source };
        let too_large = |reason: String| SourceError::TooLarge { place: place.to_owned(), reason };
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(wrong)?;
        if archive.len() > MOST_FILES {
            return Err(too_large(format!("it holds more than {MOST_FILES} files")));
        }
        let mut left = LARGEST_ARCHIVE;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).map_err(wrong)?;
            let name = printable(&file.name().map_err(wrong)?);
            let lower = name.to_lowercase();
            if file.is_dir() || !(lower.ends_with(".xml") || lower.ends_with(".json")) {
                continue;
            }
            // What the archive says of sizes is not believed: the bytes are counted as they come.
            let mut content = Vec::new();
            let limit = LARGEST_FILE.min(left);
            file.by_ref()
                .take(limit + 1)
                .read_to_end(&mut content)
                .map_err(|error| wrong(zip::result::ZipError::Io(error)))?;
            let length = content.len() as u64;
            if length > limit {
                return Err(too_large(format!(
                    "{name} in it unpacks to more than {} MiB, or all of it to more than {} MiB",
                    LARGEST_FILE >> 20,
                    LARGEST_ARCHIVE >> 20
                )));
            }
            left -= length;
            let place = format!("{place}: {name}");
            let Some(text) = utf8(&content) else { continue };
            // A solution holds much else, and not all of it is whole: only what speaks of maps is read.
            let speaks_of = |words: [&str; 2]| words.iter().any(|word| text.contains(word));
            if lower.ends_with(".xml") && speaks_of([ROW, "MapConfigs"]) {
                self.read_xml(&place, &text)?;
            } else if lower.ends_with(".json") && speaks_of(["fieldMappings", "msdyn_mapping"]) {
                self.read_json(&place, &text)?;
            }
        }
        Ok(())
    }

    fn read_json(&mut self, place: &str, text: &str) -> Result<(), SourceError> {
        let wrong = |place: String, source| SourceError::Definition { place, source };
        let json: Json = serde_json::from_str(text).map_err(|error| wrong(place.to_owned(), error.into()))?;
        let rows = match json {
            Json::Array(rows) => rows,
            Json::Object(mut object) if !object.contains_key("legs") => match object.remove("value") {
                Some(Json::Array(rows)) => rows,
                _ => vec![Json::Object(object)],
            },
            one => vec![one],
        };
        let many = rows.len() > 1;
        for (index, row) in rows.into_iter().enumerate() {
            let place = if many { format!("{place}: row {}", index + 1) } else { place.to_owned() };
            let definition = of_row(row).map_err(|error| wrong(place.clone(), error))?;
            self.definitions.push((place, definition));
        }
        Ok(())
    }

    fn read_xml(&mut self, place: &str, text: &str) -> Result<(), SourceError> {
        let wrong = |source| SourceError::Xml { place: place.to_owned(), source };
        if let Some(automation) = Automation::parse(text).map_err(wrong)? {
            self.automation.get_or_insert_default().merge(automation);
        }
        for row in rows(text).map_err(wrong)? {
            let place = if row.name.is_empty() { place.to_owned() } else { format!("{place}: {}", row.name) };
            let definition = row
                .definition()
                .map_err(|source| SourceError::Definition { place: place.clone(), source })?;
            self.definitions.push((place, definition));
        }
        Ok(())
    }

    /// Keeps one definition of each map: the version that the automation tool's configuration names, else the newest.
    pub fn keep_one_version(&mut self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let mut kept: Vec<(String, Definition)> = Vec::new();
        let all = std::mem::take(&mut self.definitions);
        for (place, definition) in all {
            let wanted = self.automation.as_ref().and_then(|all| all.find(&definition.name)?.version.clone());
            let rank = |definition: &Definition| {
                (
                    wanted.is_some() && definition.version == wanted,
                    version_order(definition.version.as_deref()),
                )
            };
            let same = |known: &&mut (String, Definition)| {
                !definition.name.is_empty() && known.1.name == definition.name
            };
            match kept.iter_mut().find(same) {
                None => kept.push((place, definition)),
                Some(known) => {
                    let better = rank(&definition) > rank(&known.1);
                    let other = if better {
                        std::mem::replace(known, (place, definition))
                    } else {
                        (place, definition)
                    };
                    let version = |definition: &Definition| {
                        definition.version.clone().unwrap_or("without a version".into())
                    };
                    let reason =
                        format!("version {} is left: {} is taken", version(&other.1), version(&known.1));
                    remarks.push(Remark::note(other.1.name.clone(), reason));
                }
            }
        }
        self.definitions = kept;
        remarks
    }
}

/// A definition out of a row of the table, or the definition itself.
fn of_row(json: Json) -> Result<Definition, DefinitionError> {
    let Json::Object(object) = &json else { return Definition::from_json(json) };
    let text = |name: &str| object.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let Some(mapping) = object.get("msdyn_mapping") else { return Definition::from_json(json) };
    let row = Row { version: text("msdyn_version"), name: text("msdyn_name"), mapping: String::new() };
    let name = if row.name.is_empty() { text("msdyn_displayname") } else { row.name };
    let definition = Definition::from_json(mapping.clone())?;
    Ok(completed(definition, name, row.version))
}

fn completed(mut definition: Definition, name: String, version: String) -> Definition {
    if !version.trim().is_empty() {
        definition.version = Some(version);
    }
    if definition.name.is_empty() {
        definition.name = name;
    }
    definition
}

/// A row of the table in XML.
#[derive(Default)]
struct Row {
    name: String,
    version: String,
    mapping: String,
}

impl Row {
    fn set(&mut self, name: &str, value: &str) {
        let value = value.trim();
        match name {
            "msdyn_mapping" => self.mapping = value.to_owned(),
            "msdyn_version" => self.version = value.to_owned(),
            "msdyn_name" => self.name = value.to_owned(),
            "msdyn_displayname" if self.name.is_empty() => self.name = value.to_owned(),
            _ => {}
        }
    }

    fn definition(self) -> Result<Definition, DefinitionError> {
        Ok(completed(Definition::parse(&self.mapping)?, self.name, self.version))
    }
}

/// The rows of an XML file, wherever in it they stand: columns may be attributes or elements.
fn rows(xml: &str) -> Result<Vec<Row>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut rows = Vec::new();
    let mut row: Option<Row> = None;
    let mut column = String::new();
    let mut text = String::new();
    let name_of =
        |element: &BytesStart<'_>| String::from_utf8_lossy(element.local_name().as_ref()).to_lowercase();
    loop {
        match reader.read_event()? {
            Event::Start(element) => {
                let name = name_of(&element);
                if row.is_none() && name == ROW {
                    row = Some(with_attributes(&element)?);
                }
                column = name;
                text.clear();
            }
            Event::Empty(element) if row.is_none() && name_of(&element) == ROW => {
                rows.push(with_attributes(&element)?);
            }
            Event::Text(part) => text.push_str(&part.decode()?),
            Event::CData(part) => text.push_str(&part.decode()?),
            Event::GeneralRef(part) => match part.resolve_char_ref()? {
                Some(character) => text.push(character),
                None => {
                    let known = part.decode()?;
                    let known = quick_xml::escape::resolve_predefined_entity(&known);
                    text.push_str(known.unwrap_or_default());
                }
            },
            Event::End(element) => {
                let name = String::from_utf8_lossy(element.local_name().as_ref()).to_lowercase();
                if name == ROW {
                    rows.extend(row.take());
                } else if let Some(row) = &mut row
                    && name == column
                {
                    row.set(&name, &text);
                }
                column.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // Solutions also name the table itself, with no mapping in it.
    Ok(rows.into_iter().filter(|row| !row.mapping.is_empty()).collect())
}

fn with_attributes(element: &BytesStart<'_>) -> Result<Row, quick_xml::Error> {
    let mut row = Row::default();
    for name in ["msdyn_name", "msdyn_displayname", "msdyn_version", "msdyn_mapping"] {
        if let Some(value) = automation::attribute(element, name)? {
            row.set(name, &value);
        }
    }
    Ok(row)
}

/// UTF-8, with or without a mark in front, or UTF-16 with one: tools of the platform write both.
fn utf8(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok()
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        plain => std::str::from_utf8(plain).ok().map(str::to_owned),
    }
}

/// The name of a file in an archive: somebody else chose it, and it is printed.
fn printable(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(200).collect()
}
