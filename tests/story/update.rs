//! Update: the new grant is there before the old one goes, and a failed one changes as little as possible.
//! Refuses to know the texts of reasons.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::stage::Stage;

const LAYER_VERSION_2: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:2";
const OTHER_ACCOUNT: &str = "444455556666";

fn old() -> Value {
    account_statement(LAYER_VERSION, "partner", ACCOUNT)
}

fn new() -> Value {
    account_statement(LAYER_VERSION, "partner", OTHER_ACCOUNT)
}

fn id() -> String {
    format!("{LAYER_VERSION}#partner")
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    assert_eq!(stage.play(&event("update-nonce")).await.succeeded(), id());
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn a_statement_that_was_removed_by_hand_is_put_back() {
    let stage = Stage::start().await;
    assert_eq!(stage.play(&event("update-nonce")).await.succeeded(), id());
    assert_eq!(stage.statements(), [old()]);
}

#[tokio::test]
async fn other_content_under_the_same_id_is_removed_and_added_under_the_revision() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.put_statement(old());
    assert_eq!(
        stage
            .play(&event("update-fixed-statement-id"))
            .await
            .succeeded(),
        id()
    );
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "other"), new()]
    );
    let calls = stage.lambda.take_calls();
    assert_eq!(
        calls[..2],
        ["Get: 200", "Remove partner if revision-2: 204"]
    );
    // Remove does not tell the new revision, so it is read before the next write.
    assert_eq!(calls[2..], ["Get: 200", "Add partner if revision-3: 201"]);
}

#[tokio::test]
async fn other_content_of_the_only_statement_is_replaced_too() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    assert_eq!(
        stage
            .play(&event("update-fixed-statement-id"))
            .await
            .succeeded(),
        id()
    );
    assert_eq!(stage.statements(), [new()]);
}

#[tokio::test]
async fn the_old_content_is_put_back_when_the_new_one_is_refused() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.put_statement(old());
    stage.lambda.inject(
        Operation::Add,
        [Fault::Rejected(
            400,
            "PolicyLengthExceededException",
            "The final policy size (20782) is bigger than the limit (20480).",
        )],
    );
    let answer = stage.play(&event("update-fixed-statement-id")).await;
    answer.refused();
    assert_eq!(answer.id(), id());
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "other"), old()]
    );
}

#[tokio::test]
async fn the_old_content_is_put_back_when_the_time_is_over() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.put_statement(old());
    stage.lambda.inject(Operation::Add, [Fault::NoResponse]);
    let answer = stage
        .play_within(Duration::from_secs(6), &event("update-fixed-statement-id"))
        .await;
    if answer.failed() {
        assert_eq!(
            stage.statements(),
            [public_statement(LAYER_VERSION, "other"), old()]
        );
    } else {
        assert_eq!(
            stage.statements(),
            [public_statement(LAYER_VERSION, "other"), new()]
        );
    }
}

#[tokio::test]
async fn another_id_is_granted_while_the_old_statement_stays() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    let answer = stage.play(&event("update-statement-id")).await;
    assert_eq!(answer.succeeded(), format!("{LAYER_VERSION}#supplier"));
    assert_eq!(
        stage.statements(),
        [old(), account_statement(LAYER_VERSION, "supplier", ACCOUNT)]
    );
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 200", "Add supplier if revision-1: 201"]
    );
}

#[tokio::test]
async fn another_principal_under_a_derived_id_is_another_id() {
    let stage = Stage::start().await;
    let created = stage.play(&event("create-derived-statement-id")).await;
    let update = event("update-principal").with("PhysicalResourceId", created.succeeded());
    let updated = stage.play(&update).await;
    assert_ne!(updated.succeeded(), created.id());
    assert_eq!(stage.statements().len(), 2);
}

#[tokio::test]
async fn another_layer_version_is_granted_while_the_old_statement_stays() {
    let stage = Stage::start().await;
    stage.lambda.state().policies.publish(LAYER_VERSION_2);
    stage.put_statement(old());
    let answer = stage.play(&event("update-layer-version")).await;
    assert_eq!(answer.succeeded(), format!("{LAYER_VERSION_2}#partner"));
    assert_eq!(stage.statements(), [old()]);
    let new = account_statement(LAYER_VERSION_2, "partner", ACCOUNT);
    assert_eq!(
        stage.lambda.state().policies.statements(LAYER_VERSION_2),
        [new]
    );
}

#[tokio::test]
async fn a_failed_update_keeps_the_id_and_changes_nothing() {
    let cases = [
        (
            "properties that do not parse",
            event("update-to-unknown-property"),
            vec![old()],
        ),
        (
            "a layer version that does not exist",
            event("update-layer-version"),
            vec![old()],
        ),
        (
            "another's statement under the new id",
            event("update-statement-id"),
            vec![old(), public_statement(LAYER_VERSION, "supplier")],
        ),
        (
            "another's statement under the same id",
            event("update-fixed-statement-id"),
            vec![public_statement(LAYER_VERSION, "partner")],
        ),
    ];
    for (name, event, statements) in cases {
        let stage = Stage::start().await;
        for statement in &statements {
            stage.put_statement(statement.clone());
        }
        let answer = stage.play(&event).await;
        assert!(answer.failed(), "{name}");
        assert_eq!(answer.id(), id(), "{name}");
        assert_eq!(stage.statements(), statements, "{name}");
    }
}

