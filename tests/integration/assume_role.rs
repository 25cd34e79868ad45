//! `RoleArn`: layers of another account, reached by a role of that account. The errors are in `assume_role_denied`.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::function_process::ACCESS_KEY;
use fake_aws::statements::{account_statement, public_statement};
use fake_aws::sts_api::AssumeRoleRequest;
use serde_json::Value;

use crate::test_env::TestEnv;

pub const OTHER_LAYER_VERSION: &str = "arn:aws:lambda:us-west-2:999988887777:layer:their-layer:1";
pub const ROLE: &str = "arn:aws:iam::999988887777:role/share-layers";

pub fn owned_statement() -> Value {
    account_statement(OTHER_LAYER_VERSION, "partner", ACCOUNT)
}

pub fn id() -> String {
    format!("{OTHER_LAYER_VERSION}#partner")
}

/// With a layer version of another account, and a role there that trusts the provider.
pub async fn env_with_role() -> TestEnv {
    let env = TestEnv::start().await;
    env.lambda.state().policies.publish(OTHER_LAYER_VERSION);
    env.lambda.state().roles.trust(ROLE, None);
    env
}

pub fn statements(env: &TestEnv) -> Vec<Value> {
    env.lambda.state().policies.statements(OTHER_LAYER_VERSION)
}

/// Asserts that every call to Lambda about an ARN with this prefix was signed by `access_key`.
fn assert_signed_by(env: &TestEnv, arn: &str, access_key: &str) {
    let lambda = env.lambda.state();
    let mut of_lambda = lambda
        .calls
        .iter()
        .filter(|call| call.operation != Operation::Assume && call.arn.starts_with(arn))
        .peekable();
    assert!(of_lambda.peek().is_some(), "no call about {arn}");
    for call in of_lambda {
        assert_eq!(call.credential.access_key, access_key, "{call}");
    }
}

/// The access key of `role`, which was assumed for one layer.
fn access_key_of(env: &TestEnv, role: &str) -> String {
    match env.lambda.state().roles.access_keys(role)[..] {
        [key] => key.to_owned(),
        ref keys => panic!("{role} is known by {keys:?}"),
    }
}

fn role_key(env: &TestEnv) -> String {
    access_key_of(env, ROLE)
}

#[tokio::test]
async fn a_resource_with_a_role_calls_lambda_as_that_role() {
    let env = env_with_role().await;
    let response = env.send(&event("create-by-role")).await;
    assert_eq!(response.expect_success(), id());
    assert_eq!(statements(&env), [owned_statement()]);
    assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
    let lambda = env.lambda.state();
    let calls: Vec<_> = lambda.calls.iter().map(ToString::to_string).collect();
    let expected = ["Assume: 200", "Get: 404", "Add partner: 201", "Get: 200"];
    assert_eq!(calls, expected);
    let (assume, of_lambda) = lambda.calls.split_first().unwrap();
    assert_eq!(assume.credential.access_key, ACCESS_KEY);
    assert_eq!(assume.credential.region, "eu-west-1", "the function's own");
    for call in of_lambda {
        assert_eq!(call.credential.region, "us-west-2", "the layer's own");
        let path = "/2018-10-31/layers/their-layer/versions/1/policy";
        assert!(call.target.starts_with(path), "{}", call.target);
    }
    let assumption = AssumeRoleRequest {
        role: ROLE.to_owned(),
        external_id: None,
        session: "00000000-0000-4000-8000-000000000000".to_owned(),
        layer: OTHER_LAYER_VERSION.strip_suffix(":1").unwrap().to_owned(),
    };
    assert_eq!(lambda.roles.requests, [assumption]);
}

#[tokio::test]
async fn an_external_id_is_sent() {
    let env = env_with_role().await;
    let demanded = Some("sharing/4711");
    env.lambda.state().roles.trust(ROLE, demanded);
    let create = event("create-by-role-with-external-id");
    env.send(&create).await.expect_success();
    let lambda = env.lambda.state();
    assert_eq!(lambda.roles.requests[0].external_id.as_deref(), demanded);
}

