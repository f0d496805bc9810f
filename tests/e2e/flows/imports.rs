//! The maps of dual-write, read out of an environment over HTTP.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use support::{Pair, RUNTIME, Runtime, System};

/// A definition as dual-write saves it: the F&O table by its label, columns in capitals, no key.
fn definition(filter: &str, more: Value) -> String {
    let mut fields = vec![
        json!({ "syncDirection": "3", "sourceField": "CUSTOMERGROUPID", "destinationField": "msdyn_groupid",
            "isSystemGenerated": true }),
        json!({ "syncDirection": 3, "sourceField": "DESCRIPTION", "destinationField": "msdyn_description" }),
        json!({ "syncDirection": "Both", "sourceField": "ISSALESTAXINCLUDEDINPRICE",
            "destinationField": "msdyn_issalestaxincludedinprice",
            "valueTransforms": [{ "transformType": "ValueMap", "valueMap": { "yes": "true", "no": "false" } }] }),
    ];
    fields.extend(more.as_array().cloned().unwrap_or_default());
    let leg = json!({
        "sourceEnvironmentType": "AX", "sourceSchema": "Customer groups", "sourceFilter": filter,
        "destinationEnvironmentType": "CRM", "destinationSchema": "msdyn_customergroups",
        "reversedSourceFilter": "", "fieldMappings": fields,
    });
    json!({ "name": NAME, "legs": [leg] }).to_string()
}

const NAME: &str = "[Customer groups] - [msdyn_customergroups]";

fn run(config: &Path, arguments: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
    let path = config.display().to_string();
    run_without(config, &[arguments, &["--config", &path]].concat())
}

/// The same for a command that asks no system.
fn run_without(config: &Path, arguments: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
    let output = support::command()?
        .args(arguments)
        .arg("--json")
        .env("TEST_RUNTIME_SECRET", format!("{RUNTIME}-secret"))
        .current_dir(config.parent().context("no folder")?)
        .output()?;
    let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let document = serde_json::from_slice(said)
        .with_context(|| format!("{arguments:?} printed {}", String::from_utf8_lossy(said)))?;
    Ok((output.status.code(), document))
}

