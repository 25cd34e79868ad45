//! The bucket finds each violation of CloudFormation's rules for a response.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected"
)]
use fake_aws::events::event;
use fake_aws::response_bucket::ResponseBucket;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The rules that are violated by this response to the Update `update-nonce`.
async fn violations(
    change: impl FnOnce(&mut Value),
    send: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Vec<String> {
    let bucket = ResponseBucket::start().await;
    let mut update = event("update-nonce").0;
    bucket.presign(&mut update);
    let mut response =
        json!({"Status": "SUCCESS", "PhysicalResourceId": update["PhysicalResourceId"]});
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        response[name] = update[name].clone();
    }
    change(&mut response);
    let put = Client::new().put(update["ResponseURL"].as_str().unwrap());
    send(put.body(response.to_string())).send().await.unwrap();
    std::mem::take(&mut bucket.state().violations)
}

#[tokio::test]
async fn a_valid_response_violates_no_rule() {
    assert_eq!(violations(|_| {}, |put| put).await, [""; 0]);
}

#[tokio::test]
async fn each_violation_is_found() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 12] = [
        ("the ids are those of the request", |response| {
            response["StackId"] = "other".into();
        }),
        ("the ids are those of the request", |response| {
            response["RequestId"] = "other".into();
        }),
        ("the ids of the request are there", |response| {
            response["LogicalResourceId"] = Value::Null;
        }),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |response| response["PhysicalResourceId"] = "".into(),
        ),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |response| response["PhysicalResourceId"] = 7.into(),
        ),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |response| {
                response["PhysicalResourceId"] = "x".repeat(1025).into();
            },
        ),
        ("Status is SUCCESS or FAILED", |response| {
            response["Status"] = "Success".into();
        }),
        ("FAILED has a Reason", |response| {
            response["Status"] = "FAILED".into();
        }),
        ("FAILED has a Reason", |response| {
            response["Status"] = "FAILED".into();
            response["Reason"] = "".into();
        }),
        ("Reason is one line", |response| {
            response["Reason"] = "two\nlines".into();
        }),
        ("Delete and a failed Update keep the id", |response| {
            response["Status"] = "FAILED".into();
            response["Reason"] = "it failed".into();
            response["PhysicalResourceId"] = "never-created".into();
        }),
        ("the body has at most 4096 bytes", |response| {
            response["Data"] = json!({"Id": "x".repeat(4096)});
        }),
    ];
    for (rule, change) in cases {
        let found = violations(change, |put| put).await;
        assert!(
            found.iter().any(|violation| violation.starts_with(rule)),
            "{rule}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_content_type_is_a_violation() {
    let found = violations(|_| {}, |put| put.header("Content-Type", "application/json")).await;
    assert!(found[0].starts_with("no Content-Type is sent"), "{found:?}");
}

#[tokio::test]
async fn a_url_that_was_encoded_again_is_rejected() {
    let bucket = ResponseBucket::start().await;
    let mut update = event("update-nonce").0;
    bucket.presign(&mut update);
    let url = update["ResponseURL"].as_str().unwrap().replace("%7C", "|");
    let response = Client::new().put(url).body("{}").send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(bucket.state().violations[0].starts_with("no such URL was presigned"));
}
