//! What comes too late, or cannot be told: nothing is granted that nobody knows of.
//! Refuses to wait: how late it is stands in the signature of the `ResponseURL`.

use std::time::{Duration, SystemTime};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{Event, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::account_statement;

use crate::stage::Stage;

const TIMEOUT: Duration = Duration::from_mins(1);

/// The event with a URL that was signed so many seconds ago.
fn signed_ago(stage: &Stage, seconds: u64, event: &Event) -> Event {
    let signed = SystemTime::now() - Duration::from_secs(seconds);
    let since = signed.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let date = aws_date(since.as_secs());
    let mut event = event.clone();
    let query = format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-Expires=7200");
    stage.bucket.presign_with(&mut event.0, &query);
    event
}

/// `20260131T235959Z`, of seconds since 1970.
fn aws_date(seconds: u64) -> String {
    let date = aws_smithy_types::DateTime::from_secs(seconds.try_into().unwrap());
    let date = date.fmt(aws_smithy_types::date_time::Format::DateTime);
    date.unwrap().replace(['-', ':'], "")
}

fn answer_to(puts: &[fake_aws::response_bucket::Put]) -> serde_json::Value {
    serde_json::from_slice(&puts.last().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_create_that_nobody_waits_for_any_more_grants_nothing() {
    let stage = Stage::start().await;
    let create = event("create-account").property("ServiceTimeout", "60");
    let late = signed_ago(&stage, 100, &create);
    let (outcome, puts) = stage.deliver(&late, TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    let answer = answer_to(&puts);
    assert_eq!(
        answer["PhysicalResourceId"],
        format!("{LAYER_VERSION}#partner")
    );
    let reason = answer["Reason"].as_str().unwrap();
    let seconds = reason
        .strip_prefix("event too late: got it ")
        .and_then(|rest| {
            rest.strip_suffix(" seconds after CloudFormation stopped waiting, deploy again")
        })
        .unwrap_or_else(|| panic!("{reason}"));
    assert!(
        (40..60).contains(&seconds.parse::<u64>().unwrap()),
        "{reason}"
    );
    assert!(stage.lambda.take_calls().is_empty());
}

#[tokio::test]
async fn a_create_in_time_is_granted() {
    let stage = Stage::start().await;
    let create = event("create-account").property("ServiceTimeout", "200");
    let (outcome, puts) = stage
        .deliver(&signed_ago(&stage, 100, &create), TIMEOUT)
        .await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(answer_to(&puts)["Status"], "SUCCESS");
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn a_delete_is_never_too_late() {
    let stage = Stage::start().await;
    stage.play(&event("create-account")).await.succeeded();
    let id = format!("{LAYER_VERSION}#partner");
    let delete = event("create-account")
        .delete_of(&id)
        .property("ServiceTimeout", "60");
    let (outcome, puts) = stage
        .deliver(&signed_ago(&stage, 5000, &delete), TIMEOUT)
        .await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(answer_to(&puts)["Status"], "SUCCESS");
    assert!(stage.statements().is_empty());
}

#[tokio::test]
async fn work_ends_before_cloudformation_stops_waiting() {
    let stage = Stage::start().await;
    stage
        .lambda
        .inject_always(Operation::Add, Fault::NoResponse);
    let create = event("create-account").property("ServiceTimeout", "3");
    let (outcome, puts) = stage
        .deliver(&signed_ago(&stage, 0, &create), TIMEOUT)
        .await;
    assert_eq!(outcome, Outcome::Ok);
    let answer = answer_to(&puts);
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.starts_with("out of time: "), "{reason}");
}

#[tokio::test]
async fn a_grant_that_nobody_could_be_told_of_is_taken_back() {
    for status in [400, 403, 302] {
        let stage = Stage::start().await;
        stage.bucket.inject([PutFault::Rejected(status)]);
        let create = stage.issue(&event("create-account"));
        let (outcome, _) = stage.deliver(&create, TIMEOUT).await;
        assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
        assert!(stage.statements().is_empty(), "{status}");
        // Lambda runs the event again, and this time the answer gets through.
        let (outcome, puts) = stage.deliver(&create, TIMEOUT).await;
        assert_eq!(outcome, Outcome::Ok);
        assert_eq!(answer_to(&puts)["Status"], "SUCCESS");
        assert_eq!(
            stage.statements(),
            [account_statement(LAYER_VERSION, "partner", "111122223333")]
        );
    }
}

#[tokio::test]
async fn an_update_that_nobody_could_be_told_of_is_reversed() {
    let stage = Stage::start().await;
    let create = event("create-list");
    let id = stage.play(&create).await.succeeded().to_owned();
    let before = stage.statements();
    let fewer = create
        .clone()
        .property("Principals", "111122223333,999988887777");
    stage.bucket.inject([PutFault::Rejected(403)]);
    let update = stage.issue(&create.update_to(&id, fewer.properties()));
    let (outcome, _) = stage.deliver(&update, TIMEOUT).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    let after = stage.statements();
    assert_eq!(after.len(), before.len());
    assert!(
        before.iter().all(|statement| after.contains(statement)),
        "{after:#?}"
    );
}

#[tokio::test]
async fn what_may_have_been_told_is_not_taken_back() {
    let stage = Stage::start().await;
    stage
        .bucket
        .inject([PutFault::ConnectionClosed, PutFault::Rejected(403)]);
    let create = stage.issue(&event("create-account"));
    let (outcome, _) = stage.deliver(&create, TIMEOUT).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn what_was_granted_before_is_not_taken_back_for_an_answer_that_was_refused() {
    let stage = Stage::start().await;
    stage.play(&event("create-account")).await.succeeded();
    stage.bucket.inject([PutFault::Rejected(403)]);
    let again = stage.issue(&event("create-account"));
    stage.deliver(&again, TIMEOUT).await;
    assert_eq!(stage.statements().len(), 1);
}

#[tokio::test]
async fn what_an_earlier_delivery_granted_is_deleted_though_the_next_one_could_not_look() {
    let stage = Stage::start().await;
    let create = stage.issue(&event("create-account"));
    let short = Duration::from_secs(4);
    stage.bucket.inject([PutFault::Rejected(503); 20]);
    let (outcome, _) = stage.deliver(&create, short).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    assert_eq!(stage.statements().len(), 1);
    stage.bucket.state().clear_faults();
    let down = Fault::Rejected(500, "ServiceException", "down");
    stage.lambda.inject_always(Operation::Get, down);
    let (outcome, puts) = stage.deliver(&create, short).await;
    assert_eq!(outcome, Outcome::Ok);
    let answer = answer_to(&puts);
    assert_eq!(
        answer["PhysicalResourceId"],
        format!("{LAYER_VERSION}#partner")
    );
    stage.lambda.clear_faults();
    let delete = event("create-account").delete_of(&format!("{LAYER_VERSION}#partner"));
    stage.play(&delete).await.succeeded();
    assert!(stage.statements().is_empty());
}

#[tokio::test]
async fn a_create_in_a_region_that_is_not_there_leaves_nothing_to_delete() {
    let nowhere = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let stage = Stage::with_environment(&[nowhere]).await;
    let answer = stage
        .play_within(Duration::from_secs(4), &event("create-account"))
        .await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
}
