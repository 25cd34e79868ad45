//! The tables of the README are those of the code and of the template.
//! Refuses to know what stands around them.

use std::collections::BTreeSet;

use lambda_permission_provider::permission::properties::PROPERTIES;

use crate::reading::{declared, quoted, read, rows, section, sources, table};

#[test]
fn the_readme_lists_the_properties_of_the_code() {
    let rows = rows(&section("Properties"));
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row[0].trim_matches([' ', '`']))
        .collect();
    assert_eq!(names, PROPERTIES);
}

#[test]
fn the_readme_lists_the_parameters_of_the_template_with_their_defaults() {
    let default = |lines: &str| {
        let default = lines
            .lines()
            .find_map(|line| line.trim().strip_prefix("Default: "));
        default.unwrap().trim_matches('\'').to_owned()
    };
    let expected: Vec<_> = declared("Parameters")
        .iter()
        .map(|(name, lines)| (name.clone(), default(lines)))
        .collect();
    assert_eq!(table(&section("Install"), "parameter"), expected);
}

#[test]
fn the_readme_lists_the_outputs_of_the_template() {
    let outputs: Vec<_> = declared("Outputs")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let listed: Vec<_> = table(&section("Install"), "output")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(listed, outputs);
}

#[test]
fn the_readme_lists_every_reason_of_the_code() {
    let code: String = sources().into_iter().map(|(_, code)| code).collect();
    let wrong = code
        .split("fn wrong")
        .nth(1)
        .unwrap()
        .split("\n    }\n")
        .next()
        .unwrap();
    let mut reasons = quoted(wrong, "");
    for line in code.lines() {
        let Some((head, _)) = line.split_once(": got ") else {
            continue;
        };
        let head = head
            .rsplit('"')
            .next()
            .unwrap()
            .replace("{name}", "…")
            .replace('`', "");
        if head != "{wrong}" {
            reasons.insert(head.trim().to_owned());
        }
    }
    reasons.insert("out of time".to_owned());
    let listed: BTreeSet<String> = rows(&section("When it fails"))
        .iter()
        .flat_map(|row| row[0].split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = reasons
        .iter()
        .filter(|reason| !listed.contains(*reason))
        .collect();
    let unknown: Vec<_> = listed
        .iter()
        .filter(|reason| !reasons.contains(*reason))
        .collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing {missing:?}, unknown {unknown:?}"
    );
}

#[test]
fn the_readme_lists_the_attributes_of_the_code() {
    let intent = read("src/permission/intent.rs");
    let declared = intent.split("attributes = vec![").nth(1).unwrap();
    let reconcile = read("src/policy/reconcile.rs");
    let found = reconcile.split("fn attributes_of").nth(1).unwrap();
    let names = |code: &str, end: &str| quoted(code.split(end).next().unwrap(), "");
    let attributes: BTreeSet<_> = names(declared, "];")
        .union(&names(found, "\n}\n"))
        .cloned()
        .collect();
    let listed: BTreeSet<String> = rows(&section("Return values"))
        .iter()
        .flat_map(|row| row[0].split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, attributes);
}

#[test]
fn the_readme_removes_the_files_that_it_writes_events_to() {
    let section = section("When something is wrong");
    let written: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter_map(|command| command.rsplit_once(" > "))
        .map(|(_, file)| file)
        .collect();
    let removed: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    rm "))
        .flat_map(str::split_whitespace)
        .collect();
    assert!(!written.is_empty());
    assert_eq!(removed, written);
}
