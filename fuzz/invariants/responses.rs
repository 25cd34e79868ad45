//! The response: JSON of at most 4096 bytes that repeats its ids, whatever the reason and the return values are.

use lambda_permission_provider::cloudformation::request::Envelope;
use lambda_permission_provider::cloudformation::response::{MAX_BYTES, Response};
use serde_json::{Value, json};

/// Five lines, of which the stack's ARN, the resource's name, its physical id, the log group and the log stream are the first
/// characters, and then a reason, which is a statement too.
pub fn check(input: &[u8]) -> Option<()> {
    let mut fields = std::str::from_utf8(input).ok()?.splitn(6, '\n');
    let mut id = |most: usize| fields.next().map(|text| printable(text, most));
    // The longest that CloudFormation and CloudWatch accept.
    let (stack_id, logical_id, physical_id) = (id(256)?, id(255)?, id(1024)?);
    let (group, stream) = (id(300)?, id(300)?);
    let text = fields.next()?.to_owned();
    let envelope = Envelope::parse(&json!({
        "ResponseURL": "https://host/",
        "StackId": stack_id,
        "RequestId": "9f6f9e2c-5b0c-4b52-8b2a-0f8f3f2a7c11",
        "LogicalResourceId": logical_id.replace(|c: char| !c.is_ascii_alphanumeric(), ""),
        "PhysicalResourceId": physical_id,
    }));
    let envelope = envelope.ok()?;
    let log_reference = format!("log group `{group}`, log stream `{stream}`, request `r`");
    let failed = Response::failed(&envelope, None, text.clone());
    let body = read(&failed, &envelope, &log_reference);
    assert_eq!(body["Status"], "FAILED");
    assert_eq!(body.get("Data"), None);
    let reason = body["Reason"].as_str().unwrap_or_default();
    let tail = format!("… (cut, see {log_reference})");
    let kept = reason.strip_suffix(&tail).unwrap_or(reason);
    assert!(text.starts_with(kept), "another reason: {kept:?}");
    assert!(kept == text || reason != kept, "cut without a mark");

    let values = [("Id", physical_id.clone()), ("Statement", text.clone())];
    let body = read(
        &Response::success(failed.physical_id, values),
        &envelope,
        &log_reference,
    );
    assert_eq!(body["Status"], "SUCCESS");
    assert_eq!(body.get("Reason"), None);
    for (name, value) in [("Id", &physical_id), ("Statement", &text)] {
        let found = &body["Data"][name];
        assert!(found == value || found == "", "{name} was changed");
    }
    Some(())
}

/// The body as CloudFormation reads it.
fn read(response: &Response, envelope: &Envelope, log_reference: &str) -> Value {
    let bytes = response.body(envelope, log_reference);
    assert!(bytes.len() <= MAX_BYTES, "{} bytes", bytes.len());
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        panic!("not JSON: {}", String::from_utf8_lossy(&bytes));
    };
    assert_eq!(body["StackId"], *envelope.stack_id);
    assert_eq!(body["RequestId"], *envelope.request_id);
    assert_eq!(body["LogicalResourceId"], *envelope.logical_id);
    assert_eq!(body["PhysicalResourceId"], *response.physical_id.as_ref());
    assert_ne!(body["PhysicalResourceId"], "");
    body
}

fn printable(text: &str, most: usize) -> String {
    let printable = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    printable.take(most).collect()
}
