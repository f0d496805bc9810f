//! How often each file was compiled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dualwright_plugin_host::registry::{Examine, Identity, Registry};
use dualwright_plugin_host::{Host, HostError};

/// The sandbox, and what it was asked to compile.
pub(crate) struct Counted {
    host: Host,
    /// By the bytes themselves.
    asked: Mutex<BTreeMap<Vec<u8>, usize>>,
}

impl Counted {
    pub(crate) fn new(host: Host) -> Arc<Self> {
        Arc::new(Self { host, asked: Mutex::default() })
    }

    pub(crate) fn print(&self, registry: &Registry) {
        let asked = self.asked.lock().unwrap();
        let most = asked.values().max().copied().unwrap_or_default();
        println!("\nfiles in the watched folder");
        println!("  different files {:>6}  {} of them refused", asked.len(), registry.refused().len());
        println!("  compiled        {most:>6}  times at most");
    }

    pub(crate) fn assert_once(&self) {
        assert!(self.asked.lock().unwrap().values().all(|count| *count == 1), "a file was compiled twice");
    }
}

impl Examine for Counted {
    fn examine(&self, file: &str, bytes: &[u8]) -> Result<Identity, HostError> {
        *self.asked.lock().unwrap().entry(bytes.to_vec()).or_default() += 1;
        self.host.examine(file, bytes)
    }

    fn max_bytes(&self) -> usize {
        Examine::max_bytes(&self.host)
    }

    fn rules(&self) -> String {
        self.host.rules()
    }
}
