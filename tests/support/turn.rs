//! Heavy tests go one after another, also those of different binaries: each runs three processes of its own.

use std::fs::File;

use anyhow::Context;

/// Held for as long as a heavy test runs.
pub struct Turn(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl Turn {
    /// Waits until no other heavy test of this target folder runs.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub async fn take() -> anyhow::Result<Self> {
        let test = std::env::current_exe()?;
        let folder = test.parent().context("the test lies in no folder")?;
        let path = folder.join("heavy-tests.lock");
        // Blocks for as long as others run, and must not hold up the tasks of this test.
        let lock = tokio::task::spawn_blocking(move || {
            let file = File::create(path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        Ok(Self(lock.await??))
    }
}
