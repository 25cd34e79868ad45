//! Credentials, signatures and a configuration that Lambda or the SDK rejects: transient errors are retried, permanent ones fail at
//! once. Roles of other accounts are in `assume_role`.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::account_statement;

use crate::test_env::TestEnv;

const STALE: [&str; 4] = [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "RequestTimeTooSkewed",
];

#[tokio::test]
async fn a_call_with_an_expired_signature_is_retried_with_a_new_one() {
    for code in STALE {
        for (name, operation) in [
            ("create-account", Operation::Get),
            ("create-account", Operation::Add),
            ("delete", Operation::Get),
            ("delete", Operation::Remove),
            ("update-fixed-statement-id", Operation::Add),
            ("create-all-versions", Operation::List),
        ] {
            let env = TestEnv::start().await;
            if name != "create-account" {
                env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            }
            let expired = Fault::Rejected(
                403,
                code,
                "Signature expired: 20261126T000000Z is now earlier",
            );
            env.lambda.inject(operation, [expired.clone(), expired]);
            let event = event(name).property("LayerVersionArn", LAYER_VERSION);
            env.send(&event).await.expect_success();
        }
    }
}

#[tokio::test]
async fn rejected_credentials_fail_with_a_reason_and_leave_nothing_to_delete() {
    for (code, reason) in [
        (
            "ExpiredTokenException",
            "credentials expired: got `ExpiredTokenException` (`the token`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again: the next execution has a new session token",
        ),
        (
            "UnrecognizedClientException",
            "credentials not recognized: got `UnrecognizedClientException` (`the token`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, enable the ARN's region for the account whose credentials these are, or correct the ARN",
        ),
    ] {
        let env = TestEnv::start().await;
        env.lambda
            .inject_always(Operation::Get, Fault::Rejected(403, code, "the token"));
        let create = event("create-account");
        let response = env.send(&create).await;
        assert_eq!(response.expect_failed(), reason);
        assert_eq!(response.id(), "never-created");
        assert_eq!(env.send(&event("delete")).await.expect_failed(), reason);
    }
}

#[tokio::test]
async fn a_create_that_cannot_read_leaves_nothing_to_delete() {
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    let rejected = Fault::Rejected(400, "ValidationException", "no such thing");
    for fault in [denied, rejected] {
        for (name, operation) in [
            ("create-account", Operation::Get),
            ("create-list", Operation::Get),
            ("create-derived-statement-id", Operation::Get),
            ("create-all-versions", Operation::List),
            ("create-all-versions", Operation::Get),
            ("create-by-role", Operation::Assume),
        ] {
            let env = TestEnv::start().await;
            env.lambda.inject_always(operation, fault.clone());
            let response = env.send(&event(name)).await;
            response.expect_failed();
            assert_eq!(response.id(), "never-created", "{name} {fault:?}");
            let delete = event(name).delete_of(response.id());
            env.send(&delete).await.expect_success();
        }
    }
}

#[tokio::test]
async fn a_create_that_cannot_write_leaves_nothing_to_delete() {
    let env = TestEnv::start().await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject_always(Operation::Add, denied);
    let response = env.send(&event("create-account")).await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
}

#[tokio::test]
async fn a_grant_is_retried_until_the_principal_has_propagated() {
    let unknown = Fault::Rejected(
        400,
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    );
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Add, vec![unknown; 3]);
    env.send(&event("create-account")).await.expect_success();
}

#[tokio::test]
async fn an_invalid_configuration_fails_without_retries() {
    let no_credentials = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let fips = [("AWS_USE_FIPS_ENDPOINT", "true")];
    for variables in [&no_credentials[..], &fips] {
        for name in [
            "create-account",
            "delete",
            "create-all-versions",
            "delete-invented-id",
        ] {
            let env = TestEnv::with_variables(variables).await;
            let began = Instant::now();
            let response = env.send(&event(name)).await;
            let reason = response.expect_failed();
            assert!(
                reason.starts_with("invalid provider configuration: got `no request` (`"),
                "{variables:?} {name}: {reason}"
            );
            assert!(
                reason.ends_with(
                    "have the provider's operator correct the function's environment variables"
                ),
                "{reason}"
            );
            assert!(began.elapsed() < Duration::from_secs(5), "{name}");
            assert_eq!(env.lambda.take_calls(), [""; 0]);
        }
    }
}
