//! `RoleArn`: the layers of another account, reached by a role of that account.
//! Refuses to know what is granted there, and the reasons: see `roles_refused`.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::function_process::ACCESS_KEY;
use fake_aws::statements::{account_statement, public_statement};
use fake_aws::sts_api::AssumeRoleRequest;
use serde_json::Value;

use crate::stage::Stage;

pub const THEIRS: &str = "arn:aws:lambda:us-west-2:999988887777:layer:their-layer:1";
pub const ROLE: &str = "arn:aws:iam::999988887777:role/share-layers";

pub fn ours() -> Value {
    account_statement(THEIRS, "partner", ACCOUNT)
}

pub fn id() -> String {
    format!("{THEIRS}#partner")
}

/// With a layer version of another account, and a role there that trusts the provider.
pub async fn stage_with_role() -> Stage {
    let stage = Stage::start().await;
    stage.lambda.state().policies.publish(THEIRS);
    stage.lambda.state().roles.trust(ROLE, None);
    stage
}

pub fn statements(stage: &Stage) -> Vec<Value> {
    stage.lambda.state().policies.statements(THEIRS)
}

/// Asserts that every call to Lambda about an ARN that begins so was signed by `access_key`.
fn signed(stage: &Stage, arn: &str, access_key: &str) {
    let lambda = stage.lambda.state();
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
fn key_of(stage: &Stage, role: &str) -> String {
    match stage.lambda.state().roles.access_keys(role)[..] {
        [key] => key.to_owned(),
        ref keys => panic!("{role} is known by {keys:?}"),
    }
}

fn role_key(stage: &Stage) -> String {
    key_of(stage, ROLE)
}

#[tokio::test]
async fn a_resource_with_a_role_calls_lambda_as_that_role() {
    let stage = stage_with_role().await;
    let answer = stage.play(&event("create-by-role")).await;
    assert_eq!(answer.succeeded(), id());
    assert_eq!(statements(&stage), [ours()]);
    signed(&stage, THEIRS, &role_key(&stage));
    let lambda = stage.lambda.state();
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
        layer: THEIRS.strip_suffix(":1").unwrap().to_owned(),
    };
    assert_eq!(lambda.roles.requests, [assumption]);
}

#[tokio::test]
async fn an_external_id_is_presented() {
    let stage = stage_with_role().await;
    let demanded = Some("sharing/4711");
    stage.lambda.state().roles.trust(ROLE, demanded);
    let create = event("create-by-role-with-external-id");
    stage.play(&create).await.succeeded();
    let lambda = stage.lambda.state();
    assert_eq!(lambda.roles.requests[0].external_id.as_deref(), demanded);
}

#[tokio::test]
async fn a_role_is_assumed_once_an_event() {
    let stage = stage_with_role().await;
    let layer = THEIRS.strip_suffix(":1").unwrap();
    for number in 2..=12 {
        let version = format!("{layer}:{number}");
        stage.lambda.state().policies.publish(&version);
    }
    let all = event("create-by-role").property("Versions", "All");
    let id = stage.play(&all).await.succeeded().to_owned();
    signed(&stage, layer, &role_key(&stage));
    assert_eq!(stage.lambda.state().roles.requests.len(), 1);
    stage.play(&all.delete_of(&id)).await.succeeded();
    signed(&stage, layer, &role_key(&stage));
    assert_eq!(stage.lambda.state().roles.requests.len(), 2);
    assert_eq!(statements(&stage), [] as [Value; 0]);
}

#[tokio::test]
async fn one_resource_has_a_role_and_the_next_has_none() {
    let stage = stage_with_role().await;
    stage.play(&event("create-by-role")).await.succeeded();
    stage.play(&event("create-account")).await.succeeded();
    signed(&stage, THEIRS, &role_key(&stage));
    signed(&stage, LAYER_VERSION, ACCESS_KEY);
    assert_eq!(stage.lambda.state().roles.requests.len(), 1);
}

#[tokio::test]
async fn a_trust_that_is_not_effective_yet_is_waited_for() {
    let stage = stage_with_role().await;
    let denied = Fault::Rejected(403, "AccessDenied", "not authorized");
    let throttled = Fault::Rejected(400, "Throttling", "Rate exceeded");
    let broken = Fault::Rejected(500, "InternalFailure", "An error occurred.");
    let faults = [denied, throttled, broken, Fault::ResponseLost];
    stage.lambda.inject(Operation::Assume, faults);
    let answer = stage.play(&event("create-by-role")).await;
    assert_eq!(answer.succeeded(), id());
}

#[tokio::test]
async fn what_a_role_has_written_is_taken_back_by_it() {
    let stage = stage_with_role().await;
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let refused = Fault::Rejected(400, "InvalidParameterValueException", "no");
    stage.lambda.inject(Operation::Get, [none, refused]);
    let answer = stage.play(&event("create-by-role")).await;
    answer.refused();
    assert_eq!(answer.id(), "never-created");
    assert_eq!(statements(&stage), [] as [Value; 0]);
    signed(&stage, THEIRS, &role_key(&stage));
}

