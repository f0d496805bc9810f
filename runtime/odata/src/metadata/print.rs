//! A data model as CSDL XML.

use std::fmt::{self, Write};

use quick_xml::escape::escape;

use super::{EntitySet, EntityType, EnumType, Metadata, NavigationProperty, Property};

/// The whole `$metadata` document.
pub fn print(metadata: &Metadata) -> String {
    let mut xml = String::new();
    // Writing to a String cannot fail.
    let _ = document(&mut xml, metadata);
    xml
}

fn document(xml: &mut String, metadata: &Metadata) -> fmt::Result {
    xml.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    xml.push_str("<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\"><edmx:DataServices>");
    write!(xml, "<Schema Namespace=\"{}\"", escape(&metadata.namespace))?;
    if let Some(alias) = &metadata.alias {
        write!(xml, " Alias=\"{}\"", escape(alias))?;
    }
    xml.push_str(" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">");
    for entity in &metadata.entity_types {
        entity_type(xml, entity)?;
    }
    for enumeration in &metadata.enum_types {
        enum_type(xml, enumeration)?;
    }
    write!(xml, "<EntityContainer Name=\"{}\">", escape(&metadata.container))?;
    for set in &metadata.entity_sets {
        entity_set(xml, set)?;
    }
    xml.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    Ok(())
}

fn entity_type(xml: &mut String, entity: &EntityType) -> fmt::Result {
    write!(xml, "<EntityType Name=\"{}\"", escape(&entity.name))?;
    if let Some(base) = &entity.base_type {
        write!(xml, " BaseType=\"{}\"", escape(base))?;
    }
    if entity.is_abstract {
        xml.push_str(" Abstract=\"true\"");
    }
    xml.push('>');
    if !entity.key.is_empty() {
        xml.push_str("<Key>");
        for column in &entity.key {
            write!(xml, "<PropertyRef Name=\"{}\" />", escape(column))?;
        }
        xml.push_str("</Key>");
    }
    for column in &entity.properties {
        property(xml, column)?;
    }
    for relation in &entity.navigation {
        navigation(xml, relation)?;
    }
    xml.push_str("</EntityType>");
    Ok(())
}

fn property(xml: &mut String, property: &Property) -> fmt::Result {
    let (name, type_name) = (escape(&property.name), escape(&property.type_name));
    write!(xml, "<Property Name=\"{name}\" Type=\"{type_name}\"")?;
    if !property.nullable {
        xml.push_str(" Nullable=\"false\"");
    }
    let facets =
        [("MaxLength", property.max_length), ("Precision", property.precision), ("Scale", property.scale)];
    for (facet, value) in facets {
        if let Some(value) = value {
            write!(xml, " {facet}=\"{value}\"")?;
        }
    }
    xml.push_str(" />");
    Ok(())
}

fn navigation(xml: &mut String, relation: &NavigationProperty) -> fmt::Result {
    let (name, type_name) = (escape(&relation.name), escape(&relation.type_name));
    write!(xml, "<NavigationProperty Name=\"{name}\" Type=\"{type_name}\"")?;
    if !relation.nullable {
        xml.push_str(" Nullable=\"false\"");
    }
    if let Some(partner) = &relation.partner {
        write!(xml, " Partner=\"{}\"", escape(partner))?;
    }
    if relation.constraints.is_empty() {
        xml.push_str(" />");
        return Ok(());
    }
    xml.push('>');
    for constraint in &relation.constraints {
        let (here, there) = (escape(&constraint.property), escape(&constraint.referenced));
        write!(xml, "<ReferentialConstraint Property=\"{here}\" ReferencedProperty=\"{there}\" />")?;
    }
    xml.push_str("</NavigationProperty>");
    Ok(())
}

fn enum_type(xml: &mut String, enumeration: &EnumType) -> fmt::Result {
    write!(xml, "<EnumType Name=\"{}\">", escape(&enumeration.name))?;
    for (name, value) in &enumeration.members {
        write!(xml, "<Member Name=\"{}\" Value=\"{value}\" />", escape(name))?;
    }
    xml.push_str("</EnumType>");
    Ok(())
}

fn entity_set(xml: &mut String, set: &EntitySet) -> fmt::Result {
    let (name, entity_type) = (escape(&set.name), escape(&set.entity_type));
    write!(xml, "<EntitySet Name=\"{name}\" EntityType=\"{entity_type}\"")?;
    if set.bindings.is_empty() {
        xml.push_str(" />");
        return Ok(());
    }
    xml.push('>');
    for (path, target) in &set.bindings {
        let (path, target) = (escape(path), escape(target));
        write!(xml, "<NavigationPropertyBinding Path=\"{path}\" Target=\"{target}\" />")?;
    }
    xml.push_str("</EntitySet>");
    Ok(())
}
