//! The answer: JSON of at most 4096 bytes that repeats its ids, whatever the reason and the attributes are.

use lambda_permission_provider::cloudformation::request::Envelope;
use lambda_permission_provider::cloudformation::response::{Answer, MOST_BYTES};
use serde_json::{Value, json};

/// Five lines, of which the stack's ARN, the resource's name, its physical id, the log group and the log stream are the first
/// characters, and then a reason, which is a statement too.
pub fn hold(input: &[u8]) -> Option<()> {
    let mut fields = std::str::from_utf8(input).ok()?.splitn(6, '\n');
    let mut id = |most: usize| fields.next().map(|text| printable(text, most));
    // The longest that CloudFormation and CloudWatch accept.
    let (stack_id, logical_id, physical_id) = (id(256)?, id(255)?, id(1024)?);
    let (group, stream) = (id(300)?, id(300)?);
    let text = fields.next()?.to_owned();
    let envelope = Envelope::open(&json!({
        "ResponseURL": "https://host/",
        "StackId": stack_id,
        "RequestId": "9f6f9e2c-5b0c-4b52-8b2a-0f8f3f2a7c11",
        "LogicalResourceId": logical_id.replace(|c: char| !c.is_ascii_alphanumeric(), ""),
        "PhysicalResourceId": physical_id,
    }));
    let envelope = envelope.ok()?;
    let whereabouts = format!("log group `{group}`, log stream `{stream}`, request `r`");
    let failed = Answer::failed(&envelope, None, text.clone());
    let body = read(&failed, &envelope, &whereabouts);
    assert_eq!(body["Status"], "FAILED");
    assert_eq!(body.get("Data"), None);
    let reason = body["Reason"].as_str().unwrap_or_default();
    let tail = format!("… (cut, see {whereabouts})");
    let told = reason.strip_suffix(&tail).unwrap_or(reason);
    assert!(text.starts_with(told), "not what was to be told: {told:?}");
    assert!(told == text || reason != told, "cut without a word");

    let attributes = [("Id", physical_id.clone()), ("Statement", text.clone())];
    let body = read(
        &Answer::success(failed.physical_id, attributes),
        &envelope,
        &whereabouts,
    );
    assert_eq!(body["Status"], "SUCCESS");
    assert_eq!(body.get("Reason"), None);
    for (name, value) in [("Id", &physical_id), ("Statement", &text)] {
        let told = &body["Data"][name];
        assert!(told == value || told == "", "{name} was changed");
    }
    Some(())
}

/// The body as CloudFormation reads it.
fn read(answer: &Answer, envelope: &Envelope, whereabouts: &str) -> Value {
    let bytes = answer.body(envelope, whereabouts);
    assert!(bytes.len() <= MOST_BYTES, "{} bytes", bytes.len());
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        panic!("not JSON: {}", String::from_utf8_lossy(&bytes));
    };
    assert_eq!(body["StackId"], *envelope.stack_id);
    assert_eq!(body["RequestId"], *envelope.request_id);
    assert_eq!(body["LogicalResourceId"], *envelope.logical_id);
    assert_eq!(body["PhysicalResourceId"], *answer.physical_id);
    assert_ne!(body["PhysicalResourceId"], "");
    body
}

fn printable(text: &str, most: usize) -> String {
    let printable = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
    printable.take(most).collect()
}
