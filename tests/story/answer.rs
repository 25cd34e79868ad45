//! One event, exactly one answer: whatever arrives, whatever breaks, before the function's deadline.
//! Refuses to know what was granted; the form of each answer is checked where it arrives, in `bucket`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bucket::PutFault;
use crate::events::{self, Event, LAYER_VERSION, event};
use crate::lambda_call::Operation;
use crate::lambda_faults::Fault;
use crate::runtime_api::Outcome;
use crate::stage::Stage;

#[tokio::test]
async fn whatever_carries_a_response_url_is_answered() {
    let base = event("create-account");
    let cases = [
        ("no RequestType", event("missing-request-type")),
        ("an unknown RequestType", event("unknown-request-type")),
        (
            "RequestType null",
            base.clone().with("RequestType", Value::Null),
        ),
        ("RequestType a number", base.clone().with("RequestType", 7)),
        ("null properties", event("null-properties")),
        ("no properties", base.clone().without("ResourceProperties")),
        (
            "properties a list",
            base.clone().with("ResourceProperties", json!(["a"])),
        ),
        (
            "no ResourceType",
            base.clone()
                .without("ResourceType")
                .property("Principal", ""),
        ),
        (
            "no LogicalResourceId",
            base.clone()
                .without("LogicalResourceId")
                .without_property("Principal"),
        ),
        (
            "no StackId",
            base.clone()
                .without("StackId")
                .without_property("Principal"),
        ),
        (
            "no RequestId",
            base.clone()
                .without("RequestId")
                .without_property("Principal"),
        ),
        (
            "RequestId a number",
            base.clone()
                .with("RequestId", 7)
                .without_property("Principal"),
        ),
        (
            "an Update without an id",
            event("update-to-unknown-property").without("PhysicalResourceId"),
        ),
        (
            "a member nobody knows",
            base.clone()
                .with("Colour", "red")
                .without_property("Principal"),
        ),
    ];
    let stage = Stage::start().await;
    for (name, event) in cases {
        let answer = stage.play(&event).await;
        assert!(answer.failed(), "{name}: {}", answer.0);
    }
}

#[tokio::test]
async fn deletes_without_properties_are_answered() {
    let stage = Stage::start().await;
    for properties in [Value::Null, json!({}), json!(["a"])] {
        let delete = event("delete-without-id").with("ResourceProperties", properties);
        stage.play(&delete).await.succeeded();
    }
    stage
        .play(&event("delete-without-id").without("ResourceProperties"))
        .await
        .succeeded();
}

