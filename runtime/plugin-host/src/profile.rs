//! What a guest spends where, counted rather than timed: the same rows give the same numbers on every machine.
//!
//! An engine of its own, never that of the data path: it counts fuel (one for each instruction, nearly), and looks at
//! the guest's stack wherever the guest would look whether its time is up, which is at the beginning of each function
//! and of each turn of a loop. What was spent since the last look belongs to the stack as it was then. That is exact for
//! a component which also looks when a call has returned, as `map-builder` prepares it; otherwise what a function spends
//! after a call counts for the function it had called.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dualwright_model::{ColumnOrder, Leg};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Store, StoreContextMut, UpdateDeadline, WasmBacktrace};

use crate::fault::demangled;
use crate::rows::{Picks, Rows};
use crate::store::{self, State};
use crate::worlds::mapper::Mapper;
use crate::worlds::start;
use crate::{Grants, GuestChange, HostError, Limits};

/// The fuel that a guest gets: more than it can spend before [`PLACES`] ends it.
const FUEL: u64 = u64::MAX / 4;
/// The most places that a guest may pass at which one may look: some seconds of work.
const PLACES: u64 = 50_000_000;
/// The most looks at a stack. A guest that would need more is looked at every second, third … time.
const LOOKS: u64 = 400_000;
/// What a function without a name is called.
const NAMELESS: &str = "function ";

/// What a guest spent on a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuelProfile {
    /// In all; the sum over all stacks.
    pub fuel: u64,
    /// Where, in the order in which the stacks were first seen.
    pub stacks: Vec<FuelStack>,
}

/// What was spent with the guest's stack like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuelStack {
    /// The outermost function first.
    pub functions: Vec<String>,
    /// What the innermost of them spent itself.
    pub fuel: u64,
}

impl FuelProfile {
    /// Whether most of it was spent in functions that the component does not name.
    pub fn is_nameless(&self) -> bool {
        let nameless =
            |stack: &&FuelStack| stack.functions.last().is_some_and(|name| name.starts_with(NAMELESS));
        let fuel: u64 = self.stacks.iter().filter(nameless).map(|stack| stack.fuel).sum();
        fuel.saturating_mul(2) > self.fuel
    }
}

/// Gives a batch to a fresh instance of a map and says what it spent on it. Blocks for seconds. The component must be
/// one that a host has loaded before: nothing is checked here but that it runs. Without `services`, maps that may look
/// things up are told that nothing is connected.
///
/// # Errors
/// [`HostError::Engine`] when there is no engine, and [`HostError::NotMeasured`] when the guest fails or does not end.
pub fn fuel_profile(
    name: &str,
    bytes: &[u8],
    grants: &Grants,
    limits: &Limits,
    leg: Leg,
    batch: &[GuestChange],
) -> Result<FuelProfile, HostError> {
    let failed = |reason: String| HostError::NotMeasured { name: name.to_owned(), reason };
    let engine = Engine::new(&engine_config(limits))
        .map_err(|error| HostError::Engine { reason: format!("{error:#}") })?;
    let component = Component::new(&engine, bytes).map_err(|error| failed(format!("{error:#}")))?;
    let mapper = start::link(&engine, &component, grants)
        .and_then(Mapper::new)
        .map_err(|error| failed(format!("it cannot be linked: {error:#}")))?;
    let subject = Subject { name, engine, mapper, limits, grants };
    let said = subject.run(&Arc::default(), |store| subject.mapper.describe(store))?;
    let columns = said.legs.iter().find(|described| described.leg == leg);
    let columns = columns.ok_or_else(|| failed(format!("the map has no leg {leg}")))?;
    let rows = Rows::new(&Picks::new(&columns.reads, &grants.fields), batch);
    let writes = ColumnOrder::new(&columns.writes);
    let call = |store: &mut Store<State>| {
        subject.mapper.transform(store, leg, false, &rows, &(0..rows.len()), &writes).map(drop)
    };
    // Once to count how often there would be something to look at.
    let counted = Arc::<Mutex<Looks>>::default();
    subject.run(&counted, call)?;
    let every = locked(&counted).seen.div_ceil(LOOKS).max(1);
    let looks = Arc::new(Mutex::new(Looks { every, ..Looks::default() }));
    subject.run(&looks, call)?;
    let looks = locked(&looks);
    Ok(looks.profile())
}

fn engine_config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config.concurrency_support(false);
    config.consume_fuel(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes);
    config
}

struct Subject<'a> {
    name: &'a str,
    engine: Engine,
    mapper: Mapper,
    limits: &'a Limits,
    grants: &'a Grants,
}

