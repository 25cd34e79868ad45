//! A role that may not be assumed, or may not do what it is assumed for: what the stack's events say then.
//! Refuses to know what such a role does when it may.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::event;

use crate::roles::{ROLE, id, ours, stage_with_role, statements};

use crate::stage::Stage;

const NOT_TRUSTED: &str = "role not assumable: got `AccessDenied` (`User: arn:aws:sts::123456789012:assumed-role/provider/layer-permission is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999988887777:role/share-layers`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, let the role's trust policy name the provider's role (with this `ExternalId` if it has one), and have the provider's operator add it to `AssumableRoles`";

#[tokio::test]
async fn a_role_that_stays_without_trust_fails_a_create_after_twenty_seconds() {
    let stage = Stage::start().await;
    let began = Instant::now();
    let answer = stage.play(&event("create-by-role")).await;
    let seconds = began.elapsed().as_secs();
    assert_eq!(answer.refused(), NOT_TRUSTED);
    assert_eq!(answer.id(), "never-created");
    assert!((20..30).contains(&seconds), "{seconds} s");
    let calls = stage.lambda.take_calls();
    assert!(calls.iter().all(|call| call == "Assume: 403"), "{calls:?}");
}

#[tokio::test]
async fn a_wrong_external_id_is_a_missing_trust() {
    let stage = stage_with_role().await;
    let other = Some("another");
    stage.lambda.state().roles.trust(ROLE, other);
    for name in ["create-by-role", "create-by-role-with-external-id"] {
        let answer = stage
            .play_within(Duration::from_secs(3), &event(name))
            .await;
        let passes = "out of time while waiting for this to pass: ";
        assert_eq!(answer.refused(), format!("{passes}{NOT_TRUSTED}"));
    }
}

#[tokio::test]
async fn a_delete_whose_role_may_not_be_assumed_fails_at_once() {
    for name in ["delete-by-role", "delete-by-role-unreadable-properties"] {
        let stage = stage_with_role().await;
        stage
            .lambda
            .state()
            .policies
            .put_statement(crate::roles::THEIRS, ours());
        stage.lambda.state().roles.trust(ROLE, Some("another"));
        let answer = stage.play(&event(name)).await;
        assert_eq!(answer.refused(), NOT_TRUSTED);
        assert_eq!(answer.id(), id());
        assert_eq!(stage.lambda.take_calls(), ["Assume: 403"]);
        assert_eq!(statements(&stage), [ours()]);
    }
}

#[tokio::test]
async fn what_was_never_created_needs_no_role() {
    let stage = Stage::start().await;
    let delete = event("create-by-role").delete_of("never-created");
    stage.play(&delete).await.succeeded();
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn what_sts_refuses_for_good_fails_at_once() {
    let stage = stage_with_role().await;
    let invalid = Fault::Rejected(400, "ValidationError", "1 validation error:\nExternalId");
    stage.lambda.inject(Operation::Assume, [invalid]);
    assert_eq!(
        stage.play(&event("create-by-role")).await.refused(),
        "role not assumable: got `ValidationError` (`1 validation error:\\nExternalId`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, deploy again, and if it stays so correct what this message names"
    );
}

#[tokio::test]
async fn a_role_that_lacks_a_permission_is_named() {
    let stage = stage_with_role().await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    stage.lambda.inject_always(Operation::Get, denied);
    assert_eq!(
        stage.play(&event("delete-by-role")).await.refused(),
        "access denied: got `AccessDeniedException` (`not authorized`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:us-west-2:999988887777:layer:their-layer:1`, allow that action on that ARN to the role `arn:aws:iam::999988887777:role/share-layers`"
    );
}

#[tokio::test]
async fn properties_that_name_no_usable_role_say_so() {
    let cases = [
        (
            event("malformed-role"),
            "`RoleArn` is not the ARN of a role: got `share-layers`, give `arn:<partition>:iam::<account>:role/<name>`",
        ),
        (
            event("role-of-another-account"),
            "`RoleArn` is of another account than the layer: got `arn:aws:iam::123456789012:role/share-layers`, give a role as in `arn:aws:iam::999988887777:role/<name>`",
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
    let mut stage = Stage::start().await;
    for (event, reason) in cases {
        assert_eq!(stage.play(&event).await.refused(), reason);
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
    let log = stage.end();
    assert!(
        log.iter().all(|line| !line.to_string().contains("secret")),
        "{log:#?}"
    );
}

#[tokio::test]
async fn what_sts_repeats_of_an_external_id_is_not_shown() {
    let mut stage = stage_with_role().await;
    let repeated = Fault::Rejected(
        400,
        "ValidationError",
        "Value 'sharing/4711' at 'externalId'",
    );
    stage.lambda.inject(Operation::Assume, [repeated]);
    let answer = stage.play(&event("create-by-role-with-external-id")).await;
    assert_eq!(
        answer.refused(),
        "role not assumable: got `ValidationError` (`Value '***' at 'externalId'`) from `sts:AssumeRole` on `arn:aws:iam::999988887777:role/share-layers`, deploy again, and if it stays so correct what this message names"
    );
    let log = stage.end();
    assert!(
        log.iter().all(|line| !line.to_string().contains("4711")),
        "{log:#?}"
    );
}