#[tokio::test]
async fn a_role_is_assumed_once_per_event() {
    let env = env_with_role().await;
    let layer = OTHER_LAYER_VERSION.strip_suffix(":1").unwrap();
    for number in 2..=12 {
        let version = format!("{layer}:{number}");
        env.lambda.state().policies.publish(&version);
    }
    let all = event("create-by-role").property("Versions", "All");
    let id = env.send(&all).await.expect_success().to_owned();
    assert_signed_by(&env, layer, &role_key(&env));
    assert_eq!(env.lambda.state().roles.requests.len(), 1);
    env.send(&all.delete_of(&id)).await.expect_success();
    assert_signed_by(&env, layer, &role_key(&env));
    assert_eq!(env.lambda.state().roles.requests.len(), 2);
    assert_eq!(statements(&env), [] as [Value; 0]);
}

#[tokio::test]
async fn a_resource_without_a_role_does_not_use_the_role_of_the_resource_before() {
    let env = env_with_role().await;
    env.send(&event("create-by-role")).await.expect_success();
    env.send(&event("create-account")).await.expect_success();
    assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
    assert_signed_by(&env, LAYER_VERSION, ACCESS_KEY);
    assert_eq!(env.lambda.state().roles.requests.len(), 1);
}

#[tokio::test]
async fn assuming_a_role_is_retried_until_its_trust_policy_has_propagated() {
    let env = env_with_role().await;
    let denied = Fault::Rejected(403, "AccessDenied", "not authorized");
    let throttled = Fault::Rejected(400, "Throttling", "Rate exceeded");
    let broken = Fault::Rejected(500, "InternalFailure", "An error occurred.");
    let faults = [denied, throttled, broken, Fault::ResponseLost];
    env.lambda.inject(Operation::Assume, faults);
    let response = env.send(&event("create-by-role")).await;
    assert_eq!(response.expect_success(), id());
}

#[tokio::test]
async fn a_rollback_uses_the_role_that_wrote_the_statement() {
    let env = env_with_role().await;
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    env.lambda.inject(Operation::Get, [none, rejected]);
    let response = env.send(&event("create-by-role")).await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
    assert_eq!(statements(&env), [] as [Value; 0]);
    assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
}

#[tokio::test]
async fn another_role_for_the_same_layer_does_not_replace_the_resource() {
    let env = env_with_role().await;
    env.lambda
        .state()
        .policies
        .put_statement(OTHER_LAYER_VERSION, owned_statement());
    let anew = format!("{ROLE}-anew");
    env.lambda.state().roles.trust(&anew, None);
    assert_eq!(env.send(&event("update-role")).await.expect_success(), id());
    assert_signed_by(&env, OTHER_LAYER_VERSION, &access_key_of(&env, &anew));
    assert_eq!(env.lambda.take_calls(), ["Assume: 200", "Get: 200"]);
}

#[tokio::test]
async fn a_delete_with_invalid_properties_still_uses_the_role() {
    for name in ["delete-by-role", "delete-by-role-unreadable-properties"] {
        let env = env_with_role().await;
        let other = public_statement(OTHER_LAYER_VERSION, "other");
        for statement in [other.clone(), owned_statement()] {
            env.lambda
                .state()
                .policies
                .put_statement(OTHER_LAYER_VERSION, statement);
        }
        assert_eq!(env.send(&event(name)).await.expect_success(), id());
        assert_eq!(statements(&env), [other], "{name}");
        assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
    }
}

