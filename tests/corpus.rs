//! Checks the invariants of the fuzz targets for their seeds, and for the inputs that once broke one: `fuzz/seeds/<target>/`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../fuzz/invariants/lib.rs"]
mod invariants;

use invariants::INVARIANTS;

/// The files of a folder, or its folders, by their paths in the project.
fn entries(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut paths: Vec<String> = names
        .map(|name| format!("{folder}/{}", name.to_string_lossy()))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_seed_keeps_its_invariant() {
    for (target, check) in INVARIANTS {
        let mut seeds = entries(&format!("fuzz/seeds/{target}"));
        if target == "events" {
            seeds.extend(entries("tests/events"));
        }
        assert!(seeds.len() > 9, "{target} has {} seeds", seeds.len());
        for seed in seeds {
            let input = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&seed));
            let input = input.unwrap_or_else(|error| panic!("{seed}: {error}"));
            let about =
                catch_unwind(|| check(&input)).unwrap_or_else(|_| panic!("broken by {seed}"));
            let no_url = seed.ends_with("missing-response-url.json");
            assert_eq!(about.is_none(), no_url, "not about {seed}");
        }
    }
}

#[test]
fn every_invariant_has_a_fuzz_target_and_seeds() {
    let targets = INVARIANTS.map(|(target, _)| format!("fuzz/fuzz_targets/{target}.rs"));
    assert_eq!(entries("fuzz/fuzz_targets"), targets);
    let seeds = INVARIANTS.map(|(target, _)| format!("fuzz/seeds/{target}"));
    assert_eq!(entries("fuzz/seeds"), seeds);
}
