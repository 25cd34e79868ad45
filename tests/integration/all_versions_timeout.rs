//! `Versions: All` of a layer with many versions: within Lambda's rate limit and the function's timeout.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, event};
use fake_aws::statements::account_statement;

use crate::all_versions::{
    id, layer_of, other_statement, owned_statement, shared_layer_of, statements_on, version,
};
use crate::assume_role::{OTHER_LAYER_VERSION, ROLE};
use crate::test_env::{Response, TestEnv};

/// The least time of this number of calls at eleven a second, with a burst of three.
fn least_time(calls: usize) -> Duration {
    Duration::from_millis(91) * u32::try_from(calls - 3).unwrap()
}

/// Sends the event while 5 of 12 versions do not respond in time.
async fn send_with_slow_versions(env: &TestEnv, event: &Event) -> Response {
    for number in [2, 3, 5, 8, 12] {
        let slow = version(number);
        let faults = &mut env.lambda.state().faults;
        faults.inject_always(Operation::Get, Some(&slow), Fault::NoResponse);
    }
    let response = env.send_within(Duration::from_secs(10), event).await;
    env.lambda.clear_faults();
    response
}

const TIMED_OUT: &str = "timed out: got 7 of 12 policies done, raise the function's timeout or, where nothing was rolled back, deploy again to do the rest";

#[tokio::test]
async fn sixty_versions_are_granted_within_the_rate_limit() {
    let env = layer_of(60).await;
    let create = event("create-all-versions");
    let started = Instant::now();
    env.send(&create).await.expect_success();
    assert!(started.elapsed() >= least_time(2 + 2 * 60));
    for number in 1..=60 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
    let calls = env.lambda.take_calls();
    let (questions, calls): (Vec<String>, Vec<String>) = calls
        .into_iter()
        .partition(|call| call.starts_with("Describe"));
    assert_eq!(calls.len(), 2 + 2 * 60);
    // The last of the writes are late.
    assert_eq!(questions, ["Describe LayerPermission: 200"]);
}

#[tokio::test]
async fn the_rate_limit_applies_across_events_and_roles() {
    let env = shared_layer_of(12).await;
    let layer = OTHER_LAYER_VERSION.strip_suffix(":1").unwrap();
    for number in 1..=12 {
        let version = format!("{layer}:{number}");
        let policies = &mut env.lambda.state().policies;
        policies.publish(&version);
        policies.put_statement(&version, account_statement(&version, "partner", ACCOUNT));
    }
    env.lambda.state().roles.trust(ROLE, None);
    let by_role = event("create-by-role").property("Versions", "All");
    let started = Instant::now();
    for create in [event("create-all-versions"), by_role.clone(), by_role] {
        env.send(&create).await.expect_success();
    }
    let calls = env.lambda.take_calls();
    let of_lambda = calls.iter().filter(|call| !call.starts_with("Assume"));
    assert!(started.elapsed() >= least_time(of_lambda.count()));
}

#[tokio::test]
async fn a_create_that_times_out_keeps_completed_versions_and_resumes() {
    let env = layer_of(12).await;
    let create = event("create-all-versions");
    let response = send_with_slow_versions(&env, &create).await;
    assert_eq!(response.expect_failed(), TIMED_OUT);
    assert_eq!(response.id(), id());
    let shared = (1..=12).filter(|number| statements_on(&env, *number).len() == 2);
    assert_eq!(shared.collect::<Vec<_>>(), [1, 4, 6, 7, 9, 10, 11]);
    drop(env.lambda.take_calls());
    env.send(&create).await.expect_success();
    for number in 1..=12 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
    let calls = env.lambda.take_calls();
    let added = calls.iter().filter(|call| call.starts_with("Add"));
    assert_eq!(added.count(), 5, "{calls:?}");
}

#[tokio::test]
async fn a_delete_after_a_create_that_timed_out_revokes_the_completed_versions() {
    let env = layer_of(12).await;
    let create = event("create-all-versions");
    let response = send_with_slow_versions(&env, &create).await;
    let delete = create.delete_of(response.id());
    env.send(&delete).await.expect_success();
    for number in 1..=12 {
        assert_eq!(statements_on(&env, number), [other_statement(number)]);
    }
}

#[tokio::test]
async fn an_update_that_times_out_keeps_its_id_and_resumes() {
    let env = shared_layer_of(12).await;
    let another = event("create-all-versions").property("Principal", "444455556666");
    let update = event("create-all-versions").update_to(&id(), another.properties());
    let response = send_with_slow_versions(&env, &update).await;
    assert_eq!(response.expect_failed(), TIMED_OUT);
    assert_eq!(response.id(), id());
    assert_eq!(
        statements_on(&env, 12),
        [other_statement(12), owned_statement(12)]
    );
    env.send(&update).await.expect_success();
    for number in 1..=12 {
        assert_ne!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
        assert_eq!(statements_on(&env, number).len(), 2);
    }
}

#[tokio::test]
async fn a_delete_that_times_out_fails_and_resumes() {
    let env = shared_layer_of(12).await;
    let delete = event("delete-all-versions");
    let response = send_with_slow_versions(&env, &delete).await;
    assert_eq!(response.expect_failed(), TIMED_OUT);
    let left = (1..=12).filter(|number| statements_on(&env, *number).len() == 2);
    assert_eq!(left.collect::<Vec<_>>(), [2, 3, 5, 8, 12]);
    assert_eq!(env.send(&delete).await.expect_success(), id());
    for number in 1..=12 {
        assert_eq!(statements_on(&env, number), [other_statement(number)]);
    }
}

#[tokio::test]
async fn a_timeout_reports_the_error_of_the_last_version() {
    let env = layer_of(12).await;
    let one = version(1);
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    {
        let faults = &mut env.lambda.state().faults;
        faults.inject_always(Operation::Get, Some(&one), throttled);
    }
    let create = event("create-all-versions");
    let response = env.send_within(Duration::from_secs(8), &create).await;
    assert_eq!(
        response.expect_failed(),
        "timed out: got 11 of 12 policies done, raise the function's timeout or, where nothing was rolled back, deploy again to do the rest (retrying: throttled by Lambda: got `TooManyRequestsException` (`Rate exceeded`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, with fewer stacks at a time)"
    );
}

#[tokio::test]
async fn a_redelivered_create_without_a_list_response_keeps_its_physical_id() {
    let env = layer_of(3).await;
    env.lambda.inject_always(Operation::List, Fault::NoResponse);
    let create = event("create-all-versions");
    let response = env.send_within(Duration::from_secs(3), &create).await;
    assert_eq!(
        response.expect_failed(),
        "timed out: got no response from Lambda before the function's deadline, raise the function's timeout or check its network path to Lambda's API"
    );
    assert_eq!(response.id(), id());
}
