//! A map that traps, spins, eats memory or answers garbage costs its own records only.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::{Pair, Turn, catalogue, wait_until};

use super::bad_values::said;
use super::guest::{Table, component};
use super::story::{PATIENCE, Story, customer};

const COMPANY: (&str, &str) = ("dataAreaId", "msdyn_company.cdm_companycode");

/// What each hostile map does, to which table, and a word of the reason that must be told.
const MAPS: [(&str, Table, &str); 4] = [
    (
        "trap",
        Table {
            finops: "PaymentTerms",
            dataverse: "msdyn_paymentterms",
            key: &[COMPANY, ("Name", "msdyn_name")],
            text: ("Description", "msdyn_description"),
        },
        "trap",
    ),
    (
        "spin",
        Table {
            finops: "CustomerGroups",
            dataverse: "msdyn_customergroups",
            key: &[COMPANY, ("CustomerGroupId", "msdyn_groupid")],
            text: ("Description", "msdyn_description"),
        },
        "time",
    ),
    (
        "memory",
        Table {
            finops: "VendorGroups",
            dataverse: "msdyn_vendorgroups",
            key: &[COMPANY, ("VendorGroupId", "msdyn_vendorgroup")],
            text: ("Description", "msdyn_description"),
        },
        "memory",
    ),
    (
        "variant",
        Table {
            finops: "UnitsOfMeasure",
            dataverse: "uoms",
            key: &[("UnitSymbol", "msdyn_symbol")],
            text: ("UnitDescription", "msdyn_description"),
        },
        "answer",
    ),
];

fn row(table: &Table, name: &str, text: &str) -> Value {
    let mut row = json!({ table.text.0: text });
    for (column, _) in table.key {
        row[*column] = json!(if *column == "dataAreaId" { "usmf" } else { name });
    }
    row
}

// I9: a guest's fault costs its own batch only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_maps_lose_their_own_records_only() -> anyhow::Result<()> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let mut components: Vec<PathBuf> = Vec::new();
    for (name, table, _) in &MAPS {
        let path = pair.folder().join(format!("{name}.wasm"));
        std::fs::write(&path, component(&format!("hostile-{name}"), name, table)?)?;
        components.push(path);
    }
    let honest = catalogue(&["company/legal-entities-companies", "pre-party/customers-accounts"]);
    let config = "[limits]\nguest-deadline = \"1s\"\nguest-memory = \"16MiB\"\n";
    let mut story = Story::with(turn, pair, honest, components, config).await?;
    for (_, table, _) in &MAPS {
        for name in ["A1", "A2", "A3"] {
            let text = if name == "A2" { "boom" } else { "harmless" };
            story.finops.create(table.finops, &row(table, name, text)).await?;
        }
    }
    story.finops.create("CustomersV3", &customer("O-1")).await?;
    story.run().await?;
    letters_are_dead(&story, 4).await?;
    let honest = ["LegalEntities", "CustomersV3"];
    let tables: Vec<String> = MAPS.iter().map(|map| map.1.finops).chain(honest).map(str::to_owned).collect();
    story.runtime.have_data_events_of(&story.pair, &tables).await?;
    for (name, table, reason) in &MAPS {
        let map = format!("hostile-{name}");
        let dead = story.runtime.get(&format!("/v1/dead-letters?map={map}")).await?;
        let letter = &dead["dead_letters"][0];
        ensure!(letter["key"].as_str().is_some_and(|key| key.to_lowercase().contains("a2")), "{letter:#}");
        ensure!(letter["class"] == "guest", "{letter:#}");
        ensure!(!letter["message"].as_str().unwrap_or_default().is_empty(), "{letter:#}");
        eprintln!("{name}: {} {}", letter["code"], letter["message"]);
        ensure!(format!("{} {}", letter["code"], letter["message"]).contains(reason), "{letter:#}");
        // The harmless records beside it arrived, by the same map.
        let key = table.key[table.key.len() - 1].1;
        for name in ["A1", "A3"] {
            wait_until(PATIENCE, async || {
                ensure!(
                    story.dataverse.find(table.dataverse, key, name).await?.is_some(),
                    "{map}: no {name}"
                );
                Ok(())
            })
            .await?;
        }
        ensure!(story.dataverse.find(table.dataverse, key, "A2").await?.is_none(), "{map}: a poisoned row");
        a_live_change_dies_alone(&story, &map, table).await?;
    }
    mute_components_are_refused(&story)?;
    // The other maps go on in both directions.
    story.finops.update(&story.customer_path("O-1"), &json!({"SalesMemo": "Unharmed."})).await?;
    story.shows("O-1", "description", "Unharmed.").await?;
    let account = story.account_path("O-1").await?;
    story.dataverse.update(&account, &json!({"emailaddress1": "unharmed@example.com"})).await?;
    story.customer_shows("O-1", "PrimaryContactEmail", "unharmed@example.com").await?;
    Ok(())
}

