//! Create: every desired statement exists afterwards exactly as requested, or nothing has changed.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

#[tokio::test]
async fn each_kind_of_principal_is_granted_by_its_statement() {
    let cases = [
        (
            "create-account",
            account_statement(LAYER_VERSION, "partner", ACCOUNT),
        ),
        (
            "create-root-arn",
            account_statement(LAYER_VERSION, "partner", ACCOUNT),
        ),
        (
            "create-with-action",
            account_statement(LAYER_VERSION, "partner", ACCOUNT),
        ),
        (
            "create-public",
            public_statement(LAYER_VERSION, "everybody"),
        ),
        (
            "create-organization",
            organization_statement(LAYER_VERSION, "engineering-org", "o-abc1234567"),
        ),
    ];
    for (name, statement) in cases {
        let env = TestEnv::start().await;
        let response = env.send(&event(name)).await;
        let id = format!("{LAYER_VERSION}#{}", statement["Sid"].as_str().unwrap());
        assert_eq!(response.expect_success(), id, "{name}");
        assert_eq!(env.statements(), [statement], "{name}");
    }
}

#[tokio::test]
async fn return_values_include_id_layer_version_arn_and_statement_id() {
    let env = TestEnv::start().await;
    let data = &env.send(&event("create-organization")).await.0["Data"];
    assert_eq!(data["Id"], format!("{LAYER_VERSION}#engineering-org"));
    assert_eq!(data["LayerVersionArn"], LAYER_VERSION);
    assert_eq!(data["StatementId"], "engineering-org");
}

#[tokio::test]
async fn return_values_include_the_statement_and_the_revision_id() {
    let env = TestEnv::start().await;
    for policy in ["written now", "there already"] {
        let data = &env.send(&event("create-organization")).await.0["Data"];
        assert_eq!(data["RevisionId"], "revision-1", "{policy}");
        let statement = data["Statement"].as_str().unwrap();
        let statement: Value = serde_json::from_str(statement).unwrap();
        assert_eq!(env.statements(), [statement], "{policy}");
    }
}

#[tokio::test]
async fn the_first_grant_of_a_layer_version_is_verified_by_reading_it() {
    let env = TestEnv::start().await;
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 404", "Add partner: 201", "Get: 200"]
    );
}

#[tokio::test]
async fn a_further_grant_is_conditional_on_the_revision_that_was_read() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Add partner if revision-1: 201"]
    );
}

#[tokio::test]
async fn a_redelivered_create_writes_nothing_and_sends_the_same_response() {
    let env = TestEnv::start().await;
    let presigned = env.presign(&event("create-derived-statement-id"));
    let (_, first) = env.deliver(&presigned, Duration::from_secs(30)).await;
    drop(env.lambda.take_calls());
    let (_, second) = env.deliver(&presigned, Duration::from_secs(30)).await;
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(first[0].body, second[0].body);
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn a_create_whose_statement_id_is_in_use_fails_and_keeps_the_statement() {
    let conflicting = [
        (
            "another account",
            account_statement(LAYER_VERSION, "partner", "999988887777"),
        ),
        ("everybody", public_statement(LAYER_VERSION, "partner")),
        (
            "a condition",
            organization_statement(LAYER_VERSION, "partner", "o-abc1234567"),
        ),
    ];
    for (name, statement) in conflicting {
        let env = TestEnv::start().await;
        env.put_statement(statement.clone());
        let response = env.send(&event("create-account")).await;
        assert!(response.is_failed(), "{name}");
        assert_eq!(response.id(), "never-created", "{name}");
        assert_eq!(env.lambda.take_calls(), ["Get: 200"], "{name}");
        assert_eq!(env.statements(), [statement], "{name}");
    }
}

#[tokio::test]
async fn a_deleted_account_does_not_match_the_requested_account() {
    let env = TestEnv::start().await;
    let mut statement = account_statement(LAYER_VERSION, "partner", "");
    statement["Principal"] = json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"});
    env.put_statement(statement);
    assert_eq!(
        env.send(&event("create-account")).await.id(),
        "never-created"
    );
}

#[tokio::test]
async fn properties_that_cloudformation_adds_are_ignored() {
    let env = TestEnv::start().await;
    let future = event("create-account")
        .property("ServiceRegion", "eu-west-1")
        .property("Nonce", json!({"any": ["value"]}));
    env.send(&future).await.expect_success();
}

#[tokio::test]
async fn a_given_revision_id_is_a_condition_of_the_first_write() {
    for (name, statements, succeeds) in [
        ("the latest", 1, true),
        ("a stale one", 2, false),
        ("no policy", 0, false),
    ] {
        let env = TestEnv::start().await;
        for number in 0..statements {
            env.put_statement(public_statement(LAYER_VERSION, &format!("other-{number}")));
        }
        let response = env.send(&event("create-under-revision")).await;
        assert_eq!(
            !response.is_failed(),
            succeeds,
            "{name}: {}",
            response.reason()
        );
        assert_eq!(
            env.statements().len(),
            statements + usize::from(succeeds),
            "{name}"
        );
        assert_eq!(response.id() == "never-created", !succeeds, "{name}");
    }
}
