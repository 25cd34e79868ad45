//! Errors of AWS API calls, and how a reason words them.
//! Knows nothing of the SDK.

use std::fmt;

use serde_json::Value;

use crate::policy::desired::DesiredState;
use crate::policy::document::{MAX_POLICY_BYTES, PolicyDocument};
use crate::policy::plan::Change;
use crate::policy::role::Role;
use crate::policy::statement::deleted_principal;
use crate::text::{joined, one_line, shown};

/// How many statements of deleted principals a reason names.
const MAX_REPORTED: usize = 5;

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// Boxed, so that results with this error stay small.
    details: Box<Details>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    /// The service's code, such as `TooManyRequestsException`.
    code: String,
    /// The service's message.
    message: String,
    /// The IAM action, such as `lambda:GetLayerVersionPolicy`.
    action: &'static str,
    /// The ARN that it was about.
    resource: String,
    hint: Hint,
    /// What else there is to know, in parentheses.
    note: String,
}

/// Which remedy there is besides the one of the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hint {
    /// A call with the provider's own credentials, on a resource that is called this.
    OwnCall(&'static str),
    /// A call with the credentials of this role, on a resource that is called this.
    CallAs(&'static str, String),
    /// The role itself could not be assumed.
    AssumeRole,
    /// A call of Organizations, or the assumption of the role for it.
    Organizations,
}

/// A call as its errors describe it.
#[derive(Clone, Copy)]
pub(crate) struct ApiCall<'a> {
    /// The IAM action.
    pub(crate) action: &'static str,
    /// The ARN that it is about.
    pub(crate) resource: &'a dyn fmt::Display,
    /// What the resource is called, such as `layer version`.
    pub(crate) resource_type: &'static str,
    /// The role whose credentials are used; none where they are the provider's own.
    pub(crate) role: Option<&'a Role>,
}

