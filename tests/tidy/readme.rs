//! The tables of the README are those of the code and of the template.

use std::collections::BTreeSet;

use lambda_permission_provider::aws::error::ErrorKind;
use lambda_permission_provider::reasons::REASONS;
use lambda_permission_provider::resources::resource::ResourceType;
use lambda_permission_provider::resources::{function_permission, layer_version_permission};
use lambda_permission_provider::telemetry::{MESSAGES, METRICS, NAMESPACE};
use lambda_permission_provider::{config, tls};

use crate::document::{declared, plain, quoted, read, rows, section, table};
use crate::sources::sources;

/// What is in backticks in the first cells of the tables of a section.
fn first_cells(heading: &str) -> Vec<String> {
    let rows = rows(&section(heading)).into_iter();
    rows.flat_map(|row| quoted(&row[0])).collect()
}

/// The first cells of the table that begins with `head`.
fn names(text: &str, head: &str) -> Vec<String> {
    let rows = table(text, head).into_iter();
    rows.map(|row| plain(&row[0]).to_owned()).collect()
}

#[test]
fn the_documents_list_the_properties_of_the_code() {
    let properties = names(&section("Properties"), "property");
    assert_eq!(properties, layer_version_permission::properties::PROPERTIES);
    let reference = read("docs/function-permission.md");
    let properties = names(&reference, "property");
    assert_eq!(properties, function_permission::properties::PROPERTIES);
}

#[test]
fn the_documents_list_the_return_values_of_the_code() {
    let values = first_cells("Return values");
    assert_eq!(values, ResourceType::LayerVersionPermission.return_values());
    let reference = read("docs/function-permission.md");
    let values = names(&reference, "`Fn::GetAtt`");
    assert_eq!(values, ResourceType::FunctionPermission.return_values());
}

#[test]
fn the_readme_lists_the_parameters_of_the_template_with_their_defaults() {
    let default = |lines: &str| {
        let mut lines = lines.lines();
        let default = lines.find_map(|line| line.trim().strip_prefix("Default: "));
        default.unwrap().trim_matches('\'').to_owned()
    };
    let expected: Vec<_> = declared("Parameters")
        .iter()
        .map(|(name, lines)| (name.clone(), default(lines)))
        .collect();
    let listed: Vec<_> = table(&section("Install"), "parameter")
        .iter()
        .map(|row| (plain(&row[0]).to_owned(), plain(&row[1]).to_owned()))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn the_readme_lists_the_outputs_of_the_template() {
    let outputs = declared("Outputs").into_iter();
    let outputs: Vec<_> = outputs.map(|(name, _)| name).collect();
    assert_eq!(names(&section("Install"), "output"), outputs);
}

#[test]
fn the_readme_names_every_environment_variable_of_the_code() {
    let readme = read("README.md");
    for variable in config::VARIABLES.iter().chain(&tls::VARIABLES) {
        assert!(readme.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn the_readme_lists_every_reason_of_the_code() {
    let kinds = ["layer version", "function"];
    let kinds = kinds.map(|kind| ErrorKind::ALL.map(|error| error.head(kind)));
    let reasons = REASONS.map(str::to_owned).into_iter();
    let reasons: BTreeSet<String> = reasons.chain(kinds.into_iter().flatten()).collect();
    let listed: BTreeSet<String> = first_cells("When it fails").into_iter().collect();
    let missing: Vec<_> = reasons.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&reasons).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing {missing:?}, unknown {unknown:?}"
    );
}

#[test]
fn the_index_of_reasons_is_complete() {
    let sources = sources();
    let given: BTreeSet<String> = sources
        .iter()
        // No stack sees those of the audit.
        .filter(|source| source.path != "reasons.rs" && source.module() != "audit")
        .flat_map(|source| {
            let reasons = source.reasons().into_iter();
            // The head of a role that cannot be assumed is put together with the rest elsewhere.
            let role = "cannot assume role";
            let role = source.code.contains(role).then(|| role.to_owned());
            reasons.chain(role)
        })
        .collect();
    let listed = BTreeSet::from(REASONS.map(str::to_owned));
    assert_eq!(given, listed);
}

#[test]
fn the_readme_lists_every_message_of_the_log() {
    assert_eq!(names(&section("What the log says"), "`message`"), MESSAGES);
}

#[test]
fn the_list_of_log_messages_is_complete() {
    let sources = sources();
    let logged: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.log_messages())
        .collect();
    assert_eq!(logged, BTreeSet::from(MESSAGES));
}

#[test]
fn the_readme_lists_the_metrics_of_the_code_with_their_namespace() {
    let section = section("What the log says");
    assert!(section.contains(&format!("`{NAMESPACE}`")));
    let listed: Vec<(String, String)> = table(&section, "metric")
        .iter()
        .flat_map(|row| {
            let metrics = quoted(&row[0]).into_iter();
            metrics.map(|metric| (metric, row[1].to_lowercase()))
        })
        .collect();
    let expected = METRICS.map(|(name, unit)| (name.to_owned(), unit.to_lowercase()));
    assert_eq!(listed, expected);
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
