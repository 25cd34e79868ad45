//! The page of the audit and the role of its function say what the code does.

use std::collections::BTreeSet;

use lambda_permission_provider::audit::finding::FindingKind;
use lambda_permission_provider::audit::scheduled::{METRICS, VARIABLES};
use lambda_permission_provider::aws::{
    function_policy, lambda_listing, layer_version_policy, stack_listing,
};

use crate::document::{declared, quoted, read, table};

/// The IAM actions that the audit calls.
fn called() -> BTreeSet<&'static str> {
    let reads = |action: &&str| action.contains(":Get") || action.contains(":List");
    let of_policies = layer_version_policy::ACTIONS.into_iter();
    let of_policies = of_policies.chain(function_policy::ACTIONS).filter(reads);
    let listings = lambda_listing::ACTIONS.into_iter();
    of_policies
        .chain(listings)
        .chain(stack_listing::ACTIONS)
        .collect()
}

#[test]
fn the_page_lists_the_findings_in_the_order_of_the_report() {
    let page = read("docs/audit.md");
    let rows = table(&page, "finding");
    let listed: Vec<String> = rows.iter().map(|row| quoted(&row[0]).remove(0)).collect();
    assert_eq!(listed, FindingKind::ALL.map(FindingKind::name));
}

#[test]
fn the_page_lists_the_metrics() {
    let page = read("docs/audit.md");
    let listed: Vec<(String, String)> = table(&page, "metric")
        .iter()
        .flat_map(|row| {
            let metrics = quoted(&row[0]).into_iter();
            metrics.map(|metric| (metric, row[1].clone()))
        })
        .collect();
    let expected = METRICS.map(|(name, unit)| (name.to_owned(), unit.to_lowercase()));
    assert_eq!(listed, expected);
}

#[test]
fn the_page_lists_the_permissions_that_are_used_and_no_others() {
    let page = read("docs/audit.md");
    let policy = page.split("## Permissions").nth(1).unwrap();
    let policy = policy.split("```").nth(1).unwrap();
    let listed: BTreeSet<&str> = policy
        .split('"')
        .filter(|text| text.contains(':') && text.chars().next().is_some_and(char::is_alphabetic))
        .collect();
    assert_eq!(listed, called());
}

#[test]
fn the_role_of_the_audit_can_only_read() {
    let resources = declared("Resources");
    let (_, role) = resources
        .iter()
        .find(|(name, _)| name == "AuditRole")
        .unwrap();
    let actions = role
        .lines()
        .map(|line| line.trim().trim_start_matches("- "));
    let is_action =
        |line: &&str| line.starts_with("lambda:") || line.starts_with("cloudformation:");
    let allowed: BTreeSet<&str> = actions.filter(is_action).collect();
    assert_eq!(allowed, called());
}

#[test]
fn the_function_of_the_audit_has_its_variables() {
    let resources = declared("Resources");
    let (_, function) = resources
        .iter()
        .find(|(name, _)| name == "Auditor")
        .unwrap();
    let given = function
        .lines()
        .filter_map(|line| line.trim().split_once(": !Ref "));
    let given: Vec<&str> = given
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("AUDIT_"))
        .collect();
    assert_eq!(given, VARIABLES);
}
