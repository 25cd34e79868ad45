//! Parallel writers: nobody's statement is overwritten or lost, and each gets its own answer.
//! Refuses to know the texts of reasons.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::Value;

use crate::stage::Stage;

fn others() -> Value {
    public_statement(LAYER_VERSION, "other")
}

fn ours() -> Value {
    account_statement(LAYER_VERSION, "partner", ACCOUNT)
}

#[tokio::test]
async fn a_policy_that_changed_since_it_was_read_is_read_again_before_a_grant() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "first"));
    stage
        .lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(others())]);
    stage.play(&event("create-account")).await.succeeded();
    let calls = [
        "Get: 200",
        "Add partner if revision-1: 412",
        "Get: 200",
        "Add partner if revision-2: 201",
    ];
    assert_eq!(stage.lambda.take_calls(), calls);
    assert_eq!(stage.statements().len(), 3);
}

#[tokio::test]
async fn a_policy_that_changed_since_it_was_read_is_read_again_before_a_revoke() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage
        .lambda
        .inject(Operation::Remove, [Fault::ConcurrentAdd(others())]);
    stage.play(&event("delete")).await.succeeded();
    let calls = [
        "Get: 200",
        "Remove partner if revision-1: 412",
        "Get: 200",
        "Remove partner if revision-2: 204",
    ];
    assert_eq!(stage.lambda.take_calls(), calls);
    assert_eq!(stage.statements(), [others()]);
}

#[tokio::test]
async fn a_first_grant_leaves_that_of_a_quicker_writer_in_place() {
    let stage = Stage::start().await;
    stage
        .lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(others())]);
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(stage.statements(), [others(), ours()]);
}

#[tokio::test]
async fn our_own_statement_written_by_a_twin_is_a_success() {
    for policy in [vec![], vec![others()]] {
        let stage = Stage::start().await;
        for statement in &policy {
            stage.put_statement(statement.clone());
        }
        stage
            .lambda
            .inject(Operation::Add, [Fault::ConcurrentAdd(ours())]);
        stage.play(&event("create-account")).await.succeeded();
        assert_eq!(stage.statements().len(), policy.len() + 1);
    }
}

#[tokio::test]
async fn another_grant_that_takes_our_statement_id_at_the_last_moment_stays() {
    let in_the_way = public_statement(LAYER_VERSION, "partner");
    let stage = Stage::start().await;
    stage
        .lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(in_the_way.clone())]);
    let answer = stage.play(&event("create-account")).await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 404", "Add partner: 409", "Get: 200"]
    );
    assert_eq!(stage.statements(), [in_the_way]);
}

#[tokio::test]
async fn a_conflict_without_a_cause_is_tried_again() {
    let stage = Stage::start().await;
    let conflict = Fault::Rejected(
        409,
        "ResourceConflictException",
        "Another operation is in progress.",
    );
    stage.lambda.inject(Operation::Add, [conflict.clone()]);
    stage.play(&event("create-account")).await.succeeded();
    stage.lambda.inject(Operation::Remove, [conflict]);
    stage.play(&event("delete")).await.succeeded();
}

#[tokio::test]
async fn a_writer_that_removes_what_we_just_wrote_is_met_again() {
    let stage = Stage::start().await;
    stage
        .lambda
        .inject(Operation::Get, [Fault::ConcurrentAdd(others())]);
    stage.lambda.inject(
        Operation::Add,
        [
            Fault::ConcurrentRemove("other"),
            Fault::ConcurrentAdd(others()),
        ],
    );
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(stage.statements(), [others(), ours()]);
}

#[tokio::test]
async fn sixteen_grants_on_few_executions_share_one_layer_version() {
    let mut stage = Stage::start().await;
    for _ in 0..3 {
        stage.add_executable(&[]);
    }
    let creates: Vec<Event> = (0..16).map(numbered).collect();
    let answers = join_all(creates.iter().map(|create| stage.play(create))).await;
    assert_eq!(stage.statements().len(), creates.len());
    let deletes: Vec<Event> = creates
        .iter()
        .zip(&answers)
        .map(|(create, answer)| create.delete_of(answer.succeeded()))
        .collect();
    let answers = join_all(deletes.iter().map(|delete| stage.play(delete))).await;
    for answer in &answers {
        answer.succeeded();
    }
    assert_eq!(stage.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_at_once_grants_once() {
    let mut stage = Stage::start().await;
    stage.add_executable(&[]);
    let create = event("create-derived-statement-id");
    let answers = join_all([stage.play(&create), stage.play(&create)]).await;
    assert_eq!(answers[0].succeeded(), answers[1].succeeded());
    assert_eq!(stage.statements().len(), 1);
}

/// The Create of the resource with this number, for an account of its own.
fn numbered(number: usize) -> Event {
    event("create-derived-statement-id")
        .with("LogicalResourceId", format!("LayerPermission{number}"))
        .property("Principal", format!("{number:012}"))
}