#[tokio::test]
async fn every_event_file_is_answered() {
    let stage = Stage::start().await;
    for role in ["share-layers", "share-layers-anew"] {
        let role = format!("arn:aws:iam::999988887777:role/{role}");
        stage.lambda.state().roles.trust(&role, None);
    }
    for (name, value) in events::all() {
        if name != "missing-response-url"
            && name != "delete-invented-id"
            && !name.contains("another")
        {
            let answer = stage.play(&Event(value)).await;
            assert!(!answer.id().is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn an_event_that_nobody_can_be_told_about_is_an_error_of_the_function() {
    let stage = Stage::start().await;
    let url = |url: Value| event("create-account").with("ResponseURL", url);
    let events = [
        event("missing-response-url").0,
        url(Value::Null).0,
        url("".into()).0,
        url("not a url".into()).0,
        url("file:///etc/passwd".into()).0,
        url("http://127.0.0.1:port/".into()).0,
        json!("text"),
        json!([]),
        Value::Null,
    ];
    for event in events {
        let outcome = stage
            .runtime
            .invoke(event.to_string(), Duration::from_secs(20))
            .await;
        assert!(matches!(outcome, Outcome::Err(_)), "{event}");
    }
    assert_eq!(stage.lambda.calls(), [""; 0]);
    stage.play(&event("create-account")).await.succeeded();
}

#[tokio::test]
async fn a_panic_is_answered_failed() {
    let stage = Stage::with_environment(&[("PANIC_DRILL", "1")]).await;
    let create = stage.play(&event("create-account")).await;
    create.refused();
    assert_eq!(create.id(), "never-created");
    for name in ["update-nonce", "delete"] {
        let answer = stage.play(&event(name)).await;
        answer.refused();
        assert_eq!(answer.id(), format!("{LAYER_VERSION}#partner"), "{name}");
    }
}

#[tokio::test]
async fn the_work_stops_before_the_deadline_and_is_answered_failed() {
    for name in ["create-account", "update-nonce", "delete"] {
        for seconds in [2, 4] {
            let stage = Stage::start().await;
            stage.lambda.always(Operation::Get, Fault::Hangs);
            stage
                .play_within(Duration::from_secs(seconds), &event(name))
                .await
                .refused();
        }
    }
}

#[tokio::test]
async fn an_answer_is_sent_again_with_the_same_body() {
    let faults = [
        PutFault::Refused(500),
        PutFault::Refused(503),
        PutFault::Refused(429),
        PutFault::AcknowledgementLost,
    ];
    for fault in faults {
        let stage = Stage::start().await;
        stage.bucket.next([fault, fault]);
        let issued = stage.issue(&event("create-account"));
        let (outcome, puts) = stage.deliver(&issued, Duration::from_mins(1)).await;
        assert_eq!(outcome, Outcome::Ok, "{fault:?}");
        let acknowledged: Vec<_> = puts.iter().map(|put| put.acknowledged).collect();
        assert_eq!(acknowledged, [false, false, true], "{fault:?}");
        let body: Value = serde_json::from_slice(&puts[2].body).unwrap();
        assert_eq!(body["Status"], "SUCCESS", "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_hangs_is_sent_again() {
    let stage = Stage::start().await;
    stage.bucket.next([PutFault::Hangs]);
    stage.play(&event("create-account")).await.succeeded();
}

#[tokio::test]
async fn an_answer_that_is_refused_for_good_is_an_error_of_the_function() {
    for status in [403, 400, 307] {
        let stage = Stage::start().await;
        stage.bucket.next([PutFault::Refused(status)]);
        let issued = stage.issue(&event("create-account"));
        let (outcome, puts) = stage.deliver(&issued, Duration::from_secs(30)).await;
        assert!(matches!(outcome, Outcome::Err(_)), "{status}: {outcome:?}");
        assert_eq!(puts.len(), 1, "{status}");
        let Outcome::Err(error) = outcome else {
            continue;
        };
        assert!(!error.to_string().contains("Signature"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_never_arrives_is_an_error_before_the_deadline() {
    for fault in [
        PutFault::Refused(500),
        PutFault::Hangs,
        PutFault::AcknowledgementLost,
    ] {
        let stage = Stage::start().await;
        stage.bucket.next([fault; 200]);
        let issued = stage.issue(&event("create-account"));
        let (outcome, puts) = stage.deliver(&issued, Duration::from_secs(4)).await;
        let Outcome::Err(error) = outcome else {
            panic!("{fault:?}: {outcome:?}")
        };
        assert!(!error.to_string().contains("Signature"), "{error}");
        assert!(!puts.is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn nothing_is_remembered_by_a_request_id() {
    let stage = Stage::start().await;
    let create = event("create-account");
    let id = stage.play(&create).await.succeeded().to_owned();
    stage.play(&create.delete_of(&id)).await.succeeded();
    stage.play(&create).await.succeeded();
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn an_answer_stays_within_4096_bytes_and_keeps_head_and_whereabouts_of_its_reason() {
    let stage = Stage::start().await;
    let many = (0..100).fold(event("create-account"), |event, number| {
        event.property(&format!("é\"\n{number:03}{}", "x".repeat(200)), "x")
    });
    let answer = stage.play(&many).await;
    let reason = answer.refused();
    assert!(
        reason.starts_with("unknown property: got `é\"\\n000xxx"),
        "{reason}"
    );
    let whereabouts = "(cut, see log group `/aws/lambda/layer-permission`, \
        log stream `2026/01/31/[$LATEST]0123456789abcdef`, request `00000000-0000-4000-8000-000000000000`)";
    assert!(reason.ends_with(whereabouts), "{reason}");
    assert!(answer.0.to_string().len() > 4000, "no room is wasted");
}

#[tokio::test]
async fn ids_that_leave_no_room_are_answered_all_the_same() {
    let stage = Stage::start().await;
    let long = event("delete")
        .with("LogicalResourceId", "L".repeat(255))
        .with(
            "PhysicalResourceId",
            format!("{LAYER_VERSION}#{}", "s".repeat(100)),
        )
        .with(
            "StackId",
            format!(
                "arn:aws:cloudformation:eu-west-1:123456789012:stack/{}/1",
                "s".repeat(128)
            ),
        );
    stage.play(&long).await.succeeded();
}

#[tokio::test]
async fn the_log_tells_each_step_and_never_the_whole_event() {
    let mut stage = Stage::start().await;
    let create = event("create-account").property("Nonce", "only-in-the-event");
    stage.play(&create).await.succeeded();
    let log = stage.end();
    let text = log
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let told = [
        r#""request_type":"Create""#,
        r#""stack_id":"arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/"#,
        r#""logical_id":"LayerPermission""#,
        r#""plan":"add `partner` for `111122223333`""#,
        r#""call":"lambda:AddLayerVersionPermission""#,
        r#""status":"Success""#,
        "duration",
    ];
    let untold: Vec<_> = told.iter().filter(|told| !text.contains(**told)).collect();
    assert!(untold.is_empty(), "{untold:?} in {text}");
    assert!(!text.contains("only-in-the-event"), "{text}");
}
