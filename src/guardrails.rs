//! The operator's guardrails: which statements of an operation are denied, and why. They deny grants, and never a revoke.

pub mod functions;
pub mod violation;

use std::collections::BTreeSet;

use self::functions::{FunctionGuardrails, is_for_url};
use self::violation::{GuardrailViolation, InvalidGuardrail};
use crate::cloudformation::response_hosts::ResponseHost;
use crate::cloudformation::response_url::ResponseUrl;
use crate::policy::denied::Denied;
use crate::policy::desired::{DesiredState, Removal};
use crate::policy::function_arn::FunctionArn;
use crate::policy::organization::Grantee;
use crate::policy::principal::Principal;
use crate::policy::statement::Statement;
use crate::policy::target::PolicyTarget;
use crate::policy::unit_grant::UnitGrant;
use crate::resources::operation::{Mode, Operation};
use crate::text::joined;

/// How many principals, or invalid values, a reason contains.
const MAX_REPORTED: usize = 20;

/// What the operator allows.
#[derive(Clone, Debug)]
pub struct Guardrails {
    pub(crate) allow_public: bool,
    /// The principals that may be granted to; any where there is no list.
    pub(crate) allowed_principals: Option<Vec<Grantee>>,
    pub(crate) functions: FunctionGuardrails,
    pub(crate) response_hosts: Vec<ResponseHost>,
    /// Values that are invalid: every grant is denied then.
    pub(crate) invalid: Vec<InvalidGuardrail>,
}

impl Guardrails {
    /// The values that are invalid.
    #[must_use]
    pub fn invalid(&self) -> &[InvalidGuardrail] {
        &self.invalid
    }

