//! Who can use a layer version or a function by one statement of its policy. What is not known to be limited counts as public.

use std::fmt;

use serde_json::Value;

use super::limit::{Limit, limits};
use super::trusted::Trusted;
use crate::policy::conditions::Conditions;
use crate::policy::principal::Principal;
use crate::policy::statement::{
    GET_LAYER_VERSION, INVOKE_FUNCTION, INVOKE_FUNCTION_URL, Statement, deleted_principal,
};
use crate::policy::target::PolicyTarget;

/// What a statement grants.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Its id, or the JSON of what is there instead.
    pub statement_id: String,
    /// The statement, if it is one that Lambda's API writes.
    pub parsed: Option<Statement>,
    /// Whether it grants to everybody.
    pub is_public: bool,
    /// The statement as it is in the policy, without the token of an event source.
    pub statement: Value,
    limits: Vec<Limit>,
}

impl Access {
    /// What `statement` of the policy of `target` grants.
    #[must_use]
    pub fn new(statement: &Value, target: &PolicyTarget) -> Self {
        let sid = statement.get("Sid");
        let text = sid
            .and_then(Value::as_str)
            .filter(|text| text.chars().all(|c| c.is_ascii_graphic()));
        let limits = limits(statement);
        Self {
            statement_id: text.map_or_else(
                || sid.map_or_else(String::new, Value::to_string),
                str::to_owned,
            ),
            parsed: parse(statement, target),
            is_public: allows(statement) && is_for_everybody(statement) && limits.is_empty(),
            statement: without_token(statement.clone()),
            limits,
        }
    }

    /// Whether it may grant to somebody outside of `trusted`.
    #[must_use]
    pub fn is_outside(&self, trusted: &Trusted) -> bool {
        let mut limits = self.limits.iter();
        allows(&self.statement) && !limits.any(|limit| limit.is_within(trusted))
    }

    /// Whether its role or user was deleted, so that it grants to nobody.
    #[must_use]
    pub fn is_for_deleted_principal(&self) -> bool {
        deleted_principal(&self.statement).is_some()
    }

    /// Whom it grants to, in words; none where only the statement itself can say it.
    #[must_use]
    pub fn who(&self) -> Option<String> {
        let Statement {
            principal,
            action,
            conditions,
            ..
        } = self.parsed.as_ref()?;
        let who = match principal {
            Principal::Everyone if self.is_public => "EVERYBODY".to_owned(),
            Principal::Everyone => "everybody".to_owned(),
            Principal::Account(account) => format!("account {account}"),
            Principal::Organization(organization) => format!("organization {organization}"),
            Principal::Service(service) => service.to_string(),
            Principal::Identity(identity) => identity.to_string(),
        };
        let is_usual =
            [GET_LAYER_VERSION, INVOKE_FUNCTION, INVOKE_FUNCTION_URL].contains(&&**action);
        let action = (!is_usual).then(|| format!("for {action}"));
        let with = action.into_iter().chain(in_words(conditions));
        Some(
            std::iter::once(who)
                .chain(with)
                .collect::<Vec<_>>()
                .join(" "),
        )
    }
}

fn in_words(conditions: &Conditions) -> impl Iterator<Item = String> {
    let Conditions {
        organization,
        source_arn,
        source_account,
        event_source_token,
        function_url_auth_type,
        invoked_via_function_url,
    } = conditions;
    let shown = |head: &str, value: Option<&dyn fmt::Display>| Some(format!("{head} {}", value?));
    let token = event_source_token
        .as_ref()
        .map(|_| "with a token".to_owned());
    let url = function_url_auth_type.map(|kind| format!("by URL ({kind})"));
    let via_url = invoked_via_function_url.then(|| "by URL only".to_owned());
    let limits = [
        shown("in", organization.as_ref().map(|of| of as _)),
        shown("from", source_arn.as_ref().map(|of| of as _)),
        shown("from account", source_account.as_ref().map(|of| of as _)),
    ];
    limits.into_iter().chain([token, url, via_url]).flatten()
}

/// The statement, if Lambda's API writes it for such a target.
fn parse(statement: &Value, target: &PolicyTarget) -> Option<Statement> {
    let parsed = Statement::parse(statement, target)?;
    let is_written = match target {
        PolicyTarget::Function(_) => true,
        PolicyTarget::LayerVersion(_) => {
            let (sid, principal) = (parsed.sid.clone(), parsed.principal.clone());
            Statement::layer_version(sid, principal).matches_in_any_partition(statement, target)
        }
    };
    is_written.then_some(parsed)
}

fn without_token(mut statement: Value) -> Value {
    let operators = statement
        .get_mut("Condition")
        .and_then(Value::as_object_mut);
    let keys = operators
        .into_iter()
        .flatten()
        .filter_map(|(_, keys)| keys.as_object_mut());
    for (key, value) in keys.flatten() {
        if key.eq_ignore_ascii_case("lambda:EventSourceToken") {
            *value = "***".into();
        }
    }
    statement
}

