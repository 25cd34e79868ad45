//! `Custom::FunctionPermission`: what a resource declares.

mod action;
mod function;
mod principals;
pub mod properties;
mod sources;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::action::Action;
use self::properties::Properties;
use self::sources::{SourceList, Sources};
use super::property_reader::ValidationErrors;
use super::resource::{Grant, Resource, ResourceType};
use crate::policy::conditions::{Conditions, FunctionUrlAuthType};
use crate::policy::organization::Grantee;
use crate::policy::principal::{OrganizationId, Principal};
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::statement_list::Entry;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::policy::url_statement::UrlStatement;
use crate::policy::version_range::VersionRange;
use crate::resources::principals::Principals;

/// What the resource `logical_id` of the stack `stack_id` declares by `properties`.
///
/// # Errors
/// If the properties are invalid.
pub fn parse(
    properties: &Map<String, Value>,
    stack_id: &str,
    logical_id: &str,
) -> Result<Resource, ValidationErrors> {
    let properties = Properties::parse(properties, stack_id)?;
    let derived = || derive(&properties, stack_id, logical_id);
    let target = PolicyTarget::Function(properties.function.clone());
    Ok(Resource {
        resource_type: ResourceType::FunctionPermission,
        targets: TargetSet::One(target.clone()),
        versions: VersionRange::default(),
        target,
        is_derived: properties.statement_id.is_none(),
        sid: properties.statement_id.clone().unwrap_or_else(derived),
        grants: grants(&properties),
        revision_id: properties.revision_id,
        role: properties.role,
    })
}

/// The statement id of all that a change of must replace: the entries of a list may change without that.
fn derive(properties: &Properties, stack_id: &str, logical_id: &str) -> StatementId {
    let principal = match &properties.principals {
        Principals::One(principal) => principal.to_string(),
        Principals::List(_) => "Principals".to_owned(),
    };
    let [arn, account] = properties.sources.replacing();
    let declared = Declared {
        action: properties.action.name(),
        principal: &principal,
        organization: properties.organization.as_ref(),
        arn: &arn,
        account: &account,
        token: properties.sources.token.as_deref(),
        url: properties.action.function_url_auth_type(),
        is_via_url_only: properties.action.is_via_url_only(),
    };
    declared.derive(stack_id, logical_id)
}

/// What a derived statement id depends on, besides the resource itself.
struct Declared<'a> {
    action: &'a str,
    principal: &'a str,
    organization: Option<&'a OrganizationId>,
    arn: &'a str,
    account: &'a str,
    token: Option<&'a str>,
    url: Option<FunctionUrlAuthType>,
    is_via_url_only: bool,
}

impl Declared<'_> {
    fn derive(&self, stack_id: &str, logical_id: &str) -> StatementId {
        let organization = self.organization.map(ToString::to_string);
        StatementId::derive(
            logical_id,
            &[
                stack_id,
                logical_id,
                "function",
                self.action,
                self.principal,
                organization.as_deref().unwrap_or_default(),
                self.arn,
                self.account,
                self.token.unwrap_or_default(),
                self.url.map_or("", FunctionUrlAuthType::as_str),
                if self.is_via_url_only { "true" } else { "" },
            ],
        )
    }
}

/// Whether the resource would derive the id of `statement`, if it declares that one alone.
pub(super) fn derives(statement: &Statement, stack_id: &str, logical_id: &str) -> bool {
    let conditions = &statement.conditions;
    let (principal, organization) = match &statement.principal {
        Principal::Organization(organization) => (Principal::Everyone, Some(organization)),
        other @ (Principal::Account(_)
        | Principal::Everyone
        | Principal::Service(_)
        | Principal::Identity(_)) => (other.clone(), conditions.organization.as_ref()),
    };
    let account = conditions.source_account.as_ref();
    let declared = Declared {
        action: &statement.action,
        principal: &principal.to_string(),
        organization,
        arn: conditions.source_arn.as_deref().unwrap_or_default(),
        account: &account.map(ToString::to_string).unwrap_or_default(),
        token: conditions.event_source_token.as_deref(),
        url: conditions.function_url_auth_type,
        is_via_url_only: conditions.invoked_via_function_url,
    };
    declared.derive(stack_id, logical_id) == statement.sid
}

