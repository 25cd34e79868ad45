//! The reasons that users read in the stack's events, word for word.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::test_env::TestEnv;

const NO_POLICY: Fault = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
const NOT_VALID: Fault = Fault::Rejected(
    400,
    "InvalidParameterValueException",
    "The provided principal was invalid. Please check the principal and try again.",
);
const DENIED: Fault = Fault::Rejected(
    403,
    "AccessDeniedException",
    "User: arn:aws:sts::123456789012:assumed-role/provider/layer-permission is not authorized",
);

#[tokio::test]
async fn invalid_properties_report_how_to_correct_them() {
    let cases = [
        (
            event("unknown-property"),
            "unknown property: got `OrganisationId`, the nearest known one is `OrganizationId`, use that or remove it",
        ),
        (
            event("empty-organization"),
            "`OrganizationId` is empty: got an empty string, give it a value or leave it out",
        ),
        (
            event("octal-principal"),
            "`Principal` has no account id of 12 digits: got `1229530843`, which YAML makes of an unquoted `011122223333` by reading it as an octal number, for its leading zero, put the account id in quotes",
        ),
        (
            event("malformed-principal"),
            "invalid `Principal`: got `arn:aws:iam::111122223333:user/alice`, give an account id of 12 digits, `arn:<partition>:iam::<account>:root` or `*`",
        ),
        (
            event("missing-principal"),
            "no principal: got neither `Principal` nor `Principals`, give an account id of 12 digits, `arn:<partition>:iam::<account>:root` or `*`, or a list",
        ),
        (
            event("malformed-organization"),
            "`OrganizationId` is not an organization's id: got `ou-abc1-23456789`, give `o-` and 10 to 32 lower-case letters or digits",
        ),
        (
            event("organization-with-account"),
            "`OrganizationId` goes with everybody only: got it with the account `111122223333`, make `Principal` `*` or remove `OrganizationId`",
        ),
        (
            event("malformed-layer-version-arn"),
            "`LayerVersionArn` has no version: got the layer `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, add one as in `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`",
        ),
        (
            event("create-account").property("LayerVersionArn", "my-layer"),
            "`LayerVersionArn` is not the ARN of a layer version: got `my-layer`, give `arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>`",
        ),
        (
            event("missing-layer-version"),
            "no layer version: got neither `LayerVersionArn` nor `LayerName` with `VersionNumber`, give one of them",
        ),
        (
            event("layer-version-twice"),
            "two layer versions: got `LayerVersionArn` and `LayerName` or `VersionNumber`, give one or the other",
        ),
        (
            event("missing-version-number"),
            "no layer version: got `LayerName` alone, add `VersionNumber` or give `LayerVersionArn` instead",
        ),
        (
            event("create-by-name-and-number").without_property("LayerName"),
            "no layer version: got `VersionNumber` alone, add `LayerName` or give `LayerVersionArn` instead",
        ),
        (
            event("malformed-version-number"),
            "`VersionNumber` is not a version: got `0`, give a positive whole number",
        ),
        (
            event("create-by-name-and-number").property("LayerName", "my layer"),
            "`LayerName` is neither a name nor a layer ARN: got `my layer`, give up to 140 letters, digits, `-` or `_`, or `arn:<partition>:lambda:<region>:<account>:layer:<name>`",
        ),
        (
            event("malformed-statement-id"),
            "`StatementId` is not a statement id: got `partner account`, give 1 to 100 letters, digits, `-` or `_`",
        ),
        (
            event("other-action"),
            "`Action` is not one of a layer version: got `lambda:*`, give `lambda:GetLayerVersion` or leave it out",
        ),
        (
            event("create-account").property("StatementId", Value::Null),
            "`StatementId` is not a single value: got `null`, give one string",
        ),
        (
            event("create-public")
                .property("Action", "")
                .property("OrganizationId", ""),
            "`OrganizationId` is empty: got an empty string, give it a value or leave it out; `Action` is empty: got an empty string, give it a value or leave it out",
        ),
    ];
    rejected_without_a_call(&cases).await;
}

