//! What a component says of itself in facts.

use std::collections::BTreeMap;

use dualwright_model::Leg;
use dualwright_plugin_host::Description;

use super::{Facts, add};

pub(super) fn facts(description: &Description) -> Facts {
    let mut facts = Facts::new();
    let words = [
        ("version", description.version.clone()),
        ("about", description.about.clone()),
        ("finops", description.finops_table.to_string()),
        ("dataverse", description.dataverse_table.to_string()),
    ];
    let mut map: BTreeMap<String, String> =
        words.into_iter().map(|(word, text)| (word.to_owned(), text)).collect();
    let needs: Vec<String> = description.needs.iter().map(ToString::to_string).collect();
    let excludes = description.excludes.iter().map(|name| format!("!{name}"));
    let needs: Vec<String> = needs.into_iter().chain(excludes).collect();
    if !needs.is_empty() {
        map.insert("needs".to_owned(), needs.join(", "));
    }
    add(&mut facts, "map", map);
    let pairs: Vec<String> =
        description.key.iter().map(|pair| format!("{} = {}", pair.finops, pair.dataverse)).collect();
    add(&mut facts, "key", [("pairs".to_owned(), pairs.join(", "))].into());
    for leg in &description.legs {
        let name = match leg.leg {
            Leg::ToDataverse => "to Dataverse",
            Leg::ToFinops => "to F&O",
        };
        let mut reads: Vec<String> = leg.reads.iter().map(|column| column.as_str().to_lowercase()).collect();
        reads.sort();
        let mut whole = BTreeMap::from([
            ("reads".to_owned(), reads.join(", ")),
            ("on leave".to_owned(), format!("{:?}", leg.on_leave).to_lowercase()),
        ]);
        whole.extend(leg.filter.clone().map(|filter| ("filter".to_owned(), filter)));
        add(&mut facts, name, whole);
        for column in &leg.writes {
            add(&mut facts, &format!("{name}: {column}"), BTreeMap::new());
        }
    }
    facts
}
