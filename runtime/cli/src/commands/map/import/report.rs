//! What an import says: on the screen, as JSON, and in a file that stays.

use std::path::{Path, PathBuf};

use dualwright_map_builder::dual_write::{Imported, Remark, Weight};
use dualwright_model::System;
use serde::Serialize;

use super::is_heavy;
use crate::{Failure, Output};

/// What came of the whole.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) maps: Vec<Written>,
    /// What concerns no single map.
    pub(super) general: Vec<Remark>,
}

/// One map.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    name: String,
    pub(super) file: PathBuf,
    from: String,
    fields: usize,
    remarks: Vec<Remark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master: Option<System>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_sync: Option<bool>,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct Document<'a> {
    whole: bool,
    #[serde(flatten)]
    report: &'a Report,
}

impl Written {
    pub(super) fn new(name: String, file: PathBuf, from: &str, mut imported: Imported) -> Self {
        let word = toml::Value::String(name.clone());
        imported.sheet.header.insert("name".to_owned(), word);
        Self {
            name,
            file,
            from: from.to_owned(),
            fields: imported.sheet.fields.len(),
            text: imported.to_text(),
            remarks: imported.remarks,
            master: imported.master,
            initial_sync: imported.initial_sync,
        }
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    fn count(&self, weight: Weight) -> usize {
        self.remarks.iter().filter(|remark| remark.weight == weight).count()
    }

    /// The lines of the configuration that put the map to work.
    fn configuration(&self) -> String {
        let file = toml::Value::String(self.file.display().to_string());
        let mut lines = format!("[[map]]\nfile = {file}\n");
        if let Some(master) = self.master {
            let master = match master {
                System::Finops => "finops",
                System::Dataverse => "dataverse",
            };
            lines.push_str(&format!("master = \"{master}\"\n"));
        }
        if self.initial_sync == Some(false) {
            lines.push_str("initial-sync = false\n");
        }
        lines
    }
}

impl Report {
    /// Whether everything was carried over, and nothing guessed.
    pub(super) fn is_whole(&self) -> bool {
        let of_maps = self.maps.iter().flat_map(|map| &map.remarks);
        !of_maps.chain(&self.general).any(is_heavy)
    }

    pub(super) fn tell(&self, folder: &Path, output: &Output) -> Result<(), Failure> {
        for map in &self.maps {
            let fields =
                if map.fields == 1 { "1 field".to_owned() } else { format!("{} fields", map.fields) };
            output.line(format!("{}: {fields}{}", map.file.display(), counted(map)));
            tell_each(&map.remarks, output);
        }
        if !self.general.is_empty() {
            output.line("beside the maps:");
            tell_each(&self.general, output);
        }
        output.line(format!(
            "{} map{} written; {} has all of this, and the lines for dualwright.toml",
            self.maps.len(),
            if self.maps.len() == 1 { "" } else { "s" },
            folder.join("IMPORT.md").display()
        ));
        if let Some(map) = self.maps.first() {
            output
                .line(format!("next: dualwright map check {} --config dualwright.toml", map.file.display()));
        }
        output.document(&Document { whole: self.is_whole(), report: self })
    }

    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::from(
            "# Imported maps\n\nWritten by `dualwright map import`. What is listed as *not carried* is not done by the \
             map; what is listed as *please check* was guessed.\n",
        );
        for map in &self.maps {
            text.push_str(&format!("\n## {}\n\nFrom {}.\n", map.name, map.from));
            text.push_str(&listed(&map.remarks));
        }
        if !self.general.is_empty() {
            text.push_str("\n## Beside the maps\n");
            text.push_str(&listed(&self.general));
        }
        text.push_str(
            "\n## Lines for dualwright.toml\n\nPaths are seen from the configuration's folder: mend them where it is \
             another than the one in which the import ran.\n\n```toml\n",
        );
        let lines: Vec<String> = self.maps.iter().map(Written::configuration).collect();
        text.push_str(&lines.join("\n"));
        text.push_str("```\n");
        text
    }
}

fn counted(map: &Written) -> String {
    let part = |weight: Weight| match map.count(weight) {
        0 => String::new(),
        count => format!(", {count} {}", weight.words()),
    };
    let parts = format!("{}{}", part(Weight::Lost), part(Weight::Unsure));
    if parts.is_empty() { ", all carried over".to_owned() } else { parts }
}

fn tell_each(remarks: &[Remark], output: &Output) {
    for remark in remarks {
        output.line(format!("  {}: {}: {}", remark.weight.words(), remark.subject, remark.reason));
        if let Some(next) = &remark.next {
            output.line(format!("    next: {next}"));
        }
    }
}

fn listed(remarks: &[Remark]) -> String {
    if remarks.is_empty() {
        return "\nEverything was carried over.\n".to_owned();
    }
    let line = |remark: &Remark| {
        let next = remark.next.as_ref().map(|next| format!(" Next: {next}.")).unwrap_or_default();
        // Somebody else wrote the subject: it must not become a heading or a link.
        let subject = remark.subject.replace(['`', '\n', '\r'], " ");
        format!(
            "- *{}*: `{subject}`: {}.{next}\n",
            remark.weight.words(),
            remark.reason.replace(['\n', '\r'], " ")
        )
    };
    let lines: Vec<String> = remarks.iter().map(line).collect();
    format!("\n{}", lines.concat())
}
