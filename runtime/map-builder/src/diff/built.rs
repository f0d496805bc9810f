//! The table inside a component in facts.

use std::collections::BTreeMap;

use dualwright_sdk::Leg;
use dualwright_table_map::encode;
use dualwright_table_map::program::{Constant, Rule};
use wasmparser::{Operator, Parser, Payload};

use super::{Facts, add, values_in_words};

/// The table that [`crate::compose`] put into a component; `None` when it is none of its components.
pub(super) fn table(component: &[u8]) -> Option<Vec<u8>> {
    let mut segments: Vec<(Option<u32>, &[u8])> = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let Payload::DataSection(data) = payload.ok()? else { continue };
        for segment in data {
            let segment = segment.ok()?;
            let address = match &segment.kind {
                wasmparser::DataKind::Active { offset_expr, .. } => {
                    match offset_expr.get_operators_reader().read().ok()? {
                        Operator::I32Const { value } => Some(value.cast_unsigned()),
                        _ => None,
                    }
                }
                wasmparser::DataKind::Passive => None,
            };
            segments.push((address, segment.data));
        }
    }
    // The segment behind the table holds its address and length.
    segments.windows(2).find_map(|pair| {
        let [(Some(address), table), (_, words)] = pair else { return None };
        let (at, length) = words.split_first_chunk::<4>()?;
        let points_here = u32::from_le_bytes(*at) == *address
            && usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()? == table.len();
        (points_here && encode::description(table).is_some()).then(|| table.to_vec())
    })
}

/// What an encoded table says; `None` when it is not one.
pub(super) fn facts(table: &[u8]) -> Option<Facts> {
    let description = encode::description(table)?;
    let mut facts = Facts::new();
    let mut map: BTreeMap<String, String> = [
        ("version", description.version.clone()),
        ("about", description.about.clone()),
        ("finops", description.finops_table.clone()),
        ("dataverse", description.dataverse_table.clone()),
    ]
    .into_iter()
    .map(|(word, text)| (word.to_owned(), text))
    .collect();
    if !description.needs.is_empty() {
        map.insert("needs".to_owned(), description.needs.join(", "));
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
        let program = encode::program(table, leg.leg)?;
        let mut whole = BTreeMap::from([
            ("on delete".to_owned(), format!("{:?}", program.on_delete).to_lowercase()),
            ("on leave".to_owned(), format!("{:?}", leg.on_leave).to_lowercase()),
        ]);
        whole.extend(leg.filter.clone().map(|filter| ("filter".to_owned(), filter)));
        for check in &program.checks {
            whole.insert(format!("rule {}: {}", check.code, check.message), format!("{:?}", check.test));
        }
        add(&mut facts, name, whole);
        for (target, rule) in leg.writes.iter().zip(&program.rules) {
            add(&mut facts, &format!("{name}: {target}"), words(rule, &leg.reads));
        }
    }
    Some(facts)
}

#[allow(clippy::needless_update, reason = "a word that rules learn must not pass unseen")]
fn words(rule: &Rule<'_>, reads: &[String]) -> BTreeMap<String, String> {
    let mut words = BTreeMap::new();
    let mut add = |word: &str, text: Option<String>| words.extend(text.map(|text| (word.to_owned(), text)));
    add("from", rule.source.and_then(|source| reads.get(source).cloned()));
    add("default", rule.default.as_ref().map(shown));
    add("on delete", rule.mark.as_ref().map(shown));
    add("key", rule.key.then(|| "yes".to_owned()));
    add(
        "values",
        rule.values.as_ref().map(|values| {
            let pairs = values.entries.iter().map(|(from, to)| (from.to_string(), shown(to)));
            values_in_words(pairs.collect())
        }),
    );
    add("cut", rule.cut.map(|length| length.to_string()));
    let keeps_others = rule.values.as_ref().is_some_and(|values| values.keeps_others);
    add("unlisted", keeps_others.then(|| "keep".to_owned()));
    // What the map language has learnt since, as the program has it.
    let known = Rule {
        source: rule.source,
        column: rule.column.clone(),
        key: rule.key,
        default: rule.default.clone(),
        mark: rule.mark.clone(),
        values: rule.values.clone(),
        cut: rule.cut,
        ..Rule::default()
    };
    if known != *rule {
        let rest = Rule {
            source: None,
            column: "".into(),
            key: false,
            default: None,
            mark: None,
            values: None,
            cut: None,
            ..rule.clone()
        };
        words.insert("more".to_owned(), format!("{rest:?}"));
    }
    words
}

fn shown(constant: &Constant<'_>) -> String {
    match constant {
        Constant::Text(text) => format!("{text:?}"),
        other => other.to_plain_text().into_owned(),
    }
}
