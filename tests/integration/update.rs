//! Update: the new grant exists before the old one is revoked, and a failed Update changes as little as possible.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::test_env::TestEnv;

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
    let env = TestEnv::start().await;
    env.put_statement(old());
    assert_eq!(
        env.send(&event("update-nonce")).await.expect_success(),
        id()
    );
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn an_update_restores_a_statement_that_was_removed_manually() {
    let env = TestEnv::start().await;
    assert_eq!(
        env.send(&event("update-nonce")).await.expect_success(),
        id()
    );
    assert_eq!(env.statements(), [old()]);
}

#[tokio::test]
async fn a_changed_statement_with_the_same_id_is_replaced_on_condition_of_the_revision() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.put_statement(old());
    assert_eq!(
        env.send(&event("update-fixed-statement-id"))
            .await
            .expect_success(),
        id()
    );
    assert_eq!(
        env.statements(),
        [public_statement(LAYER_VERSION, "other"), new()]
    );
    let calls = env.lambda.take_calls();
    assert_eq!(
        calls[..2],
        ["Get: 200", "Remove partner if revision-2: 204"]
    );
    // Remove does not return the new revision, so it is read before the next write.
    assert_eq!(calls[2..], ["Get: 200", "Add partner if revision-3: 201"]);
}

#[tokio::test]
async fn the_only_statement_of_a_policy_is_replaced() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    assert_eq!(
        env.send(&event("update-fixed-statement-id"))
            .await
            .expect_success(),
        id()
    );
    assert_eq!(env.statements(), [new()]);
}

#[tokio::test]
async fn a_rejected_replacement_of_a_statement_is_rolled_back() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.put_statement(old());
    env.lambda.inject(
        Operation::Add,
        [Fault::Rejected(
            400,
            "PolicyLengthExceededException",
            "The final policy size (20782) is bigger than the limit (20480).",
        )],
    );
    let response = env.send(&event("update-fixed-statement-id")).await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    assert_eq!(
        env.statements(),
        [public_statement(LAYER_VERSION, "other"), old()]
    );
}

#[tokio::test]
async fn a_replacement_of_a_statement_that_times_out_is_rolled_back() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.put_statement(old());
    env.lambda.inject(Operation::Add, [Fault::NoResponse]);
    let response = env
        .send_within(Duration::from_secs(6), &event("update-fixed-statement-id"))
        .await;
    if response.is_failed() {
        assert_eq!(
            env.statements(),
            [public_statement(LAYER_VERSION, "other"), old()]
        );
    } else {
        assert_eq!(
            env.statements(),
            [public_statement(LAYER_VERSION, "other"), new()]
        );
    }
}

#[tokio::test]
async fn a_new_statement_id_replaces_the_resource_and_keeps_the_old_statement() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    let response = env.send(&event("update-statement-id")).await;
    assert_eq!(
        response.expect_success(),
        format!("{LAYER_VERSION}#supplier")
    );
    assert_eq!(
        env.statements(),
        [old(), account_statement(LAYER_VERSION, "supplier", ACCOUNT)]
    );
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Add supplier if revision-1: 201"]
    );
}

#[tokio::test]
async fn a_new_principal_under_a_derived_id_replaces_the_resource() {
    let env = TestEnv::start().await;
    let created = env.send(&event("create-derived-statement-id")).await;
    let update = event("update-principal").with("PhysicalResourceId", created.expect_success());
    let updated = env.send(&update).await;
    assert_ne!(updated.expect_success(), created.id());
    assert_eq!(env.statements().len(), 2);
}

#[tokio::test]
async fn a_new_layer_version_replaces_the_resource_and_keeps_the_old_statement() {
    let env = TestEnv::start().await;
    env.lambda.state().policies.publish(LAYER_VERSION_2);
    env.put_statement(old());
    let response = env.send(&event("update-layer-version")).await;
    assert_eq!(
        response.expect_success(),
        format!("{LAYER_VERSION_2}#partner")
    );
    assert_eq!(env.statements(), [old()]);
    let new = account_statement(LAYER_VERSION_2, "partner", ACCOUNT);
    assert_eq!(
        env.lambda.state().policies.statements(LAYER_VERSION_2),
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
        let env = TestEnv::start().await;
        for statement in &statements {
            env.put_statement(statement.clone());
        }
        let response = env.send(&event).await;
        assert!(response.is_failed(), "{name}");
        assert_eq!(response.id(), id(), "{name}");
        assert_eq!(env.statements(), statements, "{name}");
    }
}

