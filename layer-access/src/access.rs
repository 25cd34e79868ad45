//! Who can use a layer version by one statement of its policy. What is not known to be limited counts as public.

use lambda_permission_provider::policy::arn::LayerVersionArn;
use lambda_permission_provider::policy::principal::{OrganizationId, Principal};
use lambda_permission_provider::policy::statement::Statement;
use lambda_permission_provider::policy::statement_id::StatementId;
use lambda_permission_provider::policy::target::PolicyTarget;
use serde_json::Value;

use crate::origin::Origin;

/// What a statement grants.
pub struct Access {
    /// Its id, or the JSON of what is there instead.
    pub statement_id: String,
    /// Its principal, if it has one of the three forms that Lambda writes.
    pub principal: Option<Principal>,
    /// Whether it grants to everybody.
    pub is_public: bool,
    /// Whether the provider has added it.
    pub origin: Origin,
    /// The statement as it is in the policy.
    pub statement: Value,
}

impl Access {
    /// What `statement` of the policy of `layer_version` grants.
    pub fn new(statement: &Value, layer_version: &LayerVersionArn) -> Self {
        let text = statement.get("Sid").and_then(Value::as_str);
        let sid: Option<StatementId> = text.and_then(|text| text.parse().ok());
        let principal = principal_of(statement, layer_version);
        let origin = match (&sid, &principal) {
            (Some(sid), Some(principal)) => Origin::from_id(sid, principal),
            _ => Origin::No,
        };
        let is_public = match &principal {
            Some(Principal::Everyone) => true,
            Some(
                Principal::Account(_)
                | Principal::Organization(_)
                | Principal::Service(_)
                | Principal::Identity(_),
            ) => false,
            None => grants_to_everybody(statement),
        };
        let other = || {
            statement
                .get("Sid")
                .map_or_else(String::new, Value::to_string)
        };
        Self {
            statement_id: sid.map_or_else(other, |sid| sid.to_string()),
            principal,
            is_public,
            origin,
            statement: statement.clone(),
        }
    }
}

/// Whom `statement` grants `layer_version` to, if it grants exactly that.
fn principal_of(statement: &Value, layer_version: &LayerVersionArn) -> Option<Principal> {
    let target = PolicyTarget::LayerVersion(layer_version.clone());
    let Statement { sid, principal, .. } = Statement::parse(statement, &target)?;
    let own = Statement::layer_version(sid, principal);
    own.matches_in_any_partition(statement, &target)
        .then_some(own.principal)
}

/// Of a statement of any other form: whether it allows something to everybody, and no condition limits it to organizations.
/// The action does not matter.
fn grants_to_everybody(statement: &Value) -> bool {
    let principal = statement.get("Principal");
    let allows = statement.get("Effect").and_then(Value::as_str) != Some("Deny");
    let to_everybody =
        statement.get("NotPrincipal").is_some() || principal.is_some_and(names_everybody);
    allows
        && to_everybody
        && !statement
            .get("Condition")
            .is_some_and(is_limited_to_organizations)
}

fn names_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(several) => several.iter().any(names_everybody),
        Value::Object(kinds) => kinds.values().any(names_everybody),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether one of the conditions requires an organization. One that matches a request without an organization, or with any,
/// does not.
fn is_limited_to_organizations(condition: &Value) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    operators
        .filter(|(operator, _)| requires_a_value(operator))
        .filter_map(|(_, keys)| keys.as_object())
        .flatten()
        .any(|(key, values)| {
            let is_organization = match key.to_ascii_lowercase().as_str() {
                "aws:principalorgid" => |text: &str| text.parse::<OrganizationId>().is_ok(),
                "aws:principalorgpaths" => |text: &str| {
                    let (organization, _) = text.split_once('/').unwrap_or_default();
                    organization.parse::<OrganizationId>().is_ok()
                },
                _ => return false,
            };
            let values = values
                .as_array()
                .map_or(std::slice::from_ref(values), Vec::as_slice);
            let is_organization = |value: &Value| value.as_str().is_some_and(is_organization);
            !values.is_empty() && values.iter().all(is_organization)
        })
}

