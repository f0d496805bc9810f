//! CSDL XML as a data model, in one streaming pass: a real `$metadata` has tens of megabytes.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{
    EntitySet, EntityType, EnumType, Metadata, MetadataError, NavigationProperty, Property,
    ReferentialConstraint,
};

/// The longest document: F&O's is about 50 MB.
const MAX_LENGTH: usize = 256 << 20;

/// Reads a `$metadata` document.
///
/// # Errors
/// When it is not well-formed XML of that kind, or longer than 256 MB.
pub fn parse(text: &str) -> Result<Metadata, MetadataError> {
    if text.len() > MAX_LENGTH {
        return Err(MetadataError { position: 0, reason: "it is too long".into() });
    }
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let event = reader.read_event();
        let position = reader.buffer_position();
        let fault = |reason: String| MetadataError { position, reason };
        match event.map_err(|error| fault(error.to_string()))? {
            Event::Start(element) => state.element(&element, false).map_err(fault)?,
            Event::Empty(element) => state.element(&element, true).map_err(fault)?,
            Event::End(element) => state.end(element.local_name().as_ref()),
            Event::Eof => break,
            _ => {}
        }
    }
    if !state.seen_schema {
        let position = reader.buffer_position();
        return Err(MetadataError { position, reason: "it has no schema".into() });
    }
    Ok(state.metadata)
}

#[derive(Default)]
struct State {
    metadata: Metadata,
    seen_schema: bool,
    entity: Option<EntityType>,
    relation: Option<NavigationProperty>,
    enumeration: Option<EnumType>,
    set: Option<EntitySet>,
}

impl State {
    fn element(&mut self, element: &BytesStart<'_>, closed: bool) -> Result<(), String> {
        let attributes = Attributes::read(element)?;
        let local = element.local_name();
        match local.as_ref() {
            b"Schema" => self.schema(&attributes)?,
            b"EntityType" => self.entity = Some(entity_type(&attributes)?),
            b"PropertyRef" => {
                if let Some(entity) = &mut self.entity {
                    entity.key.push(attributes.need("Name")?);
                }
            }
            b"Property" => {
                if let Some(entity) = &mut self.entity {
                    entity.properties.push(property(&attributes)?);
                }
            }
            b"NavigationProperty" => self.relation = Some(navigation(&attributes)?),
            b"ReferentialConstraint" => {
                if let Some(relation) = &mut self.relation {
                    let property = attributes.need("Property")?;
                    let referenced = attributes.need("ReferencedProperty")?;
                    relation.constraints.push(ReferentialConstraint { property, referenced });
                }
            }
            b"EnumType" => {
                self.enumeration = Some(EnumType { name: attributes.need("Name")?, members: Vec::new() });
            }
            b"Member" => self.member(&attributes)?,
            b"EntityContainer" if self.metadata.container.is_empty() => {
                self.metadata.container = attributes.need("Name")?;
            }
            b"EntitySet" => {
                let (name, entity_type) = (attributes.need("Name")?, attributes.need("EntityType")?);
                self.set = Some(EntitySet { name, entity_type, bindings: Vec::new() });
            }
            b"NavigationPropertyBinding" => {
                if let Some(set) = &mut self.set {
                    set.bindings.push((attributes.need("Path")?, attributes.need("Target")?));
                }
            }
            _ => {}
        }
        if closed {
            self.end(local.as_ref());
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"EntityType" => self.metadata.entity_types.extend(self.entity.take()),
            b"NavigationProperty" => {
                if let (Some(entity), Some(relation)) = (&mut self.entity, self.relation.take()) {
                    entity.navigation.push(relation);
                }
            }
            b"EnumType" => self.metadata.enum_types.extend(self.enumeration.take()),
            b"EntitySet" => self.metadata.entity_sets.extend(self.set.take()),
            _ => {}
        }
    }

    fn schema(&mut self, attributes: &Attributes) -> Result<(), String> {
        if !self.seen_schema {
            self.metadata.namespace = attributes.need("Namespace")?;
            self.metadata.alias = attributes.get("Alias");
            self.seen_schema = true;
        }
        Ok(())
    }

    fn member(&mut self, attributes: &Attributes) -> Result<(), String> {
        if let Some(enumeration) = &mut self.enumeration {
            // Without a number, members count on (OData v4 CSDL, section 10.2.2).
            let next = enumeration.members.last().map_or(0, |last| last.1.saturating_add(1));
            let value = attributes.number("Value")?.unwrap_or(next);
            enumeration.members.push((attributes.need("Name")?, value));
        }
        Ok(())
    }
}

fn entity_type(attributes: &Attributes) -> Result<EntityType, String> {
    Ok(EntityType {
        name: attributes.need("Name")?,
        base_type: attributes.get("BaseType"),
        is_abstract: attributes.flag("Abstract").unwrap_or(false),
        ..EntityType::default()
    })
}

fn property(attributes: &Attributes) -> Result<Property, String> {
    Ok(Property {
        name: attributes.need("Name")?,
        type_name: attributes.need("Type")?,
        nullable: attributes.flag("Nullable").unwrap_or(true),
        max_length: attributes.facet("MaxLength"),
        precision: attributes.facet("Precision"),
        scale: attributes.facet("Scale"),
    })
}

fn navigation(attributes: &Attributes) -> Result<NavigationProperty, String> {
    Ok(NavigationProperty {
        name: attributes.need("Name")?,
        type_name: attributes.need("Type")?,
        nullable: attributes.flag("Nullable").unwrap_or(true),
        partner: attributes.get("Partner"),
        constraints: Vec::new(),
    })
}

/// The attributes of one element, unescaped.
struct Attributes {
    element: String,
    list: Vec<(String, String)>,
}

impl Attributes {
    fn read(element: &BytesStart<'_>) -> Result<Self, String> {
        let mut list = Vec::new();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
            let value = attribute.unescape_value().map_err(|error| error.to_string())?.into_owned();
            list.push((name, value));
        }
        Ok(Self { element: String::from_utf8_lossy(element.local_name().as_ref()).into_owned(), list })
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.find(name).map(str::to_owned)
    }

    fn need(&self, name: &str) -> Result<String, String> {
        self.get(name).ok_or_else(|| format!("{} has no {name}", self.element))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.find(name).map(|value| value == "true")
    }

    /// A size; words such as `max` and `variable` are no limit.
    fn facet(&self, name: &str) -> Option<u32> {
        self.find(name).and_then(|value| value.parse().ok())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, String> {
        let parse = |value: &str| value.parse().map_err(|_| format!("{name} is not a number"));
        self.find(name).map(parse).transpose()
    }
}
