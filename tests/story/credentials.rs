//! Credentials, signatures and a configuration that Lambda or the SDK do not accept: what may pass is repeated, and what lasts is
//! said at once. Refuses to know roles of other accounts.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::account_statement;

use crate::stage::Stage;

const STALE: [&str; 4] = [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "RequestExpired",
    "RequestTimeTooSkewed",
];

#[tokio::test]
async fn a_stale_signature_is_repeated_with_a_fresh_one() {
    for code in STALE {
        for (name, operation) in [
            ("create-account", Operation::Get),
            ("create-account", Operation::Add),
            ("delete", Operation::Get),
            ("delete", Operation::Remove),
            ("update-fixed-statement-id", Operation::Add),
            ("create-all-versions", Operation::List),
        ] {
            let stage = Stage::start().await;
            if name != "create-account" {
                stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            }
            let expired = Fault::Rejected(
                403,
                code,
                "Signature expired: 20261126T000000Z is now earlier",
            );
            stage.lambda.inject(operation, [expired.clone(), expired]);
            let event = event(name).property("LayerVersionArn", LAYER_VERSION);
            stage.play(&event).await.succeeded();
        }
    }
}

#[tokio::test]
async fn credentials_that_are_not_accepted_are_said_and_leave_nothing_to_delete() {
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
        let stage = Stage::start().await;
        stage
            .lambda
            .inject_always(Operation::Get, Fault::Rejected(403, code, "the token"));
        let create = event("create-account");
        let answer = stage.play(&create).await;
        assert_eq!(answer.refused(), reason);
        assert_eq!(answer.id(), "never-created");
        assert_eq!(stage.play(&event("delete")).await.refused(), reason);
    }
}

#[tokio::test]
async fn a_create_that_cannot_read_leaves_nothing_to_delete() {
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    let refused = Fault::Rejected(400, "ValidationException", "no such thing");
    for fault in [denied, refused] {
        for (name, operation) in [
            ("create-account", Operation::Get),
            ("create-list", Operation::Get),
            ("create-derived-statement-id", Operation::Get),
            ("create-all-versions", Operation::List),
            ("create-all-versions", Operation::Get),
            ("create-by-role", Operation::Assume),
        ] {
            let stage = Stage::start().await;
            stage.lambda.inject_always(operation, fault.clone());
            let answer = stage.play(&event(name)).await;
            answer.refused();
            assert_eq!(answer.id(), "never-created", "{name} {fault:?}");
            let delete = event(name).delete_of(answer.id());
            stage.play(&delete).await.succeeded();
        }
    }
}

#[tokio::test]
async fn a_create_that_cannot_write_leaves_nothing_to_delete() {
    let stage = Stage::start().await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    stage.lambda.inject_always(Operation::Add, denied);
    let answer = stage.play(&event("create-account")).await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
}

#[tokio::test]
async fn a_principal_that_is_not_known_yet_is_waited_for_on_grants() {
    let unknown = Fault::Rejected(
        400,
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    );
    let stage = Stage::start().await;
    stage.lambda.inject(Operation::Add, vec![unknown; 3]);
    stage.play(&event("create-account")).await.succeeded();
}

#[tokio::test]
async fn a_configuration_that_can_never_work_is_said_at_once() {
    let no_credentials = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let fips = [("AWS_USE_FIPS_ENDPOINT", "true")];
    for variables in [&no_credentials[..], &fips] {
        for name in [
            "create-account",
            "delete",
            "create-all-versions",
            "delete-invented-id",
        ] {
            let stage = Stage::with_environment(variables).await;
            let began = Instant::now();
            let answer = stage.play(&event(name)).await;
            let reason = answer.refused();
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
            assert_eq!(stage.lambda.take_calls(), [""; 0]);
        }
    }
}