#[tokio::test]
async fn a_rollback_removes_orphaned_statements_with_the_role_that_wrote_them() {
    let (own, theirs) = (event("create-account"), event("create-by-role"));
    for (from, to) in [(&theirs, &own), (&own, &theirs)] {
        let env = env_with_role().await;
        let own_statement = account_statement(LAYER_VERSION, "partner", ACCOUNT);
        env.put_statement(own_statement.clone());
        env.lambda
            .state()
            .policies
            .put_statement(OTHER_LAYER_VERSION, owned_statement());
        let arn = to.properties()["LayerVersionArn"].clone();
        let id = format!("{}#partner", arn.as_str().unwrap());
        let rollback: Event = from.update_to(&id, to.properties());
        assert_eq!(env.send(&rollback).await.expect_success(), id);
        let left = [env.statements(), statements(&env)].concat();
        let kept = if arn == OTHER_LAYER_VERSION {
            owned_statement()
        } else {
            own_statement
        };
        assert_eq!(left, [kept]);
        assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
        assert_signed_by(&env, LAYER_VERSION, ACCESS_KEY);
    }
}

#[tokio::test]
async fn each_of_two_roles_changes_the_layer_of_its_account() {
    let third = "arn:aws:lambda:us-west-2:555566667777:layer:third-layer:1";
    let third_role = "arn:aws:iam::555566667777:role/share-layers";
    let env = env_with_role().await;
    env.lambda.state().roles.trust(third_role, None);
    env.lambda.state().policies.publish(third);
    let left = account_statement(third, "partner", ACCOUNT);
    env.lambda.state().policies.put_statement(third, left);
    let theirs = event("create-by-role");
    let failed = theirs.clone().property("LayerVersionArn", third);
    let failed = failed.property("RoleArn", third_role);
    let rollback = failed.update_to(&id(), theirs.properties());
    env.send(&rollback).await.expect_success();
    assert_eq!(statements(&env), [owned_statement()]);
    let left = env.lambda.state().policies.statements(third);
    assert_eq!(left, [] as [Value; 0]);
    assert_signed_by(&env, OTHER_LAYER_VERSION, &role_key(&env));
    assert_signed_by(&env, third, &access_key_of(&env, third_role));
}

#[tokio::test]
async fn a_role_is_assumed_for_each_layer_separately() {
    let other = "arn:aws:lambda:us-west-2:999988887777:layer:their-other-layer:1";
    let env = env_with_role().await;
    env.lambda.state().policies.publish(other);
    let left = account_statement(other, "partner", ACCOUNT);
    env.lambda.state().policies.put_statement(other, left);
    let theirs = event("create-by-role");
    let failed = theirs.clone().property("LayerVersionArn", other);
    let rollback = failed.update_to(&id(), theirs.properties());
    env.send(&rollback).await.expect_success();
    assert_eq!(statements(&env), [owned_statement()]);
    let lambda = env.lambda.state();
    assert_eq!(lambda.policies.statements(other), [] as [Value; 0]);
    let layers: Vec<_> = lambda.roles.requests.iter().map(|of| &of.layer).collect();
    let expected = [OTHER_LAYER_VERSION, other].map(|arn| arn.strip_suffix(":1").unwrap());
    assert_eq!(layers, expected);
    assert_eq!(lambda.roles.access_keys(ROLE).len(), 2);
}

#[tokio::test]
async fn each_event_has_its_own_session_name() {
    let env = env_with_role().await;
    let create = event("create-by-role");
    let id = env.send(&create).await.expect_success().to_owned();
    env.send(&create.delete_of(&id)).await.expect_success();
    let lambda = env.lambda.state();
    let sessions = lambda.roles.requests.iter().map(|of| of.session.as_str());
    let expected = [0, 1].map(|number| format!("00000000-0000-4000-8000-{number:012}"));
    assert_eq!(sessions.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_log_has_the_role_arn_and_none_of_its_secrets() {
    let mut env = env_with_role().await;
    env.send(&event("create-by-role")).await.expect_success();
    // `stop` looks for the secrets of every session in every line.
    assert_eq!(env.lambda.state().roles.secrets().len(), 2);
    let log = env.stop();
    let assumed = |line: &Value| line["action"] == "sts:AssumeRole" && line["resource"] == ROLE;
    assert!(log.iter().any(assumed), "{log:#?}");
}
