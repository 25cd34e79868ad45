//! The laws that the fuzz targets try to break, held for their seeds and for what once broke one: `fuzz/seeds/<target>/`.
//! Makes up no inputs: `make fuzz` does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../fuzz/laws/lib.rs"]
mod laws;

use laws::LAWS;

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
fn every_seed_keeps_to_its_law() {
    for (target, law) in LAWS {
        let mut seeds = entries(&format!("fuzz/seeds/{target}"));
        if target == "events" {
            seeds.extend(entries("tests/events"));
        }
        assert!(seeds.len() > 9, "{target} has {} seeds", seeds.len());
        for seed in seeds {
            let input = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&seed));
            let input = input.unwrap_or_else(|error| panic!("{seed}: {error}"));
            let about = catch_unwind(|| law(&input)).unwrap_or_else(|_| panic!("broken by {seed}"));
            let no_url = seed.ends_with("missing-response-url.json");
            assert_eq!(about.is_none(), no_url, "not about {seed}");
        }
    }
}

#[test]
fn every_law_has_a_fuzz_target_and_seeds() {
    let targets = LAWS.map(|(target, _)| format!("fuzz/fuzz_targets/{target}.rs"));
    assert_eq!(entries("fuzz/fuzz_targets"), targets);
    let seeds = LAWS.map(|(target, _)| format!("fuzz/seeds/{target}"));
    assert_eq!(entries("fuzz/seeds"), seeds);
}
