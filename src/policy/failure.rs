//! What a call to Lambda comes to when it does not do what it was to do, in the words of a stack's events.
//! Knows nothing of the SDK.

use std::fmt;

use thiserror::Error;

use super::document::Policy;
use super::plan::Step;
use crate::permission::goal::Goal;
use crate::permission::role::Role;
use crate::permission::statement::Statement;
use crate::text::one_line;

/// The most bytes of a policy, as Lambda documents it for functions.
///
/// Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const MOST_POLICY_BYTES: usize = 20_480;

/// A call that did not do what it was to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Failure {
    /// What it came to.
    pub kind: Kind,
    /// Lambda's code for it, such as `TooManyRequestsException`.
    pub code: String,
    reason: String,
}

/// What a failed call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such layer version, policy or statement.
    NotFound,
    /// The policy is not as it was read: another revision, or a statement of that id.
    Changed,
    /// The role may not do it, or not yet.
    Denied,
    /// The credentials are too old: nothing was done.
    Expired,
    /// Nobody knows these credentials there: nothing was done.
    Unrecognized,
    /// The signature does not fit the time or the request: nothing was done, and a fresh one may be accepted.
    StaleSignature,
    /// Lambda does not know the principal, or not yet.
    UnknownPrincipal,
    /// The policy is too full for the statement.
    Full,
    /// Too many requests: nothing was done.
    Throttled,
    /// Lambda failed, or did not answer: it may have been done or not.
    Unavailable,
    /// There is no connection to Lambda: nothing was done.
    Unreachable,
    /// No request could be made: the function's environment lacks something or contradicts itself.
    Misconfigured,
    /// Lambda does not accept the request.
    Refused,
    /// What Lambda returned of a policy or of the versions cannot be read.
    Unreadable,
}

impl Kind {
    /// Sorts by code, not by the SDK's types: the operations have error types of their own with the same exceptions in
    /// them, and those that every service of AWS has are in none.
    ///
    /// Source: [Common errors](https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html), and those of
    /// [STS](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
    pub(super) fn of(code: &str, status: u16) -> Self {
        match code {
            "ResourceNotFoundException" => Self::NotFound,
            "ResourceConflictException" | "PreconditionFailedException" => Self::Changed,
            "AccessDeniedException" | "AccessDenied" => Self::Denied,
            "ExpiredTokenException" | "ExpiredToken" => Self::Expired,
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken"
            | "OptInRequired"
            | "RegionDisabledException" => Self::Unrecognized,
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "RequestInTheFuture" => Self::StaleSignature,
            "PolicyLengthExceededException" => Self::Full,
            "TooManyRequestsException" | "ThrottlingException" | "Throttling" => Self::Throttled,
            _ if status == 429 => Self::Throttled,
            _ if status == 401 || status == 403 => Self::Denied,
            _ if status >= 500 => Self::Unavailable,
            _ => Self::Refused,
        }
    }

    fn wrong(self) -> &'static str {
        match self {
            Self::NotFound => "no such layer version",
            Self::Changed => "policy changed by another writer",
            Self::Denied => "access denied",
            Self::Expired => "credentials expired",
            Self::Unrecognized => "credentials not recognized",
            Self::StaleSignature => "signature not accepted",
            Self::UnknownPrincipal => "principal not accepted",
            Self::Full => "policy full",
            Self::Throttled => "throttled by Lambda",
            Self::Unavailable | Self::Unreachable => "Lambda unavailable",
            Self::Misconfigured => "invalid provider configuration",
            Self::Refused => "refused by Lambda",
            Self::Unreadable => "response unreadable",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "publish it or correct the ARN",
            Self::Changed => "deploy again when nobody else writes to it",
            Self::Denied => {
                "allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the layer's account that may do it"
            }
            Self::Expired => "deploy again: the next execution has a new session token",
            Self::Unrecognized => {
                "enable the ARN's region for the account whose credentials these are, or correct the ARN"
            }
            Self::StaleSignature => {
                "deploy again, and if it stays so check what changes the function's credentials or requests on their way"
            }
            Self::UnknownPrincipal => {
                "check that the account or organization exists, and deploy again some minutes after it was created"
            }
            Self::Full => {
                "grant to one organization instead of many accounts, or remove statements"
            }
            Self::Throttled => "deploy again, with fewer stacks at a time",
            Self::Unavailable | Self::Unreachable => {
                "deploy again, and if it stays so check the ARN's region and the function's way to Lambda's API"
            }
            Self::Misconfigured => {
                "have the provider's operator correct the function's environment variables"
            }
            Self::Refused => "correct what this message names",
            Self::Unreadable => {
                "deploy again, and if it stays so check what stands between the function and Lambda's API"
            }
        }
    }
}

