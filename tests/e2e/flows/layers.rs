//! What partners and customers stack on a standard map: the examples `customer-credit-control` and `customer-loyalty`, built
//! as their authors build them, on `customers-accounts`.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::{Pair, RUNTIME, Turn, catalogue, wait_until};

use super::bad_values::said;
use super::operator::done;
use super::story::{PATIENCE, Story, customer};

const MAP: &str = "customers-accounts";
const MAPS: [&str; 3] =
    ["company/legal-entities-companies", "customers/customer-groups", "pre-party/customers-accounts"];

/// A component of an example, in the story's folder.
fn example(pair: &Pair, name: &str) -> anyhow::Result<PathBuf> {
    let component = pair.folder().join(format!("{name}.wasm"));
    build(&support::repository().join("examples").join(name), &component)?;
    Ok(component)
}

fn build(map: &Path, component: &Path) -> anyhow::Result<()> {
    let built = support::command()?.args(["map", "build"]).arg(map).arg("-o").arg(component).output()?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(())
}

/// The same component with other words in it, each as long as the one that it replaces.
fn reworded(component: &Path, file: &str, words: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
    let mut bytes = std::fs::read(component)?;
    for (old, new) in words {
        ensure!(old.len() == new.len(), "{old} is as long as {new}");
        let places: Vec<usize> = bytes
            .windows(old.len())
            .enumerate()
            .filter(|(_, at)| *at == old.as_bytes())
            .map(|(at, _)| at)
            .collect();
        ensure!(!places.is_empty(), "there is no {old} in {}", component.display());
        for place in places {
            bytes[place..place + new.len()].copy_from_slice(new.as_bytes());
        }
    }
    let path = component.with_file_name(file);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// The standard map with both on it; `grants` are those of the upper one.
async fn open(grants: &str) -> anyhow::Result<(Story, PathBuf)> {
    let turn = Turn::take().await?;
    let pair = Pair::start()?;
    let control = example(&pair, "customer-credit-control")?;
    let loyalty = example(&pair, "customer-loyalty")?;
    let story = Story::with(turn, pair, catalogue(&MAPS), Vec::new(), "").await?;
    let layers = format!("[[map.layer]]\nfile = {control:?}\n[[map.layer]]\nfile = {loyalty:?}\n{grants}");
    // The map is the last one of the configuration.
    let config = std::fs::read_to_string(story.runtime.config())?;
    std::fs::write(story.runtime.config(), format!("{config}\n{layers}"))?;
    Ok((story, loyalty))
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the folder's name is not text")
}

async fn letter(story: &Story) -> anyhow::Result<Value> {
    wait_until(PATIENCE, async || {
        story.runtime.dead_letters().await?.into_iter().next().context("nothing was refused")
    })
    .await
}

/// What the runtime answers to whoever asks before saving.
async fn checked(story: &Story, record: &Value) -> anyhow::Result<Value> {
    let question = json!({ "leg": "to-dataverse", "record": record });
    story.runtime.post(&format!("/v1/maps/{MAP}/check"), &question).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_refuse_with_all_reasons_and_extensions_add() -> anyhow::Result<()> {
    let (mut story, loyalty) = open("").await?;
    story.finops.create("CustomersV3", &customer("C-1")).await?;
    story.run().await?;
    story.shows("C-1", "new_loyaltytier", "Bronze").await?;
    // The other direction goes through the map alone.
    let account = story.account_path("C-1").await?;
    story.dataverse.update(&account, &json!({ "description": "Moved." })).await?;
    story.customer_shows("C-1", "SalesMemo", "Moved.").await?;
    story.settle().await?;
    story.nothing_went_wrong().await?;

    let mut bad = customer("C-2");
    (bad["CreditLimit"], bad["OnHoldStatus"], bad["SalesMemo"]) = (json!(250_000), json!("All"), json!(""));
    let reasons = json!([
        { "field": "CreditLimit", "code": "unwatched-limit",
          "message": "a credit limit from 100000 on has to be a mandatory one (validator customer-credit-control 0.1.0)" },
        { "field": "SalesMemo", "code": "hold-without-reason",
          "message": "a customer on hold needs a note that says why (validator customer-credit-control 0.1.0)" },
    ]);
    // Whoever asks first is told, and nothing happens.
    let answer = checked(&story, &bad).await?;
    ensure!(answer["accepted"] == false && answer["violations"] == reasons, "{answer:#}");
    // Whoever does not finds it among the dead letters.
    story.finops.create("CustomersV3", &bad).await?;
    let dead = letter(&story).await?;
    ensure!(dead["violations"] == reasons && dead["code"] == "unwatched-limit", "{dead:#}");
    let (code, listed) = said(&story, &["errors", "list"])?;
    ensure!(code == 0 && listed.contains("[unwatched-limit]"), "{listed}");
    ensure!(listed.contains("[hold-without-reason]"), "{listed}");

    // Mended, it arrives.
    let mended = json!({ "CreditLimitIsMandatory": "Yes", "SalesMemo": "Disputes invoice 7." });
    for (column, value) in mended.as_object().context("an object")? {
        bad[column] = value.clone();
    }
    let answer = checked(&story, &bad).await?;
    ensure!(answer["accepted"] == true && answer["cells"]["new_loyaltytier"] == "Gold", "{answer:#}");
    ensure!(story.dataverse.find("accounts", "accountnumber", "C-2").await?.is_none(), "a question wrote it");
    story.finops.update(&story.customer_path("C-2"), &mended).await?;
    story.shows("C-2", "new_loyaltytier", "Gold").await?;
    story.runtime.wait_until_quiet(PATIENCE).await?;

    a_layer_is_swapped(&story, &loyalty).await?;
    one_column_has_one_owner(&story, &loyalty)?;
    the_base_is_upgraded_below_its_layers(&story).await
}

/// Another version of one layer, and what the one before wrote done again.
async fn a_layer_is_swapped(story: &Story, loyalty: &Path) -> anyhow::Result<()> {
    let next = reworded(loyalty, "loyalty-2.wasm", &[("0.1.0", "0.2.0"), ("Gold", "Opal")])?;
    done(story, &["plugin", "install", text(&next)?])?;
    done(story, &["plugin", "activate", "customer-loyalty", "0.2.0"])?;
    done(story, &["plugin", "reapply", "customer-loyalty", "0.1.0"])?;
    story.shows("C-2", "new_loyaltytier", "Opal").await?;
    story.shows("C-1", "new_loyaltytier", "Bronze").await
}

fn one_column_has_one_owner(story: &Story, loyalty: &Path) -> anyhow::Result<()> {
    let rival = reworded(loyalty, "rival.wasm", &[("customer-loyalty", "customer-bonuses")])?;
    let (code, told) = said(story, &["plugin", "install", text(&rival)?])?;
    ensure!(code != 0 && told.contains("both own new_loyaltytier"), "{code}: {told}");
    // Nor can it be started with: what the operator asks first says so.
    let map = support::repository().join("plugins/catalogue/pre-party/customers-accounts.toml");
    let (code, told) = said(story, &["map", "check", "--json", text(&map)?, "--with", text(&rival)?])?;
    ensure!(code != 0 && told.contains("two-owners"), "{code}: {told}");
    let config = std::fs::read_to_string(story.runtime.config())?;
    let rivals = story.runtime.config().with_file_name("rivals.toml");
    std::fs::write(&rivals, format!("{config}\n[[map.layer]]\nfile = {rival:?}\n"))?;
    let mut command = support::command()?;
    // The layers are judged before anybody signs in.
    command.args(["run", "--config"]).arg(&rivals).env("TEST_RUNTIME_SECRET", support::secret(RUNTIME));
    let started = command.output()?;
    let told = String::from_utf8_lossy(&started.stderr);
    ensure!(!started.status.success() && told.contains("both own new_loyaltytier"), "{told}");
    Ok(())
}

async fn the_base_is_upgraded_below_its_layers(story: &Story) -> anyhow::Result<()> {
    let catalogue = support::repository().join("plugins/catalogue");
    let folder = story.runtime.config().with_file_name("next");
    std::fs::create_dir_all(folder.join("values"))?;
    for file in std::fs::read_dir(catalogue.join("values"))? {
        let file = file?;
        std::fs::copy(file.path(), folder.join("values").join(file.file_name()))?;
    }
    let source = std::fs::read_to_string(catalogue.join("pre-party/customers-accounts.toml"))?;
    let map = folder.join("customers-accounts.toml");
    std::fs::write(&map, source.replacen("version = \"1.0.0\"", "version = \"1.1.0\"", 1))?;
    let next = map.with_extension("wasm");
    build(&map, &next)?;
    done(story, &["plugin", "install", text(&next)?])?;
    done(story, &["plugin", "activate", MAP, "1.1.0"])?;
    let maps = story.runtime.get("/v1/maps").await?;
    let map = maps["maps"]
        .as_array()
        .and_then(|maps| maps.iter().find(|map| map["map"] == MAP))
        .context("no map")?;
    ensure!(map["version"] == "1.1.0 + customer-credit-control 0.1.0 + customer-loyalty 0.2.0", "{map:#}");
    story.finops.create("CustomersV3", &customer("C-3")).await?;
    story.shows("C-3", "new_loyaltytier", "Bronze").await
}

// I6: a column that was not granted never enters the sandbox.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_withholds_a_layer_does_not_see() -> anyhow::Result<()> {
    let (mut story, _) = open("[map.layer.grants]\nwithhold = [\"CreditLimit\"]\n").await?;
    story.finops.create("CustomersV3", &customer("C-1")).await?;
    story.run().await?;
    // The map sees the limit, the extension does not, and says nothing of a tier.
    story.shows("C-1", "creditlimit", "1000.5").await?;
    story.shows("C-1", "new_loyaltytier", "").await?;
    story.nothing_went_wrong().await
}
