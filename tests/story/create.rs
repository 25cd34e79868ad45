//! Create: every wanted statement is there afterwards, word for word, or nothing was changed.
//! Refuses to know the texts of reasons.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn each_kind_of_principal_becomes_the_statement_that_lambda_writes() {
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
        let stage = Stage::start().await;
        let answer = stage.play(&event(name)).await;
        let id = format!("{LAYER_VERSION}#{}", statement["Sid"].as_str().unwrap());
        assert_eq!(answer.succeeded(), id, "{name}");
        assert_eq!(stage.statements(), [statement], "{name}");
    }
}

#[tokio::test]
async fn the_template_gets_back_id_layer_version_and_statement_id() {
    let stage = Stage::start().await;
    let data = &stage.play(&event("create-organization")).await.0["Data"];
    assert_eq!(data["Id"], format!("{LAYER_VERSION}#engineering-org"));
    assert_eq!(data["LayerVersionArn"], LAYER_VERSION);
    assert_eq!(data["StatementId"], "engineering-org");
}

#[tokio::test]
async fn the_template_gets_back_the_statement_and_the_revision_as_lambda_has_them() {
    let stage = Stage::start().await;
    for policy in ["written now", "there already"] {
        let data = &stage.play(&event("create-organization")).await.0["Data"];
        assert_eq!(data["RevisionId"], "revision-1", "{policy}");
        let statement = data["Statement"].as_str().unwrap();
        let statement: Value = serde_json::from_str(statement).unwrap();
        assert_eq!(stage.statements(), [statement], "{policy}");
    }
}

#[tokio::test]
async fn the_first_grant_of_a_layer_version_is_read_back() {
    let stage = Stage::start().await;
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 404", "Add partner: 201", "Get: 200"]
    );
}

#[tokio::test]
async fn a_further_grant_carries_the_revision_that_was_read() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 200", "Add partner if revision-1: 201"]
    );
}

#[tokio::test]
async fn a_redelivered_create_writes_nothing_and_answers_the_same() {
    let stage = Stage::start().await;
    let issued = stage.issue(&event("create-derived-statement-id"));
    let (_, first) = stage.deliver(&issued, Duration::from_secs(30)).await;
    drop(stage.lambda.take_calls());
    let (_, second) = stage.deliver(&issued, Duration::from_secs(30)).await;
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(first[0].body, second[0].body);
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn a_statement_of_ours_with_other_content_stays_and_is_not_ours_to_delete() {
    let in_the_way = [
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
    for (name, statement) in in_the_way {
        let stage = Stage::start().await;
        stage.put_statement(statement.clone());
        let answer = stage.play(&event("create-account")).await;
        assert!(answer.failed(), "{name}");
        assert_eq!(answer.id(), "never-created", "{name}");
        assert_eq!(stage.lambda.take_calls(), ["Get: 200"], "{name}");
        assert_eq!(stage.statements(), [statement], "{name}");
    }
}

#[tokio::test]
async fn an_account_that_was_deleted_is_not_taken_for_the_one_that_was_asked_for() {
    let stage = Stage::start().await;
    let mut statement = account_statement(LAYER_VERSION, "partner", "");
    statement["Principal"] = json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"});
    stage.put_statement(statement);
    assert_eq!(
        stage.play(&event("create-account")).await.id(),
        "never-created"
    );
}

#[tokio::test]
async fn the_properties_that_cloudformation_adds_are_not_ours() {
    let stage = Stage::start().await;
    let future = event("create-account")
        .property("ServiceRegion", "eu-west-1")
        .property("Nonce", json!({"any": ["value"]}));
    stage.play(&future).await.succeeded();
}

#[tokio::test]
async fn a_revision_is_a_condition_of_the_first_write() {
    for (name, statements, succeeds) in [
        ("the latest", 1, true),
        ("a stale one", 2, false),
        ("no policy", 0, false),
    ] {
        let stage = Stage::start().await;
        for number in 0..statements {
            stage.put_statement(public_statement(LAYER_VERSION, &format!("other-{number}")));
        }
        let answer = stage.play(&event("create-under-revision")).await;
        assert_eq!(!answer.failed(), succeeds, "{name}: {}", answer.reason());
        assert_eq!(
            stage.statements().len(),
            statements + usize::from(succeeds),
            "{name}"
        );
        assert_eq!(answer.id() == "never-created", !succeeds, "{name}");
    }
}