/// The kinds of failures of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such resource, policy or statement.
    NotFound,
    /// There is no such resource for a statement to be added to, or not yet.
    NotYetFound,
    /// The policy is not as it was read: it has another revision, or a statement of that id.
    Conflict,
    /// The role is not allowed to do it, or not yet.
    AccessDenied,
    /// The credentials have expired: nothing was done.
    Expired,
    /// The credentials are not known there: nothing was done.
    Unrecognized,
    /// The signature does not fit the time or the request: nothing was done, and a fresh one may be accepted.
    StaleSignature,
    /// Lambda does not know the principal, or not yet.
    UnknownPrincipal,
    /// The policy would be too large with the statement.
    PolicyTooLarge,
    /// The account or the function does not allow a public policy.
    PublicAccessBlocked,
    /// Too many requests: nothing was done.
    Throttled,
    /// Lambda failed, or did not respond: it may have been done or not.
    OutcomeUnknown,
    /// There was no connection to Lambda: nothing was done.
    NetworkFailure,
    /// No request could be made: the function's environment lacks something or contradicts itself.
    Misconfigured,
    /// Lambda rejects the request.
    InvalidRequest,
    /// The policy or the list that Lambda returned cannot be parsed.
    MalformedResponse,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::NotFound,
        Self::NotYetFound,
        Self::Conflict,
        Self::AccessDenied,
        Self::Expired,
        Self::Unrecognized,
        Self::StaleSignature,
        Self::UnknownPrincipal,
        Self::PolicyTooLarge,
        Self::PublicAccessBlocked,
        Self::Throttled,
        Self::OutcomeUnknown,
        Self::NetworkFailure,
        Self::Misconfigured,
        Self::InvalidRequest,
        Self::MalformedResponse,
    ];

    /// Classifies by code, not by the SDK's types: the operations have error types of their own with the same exceptions in
    /// them, and those that every service of AWS has are in none.
    ///
    /// Source: [Common errors](https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html), and those of
    /// [STS](https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
    pub(crate) fn from_code(code: &str, status: u16) -> Self {
        match code {
            "ResourceNotFoundException" => Self::NotFound,
            "ResourceConflictException" | "PreconditionFailedException" => Self::Conflict,
            "AccessDeniedException" | "AccessDenied" => Self::AccessDenied,
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
            "PolicyLengthExceededException" => Self::PolicyTooLarge,
            "PublicPolicyException" => Self::PublicAccessBlocked,
            "TooManyRequestsException" | "ThrottlingException" | "Throttling" => Self::Throttled,
            _ if status == 429 => Self::Throttled,
            _ if status == 401 || status == 403 => Self::AccessDenied,
            _ if status >= 500 => Self::OutcomeUnknown,
            _ => Self::InvalidRequest,
        }
    }

    /// The head of the reason; `resource_type` is what the resource is called.
    #[must_use]
    pub fn head(self, resource_type: &str) -> String {
        let head = match self {
            Self::NotFound | Self::NotYetFound => return format!("no such {resource_type}"),
            Self::Conflict => "policy modified concurrently",
            Self::AccessDenied => "access denied",
            Self::Expired => "credentials expired",
            Self::Unrecognized => "credentials not recognized",
            Self::StaleSignature => "signature not accepted",
            Self::UnknownPrincipal => "principal not accepted",
            Self::PolicyTooLarge => "policy size limit exceeded",
            Self::PublicAccessBlocked => "public policy blocked",
            Self::Throttled => "throttled by Lambda",
            Self::OutcomeUnknown | Self::NetworkFailure => "Lambda unavailable",
            Self::Misconfigured => "invalid provider configuration",
            Self::InvalidRequest => "rejected by Lambda",
            Self::MalformedResponse => "malformed response",
        };
        head.to_owned()
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::NotFound => "publish it or correct the ARN",
            Self::NotYetFound => "create it or correct its name",
            Self::Conflict => "deploy again when no other writer changes it",
            Self::AccessDenied => {
                "allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the resource's account that is allowed to"
            }
            Self::Expired => "deploy again: the next execution has a new session token",
            Self::Unrecognized => {
                "enable the ARN's region for the account whose credentials these are, or correct the ARN"
            }
            Self::StaleSignature => {
                "deploy again, and if it persists check what changes the function's credentials or requests on their way"
            }
            Self::UnknownPrincipal => {
                "check that it exists, and deploy again some minutes after it was created"
            }
            Self::PolicyTooLarge => {
                "grant to one organization instead of many accounts, or remove statements"
            }
            Self::PublicAccessBlocked => {
                "grant to accounts, organizations or services instead, or let the account's administrator allow public policies"
            }
            Self::Throttled => "deploy again, with fewer stacks at a time",
            Self::OutcomeUnknown | Self::NetworkFailure => {
                "deploy again, and if it persists check the ARN's region and the function's network path to Lambda's API"
            }
            Self::Misconfigured => {
                "have the provider's operator correct the function's environment variables"
            }
            Self::InvalidRequest => "correct what this message names",
            Self::MalformedResponse => {
                "deploy again, and if it persists check what is between the function and Lambda's API"
            }
        }
    }
}

impl ApiError {
    /// An error of `call`.
    pub(crate) fn new(kind: ErrorKind, call: &ApiCall<'_>, code: &str, message: &str) -> Self {
        let hint = match call.role {
            Some(role) => Hint::CallAs(call.resource_type, role.to_string()),
            None => Hint::OwnCall(call.resource_type),
        };
        Self::with_hint(kind, call.action, call.resource, hint, code, message)
    }

    /// A role that could not be assumed.
    pub(crate) fn of_role(kind: ErrorKind, role: &Role, code: &str, message: &str) -> Self {
        Self::with_hint(kind, ASSUME_ROLE, role, Hint::AssumeRole, code, message)
    }