/// The statements: one, or those of a list, each of them twice for a function URL.
fn grants(properties: &Properties) -> Vec<Grant> {
    let of_url: &[Option<UrlStatement>] = match properties.action {
        Action::FunctionUrl(_) => &[Some(UrlStatement::Url), Some(UrlStatement::Invoke)],
        Action::One { .. } => &[None],
    };
    let entries = entries(properties).into_iter();
    entries
        .flat_map(|entry| of_url.iter().map(move |of_url| (entry.clone(), *of_url)))
        .map(|((entry, grantee, conditions), of_url)| {
            let (action, conditions) = properties.action.of(of_url, conditions);
            Grant {
                entry,
                of_url,
                grantee,
                action,
                conditions,
            }
        })
        .collect()
}

/// What there is a statement for: the entries of the one list, or the resource itself.
fn entries(properties: &Properties) -> Vec<(Option<Entry>, Grantee, Conditions)> {
    let Properties {
        principals,
        organization,
        sources,
        ..
    } = properties;
    let one = match principals {
        Principals::List(grantees) => return listed(grantees, sources),
        Principals::One(principal) => principal.clone(),
    };
    let (principal, organization) = in_organization(one, organization.clone());
    let single = Conditions {
        organization,
        ..sources.conditions()
    };
    let principal = Grantee::Principal(principal);
    let of = |source: &String, with| (Some(Entry::Source(source.clone())), principal.clone(), with);
    match &sources.list {
        SourceList::None => vec![(None, principal, single)],
        SourceList::Arns(arns) => {
            let with = |arn: &String| Conditions {
                source_arn: Some(arn.clone()),
                ..single.clone()
            };
            arns.iter().map(|arn| of(arn, with(arn))).collect()
        }
        SourceList::Accounts(accounts) => {
            let with = |account| Conditions {
                source_account: Some(account),
                ..single.clone()
            };
            let each = accounts.iter();
            each.map(|account| of(&account.to_string(), with(account.clone())))
                .collect()
        }
    }
}

fn listed(
    grantees: &BTreeSet<Grantee>,
    sources: &Sources,
) -> Vec<(Option<Entry>, Grantee, Conditions)> {
    let each = grantees.iter().cloned();
    each.map(|grantee| {
        let entry = match &grantee {
            Grantee::Principal(principal) => Some(Entry::Principal(principal.clone())),
            Grantee::Unit(_) => None,
        };
        (entry, grantee, sources.conditions())
    })
    .collect()
}

