//! `dualwright map import`: the maps that dual-write has become map files.

use std::path::{Path, PathBuf};

use clap::Args;
use dualwright_connect::Connector;
use dualwright_diagnostics::Exit;
use dualwright_map_builder::check::Schemas;
use dualwright_map_builder::dual_write::source::Found;
use dualwright_map_builder::dual_write::tables::Entity;
use dualwright_map_builder::dual_write::{Aids, Definition, Remark, Weight, import, tables_of};
use dualwright_model::{System, TableName};

use super::build::write_whole;
use super::dual_write::{environment, read_environment, read_file};
use crate::assembly::{connect_dataverse, connect_failure, connect_finops};
use crate::config::Config;
use crate::{Failure, Output};

mod report;

use report::{Report, Written};

const EXAMPLE: &str = "\
A FILE is a definition (the JSON of msdyn_mapping), rows of msdyn_dualwriteentitymap as JSON, a solution as it is
exported (.zip) or its customizations.xml, or the configuration of the automation tool, for keys and masters.

Each map becomes a folder with a map.toml. What cannot be carried over stands in it as a comment, in IMPORT.md beside
the folders, and on the screen: the map, the field, the reason, what to do. A filter that cannot be carried over stays
as it is: the map is refused when it starts, and never writes rows that are none of its business.

With --config or --from, both environments are asked: labels of F&O tables become entity sets, columns are spelled as
the systems spell them, and the key of the F&O entity becomes the map's key.

Exit codes:
  0  every map was carried over whole
  1  the maps were written, and something was not carried over or has to be looked at
  2  nothing was written: the command line or a file is wrong
  3  nothing was written: an environment could not be reached

Examples:
  dualwright map import maps_1_0_0_1.zip App.config --output maps
  dualwright map import --from dataverse --config dualwright.toml
  dualwright map import crates.json --table \"Crate types=ContosoCrateTypes\" --key CrateTypeId=contoso_code";

/// Turns the maps that dual-write has into map files, and says what cannot be carried over.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Import {
    /// Where the maps are; several may be given.
    #[arg(value_name = "FILE", required_unless_present = "from")]
    files: Vec<PathBuf>,
    /// Read the maps of a Dataverse environment: its address, or `dataverse` for the configuration's own.
    #[arg(long, value_name = "ENVIRONMENT")]
    from: Option<String>,
    /// The configuration with both environments and their credentials; with --from, dualwright.toml when left out.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder that gets a folder for each map.
    #[arg(short, long, default_value = "maps", value_name = "FOLDER")]
    output: PathBuf,
    /// Only maps whose name or table contains this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Which entity set a label of F&O means; may be given several times.
    #[arg(long, value_name = "LABEL=ENTITYSET", value_parser = pair)]
    table: Vec<(String, String)>,
    /// A pair of the key, for a single map; may be given several times.
    #[arg(long, value_name = "FINOPS=DATAVERSE", value_parser = pair)]
    key: Vec<(String, String)>,
    /// Overwrite maps that are there already.
    #[arg(long)]
    force: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (one, other) = text.split_once('=').ok_or("there is no = in it")?;
    let (one, other) = (one.trim(), other.trim());
    if one.is_empty() || other.is_empty() {
        return Err("both sides of the = must say something".to_owned());
    }
    Ok((one.to_owned(), other.to_owned()))
}

