//! Delete: no statement of ours is left, nobody else's is touched, and a failed revoke is never called a success.
//! Refuses to know the texts of reasons.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::Value;

use crate::stage::Stage;

const DENIED: Fault = Fault::Rejected(403, "AccessDeniedException", "not authorized");
const NOTHING: [Value; 0] = [];

fn ours() -> Value {
    account_statement(LAYER_VERSION, "partner", ACCOUNT)
}

fn id() -> String {
    format!("{LAYER_VERSION}#partner")
}

fn no_policy() -> Fault {
    Fault::Rejected(
        404,
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )
}

#[tokio::test]
async fn our_statement_is_removed_under_the_revision_that_was_read() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.put_statement(ours());
    assert_eq!(stage.play(&event("delete")).await.succeeded(), id());
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 200", "Remove partner if revision-2: 204"]
    );
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "other")]
    );
}

#[tokio::test]
async fn what_is_gone_already_is_deleted() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    assert_eq!(
        stage.play(&event("delete")).await.succeeded(),
        id(),
        "the statement"
    );
    stage
        .lambda
        .state()
        .policies
        .delete_statement(LAYER_VERSION, "other");
    assert_eq!(
        stage.play(&event("delete")).await.succeeded(),
        id(),
        "the policy"
    );
    stage.lambda.state().policies.unpublish(LAYER_VERSION);
    assert_eq!(
        stage.play(&event("delete")).await.succeeded(),
        id(),
        "the layer version"
    );
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 200", "Get: 404", "Get: 404"]
    );
}

#[tokio::test]
async fn a_statement_that_goes_while_it_is_being_removed_is_deleted() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage
        .lambda
        .inject(Operation::Remove, [Fault::ConcurrentRemove("partner")]);
    assert_eq!(stage.play(&event("delete")).await.succeeded(), id());
    assert_eq!(stage.statements(), NOTHING);
}

#[tokio::test]
async fn another_grant_under_our_statement_id_stays_and_the_log_says_so() {
    let mut stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "partner"));
    assert_eq!(stage.play(&event("delete")).await.succeeded(), id());
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "partner")]
    );
    let log = stage.end();
    let left = "leave `partner`, which is not `partner` for `111122223333`";
    assert!(log.iter().any(|line| line["plan"] == left), "{log:#?}");
}

#[tokio::test]
async fn what_was_never_created_needs_no_call() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    assert_eq!(
        stage.play(&event("delete-never-created")).await.succeeded(),
        "never-created"
    );
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_delete_that_overtook_its_create_finds_the_statement_by_the_properties() {
    let creates = ["create-account", "create-derived-statement-id"];
    let ids = [
        "sharing-LayerPermission-1ABCDEFGHIJKL",
        "",
        "2026/01/31/[$LATEST]0123",
    ];
    let cases = creates
        .iter()
        .flat_map(|create| ids.map(|id| (event(create), id)));
    join_all(cases.map(async |(create, id)| {
        let stage = Stage::start().await;
        stage.play(&create).await.succeeded();
        let answer = stage.play(&create.delete_of(id)).await;
        assert!(id.is_empty() || answer.succeeded() == id, "{id}");
        assert_eq!(stage.statements(), NOTHING, "{id}");
    }))
    .await;
}

#[tokio::test]
async fn a_delete_without_an_id_finds_the_statement_by_the_properties() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage.play(&event("delete-without-id")).await.succeeded();
    assert_eq!(stage.statements(), NOTHING);
}

#[tokio::test]
async fn a_delete_that_overtook_its_create_waits_for_the_statement() {
    let stage = Stage::start().await;
    stage.lambda.inject(
        Operation::Get,
        [no_policy(), no_policy(), Fault::ConcurrentAdd(ours())],
    );
    stage.play(&event("delete-invented-id")).await.succeeded();
    let removed = "Remove partner if revision-1: 204".to_owned();
    assert!(stage.lambda.take_calls().contains(&removed));
    assert_eq!(stage.statements(), NOTHING);
}

