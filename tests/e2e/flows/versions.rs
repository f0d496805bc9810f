//! Another version of a map, installed, tried, activated, taken back and condemned, by the commands that operators type.

use anyhow::{Context, ensure};
use serde_json::json;

use super::operator::{MAP, done, refused, version, without_memos};
use super::story::Story;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_comes_and_goes_while_changes_flow() -> anyhow::Result<()> {
    let mut story = Story::of_customers("", &["V-1"]).await?;
    let next = without_memos(&story)?;
    let path = next.to_str().context("the folder's name is not text")?.to_owned();

    // A file that was cut short is refused, and remembered once.
    let half = next.with_file_name("half.wasm");
    let whole = std::fs::read(&next)?;
    std::fs::write(&half, whole.get(..whole.len() / 2).unwrap_or_default())?;
    for _ in 0..2 {
        let reason = refused(&story, &["plugin", "install", half.to_str().unwrap_or_default()])?;
        ensure!(reason.contains("half.wasm is not a component"), "{reason}");
    }
    done(&story, &["plugin", "install", &path])?;
    let listed = done(&story, &["plugin", "list"])?;
    assert_eq!(listed["refused"].as_array().map(Vec::len), Some(1), "{listed:#}");

    // Beside the live version it is compared, and writes nothing.
    let mark = story.mark().await?;
    let tried = done(&story, &["plugin", "shadow", MAP, "1.1.0"])?;
    assert_eq!(tried["report"]["differences"]["description"]["rows"], 1, "{tried:#}");
    done(&story, &["plugin", "shadow", MAP, "--end"])?;
    assert!(story.written_since(mark, &story.dataverse, "accounts").await?.is_empty());
    assert_eq!(version(&story)?, "1.0.0");

    // Live, it carries names and leaves memos alone; and it stays live over a restart.
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    assert_eq!(version(&story)?, "1.1.0");
    story.runtime.kill()?;
    story.runtime.start()?;
    story.runtime.wait_until_up()?;
    assert_eq!(version(&story)?, "1.1.0");
    let customer = story.customer_path("V-1");
    let memo = story.account("V-1").await?.cell("description").plain().to_owned();
    story.finops.update(&customer, &json!({"SalesMemo": "unheard", "OrganizationName": "Heard"})).await?;
    story.shows("V-1", "name", "Heard").await?;
    assert_eq!(story.account("V-1").await?.cell("description").plain(), memo);
    let traced = done(&story, &["trace", MAP, "usmf", "V-1"])?;
    assert_eq!(traced["link"]["dataverse"]["written_by"]["map_version"], "1.1.0", "{traced:#}");

    // Back again, what it wrote goes through the live version: the memo arrives.
    done(&story, &["plugin", "rollback", MAP])?;
    assert_eq!(version(&story)?, "1.0.0");
    done(&story, &["plugin", "reapply", MAP, "--version", "1.1.0"])?;
    story.shows("V-1", "description", "unheard").await?;

    // Condemned, it never runs again, until somebody releases it.
    done(&story, &["plugin", "quarantine", MAP, "1.1.0", "--reason", "forgets memos"])?;
    let reason = refused(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    ensure!(reason.contains("forgets memos"), "{reason}");
    done(&story, &["plugin", "release", MAP, "1.1.0"])?;
    done(&story, &["plugin", "activate", MAP, "1.1.0"])?;
    done(&story, &["plugin", "activate", MAP, "1.0.0"])?;
    let history = done(&story, &["plugin", "history", MAP])?;
    assert!(history["history"].as_array().is_some_and(|lines| lines.len() >= 8), "{history:#}");
    story.settle().await?;
    story.nothing_went_wrong().await
}