#[tokio::test]
async fn a_failed_replacement_is_rolled_back() {
    let env = TestEnv::start().await;
    env.lambda.state().policies.publish(LAYER_VERSION_2);
    env.put_statement(old());
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    env.lambda.inject(Operation::Get, [none, rejected]);
    let response = env.send(&event("update-layer-version")).await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    assert_eq!(env.statements(), [old()]);
    let new = env.lambda.state().policies.statements(LAYER_VERSION_2);
    assert_eq!(new, [] as [Value; 0]);
}

#[tokio::test]
async fn a_failed_replacement_keeps_the_id_even_if_its_rollback_fails() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    env.lambda.inject_always(Operation::Add, Fault::NoResponse);
    let response = env
        .send_within(Duration::from_secs(4), &event("update-statement-id"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    assert_eq!(env.statements(), [old()]);
}

#[tokio::test]
async fn a_failed_update_does_not_roll_back_existing_statements() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    env.lambda.inject_always(Operation::Get, Fault::NoResponse);
    let response = env
        .send_within(Duration::from_secs(4), &event("update-nonce"))
        .await;
    response.expect_failed();
    assert_eq!(env.statements(), [old()]);
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
        let env = TestEnv::start().await;
        env.put_statement(statement);
        assert_eq!(env.send(&event).await.expect_success(), id(), "{name}");
        assert_eq!(env.statements(), [old()], "{name}");
    }
}

#[tokio::test]
async fn a_rollback_removes_orphaned_statements_on_another_layer_version() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    env.lambda.state().policies.publish(LAYER_VERSION_2);
    let left = account_statement(LAYER_VERSION_2, "partner", ACCOUNT);
    env.lambda
        .state()
        .policies
        .put_statement(LAYER_VERSION_2, left);
    let update = event("update-layer-version");
    let properties = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(env.send(&rollback).await.expect_success(), id());
    let statements = env.lambda.state().policies.statements(LAYER_VERSION_2);
    assert_eq!(statements, [] as [Value; 0]);
    assert_eq!(env.statements(), [old()]);
}

#[tokio::test]
async fn a_rollback_succeeds_even_if_orphan_cleanup_fails() {
    let env = TestEnv::start().await;
    env.put_statement(old());
    let concurrent = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject(Operation::Get, [concurrent, denied]);
    let update = event("update-layer-version");
    let properties = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(env.send(&rollback).await.expect_success(), id());
    assert_eq!(env.lambda.take_calls(), ["Get: 200", "Get: 403"]);
}

#[tokio::test]
async fn a_rollback_ignores_the_revision_id_in_its_properties() {
    let env = TestEnv::start().await;
    env.put_statement(new());
    let update = event("update-fixed-statement-id").property("RevisionId", "revision-9");
    let mut properties = update.0["OldResourceProperties"].clone();
    properties["RevisionId"] = "revision-0".into();
    let rollback = update.update_to(&id(), properties);
    assert_eq!(env.send(&rollback).await.expect_success(), id());
    assert_eq!(env.statements(), [old()]);
}

#[tokio::test]
async fn a_redelivered_update_writes_nothing() {
    // With the same id it could be a rollback, which polls for what the Update may still write.
    for (name, reads) in [
        ("update-fixed-statement-id", 10),
        ("update-statement-id", 1),
    ] {
        let env = TestEnv::start().await;
        env.put_statement(old());
        let first = env.send(&event(name)).await;
        drop(env.lambda.take_calls());
        assert_eq!(
            env.send(&event(name)).await.expect_success(),
            first.expect_success(),
            "{name}"
        );
        let calls = env.lambda.take_calls();
        assert!(
            calls.iter().all(|call| call == "Get: 200"),
            "{name}: {calls:?}"
        );
        assert!(
            (reads..=reads + 1).contains(&calls.len()),
            "{name}: {calls:?}"
        );
    }
}
