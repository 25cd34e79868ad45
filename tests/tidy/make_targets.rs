//! The Makefile documents its targets, the documents name only these, and CI runs what a contributor runs.

use std::collections::BTreeSet;

use crate::document::read;

#[test]
fn every_make_target_has_a_help_text_and_the_documents_name_only_those() {
    let makefile = read("Makefile");
    let phony = makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY: "));
    let targets: BTreeSet<&str> = phony.flat_map(str::split_whitespace).collect();
    assert!(targets.contains("check"), "{targets:?}");
    for target in &targets {
        let rule = makefile
            .lines()
            .find(|line| line.starts_with(&format!("{target}:")));
        assert!(
            rule.is_some_and(|rule| rule.contains("## ")),
            "{target} has no help text"
        );
    }
    for document in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/install.md",
        "docs/performance.md",
        "docs/reliability.md",
        "docs/testing.md",
        "examples/README.md",
    ] {
        for line in read(document).lines() {
            let block = line.trim_start().strip_prefix("make ");
            let inline = line.split("`make ").skip(1);
            for command in block.into_iter().chain(inline) {
                let target = command.split([' ', '`']).next().unwrap();
                assert!(
                    target == "#" || target.is_empty() || targets.contains(target),
                    "{document} names {target}"
                );
            }
        }
    }
}

#[test]
fn the_public_check_runs_what_the_continuous_integration_runs() {
    let workflow = read(".github/workflows/check.yml");
    let runs: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "))
        .collect();
    assert_eq!(runs.last(), Some(&".ci/run"));
    let toolchain = |line: &&&str| line.starts_with("rustup default ");
    let version = |text: &str| -> Vec<u64> { text.split('.').flat_map(str::parse).collect() };
    let installed = runs.iter().find(toolchain).unwrap();
    let installed = version(installed.rsplit(' ').next().unwrap());
    let manifest = read("Cargo.toml");
    let oldest = manifest.split("rust-version = \"").nth(1).unwrap();
    assert!(installed >= version(oldest.split('"').next().unwrap()));
}