#[tokio::test]
async fn a_delete_that_overtook_its_create_gives_up_after_some_seconds() {
    let stage = Stage::start().await;
    let started = std::time::Instant::now();
    stage.play(&event("delete-invented-id")).await.succeeded();
    let seconds = started.elapsed().as_secs();
    assert!((3..20).contains(&seconds), "{seconds} s");
    assert!(
        stage
            .lambda
            .take_calls()
            .iter()
            .all(|call| call == "Get: 404")
    );
}

#[tokio::test]
async fn a_delete_that_overtook_its_create_leaves_another_grant_alone() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "partner"));
    stage
        .play_within(Duration::from_secs(8), &event("delete-invented-id"))
        .await
        .succeeded();
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "partner")]
    );
}

#[tokio::test]
async fn properties_that_do_not_parse_leave_the_id_to_delete_by() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(LAYER_VERSION, "other"));
    stage.put_statement(ours());
    assert_eq!(
        stage
            .play(&event("delete-unreadable-properties"))
            .await
            .succeeded(),
        id()
    );
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "other")]
    );
}

#[tokio::test]
async fn neither_id_nor_properties_leave_nothing_to_delete() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage
        .play(&event("delete-unreadable-properties-and-invented-id"))
        .await
        .succeeded();
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    assert_eq!(stage.statements(), [ours()]);
}

#[tokio::test]
async fn a_refused_revoke_is_never_a_success() {
    for (name, properties) in [
        ("delete", "parse"),
        ("delete-unreadable-properties", "do not parse"),
    ] {
        let stage = Stage::start().await;
        stage.put_statement(ours());
        stage.lambda.inject_always(Operation::Remove, DENIED);
        let answer = stage.play(&event(name)).await;
        answer.refused();
        assert_eq!(answer.id(), id(), "properties that {properties}");
        let calls = ["Get: 200", "Remove partner if revision-1: 403"];
        assert_eq!(
            stage.lambda.take_calls(),
            calls,
            "access denied is not tried again"
        );
    }
}

#[tokio::test]
async fn a_revoke_that_may_not_read_the_policy_is_never_a_success() {
    for (name, get_calls) in [
        ("delete", 1),
        ("delete-unreadable-properties", 1),
        ("delete-invented-id", 1),
    ] {
        let stage = Stage::start().await;
        stage.put_statement(ours());
        stage.lambda.inject_always(Operation::Get, DENIED);
        stage.play(&event(name)).await.refused();
        assert_eq!(
            stage.lambda.take_calls(),
            vec!["Get: 403"; get_calls],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_revoke_that_is_throttled_or_failing_to_the_end_is_never_a_success() {
    let faults = [
        Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded"),
        Fault::Rejected(500, "ServiceException", "An error occurred."),
        Fault::NoResponse,
    ];
    for fault in faults {
        let stage = Stage::start().await;
        stage.put_statement(ours());
        stage.lambda.inject_always(Operation::Remove, fault);
        stage
            .play_within(Duration::from_secs(4), &event("delete"))
            .await
            .refused();
        assert_eq!(stage.statements(), [ours()]);
    }
}

#[tokio::test]
async fn a_revoke_whose_answer_was_lost_is_looked_for_again() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage
        .lambda
        .inject(Operation::Remove, [Fault::ResponseLost]);
    assert_eq!(stage.play(&event("delete")).await.succeeded(), id());
    assert_eq!(
        stage.lambda.take_calls(),
        [
            "Get: 200",
            "Remove partner if revision-1: no response",
            "Get: 404"
        ]
    );
}

#[tokio::test]
async fn a_failed_revoke_gives_nothing_back() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    let whole = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    let refused = Fault::Rejected(400, "InvalidParameterValueException", "no");
    stage
        .lambda
        .inject(Operation::Remove, [Fault::ResponseLost]);
    stage.lambda.inject(Operation::Get, [whole, refused]);
    stage.play(&event("delete")).await.refused();
    assert_eq!(
        stage.statements(),
        [public_statement(LAYER_VERSION, "other")]
    );
}

#[tokio::test]
async fn a_removal_that_finds_nothing_any_more_is_a_success() {
    let stage = Stage::start().await;
    stage.put_statement(ours());
    stage.lambda.inject(Operation::Remove, [no_policy()]);
    assert_eq!(stage.play(&event("delete")).await.succeeded(), id());
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 200", "Remove partner if revision-1: 404"]
    );
}
