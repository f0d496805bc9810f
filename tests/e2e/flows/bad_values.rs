//! Maps that answer what no system can hold, that trap on one record of a thousand, that are slow and that lie about
//! themselves: each costs its own records only, and is named where operators look.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use support::{Pair, Turn, catalogue, wait_until, write_log};

use super::guest::{Table, component, next_component};
use super::story::{PATIENCE, Story, customer};

const COMPANY: (&str, &str) = ("dataAreaId", "msdyn_company.cdm_companycode");
const TEXTS: Table = Table {
    finops: "PaymentTerms",
    dataverse: "msdyn_paymentterms",
    key: &[COMPANY, ("Name", "msdyn_name")],
    text: ("Description", "msdyn_description"),
};
const MOMENTS: Table = Table {
    finops: "VendorsV2",
    dataverse: "msdyn_vendors",
    key: &[COMPANY, ("VendorAccountNumber", "msdyn_vendoraccountnumber")],
    text: ("VendorOrganizationName", "msdyn_vendoronholdreleasedate"),
};
const THOUSAND: Table = Table {
    finops: "UnitsOfMeasure",
    dataverse: "uoms",
    key: &[("UnitSymbol", "msdyn_symbol")],
    text: ("UnitDescription", "msdyn_description"),
};
const SLOW: Table = Table {
    finops: "CustomerGroups",
    dataverse: "msdyn_customergroups",
    key: &[COMPANY, ("CustomerGroupId", "msdyn_groupid")],
    text: ("Description", "msdyn_description"),
};
const MAPS: [(&str, &str, &Table); 4] = [
    ("odd-texts", "by_letter", &TEXTS),
    ("odd-moments", "by_letter", &MOMENTS),
    ("one-of-a-thousand", "trap", &THOUSAND),
    ("slow-groups", "slow", &SLOW),
];

const CALENDAR: &str = "holds dates of the years 1 to 9999";
const NO_DECIMAL: &str = "returned a decimal that is not a decimal number for";
/// What the maps are asked for, by a letter, and how the letter that dies of it is told: class, code, words.
const ODD_TEXTS: [(&str, &str, &str, &str); 11] = [
    ("a", "guest", "trap", "unreachable"),
    ("b", "guest", "bad-answer", NO_DECIMAL),
    ("c", "guest", "bad-answer", NO_DECIMAL),
    ("d", "data", "does-not-fit", CALENDAR),
    ("e", "data", "does-not-fit", CALENDAR),
    ("f", "data", "does-not-fit", CALENDAR),
    ("g", "data", "does-not-fit", CALENDAR),
    ("h", "data", "does-not-fit", "holds at most 255 characters, and this text has 1048576"),
    ("i", "guest", "bad-answer", "returned more than it may"),
    ("j", "guest", "bad-answer", "a case that does not exist"),
    ("k", "guest", "bad-answer", "returned more than it may"),
];
const ODD_MOMENTS: [(&str, &str, &str, &str); 5] = [
    ("d", "data", "does-not-fit", CALENDAR),
    ("e", "data", "does-not-fit", CALENDAR),
    ("f", "data", "does-not-fit", CALENDAR),
    ("g", "data", "does-not-fit", CALENDAR),
    ("l", "data", "does-not-fit", "holds a date and time, and this is decimal"),
];
/// Rows of the map that traps on the 500th.
const ROWS: usize = 1000;
/// Rows of the map that is slow.
const SLOW_ROWS: usize = 40;

fn row(table: &Table, name: &str, text: &str) -> Value {
    let mut row = json!({ table.text.0: text });
    for (column, _) in table.key {
        row[*column] = json!(if *column == "dataAreaId" { "usmf" } else { name });
    }
    row
}

async fn create(story: &Story, table: &Table, rows: &[(String, &str)]) -> anyhow::Result<()> {
    let rows: Vec<Value> = rows.iter().map(|(name, text)| row(table, name, text)).collect();
    let created = stream::iter(&rows).map(|row| story.finops.create(table.finops, row)).buffer_unordered(8);
    created.map_ok(|_| ()).try_collect().await
}

