//! Lambda throttles, fails, reads stale data or rejects calls during a grant: the grant is made, or rolled back.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::test_env::TestEnv;

const DENIED: Fault = Fault::Rejected(403, "AccessDeniedException", "not authorized");
const BROKEN: Fault = Fault::Rejected(500, "ServiceException", "An error occurred.");
const REJECTED: Fault = Fault::Rejected(400, "InvalidParameterValueException", "no");
const NO_POLICY: Fault = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
const THROTTLED: Fault = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");

#[tokio::test]
async fn a_first_write_that_a_concurrent_write_overwrites_is_repeated() {
    let env = TestEnv::start().await;
    let other = public_statement(LAYER_VERSION, "other");
    env.lambda.inject(Operation::Add, [Fault::WriteLost]);
    let unrelated = Fault::ConcurrentRemove("unrelated");
    env.lambda
        .inject(Operation::Get, [unrelated, Fault::ConcurrentAdd(other)]);
    env.send(&event("create-account")).await.expect_success();
    let calls = env.lambda.take_calls();
    assert_eq!(calls[..3], ["Get: 404", "Add partner: 201", "Get: 200"]);
    assert!(calls[3].starts_with("Add partner if "), "{calls:?}");
    assert_eq!(env.statements().len(), 2);
}

#[tokio::test]
async fn a_first_write_whose_policy_is_removed_concurrently_is_not_repeated() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Add, [Fault::WriteLost]);
    let response = env.send(&event("create-account")).await;
    assert!(
        response
            .expect_failed()
            .starts_with("statement removed concurrently: got the policy without `partner`")
    );
    assert_eq!(response.id(), "never-created");
    let adds = env
        .lambda
        .take_calls()
        .into_iter()
        .filter(|call| call.starts_with("Add"));
    assert_eq!(adds.count(), 1);
}

#[tokio::test]
async fn a_grant_whose_response_is_lost_is_found_by_reading() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 404", "Add partner: no response", "Get: 200"]
    );
}

#[tokio::test]
async fn a_stale_read_after_a_write_is_repeated() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    env.lambda.inject(
        Operation::Get,
        [
            Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other")),
            Fault::StaleRead,
        ],
    );
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(env.statements().len(), 2);
}

#[tokio::test]
async fn a_throttled_call_is_retried_and_a_service_error_reads_again() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Get, [THROTTLED, BROKEN]);
    env.lambda.inject(Operation::Add, [THROTTLED, BROKEN]);
    env.send(&event("create-account")).await.expect_success();
    let calls = [
        "Get: 429",
        "Get: 500",
        "Get: 404",
        "Add partner: 429",
        "Add partner: 500",
        "Get: 404",
        "Add partner: 201",
        "Get: 200",
    ];
    assert_eq!(env.lambda.take_calls(), calls);
}

#[tokio::test]
async fn a_denied_call_is_retried_until_the_role_policy_has_propagated() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Get, [DENIED]);
    env.lambda.inject(Operation::Add, [DENIED]);
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn a_create_that_stays_denied_fails_and_leaves_nothing() {
    let env = TestEnv::start().await;
    env.lambda.inject_always(Operation::Add, DENIED);
    let response = env
        .send_within(Duration::from_secs(6), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
}

#[tokio::test]
async fn a_write_that_cannot_be_verified_is_rolled_back() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Get, [NO_POLICY, REJECTED]);
    let response = env.send(&event("create-account")).await;
    response.expect_failed();
    assert_eq!(env.statements(), [] as [Value; 0]);
    assert_eq!(response.id(), "never-created");
}

#[tokio::test]
async fn a_write_without_a_response_may_take_effect_later_and_keeps_its_physical_id() {
    let env = TestEnv::start().await;
    env.lambda.inject_always(Operation::Add, Fault::NoResponse);
    let response = env
        .send_within(Duration::from_secs(4), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), format!("{LAYER_VERSION}#partner"));
}

#[tokio::test]
async fn a_write_that_takes_effect_after_its_timeout_is_rolled_back() {
    let env = TestEnv::start().await;
    let late = Fault::ConcurrentAdd(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    env.lambda.inject_always(Operation::Add, Fault::NoResponse);
    env.lambda
        .inject(Operation::Get, [NO_POLICY, NO_POLICY, late]);
    let response = env
        .send_within(Duration::from_secs(8), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_write_whose_response_is_lost_is_reported_with_an_unknown_outcome() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    env.lambda.inject(Operation::Get, [NO_POLICY]);
    env.lambda.inject_always(Operation::Get, BROKEN);
    let response = env
        .send_within(Duration::from_secs(4), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), format!("{LAYER_VERSION}#partner"));
}

#[tokio::test]
async fn a_grant_that_cannot_be_rolled_back_keeps_its_physical_id() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Get, [NO_POLICY]);
    env.lambda.inject_always(Operation::Get, BROKEN);
    env.lambda.inject_always(Operation::Remove, BROKEN);
    let response = env
        .send_within(Duration::from_secs(6), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), format!("{LAYER_VERSION}#partner"));
    env.lambda.clear_faults();
    env.send(&event("create-account").delete_of(response.id()))
        .await
        .expect_success();
    assert_eq!(env.statements(), [] as [Value; 0]);
}
