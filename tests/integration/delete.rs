//! Delete: no owned statement remains, no other statement changes, and a failed revoke is never a success.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::Value;

use crate::test_env::TestEnv;

const DENIED: Fault = Fault::Rejected(403, "AccessDeniedException", "not authorized");
const NOTHING: [Value; 0] = [];

fn owned_statement() -> Value {
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
async fn a_delete_removes_the_statement_on_condition_of_the_revision_that_was_read() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.put_statement(owned_statement());
    assert_eq!(env.send(&event("delete")).await.expect_success(), id());
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Remove partner if revision-2: 204"]
    );
    assert_eq!(env.statements(), [public_statement(LAYER_VERSION, "other")]);
}

#[tokio::test]
async fn a_delete_of_a_missing_statement_policy_or_layer_version_succeeds() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    assert_eq!(
        env.send(&event("delete")).await.expect_success(),
        id(),
        "the statement"
    );
    env.lambda
        .state()
        .policies
        .delete_statement(LAYER_VERSION, "other");
    assert_eq!(
        env.send(&event("delete")).await.expect_success(),
        id(),
        "the policy"
    );
    env.lambda.state().policies.unpublish(LAYER_VERSION);
    assert_eq!(
        env.send(&event("delete")).await.expect_success(),
        id(),
        "the layer version"
    );
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Get: 404", "Get: 404"]
    );
}

#[tokio::test]
async fn a_delete_of_a_statement_that_is_removed_concurrently_succeeds() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.lambda
        .inject(Operation::Remove, [Fault::ConcurrentRemove("partner")]);
    assert_eq!(env.send(&event("delete")).await.expect_success(), id());
    assert_eq!(env.statements(), NOTHING);
}

#[tokio::test]
async fn a_delete_keeps_a_statement_that_is_not_owned_and_logs_it() {
    let mut env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "partner"));
    assert_eq!(env.send(&event("delete")).await.expect_success(), id());
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(
        env.statements(),
        [public_statement(LAYER_VERSION, "partner")]
    );
    let log = env.stop();
    let left = "keep `partner`, which is not `partner` for `111122223333`";
    assert!(log.iter().any(|line| line["changes"] == left), "{log:#?}");
}

#[tokio::test]
async fn a_delete_of_a_failed_create_makes_no_call() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    assert_eq!(
        env.send(&event("delete-never-created"))
            .await
            .expect_success(),
        "never-created"
    );
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn an_out_of_order_delete_finds_the_statement_by_the_properties() {
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
        let env = TestEnv::start().await;
        env.send(&create).await.expect_success();
        let response = env.send(&create.delete_of(id)).await;
        assert!(id.is_empty() || response.expect_success() == id, "{id}");
        assert_eq!(env.statements(), NOTHING, "{id}");
    }))
    .await;
}

#[tokio::test]
async fn a_delete_without_an_id_finds_the_statement_by_the_properties() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.send(&event("delete-without-id")).await.expect_success();
    assert_eq!(env.statements(), NOTHING);
}

#[tokio::test]
async fn an_out_of_order_delete_polls_for_the_statement() {
    let env = TestEnv::start().await;
    env.lambda.inject(
        Operation::Get,
        [
            no_policy(),
            no_policy(),
            Fault::ConcurrentAdd(owned_statement()),
        ],
    );
    env.send(&event("delete-invented-id"))
        .await
        .expect_success();
    let removed = "Remove partner if revision-1: 204".to_owned();
    assert!(env.lambda.take_calls().contains(&removed));
    assert_eq!(env.statements(), NOTHING);
}

#[tokio::test]
async fn an_out_of_order_delete_stops_polling_after_ten_seconds() {
    let env = TestEnv::start().await;
    let started = std::time::Instant::now();
    env.send(&event("delete-invented-id"))
        .await
        .expect_success();
    let seconds = started.elapsed().as_secs();
    assert!((3..20).contains(&seconds), "{seconds} s");
    assert!(
        env.lambda
            .take_calls()
            .iter()
            .all(|call| call == "Get: 404")
    );
}