/// Whether it allows something: an effect that is not known may.
fn allows(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) != Some("Deny")
}

fn is_for_everybody(statement: &Value) -> bool {
    let principal = statement.get("Principal");
    statement.get("NotPrincipal").is_some() || principal.is_some_and(names_everybody)
}

fn names_everybody(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(several) => several.iter().any(names_everybody),
        Value::Object(kinds) => kinds.values().any(names_everybody),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
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
        for (key, value) in changes.as_object().expect("an object") {
            statement[key] = value.clone();
        }
        statement
            .as_object_mut()
            .expect("an object")
            .retain(|_, value| !value.is_null());
        Access::new(&statement, &ARN.parse().expect("an ARN"))
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
            let parsed = access.parsed.expect("a statement of Lambda");
            assert_eq!(parsed.principal.to_string(), principal);
            assert_eq!(access.is_public, is_public, "{principal}");
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
            assert!(access.is_public, "{case}");
            assert_eq!(access.who(), None, "{case}");
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
            assert!(!access.is_public, "{case}");
            assert_eq!(access.who(), None, "{case}");
        }
    }

    fn of_function(principal: &Value, condition: &Value) -> Access {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        let statement = json!({
            "Sid": "s1", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": arn, "Condition": condition,
        });
        Access::new(&statement, &arn.parse().expect("an ARN"))
    }

    #[test]
    fn a_grant_of_a_function_says_who_and_by_which_way() {
        let service = json!({"Service": "s3.amazonaws.com"});
        let role = json!({"AWS": "arn:aws:iam::111122223333:role/r"});
        for (principal, condition, who, is_public) in [
            (
                &service,
                json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}, "StringEquals": {"AWS:SourceAccount": "111122223333"}}),
                "s3.amazonaws.com from arn:aws:s3:::b from account 111122223333",
                false,
            ),
            (
                &role,
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
                "arn:aws:iam::111122223333:role/r in o-abcdefghij",
                false,
            ),
            (
                &json!("*"),
                json!({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
                "EVERYBODY by URL (NONE)",
                true,
            ),
            (
                &json!("*"),
                json!({"StringEquals": {"AWS:SourceAccount": "111122223333"}}),
                "everybody from account 111122223333",
                false,
            ),
        ] {
            let access = of_function(principal, &condition);
            assert_eq!(access.who().as_deref(), Some(who));
            assert_eq!(access.is_public, is_public, "{who}");
        }
    }

    #[test]
    fn the_token_of_an_event_source_is_not_shown() {
        let condition = json!({"StringEquals": {"lambda:EventSourceToken": "secret"}});
        let access = of_function(&json!({"Service": "alexa-appkit.amazon.com"}), &condition);
        assert_eq!(
            access.who().as_deref(),
            Some("alexa-appkit.amazon.com with a token")
        );
        assert!(!access.statement.to_string().contains("secret"));
    }

    #[test]
    fn a_grant_is_outside_unless_one_of_its_limits_is_trusted() {
        let trusted = Trusted::parse("111122223333, o-abcdefghij").expect("trusted ones");
        let service = json!({"Service": "events.amazonaws.com"});
        let account = |id: &str| json!({"AWS": id});
        let equals = |key: &str, value: Value| json!({"StringEquals": {key: value}});
        let both = json!(["111122223333", "444455556666"]);
        for (case, principal, condition, is_outside) in [
            (
                "a trusted account",
                account("111122223333"),
                json!({}),
                false,
            ),
            ("another account", account("444455556666"), json!({}), true),
            (
                "a role of a trusted account",
                account("arn:aws:iam::111122223333:role/r"),
                json!({}),
                false,
            ),
            (
                "another account, in the organization",
                account("444455556666"),
                equals("aws:PrincipalOrgID", json!("o-abcdefghij")),
                false,
            ),
            (
                "a foreign organization",
                json!("*"),
                equals("aws:PrincipalOrgID", json!("o-klmnopqrst")),
                true,
            ),
            (
                "two accounts, one of them foreign",
                json!({"AWS": both}),
                json!({}),
                true,
            ),
            (
                "a deleted role",
                account("AROAEXAMPLEEXAMPLE123"),
                json!({}),
                false,
            ),
            ("a service for anybody", service.clone(), json!({}), true),
            (
                "a service for a bucket of anybody",
                service.clone(),
                json!({"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
                true,
            ),
            (
                "a service for a trusted account",
                service.clone(),
                json!({"ArnLike": {"AWS:SourceArn": "arn:aws:events:eu-west-1:111122223333:rule/r"}}),
                false,
            ),
            (
                "a service with a token",
                service.clone(),
                equals("lambda:EventSourceToken", json!("secret")),
                false,
            ),
            (
                "one of two source accounts",
                service,
                equals("aws:SourceAccount", both.clone()),
                true,
            ),
        ] {
            let access = of_function(&principal, &condition);
            assert_eq!(access.is_outside(&trusted), is_outside, "{case}");
        }
        assert!(!access(&json!({"Effect": "Deny"})).is_outside(&trusted));
    }
}
