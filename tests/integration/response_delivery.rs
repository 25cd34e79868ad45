//! Sending the response: what is retried, and what is an error of the function.

use std::time::Duration;

use fake_aws::events::event;
use fake_aws::response_bucket::PutFault;
use fake_aws::runtime_api::Outcome;
use serde_json::Value;

use crate::test_env::TestEnv;

#[tokio::test]
async fn a_response_that_fails_is_retried_with_the_same_body() {
    let faults = [
        PutFault::Rejected(500),
        PutFault::Rejected(503),
        PutFault::Rejected(429),
        PutFault::Rejected(307),
        PutFault::Rejected(408),
        PutFault::RejectedWithCode(503, "SlowDown"),
        PutFault::RejectedWithCode(400, "RequestTimeout"),
        PutFault::ConnectionClosed,
    ];
    for fault in faults {
        let env = TestEnv::start().await;
        env.bucket.inject([fault, fault]);
        let presigned = env.presign(&event("create-account"));
        let (outcome, puts) = env.deliver(&presigned, Duration::from_mins(1)).await;
        assert_eq!(outcome, Outcome::Ok, "{fault:?}");
        let acknowledged: Vec<_> = puts.iter().map(|put| put.acknowledged).collect();
        assert_eq!(acknowledged, [false, false, true], "{fault:?}");
        let body: Value = serde_json::from_slice(&puts[2].body).unwrap();
        assert_eq!(body["Status"], "SUCCESS", "{fault:?}");
    }
}

#[tokio::test]
async fn a_response_without_an_acknowledgement_is_retried() {
    let env = TestEnv::start().await;
    env.bucket.inject([PutFault::NoResponse]);
    env.send(&event("create-account")).await.expect_success();
}

#[tokio::test]
async fn a_rejected_response_is_an_error_of_the_function_without_a_retry() {
    for fault in [
        PutFault::Rejected(403),
        PutFault::Rejected(400),
        PutFault::Rejected(302),
        PutFault::RejectedWithCode(400, "ExpiredToken"),
        PutFault::RejectedWithCode(403, "RequestTimeTooSkewed"),
    ] {
        let env = TestEnv::start().await;
        env.bucket.inject([fault]);
        let presigned = env.presign(&event("create-account"));
        let (outcome, puts) = env.deliver(&presigned, Duration::from_secs(30)).await;
        assert!(matches!(outcome, Outcome::Err(_)), "{fault:?}: {outcome:?}");
        assert_eq!(puts.len(), 1, "{fault:?}");
        let Outcome::Err(error) = outcome else {
            continue;
        };
        assert!(!error.to_string().contains("Signature"), "{error}");
    }
}

#[tokio::test]
async fn a_response_that_cannot_be_sent_is_an_error_before_the_deadline() {
    for fault in [
        PutFault::Rejected(500),
        PutFault::Rejected(307),
        PutFault::NoResponse,
        PutFault::ConnectionClosed,
    ] {
        let env = TestEnv::start().await;
        env.bucket.inject([fault; 200]);
        let presigned = env.presign(&event("create-account"));
        let (outcome, puts) = env.deliver(&presigned, Duration::from_secs(4)).await;
        let Outcome::Err(error) = outcome else {
            panic!("{fault:?}: {outcome:?}")
        };
        assert!(!error.to_string().contains("Signature"), "{error}");
        assert!(!puts.is_empty(), "{fault:?}");
    }
}