impl Import {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let config = match (&self.config, &self.from) {
            (Some(path), _) => Some(Config::load_systems(path)?),
            (None, Some(_)) => Some(Config::load_systems(Path::new("dualwright.toml"))?),
            (None, None) => None,
        };
        let mut found = Found::default();
        for file in &self.files {
            read_file(&mut found, file)?;
        }
        if let (Some(from), Some(config)) = (&self.from, &config) {
            let address = environment(from)?;
            read_environment(&mut found, config, address.as_ref()).await?;
        }
        let mut report = Report { general: found.keep_one_version(), ..Report::default() };
        self.choose(&mut found)?;
        let systems = match &config {
            Some(config) => Systems::ask(config, &mut report.general).await?,
            None => Systems::default(),
        };
        let sets = value_sets(&self.output);
        let mut maps = Vec::new();
        for (place, definition) in &found.definitions {
            let mut aids = Aids {
                tables: &self.table,
                entities: systems.entities.as_deref(),
                key: &self.key,
                automation: found.automation.as_ref(),
                schemas: None,
                value_sets: &sets,
            };
            let schemas = systems.schemas(definition, &aids, &mut report.general).await;
            aids.schemas = Some(&schemas);
            maps.push((place, import(definition, &aids)));
        }
        let mut names: Vec<String> = Vec::new();
        for (place, imported) in maps {
            let name = unique(imported.sheet.text("name"), &names);
            let file = self.output.join(&name).join("map.toml");
            if file.exists() && !self.force {
                return Err(Failure::usage("there is a map already")
                    .at(file.display())
                    .hint("choose another folder with --output, or overwrite it with --force"));
            }
            names.push(name.clone());
            report.maps.push(Written::new(name, file, place, imported));
        }
        for map in &report.maps {
            write(&map.file, &map.text())?;
        }
        write(&self.output.join("IMPORT.md"), &report.to_markdown())?;
        report.tell(&self.output, output)?;
        Ok(if report.is_whole() { Exit::Done } else { Exit::Runtime })
    }

    /// Leaves out what was not asked for.
    fn choose(&self, found: &mut Found) -> Result<(), Failure> {
        let wanted = |definition: &Definition| {
            let leg = definition.legs.first();
            let tables = leg.map(|leg| format!("{} {}", leg.source, leg.destination)).unwrap_or_default();
            let text = format!("{} {tables}", definition.name).to_lowercase();
            self.only.is_empty() || self.only.iter().any(|part| text.contains(&part.to_lowercase()))
        };
        let before = found.definitions.len();
        found.definitions.retain(|(_, definition)| wanted(definition));
        match found.definitions.len() {
            0 if before > 0 => Err(Failure::usage(format!("none of the {before} maps is meant by --only"))),
            0 => Err(Failure::usage("there is no map of dual-write in this")
                .hint("an automation tool's configuration holds keys and masters only: give the maps too")),
            1 => Ok(()),
            many if !self.key.is_empty() => {
                Err(Failure::usage(format!("--key is for one map, and these are {many}"))
                    .hint("choose one with --only"))
            }
            _ => Ok(()),
        }
    }
}

/// What both environments tell of their tables.
#[derive(Default)]
struct Systems {
    entities: Option<Vec<Entity>>,
    connectors: Vec<(System, std::sync::Arc<dyn Connector>)>,
}

impl Systems {
    /// Asks F&O for its entities. An environment that cannot be reached only makes the answer poorer, and that is said.
    async fn ask(config: &Config, remarks: &mut Vec<Remark>) -> Result<Self, Failure> {
        let mut systems = Self::default();
        let finops = connect_finops(config)?;
        match finops.entities().await {
            Ok(entities) => {
                let entity = |entity: dualwright_connect::finops::EntityName| Entity {
                    name: entity.name,
                    set: entity.set,
                    singular: entity.singular,
                    label: entity.label,
                };
                systems.entities = Some(entities.into_iter().map(entity).collect());
                systems.connectors.push((System::Finops, std::sync::Arc::new(finops)));
            }
            Err(error) => {
                let reason =
                    format!("it could not be asked for its tables: {}", connect_failure(&error).reason());
                remarks.push(Remark::unsure("F&O", reason));
            }
        }
        let dataverse = connect_dataverse(config, None)?;
        match dataverse.check_access().await {
            Ok(_) => systems.connectors.push((System::Dataverse, dataverse)),
            Err(error) => {
                let reason =
                    format!("it could not be asked for its tables: {}", connect_failure(&error).reason());
                remarks.push(Remark::unsure("Dataverse", reason));
            }
        }
        Ok(systems)
    }

    /// The tables of a definition as their systems describe them.
    async fn schemas(&self, definition: &Definition, aids: &Aids<'_>, remarks: &mut Vec<Remark>) -> Schemas {
        let mut schemas = Schemas::default();
        let (finops, dataverse) = tables_of(definition, aids);
        for (system, connector) in &self.connectors {
            let table = if *system == System::Finops { &finops } else { &dataverse };
            match connector.describe(&TableName::new(table.as_str()), &[]).await {
                Ok(schema) => schemas.insert(*system, schema.as_ref().clone()),
                Err(error) => {
                    let reason = connect_failure(&error).reason();
                    remarks.push(Remark::unsure(format!("{system} {table}"), reason));
                }
            }
        }
        schemas
    }
}

/// The named value sets within reach of a map in this folder.
fn value_sets(folder: &Path) -> Vec<String> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let files = absolute.ancestors().filter_map(|folder| std::fs::read_dir(folder.join("values")).ok());
    let paths = files.flatten().flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

/// The name, or the next of its kind: two maps may have the same tables.
fn unique(name: &str, taken: &[String]) -> String {
    let name = if name.is_empty() { "map" } else { name };
    let mut candidate = name.to_owned();
    let mut number = 2;
    while taken.contains(&candidate) {
        candidate = format!("{name}-{number}");
        number += 1;
    }
    candidate
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error| Failure::runtime("cannot write the file").at(path.display()).because(error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    write_whole(path, text.as_bytes()).map_err(failed)
}

/// Whether a remark is about something that somebody must do.
fn is_heavy(remark: &Remark) -> bool {
    remark.weight != Weight::Note
}
