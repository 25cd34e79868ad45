//! `Versions: All` that fails: completed changes are rolled back, and the reason says why.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, public_statement};

use crate::all_versions::{
    id, layer_of, other_statement, owned_statement, shared_layer_of, statements_on, version,
};
use crate::cloudformation::Resource;
use crate::test_env::TestEnv;

/// Throttles the reads of the oldest version, so that it is read when all others are done.
fn read_the_oldest_version_last(env: &TestEnv) {
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    let faults = &mut env.lambda.state().faults;
    faults.inject(
        Operation::Get,
        Some(&version(1)),
        [(); 5].map(|()| throttled.clone()),
    );
}

#[tokio::test]
async fn a_statement_id_in_use_on_one_version_rolls_back_all_others() {
    let env = layer_of(12).await;
    read_the_oldest_version_last(&env);
    let conflicting = public_statement(&version(1), "partner");
    env.lambda
        .state()
        .policies
        .put_statement(&version(1), conflicting.clone());
    let response = env.send(&event("create-all-versions")).await;
    let conflict = r#"statement ID already in use: got `{"Action":"lambda:GetLayerVersion","Effect":"Allow","Principal":"*","Resource":"arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1","Sid":"partner"}` in the policy, choose another `StatementId` or remove that statement (rolled back: "#;
    assert!(
        response.expect_failed().starts_with(conflict),
        "{response:?}"
    );
    assert_eq!(response.id(), "never-created");
    assert_eq!(statements_on(&env, 1), [other_statement(1), conflicting]);
    for number in 2..=12 {
        assert_eq!(statements_on(&env, number), [other_statement(number)]);
    }
    let lambda = env.lambda.state();
    let mut calls = lambda.calls.iter();
    assert!(calls.any(|call| call.operation == Operation::Remove));
}

#[tokio::test]
async fn a_statement_id_in_use_on_the_given_version_stops_the_grant_early() {
    let env = layer_of(20).await;
    let conflicting = public_statement(&version(3), "partner");
    env.lambda
        .state()
        .policies
        .put_statement(&version(3), conflicting);
    let create = event("create-all-versions");
    env.send(&create).await.expect_failed();
    for number in (1..=20).filter(|number| *number != 3) {
        assert_eq!(statements_on(&env, number), [other_statement(number)]);
    }
    let calls = env.lambda.take_calls();
    let count = |begin: &str| calls.iter().filter(|call| call.starts_with(begin)).count();
    // Eight are read by then, and some may be written; those are read again by the rollback.
    let (added, read) = (count("Add"), count("Get"));
    assert!(added <= 4 && read <= 8 + added, "{calls:?}");
}

/// With an Update of 12 versions that failed, because the addition to the oldest one was rejected once or always.
async fn env_with_failed_update(always: bool) -> TestEnv {
    let env = shared_layer_of(12).await;
    read_the_oldest_version_last(&env);
    let (one, add) = (version(1), Operation::Add);
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    {
        let faults = &mut env.lambda.state().faults;
        if always {
            faults.inject_always(add, Some(&one), full);
        } else {
            faults.inject(add, Some(&one), [full]);
        }
    }
    let another = event("create-all-versions").property("Principal", "444455556666");
    let update = event("create-all-versions").update_to(&id(), another.properties());
    let response = env.send(&update).await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    env
}

#[tokio::test]
async fn a_failed_update_of_all_versions_is_rolled_back() {
    let env = env_with_failed_update(false).await;
    for number in 1..=12 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
}

#[tokio::test]
async fn a_version_that_cannot_be_rolled_back_does_not_stop_the_others() {
    let env = env_with_failed_update(true).await;
    for number in 2..=12 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
}

#[tokio::test]
async fn the_given_version_must_exist() {
    let env = layer_of(2).await;
    let response = env.send(&event("create-all-versions")).await;
    let missing = "no such layer version: got `ResourceNotFoundException` (`Layer version arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3 does not exist.`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3`, publish it or correct the ARN";
    assert!(
        response.expect_failed().starts_with(missing),
        "{response:?}"
    );
    assert_eq!(response.id(), "never-created");
    for number in 1..=2 {
        assert_eq!(statements_on(&env, number), [other_statement(number)]);
    }
}

#[tokio::test]
async fn a_delete_that_is_denied_to_list_versions_is_never_a_success() {
    let env = shared_layer_of(3).await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject_always(Operation::List, denied);
    assert_eq!(
        env.send(&event("delete-all-versions"))
            .await
            .expect_failed(),
        "access denied: got `AccessDeniedException` (`not authorized`) from `lambda:ListLayerVersions` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the resource's account that is allowed to"
    );
    assert_eq!(env.lambda.take_calls(), ["List: 403"]);
    assert_eq!(
        statements_on(&env, 3),
        [other_statement(3), owned_statement(3)]
    );
}

#[tokio::test]
async fn a_denied_or_throttled_list_call_is_retried() {
    let env = layer_of(3).await;
    let faults = [
        Fault::Rejected(403, "AccessDeniedException", "not authorized"),
        Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded"),
        Fault::Rejected(500, "ServiceException", "An error occurred."),
        Fault::ResponseLost,
    ];
    env.lambda.inject(Operation::List, faults);
    env.send(&event("create-all-versions"))
        .await
        .expect_success();
    assert_eq!(
        statements_on(&env, 1),
        [other_statement(1), owned_statement(1)]
    );
}