#[tokio::test]
async fn another_role_for_the_same_layer_is_no_other_grant() {
    let stage = stage_with_role().await;
    stage.lambda.state().policies.put_statement(THEIRS, ours());
    let anew = format!("{ROLE}-anew");
    stage.lambda.state().roles.trust(&anew, None);
    assert_eq!(stage.play(&event("update-role")).await.succeeded(), id());
    signed(&stage, THEIRS, &key_of(&stage, &anew));
    assert_eq!(stage.lambda.take_calls(), ["Assume: 200", "Get: 200"]);
}

#[tokio::test]
async fn a_delete_is_made_by_the_role_even_if_the_rest_cannot_be_read() {
    for name in ["delete-by-role", "delete-by-role-unreadable-properties"] {
        let stage = stage_with_role().await;
        let foreign = public_statement(THEIRS, "other");
        for statement in [foreign.clone(), ours()] {
            stage
                .lambda
                .state()
                .policies
                .put_statement(THEIRS, statement);
        }
        assert_eq!(stage.play(&event(name)).await.succeeded(), id());
        assert_eq!(statements(&stage), [foreign], "{name}");
        signed(&stage, THEIRS, &role_key(&stage));
    }
}

#[tokio::test]
async fn a_rollback_clears_away_what_was_left_by_the_role_that_left_it() {
    let (own, theirs) = (event("create-account"), event("create-by-role"));
    for (from, to) in [(&theirs, &own), (&own, &theirs)] {
        let stage = stage_with_role().await;
        let own_statement = account_statement(LAYER_VERSION, "partner", ACCOUNT);
        stage.put_statement(own_statement.clone());
        stage.lambda.state().policies.put_statement(THEIRS, ours());
        let arn = to.properties()["LayerVersionArn"].clone();
        let id = format!("{}#partner", arn.as_str().unwrap());
        let rollback: Event = from.update_to(&id, to.properties());
        assert_eq!(stage.play(&rollback).await.succeeded(), id);
        let left = [stage.statements(), statements(&stage)].concat();
        let kept = if arn == THEIRS { ours() } else { own_statement };
        assert_eq!(left, [kept]);
        signed(&stage, THEIRS, &role_key(&stage));
        signed(&stage, LAYER_VERSION, ACCESS_KEY);
    }
}

#[tokio::test]
async fn each_of_two_roles_writes_to_the_layer_of_its_account() {
    let third = "arn:aws:lambda:us-west-2:555566667777:layer:third-layer:1";
    let third_role = "arn:aws:iam::555566667777:role/share-layers";
    let stage = stage_with_role().await;
    stage.lambda.state().roles.trust(third_role, None);
    stage.lambda.state().policies.publish(third);
    let left = account_statement(third, "partner", ACCOUNT);
    stage.lambda.state().policies.put_statement(third, left);
    let theirs = event("create-by-role");
    let failed = theirs.clone().property("LayerVersionArn", third);
    let failed = failed.property("RoleArn", third_role);
    let rollback = failed.update_to(&id(), theirs.properties());
    stage.play(&rollback).await.succeeded();
    assert_eq!(statements(&stage), [ours()]);
    let left = stage.lambda.state().policies.statements(third);
    assert_eq!(left, [] as [Value; 0]);
    signed(&stage, THEIRS, &role_key(&stage));
    signed(&stage, third, &key_of(&stage, third_role));
}

#[tokio::test]
async fn a_role_is_assumed_for_each_layer_on_its_own() {
    let other = "arn:aws:lambda:us-west-2:999988887777:layer:their-other-layer:1";
    let stage = stage_with_role().await;
    stage.lambda.state().policies.publish(other);
    let left = account_statement(other, "partner", ACCOUNT);
    stage.lambda.state().policies.put_statement(other, left);
    let theirs = event("create-by-role");
    let failed = theirs.clone().property("LayerVersionArn", other);
    let rollback = failed.update_to(&id(), theirs.properties());
    stage.play(&rollback).await.succeeded();
    assert_eq!(statements(&stage), [ours()]);
    let lambda = stage.lambda.state();
    assert_eq!(lambda.policies.statements(other), [] as [Value; 0]);
    let layers: Vec<_> = lambda.roles.requests.iter().map(|of| &of.layer).collect();
    let expected = [THEIRS, other].map(|arn| arn.strip_suffix(":1").unwrap());
    assert_eq!(layers, expected);
    assert_eq!(lambda.roles.access_keys(ROLE).len(), 2);
}

#[tokio::test]
async fn each_event_has_a_session_of_its_own_name() {
    let stage = stage_with_role().await;
    let create = event("create-by-role");
    let id = stage.play(&create).await.succeeded().to_owned();
    stage.play(&create.delete_of(&id)).await.succeeded();
    let lambda = stage.lambda.state();
    let sessions = lambda.roles.requests.iter().map(|of| of.session.as_str());
    let expected = [0, 1].map(|number| format!("00000000-0000-4000-8000-{number:012}"));
    assert_eq!(sessions.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_log_names_the_role_and_none_of_its_secrets() {
    let mut stage = stage_with_role().await;
    stage.play(&event("create-by-role")).await.succeeded();
    // Each secret that was given out is looked for in every line there.
    assert_eq!(stage.lambda.state().roles.secrets().len(), 2);
    let log = stage.end();
    let assumed = |line: &Value| line["call"] == "sts:AssumeRole" && line["resource"] == ROLE;
    assert!(log.iter().any(assumed), "{log:#?}");
}
