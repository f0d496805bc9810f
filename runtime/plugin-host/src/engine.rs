//! The engine under all guests: one a process, made once.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::ahead;
use crate::cache::Cache;
use crate::component;
use crate::ticker::Ticker;
use crate::{Grants, HostError, Layer, Limits, Plugin, Services};

/// How a [`Host`] is made.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// What every guest may use.
    pub limits: Limits,
    /// How many calls may run at the same time; the others wait. One plugin gets at most half of them, so that a slow
    /// one cannot keep all others waiting (I9).
    pub concurrent_calls: NonZeroUsize,
    /// Where compiled code is kept between runs; `None` compiles anew each time. The folder is created if missing and
    /// must be writable by this user only: what is read from it is run.
    pub cache_folder: Option<PathBuf>,
    /// What answers `lookup` and `http`; without it, guests that were granted them are told that nothing is connected.
    pub services: Option<Arc<dyn Services>>,
    /// Components that take this long to start get an instance made ahead, while what came of the batch before is being
    /// written. Each serves one call and is thrown away. [`Duration::MAX`]: never.
    pub slow_start: Duration,
}

impl Default for HostConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            limits: Limits::default(),
            concurrent_calls: NonZeroUsize::new(cores.saturating_mul(2).clamp(4, 64))
                .unwrap_or(NonZeroUsize::MIN),
            cache_folder: None,
            services: None,
            // What Rust takes is a tenth of it; QuickJS and Python take more.
            slow_start: Duration::from_micros(50),
        }
    }
}

/// A component in the sandbox, by what it does.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// It maps records.
    Map(Plugin),
    /// It is stacked on a map.
    Layer(Layer),
}

/// The sandbox. Cheap to clone; the clones are the same sandbox. Its clock stops when the last clone and the last
/// [`Plugin`] are gone.
#[derive(Clone, Debug)]
pub struct Host {
    shared: Arc<Shared>,
}

/// What the host and all its plugins hold together.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) calls_per_plugin: usize,
    /// Places for calls that may wait for somebody outside: half of all, whichever plugins they are of, so that a system
    /// that does not answer never keeps those waiting that ask nobody (I9).
    pub(crate) asking: Arc<Semaphore>,
    pub(crate) cache: Option<Cache>,
    pub(crate) services: Option<Arc<dyn Services>>,
    /// Places for instances that were made ahead.
    pub(crate) ahead: Arc<Semaphore>,
    /// How long a start takes that is worth it.
    pub(crate) slow_start: Duration,
    loading: Mutex<()>,
    _ticker: Ticker,
}

impl Shared {
    /// Loads run one at a time: compiling takes all cores and much memory, and the pool has one slot for them.
    pub(crate) fn loading(&self) -> MutexGuard<'_, ()> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Makes the engine, its pool of instances and its clock.
    ///
    /// # Errors
    /// [`HostError::Engine`] when a limit makes no sense, when the machine cannot give the address space (4 GiB for
    /// each memory slot, reserved and not used), or no thread.
    pub fn new(config: HostConfig) -> Result<Self, HostError> {
        check(&config.limits)?;
        let slots = config.concurrent_calls.get();
        let engine =
            Engine::new(&engine_config(&config.limits, slots)?).map_err(|error| engine_error(&error))?;
        let ticker = Ticker::start(&engine).map_err(|error| HostError::Engine {
            reason: format!("no thread for the guests' clock: {error}"),
        })?;
        let cache = config.cache_folder.and_then(|folder| Cache::open(folder, &engine));
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                limits: config.limits,
                calls: Arc::new(Semaphore::new(slots)),
                calls_per_plugin: slots.div_ceil(2),
                asking: Arc::new(Semaphore::new(slots.div_ceil(2))),
                cache,
                services: config.services,
                ahead: Arc::new(Semaphore::new(ahead::MOST)),
                slow_start: config.slow_start,
                loading: Mutex::new(()),
                _ticker: ticker,
            }),
        })
    }

    /// The limits that every guest of this host lives under.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Checks, compiles and asks a component what it is. Blocks for as long as compiling takes (up to seconds), so
    /// never on a thread of the async runtime: see [`Host::load_async`].
    ///
    /// `name` is what messages call it: the file or the plugin.
    ///
    /// # Errors
    /// Every [`HostError`]: too large, no component, imports that were not granted, no export of the contract, a
    /// description that cannot be used.
    pub fn load(&self, name: &str, bytes: &[u8], grants: &Grants) -> Result<Plugin, HostError> {
        component::load(&self.shared, name, bytes, grants)
    }

    /// [`Host::load`] on a thread that may block.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub async fn load_async(&self, name: &str, bytes: Vec<u8>, grants: Grants) -> Result<Plugin, HostError> {
        let (host, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || host.load(&name, &bytes, &grants))
            .await
            .map_err(|error| HostError::Engine { reason: format!("loading was cut off: {error}") })?
    }

    /// [`Host::load`] for what is stacked on a map: a validator or an extension.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub fn load_layer(&self, name: &str, bytes: &[u8], grants: &Grants) -> Result<Layer, HostError> {
        component::layer::load(&self.shared, name, bytes, grants)
    }

    /// [`Host::load`] for a component of whatever role.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub fn load_any(&self, name: &str, bytes: &[u8], grants: &Grants) -> Result<Loaded, HostError> {
        component::load_any(&self.shared, name, bytes, grants)
    }

    /// [`Host::load_any`] on a thread that may block.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub async fn load_any_async(
        &self,
        name: &str,
        bytes: Vec<u8>,
        grants: Grants,
    ) -> Result<Loaded, HostError> {
        let (host, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || host.load_any(&name, &bytes, &grants))
            .await
            .map_err(|error| HostError::Engine { reason: format!("loading was cut off: {error}") })?
    }

    /// [`Host::load_layer`] on a thread that may block.
    ///
    /// # Errors
    /// As [`Host::load`].
    pub async fn load_layer_async(
        &self,
        name: &str,
        bytes: Vec<u8>,
        grants: Grants,
    ) -> Result<Layer, HostError> {
        let (host, name) = (self.clone(), name.to_owned());
        tokio::task::spawn_blocking(move || host.load_layer(&name, &bytes, &grants))
            .await
            .map_err(|error| HostError::Engine { reason: format!("loading was cut off: {error}") })?
    }
}

