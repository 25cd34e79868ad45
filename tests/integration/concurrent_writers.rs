//! Concurrent writers: no statement is overwritten or lost, and each event gets its own response.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::Value;

use crate::test_env::TestEnv;

fn other_statement() -> Value {
    public_statement(LAYER_VERSION, "other")
}

fn owned_statement() -> Value {
    account_statement(LAYER_VERSION, "partner", ACCOUNT)
}

#[tokio::test]
async fn a_grant_reads_a_concurrently_modified_policy_again() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "first"));
    env.lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(other_statement())]);
    env.send(&event("create-account")).await.expect_success();
    let calls = [
        "Get: 200",
        "Add partner if revision-1: 412",
        "Get: 200",
        "Add partner if revision-2: 201",
    ];
    assert_eq!(env.lambda.take_calls(), calls);
    assert_eq!(env.statements().len(), 3);
}

#[tokio::test]
async fn a_revoke_reads_a_concurrently_modified_policy_again() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.lambda
        .inject(Operation::Remove, [Fault::ConcurrentAdd(other_statement())]);
    env.send(&event("delete")).await.expect_success();
    let calls = [
        "Get: 200",
        "Remove partner if revision-1: 412",
        "Get: 200",
        "Remove partner if revision-2: 204",
    ];
    assert_eq!(env.lambda.take_calls(), calls);
    assert_eq!(env.statements(), [other_statement()]);
}

#[tokio::test]
async fn a_first_grant_keeps_the_statement_of_a_concurrent_writer() {
    let env = TestEnv::start().await;
    env.lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(other_statement())]);
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(env.statements(), [other_statement(), owned_statement()]);
}

#[tokio::test]
async fn an_equal_statement_by_a_concurrent_writer_is_a_success() {
    for policy in [vec![], vec![other_statement()]] {
        let env = TestEnv::start().await;
        for statement in &policy {
            env.put_statement(statement.clone());
        }
        env.lambda
            .inject(Operation::Add, [Fault::ConcurrentAdd(owned_statement())]);
        env.send(&event("create-account")).await.expect_success();
        assert_eq!(env.statements().len(), policy.len() + 1);
    }
}

#[tokio::test]
async fn another_grant_that_takes_the_statement_id_concurrently_is_not_replaced() {
    let conflicting = public_statement(LAYER_VERSION, "partner");
    let env = TestEnv::start().await;
    env.lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(conflicting.clone())]);
    let response = env.send(&event("create-account")).await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 404", "Add partner: 409", "Get: 200"]
    );
    assert_eq!(env.statements(), [conflicting]);
}

#[tokio::test]
async fn a_conflict_without_a_cause_is_retried() {
    let env = TestEnv::start().await;
    let conflict = Fault::Rejected(
        409,
        "ResourceConflictException",
        "Another operation is in progress.",
    );
    env.lambda.inject(Operation::Add, [conflict.clone()]);
    env.send(&event("create-account")).await.expect_success();
    env.lambda.inject(Operation::Remove, [conflict]);
    env.send(&event("delete")).await.expect_success();
}

#[tokio::test]
async fn a_grant_survives_a_concurrent_writer_that_removes_and_adds_statements() {
    let env = TestEnv::start().await;
    env.lambda
        .inject(Operation::Get, [Fault::ConcurrentAdd(other_statement())]);
    env.lambda.inject(
        Operation::Add,
        [
            Fault::ConcurrentRemove("other"),
            Fault::ConcurrentAdd(other_statement()),
        ],
    );
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(env.statements(), [other_statement(), owned_statement()]);
}

#[tokio::test]
async fn sixteen_concurrent_grants_in_four_execution_environments_are_all_kept() {
    let mut env = TestEnv::start().await;
    for _ in 0..3 {
        env.add_execution_environment(&[]);
    }
    let creates: Vec<Event> = (0..16).map(numbered).collect();
    let responses = join_all(creates.iter().map(|create| env.send(create))).await;
    assert_eq!(env.statements().len(), creates.len());
    let deletes: Vec<Event> = creates
        .iter()
        .zip(&responses)
        .map(|(create, response)| create.delete_of(response.expect_success()))
        .collect();
    let responses = join_all(deletes.iter().map(|delete| env.send(delete))).await;
    for response in &responses {
        response.expect_success();
    }
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_concurrently_grants_once() {
    let mut env = TestEnv::start().await;
    env.add_execution_environment(&[]);
    let create = event("create-derived-statement-id");
    let responses = join_all([env.send(&create), env.send(&create)]).await;
    assert_eq!(responses[0].expect_success(), responses[1].expect_success());
    assert_eq!(env.statements().len(), 1);
}

/// The Create of the resource with this number, for an account of its own.
fn numbered(number: usize) -> Event {
    event("create-derived-statement-id")
        .with("LogicalResourceId", format!("LayerPermission{number}"))
        .property("Principal", format!("{number:012}"))
}