impl Failure {
    /// A call of Lambda, made with the credentials of `role` or with the provider's own.
    pub(super) fn of_call(
        kind: Kind,
        action: &str,
        on: &dyn fmt::Display,
        role: Option<&Role>,
        code: &str,
        message: &str,
    ) -> Self {
        let remedy = match role.filter(|_| kind == Kind::Denied) {
            Some(role) => format!("allow that action on that ARN to the role `{role}`"),
            None => kind.remedy().to_owned(),
        };
        let (wrong, message) = (kind.wrong(), line(message));
        Self {
            kind,
            code: code.to_owned(),
            reason: format!(
                "{wrong}: got `{code}` (`{message}`) from `{action}` on `{on}`, {remedy}"
            ),
        }
    }

    /// A role that could not be assumed.
    pub(super) fn of_role(kind: Kind, role: &Role, code: &str, message: &str) -> Self {
        let remedy = if kind == Kind::Denied {
            "let the role's trust policy name the provider's role (with this `ExternalId` if it has one), and have the \
             provider's operator add it to `AssumableRoles`"
        } else {
            "deploy again, and if it stays so correct what this message names"
        };
        let message = line(message);
        Self {
            kind,
            code: code.to_owned(),
            reason: format!(
                "role not assumable: got `{code}` (`{message}`) from `sts:AssumeRole` on `{role}`, {remedy}"
            ),
        }
    }

    /// What is wrong and what was got, for who has another remedy than the provider's users.
    #[must_use]
    pub fn without_remedy(&self) -> &str {
        let remedy = self.kind.remedy();
        let head = self.reason.strip_suffix(remedy);
        head.and_then(|head| head.strip_suffix(", "))
            .unwrap_or(&self.reason)
    }

    /// The same, with the principal or the size of the policy where that is what is wrong.
    #[must_use]
    pub(super) fn about(mut self, step: &Step, goal: &Goal, policy: &Policy) -> Self {
        if let (Kind::UnknownPrincipal, Step::Add(statement)) = (self.kind, step) {
            let principal = format!(" (the principal is `{}`)", statement.principal);
            self.reason.push_str(&principal);
        }
        if self.kind == Kind::Full {
            let (statements, bytes) = (policy.len(), policy.bytes());
            let is_there = |wanted: &&Statement| policy.statement(&wanted.sid).is_some();
            let (fit, wanted) = (
                goal.wanted.iter().filter(is_there).count(),
                goal.wanted.len(),
            );
            let size = format!(
                " (it has {statements} statements in {bytes} of {MOST_POLICY_BYTES} bytes with {fit} of the {wanted} wanted)"
            );
            self.reason.push_str(&size);
        }
        self
    }
}