#[tokio::test]
async fn values_that_tools_have_mangled_report_what_is_wrong() {
    let cases = [
        (
            event("create-account").property("RevisionId", "0f1e\n"),
            "`RevisionId` begins or ends with white space: got `0f1e\\n`, remove the white space",
        ),
        (
            event("create-account").property("StatementId", "a\u{1b}[31m\u{202e}b"),
            "`StatementId` is not a statement id: got `a\\u{1b}[31m\\u{202e}b`, give 1 to 100 letters, digits, `-` or `_`",
        ),
        (
            event("create-account").property("Principal", "8.8888888888E10"),
            "`Principal` has no account id of 12 digits: got `8.8888888888E10`, which YAML makes of an unquoted `088888888888` by reading it as a floating-point number, put the account id in quotes",
        ),
        (
            event("create-account").property(
                "LayerVersionArn",
                "arn:aws:lambda:s3:123456789012:layer:my-layer:1",
            ),
            "`LayerVersionArn` is not the ARN of a layer version: got `arn:aws:lambda:s3:123456789012:layer:my-layer:1`, give `arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>`",
        ),
        (
            event("create-list").property("Principals", vec!["111122223333"; 5000]),
            "`Principals` is too long: got 5000 entries, give at most 128, or grant to one organization",
        ),
    ];
    rejected_without_a_call(&cases).await;
}

#[tokio::test]
async fn an_unsupported_request_reports_what_is_supported() {
    let cases = [
        (
            event("missing-request-type"),
            "malformed `RequestType`: got `null`, send `Create`, `Update` or `Delete`",
        ),
        (
            event("unknown-request-type"),
            "malformed `RequestType`: got `\"Replace\"`, send `Create`, `Update` or `Delete`",
        ),
        (
            event("null-properties"),
            "malformed `ResourceProperties`: got `null`, send an object",
        ),
    ];
    rejected_without_a_call(&cases).await;
}

async fn rejected_without_a_call(cases: &[(Event, &str)]) {
    let env = TestEnv::start().await;
    for (event, reason) in cases {
        assert_eq!(env.send(event).await.expect_failed(), *reason);
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn an_api_error_reports_the_action_the_target_and_the_remedy() {
    let two_lines = Fault::Rejected(
        400,
        "ValidationException",
        "1 validation error detected:\nValue",
    );
    let cases = [
        (
            "delete",
            Operation::Remove,
            DENIED,
            "access denied: got `AccessDeniedException` (`User: arn:aws:sts::123456789012:assumed-role/provider/layer-permission is not authorized`) from `lambda:RemoveLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the resource's account that is allowed to",
        ),
        (
            "delete",
            Operation::Get,
            DENIED,
            "access denied: got `AccessDeniedException` (`User: arn:aws:sts::123456789012:assumed-role/provider/layer-permission is not authorized`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the resource's account that is allowed to",
        ),
        (
            "create-organization",
            Operation::Add,
            NOT_VALID,
            "principal not accepted: got `InvalidParameterValueException` (`The provided principal was invalid. Please check the principal and try again.`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, check that it exists, and deploy again some minutes after it was created (the principal is `o-abc1234567`)",
        ),
        (
            "create-organization",
            Operation::Add,
            two_lines,
            "rejected by Lambda: got `ValidationException` (`1 validation error detected:\\nValue`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, correct what this message names",
        ),
    ];
    for (name, operation, fault, reason) in cases {
        let env = TestEnv::start().await;
        env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
        env.lambda.inject_always(operation, fault);
        assert_eq!(env.send(&event(name)).await.expect_failed(), reason);
    }
}

#[tokio::test]
async fn a_timeout_reports_the_last_error() {
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    let broken = Fault::Rejected(500, "ServiceException", "An error occurred.");
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    let cases = [
        (
            Operation::Get,
            throttled,
            "timed out while retrying: throttled by Lambda: got `TooManyRequestsException` (`Rate exceeded`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, with fewer stacks at a time",
        ),
        (
            Operation::Get,
            broken,
            "timed out while retrying: Lambda unavailable: got `ServiceException` (`An error occurred.`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it persists check the ARN's region and the function's network path to Lambda's API",
        ),
        (
            Operation::Add,
            denied,
            "timed out while retrying: access denied: got `AccessDeniedException` (`not authorized`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, allow that action on that ARN to the provider's role, or give as `RoleArn` a role of the resource's account that is allowed to",
        ),
        (
            Operation::Get,
            Fault::NoResponse,
            "timed out: got no response from Lambda before the function's deadline, raise the function's timeout or check its network path to Lambda's API",
        ),
        (
            Operation::Add,
            Fault::NoResponse,
            "timed out: got no response from Lambda before the function's deadline, raise the function's timeout or check its network path to Lambda's API (may still be in effect: add `partner` for `111122223333` (outcome unknown))",
        ),
    ];
    for (operation, fault, reason) in cases {
        let env = TestEnv::start().await;
        env.lambda.inject_always(operation, fault);
        let response = env
            .send_within(Duration::from_secs(3), &event("create-account"))
            .await;
        assert_eq!(response.expect_failed(), reason);
    }
}

#[tokio::test]
async fn a_timeout_does_not_report_an_error_that_was_retried_successfully() {
    let env = TestEnv::start().await;
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    env.lambda.inject(Operation::Get, [throttled]);
    env.lambda.inject_always(Operation::Add, Fault::NoResponse);
    let response = env
        .send_within(Duration::from_secs(3), &event("create-account"))
        .await;
    assert_eq!(
        response.expect_failed(),
        "timed out: got no response from Lambda before the function's deadline, raise the function's timeout or check its network path to Lambda's API (may still be in effect: add `partner` for `111122223333` (outcome unknown))"
    );
}

#[tokio::test]
async fn a_malformed_policy_is_reported_and_not_changed() {
    let env = TestEnv::start().await;
    env.lambda
        .inject_always(Operation::Get, Fault::MalformedPolicy("<xml/>"));
    for name in ["create-account", "delete"] {
        let response = env.send_within(Duration::from_secs(3), &event(name)).await;
        assert_eq!(
            response.expect_failed(),
            "timed out while retrying: malformed response: got `malformed response` (`expected value at line 1 column 1`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, deploy again, and if it persists check what is between the function and Lambda's API"
        );
        let calls = env.lambda.take_calls();
        assert!(
            calls.len() > 1 && calls.iter().all(|call| call == "Get: 200"),
            "{calls:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_layer_version_is_reported() {
    let env = TestEnv::start().await;
    env.lambda.state().policies.unpublish(LAYER_VERSION);
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        "no such layer version: got `ResourceNotFoundException` (`Layer version arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1 does not exist.`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, publish it or correct the ARN"
    );
}

#[tokio::test]
async fn a_statement_id_in_use_is_reported_with_its_statement() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(LAYER_VERSION, "partner"));
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        r#"statement ID already in use: got `{"Action":"lambda:GetLayerVersion","Effect":"Allow","Principal":"*","Resource":"arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1","Sid":"partner"}` in the policy, choose another `StatementId` or remove that statement"#
    );
}

