//! Events that are delivered out of order: a Delete during its Create, a rollback during its Update. What was revoked or rolled back
//! concurrently is not granted again, and nothing remains.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::cloudformation_api::Resource;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::test_env::{Response, TestEnv};

const NOTHING: [Value; 0] = [];

fn other_statement() -> Value {
    public_statement(LAYER_VERSION, "other")
}

/// A function with two execution environments.
async fn two_executions() -> TestEnv {
    let mut env = TestEnv::start().await;
    env.add_execution_environment(&[]);
    env
}

/// Sends `first`, and `second` after this time, without waiting for the first response.
async fn overlapping(
    env: &TestEnv,
    first: &Event,
    later: Duration,
    second: &Event,
) -> [Response; 2] {
    let second = async {
        sleep(later).await;
        env.send(second).await
    };
    let (first, second) = tokio::join!(env.send(first), second);
    [first, second]
}

fn list(length: usize) -> Event {
    let accounts: Vec<String> = (0..length)
        .map(|number| format!("{:012}", number + 1))
        .collect();
    event("create-list").property("Principals", json!(accounts))
}

#[tokio::test]
async fn an_out_of_order_delete_of_a_list_leaves_nothing() {
    let cases = [
        (3, 1_500, vec![]),
        (3, 1_500, vec![other_statement()]),
        (30, 0, vec![]),
        (30, 0, vec![other_statement()]),
        (2, 1_000, vec![]),
        (1, 3_000, vec![]),
        (1, 3_000, vec![other_statement()]),
        (2, 3_500, vec![]),
        (3, 3_500, vec![]),
        (1, 7_000, vec![other_statement()]),
    ];
    let sent = cases.map(async |(length, delay, before)| {
        let env = two_executions().await;
        for statement in &before {
            env.put_statement(statement.clone());
        }
        let delay = Duration::from_millis(delay);
        env.lambda.state().delays.insert(Operation::Add, delay);
        let create = list(length);
        let delete = create.delete_of("sharing-LayerPermission-1A2B3C4D5E6F");
        let pause = Duration::from_millis(300);
        let [_, deleted] = overlapping(&env, &create, pause, &delete).await;
        deleted.expect_success();
        assert_eq!(env.statements(), before, "{length} {delay:?}");
    });
    join_all(sent).await;
}

#[tokio::test]
async fn an_out_of_order_delete_of_all_versions_leaves_nothing() {
    let env = two_executions().await;
    let layer = LAYER_VERSION.trim_end_matches(":1");
    for number in 2..=12 {
        env.lambda
            .state()
            .policies
            .publish(&format!("{layer}:{number}"));
    }
    let create = event("create-all-versions")
        .without_property("Principal")
        .without_property("OrganizationId")
        .property(
            "Principals",
            "111122223333,444455556666,777788889999,o-abc1234567",
        );
    let delete = create.delete_of("sharing-LayerPermission-1A2B3C4D5E6F");
    let pause = Duration::from_millis(500);
    let [_, deleted] = overlapping(&env, &create, pause, &delete).await;
    deleted.expect_success();
    for number in 1..=12 {
        let left = env
            .lambda
            .state()
            .policies
            .statements(&format!("{layer}:{number}"));
        assert_eq!(left, NOTHING, "version {number}");
    }
}

#[tokio::test]
async fn a_statement_that_is_removed_concurrently_is_not_added_again() {
    let env = TestEnv::start().await;
    env.put_statement(other_statement());
    let removed = Fault::ConcurrentRemove("partners-111122223333");
    env.lambda
        .inject(Operation::Add, [Fault::RespondsWith(500, ""), removed]);
    let response = env.send(&list_of_three()).await;
    assert_eq!(
        response.expect_failed(),
        "statement removed concurrently: got the policy without `partners-111122223333`, which this request had added, deploy again if it should still be granted (rolled back: add `partners-111122223333` for `111122223333`)"
    );
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.statements(), [other_statement()]);
}

