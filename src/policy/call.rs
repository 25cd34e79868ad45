//! What the calls of the two services have in common: each is made once, ends in time, and is told by code and message.
//! Knows no operation.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::time::Instant;
use tracing::info;

use super::failure::{Failure, Kind};
use crate::http::NoResponse;
use crate::text::one_line;

/// How long one call may take before it counts as unanswered.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The SDK's own retries are off: a write is repeated only after the policy has been read again.
pub(super) fn no_retries() -> RetryConfig {
    RetryConfig::disabled()
}

pub(super) fn attempt_timeout() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(CALL_TIMEOUT)
        .build()
}

/// What a failed call came to, with the service's code and message: the SDK's own text says neither.
pub(super) fn told<E>(error: &SdkError<E, HttpResponse>) -> (Kind, String, String)
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    let Some(service) = error.as_service_error().filter(|_| status >= 300) else {
        let (kind, code) = unanswered(error, status);
        return (kind, code.to_owned(), root_cause(error));
    };
    let message = service
        .message()
        .map_or_else(|| format!("HTTP status {status}"), str::to_owned);
    // What has no code is not an answer of the service, but of something on the way.
    let Some(code) = service
        .code()
        .map(one_line)
        .or_else(|| code_of_status(status))
    else {
        return (Kind::Unavailable, "unreadable response".to_owned(), message);
    };
    (Kind::of(&code, status), code, message)
}

/// A status that says enough by itself.
fn code_of_status(status: u16) -> Option<String> {
    (status == 429 || status >= 500).then(|| "no code".to_owned())
}

/// What a call came to that has no answer, or none that can be read: of a write, whether it took effect is unknown, unless
/// the request was never sent.
fn unanswered<E>(error: &SdkError<E, HttpResponse>, status: u16) -> (Kind, &'static str)
where
    E: std::error::Error + 'static,
{
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return (Kind::Misconfigured, "no request");
    }
    let unsent = match error {
        SdkError::DispatchFailure(failure) => (failure.is_user(), failure.is_other()),
        SdkError::ConstructionFailure(_)
        | SdkError::TimeoutError(_)
        | SdkError::ResponseError(_)
        | SdkError::ServiceError(_)
        | _ => (false, false),
    };
    match unsent {
        (false, true) if is_of_the_connection(error) => (Kind::Unreachable, "no answer"),
        (true, _) | (_, true) => (Kind::Misconfigured, "no request"),
        (false, false) if status > 0 => (Kind::Unavailable, "unreadable response"),
        (false, false) => (Kind::Unavailable, "no answer"),
    }
}

/// Whether the client was reached, and not something before it: credentials and endpoint come from the environment.
fn is_of_the_connection(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<NoResponse>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Logs a call that was made of `action` on `resource`.
pub(super) fn log_call(
    action: &str,
    resource: &dyn fmt::Display,
    failure: Option<&Failure>,
    started: Instant,
) {
    let outcome = failure.map_or("done", |failure| failure.code.as_str());
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(call = action, %resource, outcome, duration_ms, "called");
}

/// The innermost error: the outer ones say no more than that there was one.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