    /// A call of Organizations with the credentials of `role`.
    pub(crate) fn of_organization(kind: ErrorKind, role: &Role, code: &str, message: &str) -> Self {
        Self::with_hint(
            kind,
            LIST_ACCOUNTS,
            role,
            Hint::Organizations,
            code,
            message,
        )
    }

    /// The same, where the role is the one for Organizations.
    pub(super) fn about_organization(mut self) -> Self {
        self.details.hint = Hint::Organizations;
        self
    }

    fn with_hint(
        kind: ErrorKind,
        action: &'static str,
        resource: &dyn fmt::Display,
        hint: Hint,
        code: &str,
        message: &str,
    ) -> Self {
        let details = Details {
            code: code.to_owned(),
            message: one_line(message),
            action,
            resource: resource.to_string(),
            hint,
            note: String::new(),
        };
        Self {
            kind,
            details: Box::new(details),
        }
    }

    /// The service's code, such as `TooManyRequestsException`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.details.code
    }

    /// The service's message, in one line.
    pub(super) fn message(&self) -> &str {
        &self.details.message
    }

    /// The same as another kind, of which more is known than the code says.
    pub(super) fn of_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Whether Lambda does not accept the principal of an added statement, as far as its message tells.
    pub(super) fn is_about_the_principal(&self) -> bool {
        self.code() == "InvalidParameterValueException"
            && self.details.message.to_lowercase().contains("principal")
    }

    /// What is wrong and what was got, for programs whose users have another remedy.
    #[must_use]
    pub fn without_remedy(&self) -> String {
        let head = match self.details.hint {
            Hint::AssumeRole => "cannot assume role".to_owned(),
            Hint::Organizations => "cannot list accounts".to_owned(),
            Hint::OwnCall(resource_type) | Hint::CallAs(resource_type, _) => {
                self.kind.head(resource_type)
            }
        };
        let Details {
            code,
            message,
            action,
            resource,
            ..
        } = &*self.details;
        format!("{head}: got `{code}` (`{message}`) from `{action}` on `{resource}`")
    }

    fn remedy(&self) -> String {
        match (&self.details.hint, self.kind) {
            (Hint::AssumeRole, ErrorKind::AccessDenied) => "let the role's trust policy name the provider's role (with this \
                 `ExternalId` if it has one), and have the provider's operator add it to `AssumableRoles`"
                .to_owned(),
            (Hint::AssumeRole, _) => {
                "deploy again, and if it persists correct what this message names".to_owned()
            }
            (Hint::CallAs(_, role), ErrorKind::AccessDenied) => {
                format!("allow that action on that ARN to the role `{role}`")
            }
            (Hint::Organizations, ErrorKind::AccessDenied) => "have the provider's operator set `OrganizationsRoleArn` to a role of \
                 the organization's management account, or of a delegated administrator, that trusts the provider's role and may list \
                 accounts (docs/organizations.md)"
                .to_owned(),
            (Hint::Organizations, _) => {
                "deploy again, and if it persists have the provider's operator correct what this message names"
                    .to_owned()
            }
            (Hint::OwnCall(_) | Hint::CallAs(..), kind) => kind.remedy().to_owned(),
        }
    }

    /// The same, with the principal or the size of the policy where that is what is wrong.
    #[must_use]
    pub(crate) fn with_details(
        mut self,
        change: &Change,
        desired: &DesiredState,
        policy: &PolicyDocument,
    ) -> Self {
        let is_about_it = self.kind == ErrorKind::UnknownPrincipal || self.is_about_the_principal();
        if let (true, Change::Add(statement)) = (is_about_it, change) {
            let deleted: Vec<String> = policy.statements().filter_map(deleted_statement).collect();
            let more = deleted.len().saturating_sub(MAX_REPORTED);
            let deleted = joined(deleted.get(..MAX_REPORTED).unwrap_or(&deleted), ", ", more);
            let deleted = if deleted.is_empty() {
                deleted
            } else {
                format!(
                    ", and the policy has statements of deleted roles or users, which Lambda may refuse too: {deleted}"
                )
            };
            self.details.note = format!(" (the principal is `{}`{deleted})", statement.principal);
        }
        if self.kind == ErrorKind::PolicyTooLarge {
            let (statements, bytes) = (policy.len(), policy.bytes());
            let desired = desired.statements.iter();
            let all = desired.len();
            let fit = desired.filter(|desired| policy.statement(&desired.sid).is_some());
            let fit = fit.count();
            let hint = policy.common_source();
            let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
            self.details.note = format!(
                " (it has {statements} statements in {bytes} of {MAX_POLICY_BYTES} bytes with {fit} of the {all} desired{hint})"
            );
        }
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (error, remedy) = (self.without_remedy(), self.remedy());
        write!(f, "{error}, {remedy}{}", self.details.note)
    }
}

