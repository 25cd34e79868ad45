//! A role that cannot be assumed, or lacks a permission: what the reasons say.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::event;

use crate::assume_role::{ROLE, env_with_role, id, owned_statement, statements};
use crate::test_env::TestEnv;

const NOT_TRUSTED: &str = "cannot assume role: got `AccessDenied` (`User: arn:aws:sts::123456789012:assumed-role/provider/layer-permission is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999988887777:role/share-layers`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, let the role's trust policy name the provider's role (with this `ExternalId` if it has one), and have the provider's operator add it to `AssumableRoles`";

#[tokio::test]
async fn a_create_with_an_untrusting_role_fails_after_twenty_seconds() {
    let env = TestEnv::start().await;
    let began = Instant::now();
    let response = env.send(&event("create-by-role")).await;
    let seconds = began.elapsed().as_secs();
    assert_eq!(response.expect_failed(), NOT_TRUSTED);
    assert_eq!(response.id(), "never-created");
    assert!((20..30).contains(&seconds), "{seconds} s");
    let calls = env.lambda.take_calls();
    assert!(calls.iter().all(|call| call == "Assume: 403"), "{calls:?}");
}

#[tokio::test]
async fn a_wrong_external_id_is_reported_as_missing_trust() {
    let env = env_with_role().await;
    let other = Some("another");
    env.lambda.state().roles.trust(ROLE, other);
    for name in ["create-by-role", "create-by-role-with-external-id"] {
        let response = env.send_within(Duration::from_secs(3), &event(name)).await;
        let passes = "timed out while retrying: ";
        assert_eq!(response.expect_failed(), format!("{passes}{NOT_TRUSTED}"));
    }
}

#[tokio::test]
async fn a_delete_whose_role_cannot_be_assumed_fails_without_a_retry() {
    for name in ["delete-by-role", "delete-by-role-unreadable-properties"] {
        let env = env_with_role().await;
        env.lambda
            .state()
            .policies
            .put_statement(crate::assume_role::OTHER_LAYER_VERSION, owned_statement());
        env.lambda.state().roles.trust(ROLE, Some("another"));
        let response = env.send(&event(name)).await;
        assert_eq!(response.expect_failed(), NOT_TRUSTED);
        assert_eq!(response.id(), id());
        assert_eq!(env.lambda.take_calls(), ["Assume: 403"]);
        assert_eq!(statements(&env), [owned_statement()]);
    }
}

#[tokio::test]
async fn a_delete_of_a_failed_create_assumes_no_role() {
    let env = TestEnv::start().await;
    let delete = event("create-by-role").delete_of("never-created");
    env.send(&delete).await.expect_success();
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_permanent_sts_error_fails_without_a_retry() {
    let env = env_with_role().await;
    let invalid = Fault::Rejected(400, "ValidationError", "1 validation error:\nExternalId");
    env.lambda.inject(Operation::Assume, [invalid]);
    assert_eq!(
        env.send(&event("create-by-role")).await.expect_failed(),
        "cannot assume role: got `ValidationError` (`1 validation error:\\nExternalId`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, deploy again, and if it persists correct what this message names"
    );
}

#[tokio::test]
async fn a_role_that_lacks_a_permission_is_reported() {
    let env = env_with_role().await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject_always(Operation::Get, denied);
    assert_eq!(
        env.send(&event("delete-by-role")).await.expect_failed(),
        "access denied: got `AccessDeniedException` (`not authorized`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:us-west-2:999988887777:layer:their-layer:1`, allow that action on that ARN to the role `arn:aws:iam::999988887777:role/share-layers`"
    );
}

#[tokio::test]
async fn an_invalid_role_property_is_reported() {
    let cases = [
        (
            event("malformed-role"),
            "`RoleArn` is not the ARN of a role: got `share-layers`, give `arn:<partition>:iam::<account>:role/<name>`",
        ),
        (
            event("role-of-another-account"),
            "`RoleArn` is of another account: got `arn:aws:iam::123456789012:role/share-layers`, give a role as in `arn:aws:iam::999988887777:role/<name>`",
        ),
        (
            event("external-id-without-role"),
            "`ExternalId` goes with `RoleArn` only: got it alone, add `RoleArn` or leave it out",
        ),
        (
            event("create-by-role").property("RoleArn", ""),
            "`RoleArn` is empty: got an empty string, give it a value or leave it out",
        ),
        (
            event("create-by-role-with-external-id").property("ExternalId", "my secret"),
            "`ExternalId` is not an external id: got a length of 9 with ` `, give 2 to 1224 letters, digits or `_+=,.@:/-`",
        ),
        (
            event("create-by-role-with-external-id").property("ExternalId", "secret\n"),
            "`ExternalId` begins or ends with white space: got a length of 7, remove the white space",
        ),
        (
            event("create-by-role-with-external-id").property("ExternalId", vec!["secret"]),
            "`ExternalId` is not a single value: got a list, give one string",
        ),
        (
            event("create-by-role-with-external-id").property("ExternalId", ""),
            "`ExternalId` is empty: got an empty string, give it a value or leave it out",
        ),
    ];
    let mut env = TestEnv::start().await;
    for (event, reason) in cases {
        assert_eq!(env.send(&event).await.expect_failed(), reason);
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    let log = env.stop();
    assert!(
        log.iter().all(|line| !line.to_string().contains("secret")),
        "{log:#?}"
    );
}

#[tokio::test]
async fn an_external_id_in_an_sts_message_is_redacted() {
    let mut env = env_with_role().await;
    let repeated = Fault::Rejected(
        400,
        "ValidationError",
        "Value 'sharing/4711' at 'externalId'",
    );
    env.lambda.inject(Operation::Assume, [repeated]);
    let response = env.send(&event("create-by-role-with-external-id")).await;
    assert_eq!(
        response.expect_failed(),
        "cannot assume role: got `ValidationError` (`Value '***' at 'externalId'`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, deploy again, and if it persists correct what this message names"
    );
    let log = env.stop();
    assert!(
        log.iter().all(|line| !line.to_string().contains("4711")),
        "{log:#?}"
    );
}