#[tokio::test]
async fn what_a_completed_resource_relies_on_is_not_rolled_back() {
    let create = list_of_three();
    let layer = LAYER_VERSION.to_owned();
    for (status, id, is_rolled_back) in [
        ("CREATE_COMPLETE", format!("{layer}#partners"), false),
        ("CREATE_COMPLETE", format!("{layer}#another"), true),
        ("CREATE_IN_PROGRESS", format!("{layer}#partners"), true),
    ] {
        let env = TestEnv::start().await;
        env.put_statement(other_statement());
        let text = |name: &str| create.0[name].as_str().expect("a text").to_owned();
        let (stack, logical_id) = (text("StackId"), text("LogicalResourceId"));
        let mut completed = Resource::new(status, Some(&id));
        // The other execution completes it during this one.
        completed.since += Duration::from_mins(1);
        env.lambda
            .state()
            .stacks
            .pin(&stack, &logical_id, completed);
        let removed = Fault::ConcurrentRemove("partners-111122223333");
        env.lambda
            .inject(Operation::Add, [Fault::RespondsWith(500, ""), removed]);
        let reason = env.send(&create).await.expect_failed().to_owned();
        assert!(
            reason.starts_with("statement removed concurrently"),
            "{reason}"
        );
        let said = reason.contains("(rolled back: ");
        assert_eq!(said, is_rolled_back, "{status} {id}: {reason}");
        let calls = env.lambda.take_calls();
        assert!(
            calls.iter().any(|call| call.starts_with("Describe")),
            "{calls:?}"
        );
    }
}

fn list_of_three() -> Event {
    event("create-list")
}

#[tokio::test]
async fn an_out_of_order_delete_removes_a_statement_that_appears_within_ten_seconds() {
    let cases = [5.0, 8.8, 9.5].map(async |seconds| {
        let env = TestEnv::start().await;
        let delete = event("delete-invented-id");
        let writing = async {
            sleep(Duration::from_secs_f64(seconds)).await;
            env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
        };
        let (deleted, ()) = tokio::join!(env.send(&delete), writing);
        deleted.expect_success();
        assert_eq!(env.statements(), NOTHING, "{seconds} s");
    });
    join_all(cases).await;
}

/// Updates of a grant on version 1, for each way in which a physical id is formed: the Create, and the new properties.
fn updates() -> Vec<(&'static str, Event, Value)> {
    let one = event("create-account");
    let changed = |name: &str, value: Value| {
        let mut properties = one.properties();
        properties[name] = value;
        properties
    };
    let derived = event("create-derived-statement-id");
    let mut to_another = derived.properties();
    to_another["Principal"] = "444455556666".into();
    let list = event("create-list");
    let mut longer = list.properties();
    longer["Principals"] = json!(["111122223333", "777788889999", "888899990000"]);
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    vec![
        (
            "given id",
            one.clone(),
            changed("Principal", "444455556666".into()),
        ),
        ("derived id", derived, to_another),
        ("list", list, longer),
        (
            "another version",
            one.clone(),
            changed("LayerVersionArn", next.into()),
        ),
        (
            "another id",
            one.clone(),
            changed("StatementId", "another".into()),
        ),
    ]
}

#[tokio::test]
async fn an_out_of_order_rollback_restores_the_state_before_the_update() {
    let cases = updates().into_iter().map(async |(name, create, new)| {
        let env = two_executions().await;
        let next = LAYER_VERSION.replace("layer:1", "layer:2");
        env.lambda.state().policies.publish(&next);
        env.put_statement(other_statement());
        let id = env.send(&create).await.expect_success().to_owned();
        let before = sorted(env.statements());
        let update = create.update_to(&id, new.clone());
        let back = update.update_to(&id, create.properties());
        let delay = Duration::from_secs(3);
        env.lambda.state().delays.insert(Operation::Add, delay);
        env.lambda.state().delays.insert(Operation::Remove, delay);
        let pause = Duration::from_millis(500);
        let [_, rolled_back] = overlapping(&env, &update, pause, &back).await;
        assert_eq!(rolled_back.expect_success(), id, "{name}");
        assert_eq!(sorted(env.statements()), before, "{name}");
        assert_eq!(
            env.lambda.state().policies.statements(&next),
            NOTHING,
            "{name}"
        );
        env.lambda.state().delays.clear();
        env.send(&create.delete_of(&id)).await.expect_success();
        assert_eq!(env.statements(), [other_statement()], "{name}");
    });
    join_all(cases).await;
}

fn sorted(mut statements: Vec<Value>) -> Vec<String> {
    statements.sort_by_key(Value::to_string);
    statements.iter().map(Value::to_string).collect()
}

#[tokio::test]
async fn an_out_of_order_rollback_with_a_missing_statement_still_polls_for_its_update() {
    let env = two_executions().await;
    env.put_statement(other_statement());
    let create = event("create-list");
    let id = env.send(&create).await.expect_success().to_owned();
    let before = sorted(env.statements());
    let mut new = create.properties();
    new["Principals"] = json!(["777788889999"]);
    let update = create.update_to(&id, new);
    let delay = Duration::from_secs(3);
    env.lambda.state().delays.insert(Operation::Add, delay);
    let rollback = async {
        sleep(Duration::from_millis(500)).await;
        env.lambda.state().delays.clear();
        env.lambda
            .state()
            .policies
            .delete_statement(LAYER_VERSION, "partners-111122223333");
        env.send(&update.update_to(&id, create.properties())).await
    };
    let (_, rolled_back) = tokio::join!(env.send(&update), rollback);
    rolled_back.expect_success();
    assert_eq!(sorted(env.statements()), before);
}