    /// Checks that a response may be sent to `url`.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_response_url(&self, url: &ResponseUrl) -> Result<(), GuardrailViolation> {
        let allowed = self.response_hosts.iter().any(|host| host.allows(url));
        allowed
            .then_some(())
            .ok_or_else(|| GuardrailViolation::ResponseHost(url.clone()))
    }

    /// The statements that `operation` must not add; `own_function` is the one that the provider runs in. Removing access is always
    /// allowed. A resource that has its grant already is denied only what would have to be added: it may lose some of it, or be rolled
    /// back to it.
    ///
    /// # Errors
    /// Why all of it is denied, joined by `; `.
    pub fn authorize(
        &self,
        operation: &Operation,
        url: &ResponseUrl,
        own_function: Option<&FunctionArn>,
    ) -> Result<Denied, String> {
        let spec = operation.spec.as_ref();
        let Some(spec) = spec.filter(|_| operation.mode == Mode::Apply) else {
            return Ok(Denied::new());
        };
        self.check_response_url(url)
            .map_err(|violation| violation.to_string())?;
        let policies = Policies {
            function: spec.targets.function(),
            own_function,
        };
        let desired: Vec<&Statement> = spec.desired.statements.iter().collect();
        let units: Vec<&UnitGrant> = spec.desired.units.iter().collect();
        if !operation.keeps_id
            && let Some(reason) = self.reason(&desired, &units, policies)
        {
            return Err(reason);
        }
        let mut denied = self.denied_of(&spec.desired, policies);
        if units.is_empty() {
            self.deny_dropped_units(&spec.desired, &mut denied);
        }
        Ok(denied)
    }

    /// What is denied of `desired` and, since a rollback would restore it, of what that removes.
    fn denied_of(&self, desired: &DesiredState, policies: Policies<'_>) -> Denied {
        let restorable = desired.removals.iter().filter_map(Removal::statement);
        let statements = desired.statements.iter().chain(restorable);
        let denied = statements.filter_map(|statement| {
            let reason = self.reason(&[statement], &[], policies)?;
            Some((statement.clone(), reason))
        });
        let mut denied: Denied = denied.collect();
        let restorable = desired.removals.iter().filter_map(Removal::unit);
        for unit in desired.units.iter().chain(restorable) {
            if let Some(reason) = self.reason(&[], &[unit], policies) {
                denied.deny_unit(unit.clone(), reason);
            }
        }
        denied
    }

    /// The same for the units of `operation`, once it is known where they are.
    ///
    /// # Errors
    /// Why all of it is denied.
    pub fn authorize_units(
        &self,
        operation: &Operation,
        denied: &mut Denied,
    ) -> Result<(), String> {
        let Some(spec) = &operation.spec else {
            return Ok(());
        };
        let units: Vec<&UnitGrant> = spec.desired.units.iter().collect();
        if !operation.keeps_id
            && let Some(violation) = self.unlisted(&[], &units)
        {
            return Err(violation.to_string());
        }
        for unit in units {
            if let Some(violation) = self.unlisted(&[], &[unit]) {
                denied.deny_unit(unit.clone(), violation.to_string());
            }
        }
        self.deny_dropped_units(&spec.desired, denied);
        Ok(())
    }

    /// Denies what a rollback would restore for units that are dropped, unless they are allowed for certain: where a unit is, is known
    /// only if its accounts were listed.
    fn deny_dropped_units(&self, desired: &DesiredState, denied: &mut Denied) {
        let Some(allowed) = &self.allowed_principals else {
            return;
        };
        let removed = desired.removals.iter().filter_map(Removal::unit);
        for dropped in removed.filter(|unit| !desired.has_unit(unit)) {
            let mut listed = desired.units.iter();
            let listed = listed.find(|listed| listed.unit == dropped.unit);
            let path = listed.and_then(|listed| listed.path.clone());
            let is_certain =
                path.is_some() || allowed.contains(&Grantee::Unit(dropped.unit.clone()));
            let located = UnitGrant {
                path,
                ..dropped.clone()
            };
            let violation = self.unlisted(&[], &[&located]);
            let unit = || GuardrailViolation::UnitNotLocated(dropped.unit.clone());
            if let Some(violation) = violation.or_else(|| (!is_certain).then(unit)) {
                denied.deny_unit(dropped.clone(), violation.to_string());
            }
        }
    }

    /// Why no more accounts of a unit may be granted to in the policy of `target`, if they may not.
    pub(crate) fn check_unit(
        &self,
        unit: &UnitGrant,
        target: &PolicyTarget,
        own_function: &FunctionArn,
    ) -> Option<String> {
        let function = match target {
            PolicyTarget::Function(function) => Some(function),
            PolicyTarget::LayerVersion(_) => None,
        };
        let policies = Policies {
            function,
            own_function: Some(own_function),
        };
        self.reason(&[], &[unit], policies)
    }

    /// Everything that denies `statements` and those of `units`, each of it once; none if they are allowed.
    fn reason(
        &self,
        statements: &[&Statement],
        units: &[&UnitGrant],
        policies: Policies<'_>,
    ) -> Option<String> {
        let invalid = self.invalid.iter().take(MAX_REPORTED);
        let mut reasons: Vec<String> = invalid.map(ToString::to_string).collect();
        for violation in self.violations(statements, units, policies) {
            let reason = violation.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let more = reasons.len().saturating_sub(MAX_REPORTED * 2);
        reasons.truncate(MAX_REPORTED * 2);
        (!reasons.is_empty()).then(|| joined(&reasons, "; ", more))
    }

    fn violations(
        &self,
        statements: &[&Statement],
        units: &[&UnitGrant],
        policies: Policies<'_>,
    ) -> Vec<GuardrailViolation> {
        let mut violations = Vec::new();
        if let Some(function) = policies.function {
            let checked = self
                .functions
                .check_function(function, policies.own_function);
            violations.extend(checked.err());
            // For each account of a unit alike.
            let of_units = units
                .iter()
                .filter_map(|unit| unit.statement(function.location().account()));
            let of_units: Vec<Statement> = of_units.collect();
            let statements = statements.iter().copied().chain(&of_units);
            violations.extend(statements.flat_map(|one| self.functions.check_statement(one)));
        }
        violations.extend(self.unlisted(statements, units));
        violations.extend(statements.iter().filter_map(|one| self.public(one)));
        violations
    }

    /// The principals that are not on the list of the allowed ones.
    fn unlisted(
        &self,
        statements: &[&Statement],
        units: &[&UnitGrant],
    ) -> Option<GuardrailViolation> {
        let allowed = self.allowed_principals.as_ref()?;
        let statements = statements.iter();
        let others = statements.filter(|one| self.public(one).is_none());
        let others = others.map(|one| &one.principal);
        let others = others.filter(|who| !is_listed(who, allowed));
        let units = units.iter().filter(|unit| !is_listed_unit(unit, allowed));
        let units = units.map(|unit| Grantee::Unit(unit.unit.clone()));
        let others = others.cloned().map(Grantee::Principal).chain(units);
        let others: BTreeSet<Grantee> = others.collect();
        (!others.is_empty()).then(|| GuardrailViolation::Principals {
            got: listed(others.iter()),
            allowed: listed(allowed.iter()),
        })
    }

    /// What denies a grant to everybody.
    fn public(&self, statement: &Statement) -> Option<GuardrailViolation> {
        let Statement {
            principal,
            conditions,
            ..
        } = statement;
        if *principal != Principal::Everyone
            || self.allow_public
            || self.functions.allows_public_url(conditions)
        {
            return None;
        }
        Some(if is_for_url(conditions) {
            GuardrailViolation::PublicUrl
        } else {
            GuardrailViolation::Public
        })
    }
}

