//! The guardrails of grants on functions, besides the principals that all grants have.

use super::violation::GuardrailViolation;
use crate::policy::arn::AccountId;
use crate::policy::conditions::Conditions;
use crate::policy::function_arn::FunctionArn;
use crate::policy::principal::Principal;
use crate::policy::statement::{INVOKE_FUNCTION, INVOKE_FUNCTION_URL, Statement};

/// What the operator allows of functions.
#[derive(Clone, Debug)]
pub struct FunctionGuardrails {
    /// The functions that may be granted on; none where this is empty.
    pub(crate) served: Vec<FunctionNames>,
    /// Whether everybody may be granted to, if only through a function URL.
    pub(crate) allow_public_urls: bool,
    /// Whether a service may be granted to whichever account it acts for.
    pub(crate) allow_unconfined_services: bool,
    /// The actions that may be granted.
    pub(crate) allowed_actions: Vec<AllowedAction>,
}

impl FunctionGuardrails {
    /// What denies grants on `function`, if anything does; `own` is the provider's own function.
    pub(super) fn check_function(
        &self,
        function: &FunctionArn,
        own: Option<&FunctionArn>,
    ) -> Result<(), GuardrailViolation> {
        if own.is_some_and(|own| function.is_same_function(own)) {
            return Err(GuardrailViolation::OwnFunction(function.clone()));
        }
        let name = function.name();
        if self.served.iter().any(|served| served.matches(name)) {
            return Ok(());
        }
        let served: Vec<String> = self
            .served
            .iter()
            .map(|served| format!("`{}`", served.0))
            .collect();
        Err(GuardrailViolation::FunctionNotServed {
            got: name.to_owned(),
            served: if served.is_empty() {
                "it serves none".to_owned()
            } else {
                format!("it serves {}", served.join(", "))
            },
        })
    }

    /// What denies `statement` whoever its principal is.
    pub(super) fn check_statement(&self, statement: &Statement) -> Vec<GuardrailViolation> {
        let action = self.check_action(&statement.action);
        let source = self.check_source(statement);
        [action, source]
            .into_iter()
            .filter_map(Result::err)
            .collect()
    }

    fn check_action(&self, action: &str) -> Result<(), GuardrailViolation> {
        let mut allowed = self.allowed_actions.iter();
        if allowed.any(|allowed| allowed.includes(action)) {
            return Ok(());
        }
        let allowed = self.allowed_actions.iter();
        let allowed: Vec<String> = allowed.map(|allowed| format!("`{}`", allowed.0)).collect();
        Err(GuardrailViolation::Action {
            got: action.to_owned(),
            allowed: allowed.join(" or "),
        })
    }

    fn check_source(&self, statement: &Statement) -> Result<(), GuardrailViolation> {
        let Principal::Service(service) = &statement.principal else {
            return Ok(());
        };
        let Conditions {
            source_arn,
            source_account,
            event_source_token,
            ..
        } = &statement.conditions;
        let names_account = source_arn.as_deref().is_some_and(names_account);
        if self.allow_unconfined_services
            || source_account.is_some()
            || event_source_token.is_some()
            || names_account
        {
            return Ok(());
        }
        let got = match source_arn {
            Some(arn) => format!("`{service}` with `{arn}`, which names no account"),
            None => format!("`{service}`"),
        };
        Err(GuardrailViolation::UnconfinedService { got })
    }

    /// Whether everybody may be granted to by `statement`, since it is for a function URL only.
    pub(super) fn allows_public_url(&self, conditions: &Conditions) -> bool {
        self.allow_public_urls && is_for_url(conditions)
    }
}

/// Whether a statement is for requests through a function URL only.
pub(super) fn is_for_url(conditions: &Conditions) -> bool {
    conditions.function_url_auth_type.is_some() || conditions.invoked_via_function_url
}

/// Whether the ARN, or the pattern of ARNs, is of resources of one account.
fn names_account(arn: &str) -> bool {
    let account = arn.split(':').nth(4);
    account.is_some_and(|account| account.parse::<AccountId>().is_ok())
}

