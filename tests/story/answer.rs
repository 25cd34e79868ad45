//! One event, exactly one answer: whatever arrives, whatever breaks, before the function's deadline.
//! Refuses to know what was granted; the form of each answer is checked where it arrives, in `bucket`.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{self, Event, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use serde_json::{Value, json};

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
async fn an_event_without_a_usable_url_is_logged_and_counted_and_not_run_again() {
    let mut stage = Stage::start().await;
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
        json!({"Records": []}),
        json!({"Records": [{"s3": {}}]}),
        Value::Null,
    ];
    let texts = events.iter().map(Value::to_string);
    let broken = ["", "{", "nope", r#"{"ResponseURL":1e999}"#].map(str::to_owned);
    let texts: Vec<String> = texts.chain(broken).collect();
    for text in &texts {
        let outcome = stage
            .runtime
            .invoke(text.clone(), Duration::from_secs(20))
            .await;
        assert_eq!(outcome, Outcome::Ok, "{text}");
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    stage.play(&event("create-account")).await.succeeded();
    let log = stage.end();
    let told = log
        .iter()
        .filter(|line| line["message"] == "not answerable");
    let reason = "no usable `ResponseURL`: got an event that nobody waits for an answer to, invoke this function from CloudFormation only";
    assert!(
        told.clone()
            .all(|line| line["level"] == "ERROR" && line["reason"] == reason)
    );
    assert_eq!(told.count(), texts.len());
    let counted = log.iter().filter_map(|line| line["Unanswerable"].as_u64());
    assert_eq!(
        counted.collect::<Vec<_>>(),
        [vec![1; texts.len()], vec![0]].concat()
    );
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
            stage
                .lambda
                .inject_always(Operation::Get, Fault::NoResponse);
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
        PutFault::Rejected(500),
        PutFault::Rejected(503),
        PutFault::Rejected(429),
        PutFault::Rejected(307),
        PutFault::Rejected(408),
        PutFault::RejectedWithCode(503, "SlowDown"),
        PutFault::RejectedWithCode(400, "RequestTimeout"),
        PutFault::ConnectionClosed,
    ];
    for fault in faults {
        let stage = Stage::start().await;
        stage.bucket.inject([fault, fault]);
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
    stage.bucket.inject([PutFault::NoResponse]);
    stage.play(&event("create-account")).await.succeeded();
}

#[tokio::test]
async fn an_answer_that_is_refused_for_good_is_an_error_of_the_function() {
    for fault in [
        PutFault::Rejected(403),
        PutFault::Rejected(400),
        PutFault::Rejected(302),
        PutFault::RejectedWithCode(400, "ExpiredToken"),
        PutFault::RejectedWithCode(403, "RequestTimeTooSkewed"),
    ] {
        let stage = Stage::start().await;
        stage.bucket.inject([fault]);
        let issued = stage.issue(&event("create-account"));
        let (outcome, puts) = stage.deliver(&issued, Duration::from_secs(30)).await;
        assert!(matches!(outcome, Outcome::Err(_)), "{fault:?}: {outcome:?}");
        assert_eq!(puts.len(), 1, "{fault:?}");
        let Outcome::Err(error) = outcome else {
            continue;
        };
        assert!(!error.to_string().contains("Signature"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_never_arrives_is_an_error_before_the_deadline() {
    for fault in [
        PutFault::Rejected(500),
        PutFault::Rejected(307),
        PutFault::NoResponse,
        PutFault::ConnectionClosed,
    ] {
        let stage = Stage::start().await;
        stage.bucket.inject([fault; 200]);
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
async fn ids_that_are_too_long_are_refused_before_lambda_is_called_and_cut_in_the_log() {
    let mut stage = Stage::start().await;
    let base = event("create-account");
    for (kind, name, length) in [
        ("Create", "StackId", 1_500),
        ("Create", "RequestId", 1_025),
        ("Create", "LogicalResourceId", 2_000),
        ("Update", "StackId", 1_025),
        ("Delete", "RequestId", 1_025),
    ] {
        let long = base
            .clone()
            .with("RequestType", kind)
            .with("PhysicalResourceId", format!("{LAYER_VERSION}#partner"))
            .with(name, "i".repeat(length));
        let answer = stage.play(&long).await;
        let reason = format!("`{name}` is too long: got {length} bytes, send at most 1024");
        assert_eq!(answer.refused(), reason, "{kind}");
    }
    // Such ids do not fit into a response, and neither into the path of a URL.
    for name in [
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "PhysicalResourceId",
    ] {
        let issued = stage.issue(&base);
        let long = issued.clone().with(name, "i".repeat(900_000));
        let answer = stage.play_text(&issued, long.0.to_string()).await;
        let reason = format!("`{name}` is too long: got 900000 bytes, send at most 1024");
        assert_eq!(answer.refused(), reason);
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    stage
        .bucket
        .state()
        .violations
        .retain(|rule| !rule.starts_with("the ids are those of the request"));
    for line in stage.end() {
        assert!(line.to_string().len() < 17_000, "{line}");
    }
}

#[tokio::test]
async fn attributes_that_do_not_fit_are_empty_texts_and_logged() {
    let mut stage = Stage::start().await;
    let list = |accounts: u64| {
        let accounts: Vec<String> = (0..accounts)
            .map(|number| format!("{}", 111_122_220_000 + number))
            .collect();
        event("create-list").property("Principals", accounts)
    };
    let attributes = [
        "Id",
        "LayerVersionArn",
        "StatementId",
        "StatementIds",
        "Statement",
        "RevisionId",
    ];
    for (accounts, emptied) in [
        (3, &[][..]),
        (20, &["Statement"]),
        (64, &["Statement", "StatementIds"]),
    ] {
        stage.lambda.state().policies.unpublish(LAYER_VERSION);
        stage.lambda.state().policies.publish(LAYER_VERSION);
        let create = list(accounts).property("StatementId", "s".repeat(60));
        let answer = stage.play(&create).await;
        answer.succeeded();
        for name in attributes {
            let text = answer.0["Data"][name].as_str();
            let text = text.unwrap_or_else(|| panic!("{accounts}: no {name}"));
            assert_eq!(
                text.is_empty(),
                emptied.contains(&name),
                "{accounts}: {name}"
            );
        }
    }
    let logged: Vec<Value> = stage
        .end()
        .into_iter()
        .filter(|line| line["message"] == "attributes emptied")
        .map(|line| json!([line["level"], line["attributes"]]))
        .collect();
    assert_eq!(
        logged,
        [
            json!(["WARN", "Statement"]),
            json!(["WARN", "Statement, StatementIds"])
        ]
    );
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
