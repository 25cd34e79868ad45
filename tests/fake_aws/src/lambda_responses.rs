//! Lambda's HTTP responses for policies.

use serde_json::{Value, json};

use crate::http_server::HttpResponse;
use crate::policies::{ApiError, Page, Policy};
use crate::recorded_responses;

/// The status that is recorded of a call, none where it gets no response, and what the caller receives.
pub type ApiResponse = (Option<u16>, HttpResponse);

/// Of `GetLayerVersionPolicy` and `GetPolicy`.
#[must_use]
pub fn policy_response(policy: &Policy) -> ApiResponse {
    let body = json!({"Policy": policy.document(), "RevisionId": policy.revision});
    let status = recorded_responses::success("GetLayerVersionPolicy");
    response(status, &body.to_string())
}

/// Of `GetLayerVersionPolicy` and `GetPolicy`, with this text in the place of the policy document.
#[must_use]
pub fn malformed_policy_response(policy: &str) -> ApiResponse {
    let body = json!({"Policy": policy, "RevisionId": "revision-1"});
    response(200, &body.to_string())
}

/// Of `AddLayerVersionPermission`, and of `AddPermission`, which returns no revision.
#[must_use]
pub fn added_response(statement: &Value, revision: Option<&str>) -> ApiResponse {
    let mut body = json!({"Statement": statement.to_string()});
    if let Some(revision) = revision {
        body["RevisionId"] = revision.into();
    }
    let status = recorded_responses::success("AddLayerVersionPermission");
    response(status, &body.to_string())
}

/// Of `RemoveLayerVersionPermission` and `RemovePermission`.
#[must_use]
pub fn removed_response() -> ApiResponse {
    response(
        recorded_responses::success("RemoveLayerVersionPermission"),
        "",
    )
}

/// Of `ListLayerVersions`.
///
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListLayerVersions.html>
#[must_use]
pub fn page_response(page: &Page) -> ApiResponse {
    let version = |(arn, number): &(String, u64)| {
        json!({
            "LayerVersionArn": arn,
            "Version": number,
            "Description": null,
            "CreatedDate": "2026-01-31T12:00:00.000+0000",
            "CompatibleRuntimes": ["provided.al2023"],
            "LicenseInfo": null,
        })
    };
    let versions: Vec<Value> = page.versions.iter().map(version).collect();
    let body = json!({"LayerVersions": versions, "NextMarker": page.next_marker});
    response(200, &body.to_string())
}

/// The call is throttled, with or without a `Retry-After` of one second.
#[must_use]
pub fn throttled_response(sends_retry_after: bool) -> ApiResponse {
    let error = ApiError::new(429, "TooManyRequestsException", "Rate exceeded");
    let headers: &[_] = if sends_retry_after {
        &[("Retry-After", "1")]
    } else {
        &[]
    };
    error_response_with(&error, headers)
}

/// The call fails with this error.
#[must_use]
pub fn error_response(error: &ApiError) -> ApiResponse {
    error_response_with(error, &[])
}

fn error_response_with(error: &ApiError, headers: &[(&str, &str)]) -> ApiResponse {
    let body = json!({"Type": "User", "Message": error.message}).to_string();
    let mut headers = headers.to_vec();
    headers.push(("Content-Type", "application/json"));
    headers.push(("x-amzn-ErrorType", &error.code));
    let response = HttpResponse::new(error.status, &headers, body);
    (Some(error.status), response)
}

fn response(status: u16, body: &str) -> ApiResponse {
    let headers = [("Content-Type", "application/json")];
    (
        Some(status),
        HttpResponse::new(status, &headers, body.to_owned()),
    )
}
