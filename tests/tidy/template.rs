//! The template allows, sets and describes what the code needs.

use std::collections::BTreeSet;

use lambda_permission_provider::aws::error::ASSUME_ROLE;
use lambda_permission_provider::aws::stack_listing::{LIST_IMPORTS, LIST_RESOURCES};
use lambda_permission_provider::aws::stacks::DESCRIBE;
use lambda_permission_provider::aws::{function_policy, layer_version_policy};
use lambda_permission_provider::config::VARIABLES;

use crate::document::{declared, read, section};

/// What Lambda itself does with the execution role.
const ACTIONS_OF_LAMBDA: [&str; 5] = [
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
];

#[test]
fn the_execution_role_allows_the_actions_that_are_called_and_no_others() {
    let template = read("template.yaml");
    let role = template.split("      Policies:").nth(1).unwrap();
    let role = role.split("\n\n  ").next().unwrap();
    let actions = role.lines().filter_map(|line| {
        let line = line.trim();
        let action = line.strip_prefix("- ");
        action.or_else(|| line.strip_prefix("Action: "))
    });
    let allowed: BTreeSet<&str> = actions
        .filter(|action| !action.contains(' ') && action.contains(':'))
        .collect();
    let of_layers = layer_version_policy::ACTIONS.into_iter();
    let of_functions = function_policy::ACTIONS.into_iter();
    let others = [ASSUME_ROLE, DESCRIBE, LIST_IMPORTS, LIST_RESOURCES];
    let called = of_layers.chain(of_functions).chain(others);
    let expected: BTreeSet<&str> = called.clone().chain(ACTIONS_OF_LAMBDA).collect();
    assert_eq!(allowed, expected);
    let role = section("docs/configuration.md", "The execution role");
    for action in called {
        assert!(
            role.contains(&format!("`{action}`")),
            "{action} is not in docs/configuration.md"
        );
    }
}

#[test]
fn every_parameter_has_a_description_a_label_and_an_explanation_of_its_pattern() {
    let interface = declared("Metadata")
        .into_iter()
        .find(|(name, _)| name == "AWS::CloudFormation::Interface")
        .unwrap()
        .1;
    let (groups, labels) = interface.split_once("ParameterLabels:").unwrap();
    let grouped = groups
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Parameters: ["));
    let grouped: Vec<&str> = grouped
        .flat_map(|line| line.trim_end_matches(']').split(", "))
        .collect();
    let labelled: Vec<&str> = labels
        .lines()
        .filter_map(|line| line.trim().split_once(": {default: "))
        .map(|(name, _)| name)
        .collect();
    let parameters = declared("Parameters");
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(labelled, names);
    let (mut sorted_groups, mut sorted_names) = (grouped, names);
    sorted_groups.sort_unstable();
    sorted_names.sort_unstable();
    assert_eq!(sorted_groups, sorted_names);
    for (name, lines) in parameters {
        assert!(lines.contains("    Description:"), "{name}");
        let explained = lines.contains("    ConstraintDescription: must be ");
        assert_eq!(lines.contains("    AllowedPattern:"), explained, "{name}");
    }
}

#[test]
fn the_template_has_the_version_of_the_crate() {
    let version = env!("CARGO_PKG_VERSION");
    let outputs = declared("Outputs");
    let (_, output) = outputs.iter().find(|(name, _)| name == "Version").unwrap();
    assert!(
        output.ends_with(&format!("    Value: {version}\n\n"))
            || output.ends_with(&format!("    Value: {version}\n")),
        "{output}"
    );
    let metadata = declared("Metadata");
    let repository = &metadata.last().unwrap().1;
    assert!(repository.contains(&format!("    SemanticVersion: {version}\n")));
}

#[test]
fn the_template_sets_every_variable_of_the_configuration_but_the_one_for_a_panic() {
    let template = read("template.yaml");
    let variables = template.split("        Variables:\n").nth(1).unwrap();
    let set: BTreeSet<&str> = variables
        .lines()
        .map_while(|line| line.strip_prefix("          "))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let mut expected = BTreeSet::from(VARIABLES);
    assert!(expected.remove("SIMULATE_PANIC"));
    assert_eq!(set, expected);
}

#[test]
fn the_log_group_is_retained_under_a_name_that_no_other_stack_has() {
    let resources = declared("Resources");
    let (_, log) = resources
        .iter()
        .find(|(name, _)| name == "LogGroup")
        .unwrap();
    // Not by a stack whose creation failed: the next attempt would find the name in use.
    assert!(log.contains("    DeletionPolicy: RetainExceptOnCreate\n"));
    assert!(log.contains("    UpdateReplacePolicy: Retain\n"));
    assert!(log.contains("!Ref AWS::StackId"));
}