fn line(message: &str) -> String {
    one_line(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::arn::LayerVersionArn;
    use crate::permission::goal::Unwanted;
    use crate::permission::statement::Statement;

    #[test]
    fn a_role_is_named_where_it_is_what_lacks_a_permission() {
        let role = Role::read("arn:aws:iam::123456789012:role/share", None).expect("a role");
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";
        let action = "lambda:ListLayerVersions";
        let denied = Failure::of_call(
            Kind::Denied,
            action,
            &arn,
            Some(&role),
            "AccessDeniedException",
            "m",
        );
        assert_eq!(
            denied.to_string(),
            "access denied: got `AccessDeniedException` (`m`) from `lambda:ListLayerVersions` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, allow that action on that ARN to the role \
             `arn:aws:iam::123456789012:role/share`"
        );
        let untrusted = Failure::of_role(Kind::Denied, &role, "AccessDenied", "m");
        assert_eq!(
            untrusted.to_string(),
            "role not assumable: got `AccessDenied` (`m`) from `sts:AssumeRole` on \
             `arn:aws:iam::123456789012:role/share`, let the role's trust policy name the provider's role (with this \
             `ExternalId` if it has one), and have the provider's operator add it to `AssumableRoles`"
        );
        let throttled = Failure::of_role(Kind::of("Throttling", 400), &role, "Throttling", "m");
        assert_eq!(throttled.kind, Kind::Throttled);
        assert!(
            throttled
                .to_string()
                .ends_with("deploy again, and if it stays so correct what this message names")
        );
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn each_failure_says_what_is_wrong_what_was_got_and_what_to_do() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let action = "lambda:AddLayerVersionPermission";
        let again = "deploy again, with fewer stacks at a time";
        let remove = Step::Remove(Unwanted::by_id("sid".parse().expect("a statement id")));
        for (code, status, wrong, remedy) in [
            (
                "ResourceNotFoundException",
                404,
                "no such layer version",
                "publish it or correct the ARN",
            ),
            (
                "ResourceConflictException",
                409,
                "policy changed by another writer",
                "deploy again when nobody else writes to it",
            ),
            (
                "PreconditionFailedException",
                412,
                "policy changed by another writer",
                "deploy again when nobody else writes to it",
            ),
            (
                "AccessDeniedException",
                403,
                "access denied",
                "allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the \
                 layer's account that may do it",
            ),
            (
                "UnrecognizedClientException",
                403,
                "credentials not recognized",
                "enable the ARN's region for the account whose credentials these are, or correct the ARN",
            ),
            (
                "ExpiredTokenException",
                403,
                "credentials expired",
                "deploy again: the next execution has a new session token",
            ),
            (
                "InvalidSignatureException",
                403,
                "signature not accepted",
                "deploy again, and if it stays so check what changes the function's credentials or requests on \
                 their way",
            ),
            (
                "PolicyLengthExceededException",
                400,
                "policy full",
                "grant to one organization instead of many accounts, or remove statements \
                 (it has 0 statements in 0 of 20480 bytes with 0 of the 0 wanted)",
            ),
            (
                "TooManyRequestsException",
                429,
                "throttled by Lambda",
                again,
            ),
            ("ThrottlingException", 400, "throttled by Lambda", again),
            ("no code", 429, "throttled by Lambda", again),
            (
                "ServiceException",
                500,
                "Lambda unavailable",
                "deploy again, and if it stays so check the ARN's region and the function's way to \
                 Lambda's API",
            ),
            (
                "InvalidParameterValueException",
                400,
                "refused by Lambda",
                "correct what this message names",
            ),
            (
                "ValidationException",
                400,
                "refused by Lambda",
                "correct what this message names",
            ),
        ] {
            let kind = Kind::of(code, status);
            let layer_version = arn.parse().expect("an ARN");
            let failure =
                Failure::of_call(kind, action, &layer_version, None, code, "its\nmessage");
            assert_eq!(
                failure
                    .about(&remove, &Goal::default(), &Policy::none(layer_version))
                    .to_string(),
                format!(
                    "{wrong}: got `{code}` (`its\\nmessage`) from `{action}` on `{arn}`, {remedy}"
                )
            );
            let without_remedy =
                format!("{wrong}: got `{code}` (`its\\nmessage`) from `{action}` on `{arn}`");
            let failure = Failure::of_call(kind, action, &arn, None, code, "its\nmessage");
            assert_eq!(failure.without_remedy(), without_remedy);
        }
    }

    #[test]
    fn a_denial_is_one_whatever_its_status() {
        for (code, status) in [
            ("AccessDeniedException", 400),
            ("Other", 401),
            ("Other", 403),
        ] {
            assert_eq!(Kind::of(code, status), Kind::Denied, "{code} {status}");
        }
    }

    #[test]
    fn each_code_has_its_kind_in_every_status() {
        for (kind, codes) in [
            (
                Kind::Expired,
                &["ExpiredTokenException", "ExpiredToken"][..],
            ),
            (
                Kind::Unrecognized,
                &[
                    "UnrecognizedClientException",
                    "InvalidClientTokenId",
                    "InvalidAccessKeyId",
                    "MissingAuthenticationTokenException",
                    "MissingAuthenticationToken",
                    "OptInRequired",
                    "RegionDisabledException",
                ],
            ),
            (
                Kind::StaleSignature,
                &[
                    "InvalidSignatureException",
                    "SignatureDoesNotMatch",
                    "RequestExpired",
                    "RequestTimeTooSkewed",
                    "RequestInTheFuture",
                ],
            ),
        ] {
            for code in codes {
                for status in [400, 401, 403] {
                    assert_eq!(Kind::of(code, status), kind, "{code} {status}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_principal_is_named() {
        let arn: LayerVersionArn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("an ARN");
        let action = "lambda:AddLayerVersionPermission";
        let code = "InvalidParameterValueException";
        let failure = Failure::of_call(Kind::UnknownPrincipal, action, &arn, None, code, "m");
        let add = Step::Add(Statement {
            sid: "sid".parse().expect("a statement id"),
            principal: "111122223333".parse().expect("a principal"),
        });
        assert_eq!(
            failure
                .about(&add, &Goal::default(), &Policy::none(arn))
                .to_string(),
            "principal not accepted: got `InvalidParameterValueException` (`m`) from \
             `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, check \
             that the account or organization exists, and deploy again some minutes after it was created (the principal \
             is `111122223333`)"
        );
    }

    #[test]
    fn what_cannot_be_read_or_sent_is_said() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".parse();
        let action = "lambda:GetLayerVersionPolicy";
        let arn: LayerVersionArn = arn.expect("an ARN");
        let told = |kind, code| Failure::of_call(kind, action, &arn, None, code, "m").to_string();
        assert_eq!(
            told(Kind::Unreadable, "not JSON"),
            "response unreadable: got `not JSON` (`m`) from `lambda:GetLayerVersionPolicy` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it stays so check what \
             stands between the function and Lambda's API"
        );
        assert_eq!(
            told(Kind::Misconfigured, "no request"),
            "invalid provider configuration: got `no request` (`m`) from `lambda:GetLayerVersionPolicy` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, have the provider's operator correct the \
             function's environment variables"
        );
    }
}
