//! The limits of a response: 4096 bytes in total, and 1024 bytes for an id.

use fake_aws::events::{LAYER_VERSION, event};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

#[tokio::test]
async fn a_response_stays_within_4096_bytes_and_keeps_the_start_and_the_log_reference_of_its_reason()
 {
    let env = TestEnv::start().await;
    let many = (0..100).fold(event("create-account"), |event, number| {
        event.property(&format!("é\"\n{number:03}{}", "x".repeat(200)), "x")
    });
    let response = env.send(&many).await;
    let reason = response.expect_failed();
    assert!(
        reason.starts_with("unknown property: got `é\"\\n000xxx"),
        "{reason}"
    );
    let log_reference = "(cut, see log group `/aws/lambda/layer-permission`, \
        log stream `2026/01/31/[$LATEST]0123456789abcdef`, request `00000000-0000-4000-8000-000000000000`)";
    assert!(reason.ends_with(log_reference), "{reason}");
    assert!(response.0.to_string().len() > 4000, "the space is used");
}

#[tokio::test]
async fn long_ids_still_get_a_response() {
    let env = TestEnv::start().await;
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
    env.send(&long).await.expect_success();
}

#[tokio::test]
async fn ids_over_the_limit_are_rejected_before_any_call_and_truncated_in_the_log() {
    let mut env = TestEnv::start().await;
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
        let response = env.send(&long).await;
        let reason = format!("`{name}` is too long: got {length} bytes, send at most 1024");
        assert_eq!(response.expect_failed(), reason, "{kind}");
    }
    // Such ids fit neither into a response nor into the path of a URL.
    for name in [
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "PhysicalResourceId",
    ] {
        let presigned = env.presign(&base);
        let long = presigned.clone().with(name, "i".repeat(900_000));
        let response = env.send_text(&presigned, long.0.to_string()).await;
        let reason = format!("`{name}` is too long: got 900000 bytes, send at most 1024");
        assert_eq!(response.expect_failed(), reason);
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    env.bucket
        .state()
        .violations
        .retain(|rule| !rule.starts_with("the ids are those of the request"));
    for line in env.stop() {
        assert!(line.to_string().len() < 17_000, "{line}");
    }
}

#[tokio::test]
async fn attributes_that_do_not_fit_are_empty_strings_and_logged() {
    let mut env = TestEnv::start().await;
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
        env.lambda.state().policies.unpublish(LAYER_VERSION);
        env.lambda.state().policies.publish(LAYER_VERSION);
        let create = list(accounts).property("StatementId", "s".repeat(60));
        let response = env.send(&create).await;
        response.expect_success();
        for name in attributes {
            let text = response.0["Data"][name].as_str();
            let text = text.unwrap_or_else(|| panic!("{accounts}: no {name}"));
            assert_eq!(
                text.is_empty(),
                emptied.contains(&name),
                "{accounts}: {name}"
            );
        }
    }
    let logged: Vec<Value> = env
        .stop()
        .into_iter()
        .filter(|line| line["message"] == "return values emptied")
        .map(|line| json!([line["level"], line["names"]]))
        .collect();
    assert_eq!(
        logged,
        [
            json!(["WARN", "Statement"]),
            json!(["WARN", "Statement, StatementIds"])
        ]
    );
}
