//! Every event gets exactly one response before the function's deadline, whatever it contains and whatever fails. The form of each
//! response is checked by the fake bucket.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{self, Event, LAYER_VERSION, event};
use fake_aws::runtime_api::Outcome;
use serde_json::{Value, json};

use crate::test_env::TestEnv;

#[tokio::test]
async fn every_event_with_a_response_url_gets_a_response() {
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
            "an unknown member",
            base.clone()
                .with("Colour", "red")
                .without_property("Principal"),
        ),
    ];
    let env = TestEnv::start().await;
    for (name, event) in cases {
        let response = env.send(&event).await;
        assert!(response.is_failed(), "{name}: {}", response.0);
    }
}

#[tokio::test]
async fn a_delete_without_properties_succeeds() {
    let env = TestEnv::start().await;
    for properties in [Value::Null, json!({}), json!(["a"])] {
        let delete = event("delete-without-id").with("ResourceProperties", properties);
        env.send(&delete).await.expect_success();
    }
    env.send(&event("delete-without-id").without("ResourceProperties"))
        .await
        .expect_success();
}

#[tokio::test]
async fn every_event_file_gets_a_response() {
    let env = TestEnv::start().await;
    for role in ["share-layers", "share-layers-anew"] {
        let role = format!("arn:aws:iam::999988887777:role/{role}");
        env.lambda.state().roles.trust(&role, None);
    }
    for (name, value) in events::all() {
        if name != "missing-response-url"
            && name != "delete-invented-id"
            && !name.contains("another")
        {
            let response = env.send(&Event(value)).await;
            assert!(!response.id().is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn an_event_without_a_valid_response_url_is_logged_counted_and_not_retried() {
    let mut env = TestEnv::start().await;
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
        let outcome = env
            .runtime
            .invoke(text.clone(), Duration::from_secs(20))
            .await;
        assert_eq!(outcome, Outcome::Ok, "{text}");
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    env.send(&event("create-account")).await.expect_success();
    let log = env.stop();
    let errors = log
        .iter()
        .filter(|line| line["message"] == "response not sent");
    let reason = "no usable `ResponseURL`: got an event without one, invoke this function from CloudFormation only";
    assert!(
        errors
            .clone()
            .all(|line| line["level"] == "ERROR" && line["reason"] == reason)
    );
    assert_eq!(errors.count(), texts.len());
    let counted = log.iter().filter_map(|line| line["Unanswerable"].as_u64());
    assert_eq!(
        counted.collect::<Vec<_>>(),
        [vec![1; texts.len()], vec![0]].concat()
    );
}

#[tokio::test]
async fn a_panic_is_responded_to_with_failed() {
    let env = TestEnv::with_variables(&[("SIMULATE_PANIC", "1")]).await;
    let create = env.send(&event("create-account")).await;
    create.expect_failed();
    assert_eq!(create.id(), "never-created");
    for name in ["update-nonce", "delete"] {
        let response = env.send(&event(name)).await;
        response.expect_failed();
        assert_eq!(response.id(), format!("{LAYER_VERSION}#partner"), "{name}");
    }
}

#[tokio::test]
async fn work_stops_before_the_deadline_and_responds_failed() {
    for name in ["create-account", "update-nonce", "delete"] {
        for seconds in [2, 4] {
            let env = TestEnv::start().await;
            env.lambda.inject_always(Operation::Get, Fault::NoResponse);
            env.send_within(Duration::from_secs(seconds), &event(name))
                .await
                .expect_failed();
        }
    }
}

#[tokio::test]
async fn no_state_is_kept_by_request_id() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    let id = env.send(&create).await.expect_success().to_owned();
    env.send(&create.delete_of(&id)).await.expect_success();
    env.send(&create).await.expect_success();
    assert_eq!(env.statements().len(), 1);
}
