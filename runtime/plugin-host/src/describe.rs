//! Whether what a map says of itself can be used.

pub(crate) mod layer;

use std::collections::BTreeSet;

use dualwright_model::ColumnPath;

use crate::Description;

/// The most columns in one list.
const COLUMNS: usize = 1024;
/// The most maps that one map may need.
const NEEDS: usize = 256;
/// The longest text, in bytes.
const TEXT_BYTES: usize = 4096;

/// Checks a description by itself; whether its tables and columns exist is checked against the systems elsewhere.
///
/// # Errors
/// A sentence for the map's author.
pub(crate) fn check(said: &Description) -> Result<(), String> {
    kebab_case(said.name.as_str()).then_some(()).ok_or_else(|| {
        format!(
            "the name `{}` is not in kebab case (`customers-accounts`)",
            said.name.as_str().chars().take(64).collect::<String>().escape_debug()
        )
    })?;
    version(&said.version).then_some(()).ok_or("the version is not `major.minor.patch`")?;
    text("about", &said.about)?;
    printable("about", &said.about)?;
    name("finops-table", said.finops_table.as_str())?;
    name("dataverse-table", said.dataverse_table.as_str())?;
    check_key(said)?;
    check_legs(said)?;
    bounded("two-way", said.two_way.len(), COLUMNS)?;
    for (finops, dataverse) in &said.two_way {
        column("two-way", finops)?;
        column("two-way", dataverse)?;
    }
    bounded("needs", said.needs.len() + said.excludes.len(), NEEDS)?;
    for named in said.needs.iter().chain(&said.excludes) {
        kebab_case(named.as_str()).then_some(()).ok_or("`needs` has a name that is not in kebab case")?;
    }
    Ok(())
}

fn check_key(said: &Description) -> Result<(), String> {
    bounded("key", said.key.len(), COLUMNS)?;
    if said.key.is_empty() {
        return Err("the key is empty".to_owned());
    }
    for pair in &said.key {
        column("key", &pair.finops)?;
        column("key", &pair.dataverse)?;
    }
    Ok(())
}

fn check_legs(said: &Description) -> Result<(), String> {
    let legs: BTreeSet<String> = said.legs.iter().map(|leg| leg.leg.to_string()).collect();
    if said.legs.is_empty() || legs.len() != said.legs.len() {
        return Err("there must be one or two legs, of different directions".to_owned());
    }
    for leg in &said.legs {
        let which = leg.leg;
        bounded(&format!("reads of {which}"), leg.reads.len(), COLUMNS)?;
        bounded(&format!("writes of {which}"), leg.writes.len(), COLUMNS)?;
        for read in &leg.reads {
            column("reads", read)?;
        }
        let mut seen = BTreeSet::new();
        for written in &leg.writes {
            column("writes", written)?;
            if !seen.insert(written) {
                return Err(format!("the leg {which} writes {written} twice"));
            }
        }
        for key in said.key_columns(which.source()) {
            if !leg.reads.contains(&key) {
                return Err(format!("the leg {which} does not read the key column {key}"));
            }
        }
        if let Some(filter) = &leg.filter {
            text("filter", filter)?;
        }
    }
    Ok(())
}

fn bounded(what: &str, count: usize, limit: usize) -> Result<(), String> {
    if count <= limit { Ok(()) } else { Err(format!("{what} has {count} entries, and the limit is {limit}")) }
}

fn text(what: &str, text: &str) -> Result<(), String> {
    let size = text.len();
    if size <= TEXT_BYTES {
        return Ok(());
    }
    Err(format!("{what} has {size} bytes, and the limit is {TEXT_BYTES}"))
}

/// It is shown on terminals, where an escape could pass for something else.
fn printable(what: &str, text: &str) -> Result<(), String> {
    let odd = text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
    if odd { Err(format!("{what} has control characters in it")) } else { Ok(()) }
}

