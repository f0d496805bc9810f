//! A flame graph: one box a call, as wide as what it spent, below it the calls it made. Drawn here, without a script,
//! so that it is the same text for the same numbers and shows in any browser.

use std::fmt::Write as _;

use dualwright_plugin_host::{FuelProfile, FuelStack};

const WIDTH: f64 = 1200.0;
const ROW: usize = 18;
const HEAD: usize = 40;
/// Narrower boxes are left out: nobody sees them.
const NARROWEST: f64 = 0.2;
/// What a letter takes.
const LETTER: f64 = 6.6;

/// One box.
struct Frame<'a> {
    function: &'a str,
    fuel: u64,
    callees: Vec<Frame<'a>>,
}

/// The drawing, as the text of an SVG file.
pub fn svg(title: &str, profile: &FuelProfile) -> String {
    let root = tree(profile);
    let height = HEAD + ROW * (depth(&root) + 1);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"6\" y=\"18\" font-size=\"14\">{title}</text>\n",
        title = escaped(title)
    );
    draw(&root, 0.0, 0, root.fuel, &mut text);
    text.push_str("</svg>\n");
    text
}

fn tree(profile: &FuelProfile) -> Frame<'_> {
    let mut root = Frame { function: "all", fuel: 0, callees: Vec::new() };
    for FuelStack { functions, fuel } in &profile.stacks {
        let mut frame = &mut root;
        frame.fuel += fuel;
        for function in functions {
            let known = frame.callees.iter().position(|callee| callee.function == function);
            let index = known.unwrap_or_else(|| {
                frame.callees.push(Frame { function, fuel: 0, callees: Vec::new() });
                frame.callees.len() - 1
            });
            // The index was just found or made.
            let Some(callee) = frame.callees.get_mut(index) else { break };
            frame = callee;
            frame.fuel += fuel;
        }
    }
    root
}

fn depth(frame: &Frame<'_>) -> usize {
    1 + frame.callees.iter().map(depth).max().unwrap_or(0)
}

fn draw(frame: &Frame<'_>, left: f64, level: usize, all: u64, text: &mut String) {
    let width = share(frame.fuel, all) * WIDTH;
    if width < NARROWEST {
        return;
    }
    let top = HEAD + level * ROW;
    let name = escaped(frame.function);
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "<g><title>{name}: {} fuel, {:.2} %</title><rect x=\"{left:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{}\" \
         fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"0.5\"/>{}</g>",
        frame.fuel,
        share(frame.fuel, all) * 100.0,
        ROW - 1,
        colour(frame.function),
        label(frame.function, left, top, width)
    );
    let mut left = left;
    for callee in &frame.callees {
        draw(callee, left, level + 1, all, text);
        left += share(callee.fuel, all) * WIDTH;
    }
}

/// As much of a name as fits.
fn label(function: &str, left: f64, top: usize, width: f64) -> String {
    let mut room = width - 6.0;
    let fits: String = function
        .chars()
        .take_while(|_| {
            room -= LETTER;
            room >= 0.0
        })
        .collect();
    if fits.chars().count() < 3 {
        return String::new();
    }
    let baseline = top + ROW - 6;
    format!("<text x=\"{:.2}\" y=\"{baseline}\">{}</text>", left + 3.0, escaped(&fits))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a share for the eye; fuel has fewer digits than a float holds"
)]
pub(super) fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// A warm colour, always the same for a name.
fn colour(function: &str) -> String {
    let hash =
        function.bytes().fold(17_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("rgb({},{},{})", 215 + hash % 40, 110 + hash / 64 % 110, 60 + hash / 4096 % 50)
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // Names come out of a component: XML has no way to write these.
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                safe.push('\u{fffd}')
            }
            letter => safe.push(letter),
        }
    }
    safe
}
