//! Writes Lambda's answers as they stand on the wire.
//! Refuses to know why an answer is given.

use serde_json::{Value, json};

use crate::layer_policies::{Page, Policy, Refusal};
use crate::recorded;
use crate::server::Reply;

/// The status that is noted of a call, and what the caller gets to see.
pub type Answered = (Option<u16>, Reply);

pub fn policy_answer(policy: &Policy) -> Answered {
    let body = json!({"Policy": policy.document(), "RevisionId": policy.revision});
    let status = recorded::success("GetLayerVersionPolicy");
    answered(status, &body.to_string())
}

pub fn garbled_answer(policy: &str) -> Answered {
    let body = json!({"Policy": policy, "RevisionId": "revision-1"});
    answered(200, &body.to_string())
}

pub fn added_answer(statement: &Value, revision: &str) -> Answered {
    let body = json!({"Statement": statement.to_string(), "RevisionId": revision});
    let status = recorded::success("AddLayerVersionPermission");
    answered(status, &body.to_string())
}

pub fn removed_answer() -> Answered {
    answered(recorded::success("RemoveLayerVersionPermission"), "")
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListLayerVersions.html>
pub fn page_answer(page: &Page) -> Answered {
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
    answered(200, &body.to_string())
}

pub fn throttled(says_when: bool) -> Answered {
    let refusal = Refusal::new(429, "TooManyRequestsException", "Rate exceeded");
    let when: &[_] = if says_when {
        &[("Retry-After", "1")]
    } else {
        &[]
    };
    refused_with(&refusal, when)
}

pub fn refused(refusal: &Refusal) -> Answered {
    refused_with(refusal, &[])
}

fn refused_with(refusal: &Refusal, headers: &[(&str, &str)]) -> Answered {
    let body = json!({"Type": "User", "Message": refusal.message}).to_string();
    let mut headers = headers.to_vec();
    headers.push(("Content-Type", "application/json"));
    headers.push(("x-amzn-ErrorType", &refusal.code));
    let reply = Reply::new(refusal.status, &headers, body);
    (Some(refusal.status), reply)
}

fn answered(status: u16, body: &str) -> Answered {
    let headers = [("Content-Type", "application/json")];
    (Some(status), Reply::new(status, &headers, body.to_owned()))
}