/// Whether an operator requires that one of its values is there: `…IfExists`, `ForAllValues:` and the negative ones do not.
fn requires_a_value(operator: &str) -> bool {
    let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
    ["StringEquals", "StringEqualsIgnoreCase", "StringLike"].contains(&operator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

    fn access(changes: &Value) -> Access {
        let mut statement = json!({
            "Sid": "s1", "Effect": "Allow", "Principal": "*", "Action": "lambda:GetLayerVersion", "Resource": ARN,
        });
        for (key, value) in changes.as_object().unwrap() {
            statement[key] = value.clone();
        }
        statement
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        Access::new(&statement, &ARN.parse().unwrap())
    }

    #[test]
    fn a_statement_of_lambda_has_its_principal_in_any_equal_form() {
        let organization =
            json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}});
        for (changes, principal, is_public) in [
            (json!({}), "*", true),
            (json!({"Principal": {"AWS": "*"}}), "*", true),
            (json!({"Condition": {}}), "*", true),
            (json!({"Action": ["lambda:GetLayerVersion"]}), "*", true),
            (
                json!({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}),
                "111122223333",
                false,
            ),
            (organization, "o-abcdefghij", false),
        ] {
            let access = access(&changes);
            assert_eq!(access.principal.unwrap().to_string(), principal);
            assert_eq!(access.is_public, is_public, "{principal}");
            assert_eq!(access.origin, Origin::Unknown, "{principal}");
        }
    }

    #[test]
    fn a_grant_to_everybody_is_public_whatever_its_form() {
        for (case, changes) in [
            ("another action", json!({"Action": "lambda:*"})),
            (
                "a list of actions",
                json!({"Action": ["lambda:GetLayerVersion", "lambda:InvokeFunction"]}),
            ),
            (
                "any action but one",
                json!({"Action": null, "NotAction": "lambda:AddLayerVersionPermission"}),
            ),
            (
                "everybody in a list",
                json!({"Principal": {"AWS": ["111122223333", "*"]}}),
            ),
            (
                "everybody but one",
                json!({"Principal": null, "NotPrincipal": {"AWS": "111122223333"}}),
            ),
            ("an unknown effect", json!({"Effect": "allow"})),
            ("an unknown key", json!({"Unknown": 1})),
            ("another resource", json!({"Resource": "*"})),
            (
                "a condition on something else",
                json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
            ),
            (
                "any organization",
                json!({"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}),
            ),
            (
                "one organization or any",
                json!({"Condition": {"StringLike": {"aws:PrincipalOrgID": ["o-abcdefghij", "*"]}}}),
            ),
            (
                "any part of any",
                json!({"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-a/*"}}}),
            ),
            (
                "not this one",
                json!({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}),
            ),
            (
                "this one or none",
                json!({"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"}}}),
            ),
            (
                "all of no paths",
                json!({"Condition": {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abcdefghij/*"}}}),
            ),
            (
                "no organization",
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}}),
            ),
            ("a condition that is none", json!({"Condition": "text"})),
        ] {
            let access = access(&changes);
            assert!(access.is_public && access.principal.is_none(), "{case}");
            assert_eq!(access.origin, Origin::No, "{case}");
        }
    }

    #[test]
    fn a_limited_grant_is_not_public_whatever_its_form() {
        for (case, changes) in [
            ("a refusal", json!({"Effect": "Deny"})),
            (
                "an account that was deleted",
                json!({"Principal": {"AWS": "AIDAEXAMPLE"}}),
            ),
            (
                "two accounts",
                json!({"Principal": {"AWS": ["111122223333", "444455556666"]}}),
            ),
            ("no principal", json!({"Principal": null})),
            (
                "two organizations",
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-abcdefghij", "o-klmnopqrst"]}}}),
            ),
            (
                "an organization by another operator",
                json!({"Condition": {"StringLike": {"AWS:principalorgid": "o-abcdefghij"}}}),
            ),
            (
                "a part of one",
                json!({"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-abcdefghij/r-a/*"]}}}),
            ),
            (
                "an organization and something else",
                json!({"Condition": {
                    "Bool": {"aws:SecureTransport": "true"},
                    "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"},
                }}),
            ),
        ] {
            let access = access(&changes);
            assert!(!access.is_public && access.principal.is_none(), "{case}");
        }
    }

    #[test]
    fn the_origin_follows_from_the_id() {
        for (case, changes, id, origin) in [
            (
                "derived",
                json!({"Sid": "Share-ukb5vbeuhscn5xae"}),
                "Share-ukb5vbeuhscn5xae",
                Origin::Likely,
            ),
            (
                "chosen",
                json!({"Sid": "partners"}),
                "partners",
                Origin::Unknown,
            ),
            (
                "derived, over another statement",
                json!({"Sid": "Share-ukb5vbeuhscn5xae", "Action": "lambda:*"}),
                "Share-ukb5vbeuhscn5xae",
                Origin::No,
            ),
            ("none", json!({"Sid": null}), "", Origin::No),
            ("not a text", json!({"Sid": 1}), "1", Origin::No),
            (
                "not an id",
                json!({"Sid": "a\u{1b}[2J"}),
                r#""a\u001b[2J""#,
                Origin::No,
            ),
        ] {
            let access = access(&changes);
            assert_eq!(
                (access.statement_id.as_str(), access.origin),
                (id, origin),
                "{case}"
            );
        }
    }
}
