//! Events that a JSON parser rejects, and requests in SNS notifications: each request gets its response.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::http_server::Bytes;
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

/// The placeholder in an event for a value that `serde_json` cannot represent.
const PLACE: &str = "the value that is refused";

/// Values that a parser rejects.
fn rejected_values() -> Vec<String> {
    vec![
        r#""\ud800""#.into(),
        r#""\ud83d""#.into(),
        r#""a\udc00b""#.into(),
        "1e999".into(),
        "-1e400".into(),
        "[".repeat(150) + &"]".repeat(150),
        "[".repeat(5000) + &"]".repeat(5000),
        "{\"a\":".repeat(5000) + "1" + &"}".repeat(5000),
        "NaN".into(),
        "\"a\nb\"".into(),
    ]
}

/// The text of `event` with `value` in place of the placeholder.
fn text(event: &Event, value: &str) -> String {
    event.0.to_string().replace(&format!("\"{PLACE}\""), value)
}

#[tokio::test]
async fn a_value_that_the_parser_rejects_fails_wherever_it_is() {
    let create = event("create-account");
    let update = event("update-nonce");
    let places: [(Event, &str); 8] = [
        (
            create.clone().property("Nonce", PLACE),
            "ResourceProperties.Nonce",
        ),
        (
            create.clone().property("Principal", PLACE),
            "ResourceProperties.Principal",
        ),
        (
            create
                .clone()
                .property("Principals", json!([ACCOUNT, PLACE])),
            "ResourceProperties.Principals[]",
        ),
        (
            create.clone().with("ResourceProperties", PLACE),
            "ResourceProperties",
        ),
        (create.clone().with("AFuture", PLACE), "AFuture"),
        (
            create.clone().with("ZFuture", json!({"a": [PLACE]})),
            "ZFuture.a[]",
        ),
        (create.clone().with("ResourceType", PLACE), "ResourceType"),
        (update.property("Nonce", PLACE), "ResourceProperties.Nonce"),
    ];
    let mut env = TestEnv::start().await;
    for (event, place) in &places {
        for value in rejected_values() {
            let presigned = env.presign(event);
            let response = env.send_text(&presigned, text(&presigned, &value)).await;
            let reason = response.expect_failed();
            assert!(reason.starts_with("malformed event: got `"), "{reason}");
            assert!(reason.contains(&format!("` in `{place}")), "{reason}");
        }
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    let log = env.stop();
    let lines = log
        .iter()
        .filter(|line| line["message"] == "malformed value");
    assert_eq!(lines.count(), places.len() * rejected_values().len());
}

#[tokio::test]
async fn an_id_that_cannot_be_parsed_leaves_the_others_in_the_response() {
    let env = TestEnv::start().await;
    for name in [
        "RequestType",
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "PhysicalResourceId",
    ] {
        for kind in ["create-account", "update-nonce", "delete"] {
            for value in rejected_values() {
                let presigned = env.presign(&event(kind));
                let broken = presigned.clone().with(name, PLACE);
                let response = env.send_text(&presigned, text(&broken, &value)).await;
                assert!(
                    response
                        .expect_failed()
                        .starts_with("malformed event: got `"),
                    "{name}"
                );
                for other in ["StackId", "RequestId", "LogicalResourceId"] {
                    if other != name {
                        assert_eq!(response.0[other], presigned.0[other], "{name}");
                    }
                }
            }
        }
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    // An id that cannot be parsed cannot be returned.
    let mut bucket = env.bucket.state();
    bucket.violations.retain(|rule| {
        !rule.starts_with("the ids are those of the request")
            && !rule.starts_with("Delete and a failed Update keep the id")
    });
}

#[tokio::test]
async fn a_delete_with_unparseable_properties_is_processed() {
    for value in rejected_values() {
        let delete = event("delete");
        for (broken, spares) in [
            // By the physical id alone: there is nothing to compare the statement with.
            (delete.clone().with("ResourceProperties", PLACE), false),
            (delete.clone().property("Principal", PLACE), false),
            (delete.clone().property("OrganizationId", PLACE), false),
            // Members that do not identify the grant make no difference.
            (delete.clone().property("Nonce", PLACE), true),
            (delete.clone().with("Future", PLACE), true),
            (delete.clone().with("ResourceType", PLACE), true),
        ] {
            let env = TestEnv::start().await;
            env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            let presigned = env.presign(&broken);
            let text = text(&presigned, &value);
            env.send_text(&presigned, text.clone())
                .await
                .expect_success();
            assert_eq!(env.statements(), [] as [Value; 0], "{broken:?}");
            env.put_statement(public_statement(LAYER_VERSION, "partner"));
            env.runtime.invoke(text, Duration::from_mins(1)).await;
            assert_eq!(env.statements().len(), usize::from(spares), "{broken:?}");
            drop(env.bucket.take_puts(&presigned.0));
        }
    }
}

#[tokio::test]
async fn a_rollback_of_an_update_with_unparseable_properties_succeeds() {
    for value in rejected_values() {
        let env = TestEnv::start().await;
        let granted = account_statement(LAYER_VERSION, "partner", ACCOUNT);
        env.put_statement(granted.clone());
        let before = event("create-account");
        let id = format!("{LAYER_VERSION}#partner");
        let broken = before.clone().property("Nonce", PLACE);
        let update = env.presign(&before.update_to(&id, broken.properties()));
        let response = env.send_text(&update, text(&update, &value)).await;
        response.expect_failed();
        assert_eq!(response.id(), id);
        let back = env.presign(&broken.update_to(&id, before.properties()));
        let response = env.send_text(&back, text(&back, &value)).await;
        assert_eq!(response.expect_success(), id);
        assert_eq!(env.statements(), [granted]);
    }
}

/// Makes bytes that are not an event of an event's text.
type Form = dyn Fn(String) -> Vec<u8>;

#[tokio::test]
async fn an_event_of_another_form_gets_a_failed_response() {
    let env = TestEnv::start().await;
    let base = event("create-account");
    let whole = |presigned: &Event| presigned.0.to_string();
    let forms: [(&str, &Form); 6] = [
        ("cut", &|text| text.as_bytes()[..text.len() - 1].to_vec()),
        ("cut in its last member", &|text| {
            text.as_bytes()[..text.len() - 3].to_vec()
        }),
        ("with something behind", &|text| {
            format!("{text} x").into_bytes()
        }),
        ("with a comma too many", &|text| {
            text.replace("\"RequestId\"", ",\"RequestId\"").into_bytes()
        }),
        ("not UTF-8", &|text| {
            let (before, behind) = text.split_once("\"partner\"").unwrap();
            [before.as_bytes(), b"\"part\xffner\"", behind.as_bytes()].concat()
        }),
        ("UTF-8 cut in a character", &|text| {
            let (before, behind) = text.split_once("\"RequestType\"").unwrap();
            [
                before.as_bytes(),
                b"\"Other\":\"\xf0\x9f\",\"RequestType\"",
                behind.as_bytes(),
            ]
            .concat()
        }),
    ];
    for (name, form) in forms {
        let presigned = env.presign(&base);
        let response = env.send_text(&presigned, form(whole(&presigned))).await;
        assert!(
            response
                .expect_failed()
                .starts_with("malformed event: got `"),
            "{name}"
        );
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    for (name, start, behind) in [
        ("a byte order mark", "\u{feff}", ""),
        ("blanks around it", " \r\n", "\n "),
    ] {
        let presigned = env.presign(&base);
        let text = format!("{start}{}{behind}", presigned.0);
        let response = env.send_text(&presigned, text).await;
        assert!(!response.is_failed(), "{name}: {}", response.reason());
    }
    for (other, is_served) in [("0", true), ("1e999", false)] {
        let presigned = env.presign(&base);
        let text = presigned.0.to_string();
        let text = text.replace("\"ResponseURL\"", "\"\\u0052esponseURL\"");
        let text = text.replace(
            "\"RequestType\"",
            &format!("\"Other\":{other},\"RequestType\""),
        );
        let response = env.send_text(&presigned, text).await;
        assert_eq!(response.is_failed(), !is_served, "{}", response.reason());
    }
    // An id without an end cannot be returned.
    let mut bucket = env.bucket.state();
    bucket
        .violations
        .retain(|rule| !rule.contains("in `StackId`"));
}

#[tokio::test]
async fn an_event_of_one_megabyte_is_processed_within_the_memory_of_the_function() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for value in [
        deep(450_000),
        format!("[{}1e999]", "0,".repeat(450_000)),
        format!("[{}1e999]", "1e999,".repeat(150_000)),
        format!("[{}1e999]", "[],".repeat(300_000)),
        format!("[{}0]", "[1e999],".repeat(100_000)),
        format!("\"{}\\ud800\"", "x".repeat(900_000)),
        format!("\"{}\\ud800\"", "\\\"".repeat(450_000)),
        format!("{{{}\"z\":1e999}}", "\"a\":0,".repeat(150_000)),
        (0..80_000).fold("{".to_owned(), |text, number| {
            format!("{text}\"{number}\":{{}},")
        }) + "\"z\":1e999}",
    ] {
        let env = TestEnv::start().await;
        let base = event("create-account").property("Nonce", PLACE);
        let presigned = env.presign(&base);
        let response = env.send_text(&presigned, text(&presigned, &value)).await;
        assert!(
            response
                .expect_failed()
                .starts_with("malformed event: got `")
        );
        let notified = env.presign(&base);
        let message = notification(&[text(&notified, &value)]);
        env.send_text(&notified, message).await.expect_failed();
        let (shown, peak) = (&value[..40], env.peak_memory());
        assert!(peak < 100_000, "{peak} kB for {shown}");
    }
}

/// An SNS notification with these messages.
fn notification(messages: &[String]) -> Bytes {
    let record = |message: &String| {
        json!({
            "EventVersion": "1.0",
            "EventSource": "aws:sns",
            "EventSubscriptionArn": "arn:aws:sns:eu-west-1:123456789012:provider:21be56ed",
            "Sns": {
                "Type": "Notification",
                "TopicArn": "arn:aws:sns:eu-west-1:123456789012:provider",
                "Subject": "AWS CloudFormation custom resource request",
                "Message": message,
                "MessageAttributes": {},
            },
        })
    };
    let records: Vec<Value> = messages.iter().map(record).collect();
    json!({ "Records": records }).to_string().into()
}

#[tokio::test]
async fn a_request_in_an_sns_notification_is_processed() {
    let env = TestEnv::start().await;
    let create = env.presign(&event("create-account"));
    let response = env
        .send_text(&create, notification(&[create.0.to_string()]))
        .await;
    let id = response.expect_success().to_owned();
    assert_eq!(env.statements().len(), 1);
    let delete = env.presign(&event("create-account").delete_of(&id));
    let response = env
        .send_text(&delete, notification(&[delete.0.to_string()]))
        .await;
    assert_eq!(response.expect_success(), id);
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn each_record_of_an_sns_notification_is_processed_in_order() {
    let mut env = TestEnv::start().await;
    let id = format!("{LAYER_VERSION}#partner");
    let create = env.presign(&event("create-account"));
    let rejected = env.presign(&event("malformed-principal"));
    let broken = env.presign(&event("create-account").property("Nonce", PLACE));
    let delete = env.presign(&event("create-account").delete_of(&id));
    let messages = [
        create.0.to_string(),
        "no request".to_owned(),
        rejected.0.to_string(),
        text(&broken, "\"\\ud800\""),
        String::new(),
        delete.0.to_string(),
    ];
    let response = env.send_text(&create, notification(&messages)).await;
    response.expect_success();
    env.response_to(&rejected).expect_failed();
    env.response_to(&broken).expect_failed();
    env.response_to(&delete).expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 404",
            "Add partner: 201",
            "Get: 200",
            "Get: 200",
            "Remove partner if revision-1: 204"
        ]
    );
    let log = env.stop();
    let without_response_url = log.iter().filter_map(|line| line["Unanswerable"].as_u64());
    assert_eq!(without_response_url.collect::<Vec<_>>(), [0, 1, 0, 0, 1, 0]);
}

#[tokio::test]
async fn an_sns_notification_is_retried_if_one_of_its_responses_was_not_sent() {
    let env = TestEnv::start().await;
    let first = env.presign(&event("create-account"));
    let second = env.presign(&event("create-account"));
    let both = notification(&[first.0.to_string(), second.0.to_string()]);
    env.bucket.inject([PutFault::Rejected(403)]);
    let outcome = env
        .runtime
        .invoke(both.clone(), Duration::from_mins(1))
        .await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    drop(env.bucket.take_puts(&first.0));
    env.response_to(&second).expect_success();
    env.send_text(&first, both).await.expect_success();
    env.response_to(&second).expect_success();
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn a_slow_request_leaves_time_for_the_next_one_of_its_sns_notification() {
    let env = TestEnv::start().await;
    let first = env.presign(&event("create-account"));
    let second = env.presign(&event("malformed-principal"));
    env.bucket.inject([PutFault::NoResponse; 1]);
    let both = notification(&[first.0.to_string(), second.0.to_string()]);
    let outcome = env.runtime.invoke(both, Duration::from_secs(6)).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    drop(env.bucket.take_puts(&first.0));
    env.response_to(&second).expect_failed();
}
