//! CloudFormation's API, as far as it says whether a stack still waits for a resource.
//! Only this file and `stack_listing.rs` know CloudFormation's SDK.

use std::time::SystemTime;

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Builder;
use aws_sdk_cloudformation::types::StackResourceDetail;
use tokio::time::Instant;

use super::call::{MALFORMED, attempt_timeout, classify, log_call, no_retries};
use super::error::{ApiCall, ApiError, ErrorKind};
use super::stack_resource::{ResourceState, StackResource};

/// The IAM action that the call needs.
pub const DESCRIBE: &str = "cloudformation:DescribeStackResource";

/// The state of `resource`, asked with the credentials of `config`.
///
/// # Errors
/// If CloudFormation did not say.
pub(crate) async fn describe(
    config: &SdkConfig,
    resource: &StackResource,
) -> Result<ResourceState, ApiError> {
    let config = Builder::from(config)
        .region(Region::new(resource.region().to_owned()))
        .retry_config(no_retries())
        .timeout_config(attempt_timeout());
    let call = Client::from_conf(config.build()).describe_stack_resource();
    let call = call
        .stack_name(&resource.stack_id)
        .logical_resource_id(&resource.logical_id);
    let started = Instant::now();
    let outcome = call.send().await.map_err(|error| {
        let (kind, code, message) = classify(&error);
        let kind = kind_of(kind, &code, &message);
        ApiError::new(kind, &described(resource), &code, &message)
    });
    log_call(DESCRIBE, resource, outcome.as_ref().err(), started);
    match outcome {
        Ok(output) => state_of(output.stack_resource_detail, resource),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(ResourceState::Missing),
        Err(error) => Err(error),
    }
}

fn described(resource: &StackResource) -> ApiCall<'_> {
    ApiCall {
        action: DESCRIBE,
        resource,
        resource_type: "stack",
        role: None,
    }
}

fn state_of(
    detail: Option<StackResourceDetail>,
    resource: &StackResource,
) -> Result<ResourceState, ApiError> {
    let status = detail
        .as_ref()
        .and_then(StackResourceDetail::resource_status);
    let Some(status) = status.map(|status| status.as_str().to_owned()) else {
        let (kind, code) = (ErrorKind::MalformedResponse, MALFORMED);
        return Err(ApiError::new(
            kind,
            &described(resource),
            code,
            "got no status",
        ));
    };
    let updated = detail
        .as_ref()
        .and_then(StackResourceDetail::last_updated_timestamp);
    Ok(ResourceState::Exists {
        status,
        since: updated.and_then(|at| SystemTime::try_from(*at).ok()),
        physical_id: detail.and_then(|detail| detail.physical_resource_id),
    })
}

/// There is no code of its own for a stack or a resource that does not exist.
pub(super) fn kind_of(kind: ErrorKind, code: &str, message: &str) -> ErrorKind {
    if code == "ValidationError" && message.contains("does not exist") {
        ErrorKind::NotFound
    } else {
        kind
    }
}
