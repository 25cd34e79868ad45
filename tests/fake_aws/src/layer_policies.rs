//! The rules by which Lambda changes the policies of layer versions. HTTP and faults are the caller's.

use serde_json::{Value, json};

use crate::policies::{ApiError, Page, Policies, Policy};
use crate::recorded_responses;

/// The most versions on a page.
const PAGE: usize = 50;

const GET: &str = "GetLayerVersionPolicy";
const ADD: &str = "AddLayerVersionPermission";
const REMOVE: &str = "RemoveLayerVersionPermission";

/// One page of the layer's versions. A layer that does not exist has none.
///
/// # Errors
/// As Lambda's.
pub fn list(
    policies: &Policies,
    layer: &str,
    marker: Option<&str>,
    max_items: Option<usize>,
) -> Result<Page, ApiError> {
    let max_items = max_items.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&max_items) {
        let message = format!("Value '{max_items}' at 'maxItems' failed to satisfy constraint");
        return Err(ApiError::new(400, "ValidationException", &message));
    }
    let below = marker.map_or(u64::MAX, |marker| {
        marker.trim_end_matches("/+==").parse().unwrap()
    });
    let prefix = format!("{layer}:");
    let mut versions: Vec<(String, u64)> = policies
        .by_arn
        .range(prefix.clone()..)
        .map_while(|(arn, _)| Some((arn.clone(), arn.strip_prefix(&prefix)?.parse().unwrap())))
        .filter(|(arn, number)| *number < below && policies.unlisted.as_ref() != Some(arn))
        .collect();
    versions.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let page = policies.max_page_size.unwrap_or(PAGE).min(max_items);
    let more = versions.len() > page;
    versions.truncate(page);
    let last = versions.last().map(|(_, number)| format!("{number}/+=="));
    Ok(Page {
        next_marker: last.filter(|_| more),
        versions,
    })
}

/// The policy.
///
/// # Errors
/// As Lambda's.
pub fn get(policies: &Policies, arn: &str) -> Result<Policy, ApiError> {
    check_exists(policies, GET, arn)?;
    let policy = policies.policy(arn).cloned();
    policy.ok_or_else(|| recorded(GET, "no policy yet", &[]))
}

/// Adds a statement; returns it as Lambda writes it, with the new revision.
///
/// # Errors
/// As Lambda's.
pub fn add(
    policies: &mut Policies,
    arn: &str,
    request: &Value,
    revision: Option<&str>,
) -> Result<(Value, String), ApiError> {
    let statement = statement(arn, request)?;
    check_exists(policies, ADD, arn)?;
    check_revision(policies, ADD, arn, revision)?;
    let sid = statement["Sid"].as_str().unwrap();
    let mut others = policies.statements(arn).into_iter();
    if others.any(|other| other["Sid"] == sid) {
        let sid = format!("({sid})");
        return Err(recorded(ADD, "statement id s1 exists", &[("(s1)", &sid)]));
    }
    let revision = policies.add_statement(arn, statement.clone())?;
    Ok((statement, revision))
}

/// Removes a statement.
///
/// # Errors
/// As Lambda's.
pub fn remove(
    policies: &mut Policies,
    arn: &str,
    sid: &str,
    revision: Option<&str>,
) -> Result<(), ApiError> {
    check_exists(policies, REMOVE, arn)?;
    check_revision(policies, REMOVE, arn, revision)?;
    if policies.policy(arn).is_none() {
        return Err(recorded(GET, "no policy yet", &[]));
    }
    let mut found = policies.statements(arn).into_iter();
    if !found.any(|statement| statement["Sid"] == sid) {
        let replaced = [("doesnotexist", sid)];
        return Err(recorded(REMOVE, "no such statement", &replaced));
    }
    policies.delete_statement(arn, sid);
    Ok(())
}

fn check_exists(policies: &Policies, operation: &str, arn: &str) -> Result<(), ApiError> {
    if policies.exists(arn) {
        return Ok(());
    }
    Err(recorded(operation, "no such version", &[("<arn>", arn)]))
}

fn check_revision(
    policies: &Policies,
    operation: &str,
    arn: &str,
    revision: Option<&str>,
) -> Result<(), ApiError> {
    if policies.is_stale(arn, revision) {
        return Err(recorded(operation, "stale RevisionId", &[]));
    }
    Ok(())
}

fn recorded(operation: &str, given: &str, replaced: &[(&str, &str)]) -> ApiError {
    recorded_responses::error(recorded_responses::layer(operation, given), replaced)
}

fn statement(arn: &str, request: &Value) -> Result<Value, ApiError> {
    let action = request["Action"].as_str().unwrap();
    if action != "lambda:GetLayerVersion" {
        return Err(recorded(
            ADD,
            "Action \"*\"",
            &[("'*'", &format!("'{action}'"))],
        ));
    }
    let partition = arn.split(':').nth(1).unwrap();
    let principal = match request["Principal"].as_str().unwrap() {
        "*" => json!("*"),
        root if root.starts_with("arn:") => json!({"AWS": root}),
        account => json!({"AWS": format!("arn:{partition}:iam::{account}:root")}),
    };
    let mut statement = json!({
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": arn,
    });
    if let Some(organization) = request.get("OrganizationId") {
        statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
    }
    Ok(statement)
}
