//! Examples, Makefile, the guide for contributors and the public check say what is there, and each neighbour has one room.
//! Refuses to know what they are for.

use std::collections::BTreeSet;
use std::path::Path;

use lambda_permission_provider::permission::properties::PROPERTIES;

use crate::reading::{read, sources};

#[test]
fn the_examples_give_properties_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut resources = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = read(&path);
        // Of a resource in YAML, and of the construct in TypeScript, what is one step further in than its heading.
        for heading in ["\n    Properties:\n", "\n      properties: {\n"] {
            for part in text.split("Custom::LayerVersionPermission").skip(1) {
                let Some((_, properties)) = part.split_once(heading) else {
                    continue;
                };
                let inner = heading.find(['P', 'p']).unwrap() + 1;
                let names = properties
                    .lines()
                    .take_while(|line| line.starts_with(&" ".repeat(inner)))
                    .map(|line| &line[inner..])
                    .filter(|line| line.starts_with(char::is_alphabetic))
                    .map(|line| line.split(':').next().unwrap());
                resources += 1;
                for name in names {
                    assert!(
                        PROPERTIES.contains(&name) || name.starts_with("Service"),
                        "{name} in {}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(resources >= 8, "{resources}");
}

#[test]
fn every_make_target_has_a_help_text_and_the_readme_names_only_those() {
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
    for line in (read("README.md") + &read("examples/README.md")).lines() {
        let command = line.trim_start().strip_prefix("make ");
        if let Some(target) = command.and_then(|rest| rest.split_whitespace().next()) {
            assert!(
                target == "#" || targets.contains(target),
                "the README names {target}"
            );
        }
    }
}

#[test]
fn what_a_newcomer_is_told_of_the_code_is_there() {
    let guide = read("CONTRIBUTING.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = read(".gitignore");
    let is_ignored = |path: &str| {
        ignored
            .lines()
            .any(|line| line == format!("/{path}").trim_end_matches('/'))
    };
    let mut functions = 0;
    for line in guide.lines() {
        let named = line.split('`').skip(1).step_by(2);
        let is_path = |name: &&str| name.contains('/') && !name.starts_with("//");
        let (paths, others): (Vec<&str>, Vec<&str>) = named.partition(is_path);
        for path in &paths {
            assert!(
                root.join(path).exists() || is_ignored(path),
                "{path} is not there"
            );
        }
        let is_hop = line.starts_with("| `src/") && line.contains("` | `");
        if let [path, ..] = paths[..]
            && is_hop
        {
            let code = read(path).split("#[cfg(test)]").next().unwrap().to_owned();
            for function in others {
                let is_there = code.contains(&format!("fn {function}("))
                    || code.contains(&format!("fn {function}<"));
                assert!(is_there, "{path} has no function {function}");
                functions += 1;
            }
        }
    }
    assert!(functions > 30, "{functions} functions are named");
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

#[test]
fn each_neighbour_is_named_in_one_room_besides_main() {
    let rooms = |name: &str| {
        let naming = sources()
            .into_iter()
            .filter(|(_, code)| code.contains(name));
        let files = naming.map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
        files.filter(|file| file != "main.rs").collect::<Vec<_>>()
    };
    assert_eq!(rooms("aws_sdk_lambda"), ["lambda.rs"]);
    assert_eq!(rooms("aws_sdk_sts"), ["doors.rs"]);
    assert_eq!(rooms("reqwest"), ["http.rs"]);
}
