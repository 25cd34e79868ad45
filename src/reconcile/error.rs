//! Why policies could not be reconciled.

use serde_json::Value;
use thiserror::Error;

use crate::aws::error::ApiError;
use crate::aws::stack_resource::ResourceState;
use crate::policy::plan::PlanError;
use crate::policy::statement_id::StatementId;
use crate::text::{one_line, shown};

/// Why policies could not be reconciled.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ReconcileError {
    /// The policy must not be changed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The policy does not have the revision that the resource requires.
    #[error(
        "revision mismatch: got revision {} where `RevisionId` requires {}, read the policy again and give its revision, or leave `RevisionId` out",
        shown(found),
        shown(required)
    )]
    RevisionMismatch {
        /// The revision of the policy.
        found: String,
        /// The revision that it should have.
        required: String,
    },
    /// A call failed for good.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A write of unknown outcome may still take effect, after it was waited for.
    #[error("a write of unknown outcome may still take effect")]
    OutcomeUnknown,
    /// There was no time for all policies.
    #[error("timed out")]
    OutOfTime,
    /// Another writer has removed what this request has added.
    #[error(
        "statement removed concurrently: got the policy without `{0}`, which this request had added, deploy again if it should still be granted"
    )]
    Revoked(StatementId),
    /// Another writer has restored what this request has removed.
    #[error(
        "statement restored concurrently: got `{0}` in the policy again, which this request had removed, deploy again if it should still be changed"
    )]
    Restored(StatementId),
    /// Lambda has added another statement than the requested one.
    #[error(
        "statement not as requested: got `{}` from Lambda for `{requested}`, correct the ARN of the resource or report this",
        one_line(&got.to_string())
    )]
    NotAsRequested {
        /// What Lambda returned.
        got: Value,
        /// What was requested.
        requested: Value,
    },
    /// CloudFormation has stopped waiting for the request.
    #[error(
        "stack no longer waits: got `{state}` for {} from CloudFormation, deploy again if it should still be granted",
        shown(logical_id)
    )]
    Abandoned {
        /// The resource's name in the template.
        logical_id: String,
        /// The state of the resource in its stack.
        state: ResourceState,
    },
    /// Another policy could not be reconciled, and this one was left as it is.
    #[error("aborted, because another policy could not be changed")]
    Aborted,
    /// The policies could not be reached in the time for a cleanup.
    #[error("not reached in time")]
    Unreached,
}
