//! One runtime a file.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::StoreError;

/// Held as long as the store is open; the operating system releases it when the process dies, however it dies.
pub(super) struct FileLock(File);

impl FileLock {
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let failed = |reason: String| StoreError::Failed { place: path.display().to_string(), reason };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| failed(format!("its lock file cannot be opened: {error}")))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(failed(
                "another dualwright is using it; stop that one, or set another [store] path".to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(failed(format!("it cannot be locked: {error}"))),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file releases the lock anyway.
        let _ = self.0.unlock();
    }
}