#[tokio::test]
async fn an_out_of_order_delete_keeps_another_grant() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "partner"));
    env.send_within(Duration::from_secs(8), &event("delete-invented-id"))
        .await
        .expect_success();
    assert_eq!(
        env.statements(),
        [public_statement(LAYER_VERSION, "partner")]
    );
}

#[tokio::test]
async fn a_delete_with_invalid_properties_removes_the_statement_by_the_physical_id() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "other"));
    env.put_statement(owned_statement());
    assert_eq!(
        env.send(&event("delete-unreadable-properties"))
            .await
            .expect_success(),
        id()
    );
    assert_eq!(env.statements(), [public_statement(LAYER_VERSION, "other")]);
}

#[tokio::test]
async fn a_delete_without_a_usable_id_or_properties_succeeds_without_a_call() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.send(&event("delete-unreadable-properties-and-invented-id"))
        .await
        .expect_success();
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    assert_eq!(env.statements(), [owned_statement()]);
}

#[tokio::test]
async fn a_rejected_revoke_is_never_a_success() {
    for (name, properties) in [
        ("delete", "parse"),
        ("delete-unreadable-properties", "do not parse"),
    ] {
        let env = TestEnv::start().await;
        env.put_statement(owned_statement());
        env.lambda.inject_always(Operation::Remove, DENIED);
        let response = env.send(&event(name)).await;
        response.expect_failed();
        assert_eq!(response.id(), id(), "properties that {properties}");
        let calls = ["Get: 200", "Remove partner if revision-1: 403"];
        assert_eq!(
            env.lambda.take_calls(),
            calls,
            "access denied is not tried again"
        );
    }
}

#[tokio::test]
async fn a_revoke_that_is_denied_to_read_the_policy_is_never_a_success() {
    for (name, get_calls) in [
        ("delete", 1),
        ("delete-unreadable-properties", 1),
        ("delete-invented-id", 1),
    ] {
        let env = TestEnv::start().await;
        env.put_statement(owned_statement());
        env.lambda.inject_always(Operation::Get, DENIED);
        env.send(&event(name)).await.expect_failed();
        assert_eq!(
            env.lambda.take_calls(),
            vec!["Get: 403"; get_calls],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_revoke_that_stays_throttled_or_failing_is_never_a_success() {
    let faults = [
        Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded"),
        Fault::Rejected(500, "ServiceException", "An error occurred."),
        Fault::NoResponse,
    ];
    for fault in faults {
        let env = TestEnv::start().await;
        env.put_statement(owned_statement());
        env.lambda.inject_always(Operation::Remove, fault);
        env.send_within(Duration::from_secs(4), &event("delete"))
            .await
            .expect_failed();
        assert_eq!(env.statements(), [owned_statement()]);
    }
}

#[tokio::test]
async fn a_revoke_whose_response_is_lost_is_verified() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.lambda.inject(Operation::Remove, [Fault::ResponseLost]);
    assert_eq!(env.send(&event("delete")).await.expect_success(), id());
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 200",
            "Remove partner if revision-1: no response",
            "Get: 404"
        ]
    );
}

#[tokio::test]
async fn a_failed_revoke_is_not_rolled_back() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    let whole = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    env.lambda.inject(Operation::Remove, [Fault::ResponseLost]);
    env.lambda.inject(Operation::Get, [whole, rejected]);
    env.send(&event("delete")).await.expect_failed();
    assert_eq!(env.statements(), [public_statement(LAYER_VERSION, "other")]);
}

#[tokio::test]
async fn a_removal_of_a_statement_that_is_missing_by_then_is_a_success() {
    let env = TestEnv::start().await;
    env.put_statement(owned_statement());
    env.lambda.inject(Operation::Remove, [no_policy()]);
    assert_eq!(env.send(&event("delete")).await.expect_success(), id());
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Remove partner if revision-1: 404"]
    );
}
