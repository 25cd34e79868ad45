//! Responses that could not be sent: a grant that CloudFormation does not know of is rolled back.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::account_statement;

use crate::test_env::{Response, TestEnv};

const TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_grant_whose_response_is_rejected_is_rolled_back() {
    for status in [400, 403, 302] {
        let env = TestEnv::start().await;
        env.bucket.inject([PutFault::Rejected(status)]);
        let create = env.presign(&event("create-account"));
        let (outcome, _) = env.deliver(&create, TIMEOUT).await;
        assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
        assert!(env.statements().is_empty(), "{status}");
        // Lambda retries the event, and this time the response is accepted.
        let (outcome, puts) = env.deliver(&create, TIMEOUT).await;
        assert_eq!(outcome, Outcome::Ok);
        assert_eq!(Response::last(&puts).0["Status"], "SUCCESS");
        assert_eq!(
            env.statements(),
            [account_statement(LAYER_VERSION, "partner", "111122223333")]
        );
    }
}

#[tokio::test]
async fn an_update_whose_response_is_rejected_is_rolled_back() {
    let env = TestEnv::start().await;
    let create = event("create-list");
    let id = env.send(&create).await.expect_success().to_owned();
    let before = env.statements();
    let fewer = create
        .clone()
        .property("Principals", "111122223333,999988887777");
    env.bucket.inject([PutFault::Rejected(403)]);
    let update = env.presign(&create.update_to(&id, fewer.properties()));
    let (outcome, _) = env.deliver(&update, TIMEOUT).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    let after = env.statements();
    assert_eq!(after.len(), before.len());
    assert!(
        before.iter().all(|statement| after.contains(statement)),
        "{after:#?}"
    );
}

#[tokio::test]
async fn a_grant_whose_response_may_have_arrived_is_not_rolled_back() {
    let env = TestEnv::start().await;
    env.bucket
        .inject([PutFault::ConnectionClosed, PutFault::Rejected(403)]);
    let create = env.presign(&event("create-account"));
    let (outcome, _) = env.deliver(&create, TIMEOUT).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn an_existing_grant_is_not_rolled_back_when_the_response_is_rejected() {
    let env = TestEnv::start().await;
    env.send(&event("create-account")).await.expect_success();
    env.bucket.inject([PutFault::Rejected(403)]);
    let again = env.presign(&event("create-account"));
    env.deliver(&again, TIMEOUT).await;
    assert_eq!(env.statements().len(), 1);
}

#[tokio::test]
async fn a_redelivered_create_that_cannot_read_keeps_the_physical_id_for_the_delete() {
    let env = TestEnv::start().await;
    let create = env.presign(&event("create-account"));
    let short = Duration::from_secs(4);
    env.bucket.inject([PutFault::Rejected(503); 20]);
    let (outcome, _) = env.deliver(&create, short).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    assert_eq!(env.statements().len(), 1);
    env.bucket.state().clear_faults();
    let down = Fault::Rejected(500, "ServiceException", "down");
    env.lambda.inject_always(Operation::Get, down);
    let (outcome, puts) = env.deliver(&create, short).await;
    assert_eq!(outcome, Outcome::Ok);
    let response = Response::last(&puts).0;
    assert_eq!(
        response["PhysicalResourceId"],
        format!("{LAYER_VERSION}#partner")
    );
    env.lambda.clear_faults();
    let delete = event("create-account").delete_of(&format!("{LAYER_VERSION}#partner"));
    env.send(&delete).await.expect_success();
    assert!(env.statements().is_empty());
}