impl Subject<'_> {
    /// Calls a fresh instance, looking on.
    fn run<T>(
        &self,
        looks: &Arc<Mutex<Looks>>,
        call: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, HostError> {
        let failed = |reason: String| HostError::NotMeasured { name: self.name.to_owned(), reason };
        let mut store = store::fresh(
            &self.engine,
            self.limits.memory_bytes,
            // Fuel is what ends it, not time.
            Duration::MAX,
            self.limits.output_bytes_ceiling,
            Arc::from(self.name),
            Arc::new(self.grants.settings.clone()),
        );
        store.set_fuel(FUEL).map_err(|error| failed(format!("{error:#}")))?;
        let observer = Arc::clone(looks);
        // The clock stands still and the deadline is always now: so the guest calls at every place where it looks.
        store.epoch_deadline_callback(move |context| {
            locked(&observer).look(context)?;
            Ok(UpdateDeadline::Continue(0))
        });
        store.set_epoch_deadline(0);
        let answer = call(&mut store).map_err(|error| match error.downcast_ref::<TooMuch>() {
            Some(too_much) => failed(too_much.to_string()),
            None => failed(error.root_cause().to_string()),
        })?;
        let left = store.get_fuel().map_err(|error| failed(format!("{error:#}")))?;
        locked(looks).end(left);
        Ok(answer)
    }
}

/// It is not going to end, or not soon.
#[derive(Debug, thiserror::Error)]
#[error("it called or turned round more than {PLACES} times and was not ready")]
struct TooMuch;

fn locked(looks: &Mutex<Looks>) -> MutexGuard<'_, Looks> {
    looks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls that were seen, as a tree.
#[derive(Default)]
struct Looks {
    /// How many places were passed at which one may look.
    seen: u64,
    /// Look at each so manieth; 0 never.
    every: u64,
    calls: Vec<Call>,
    /// Where the guest was at the last look.
    last: Option<usize>,
    /// What it had spent until then.
    spent: u64,
}

struct Call {
    function: String,
    caller: Option<usize>,
    callees: Vec<usize>,
    fuel: u64,
}

impl Looks {
    fn look(&mut self, context: StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.seen += 1;
        if self.seen > PLACES {
            return Err(TooMuch.into());
        }
        if self.every == 0 || !self.seen.is_multiple_of(self.every) {
            return Ok(());
        }
        let spent = FUEL.saturating_sub(context.get_fuel()?);
        let trace = WasmBacktrace::force_capture(&context);
        let mut here = None;
        for frame in trace.frames().iter().rev() {
            here = Some(match frame.func_name() {
                Some(name) => self.call(here, name),
                None => self.call(here, &format!("{NAMELESS}{}", frame.func_index())),
            });
        }
        // Of many looks left out, the one that was taken stands for all.
        self.credit(if self.every == 1 { self.last.or(here) } else { here }, spent);
        self.last = here;
        Ok(())
    }

    fn end(&mut self, left: u64) {
        if self.every > 0 {
            self.credit(self.last, FUEL.saturating_sub(left));
        }
    }

    fn credit(&mut self, call: Option<usize>, spent: u64) {
        if let Some(call) = call.and_then(|call| self.calls.get_mut(call)) {
            call.fuel += spent.saturating_sub(self.spent);
            self.spent = spent;
        }
    }

    /// The place of this function, called from that one, in the tree.
    fn call(&mut self, caller: Option<usize>, function: &str) -> usize {
        let is = |index: &usize| self.calls.get(*index).is_some_and(|call| call.function == function);
        let known = match caller.and_then(|caller| self.calls.get(caller)) {
            Some(caller) => caller.callees.iter().copied().find(is),
            None => (0..self.calls.len())
                .find(|index| is(index) && self.calls.get(*index).is_some_and(|call| call.caller.is_none())),
        };
        known.unwrap_or_else(|| {
            let index = self.calls.len();
            self.calls.push(Call { function: function.to_owned(), caller, callees: Vec::new(), fuel: 0 });
            if let Some(caller) = caller.and_then(|caller| self.calls.get_mut(caller)) {
                caller.callees.push(index);
            }
            index
        })
    }

    fn profile(&self) -> FuelProfile {
        let stacks: Vec<FuelStack> =
            self.calls.iter().filter(|call| call.fuel > 0).map(|call| self.stack(call)).collect();
        FuelProfile { fuel: stacks.iter().map(|stack| stack.fuel).sum(), stacks }
    }

    fn stack(&self, call: &Call) -> FuelStack {
        let mut functions = vec![demangled(&call.function)];
        let mut caller = call.caller;
        while let Some(outer) = caller.and_then(|caller| self.calls.get(caller)) {
            functions.push(demangled(&outer.function));
            caller = outer.caller;
        }
        functions.reverse();
        FuelStack { functions, fuel: call.fuel }
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} looks", self.seen)
    }
}