#[tokio::test]
async fn a_revision_mismatch_reports_both_revisions() {
    let env = TestEnv::start().await;
    for found in ["none", "revision-2"] {
        assert_eq!(
            env.send(&event("create-under-revision"))
                .await
                .expect_failed(),
            format!(
                "revision mismatch: got revision `{found}` where `RevisionId` requires `revision-1`, read the policy again and give its revision, or leave `RevisionId` out"
            )
        );
        env.put_statement(public_statement(LAYER_VERSION, "other"));
        env.put_statement(public_statement(LAYER_VERSION, "another"));
    }
}

#[tokio::test]
async fn a_policy_size_limit_reports_the_size_and_a_smaller_alternative() {
    let env = TestEnv::start().await;
    for number in 0..105 {
        let sid = format!("partner-{number:03}");
        env.put_statement(account_statement(LAYER_VERSION, &sid, ACCOUNT));
    }
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        "policy size limit exceeded: got `PolicyLengthExceededException` (`The final policy size (20613) is bigger than the limit (20480).`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, grant to one organization instead of many accounts, or remove statements (it has 105 statements in 20423 of 20480 bytes with 0 of the 1 desired)"
    );
}

#[tokio::test]
async fn a_failure_reports_what_was_rolled_back() {
    let env = TestEnv::start().await;
    env.lambda.inject(Operation::Get, [NO_POLICY, NOT_VALID]);
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        "rejected by Lambda: got `InvalidParameterValueException` (`The provided principal was invalid. Please check the principal and try again.`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, correct what this message names (rolled back: add `partner` for `111122223333`)"
    );
    env.lambda.inject(Operation::Get, [NO_POLICY, NOT_VALID]);
    env.lambda.inject_always(Operation::Remove, NOT_VALID);
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        "rejected by Lambda: got `InvalidParameterValueException` (`The provided principal was invalid. Please check the principal and try again.`) from `lambda:GetLayerVersionPolicy` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, correct what this message names (may still be in effect: add `partner` for `111122223333`)"
    );
}

#[tokio::test]
async fn a_panic_is_reported_as_an_internal_error() {
    let env = TestEnv::with_variables(&[("SIMULATE_PANIC", "1")]).await;
    assert_eq!(
        env.send(&event("create-account")).await.expect_failed(),
        "internal error: got a panic, report it with the function's log"
    );
}