impl std::error::Error for ApiError {}

/// How a reason names a statement of a deleted principal.
fn deleted_statement(statement: &Value) -> Option<String> {
    let sid = statement.get("Sid").and_then(Value::as_str);
    let principal = deleted_principal(statement)?;
    Some(format!(
        "{} for `{principal}`",
        shown(sid.unwrap_or_default())
    ))
}

/// The IAM action that lists the accounts of an organization.
pub const LIST_ACCOUNTS: &str = "organizations:ListAccounts";

/// The IAM action that assumes a role.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::desired::Removal;
    use crate::policy::statement::Statement;
    use crate::policy::target::PolicyTarget;

    fn call<'a>(
        action: &'static str,
        resource: &'a dyn fmt::Display,
        role: Option<&'a Role>,
    ) -> ApiCall<'a> {
        ApiCall {
            action,
            resource,
            resource_type: "layer version",
            role,
        }
    }

    #[test]
    fn a_role_is_named_where_it_is_what_lacks_a_permission() {
        let role = Role::parse("arn:aws:iam::123456789012:role/share", None).expect("a role");
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";
        let action = "lambda:ListLayerVersions";
        let denied = ApiError::new(
            ErrorKind::AccessDenied,
            &call(action, &arn, Some(&role)),
            "AccessDeniedException",
            "m",
        );
        assert_eq!(
            denied.to_string(),
            "access denied: got `AccessDeniedException` (`m`) from `lambda:ListLayerVersions` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, allow that action on that ARN to the role \
             `arn:aws:iam::123456789012:role/share`"
        );
        let untrusted = ApiError::of_role(ErrorKind::AccessDenied, &role, "AccessDenied", "m");
        assert_eq!(
            untrusted.to_string(),
            "cannot assume role: got `AccessDenied` (`m`) from `sts:AssumeRole` on \
             `arn:aws:iam::123456789012:role/share`, let the role's trust policy name the provider's role (with this \
             `ExternalId` if it has one), and have the provider's operator add it to `AssumableRoles`"
        );
        let throttled = ApiError::of_role(
            ErrorKind::from_code("Throttling", 400),
            &role,
            "Throttling",
            "m",
        );
        assert_eq!(throttled.kind, ErrorKind::Throttled);
        assert!(
            throttled
                .to_string()
                .ends_with("deploy again, and if it persists correct what this message names")
        );
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn each_error_says_what_is_wrong_what_was_got_and_what_to_do() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let action = "lambda:AddLayerVersionPermission";
        let again = "deploy again, with fewer stacks at a time";
        let remove = Change::Remove(Removal::ById("sid".parse().expect("a statement id")));
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
                "policy modified concurrently",
                "deploy again when no other writer changes it",
            ),
            (
                "PreconditionFailedException",
                412,
                "policy modified concurrently",
                "deploy again when no other writer changes it",
            ),
            (
                "AccessDeniedException",
                403,
                "access denied",
                "allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the \
                 resource's account that is allowed to",
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
                "deploy again, and if it persists check what changes the function's credentials or requests on \
                 their way",
            ),
            (
                "PolicyLengthExceededException",
                400,
                "policy size limit exceeded",
                "grant to one organization instead of many accounts, or remove statements \
                 (it has 0 statements in 0 of 20480 bytes with 0 of the 0 desired)",
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
                "deploy again, and if it persists check the ARN's region and the function's network path to \
                 Lambda's API",
            ),
            (
                "InvalidParameterValueException",
                400,
                "rejected by Lambda",
                "correct what this message names",
            ),
            (
                "ValidationException",
                400,
                "rejected by Lambda",
                "correct what this message names",
            ),
        ] {
            let kind = ErrorKind::from_code(code, status);
            let layer_version = arn.parse().expect("an ARN");
            let failure = ApiError::new(
                kind,
                &call(action, &layer_version, None),
                code,
                "its\nmessage",
            );
            assert_eq!(
                failure
                    .with_details(
                        &remove,
                        &DesiredState::default(),
                        &PolicyDocument::empty(layer_version)
                    )
                    .to_string(),
                format!(
                    "{wrong}: got `{code}` (`its\\nmessage`) from `{action}` on `{arn}`, {remedy}"
                )
            );
            let without_remedy =
                format!("{wrong}: got `{code}` (`its\\nmessage`) from `{action}` on `{arn}`");
            let failure = ApiError::new(kind, &call(action, &arn, None), code, "its\nmessage");
            assert_eq!(failure.without_remedy(), without_remedy);
        }
    }

    #[test]
    fn access_is_denied_whatever_the_status() {
        for (code, status) in [
            ("AccessDeniedException", 400),
            ("Other", 401),
            ("Other", 403),
        ] {
            assert_eq!(
                ErrorKind::from_code(code, status),
                ErrorKind::AccessDenied,
                "{code} {status}"
            );
        }
    }

    #[test]
    fn each_code_has_its_kind_in_every_status() {
        for (kind, codes) in [
            (
                ErrorKind::Expired,
                &["ExpiredTokenException", "ExpiredToken"][..],
            ),
            (
                ErrorKind::Unrecognized,
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
                ErrorKind::StaleSignature,
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
                    assert_eq!(ErrorKind::from_code(code, status), kind, "{code} {status}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_principal_is_named() {
        let arn: PolicyTarget = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("an ARN");
        let action = "lambda:AddLayerVersionPermission";
        let code = "InvalidParameterValueException";
        let failure = ApiError::new(
            ErrorKind::UnknownPrincipal,
            &call(action, &arn, None),
            code,
            "m",
        );
        let add = Change::Add(Statement::layer_version(
            "sid".parse().expect("a statement id"),
            "111122223333".parse().expect("a principal"),
        ));
        assert_eq!(
            failure
                .with_details(&add, &DesiredState::default(), &PolicyDocument::empty(arn))
                .to_string(),
            "principal not accepted: got `InvalidParameterValueException` (`m`) from \
             `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, check \
             that it exists, and deploy again some minutes after it was created (the principal \
             is `111122223333`)"
        );
    }

    #[test]
    fn a_malformed_response_and_a_request_that_cannot_be_made_have_reasons() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".parse();
        let action = "lambda:GetLayerVersionPolicy";
        let arn: PolicyTarget = arn.expect("an ARN");
        let reason =
            |kind, code| ApiError::new(kind, &call(action, &arn, None), code, "m").to_string();
        assert_eq!(
            reason(ErrorKind::MalformedResponse, "not JSON"),
            "malformed response: got `not JSON` (`m`) from `lambda:GetLayerVersionPolicy` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it persists check what \
             is between the function and Lambda's API"
        );
        assert_eq!(
            reason(ErrorKind::Misconfigured, "no request"),
            "invalid provider configuration: got `no request` (`m`) from `lambda:GetLayerVersionPolicy` on \
             `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, have the provider's operator correct the \
             function's environment variables"
        );
    }
}
