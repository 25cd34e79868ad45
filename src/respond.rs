//! Requests that are not worked on, and responses that are not received: what is responded, logged and returned to Lambda.

use std::error::Error as StdError;
use std::time::SystemTime;

use lambda_runtime::{Context, Diagnostic};
use thiserror::Error;
use tokio::time::Instant;
use tracing::error;

use crate::cloudformation::request::MissingResponseUrl;
use crate::cloudformation::response_url::ResponseUrl;
use crate::cloudformation::send::SendError;
use crate::deadline::RunError;
use crate::guardrails::Guardrails;
use crate::reconcile::Failure;
use crate::reconcile::units::UnitsError;
use crate::resources::operation::Operation;
use crate::telemetry::InvocationMetrics;

/// A request that is not worked on.
#[derive(Debug, Error)]
#[error("{}", .failure.reason)]
pub(crate) struct Rejection {
    failure: Failure,
    /// Whether a guardrail denies it.
    is_denied: bool,
}

impl Rejection {
    /// A request that is not valid.
    pub(crate) fn invalid(error: impl StdError) -> Self {
        Self::new(error.to_string(), false)
    }

    /// A request that the guardrails deny.
    pub(crate) fn denied(reason: String) -> Self {
        Self::new(reason, true)
    }

    /// A request whose units have accounts that are not known. Those that could be listed in an earlier delivery may have been granted
    /// to: the Delete that follows finds them.
    pub(crate) fn without_accounts(error: &UnitsError, operation: &Operation) -> Self {
        let rejection = Self::new(error.to_string(), false);
        let physical_id = error.is_temporary().then(|| operation.physical_id.clone());
        Self {
            failure: Failure {
                physical_id,
                ..rejection.failure
            },
            ..rejection
        }
    }

    fn new(reason: String, is_denied: bool) -> Self {
        let failure = Failure {
            reason,
            physical_id: None,
        };
        Self { failure, is_denied }
    }

    /// A request whose event was throttled or lost for so long that CloudFormation has given up, and perhaps deleted the stack
    /// since. Should the response be received all the same, the Delete that follows finds what an earlier delivery has granted.
    pub(crate) fn if_expired(expires: SystemTime, operation: &Operation) -> Result<(), Self> {
        let Ok(late) = SystemTime::now().duration_since(expires) else {
            return Ok(());
        };
        let late = late.as_secs();
        let reason = format!(
            "request expired: got it {late} seconds after CloudFormation stopped waiting, deploy again"
        );
        let failure = Failure {
            reason,
            physical_id: Some(operation.physical_id.clone()),
        };
        Err(Self {
            failure,
            is_denied: false,
        })
    }

    /// The failure that the response contains.
    pub(crate) fn failure(error: &RunError<Self>) -> Failure {
        match error {
            RunError::Failed(rejection) => rejection.failure.clone(),
            RunError::Panicked | RunError::TimedOut => Failure {
                reason: error.reason(None),
                physical_id: None,
            },
        }
    }

    /// What it counts as.
    pub(crate) fn metrics(error: &RunError<Self>) -> InvocationMetrics {
        let is_denied = matches!(error, RunError::Failed(rejection) if rejection.is_denied);
        InvocationMetrics {
            refusals: usize::from(is_denied),
            ..InvocationMetrics::default()
        }
    }
}

/// Why a response was not received.
#[derive(Debug, Error)]
pub(crate) enum NotSent {
    /// The guardrails do not allow it to be sent there.
    #[error("{0}")]
    NotAllowed(String),
    /// The bucket did not accept it.
    #[error(transparent)]
    Failed(#[from] SendError),
}

impl NotSent {
    /// Whether it is certain that the response was not received, not even by an attempt without an acknowledgement.
    pub(crate) fn is_certain(&self) -> bool {
        match self {
            Self::NotAllowed(_) => true,
            Self::Failed(error) => error.is_certain(),
        }
    }

    /// Logs it. It is an error for Lambda only where a retry of the event may help.
    pub(crate) fn into_result(self) -> Result<(), Diagnostic> {
        error!(reason = %self, "response not sent");
        match self {
            Self::NotAllowed(_) => Ok(()),
            Self::Failed(error) => Err(Diagnostic {
                error_type: "ResponseNotSent".to_owned(),
                error_message: error.to_string(),
            }),
        }
    }
}

/// Checks that the guardrails allow a response to `url`.
pub(crate) fn check_url(url: &ResponseUrl, guardrails: &Guardrails) -> Result<(), NotSent> {
    guardrails.check_response_url(url).map_err(|violation| {
        let invalid = guardrails.invalid().iter().map(ToString::to_string);
        let reasons = std::iter::once(violation.to_string()).chain(invalid);
        NotSent::NotAllowed(reasons.collect::<Vec<_>>().join("; "))
    })
}

/// Reports an event without a URL for the response. A retry by Lambda would not help.
pub(crate) fn without_url(error: &MissingResponseUrl, context: &Context, arrival: Instant) {
    error!(reason = %error, "response not sent");
    InvocationMetrics::unanswerable().emit(context, arrival.elapsed());
}
