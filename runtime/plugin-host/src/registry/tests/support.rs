//! A sandbox that counts, a disk that dies, a clock that is told.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dualwright_model::{MapName, Timestamp};

use crate::HostError;
use crate::registry::disk::{Disk, RealDisk};
use crate::registry::{Examine, Identity, Registry, RegistryConfig, Role, Trust};

/// Takes `map NAME VERSION` for a component, `wrong-world` for one of another world, `broken-sandbox` for a day on
/// which the machine fails, and everything else for no component.
#[derive(Debug)]
pub(crate) struct Counting {
    examined: Mutex<Vec<Vec<u8>>>,
    max_bytes: AtomicUsize,
}

impl Counting {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { examined: Mutex::default(), max_bytes: AtomicUsize::new(64) })
    }

    /// What was compiled, in order.
    pub(crate) fn examined(&self) -> Vec<String> {
        let examined = self.examined.lock().unwrap();
        examined.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    pub(crate) fn allow(&self, bytes: usize) {
        self.max_bytes.store(bytes, Ordering::SeqCst);
    }
}

impl Examine for Counting {
    fn examine(&self, file: &str, bytes: &[u8]) -> Result<Identity, HostError> {
        self.examined.lock().unwrap().push(bytes.to_vec());
        let text = String::from_utf8_lossy(bytes).into_owned();
        let name = file.to_owned();
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["map", map, version] => {
                let (name, version) = (MapName::from(*map), (*version).to_owned());
                Ok(Identity { name, version, role: Role::Map, map: None })
            }
            ["wrong-world"] => Err(HostError::MissingExport { name, export: "mapper".to_owned() }),
            ["broken-sandbox"] => Err(HostError::Engine { reason: "no memory left".to_owned() }),
            _ => Err(HostError::NotAComponent { name, reason: "it is not WebAssembly".to_owned() }),
        }
    }

    fn max_bytes(&self) -> usize {
        self.max_bytes.load(Ordering::SeqCst)
    }

    fn rules(&self) -> String {
        format!("at most {}", self.max_bytes())
    }
}

/// A disk on which the machine dies at a step: a write leaves half of its bytes, everything later fails.
#[derive(Debug)]
pub(crate) struct Dying {
    steps_left: Arc<AtomicI64>,
}

impl Dying {
    pub(crate) fn after(steps: i64) -> (Self, Arc<AtomicI64>) {
        let steps_left = Arc::new(AtomicI64::new(steps));
        (Self { steps_left: Arc::clone(&steps_left) }, steps_left)
    }

    fn step(&self) -> io::Result<()> {
        if self.steps_left.fetch_sub(1, Ordering::SeqCst) > 0 { Ok(()) } else { Err(dead()) }
    }
}

fn dead() -> io::Error {
    io::Error::other("the machine is gone")
}

impl Disk for Dying {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let left = self.steps_left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return RealDisk.write(path, bytes);
        }
        if left == 0 {
            std::fs::write(path, &bytes[..bytes.len() / 2])?;
        }
        Err(dead())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        RealDisk.sync_folder(folder)
    }
}

/// A disk without room for another byte while its flag is set. Names can be changed.
#[derive(Debug)]
pub(crate) struct Full(pub(crate) Arc<AtomicBool>);

impl Disk for Full {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.write(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
}

/// A configuration whose clock counts.
pub(crate) fn config(folder: &Path, trust: Trust) -> RegistryConfig {
    let ticks = AtomicI64::new(0);
    RegistryConfig {
        trust,
        now: Arc::new(move || Timestamp::from_micros(ticks.fetch_add(1, Ordering::SeqCst))),
        ..RegistryConfig::new(folder)
    }
}

pub(crate) fn open(folder: &Path, examine: &Arc<Counting>) -> Registry {
    open_trusting(folder, examine, Trust::default())
}

pub(crate) fn open_trusting(folder: &Path, examine: &Arc<Counting>, trust: Trust) -> Registry {
    Registry::open(config(folder, trust), Arc::clone(examine) as Arc<dyn Examine>).unwrap()
}

pub(crate) fn component(map: &str, version: &str) -> Vec<u8> {
    format!("map {map} {version}").into_bytes()
}
