//! Sends answers that CloudFormation would not take, so that the checks of the bucket are known to check.
//! Refuses to know the executable.

use fake_aws::events::event;
use fake_aws::response_bucket::ResponseBucket;
use reqwest::{Client, RequestBuilder};

use serde_json::{Value, json};

/// The rules that the bucket finds broken by this answer to the Update `update-nonce`.
async fn broken(
    change: impl FnOnce(&mut Value),
    send: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Vec<String> {
    let bucket = ResponseBucket::start().await;
    let mut update = event("update-nonce").0;
    bucket.presign(&mut update);
    let mut answer =
        json!({"Status": "SUCCESS", "PhysicalResourceId": update["PhysicalResourceId"]});
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        answer[name] = update[name].clone();
    }
    change(&mut answer);
    let put = Client::new().put(update["ResponseURL"].as_str().unwrap());
    send(put.body(answer.to_string())).send().await.unwrap();
    std::mem::take(&mut bucket.state().violations)
}

#[tokio::test]
async fn an_answer_as_it_should_be_breaks_no_rule() {
    assert_eq!(broken(|_| {}, |put| put).await, [""; 0]);
}

#[tokio::test]
async fn the_bucket_notices_each_broken_rule() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 12] = [
        ("the ids are those of the request", |answer| {
            answer["StackId"] = "other".into();
        }),
        ("the ids are those of the request", |answer| {
            answer["RequestId"] = "other".into();
        }),
        ("the ids of the request are there", |answer| {
            answer["LogicalResourceId"] = Value::Null;
        }),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |answer| answer["PhysicalResourceId"] = "".into(),
        ),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |answer| answer["PhysicalResourceId"] = 7.into(),
        ),
        (
            "PhysicalResourceId is a text of 1 to 1024 bytes",
            |answer| {
                answer["PhysicalResourceId"] = "x".repeat(1025).into();
            },
        ),
        ("Status is SUCCESS or FAILED", |answer| {
            answer["Status"] = "Success".into();
        }),
        ("FAILED has a Reason", |answer| {
            answer["Status"] = "FAILED".into();
        }),
        ("FAILED has a Reason", |answer| {
            answer["Status"] = "FAILED".into();
            answer["Reason"] = "".into();
        }),
        ("Reason is one line", |answer| {
            answer["Reason"] = "two\nlines".into();
        }),
        ("Delete and a failed Update keep the id", |answer| {
            answer["Status"] = "FAILED".into();
            answer["Reason"] = "it failed".into();
            answer["PhysicalResourceId"] = "never-created".into();
        }),
        ("the body has at most 4096 bytes", |answer| {
            answer["Data"] = json!({"Id": "x".repeat(4096)});
        }),
    ];
    for (rule, change) in cases {
        let broken = broken(change, |put| put).await;
        assert!(
            broken.iter().any(|broken| broken.starts_with(rule)),
            "{rule}: {broken:?}"
        );
    }
}

#[tokio::test]
async fn the_bucket_notices_a_content_type() {
    let broken = broken(|_| {}, |put| put.header("Content-Type", "application/json")).await;
    assert!(
        broken[0].starts_with("no Content-Type is sent"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn the_bucket_notices_a_url_that_was_encoded_again() {
    let bucket = ResponseBucket::start().await;
    let mut update = event("update-nonce").0;
    bucket.presign(&mut update);
    let url = update["ResponseURL"].as_str().unwrap().replace("%7C", "|");
    let refused = Client::new().put(url).body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(bucket.state().violations[0].starts_with("no such URL was presigned"));
}
