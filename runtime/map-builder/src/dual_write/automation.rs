//! The configuration of the automation tool that many use beside dual-write (an XML file with `MapConfigs`): it holds what
//! definitions do not, the integration keys and which side is the master of an initial sync.
//!
//! Elements read: `Map` with `mapName`, `version` (`latest` or `a.b.c.d`), `keys` (Dataverse's columns, with commas),
//! `group`, `master` (`CE` or `FO`); `Group` with `name` and `initialSync`.

use dualwright_model::System;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::name::{squeezed, tables_of};

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Automation {
    /// The maps, in the order of the file.
    pub maps: Vec<MapSettings>,
    groups: Vec<(String, bool)>,
}

/// What it says of one map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapSettings {
    /// `msdyn_customergroups - Customer groups`.
    pub name: String,
    /// The version that is to run; `None` for the latest.
    pub version: Option<String>,
    /// Dataverse's key columns and paths.
    pub keys: Vec<String>,
    /// The side that an initial sync reads from.
    pub master: Option<System>,
    /// Whether there is an initial sync.
    pub initial_sync: Option<bool>,
    group: String,
}

impl Automation {
    /// Reads the file; `None` when it is XML and not such a configuration.
    ///
    /// # Errors
    /// When it is not XML.
    pub fn parse(xml: &str) -> Result<Option<Self>, quick_xml::Error> {
        let mut reader = Reader::from_str(xml);
        let mut all = Self::default();
        let mut found = false;
        loop {
            match reader.read_event()? {
                Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                    b"MapConfigs" => found = true,
                    b"Map" => {
                        let map = map(&element)?;
                        if !map.name.is_empty() {
                            found = true;
                            all.maps.push(map);
                        }
                    }
                    b"Group" => {
                        if let (Some(name), Some(initial)) =
                            (attribute(&element, "name")?, attribute(&element, "initialSync")?)
                        {
                            all.groups.push((name, initial.eq_ignore_ascii_case("true")));
                        }
                    }
                    _ => {}
                },
                Event::Eof => break,
                _ => {}
            }
        }
        for map in &mut all.maps {
            map.initial_sync =
                all.groups.iter().find(|(name, _)| *name == map.group).map(|(_, initial)| *initial);
        }
        Ok(found.then_some(all))
    }

    /// Takes over what another file says.
    pub fn merge(&mut self, other: Self) {
        self.maps.extend(other.maps);
        self.groups.extend(other.groups);
    }

    /// What is said of the map of this name, whichever of its two tables stands first.
    pub fn find(&self, name: &str) -> Option<&MapSettings> {
        let tables = tables_of(name);
        self.maps.iter().find(|map| match (&tables, tables_of(&map.name)) {
            (Some(tables), Some(own)) => *tables == own,
            _ => squeezed(&map.name) == squeezed(name),
        })
    }
}

fn map(element: &BytesStart<'_>) -> Result<MapSettings, quick_xml::Error> {
    let text = |name| attribute(element, name).map(Option::unwrap_or_default);
    let version = text("version")?;
    Ok(MapSettings {
        name: text("mapName")?,
        version: version.starts_with(|first: char| first.is_ascii_digit()).then_some(version),
        keys: text("keys")?
            .split(',')
            .map(|key| key.trim().to_owned())
            .filter(|key| !key.is_empty())
            .collect(),
        master: match text("master")?.as_str() {
            "CE" => Some(System::Dataverse),
            "FO" => Some(System::Finops),
            _ => None,
        },
        initial_sync: None,
        group: text("group")?,
    })
}

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, quick_xml::Error> {
    for attribute in element.attributes() {
        let attribute = attribute?;
        if attribute.key.local_name().as_ref().eq_ignore_ascii_case(name.as_bytes()) {
            return Ok(Some(attribute.unescape_value()?.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use dualwright_model::System;

    use super::Automation;

    const FILE: &str = r#"<?xml version="1.0"?>
        <configuration><DWSettings>
          <Groups><Group name="All" initialSync="true" targetState="Running"/><Group name="Late" initialSync="false"/></Groups>
          <MapConfigs>
            <!-- ours -->
            <Map mapName="contoso_crates - Crates &amp; boxes" version="1.0.0.4" authors="Any" keys="contoso_code, contoso_company.cdm_companycode" group="Late" master="CE"/>
            <Map mapName="uoms - Units" version="latest" keys="msdyn_symbol" group="All" master="FO"/>
          </MapConfigs>
        </DWSettings></configuration>"#;

    #[test]
    fn keys_and_masters_are_read() {
        let all = Automation::parse(FILE).unwrap().unwrap();
        let crates = all.find("[Crates & boxes] - [contoso_crates]").unwrap();
        assert_eq!(crates.keys, ["contoso_code", "contoso_company.cdm_companycode"]);
        assert_eq!((crates.version.as_deref(), crates.master), (Some("1.0.0.4"), Some(System::Dataverse)));
        assert_eq!(crates.initial_sync, Some(false));
        let units = all.find("Units - uoms").unwrap();
        assert_eq!(
            (&units.version, units.master, units.initial_sync),
            (&None, Some(System::Finops), Some(true))
        );
        assert!(all.find("Units - contoso_units").is_none());
    }

    #[test]
    fn other_files_are_not_taken_for_one() {
        assert_eq!(Automation::parse("<a><Map/></a>").unwrap(), None);
        assert!(Automation::parse("<a b=1></c>").is_err());
    }
}