fn check(limits: &Limits) -> Result<(), HostError> {
    const PAGE: usize = 64 << 10;
    let wrong = if limits.memory_bytes < PAGE || limits.memory_bytes > 4 << 30 {
        Some("memory_bytes must be between 64 KiB and 4 GiB")
    } else if limits.batch_rows == 0 || limits.batch_bytes == 0 {
        Some("batch_rows and batch_bytes must be at least 1")
    } else if limits.stack_bytes < PAGE || limits.stack_bytes > 1 << 20 {
        Some("stack_bytes must be between 64 KiB and 1 MiB, since it is part of a thread's stack")
    } else {
        None
    };
    wrong.map_or(Ok(()), |reason| Err(HostError::Engine { reason: reason.to_owned() }))
}

fn engine_config(limits: &Limits, slots: usize) -> Result<Config, HostError> {
    let mut config = Config::new();
    // A call is one synchronous function: streams and futures would double its cost and are not in the contract.
    config.concurrency_support(false);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes);
    // A fault names functions, and lines where the guest carries them.
    config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    // A map depends on its arguments only, so it must not depend on the processor either.
    config.relaxed_simd_deterministic(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits, slots)?));
    Ok(config)
}

/// More than the calls: one for the component that may be loading, and those that are made ahead.
fn pool(limits: &Limits, slots: usize) -> Result<PoolingAllocationConfig, HostError> {
    // A Rust guest has one core instance, one memory and one table; a Python guest has some 50 instances, 10
    // memories and 30 tables. These leave room and still end somewhere.
    const CORE_INSTANCES: u32 = 64;
    const MEMORIES: u32 = 12;
    const TABLES: u32 = 40;
    // Function tables: Python's has some 20,000 entries.
    const TABLE_ELEMENTS: usize = 100_000;
    // What the engine itself keeps for an instance: functions, globals, imports.
    const INSTANCE_BYTES: usize = 4 << 20;
    // Kept and zeroed by hand between two uses of a slot, which is quicker than giving it back to the kernel. A small
    // guest uses less than this; an idle host holds at most so much for each slot it ever used.
    const RESIDENT_BYTES: usize = 512 << 10;
    const RESIDENT_TABLE_BYTES: usize = 16 << 10;

    let slots = u32::try_from(slots)
        .ok()
        .filter(|slots| *slots <= 1000)
        .and_then(|slots| slots.checked_add(1)?.checked_add(u32::try_from(ahead::MOST).ok()?))
        .ok_or_else(|| HostError::Engine { reason: "more than 1,000 concurrent calls".to_owned() })?;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(CORE_INSTANCES))
        .total_memories(slots.saturating_mul(MEMORIES))
        .total_tables(slots.saturating_mul(TABLES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(INSTANCE_BYTES)
        .max_component_instance_size(INSTANCE_BYTES)
        // Of each memory; the sum of all is guarded as they grow.
        .max_memory_size(limits.memory_bytes)
        // Reuse slots rather than touch new ones.
        .max_unused_warm_slots(slots)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        // Wherever in its memory they are: where the kernel can say which pages a guest used, only those are reset.
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(RESIDENT_TABLE_BYTES);
    Ok(pool)
}

fn engine_error(error: &wasmtime::Error) -> HostError {
    HostError::Engine { reason: format!("{error:#}") }
}

#[cfg(test)]
mod tests {
    use super::{Host, HostConfig};
    use crate::Limits;

    #[test]
    fn senseless_limits_are_refused() {
        for limits in [
            Limits { memory_bytes: 1, ..Limits::default() },
            Limits { batch_rows: 0, ..Limits::default() },
            Limits { stack_bytes: 64 << 20, ..Limits::default() },
        ] {
            assert!(Host::new(HostConfig { limits, ..HostConfig::default() }).is_err());
        }
    }
}