/// What never says what it is, or says nonsense, is refused with its name, and remembered.
fn mute_components_are_refused(story: &Story) -> anyhow::Result<()> {
    let told = [("describe_spin", "ran longer than 1000 ms"), ("start", "unreachable")];
    for (body, words) in told {
        let file = story.runtime.config().with_file_name(format!("{body}.wasm"));
        std::fs::write(&file, component("mute", body, &MAPS[0].1)?)?;
        let path = file.to_str().context("the folder's name is not text")?;
        let (code, answer) = said(story, &["plugin", "install", path])?;
        ensure!(
            code != 0 && answer.contains(&format!("{body}.wasm describes itself wrongly")),
            "{code}: {answer}"
        );
        ensure!(answer.contains(words), "{answer}");
    }
    let (code, listed) = said(story, &["plugin", "list"])?;
    ensure!(code == 0 && told.iter().all(|(body, _)| listed.contains(body)), "{listed}");
    Ok(())
}

/// What the map cannot digest dies live too, what comes after it arrives, and so does the record itself once it is mended.
async fn a_live_change_dies_alone(story: &Story, map: &str, table: &Table) -> anyhow::Result<()> {
    let says = async |name: &str, text: &str| {
        story.finops.update(&path(table, name), &json!({ table.text.0: text })).await
    };
    let shows = async |name: &str, text: &str| {
        let key = table.key[table.key.len() - 1].1;
        story.row_shows(&story.dataverse, (table.dataverse, key, name), table.text.1, text).await
    };
    says("A1", "boom").await?;
    wait_until(PATIENCE, async || {
        let dead = story.runtime.get(&format!("/v1/dead-letters?map={map}")).await?;
        let dead = dead["dead_letters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let about_it = |letter: &&Value| letter["key"].as_str().is_some_and(|key| key.ends_with("a1"));
        let letter = dead.iter().find(about_it).with_context(|| format!("{map}: no letter: {dead:#?}"))?;
        assert_eq!(letter["class"], "guest", "{letter:#}");
        Ok(())
    })
    .await?;
    says("A3", "fresh").await?;
    shows("A3", "fresh").await?;
    shows("A1", "harmless").await?;
    says("A1", "mended").await?;
    shows("A1", "mended").await?;
    says("A2", "mended").await?;
    shows("A2", "mended").await
}

/// The address of a row in F&O.
fn path(table: &Table, name: &str) -> String {
    let value = |column| if column == "dataAreaId" { "usmf" } else { name };
    let parts: Vec<String> =
        table.key.iter().map(|(column, _)| format!("{column}='{}'", value(*column))).collect();
    format!("{}({})", table.finops, parts.join(","))
}

async fn letters_are_dead(story: &Story, count: usize) -> anyhow::Result<()> {
    let dead = wait_until(PATIENCE, async || {
        let dead = story.runtime.dead_letters().await?;
        ensure!(dead.len() == count, "{} letters are dead: {dead:#?}", dead.len());
        Ok(())
    });
    dead.await
}