#[tokio::test]
async fn a_given_statement_id_cannot_change_between_one_and_all_versions() {
    let reason = "statement ID shared with the replaced resource: got `partner` in both, give another `StatementId` or leave it out";
    for name in ["update-to-all-versions", "update-from-all-versions"] {
        let env = shared_layer_of(3).await;
        let update = event(name);
        let response = env.send(&update).await;
        assert_eq!(response.expect_failed(), reason);
        assert_eq!(response.id(), update.0["PhysicalResourceId"]);
        assert_eq!(env.lambda.take_calls(), [""; 0]);
    }
    // The rollback of that Update changes nothing either.
    let env = layer_of(3).await;
    let this = event("create-all-versions").without_property("Versions");
    let mut resource = Resource::create(&env, &this).await.ok().unwrap();
    let all = event("create-all-versions").properties();
    assert_eq!(resource.update(all).await.expect_failed(), reason);
    assert_eq!(
        statements_on(&env, 3),
        [other_statement(3), owned_statement(3)]
    );
    assert_eq!(statements_on(&env, 1), [other_statement(1)]);
}

#[tokio::test]
async fn a_rollback_removes_orphaned_statements_from_every_version_of_a_layer() {
    let env = shared_layer_of(3).await;
    let other = |number: u64| format!("{}-2:{number}", LAYER_VERSION.trim_end_matches(":1"));
    for number in 1..=9 {
        let policies = &mut env.lambda.state().policies;
        policies.publish(&other(number));
        policies.put_statement(&other(number), public_statement(&other(number), "other"));
        let left = account_statement(&other(number), "partner", ACCOUNT);
        policies.put_statement(&other(number), left);
    }
    let before = event("create-all-versions");
    let failed = before.clone().property("LayerVersionArn", other(3));
    let rollback = failed.update_to(&id(), before.properties());
    assert_eq!(env.send(&rollback).await.expect_success(), id());
    for number in 1..=9 {
        let left = env.lambda.state().policies.statements(&other(number));
        assert_eq!(left, [public_statement(&other(number), "other")]);
    }
    assert_eq!(
        statements_on(&env, 1),
        [other_statement(1), owned_statement(1)]
    );
}

#[tokio::test]
async fn a_rollback_from_an_unreachable_layer_succeeds_and_keeps_existing_grants() {
    let env = layer_of(3).await;
    let layer = format!("{}-2", LAYER_VERSION.trim_end_matches(":1"));
    {
        let faults = &mut env.lambda.state().faults;
        let down = Fault::Rejected(503, "ServiceException", "down");
        faults.inject_always(Operation::List, Some(&layer), down);
    }
    let before = event("create-all-versions");
    let failed = before
        .clone()
        .property("LayerVersionArn", format!("{layer}:3"));
    let rollback = failed.update_to(&id(), before.properties());
    // The provider stops trying long before the timeout.
    let response = env.send_within(Duration::from_secs(14), &rollback).await;
    assert_eq!(response.expect_success(), id());
    for number in 1..=3 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
}

#[tokio::test]
async fn orphaned_statements_are_not_restored_when_the_response_is_rejected() {
    let env = shared_layer_of(3).await;
    let layer = format!("{}-2", LAYER_VERSION.trim_end_matches(":1"));
    let left = format!("{layer}:3");
    {
        let policies = &mut env.lambda.state().policies;
        policies.publish(&left);
        policies.put_statement(&left, account_statement(&left, "partner", ACCOUNT));
    }
    let before = event("create-all-versions");
    let failed = before.clone().property("LayerVersionArn", left.as_str());
    let rollback = env.presign(&failed.update_to(&id(), before.properties()));
    env.bucket.inject([PutFault::Rejected(403)]);
    env.deliver(&rollback, Duration::from_mins(1)).await;
    assert!(env.lambda.state().policies.statements(&left).is_empty());
}

#[tokio::test]
async fn contradictory_properties_are_reported() {
    let cases = [
        (
            "all-versions-under-revision",
            "`RevisionId` goes with one version only: got it with several `Versions`, leave one of the two out",
        ),
        (
            "unknown-versions",
            "`Versions` is neither `This` nor `All`: got `Latest`, give one of these, or an object with `From`, `Newest` or both",
        ),
        (
            "malformed-versions",
            "unknown key of `Versions`: got `Oldest`, give `From`, `Newest` or both; `LayerVersionArn` is older than `Versions`: got \
             version 3 and `From: 4`, name a version from 4 on or lower `From`",
        ),
    ];
    let env = TestEnv::start().await;
    for (name, reason) in cases {
        assert_eq!(env.send(&event(name)).await.expect_failed(), reason);
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_redelivered_create_that_cannot_read_a_version_leaves_it_to_the_delete() {
    let env = layer_of(2).await;
    let conflicting = public_statement(&version(1), "partner");
    {
        let lambda = &mut env.lambda.state();
        lambda
            .policies
            .put_statement(&version(1), conflicting.clone());
        lambda
            .policies
            .put_statement(&version(2), owned_statement(2));
        let unavailable = Fault::Rejected(503, "ServiceException", "unavailable");
        lambda
            .faults
            .inject_always(Operation::Get, Some(&version(2)), unavailable);
    }
    let create = event("create-all-versions").property("LayerVersionArn", version(1));
    let response = env.send(&create).await;
    assert!(response.is_failed());
    env.lambda.clear_faults();
    env.send(&create.delete_of(response.id()))
        .await
        .expect_success();
    assert_eq!(statements_on(&env, 1), [other_statement(1), conflicting]);
    assert_eq!(statements_on(&env, 2), [other_statement(2)]);
}