/// Runs the command against the story's runtime; answers its exit code and all it printed.
pub(crate) fn said(story: &Story, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
    let mut command = support::command()?;
    command.args(arguments).arg("--config").arg(story.runtime.config());
    command.env("TEST_RUNTIME_SECRET", support::secret(support::RUNTIME));
    let output = command.output()?;
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    Ok((output.status.code().context("the command was killed")?, text.concat()))
}

// I9, I10: what a guest answers is its records' trouble, whatever it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_no_system_has_cost_their_own_records_only() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let mut components: Vec<PathBuf> = Vec::new();
    for (name, body, table) in MAPS {
        let path = pair.folder().join(format!("{name}.wasm"));
        std::fs::write(&path, component(name, body, table)?)?;
        components.push(path);
    }
    let honest = catalogue(&["company/legal-entities-companies", "pre-party/customers-accounts"]);
    // Nothing here is to end by being late, however busy the machine is: the slow map stays below its deadline.
    let config = "[limits]\nguest-deadline = \"60s\"\n";
    let mut story = Story::with(turn, pair, honest, components, config).await?;
    for (table, letters, good) in
        [(&TEXTS, &ODD_TEXTS[..], "harmless"), (&MOMENTS, &ODD_MOMENTS[..], "2026-11-23T06:18:00Z")]
    {
        let odd = letters.iter().map(|(letter, ..)| (format!("R-{letter}"), format!("!{letter}")));
        let mut rows: Vec<(String, String)> = odd.collect();
        rows.push(("R-good".to_owned(), good.to_owned()));
        let rows: Vec<(String, &str)> =
            rows.iter().map(|(name, text)| (name.clone(), text.as_str())).collect();
        create(&story, table, &rows).await?;
    }
    let thousand = |index: usize| (format!("U{index:04}"), if index == 500 { "boom" } else { "harmless" });
    create(&story, &THOUSAND, &(1..=ROWS).map(thousand).collect::<Vec<_>>()).await?;
    story.finops.create("CustomersV3", &customer("O-1")).await?;
    story.run().await?;

    letters_say(&story, "odd-texts", &ODD_TEXTS).await?;
    letters_say(&story, "odd-moments", &ODD_MOMENTS).await?;
    letters_say(&story, "one-of-a-thousand", &[("U0500", "guest", "trap", "unreachable")]).await?;
    story
        .row_shows(
            &story.dataverse,
            ("msdyn_paymentterms", "msdyn_name", "R-good"),
            "msdyn_description",
            "harmless",
        )
        .await?;
    let key = ("msdyn_vendors", "msdyn_vendoraccountnumber", "R-good");
    let moment = "2026-11-23T06:18:00Z";
    story.row_shows(&story.dataverse, key, "msdyn_vendoronholdreleasedate", moment).await?;
    wait_until(PATIENCE, async || {
        let arrived = write_log::of_tables(&write_log::read(&story.dataverse).await?, &["uoms".to_owned()]);
        ensure!(arrived.len() == ROWS - 1, "{} of the other 999 arrived", arrived.len());
        Ok(())
    })
    .await?;
    operators_are_told(&story)?;
    liars_are_refused(&story)?;
    others_pass_a_slow_map(&story).await?;
    ensure!(story.runtime.runs()?, "the runtime died");
    Ok(())
}

/// Each of these records is a dead letter, told so, by the map and version that made it one.
async fn letters_say(story: &Story, map: &str, expected: &[(&str, &str, &str, &str)]) -> anyhow::Result<()> {
    let dead = wait_until(PATIENCE, async || {
        let dead = story.runtime.get(&format!("/v1/dead-letters?map={map}")).await?;
        let dead = dead["dead_letters"].as_array().cloned().unwrap_or_default();
        ensure!(dead.len() == expected.len(), "{map}: {} letters: {dead:#?}", dead.len());
        Ok(dead)
    })
    .await?;
    for (letter, class, code, words) in expected {
        let key = letter.to_lowercase();
        let about_it = |one: &&Value| one["key"].as_str().is_some_and(|text| text.ends_with(&key));
        let told =
            dead.iter().find(about_it).with_context(|| format!("{map}: no letter {letter}: {dead:#?}"))?;
        ensure!(told["class"] == *class && told["code"] == *code, "{letter}: {told:#}");
        ensure!(told["map"] == map && told["map_version"] == "1.0.0", "{letter}: {told:#}");
        let message = told["message"].as_str().unwrap_or_default();
        ensure!(message.contains(words) && message.len() < 5000, "{letter}: {told:#}");
    }
    Ok(())
}

