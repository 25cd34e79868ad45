//! `Versions: All` where it cannot be had: what was begun is taken back, and the reason says why.
//! Refuses to know failures that one version alone can have as well.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, public_statement};

use crate::cloudformation::Resource;
use crate::stage::Stage;

use crate::versions::{foreign, id, layer_of, on, ours, shared_layer_of, version};

/// Has the oldest version looked at when all others are done, wherever the work begins.
fn look_last_at_the_oldest(stage: &Stage) {
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    let faults = &mut stage.lambda.state().faults;
    faults.inject(
        Operation::Get,
        Some(&version(1)),
        [(); 5].map(|()| throttled.clone()),
    );
}

#[tokio::test]
async fn a_statement_in_the_way_on_one_version_takes_the_grant_back_from_all_others() {
    let stage = layer_of(12).await;
    look_last_at_the_oldest(&stage);
    let in_the_way = public_statement(&version(1), "partner");
    stage
        .lambda
        .state()
        .policies
        .put_statement(&version(1), in_the_way.clone());
    let answer = stage.play(&event("create-all-versions")).await;
    let conflict = r#"statement id taken: got `{"Action":"lambda:GetLayerVersion","Effect":"Allow","Principal":"*","Resource":"arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1","Sid":"partner"}` in the policy, choose another `StatementId` or remove that statement (taken back: "#;
    assert!(answer.refused().starts_with(conflict), "{answer:?}");
    assert_eq!(answer.id(), "never-created");
    assert_eq!(on(&stage, 1), [foreign(1), in_the_way]);
    for number in 2..=12 {
        assert_eq!(on(&stage, number), [foreign(number)]);
    }
    let lambda = stage.lambda.state();
    let mut calls = lambda.calls.iter();
    assert!(calls.any(|call| call.operation == Operation::Remove));
}

#[tokio::test]
async fn a_statement_in_the_way_on_the_named_version_leaves_most_others_alone() {
    let stage = layer_of(20).await;
    let in_the_way = public_statement(&version(3), "partner");
    stage
        .lambda
        .state()
        .policies
        .put_statement(&version(3), in_the_way);
    let create = event("create-all-versions");
    stage.play(&create).await.refused();
    for number in (1..=20).filter(|number| *number != 3) {
        assert_eq!(on(&stage, number), [foreign(number)]);
    }
    let calls = stage.lambda.take_calls();
    let count = |begin: &str| calls.iter().filter(|call| call.starts_with(begin)).count();
    // Eight are looked at by then, some perhaps written to; those are looked at again to be taken back.
    let (added, read) = (count("Add"), count("Get"));
    assert!(added <= 4 && read <= 8 + added, "{calls:?}");
}

/// Fails an Update of 12 versions, where the addition to the oldest one is refused once or always.
async fn fail_a_change(always: bool) -> Stage {
    let stage = shared_layer_of(12).await;
    look_last_at_the_oldest(&stage);
    let (one, add) = (version(1), Operation::Add);
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    {
        let faults = &mut stage.lambda.state().faults;
        if always {
            faults.inject_always(add, Some(&one), full);
        } else {
            faults.inject(add, Some(&one), [full]);
        }
    }
    let another = event("create-all-versions").property("Principal", "444455556666");
    let update = event("create-all-versions").update_to(&id(), another.properties());
    let answer = stage.play(&update).await;
    answer.refused();
    assert_eq!(answer.id(), id());
    stage
}

#[tokio::test]
async fn what_was_there_before_a_failed_change_is_there_after_it() {
    let stage = fail_a_change(false).await;
    for number in 1..=12 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
}

#[tokio::test]
async fn one_version_that_cannot_be_taken_back_does_not_keep_the_others() {
    let stage = fail_a_change(true).await;
    for number in 2..=12 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
}

#[tokio::test]
async fn the_named_version_has_to_be_there() {
    let stage = layer_of(2).await;
    let answer = stage.play(&event("create-all-versions")).await;
    let missing = "no such layer version: got `ResourceNotFoundException` (`Layer version arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3 does not exist.`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:3`, publish it or correct the ARN";
    assert!(answer.refused().starts_with(missing), "{answer:?}");
    assert_eq!(answer.id(), "never-created");
    for number in 1..=2 {
        assert_eq!(on(&stage, number), [foreign(number)]);
    }
}

#[tokio::test]
async fn a_list_that_may_not_be_read_is_never_a_revoke() {
    let stage = shared_layer_of(3).await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    stage.lambda.inject_always(Operation::List, denied);
    assert_eq!(
        stage.play(&event("delete-all-versions")).await.refused(),
        "access denied: got `AccessDeniedException` (`not authorized`) from `lambda:ListLayerVersions` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the layer's account that may do it"
    );
    assert_eq!(stage.lambda.take_calls(), ["List: 403"]);
    assert_eq!(on(&stage, 3), [foreign(3), ours(3)]);
}

#[tokio::test]
async fn a_list_that_is_not_allowed_yet_or_throttled_is_asked_for_again() {
    let stage = layer_of(3).await;
    let faults = [
        Fault::Rejected(403, "AccessDeniedException", "not authorized"),
        Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded"),
        Fault::Rejected(500, "ServiceException", "An error occurred."),
        Fault::ResponseLost,
    ];
    stage.lambda.inject(Operation::List, faults);
    stage.play(&event("create-all-versions")).await.succeeded();
    assert_eq!(on(&stage, 1), [foreign(1), ours(1)]);
}

