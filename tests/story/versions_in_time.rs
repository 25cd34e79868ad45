//! `Versions: All` of a layer with many versions: never faster than Lambda allows, never longer than the function may run.
//! Refuses to know what is granted.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, event};
use fake_aws::statements::account_statement;

use crate::roles::{ROLE, THEIRS};
use crate::stage::{Answer, Stage};

use crate::versions::{foreign, id, layer_of, on, ours, shared_layer_of, version};

/// The least time that so many calls take at eleven a second, of which the first three need not wait.
fn least_time(calls: usize) -> Duration {
    Duration::from_millis(91) * u32::try_from(calls - 3).unwrap()
}

/// Plays the event where 5 of 12 versions do not answer in time.
async fn play_slowly(stage: &Stage, event: &Event) -> Answer {
    for number in [2, 3, 5, 8, 12] {
        let slow = version(number);
        let faults = &mut stage.lambda.state().faults;
        faults.inject_always(Operation::Get, Some(&slow), Fault::NoResponse);
    }
    let answer = stage.play_within(Duration::from_secs(10), event).await;
    stage.lambda.clear_faults();
    answer
}

const OUT_OF_TIME: &str = "out of time: got 7 of 12 versions done, raise the function's timeout or, where nothing was rolled back, run it again and it goes on from there";

#[tokio::test]
async fn sixty_versions_are_shared_at_the_pace_that_lambda_allows() {
    let stage = layer_of(60).await;
    let create = event("create-all-versions");
    let started = Instant::now();
    stage.play(&create).await.succeeded();
    assert!(started.elapsed() >= least_time(2 + 2 * 60));
    for number in 1..=60 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
    assert_eq!(stage.lambda.take_calls().len(), 2 + 2 * 60);
}

#[tokio::test]
async fn the_pace_goes_from_event_to_event_and_from_role_to_role() {
    let stage = shared_layer_of(12).await;
    let layer = THEIRS.strip_suffix(":1").unwrap();
    for number in 1..=12 {
        let version = format!("{layer}:{number}");
        let policies = &mut stage.lambda.state().policies;
        policies.publish(&version);
        policies.put_statement(&version, account_statement(&version, "partner", ACCOUNT));
    }
    stage.lambda.state().roles.trust(ROLE, None);
    let by_role = event("create-by-role").property("Versions", "All");
    let started = Instant::now();
    for create in [event("create-all-versions"), by_role.clone(), by_role] {
        stage.play(&create).await.succeeded();
    }
    let calls = stage.lambda.take_calls();
    let of_lambda = calls.iter().filter(|call| !call.starts_with("Assume"));
    assert!(started.elapsed() >= least_time(of_lambda.count()));
}

#[tokio::test]
async fn a_create_that_runs_out_of_time_keeps_what_is_done_and_goes_on_from_there() {
    let stage = layer_of(12).await;
    let create = event("create-all-versions");
    let answer = play_slowly(&stage, &create).await;
    assert_eq!(answer.refused(), OUT_OF_TIME);
    assert_eq!(answer.id(), id());
    let shared = (1..=12).filter(|number| on(&stage, *number).len() == 2);
    assert_eq!(shared.collect::<Vec<_>>(), [1, 4, 6, 7, 9, 10, 11]);
    drop(stage.lambda.take_calls());
    stage.play(&create).await.succeeded();
    for number in 1..=12 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
    let calls = stage.lambda.take_calls();
    let added = calls.iter().filter(|call| call.starts_with("Add"));
    assert_eq!(added.count(), 5, "{calls:?}");
}

#[tokio::test]
async fn what_a_create_that_ran_out_of_time_has_done_is_deleted_with_it() {
    let stage = layer_of(12).await;
    let create = event("create-all-versions");
    let answer = play_slowly(&stage, &create).await;
    let delete = create.delete_of(answer.id());
    stage.play(&delete).await.succeeded();
    for number in 1..=12 {
        assert_eq!(on(&stage, number), [foreign(number)]);
    }
}

#[tokio::test]
async fn an_update_that_runs_out_of_time_keeps_its_id_and_goes_on_from_there() {
    let stage = shared_layer_of(12).await;
    let another = event("create-all-versions").property("Principal", "444455556666");
    let update = event("create-all-versions").update_to(&id(), another.properties());
    let answer = play_slowly(&stage, &update).await;
    assert_eq!(answer.refused(), OUT_OF_TIME);
    assert_eq!(answer.id(), id());
    assert_eq!(on(&stage, 12), [foreign(12), ours(12)]);
    stage.play(&update).await.succeeded();
    for number in 1..=12 {
        assert_ne!(on(&stage, number), [foreign(number), ours(number)]);
        assert_eq!(on(&stage, number).len(), 2);
    }
}

#[tokio::test]
async fn a_delete_that_runs_out_of_time_fails_and_goes_on_from_there() {
    let stage = shared_layer_of(12).await;
    let delete = event("delete-all-versions");
    let answer = play_slowly(&stage, &delete).await;
    assert_eq!(answer.refused(), OUT_OF_TIME);
    let left = (1..=12).filter(|number| on(&stage, *number).len() == 2);
    assert_eq!(left.collect::<Vec<_>>(), [2, 3, 5, 8, 12]);
    assert_eq!(stage.play(&delete).await.succeeded(), id());
    for number in 1..=12 {
        assert_eq!(on(&stage, number), [foreign(number)]);
    }
}

#[tokio::test]
async fn what_kept_the_last_version_from_being_done_is_told() {
    let stage = layer_of(12).await;
    let one = version(1);
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    {
        let faults = &mut stage.lambda.state().faults;
        faults.inject_always(Operation::Get, Some(&one), throttled);
    }
    let create = event("create-all-versions");
    let answer = stage.play_within(Duration::from_secs(8), &create).await;
    assert_eq!(
        answer.refused(),
        "out of time: got 11 of 12 versions done, raise the function's timeout or, where nothing was rolled back, run it again and it goes on from there (waiting for this to pass: throttled by Lambda: got `TooManyRequestsException` (`Rate exceeded`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, with fewer stacks at a time)"
    );
}

#[tokio::test]
async fn a_list_without_an_answer_may_hide_what_an_earlier_delivery_made() {
    let stage = layer_of(3).await;
    stage
        .lambda
        .inject_always(Operation::List, Fault::NoResponse);
    let create = event("create-all-versions");
    let answer = stage.play_within(Duration::from_secs(3), &create).await;
    assert_eq!(
        answer.refused(),
        "out of time: got no answer from Lambda before the function's deadline, raise the function's timeout or check its way to Lambda's API"
    );
    assert_eq!(answer.id(), id());
}