/// Everybody in an organization is a principal of its own; of any other one, the organization is a condition.
fn in_organization(
    principal: Principal,
    organization: Option<OrganizationId>,
) -> (Principal, Option<OrganizationId>) {
    match (principal, organization) {
        (Principal::Everyone, Some(organization)) => (Principal::Organization(organization), None),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";

    fn resource(changes: &Value) -> Resource {
        let mut properties =
            json!({"FunctionName": "my-function", "Principal": "s3.amazonaws.com"});
        let map = properties.as_object_mut().expect("an object");
        map.extend(changes.as_object().expect("an object").clone());
        map.retain(|_, value| !value.is_null());
        parse(map, STACK, "Share").expect("a resource")
    }

    fn sid(changes: &Value) -> String {
        resource(changes).sid.to_string()
    }

    #[test]
    fn a_derived_statement_id_never_changes_between_releases() {
        assert_eq!(sid(&json!({})), "Share-ata7amqhyqtarcfl");
        assert_eq!(
            sid(&json!({"SourceArn": "arn:aws:s3:::b"})),
            "Share-3exfu5g3z73wg5vh"
        );
    }

    #[test]
    fn a_derived_statement_id_is_another_one_for_each_other_content() {
        let contents = [
            json!({}),
            json!({"Action": "lambda:*"}),
            json!({"Principal": "111122223333"}),
            json!({"Principal": "*"}),
            json!({"Principal": "*", "PrincipalOrgID": "o-abcdefghij"}),
            json!({"SourceArn": "arn:aws:s3:::b"}),
            json!({"SourceArns": "arn:aws:s3:::b"}),
            json!({"SourceAccount": "111122223333"}),
            json!({"SourceAccounts": "111122223333"}),
            json!({"EventSourceToken": "111122223333"}),
            json!({"FunctionUrlAuthType": "NONE"}),
            json!({"FunctionUrlAuthType": "AWS_IAM"}),
            json!({"FunctionUrlAuthType": "NONE", "Action": "lambda:InvokeFunctionUrl"}),
            json!({"InvokedViaFunctionUrl": "true"}),
            json!({"Principal": null, "Principals": "s3.amazonaws.com"}),
        ];
        let sids: BTreeSet<String> = contents.iter().map(sid).collect();
        assert_eq!(sids.len(), contents.len());
        for same in [
            json!({"Action": "lambda:InvokeFunction"}),
            json!({"Action": "lambda:invokefunction"}),
            json!({"InvokedViaFunctionUrl": "false"}),
            json!({"FunctionName": "other", "Qualifier": "live", "Nonce": "2"}),
        ] {
            assert_eq!(sid(&same), sid(&json!({})), "{same}");
        }
        for list in ["Principals", "SourceArns", "SourceAccounts"] {
            let entries = match list {
                "SourceArns" => ["arn:aws:s3:::a", "arn:aws:s3:::b"],
                _ => ["111122223333", "444455556666"],
            };
            let of = |entries: &str| {
                let mut changes = json!({list: entries});
                if list == "Principals" {
                    changes["Principal"] = Value::Null;
                }
                sid(&changes)
            };
            assert_eq!(of(entries[0]), of(&entries.join(",")), "{list}");
        }
    }

    /// The statements as `<id> <principal> <action>` with the conditions that are there.
    fn statements(changes: &Value) -> Vec<String> {
        let mut changes = changes.clone();
        changes["StatementId"] = "s".into();
        let statements = resource(&changes).statements().into_iter();
        statements
            .map(|statement| {
                let Conditions {
                    organization,
                    source_arn,
                    source_account,
                    event_source_token,
                    function_url_auth_type,
                    invoked_via_function_url,
                } = statement.conditions;
                let conditions = [
                    organization.map(|id| id.to_string()),
                    source_arn,
                    source_account.map(|id| id.to_string()),
                    event_source_token,
                    function_url_auth_type.map(|kind| kind.to_string()),
                    invoked_via_function_url.then(|| "via URL".to_owned()),
                ];
                let conditions: Vec<String> = conditions.into_iter().flatten().collect();
                let (sid, principal) = (statement.sid, statement.principal);
                let action = statement.action.trim_start_matches("lambda:");
                format!("{sid} {principal} {action} [{}]", conditions.join(", "))
            })
            .collect()
    }

    #[test]
    fn a_resource_has_one_statement_or_those_of_its_list_each_twice_for_a_function_url() {
        for (changes, expected) in [
            (json!({}), vec!["s s3.amazonaws.com InvokeFunction []"]),
            (
                json!({"Principal": "*", "PrincipalOrgID": "o-abcdefghij"}),
                vec!["s o-abcdefghij InvokeFunction []"],
            ),
            (
                json!({"Principal": "111122223333", "PrincipalOrgID": "o-abcdefghij"}),
                vec!["s 111122223333 InvokeFunction [o-abcdefghij]"],
            ),
            (
                json!({"SourceArn": "arn:aws:s3:::b", "SourceAccount": "111122223333", "EventSourceToken": "t"}),
                vec!["s s3.amazonaws.com InvokeFunction [arn:aws:s3:::b, 111122223333, t]"],
            ),
            (
                json!({"SourceAccounts": "444455556666,111122223333,111122223333", "SourceArn": "arn:aws:s3:::b"}),
                vec![
                    "s-v2zcczqp6c s3.amazonaws.com InvokeFunction [arn:aws:s3:::b, 111122223333]",
                    "s-rlxoctp3n7 s3.amazonaws.com InvokeFunction [arn:aws:s3:::b, 444455556666]",
                ],
            ),
            (
                json!({"Principal": null, "Principals": "111122223333,*", "FunctionUrlAuthType": "AWS_IAM"}),
                vec![
                    "s-vsthye4km6 111122223333 InvokeFunctionUrl [AWS_IAM]",
                    "s-2dtedceqpk 111122223333 InvokeFunction [via URL]",
                    "s-lcpa546p42 * InvokeFunctionUrl [AWS_IAM]",
                    "s-t4fzxlntpr * InvokeFunction [via URL]",
                ],
            ),
            (
                json!({"FunctionUrlAuthType": "NONE", "SourceAccount": "111122223333"}),
                vec![
                    "s-url s3.amazonaws.com InvokeFunctionUrl [111122223333, NONE]",
                    "s-invoke s3.amazonaws.com InvokeFunction [111122223333, via URL]",
                ],
            ),
        ] {
            assert_eq!(statements(&changes), expected, "{changes}");
        }
    }
}