#[tokio::test]
async fn an_update_that_polls_yields_to_its_rollback() {
    let env = two_executions().await;
    let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
    let id = env.send(&create).await.expect_success().to_owned();
    let before = sorted(env.statements());
    // The new version has none of the statements that the Update replaces: it could be a rollback, so the Update polls.
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    env.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.into();
    new["Principal"] = "444455556666".into();
    let update = create.update_to(&id, new);
    let back = update.update_to(&id, create.properties());
    let pause = Duration::from_secs(4);
    let [updated, rolled_back] = overlapping(&env, &update, pause, &back).await;
    updated.expect_failed();
    assert_eq!(rolled_back.expect_success(), id);
    assert_eq!(sorted(env.statements()), before);
}

#[tokio::test]
async fn a_first_write_that_a_rollback_removes_before_it_is_verified_is_not_kept() {
    let env = two_executions().await;
    let create = event("create-account");
    let id = env.send(&create).await.expect_success().to_owned();
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    env.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.clone().into();
    let update = create.update_to(&id, new);
    let back = update.update_to(&id, create.properties());
    let granted = |env: &TestEnv| env.lambda.state().policies.statements(&next).len();
    let rollback = async {
        while granted(&env) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        // The read that verifies the write is slower than the rollback.
        env.lambda
            .state()
            .delays
            .insert(Operation::Get, Duration::ZERO);
        env.send(&back).await
    };
    env.lambda
        .state()
        .delays
        .insert(Operation::Get, Duration::from_secs(1));
    let (_, rolled_back) = tokio::join!(env.send(&update), rollback);
    assert_eq!(rolled_back.expect_success(), id);
    assert_eq!(granted(&env), 0);
}

#[tokio::test]
async fn an_update_for_a_published_version_does_not_poll() {
    let env = TestEnv::start().await;
    let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
    let id = env.send(&create).await.expect_success().to_owned();
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    env.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.into();
    let began = Instant::now();
    env.send(&create.update_to(&id, new)).await.expect_success();
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_rollback_of_a_successful_update_does_not_poll() {
    for (name, create, new) in updates() {
        let env = TestEnv::start().await;
        env.lambda
            .state()
            .policies
            .publish(&LAYER_VERSION.replace("layer:1", "layer:2"));
        let id = env.send(&create).await.expect_success().to_owned();
        let update = create.update_to(&id, new);
        let updated = env.send(&update).await.expect_success().to_owned();
        let began = Instant::now();
        let back = update.update_to(&updated, create.properties());
        assert_eq!(env.send(&back).await.expect_success(), id, "{name}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}");
    }
}

#[tokio::test]
async fn a_statement_that_is_restored_concurrently_is_not_removed_again() {
    let env = TestEnv::start().await;
    env.put_statement(other_statement());
    let create = event("create-account");
    let id = env.send(&create).await.expect_success().to_owned();
    let mut new = create.properties();
    new["Principal"] = "444455556666".into();
    let restored = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    env.lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(restored.clone())]);
    let response = env.send(&create.update_to(&id, new)).await;
    assert_eq!(
        response.expect_failed(),
        "statement restored concurrently: got `partner` in the policy again, which this request had removed, deploy again if it should still be changed (rolled back: remove `partner` for `111122223333`)"
    );
    assert_eq!(env.statements(), [other_statement(), restored]);
}

#[tokio::test]
async fn a_statement_that_is_replaced_before_it_is_verified_fails_at_once() {
    let env = TestEnv::start().await;
    let delay = Duration::from_millis(300);
    env.lambda.state().delays.insert(Operation::Get, delay);
    let theirs = public_statement(LAYER_VERSION, "partner");
    let replacing = async {
        while env.statements().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        env.lambda
            .state()
            .policies
            .delete_statement(LAYER_VERSION, "partner");
        env.put_statement(theirs.clone());
    };
    let (create, began) = (event("create-account"), Instant::now());
    let (response, ()) = tokio::join!(env.send(&create), replacing);
    assert_eq!(
        response.expect_failed(),
        format!(
            "statement ID already in use: got `{theirs}` in the policy, choose another `StatementId` or remove that statement (rolled back: add `partner` for `111122223333`; not removed: another statement has the id of `partner` for `111122223333`)"
        )
    );
    assert_eq!(response.id(), "never-created");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "not at the deadline"
    );
    assert_eq!(env.statements(), [theirs]);
}