/// Whose policies an operation is about.
#[derive(Clone, Copy)]
struct Policies<'a> {
    /// The function; none where it is a layer.
    function: Option<&'a FunctionArn>,
    /// The function that the provider runs in.
    own_function: Option<&'a FunctionArn>,
}

/// Whether `principal` is among the allowed ones, which an account is with all its roles and users.
fn is_listed(principal: &Principal, allowed: &[Grantee]) -> bool {
    let account = principal.account().cloned().map(Principal::Account);
    let is_allowed = |principal| allowed.contains(&Grantee::Principal(principal));
    is_allowed(principal.clone()) || account.is_some_and(is_allowed)
}

/// Whether the unit is among the allowed ones, or in one of them or in an allowed organization. It may be, until it is known where it
/// is.
fn is_listed_unit(grant: &UnitGrant, allowed: &[Grantee]) -> bool {
    let mut allowed = allowed.iter();
    match &grant.path {
        Some(path) => allowed.any(|allowed| path.is_in(allowed)),
        None => allowed.any(|allowed| {
            matches!(
                allowed,
                Grantee::Unit(_) | Grantee::Principal(Principal::Organization(_))
            )
        }),
    }
}

/// The first of `principals`, and the number of the others.
fn listed<'a>(principals: impl Iterator<Item = &'a Grantee>) -> String {
    let mut all: Vec<String> = principals
        .map(|principal| format!("`{principal}`"))
        .collect();
    let more = all.len().saturating_sub(MAX_REPORTED);
    all.truncate(MAX_REPORTED);
    joined(&all, ", ", more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::policy::desired::DesiredState;
    use crate::policy::statement::Statement;
    use crate::resources::operation::ReconcileSpec;

    const URL: &str = "https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/key?Signature=secret";

    fn guardrails(variables: &[(&str, &str)]) -> Guardrails {
        let variables = [&[("AWS_REGION", "eu-west-1")], variables].concat();
        let value = |name: &str| variables.iter().rfind(|(known, _)| *known == name);
        Config::from_env(|name| value(name).map(|(_, value)| (*value).to_owned())).guardrails
    }

    fn operation(mode: Mode, principals: &[&str]) -> Operation {
        let statement = |principal: &&str| {
            let sid = "sid".parse().expect("a statement id");
            Statement::layer_version(sid, principal.parse().expect("a principal"))
        };
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let desired = DesiredState {
            statements: principals.iter().map(statement).collect(),
            ..DesiredState::default()
        };
        Operation {
            mode,
            spec: Some(ReconcileSpec::new(arn.parse().expect("an ARN"), desired)),
            orphaned: None,
            physical_id: "id".to_owned().into(),
            keeps_id: false,
            resource: None,
        }
    }

    fn authorize(variables: &[(&str, &str)], principals: &[&str]) -> Result<(), String> {
        let url = ResponseUrl::parse(URL).expect("a URL");
        let guardrails = guardrails(variables);
        let revoke = operation(Mode::Cleanup, principals);
        assert_eq!(
            guardrails.authorize(&revoke, &url, None),
            Ok(Denied::new()),
            "a revoke"
        );
        let denied = guardrails.authorize(&operation(Mode::Apply, principals), &url, None);
        denied.map(|denied| assert_eq!(denied, Denied::new()))
    }

    #[test]
    fn allowed_principals_are_granted_to() {
        let everybody = ("ALLOW_PUBLIC", "true");
        for (variables, principals) in [
            (&[][..], &["111122223333", "o-abcdefghij"][..]),
            (
                &[("ALLOW_PUBLIC", ""), ("ALLOWED_PRINCIPALS", "")],
                &["111122223333"],
            ),
            (&[everybody], &["*", "111122223333"]),
            (
                &[("ALLOWED_PRINCIPALS", "o-abcdefghij, 111122223333")],
                &["111122223333", "o-abcdefghij"],
            ),
            (
                &[("ALLOWED_PRINCIPALS", "arn:aws:iam::111122223333:root")],
                &["111122223333"],
            ),
            (&[everybody, ("ALLOWED_PRINCIPALS", "*")], &["*"]),
        ] {
            assert_eq!(authorize(variables, principals), Ok(()), "{variables:?}");
        }
    }

    #[test]
    fn a_violation_says_what_the_author_and_the_operator_can_do() {
        for (variables, principals, reason) in [
            (
                &[][..],
                &["*"][..],
                "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set \
                 `AllowPublic` to `true`",
            ),
            (
                &[
                    ("ALLOW_PUBLIC", "true"),
                    ("ALLOWED_PRINCIPALS", "o-abcdefghij,444455556666"),
                ],
                &["*", "444455556666", "111122223333"],
                "principal not allowed: got `111122223333`, `*`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or \
                 have the provider's operator add it to `AllowedPrincipals`",
            ),
            (
                &[("ALLOW_PUBLIC", "yes")],
                &["111122223333"],
                "invalid guardrail: got `ALLOW_PUBLIC` = `yes`, have the provider's operator set it to `true` or `false`",
            ),
            (
                &[("ALLOWED_PRINCIPALS", "111122223333,1234")],
                &["111122223333"],
                "invalid guardrail: got `ALLOWED_PRINCIPALS` with `1234`, have the provider's operator give account ids of \
                 12 digits, organization ids, ids of organizational units, services, ARNs of IAM or `*`, with commas between",
            ),
            (
                &[("ALLOW_PUBLIC", "tr\nue")],
                &["111122223333"],
                "invalid guardrail: got `ALLOW_PUBLIC` = `tr\\nue`, have the provider's operator set it to `true` or `false`",
            ),
            (
                &[("RESPONSE_HOSTS", "ftp://x")],
                &["111122223333"],
                "invalid guardrail: got `RESPONSE_HOSTS` with `ftp://x`, have the provider's operator give hosts or DNS \
                 suffixes, each perhaps after `http://` and with a port, with commas between",
            ),
            (
                &[("RESPONSE_HOSTS", "localhost")],
                &["111122223333"],
                "`ResponseURL` not allowed: got \
                 `https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com?***`, have the provider's operator \
                 add its domain to `ResponseHosts` if stacks should get responses there",
            ),
        ] {
            assert_eq!(
                authorize(variables, principals),
                Err(reason.to_owned()),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn a_reason_contains_twenty_of_the_invalid_values() {
        for (count, reported) in [(0, 0), (1, 1), (20, 20), (21, 20)] {
            let list = vec!["nobody"; count].join(",");
            let variables = [("ALLOWED_PRINCIPALS", list.as_str())];
            assert_eq!(guardrails(&variables).invalid().len(), count);
            let reason = authorize(&variables, &["111122223333"]).err();
            let reason = reason.unwrap_or_default();
            assert_eq!(reason.matches("invalid guardrail").count(), reported);
        }
    }

    #[test]
    fn twenty_principals_are_named_and_more_are_counted() {
        let ids: Vec<String> = (0..22).map(|number| format!("{number:012}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let named = format!("`{}`", ids[..20].join("`, `"));
        for (count, more) in [(20, ""), (21, ", and 1 more"), (22, ", and 2 more")] {
            assert_eq!(
                authorize(&[("ALLOWED_PRINCIPALS", "o-abcdefghij")], &ids[..count]),
                Err(format!(
                    "principal not allowed: got {named}{more}, grant to allowed ones (`o-abcdefghij`), or have the \
                     provider's operator add it to `AllowedPrincipals`"
                ))
            );
        }
    }

    #[test]
    fn a_resource_that_has_its_grant_is_denied_only_what_would_be_added() {
        let url = ResponseUrl::parse(URL).expect("a URL");
        let has_it = Operation {
            keeps_id: true,
            ..operation(Mode::Apply, &["*", "111122223333"])
        };
        let denied = guardrails(&[])
            .authorize(&has_it, &url, None)
            .expect("not all of it");
        let denied: Vec<String> = denied.statements().map(|(of, _)| of.to_string()).collect();
        assert_eq!(denied, ["`sid` for `*`"]);
    }

    #[test]
    fn a_statement_that_a_rollback_would_restore_is_denied_too() {
        let url = ResponseUrl::parse(URL).expect("a URL");
        let mut update = operation(Mode::Apply, &["111122223333"]);
        let replaced = operation(Mode::Apply, &["*"]).spec.expect("a spec");
        let spec = update.spec.as_mut().expect("a spec");
        let replaced = replaced.desired.statements.into_iter();
        spec.desired.removals = replaced.map(Removal::Exact).collect();
        let denied = guardrails(&[])
            .authorize(&update, &url, None)
            .expect("allowed");
        let denied: Vec<String> = denied.statements().map(|(of, _)| of.to_string()).collect();
        assert_eq!(denied, ["`sid` for `*`"]);
    }

    #[test]
    fn empty_or_invalid_response_hosts_leave_the_own_bucket_of_the_region() {
        let url = ResponseUrl::parse(URL).expect("a URL");
        for hosts in ["", " ", "ftp://x,", "localhost,ftp://x"] {
            for (variables, allowed) in [
                (&[][..], true),
                (&[("AWS_REGION", "us-east-1")], false),
                (&[("AWS_REGION", "not a region")], false),
            ] {
                let variables = [&[("RESPONSE_HOSTS", hosts)], variables].concat();
                let found = guardrails(&variables).check_response_url(&url).is_ok();
                assert_eq!(found, allowed, "{variables:?}");
            }
        }
        for (name, allowed) in [
            ("AWS_REGION", true),
            ("AWS_DEFAULT_REGION", true),
            ("REGION", false),
        ] {
            let guardrails =
                Config::from_env(|asked| (asked == name).then(|| "eu-west-1".to_owned()))
                    .guardrails;
            assert_eq!(
                guardrails.check_response_url(&url).is_ok(),
                allowed,
                "{name}"
            );
        }
    }

    #[test]
    fn configured_response_hosts_replace_the_own_bucket() {
        let url = ResponseUrl::parse(URL).expect("a URL");
        let guardrails = guardrails(&[("RESPONSE_HOSTS", "localhost")]);
        assert_eq!(
            guardrails.check_response_url(&url),
            Err(GuardrailViolation::ResponseHost(url))
        );
    }
}