fn name(what: &str, name: &str) -> Result<(), String> {
    text(what, name)?;
    if name.is_empty() || name.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(format!("{what} is empty or has spaces in it"));
    }
    Ok(())
}

fn column(what: &str, path: &ColumnPath) -> Result<(), String> {
    name(&format!("a column of {what}"), path.as_str())
}

fn kebab_case(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// `major.minor.patch`, with an optional pre-release after a hyphen.
fn version(text: &str) -> bool {
    let (numbers, pre) = text.split_once('-').unwrap_or((text, "pre"));
    let mut count = 0_u8;
    let numbers_fit = numbers.split('.').all(|number| {
        count = count.saturating_add(1);
        let plain =
            number.bytes().all(|byte| byte.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        plain && number.parse::<u64>().is_ok()
    });
    let pre_fits = pre.split('.').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    text.len() <= 64 && numbers_fit && count == 3 && pre_fits
}

#[cfg(test)]
mod tests {
    use dualwright_model::Leg;

    use super::{check, kebab_case, version};
    use crate::{Description, KeyPair, LeavePolicy, LegDescription};

    fn sound() -> Description {
        Description {
            name: "customer-groups".into(),
            version: "1.0.0".into(),
            about: "Customer groups.".into(),
            finops_table: "CustomerGroups".into(),
            dataverse_table: "msdyn_customergroups".into(),
            key: vec![KeyPair { finops: "CustomerGroupId".into(), dataverse: "msdyn_groupid".into() }],
            legs: vec![LegDescription {
                leg: Leg::ToDataverse,
                reads: vec!["CustomerGroupId".into(), "Description".into()],
                writes: vec!["msdyn_groupid".into(), "msdyn_description".into()],
                filter: None,
                on_leave: LeavePolicy::Delete,
            }],
            two_way: vec![],
            needs: vec![],
            excludes: vec![],
        }
    }

    fn refused(change: impl Fn(&mut Description)) -> String {
        let mut said = sound();
        change(&mut said);
        check(&said).unwrap_err()
    }

    #[test]
    fn a_sound_description_passes() {
        assert_eq!(check(&sound()), Ok(()));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        assert!(refused(|said| said.name = "Not kebab".into()).contains("kebab"));
        assert!(refused(|said| said.version = "1.0".into()).contains("major.minor.patch"));
        assert!(refused(|said| said.about = "x".repeat(5000)).contains("5000 bytes"));
        assert!(refused(|said| said.about = "\u{1b}[2J".into()).contains("control characters"));
        assert!(refused(|said| said.finops_table = "".into()).contains("finops-table"));
        assert!(refused(|said| said.key.clear()).contains("key is empty"));
        assert!(refused(|said| said.legs.clear()).contains("legs"));
        assert!(refused(|said| said.legs.push(said.legs[0].clone())).contains("legs"));
        assert!(refused(|said| drop(said.legs[0].reads.remove(0))).contains("CustomerGroupId"));
        assert!(refused(|said| said.legs[0].writes.push("msdyn_groupid".into())).contains("twice"));
        assert!(refused(|said| said.legs[0].reads = vec!["a".into(); 1025]).contains("1025 entries"));
        assert!(refused(|said| said.needs = vec!["a b".into()]).contains("needs"));
    }

    #[test]
    fn names_and_versions() {
        for name in ["a", "customers-accounts", "v2-3"] {
            assert!(kebab_case(name), "{name}");
        }
        for name in ["", "-a", "a-", "a--b", "A", "2a", "a_b", "ä"] {
            assert!(!kebab_case(name), "{name}");
        }
        for text in ["0.1.0", "12.3.4", "1.0.0-rc.1"] {
            assert!(version(text), "{text}");
        }
        for text in
            ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.x", "1.0.0-", "v1.0.0", "99999999999999999999.0.0"]
        {
            assert!(!version(text), "{text}");
        }
    }
}
