//! What limits a statement to some accounts and organizations: its principals and its conditions. No I/O.

use serde_json::{Value, json};

use super::trusted::Trusted;
use crate::policy::arn::AccountId;
use crate::policy::principal::{OrganizationId, Principal};
use crate::policy::statement::deleted_principal;

/// One of the things that limit a statement: the accounts and organizations that it leaves. Those that can use the target meet all
/// limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limit(Vec<Group>);

/// Who is left by a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    Account(AccountId),
    Organization(OrganizationId),
    /// Nobody, or whoever has a secret or is in a network.
    Closed,
}

impl Limit {
    /// Whether everybody who is left is one of `trusted`.
    pub(super) fn is_within(&self, trusted: &Trusted) -> bool {
        self.0.iter().all(|group| match group {
            Group::Account(account) => trusted.has_account(account),
            Group::Organization(organization) => trusted.has_organization(organization),
            Group::Closed => true,
        })
    }
}

/// What limits `statement`: its principals, if each of them is in an account, and its conditions. The action does not matter.
pub(super) fn limits(statement: &Value) -> Vec<Limit> {
    let aws = statement.get("Principal").and_then(|of| {
        let kinds = of.as_object();
        kinds.map_or(Some(of), |kinds| {
            (kinds.len() == 1).then(|| kinds.get("AWS"))?
        })
    });
    let principals = aws.and_then(|aws| limit_of(aws, group_of_principal));
    let operators = statement.get("Condition").and_then(Value::as_object);
    let conditions = operators
        .into_iter()
        .flatten()
        .filter(|(operator, _)| requires_a_value(operator))
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .filter_map(|(key, values)| {
            let key = key.to_ascii_lowercase();
            limit_of(values, |value| group_of_condition(&key, value))
        });
    principals.into_iter().chain(conditions).collect()
}

/// The limit to `values`, one or several, if each of them is one to a known group.
fn limit_of(values: &Value, group: impl Fn(&str) -> Option<Group>) -> Option<Limit> {
    let values = values
        .as_array()
        .map_or(std::slice::from_ref(values), Vec::as_slice);
    let groups = values.iter().map(|value| group(value.as_str()?));
    let groups: Vec<Group> = groups.collect::<Option<_>>()?;
    (!groups.is_empty()).then_some(Limit(groups))
}

fn group_of_principal(text: &str) -> Option<Group> {
    if let Ok(principal) = text.parse::<Principal>() {
        return Some(Group::Account(principal.account()?.clone()));
    }
    let is_deleted = deleted_principal(&json!({"Principal": {"AWS": text}})).is_some();
    is_deleted.then_some(Group::Closed)
}

/// The group that a value of a condition key, in lower case, leaves; none if that may be anybody.
///
/// Source: [global condition keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
fn group_of_condition(key: &str, value: &str) -> Option<Group> {
    let is_pattern = value.contains(['*', '?', '$']);
    match key {
        "aws:principalorgid" | "aws:sourceorgid" => value.parse().ok().map(Group::Organization),
        "aws:principalorgpaths" | "aws:sourceorgpaths" => {
            let (organization, _) = value.split_once('/')?;
            organization.parse().ok().map(Group::Organization)
        }
        "aws:principalaccount" | "aws:sourceaccount" | "aws:sourceowner" => {
            value.parse().ok().map(Group::Account)
        }
        "aws:principalarn" | "aws:sourcearn" => {
            value.split(':').nth(4)?.parse().ok().map(Group::Account)
        }
        "lambda:eventsourcetoken" | "aws:sourcevpc" | "aws:sourcevpce" => {
            (!is_pattern && !value.is_empty()).then_some(Group::Closed)
        }
        _ => None,
    }
}

/// Whether an operator requires that one of its values is there: `…IfExists`, `ForAllValues:` and the negative ones do not.
fn requires_a_value(operator: &str) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
    [
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "ArnEquals",
        "ArnLike",
    ]
    .contains(&operator)
}
