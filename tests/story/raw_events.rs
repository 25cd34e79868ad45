//! Events that a JSON parser refuses, and requests in notifications of SNS: each request gets its response.
//! Refuses to know how they are read.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::http_server::Bytes;
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::stage::Stage;

/// Stands in an event for a value that `serde_json` cannot hold.
const PLACE: &str = "the value that is refused";

/// Values that a parser refuses.
fn refused() -> Vec<String> {
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

/// The text of `event` with `value` in its place.
fn text(event: &Event, value: &str) -> String {
    event.0.to_string().replace(&format!("\"{PLACE}\""), value)
}

#[tokio::test]
async fn a_value_that_a_parser_refuses_is_answered_failed_wherever_it_stands() {
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
    let mut stage = Stage::start().await;
    for (event, place) in &places {
        for value in refused() {
            let issued = stage.issue(event);
            let answer = stage.play_text(&issued, text(&issued, &value)).await;
            let reason = answer.refused();
            assert!(reason.starts_with("malformed event: got `"), "{reason}");
            assert!(reason.contains(&format!("` in `{place}")), "{reason}");
        }
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    let log = stage.end();
    let lines = log
        .iter()
        .filter(|line| line["message"] == "unreadable value");
    assert_eq!(lines.count(), places.len() * refused().len());
}

#[tokio::test]
async fn an_id_that_cannot_be_read_leaves_the_others_in_the_response() {
    let stage = Stage::start().await;
    for name in [
        "RequestType",
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "PhysicalResourceId",
    ] {
        for kind in ["create-account", "update-nonce", "delete"] {
            for value in refused() {
                let issued = stage.issue(&event(kind));
                let broken = issued.clone().with(name, PLACE);
                let answer = stage.play_text(&issued, text(&broken, &value)).await;
                assert!(
                    answer.refused().starts_with("malformed event: got `"),
                    "{name}"
                );
                for other in ["StackId", "RequestId", "LogicalResourceId"] {
                    if other != name {
                        assert_eq!(answer.0[other], issued.0[other], "{name}");
                    }
                }
            }
        }
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    // What cannot be read cannot be repeated.
    let mut bucket = stage.bucket.state();
    bucket.violations.retain(|rule| {
        !rule.starts_with("the ids are those of the request")
            && !rule.starts_with("Delete and a failed Update keep the id")
    });
}

#[tokio::test]
async fn a_delete_is_served_though_its_properties_cannot_be_read() {
    for value in refused() {
        let delete = event("delete");
        for (broken, spares) in [
            // By the id alone: there is nothing to compare the statement with.
            (delete.clone().with("ResourceProperties", PLACE), false),
            (delete.clone().property("Principal", PLACE), false),
            (delete.clone().property("OrganizationId", PLACE), false),
            // What does not say whose the grant is makes no difference.
            (delete.clone().property("Nonce", PLACE), true),
            (delete.clone().with("Future", PLACE), true),
            (delete.clone().with("ResourceType", PLACE), true),
        ] {
            let stage = Stage::start().await;
            stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            let issued = stage.issue(&broken);
            let text = text(&issued, &value);
            stage.play_text(&issued, text.clone()).await.succeeded();
            assert_eq!(stage.statements(), [] as [Value; 0], "{broken:?}");
            stage.put_statement(public_statement(LAYER_VERSION, "partner"));
            stage.runtime.invoke(text, Duration::from_mins(1)).await;
            assert_eq!(stage.statements().len(), usize::from(spares), "{broken:?}");
            drop(stage.bucket.take_puts(&issued.0));
        }
    }
}

#[tokio::test]
async fn an_update_is_rolled_back_though_what_failed_cannot_be_read() {
    for value in refused() {
        let stage = Stage::start().await;
        let granted = account_statement(LAYER_VERSION, "partner", ACCOUNT);
        stage.put_statement(granted.clone());
        let before = event("create-account");
        let id = format!("{LAYER_VERSION}#partner");
        let broken = before.clone().property("Nonce", PLACE);
        let update = stage.issue(&before.update_to(&id, broken.properties()));
        let answer = stage.play_text(&update, text(&update, &value)).await;
        answer.refused();
        assert_eq!(answer.id(), id);
        let back = stage.issue(&broken.update_to(&id, before.properties()));
        let answer = stage.play_text(&back, text(&back, &value)).await;
        assert_eq!(answer.succeeded(), id);
        assert_eq!(stage.statements(), [granted]);
    }
}

/// Makes bytes that are no event of an event's text.
type Form = dyn Fn(String) -> Vec<u8>;

#[tokio::test]
async fn an_event_of_another_form_is_answered_failed() {
    let stage = Stage::start().await;
    let base = event("create-account");
    let whole = |issued: &Event| issued.0.to_string();
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
        let issued = stage.issue(&base);
        let answer = stage.play_text(&issued, form(whole(&issued))).await;
        assert!(
            answer.refused().starts_with("malformed event: got `"),
            "{name}"
        );
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    for (name, start, behind) in [
        ("a byte order mark", "\u{feff}", ""),
        ("blanks around it", " \r\n", "\n "),
    ] {
        let issued = stage.issue(&base);
        let text = format!("{start}{}{behind}", issued.0);
        let answer = stage.play_text(&issued, text).await;
        assert!(!answer.failed(), "{name}: {}", answer.reason());
    }
    for (other, is_served) in [("0", true), ("1e999", false)] {
        let issued = stage.issue(&base);
        let text = issued.0.to_string();
        let text = text.replace("\"ResponseURL\"", "\"\\u0052esponseURL\"");
        let text = text.replace(
            "\"RequestType\"",
            &format!("\"Other\":{other},\"RequestType\""),
        );
        let answer = stage.play_text(&issued, text).await;
        assert_eq!(answer.failed(), !is_served, "{}", answer.reason());
    }
    // An id that has no end cannot be repeated.
    let mut bucket = stage.bucket.state();
    bucket
        .violations
        .retain(|rule| !rule.contains("in `StackId`"));
}

#[tokio::test]
async fn an_event_of_a_megabyte_is_answered_in_the_memory_of_the_function() {
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
        let stage = Stage::start().await;
        let base = event("create-account").property("Nonce", PLACE);
        let issued = stage.issue(&base);
        let answer = stage.play_text(&issued, text(&issued, &value)).await;
        assert!(answer.refused().starts_with("malformed event: got `"));
        let notified = stage.issue(&base);
        let message = notification(&[text(&notified, &value)]);
        stage.play_text(&notified, message).await.refused();
        let (shown, peak) = (&value[..40], stage.peak_memory());
        assert!(peak < 100_000, "{peak} kB for {shown}");
    }
}

/// A notification of SNS with these messages.
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
async fn a_request_in_a_notification_is_served() {
    let stage = Stage::start().await;
    let create = stage.issue(&event("create-account"));
    let answer = stage
        .play_text(&create, notification(&[create.0.to_string()]))
        .await;
    let id = answer.succeeded().to_owned();
    assert_eq!(stage.statements().len(), 1);
    let delete = stage.issue(&event("create-account").delete_of(&id));
    let answer = stage
        .play_text(&delete, notification(&[delete.0.to_string()]))
        .await;
    assert_eq!(answer.succeeded(), id);
    assert_eq!(stage.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn each_record_of_a_notification_is_served_in_order() {
    let mut stage = Stage::start().await;
    let id = format!("{LAYER_VERSION}#partner");
    let create = stage.issue(&event("create-account"));
    let refused = stage.issue(&event("malformed-principal"));
    let broken = stage.issue(&event("create-account").property("Nonce", PLACE));
    let delete = stage.issue(&event("create-account").delete_of(&id));
    let messages = [
        create.0.to_string(),
        "no request".to_owned(),
        refused.0.to_string(),
        text(&broken, "\"\\ud800\""),
        String::new(),
        delete.0.to_string(),
    ];
    let answer = stage.play_text(&create, notification(&messages)).await;
    answer.succeeded();
    stage.answer_to(&refused).refused();
    stage.answer_to(&broken).refused();
    stage.answer_to(&delete).succeeded();
    assert_eq!(
        stage.lambda.take_calls(),
        [
            "Get: 404",
            "Add partner: 201",
            "Get: 200",
            "Get: 200",
            "Remove partner if revision-1: 204"
        ]
    );
    let log = stage.end();
    let unanswerable = log.iter().filter_map(|line| line["Unanswerable"].as_u64());
    assert_eq!(unanswerable.collect::<Vec<_>>(), [0, 1, 0, 0, 1, 0]);
}

#[tokio::test]
async fn a_notification_is_run_again_if_one_of_its_responses_was_not_delivered() {
    let stage = Stage::start().await;
    let first = stage.issue(&event("create-account"));
    let second = stage.issue(&event("create-account"));
    let both = notification(&[first.0.to_string(), second.0.to_string()]);
    stage.bucket.inject([PutFault::Rejected(403)]);
    let outcome = stage
        .runtime
        .invoke(both.clone(), Duration::from_mins(1))
        .await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    drop(stage.bucket.take_puts(&first.0));
    stage.answer_to(&second).succeeded();
    stage.play_text(&first, both).await.succeeded();
    stage.answer_to(&second).succeeded();
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn a_request_that_hangs_leaves_the_next_one_of_its_notification_time() {
    let stage = Stage::start().await;
    let first = stage.issue(&event("create-account"));
    let second = stage.issue(&event("malformed-principal"));
    stage.bucket.inject([PutFault::NoResponse; 1]);
    let both = notification(&[first.0.to_string(), second.0.to_string()]);
    let outcome = stage.runtime.invoke(both, Duration::from_secs(6)).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    drop(stage.bucket.take_puts(&first.0));
    stage.answer_to(&second).refused();
}