/// What a person at a terminal sees of it.
fn operators_are_told(story: &Story) -> anyhow::Result<()> {
    let (code, listed) = said(story, &["errors", "list", "--map", "odd-texts"])?;
    ensure!(code == 0 && listed.len() < 20_000, "{code}: {} bytes", listed.len());
    for word in ["odd-texts", "bad-answer", "does-not-fit", "trap", "unreachable"] {
        ensure!(listed.contains(word), "no {word} in {listed}");
    }
    let (code, status) = said(story, &["status"])?;
    ensure!(code == 0, "{status}");
    for (map, ..) in MAPS {
        ensure!(status.contains(map), "no {map} in {status}");
    }
    Ok(())
}

/// A next version that lies about what it maps is refused, with its name and what is wrong, and the live one goes on.
fn liars_are_refused(story: &Story) -> anyhow::Result<()> {
    let lies = [
        ("nowhere", Table { dataverse: "msdyn_nowheres", ..TEXTS }, "msdyn_nowheres"),
        ("no-column", Table { text: ("Description", "msdyn_nothing"), ..TEXTS }, "msdyn_nothing"),
        ("no-source", Table { text: ("Nothing", "msdyn_description"), ..TEXTS }, "Nothing"),
        ("other-table", Table { key: SLOW.key, ..SLOW }, "a map of another table is another map"),
        (
            "other-key",
            Table {
                key: &[COMPANY, ("Name", "msdyn_description")],
                text: ("Description", "msdyn_name"),
                ..TEXTS
            },
            "another key",
        ),
    ];
    for (what, table, words) in lies {
        let file = story.runtime.config().with_file_name(format!("{what}.wasm"));
        std::fs::write(&file, next_component("odd-texts", "by_letter", &table)?)?;
        let path = file.to_str().context("the folder's name is not text")?;
        let (code, installed) = said(story, &["plugin", "install", path, "--json"])?;
        let installed: Value = serde_json::from_str(&installed).with_context(|| installed.clone())?;
        ensure!(code == 0, "{what}: {installed:#}");
        let digest = find_digest(&installed).with_context(|| format!("{what}: {installed:#}"))?;
        for action in ["shadow", "activate"] {
            let (code, answer) = said(story, &["plugin", action, "odd-texts", &digest])?;
            ensure!(code != 0 && answer.contains(words), "{what}: {action} ended with {code}: {answer}");
            ensure!(answer.contains("odd-texts"), "{what}: {answer}");
        }
    }
    Ok(())
}

fn find_digest(document: &Value) -> Option<String> {
    match document {
        Value::Object(fields) => match fields.get("digest").and_then(Value::as_str) {
            Some(digest) => Some(digest.to_owned()),
            None => fields.values().find_map(find_digest),
        },
        Value::Array(items) => items.iter().find_map(find_digest),
        _ => None,
    }
}

/// While one map takes its time over every batch, another's change arrives.
async fn others_pass_a_slow_map(story: &Story) -> anyhow::Result<()> {
    let tables = ["LegalEntities", "CustomersV3", SLOW.finops].map(str::to_owned);
    story.runtime.have_data_events_of(&story.pair, &tables).await?;
    let rows: Vec<(String, &str)> = (0..SLOW_ROWS).map(|index| (format!("S{index:02}"), "boom")).collect();
    create(story, &SLOW, &rows).await?;
    story.finops.update(&story.customer_path("O-1"), &json!({"SalesMemo": "Not held up."})).await?;
    story.shows("O-1", "description", "Not held up.").await?;
    let arrived = async || -> anyhow::Result<usize> {
        let log = write_log::read(&story.dataverse).await?;
        Ok(write_log::of_tables(&log, &[SLOW.dataverse.to_owned()]).len())
    };
    let before = arrived().await?;
    ensure!(before < SLOW_ROWS, "the honest map waited for all of the slow one's rows");
    wait_until(PATIENCE, async || {
        let arrived = arrived().await?;
        ensure!(arrived == SLOW_ROWS, "{arrived} slow rows arrived");
        Ok(())
    })
    .await
}
