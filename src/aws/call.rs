//! What all calls have in common: each is made once, has a timeout, and its error is classified.
//! Knows no operation.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::time::Instant;
use tracing::info;

use super::error::{ApiError, ErrorKind};
use crate::deadline::CALL_TIMEOUT;
use crate::http::NoResponse;
use crate::text::one_line;

/// The error code of a response that cannot be parsed.
pub(super) const MALFORMED: &str = "malformed response";

/// The SDK's own retries are off: a write is repeated only after the policy has been read again.
pub(super) fn no_retries() -> RetryConfig {
    RetryConfig::disabled()
}

pub(super) fn attempt_timeout() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(CALL_TIMEOUT)
        .build()
}

/// The kind of a failure, with the service's code and message: the SDK's own text contains neither.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> (ErrorKind, String, String)
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    let Some(service) = error.as_service_error().filter(|_| status >= 300) else {
        let (kind, code) = without_response(error, status);
        return (kind, code.to_owned(), root_cause(error));
    };
    let message = service
        .message()
        .map_or_else(|| format!("HTTP status {status}"), str::to_owned);
    // An error without a code is not a response of the service, but of something in between.
    let Some(code) = service
        .code()
        .map(one_line)
        .or_else(|| code_of_status(status))
    else {
        return (ErrorKind::OutcomeUnknown, MALFORMED.to_owned(), message);
    };
    (ErrorKind::from_code(&code, status), code, message)
}

/// A status that says enough by itself.
pub(super) fn code_of_status(status: u16) -> Option<String> {
    (status == 429 || status >= 500).then(|| "no code".to_owned())
}

/// The kind of a failure without a response that can be parsed: whether a write took effect is unknown, unless the request was
/// never sent.
fn without_response<E>(error: &SdkError<E, HttpResponse>, status: u16) -> (ErrorKind, &'static str)
where
    E: std::error::Error + 'static,
{
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return (ErrorKind::Misconfigured, "no request");
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
        (false, true) if is_connection_error(error) => (ErrorKind::NetworkFailure, "no response"),
        (true, _) | (_, true) => (ErrorKind::Misconfigured, "no request"),
        (false, false) if status > 0 => (ErrorKind::OutcomeUnknown, MALFORMED),
        (false, false) => (ErrorKind::OutcomeUnknown, "no response"),
    }
}

/// Whether the HTTP client failed, and not something before it: credentials and endpoint come from the environment.
fn is_connection_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<NoResponse>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Logs a call of `action` on `resource`.
pub(super) fn log_call(
    action: &str,
    resource: &dyn fmt::Display,
    error: Option<&ApiError>,
    started: Instant,
) {
    let outcome = error.map_or("success", ApiError::code);
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(action, %resource, outcome, duration_ms, "AWS API call");
}

/// The innermost error: the outer ones only say that there was one.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
