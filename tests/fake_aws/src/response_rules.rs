//! The rules of CloudFormation's protocol that every response has to follow, whatever the event is about.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html>

use hyper::Method;
use serde_json::Value;

use crate::http_server::HttpRequest;

/// The rules that the response to `event` violates.
pub(crate) fn violations(event: &Value, request: &HttpRequest) -> Vec<String> {
    let mut violations = Vec::new();
    let mut rule = |holds: bool, text: &str| {
        if !holds {
            let body = String::from_utf8_lossy(&request.body);
            violations.push(format!("{text}: {body}"));
        }
    };
    rule(request.method == Method::PUT, "the method is PUT");
    rule(
        !request.headers.contains_key("content-type"),
        "no Content-Type is sent: it would have to be signed",
    );
    let length = request
        .headers
        .get("content-length")
        .and_then(|length| length.to_str().ok());
    rule(
        length == Some(&request.body.len().to_string()),
        "Content-Length is the length of the body",
    );
    rule(
        request.body.len() <= 4096,
        "the body has at most 4096 bytes",
    );
    rule(
        std::str::from_utf8(&request.body).is_ok(),
        "the body is UTF-8",
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    rule(body.is_object(), "the body is a JSON object");
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        rule(body[name].is_string(), "the ids of the request are there");
        rule(
            !event[name].is_string() || body[name] == event[name],
            "the ids are those of the request",
        );
    }
    let id = body["PhysicalResourceId"].as_str().unwrap_or_default();
    rule(
        (1..=1024).contains(&id.len()),
        "PhysicalResourceId is a text of 1 to 1024 bytes",
    );
    let failed = body["Status"] == "FAILED";
    rule(
        failed || body["Status"] == "SUCCESS",
        "Status is SUCCESS or FAILED",
    );
    let reason = body["Reason"].as_str().unwrap_or_default();
    rule(!failed || !reason.is_empty(), "FAILED has a Reason");
    rule(!reason.contains(['\n', '\r']), "Reason is one line");
    let keeps_id = event["RequestType"] == "Delete" || (event["RequestType"] == "Update" && failed);
    let known = event["PhysicalResourceId"].as_str().unwrap_or_default();
    rule(
        !keeps_id || known.is_empty() || id == known,
        "Delete and a failed Update keep the id",
    );
    violations
}
