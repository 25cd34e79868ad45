//! Requests that CloudFormation no longer waits for, by the signature of their `ResponseURL` and the `ServiceTimeout`.

use std::time::{Duration, SystemTime};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{Event, LAYER_VERSION, event};
use fake_aws::runtime_api::Outcome;

use crate::test_env::{Response, TestEnv};

const TIMEOUT: Duration = Duration::from_mins(1);

/// The event with a URL that was presigned this number of seconds ago.
fn signed_ago(env: &TestEnv, seconds: u64, event: &Event) -> Event {
    let mut event = event.clone();
    let signed = SystemTime::now() - Duration::from_secs(seconds);
    env.bucket.presign_at(&mut event.0, signed);
    event
}

#[tokio::test]
async fn an_expired_create_grants_nothing() {
    let env = TestEnv::start().await;
    let create = event("create-account").property("ServiceTimeout", "60");
    let expired = signed_ago(&env, 100, &create);
    let (outcome, puts) = env.deliver(&expired, TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    let response = Response::last(&puts).0;
    assert_eq!(
        response["PhysicalResourceId"],
        format!("{LAYER_VERSION}#partner")
    );
    let reason = response["Reason"].as_str().unwrap();
    let seconds = reason
        .strip_prefix("request expired: got it ")
        .and_then(|rest| {
            rest.strip_suffix(" seconds after CloudFormation stopped waiting, deploy again")
        })
        .unwrap_or_else(|| panic!("{reason}"));
    assert!(
        (40..60).contains(&seconds.parse::<u64>().unwrap()),
        "{reason}"
    );
    assert!(env.lambda.take_calls().is_empty());
}

#[tokio::test]
async fn a_create_that_has_not_expired_is_granted() {
    let env = TestEnv::start().await;
    let create = event("create-account").property("ServiceTimeout", "200");
    let (outcome, puts) = env.deliver(&signed_ago(&env, 100, &create), TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(Response::last(&puts).0["Status"], "SUCCESS");
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn an_expired_delete_still_revokes() {
    let env = TestEnv::start().await;
    env.send(&event("create-account")).await.expect_success();
    let id = format!("{LAYER_VERSION}#partner");
    let delete = event("create-account")
        .delete_of(&id)
        .property("ServiceTimeout", "60");
    let (outcome, puts) = env.deliver(&signed_ago(&env, 5000, &delete), TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(Response::last(&puts).0["Status"], "SUCCESS");
    assert!(env.statements().is_empty());
}

#[tokio::test]
async fn work_ends_before_the_service_timeout() {
    let env = TestEnv::start().await;
    env.lambda.inject_always(Operation::Add, Fault::NoResponse);
    let create = event("create-account").property("ServiceTimeout", "3");
    let (outcome, puts) = env.deliver(&signed_ago(&env, 0, &create), TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    let response = Response::last(&puts).0;
    let reason = response["Reason"].as_str().unwrap();
    assert!(reason.starts_with("timed out: "), "{reason}");
}