#[tokio::test]
async fn a_failed_replacement_takes_back_what_it_added() {
    let stage = Stage::start().await;
    stage.lambda.state().policies.publish(LAYER_VERSION_2);
    stage.put_statement(old());
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let refused = Fault::Rejected(400, "InvalidParameterValueException", "no");
    stage.lambda.inject(Operation::Get, [none, refused]);
    let answer = stage.play(&event("update-layer-version")).await;
    answer.refused();
    assert_eq!(answer.id(), id());
    assert_eq!(stage.statements(), [old()]);
    let new = stage.lambda.state().policies.statements(LAYER_VERSION_2);
    assert_eq!(new, [] as [Value; 0]);
}

#[tokio::test]
async fn a_failed_replacement_keeps_the_id_even_when_something_may_be_left() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    stage
        .lambda
        .inject_always(Operation::Add, Fault::NoResponse);
    let answer = stage
        .play_within(Duration::from_secs(4), &event("update-statement-id"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), id());
    assert_eq!(stage.statements(), [old()]);
}

#[tokio::test]
async fn a_failed_update_does_not_take_back_what_was_there_before() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    stage
        .lambda
        .inject_always(Operation::Get, Fault::NoResponse);
    let answer = stage
        .play_within(Duration::from_secs(4), &event("update-nonce"))
        .await;
    answer.refused();
    assert_eq!(stage.statements(), [old()]);
}

#[tokio::test]
async fn a_rollback_finds_the_old_statement_or_restores_it() {
    let back = |from: &str| {
        let update = event(from);
        let old = update.0["OldResourceProperties"].clone();
        update.update_to(&id(), old)
    };
    for (name, event, statement) in [
        ("never changed", back("update-fixed-statement-id"), old()),
        ("changed", back("update-fixed-statement-id"), new()),
        (
            "from properties that do not parse",
            back("update-to-unknown-property"),
            old(),
        ),
    ] {
        let stage = Stage::start().await;
        stage.put_statement(statement);
        assert_eq!(stage.play(&event).await.succeeded(), id(), "{name}");
        assert_eq!(stage.statements(), [old()], "{name}");
    }
}

#[tokio::test]
async fn a_rollback_clears_away_what_the_failed_update_left_on_another_layer_version() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    stage.lambda.state().policies.publish(LAYER_VERSION_2);
    let left = account_statement(LAYER_VERSION_2, "partner", ACCOUNT);
    stage
        .lambda
        .state()
        .policies
        .put_statement(LAYER_VERSION_2, left);
    let update = event("update-layer-version");
    let properties = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(stage.play(&rollback).await.succeeded(), id());
    let statements = stage.lambda.state().policies.statements(LAYER_VERSION_2);
    assert_eq!(statements, [] as [Value; 0]);
    assert_eq!(stage.statements(), [old()]);
}

#[tokio::test]
async fn a_rollback_succeeds_though_the_abandoned_layer_version_cannot_be_reached() {
    let stage = Stage::start().await;
    stage.put_statement(old());
    let meanwhile = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    stage.lambda.inject(Operation::Get, [meanwhile, denied]);
    let update = event("update-layer-version");
    let properties = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(stage.play(&rollback).await.succeeded(), id());
    assert_eq!(stage.lambda.take_calls(), ["Get: 200", "Get: 403"]);
}

#[tokio::test]
async fn a_rollback_restores_whatever_revision_it_brings_back() {
    let stage = Stage::start().await;
    stage.put_statement(new());
    let update = event("update-fixed-statement-id").property("RevisionId", "revision-9");
    let mut properties = update.0["OldResourceProperties"].clone();
    properties["RevisionId"] = "revision-0".into();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(stage.play(&rollback).await.succeeded(), id());
    assert_eq!(stage.statements(), [old()]);
}

#[tokio::test]
async fn an_update_that_is_redelivered_writes_nothing_more() {
    // With the same id it could be a rollback, which looks for what the Update may still write.
    for (name, looks) in [
        ("update-fixed-statement-id", 10),
        ("update-statement-id", 1),
    ] {
        let stage = Stage::start().await;
        stage.put_statement(old());
        let first = stage.play(&event(name)).await;
        drop(stage.lambda.take_calls());
        assert_eq!(
            stage.play(&event(name)).await.succeeded(),
            first.succeeded(),
            "{name}"
        );
        let calls = stage.lambda.take_calls();
        assert!(
            calls.iter().all(|call| call == "Get: 200"),
            "{name}: {calls:?}"
        );
        assert!(
            (looks..=looks + 1).contains(&calls.len()),
            "{name}: {calls:?}"
        );
    }
}
