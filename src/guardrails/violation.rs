//! What a guardrail denies, as a reason words it.

use thiserror::Error;

use crate::cloudformation::response_url::ResponseUrl;
use crate::policy::function_arn::FunctionArn;
use crate::policy::organization::UnitId;

/// An environment variable whose value is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid guardrail: got `{variable}` {got}, have the provider's operator {remedy}")]
pub struct InvalidGuardrail {
    pub(crate) variable: &'static str,
    pub(crate) got: String,
    pub(crate) remedy: &'static str,
}

/// What a guardrail denies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GuardrailViolation {
    /// A grant on the function that the provider runs in.
    #[error(
        "the provider's own function: got `{0}`, grant on another function: whoever may invoke this one can use its role"
    )]
    OwnFunction(FunctionArn),
    /// A grant on a function that the provider does not serve.
    #[error(
        "functions not served: got `{got}`, have the provider's operator set `FunctionNames` to that name or to a pattern of it ({served})"
    )]
    FunctionNotServed {
        /// The name of the function.
        got: String,
        /// What it serves now.
        served: String,
    },
    /// An action that hands over more than invocations.
    #[error(
        "action not allowed: got `{got}`, grant {allowed}, or have the provider's operator add it to `AllowedActions`"
    )]
    Action {
        /// The action.
        got: String,
        /// The allowed ones.
        allowed: String,
    },
    /// A grant to everybody.
    #[error(
        "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set `AllowPublic` to `true`"
    )]
    Public,
    /// A grant to everybody through a function URL.
    #[error(
        "public function URL not allowed: got `*`, grant to accounts, roles or an organization, or have the provider's operator set \
         `AllowPublicUrls` to `true`"
    )]
    PublicUrl,
    /// A grant to a service, whichever account it acts for.
    #[error(
        "service without a source not allowed: got {got}, add `SourceAccount: !Ref AWS::AccountId`, or have the provider's operator \
         set `AllowUnconfinedServices` to `true`"
    )]
    UnconfinedService {
        /// The service, and the source that names no account.
        got: String,
    },
    /// A grant to these principals.
    #[error(
        "principal not allowed: got {got}, grant to allowed ones ({allowed}), or have the provider's operator add it to `AllowedPrincipals`"
    )]
    Principals {
        /// The principals to grant to.
        got: String,
        /// The allowed ones.
        allowed: String,
    },
    /// A grant that a rollback would make again for a unit that may not be an allowed one.
    #[error(
        "organizational unit not located: got `{0}`, whose accounts were not listed, deploy again with it to grant to them again"
    )]
    UnitNotLocated(UnitId),
    /// A response to this URL.
    #[error(
        "`ResponseURL` not allowed: got `{0}`, have the provider's operator add its domain to `ResponseHosts` if stacks should get responses there"
    )]
    ResponseHost(ResponseUrl),
}