#[tokio::test]
async fn the_reach_of_a_given_statement_id_does_not_change() {
    let reason = "statement shared with the grant that is replaced: got `partner` in both, give another `StatementId` or leave it out";
    for name in ["update-to-all-versions", "update-from-all-versions"] {
        let stage = shared_layer_of(3).await;
        let update = event(name);
        let answer = stage.play(&update).await;
        assert_eq!(answer.refused(), reason);
        assert_eq!(answer.id(), update.0["PhysicalResourceId"]);
        assert_eq!(stage.lambda.take_calls(), [""; 0]);
    }
    // Nor does the way back after that refusal change anything.
    let stage = layer_of(3).await;
    let this = event("create-all-versions").without_property("Versions");
    let mut resource = Resource::create(&stage, &this).await.ok().unwrap();
    let all = event("create-all-versions").properties();
    assert_eq!(resource.update(all).await.refused(), reason);
    assert_eq!(on(&stage, 3), [foreign(3), ours(3)]);
    assert_eq!(on(&stage, 1), [foreign(1)]);
}

#[tokio::test]
async fn a_rollback_clears_every_version_of_the_layer_that_a_failed_update_was_about() {
    let stage = shared_layer_of(3).await;
    let other = |number: u64| format!("{}-2:{number}", LAYER_VERSION.trim_end_matches(":1"));
    for number in 1..=9 {
        let policies = &mut stage.lambda.state().policies;
        policies.publish(&other(number));
        policies.put_statement(&other(number), public_statement(&other(number), "other"));
        let left = account_statement(&other(number), "partner", ACCOUNT);
        policies.put_statement(&other(number), left);
    }
    let before = event("create-all-versions");
    let failed = before.clone().property("LayerVersionArn", other(3));
    let rollback = failed.update_to(&id(), before.properties());
    assert_eq!(stage.play(&rollback).await.succeeded(), id());
    for number in 1..=9 {
        let left = stage.lambda.state().policies.statements(&other(number));
        assert_eq!(left, [public_statement(&other(number), "other")]);
    }
    assert_eq!(on(&stage, 1), [foreign(1), ours(1)]);
}

#[tokio::test]
async fn a_rollback_from_a_layer_that_cannot_be_reached_succeeds_and_keeps_what_was_there() {
    let stage = layer_of(3).await;
    let layer = format!("{}-2", LAYER_VERSION.trim_end_matches(":1"));
    {
        let faults = &mut stage.lambda.state().faults;
        let down = Fault::Rejected(503, "ServiceException", "down");
        faults.inject_always(Operation::List, Some(&layer), down);
    }
    let before = event("create-all-versions");
    let failed = before
        .clone()
        .property("LayerVersionArn", format!("{layer}:3"));
    let rollback = failed.update_to(&id(), before.properties());
    // It is given up long before the time is over.
    let answer = stage.play_within(Duration::from_secs(14), &rollback).await;
    assert_eq!(answer.succeeded(), id());
    for number in 1..=3 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
}

#[tokio::test]
async fn what_a_rollback_has_cleared_does_not_come_back_when_nobody_heard_of_it() {
    let stage = shared_layer_of(3).await;
    let layer = format!("{}-2", LAYER_VERSION.trim_end_matches(":1"));
    let left = format!("{layer}:3");
    {
        let policies = &mut stage.lambda.state().policies;
        policies.publish(&left);
        policies.put_statement(&left, account_statement(&left, "partner", ACCOUNT));
    }
    let before = event("create-all-versions");
    let failed = before.clone().property("LayerVersionArn", left.as_str());
    let rollback = stage.issue(&failed.update_to(&id(), before.properties()));
    stage.bucket.inject([PutFault::Rejected(403)]);
    stage.deliver(&rollback, Duration::from_mins(1)).await;
    assert!(stage.lambda.state().policies.statements(&left).is_empty());
}

#[tokio::test]
async fn properties_that_do_not_go_together_say_so() {
    let cases = [
        (
            "all-versions-under-revision",
            "`RevisionId` goes with one version only: got it with `Versions: All`, leave one of the two out",
        ),
        (
            "unknown-versions",
            "`Versions` is neither `This` nor `All`: got `Latest`, give one of these or leave it out",
        ),
    ];
    let stage = Stage::start().await;
    for (name, reason) in cases {
        assert_eq!(stage.play(&event(name)).await.refused(), reason);
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn what_an_earlier_delivery_granted_on_a_version_that_could_not_be_seen_is_deleted() {
    let stage = layer_of(2).await;
    let in_the_way = public_statement(&version(1), "partner");
    {
        let lambda = &mut stage.lambda.state();
        lambda
            .policies
            .put_statement(&version(1), in_the_way.clone());
        lambda.policies.put_statement(&version(2), ours(2));
        let unavailable = Fault::Rejected(503, "ServiceException", "unavailable");
        lambda
            .faults
            .inject_always(Operation::Get, Some(&version(2)), unavailable);
    }
    let create = event("create-all-versions").property("LayerVersionArn", version(1));
    let answer = stage.play(&create).await;
    assert!(answer.failed());
    stage.lambda.clear_faults();
    stage.play(&create.delete_of(answer.id())).await.succeeded();
    assert_eq!(on(&stage, 1), [foreign(1), in_the_way]);
    assert_eq!(on(&stage, 2), [foreign(2)]);
}