/// The newest version of a map is read, its label, columns and key are those of the systems, and the map that comes of it
/// fits both. What has no counterpart is told, and the exit code says so.
#[tokio::test(flavor = "multi_thread")]
async fn maps_are_read_out_of_an_environment() -> anyhow::Result<()> {
    let pair = Pair::start()?;
    let dataverse = pair.person(System::Dataverse).await?;
    let older =
        definition("", json!([{ "syncDirection": 1, "sourceField": "GONE", "destinationField": "gone" }]));
    let newer = definition("(DESCRIPTION != \"\")", json!([]));
    for (version, mapping) in [("1.0.0.9", &older), ("1.0.0.10", &newer)] {
        let row = json!({ "msdyn_name": NAME, "msdyn_version": version, "msdyn_mapping": mapping });
        dataverse.create("msdyn_dualwriteentitymaps", &row).await?;
    }
    let runtime = Runtime::new(&pair, &[])?;
    let config = runtime.config();
    let (code, said) = run(&config, &["map", "import", "--from", "dataverse"])?;
    ensure!(code == Some(0), "{code:?}: {said:#}");
    ensure!(said["whole"] == true && said["maps"][0]["fields"] == 2, "{said:#}");
    let file = config.with_file_name("maps").join("customer-groups-msdyn-customergroups/map.toml");
    let map = std::fs::read_to_string(&file)?;
    for line in [
        "finops = \"CustomerGroups\"",
        "{ finops = \"dataAreaId\", dataverse = \"msdyn_company.cdm_companycode\" }",
        "{ finops = \"CustomerGroupId\", dataverse = \"msdyn_groupid\" }",
        "filter = { finops = \"DESCRIPTION ne ''\" }",
        "{ finops = \"Description\", dataverse = \"msdyn_description\" }",
        "values = { No = false, Yes = true }",
    ] {
        ensure!(map.contains(line), "{line} is not in {map}");
    }
    let path = file.display().to_string();
    let (code, said) = run(&config, &["map", "check", &path])?;
    ensure!(code == Some(0), "the imported map does not fit: {said:#}");

    // A later version that cannot be carried over whole, in the same environment named by its address.
    let filter = "ValidTo > DateTimeUtil::utcNow()";
    let row = json!({ "msdyn_name": NAME, "msdyn_version": "2.0.0.0", "msdyn_mapping": definition(filter, json!([])) });
    dataverse.create("msdyn_dualwriteentitymaps", &row).await?;
    let address = pair.dataverse.url();
    let (code, said) = run(&config, &["map", "import", "--from", &address, "--output", "later"])?;
    let lost = &said["maps"][0]["remarks"][0];
    ensure!(code == Some(1) && said["whole"] == false, "{code:?}: {said:#}");
    ensure!(lost["weight"] == "lost" && lost["subject"] == "filter over F&O", "{said:#}");
    let reason = lost["reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("DateTimeUtil::utcNow()"), "{said:#}");
    let path = config.with_file_name("later").join("customer-groups-msdyn-customergroups/map.toml");
    let (code, _) = run(&config, &["map", "check", &path.display().to_string()])?;
    ensure!(code == Some(2), "a map with a filter that nobody understands passed its check");
    Ok(())
}

/// What a script learns from the exit code: 0 the same, 1 different, 2 trouble, and never one for another. Versions in files,
/// in components and in a runtime's registry, and dual-write's own maps in an environment, can be compared with each other.
#[tokio::test(flavor = "multi_thread")]
async fn maps_are_compared_wherever_they_are() -> anyhow::Result<()> {
    let pair = Pair::start()?;
    let runtime = Runtime::new(&pair, &[])?;
    let config = runtime.config();
    let folder = config.parent().context("no folder")?;
    let map = support::catalogue(&["customers/customer-groups"]).remove(0);
    let text =
        std::fs::read_to_string(&map)?.replace("values = \"yes-no\"", "values = { No = false, Yes = true }");
    std::fs::write(folder.join("one.toml"), &text)?;
    std::fs::write(
        folder.join("two.toml"),
        text.replace("1.0.0", "1.1.0").replace("msdyn_description", "other"),
    )?;
    let built = support::command()?.args(["map", "build", "one.toml"]).current_dir(folder).output()?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // As a runtime keeps what is installed, beside its store.
    let installed = folder.join("store.plugins/components");
    std::fs::create_dir_all(&installed)?;
    std::fs::copy(folder.join("one.wasm"), installed.join(format!("{}.wasm", "ab12".repeat(16))))?;

    let diff = |one: &str, other: &str| run(&config, &["map", "diff", one, other]);
    let catalogue = map.display().to_string();
    for (one, other) in [
        ("one.toml", catalogue.as_str()),
        ("one.toml", "one.wasm"),
        ("ab12ab12", "one.wasm"),
        ("customer-groups@1.0.0", "one.toml"),
    ] {
        let (code, said) = diff(one, other)?;
        ensure!(code == Some(0) && said["same"] == true, "{one} and {other}: {code:?}: {said:#}");
    }
    for other in ["one.toml", "one.wasm", "customer-groups@1.0.0"] {
        let (code, said) = diff(other, "two.toml")?;
        let differences = said["maps"][0]["differences"].as_array().context("no differences")?;
        let about = |subject: &str| differences.iter().any(|difference| difference["subject"] == subject);
        ensure!(code == Some(1) && said["same"] == false, "{other}: {code:?}: {said:#}");
        ensure!(about("map") && about("to Dataverse: other"), "{other}: {said:#}");
    }
    for (one, other) in
        [("one.toml", "nothing"), ("one.toml", "customer-groups@9.9.9"), ("one.toml", "dualwright.log")]
    {
        let (code, said) = diff(one, other)?;
        ensure!(code == Some(2) && said["error"].is_object(), "{one} and {other}: {code:?}: {said:#}");
    }

    // Exported into an environment, the map is the same there.
    let (_, exported) = run_without(&config, &["map", "export", "one.toml", "--rows"])?;
    let dataverse = pair.person(System::Dataverse).await?;
    dataverse.create("msdyn_dualwriteentitymaps", &exported["definition"]["value"][0]).await?;
    let (code, said) = diff(&pair.dataverse.url(), "one.toml")?;
    ensure!(code == Some(0) && said["maps"][0]["compared"] == "written", "{code:?}: {said:#}");
    Ok(())
}