/// The name of a function, or a pattern of names: `*` stands for any text, and `?` for one character, as in the ARNs of a role's
/// policy.
///
/// Source: [IAM JSON policy elements: Resource](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
#[derive(Clone, Debug)]
pub(crate) struct FunctionNames(String);

impl FunctionNames {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*?".contains(&byte);
        ((1..=140).contains(&text.len()) && text.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    fn matches(&self, name: &str) -> bool {
        matches(self.0.as_bytes(), name.as_bytes())
    }
}

/// Whether `name` fits `pattern`. The last `*` takes one character more wherever the rest does not fit.
fn matches(mut pattern: &[u8], mut name: &[u8]) -> bool {
    let mut after_star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, name) {
            ([], []) => return true,
            ([b'*', rest @ ..], _) => {
                after_star = Some((rest, name));
                pattern = rest;
            }
            ([wanted, rest @ ..], [found, others @ ..]) if *wanted == b'?' || wanted == found => {
                (pattern, name) = (rest, others);
            }
            _ => {
                let Some((rest, [_, others @ ..])) = after_star else {
                    return false;
                };
                after_star = Some((rest, others));
                (pattern, name) = (rest, others);
            }
        }
    }
}

/// An action that may be granted: `lambda:<name>`, or `lambda:*` or `*` for all of them.
#[derive(Clone, Debug)]
pub(crate) struct AllowedAction(String);

impl AllowedAction {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            name == "*" || !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let is_action = text == "*" || text.strip_prefix("lambda:").is_some_and(is_name);
        is_action.then(|| Self(text.to_owned()))
    }

    /// The actions that are allowed where the operator names none.
    pub(crate) fn invocations() -> Vec<Self> {
        [INVOKE_FUNCTION, INVOKE_FUNCTION_URL]
            .map(|action| Self(action.to_owned()))
            .into()
    }

    fn includes(&self, action: &str) -> bool {
        self.0 == "*"
            || self.0.eq_ignore_ascii_case(action)
            || self.0 == "lambda:*" && action != "*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_names_is_that_of_a_role_policy() {
        for (pattern, name, is_matched) in [
            ("orders", "orders", true),
            ("orders", "orders-2", false),
            ("orders", "my-orders", false),
            ("*", "orders", true),
            ("orders-*", "orders-", true),
            ("orders-*", "orders-prod", true),
            ("orders-*", "orders", false),
            ("*-prod", "orders-prod-prod", true),
            ("*-prod", "orders-prod-test", false),
            ("o*-p*d", "orders-x-prod", true),
            ("o*-p*d", "orders-x", false),
            ("order?", "orders", true),
            ("order?", "order", false),
            ("?*", "x", true),
            ("**", "x", true),
        ] {
            let names = FunctionNames::parse(pattern).expect("a pattern");
            assert_eq!(names.matches(name), is_matched, "{pattern} {name}");
        }
        for text in [
            "",
            "a:b",
            "a b",
            "arn:aws:lambda:eu-west-1:123456789012:function:x",
            "é",
        ] {
            assert!(FunctionNames::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_allowed_action_includes_itself_and_a_wildcard_those_of_its_kind() {
        for (allowed, action, is_included) in [
            ("lambda:InvokeFunction", "lambda:InvokeFunction", true),
            ("lambda:invokefunction", "lambda:InvokeFunction", true),
            ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl", false),
            ("lambda:InvokeFunction", "lambda:*", false),
            ("lambda:*", "lambda:UpdateFunctionCode", true),
            ("lambda:*", "lambda:*", true),
            ("lambda:*", "*", false),
            ("*", "*", true),
            ("*", "lambda:*", true),
        ] {
            let allowed = AllowedAction::parse(allowed).expect("an action");
            assert_eq!(
                allowed.includes(action),
                is_included,
                "{allowed:?} {action}"
            );
        }
        for text in [
            "",
            "lambda:",
            "lambda",
            "InvokeFunction",
            "s3:GetObject",
            "lambda:Get*",
        ] {
            assert!(AllowedAction::parse(text).is_none(), "{text}");
        }
    }
}
