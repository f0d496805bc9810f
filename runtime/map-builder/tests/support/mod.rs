//! What the tests of authors' projects share.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]

use std::path::{Path, PathBuf};

use dualwright_map_builder::fixtures::{self, Case, CaseResult};
use dualwright_map_builder::project::{Built, Project};
use dualwright_map_builder::round_trip::{Effort, FieldReport};
use dualwright_map_builder::{BuildOptions, limits, round_trip};
use dualwright_plugin_host::{Grants, Host, HostConfig, Stack};

const EFFORT: Effort = Effort { seed: 1, values: 16 };

/// Everything that `map test` does, for a project.
pub async fn test(folder: &Path) -> (Vec<(Case, CaseResult)>, Vec<FieldReport>) {
    let project = Project::find(folder).unwrap();
    let built = project.build(&BuildOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    examine(folder, built).await
}

/// The same for a component of the project that is built already.
pub async fn examine(folder: &Path, built: Built) -> (Vec<(Case, CaseResult)>, Vec<FieldReport>) {
    let project = Project::find(folder).unwrap();
    // A component with a whole language in it takes seconds to compile.
    let cache_folder = Some(BuildOptions::default().cache.join("compiled"));
    let host = Host::new(HostConfig { cache_folder, ..HostConfig::default() }).unwrap();
    let plugin = Stack::from(host.load_async("map", built.bytes, Grants::default()).await.unwrap());
    let mut results = Vec::new();
    let mut cases = Vec::new();
    for file in fixtures::read_folder(&project.fixtures).unwrap() {
        let came = fixtures::run(&plugin, &file.cases).await;
        results.extend(file.cases.iter().cloned().zip(came));
        cases.extend(file.cases);
    }
    let map = built.map.as_ref().map(|map| &map.compiled);
    let fields = round_trip::check(&plugin, &cases, map, EFFORT).await;
    for attempt in limits::check(&plugin, &cases, host.limits()).await {
        assert_eq!(attempt.fault, None, "{}", attempt.what);
    }
    (results, fields)
}

pub fn all_good((cases, fields): &(Vec<(Case, CaseResult)>, Vec<FieldReport>)) {
    assert!(!cases.is_empty() && !fields.is_empty());
    for (case, result) in cases {
        assert!(result.is_good(), "{}: {result:?}", case.name);
    }
    for field in fields {
        assert!(field.is_good(), "{field:?}");
    }
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
