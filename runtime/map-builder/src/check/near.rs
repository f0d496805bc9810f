//! The name that was probably meant.

/// A hint with the nearest of the names, when one is near.
pub(super) fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().collect();
    let allowed = (wanted.len() / 3).clamp(1, 4);
    names
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase().chars().collect::<Vec<char>>()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// How many characters must be put in, taken out or replaced.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.iter().enumerate() {
        let mut next = vec![index + 1];
        for ((right, diagonal), above) in other.iter().zip(&row).zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(left != right);
            let before = next.last().copied().unwrap_or(usize::MAX - 1);
            next.push(replaced.min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_name_or_none() {
        let names = ["accounts", "contacts", "msdyn_customergroups"];
        assert_eq!(did_you_mean("acounts", names).unwrap(), "did you mean `accounts`?");
        assert_eq!(
            did_you_mean("msdyn_CustomerGroup", names).unwrap(),
            "did you mean `msdyn_customergroups`?"
        );
        assert_eq!(did_you_mean("invoices", names), None);
        assert_eq!(did_you_mean("", names), None);
    }
}
