//! `dualwright trace`: one record's whole story.

use clap::Args;
use dualwright_diagnostics::Exit;
use serde_json::Value;

use crate::operator::Address;
use crate::{Failure, Output};

const EXAMPLE: &str = "\
Example:
  dualwright trace customers-accounts usmf C-001";

/// Tell one record's whole story: both sides, who wrote them last, what waits, what failed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Trace {
    /// The map.
    map: String,
    /// The record's key, part by part, in the order of the map's key.
    #[arg(required = true)]
    key: Vec<String>,
    #[command(flatten)]
    address: Address,
}

impl Trace {
    pub(crate) async fn run(self, output: &Output) -> Result<Exit, Failure> {
        let query: Vec<(&str, &str)> = self.key.iter().map(|part| ("key", part.as_str())).collect();
        let story = self.address.open()?.get(&format!("/v1/maps/{}/records", self.map), &query).await?;
        output.document(&story)?;
        for line in tell(&story) {
            output.line(line);
        }
        Ok(Exit::Done)
    }
}

/// The story in lines.
fn tell(story: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| "?".to_owned(), str::to_owned);
    let key: Vec<String> = list(&story["key"]).iter().map(text).collect();
    let mut lines = vec![format!("{} {}", text(&story["map"]), key.join(" "))];
    if story["link"].is_null() {
        lines.push("  not linked: never synchronised, deleted since, or outside the map's filter".to_owned());
    }
    for (name, side) in [("F&O", "finops"), ("Dataverse", "dataverse")] {
        let side = &story["link"][side];
        if side.is_null() {
            continue;
        }
        let key: Vec<String> = list(&side["key"]).iter().map(text).collect();
        lines.push(format!("  {name}: row {} (key {})", text(&side["id"]), key.join(" ")));
        if let Some(since) = side["known_since"].as_str() {
            lines.push(format!("    known since {since}"));
        }
        lines.push(match &side["written_by"] {
            Value::Null => "    never written by a map".to_owned(),
            writer => format!(
                "    written last by version {} ({})",
                text(&writer["map_version"]),
                text(&writer["digest"]).chars().take(12).collect::<String>()
            ),
        });
    }
    for entry in list(&story["pending"]) {
        let wait = entry["waits"]["reason"].as_str().map_or("ready".to_owned(), |reason| {
            format!("waits until {}: {reason}", text(&entry["waits"]["not_before"]))
        });
        lines.push(format!("  captured, {} (entry {}): {wait}", text(&entry["leg"]), entry["sequence"]));
    }
    for letter in list(&story["dead_letters"]) {
        lines.push(format!(
            "  dead letter {} of {}, {}: {}",
            letter["id"],
            text(&letter["at"]),
            text(&letter["leg"]),
            text(&letter["message"])
        ));
    }
    for line in list(&story["activities"]) {
        lines.push(format!("  {} {}: {}", text(&line["at"]), text(&line["kind"]), text(&line["message"])));
    }
    lines
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::tell;

    #[test]
    fn a_story_reads_from_top_to_bottom() {
        let side = |id: &str| {
            json!({ "id": id, "key": ["usmf", "C-1"], "known_since": "2026-11-23T11:00:00Z",
            "written_by": { "map_version": "1.2.0", "digest": "0123456789abcdef" } })
        };
        let story = json!({
            "map": "customers-accounts", "key": ["usmf", "c-1"],
            "link": { "finops": { "id": "5637", "key": ["usmf", "C-1"], "known_since": null, "written_by": null },
                "dataverse": side("6d81") },
            "pending": [{ "sequence": 7, "leg": "to-finops", "waits": null }],
            "dead_letters": [{ "id": 3, "at": "2026-11-23T10:00:00Z", "leg": "to-dataverse", "message": "too long" }],
            "activities": [],
        });
        let told = tell(&story).join("\n");
        assert_eq!(
            told,
            "customers-accounts usmf c-1\n  F&O: row 5637 (key usmf C-1)\n    never written by a map\n  \
             Dataverse: row 6d81 (key usmf C-1)\n    known since 2026-11-23T11:00:00Z\n    \
             written last by version 1.2.0 (0123456789ab)\n  captured, to-finops (entry 7): ready\n  \
             dead letter 3 of 2026-11-23T10:00:00Z, to-dataverse: too long"
        );
        assert!(tell(&json!({ "map": "m", "key": ["a"], "link": null })).join("\n").contains("not linked"));
    }
}
