//! A real map is measured.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use dualwright_map_builder::profile::{LegProfile, flame, measure};
use dualwright_map_builder::project::Project;
use dualwright_map_builder::scaffold::{create, template};
use dualwright_map_builder::{BuildOptions, fixtures};
use dualwright_model::Leg;
use dualwright_plugin_host::{Grants, Host, HostConfig};

#[tokio::test]
async fn a_table_says_where_its_fuel_goes() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "unit-prices", template("table").unwrap()).unwrap();
    let project = Project::find(folder.path()).unwrap();
    let built = project.build(&BuildOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let host = Host::new(HostConfig::default()).unwrap();
    let plugin = host.load_async("map", built.bytes.clone(), Grants::default()).await.unwrap();
    let cases: Vec<_> =
        fixtures::read_folder(&project.fixtures).unwrap().into_iter().flat_map(|file| file.cases).collect();
    let map = built.map.as_ref().map(|map| &map.compiled);
    let once = measure(&plugin, &built.bytes, &cases, map, &Grants::default(), host.limits()).await.unwrap();
    let again = measure(&plugin, &built.bytes, &cases, map, &Grants::default(), host.limits()).await.unwrap();
    assert_eq!(once.iter().map(|profile| profile.leg).collect::<Vec<_>>(), [Leg::ToDataverse, Leg::ToFinops]);
    for (LegProfile { leg, rows, fuel, functions, cost }, again) in once.iter().zip(&again) {
        assert_eq!((fuel, functions), (&again.fuel, &again.functions), "counted, not timed");
        assert_eq!(*rows, 100);
        assert_eq!(functions.iter().map(|share| share.own).sum::<u64>(), fuel.fuel);
        assert!(
            functions.iter().all(|share| share.own <= share.with_callees && share.with_callees <= fuel.fuel)
        );
        assert!(!fuel.is_nameless(), "the component keeps its functions' names: {functions:?}");
        let named = |word: &str| functions.iter().any(|share| share.function.contains(word));
        assert!(named("mapper@") && named("cabi_realloc"), "{functions:?}");
        assert!(cost.same_map);
        let drawn = flame::svg(&format!("unit-prices, {leg}"), fuel);
        assert!(drawn.contains(&functions[0].function.replace('<', "&lt;").replace('>', "&gt;")), "{drawn}");
    }
}
