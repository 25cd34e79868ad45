//! A Lambda that throttles, fails, forgets or refuses while a grant is made: it is made, or taken back.
//! Refuses to know the texts of reasons.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::stage::Stage;

const DENIED: Fault = Fault::Rejected(403, "AccessDeniedException", "not authorized");
const BROKEN: Fault = Fault::Rejected(500, "ServiceException", "An error occurred.");
const REFUSED: Fault = Fault::Rejected(400, "InvalidParameterValueException", "no");
const NO_POLICY: Fault = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
const THROTTLED: Fault = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");

#[tokio::test]
async fn a_first_write_that_another_writer_has_overwritten_is_written_again() {
    let stage = Stage::start().await;
    let other = public_statement(LAYER_VERSION, "other");
    stage.lambda.inject(Operation::Add, [Fault::WriteLost]);
    let nothing = Fault::ConcurrentRemove("nobody");
    stage
        .lambda
        .inject(Operation::Get, [nothing, Fault::ConcurrentAdd(other)]);
    stage.play(&event("create-account")).await.succeeded();
    let calls = stage.lambda.take_calls();
    assert_eq!(calls[..3], ["Get: 404", "Add partner: 201", "Get: 200"]);
    assert!(calls[3].starts_with("Add partner if "), "{calls:?}");
    assert_eq!(stage.statements().len(), 2);
}

#[tokio::test]
async fn a_first_write_that_is_gone_with_its_policy_was_removed_and_is_not_made_again() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Add, [Fault::WriteLost]);
    let answer = stage.play(&event("create-account")).await;
    assert!(
        answer
            .refused()
            .starts_with("statement removed meanwhile: got the policy without `partner`")
    );
    assert_eq!(answer.id(), "never-created");
    let adds = stage
        .lambda
        .take_calls()
        .into_iter()
        .filter(|call| call.starts_with("Add"));
    assert_eq!(adds.count(), 1);
}

#[tokio::test]
async fn a_grant_whose_answer_was_lost_is_found_again() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(
        stage.lambda.take_calls(),
        ["Get: 404", "Add partner: no response", "Get: 200"]
    );
}

#[tokio::test]
async fn a_policy_that_is_read_as_it_was_before_our_write_is_read_again() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    stage.lambda.inject(
        Operation::Get,
        [
            Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other")),
            Fault::StaleRead,
        ],
    );
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(stage.statements().len(), 2);
}

#[tokio::test]
async fn throttling_repeats_the_call_and_a_service_error_reads_again() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Get, [THROTTLED, BROKEN]);
    stage.lambda.inject(Operation::Add, [THROTTLED, BROKEN]);
    stage.play(&event("create-account")).await.succeeded();
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
    assert_eq!(stage.lambda.take_calls(), calls);
}

#[tokio::test]
async fn a_role_whose_policy_is_not_effective_yet_is_waited_for() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Get, [DENIED]);
    stage.lambda.inject(Operation::Add, [DENIED]);
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn a_role_that_stays_without_permission_fails_the_create_and_nothing_is_left() {
    let stage = Stage::start().await;
    stage.lambda.inject_always(Operation::Add, DENIED);
    let answer = stage
        .play_within(Duration::from_secs(6), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
}

#[tokio::test]
async fn what_cannot_be_read_back_is_taken_back() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Get, [NO_POLICY, REFUSED]);
    let answer = stage.play(&event("create-account")).await;
    answer.refused();
    assert_eq!(stage.statements(), [] as [Value; 0]);
    assert_eq!(answer.id(), "never-created");
}

#[tokio::test]
async fn a_write_without_an_answer_may_still_come_and_is_answered_by_its_id() {
    let stage = Stage::start().await;
    stage
        .lambda
        .inject_always(Operation::Add, Fault::NoResponse);
    let answer = stage
        .play_within(Duration::from_secs(4), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), format!("{LAYER_VERSION}#partner"));
}

#[tokio::test]
async fn a_write_that_takes_effect_after_its_time_is_taken_back() {
    let stage = Stage::start().await;
    let late = Fault::ConcurrentAdd(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    stage
        .lambda
        .inject_always(Operation::Add, Fault::NoResponse);
    stage
        .lambda
        .inject(Operation::Get, [NO_POLICY, NO_POLICY, late]);
    let answer = stage
        .play_within(Duration::from_secs(8), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
    assert_eq!(stage.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_counts_as_perhaps_done() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    stage.lambda.inject(Operation::Get, [NO_POLICY]);
    stage.lambda.inject_always(Operation::Get, BROKEN);
    let answer = stage
        .play_within(Duration::from_secs(4), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), format!("{LAYER_VERSION}#partner"));
}

#[tokio::test]
async fn a_grant_that_cannot_be_taken_back_is_answered_by_its_id() {
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Get, [NO_POLICY]);
    stage.lambda.inject_always(Operation::Get, BROKEN);
    stage.lambda.inject_always(Operation::Remove, BROKEN);
    let answer = stage
        .play_within(Duration::from_secs(6), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), format!("{LAYER_VERSION}#partner"));
    stage.lambda.clear_faults();
    stage
        .play(&event("create-account").delete_of(answer.id()))
        .await
        .succeeded();
    assert_eq!(stage.statements(), [] as [Value; 0]);
}
