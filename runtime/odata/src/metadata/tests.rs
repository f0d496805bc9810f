use proptest::prelude::*;

use super::{
    EntitySet, EntityType, EnumType, Metadata, NavigationProperty, Property, ReferentialConstraint, parse,
    print,
};

fn sample(name: &str) -> Metadata {
    Metadata {
        namespace: "Microsoft.Dynamics.CRM".into(),
        alias: Some("mscrm".into()),
        entity_types: vec![
            EntityType { name: "crmbaseentity".into(), is_abstract: true, ..EntityType::default() },
            EntityType {
                name: name.into(),
                base_type: Some("mscrm.crmbaseentity".into()),
                key: vec!["accountid".into()],
                properties: vec![
                    Property { max_length: Some(160), ..Property::new("name", "Edm.String") },
                    Property { nullable: false, ..Property::new("accountid", "Edm.Guid") },
                    Property {
                        scale: Some(2),
                        precision: Some(18),
                        ..Property::new("creditlimit", "Edm.Decimal")
                    },
                ],
                navigation: vec![
                    NavigationProperty {
                        partner: Some("account_primary_contact".into()),
                        constraints: vec![ReferentialConstraint {
                            property: "_primarycontactid_value".into(),
                            referenced: "contactid".into(),
                        }],
                        ..NavigationProperty::new("primarycontactid", "mscrm.contact")
                    },
                    NavigationProperty::new("tasks", "Collection(mscrm.task)"),
                ],
                ..EntityType::default()
            },
        ],
        enum_types: vec![EnumType {
            name: "NoYes".into(),
            members: vec![("No".into(), 0), ("Yes".into(), 1)],
        }],
        container: "System".into(),
        entity_sets: vec![EntitySet {
            name: "accounts".into(),
            entity_type: "Microsoft.Dynamics.CRM.account".into(),
            bindings: vec![("primarycontactid".into(), "contacts".into())],
        }],
    }
}

#[test]
fn a_model_survives_its_text() {
    let metadata = sample("account");
    assert_eq!(parse(&print(&metadata)).unwrap(), metadata);
    assert!(metadata.entity_type("mscrm.account").is_some());
    assert!(metadata.entity_set("accounts").is_some());
    assert_eq!(metadata.enum_type("N.NoYes").unwrap().members.len(), 2);
    let account = metadata.entity_type("account").unwrap();
    assert_eq!(account.navigation[1].target(), ("mscrm.task", true));
}

#[test]
fn what_is_not_needed_is_skipped() {
    let xml = r#"<?xml version="1.0"?><edmx:Edmx xmlns:edmx="x"><edmx:DataServices>
        <Schema Namespace="N" xmlns="y">
          <ComplexType Name="C"><Property Name="ignored" Type="Edm.String"/></ComplexType>
          <EntityType Name="A"><Key><PropertyRef Name="k"/></Key>
            <Property Name="k" Type="Edm.String" MaxLength="max"><Annotation Term="T" String="a &amp; b"/></Property>
          </EntityType>
          <EnumType Name="E"><Member Name="x" Value="5"/><Member Name="y"/></EnumType>
          <Action Name="Do"><Parameter Name="p" Type="Edm.String"/></Action>
          <EntityContainer Name="System"><EntitySet Name="As" EntityType="N.A"/></EntityContainer>
        </Schema></edmx:DataServices></edmx:Edmx>"#;
    let metadata = parse(xml).unwrap();
    let entity = metadata.entity_type("A").unwrap();
    assert_eq!((entity.key.as_slice(), entity.properties.len()), (["k".to_owned()].as_slice(), 1));
    assert_eq!(entity.properties[0].max_length, None);
    assert_eq!(metadata.enum_types[0].members, [("x".to_owned(), 5), ("y".to_owned(), 6)]);
}

#[test]
fn garbage_is_refused() {
    for text in ["", "{}", "<a>", "<Schema>", "<Schema Namespace='N'><EntityType/></Schema>", "<a></b>"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_name_survives(name in "[ -~äß€]{1,20}") {
        let metadata = sample(&name);
        prop_assert_eq!(parse(&print(&metadata)).unwrap(), metadata);
    }

    #[test]
    fn garbage_does_not_panic(text in any::<String>(), tags in "(<|>|/|</|/>|Schema|EntityType|Property| Name=\"x\"| Namespace=\"n\"|&){0,30}") {
        let _ = parse(&text);
        let _ = parse(&tags);
    }
}
