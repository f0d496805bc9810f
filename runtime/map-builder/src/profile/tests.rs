//! Shares and drawings of profiles made up here; profiles of real maps are in `tests/profiles.rs`.

use dualwright_plugin_host::{FuelProfile, FuelStack};

use super::{FunctionShare, flame, functions};

fn profile(stacks: &[(&[&str], u64)]) -> FuelProfile {
    let stacks: Vec<FuelStack> = stacks
        .iter()
        .map(|(functions, fuel)| FuelStack {
            functions: functions.iter().map(|name| (*name).to_owned()).collect(),
            fuel: *fuel,
        })
        .collect();
    FuelProfile { fuel: stacks.iter().map(|stack| stack.fuel).sum(), stacks }
}

#[test]
fn what_a_function_calls_is_its_share_once() {
    let profile = profile(&[(&["a"], 10), (&["a", "b"], 30), (&["a", "b", "a"], 5), (&["c", "b"], 15)]);
    let share = |function: &str, own, with_callees| FunctionShare {
        function: function.to_owned(),
        own,
        with_callees,
    };
    assert_eq!(functions(&profile), [share("b", 45, 50), share("a", 15, 45), share("c", 0, 15)]);
    assert_eq!(functions(&profile).iter().map(|share| share.own).sum::<u64>(), profile.fuel);
}

#[test]
fn a_drawing_names_what_it_shows_and_nothing_breaks_out_of_it() {
    let profile = profile(&[
        (&["outer"], 60),
        (&["outer", "<Vec<T> as \"X&Y\">::f\u{1}"], 40),
        (&["outer", "tiny"], 0),
    ]);
    let svg = flame::svg("a & b", &profile);
    assert!(svg.contains("<title>outer: 100 fuel, 100.00 %</title>"), "{svg}");
    assert!(
        svg.contains("&lt;Vec&lt;T&gt; as &quot;X&amp;Y&quot;&gt;::f\u{fffd}: 40 fuel, 40.00 %"),
        "{svg}"
    );
    assert!(svg.contains("<title>a &amp; b</title>") && !svg.contains("tiny") && !svg.contains("script"));
    assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

#[test]
fn nothing_spent_is_drawn_too() {
    assert!(flame::svg("empty", &profile(&[])).ends_with("</svg>\n"));
}
