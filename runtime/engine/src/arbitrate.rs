//! Asks the map about records that both sides changed, where its operator wants that ([`Policy::AskMap`]).

use dualwright_diagnostics::Class;
use dualwright_model::Fingerprint;
use dualwright_plugin_host as plugin_host;
use dualwright_sync::conflict::{self, Policy, Verdict};

use crate::apply::Found;
use crate::batch::{Done, Mode};
use crate::map::MapContext;
use crate::{settle, transform};

/// Whether the map has to be asked about this record.
pub(crate) fn is_contested(map: &MapContext, mode: Mode, found: &Found) -> bool {
    if found.policy(map, mode) != Policy::AskMap || !map.logic.resolves() {
        return false;
    }
    let nothing = Fingerprint::default();
    found
        .clash(map, mode, &nothing)
        .is_some_and(|clash| conflict::decide(clash, Policy::AskMap, found.circumstances(mode)).conflicted)
}

/// The map's verdict on each record; what it refuses, or fails on, ends in `done`.
pub(crate) async fn ask(
    map: &MapContext,
    mode: Mode,
    contests: Vec<Found>,
    done: &mut Vec<Done>,
) -> Vec<(Found, Verdict)> {
    if contests.is_empty() {
        return Vec::new();
    }
    let clashes: Vec<plugin_host::Clash> =
        contests.iter().filter_map(|found| question(map, mode, found)).collect();
    let mut answers = map.logic.resolve(mode.leg, mode.initial, &clashes).await.into_iter();
    let mut decided = Vec::with_capacity(contests.len());
    for found in contests {
        match answers.next() {
            Some(Ok(plugin_host::Verdict::SourceWins)) => decided.push((found, Verdict::SourceWins)),
            Some(Ok(plugin_host::Verdict::TargetWins)) => decided.push((found, Verdict::TargetWins)),
            Some(Ok(plugin_host::Verdict::Merge(cells))) => match transform::coerce(map, mode, &cells) {
                Ok(cells) => decided.push((found, Verdict::Merge(cells))),
                Err(violation) => {
                    done.push(transform::refused(map, found.into_work(), &[violation], Some(cells)));
                }
            },
            Some(Ok(plugin_host::Verdict::Refuse(violations))) => {
                done.push(transform::refused(map, found.into_work(), &violations, None));
            }
            Some(Err(fault)) => done.push(transform::faulty(map, found.into_work(), fault)),
            None => {
                let message = "the map gave fewer verdicts than it was asked for".to_owned();
                let item = found.into_work().item;
                done.push(settle::dead(map, item, Class::Guest, "bad-answer", message, None, None));
            }
        }
    }
    decided
}

fn question(map: &MapContext, mode: Mode, found: &Found) -> Option<plugin_host::Clash> {
    let nothing = Fingerprint::default();
    let clash = found.clash(map, mode, &nothing)?;
    let (changed_by_source, changed_by_target) = conflict::changed_columns(clash);
    let circumstances = found.circumstances(mode);
    Some(plugin_host::Clash {
        wanted: clash.desired.clone(),
        found: clash.current.clone(),
        changed_by_source,
        changed_by_target,
        source_changed_at: circumstances.source_modified_at,
        target_changed_at: circumstances.target_modified_at,
    })
}
