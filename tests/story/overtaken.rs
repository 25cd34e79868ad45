//! Events that are overtaken by the one that undoes them: a Create by the Delete of its stack, an Update by its rollback. What
//! was revoked or rolled back meanwhile is not granted again, and nothing is left. Refuses to know other races.

use std::time::{Duration, Instant};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::stage::{Answer, Stage};

const NOTHING: [Value; 0] = [];

fn other() -> Value {
    public_statement(LAYER_VERSION, "other")
}

/// Two executions of one function.
async fn two_executions() -> Stage {
    let mut stage = Stage::start().await;
    stage.add_executable(&[]);
    stage
}

/// Plays `first`, and `second` so much later, at the same time.
async fn overlapping(stage: &Stage, first: &Event, later: Duration, second: &Event) -> [Answer; 2] {
    let second = async {
        sleep(later).await;
        stage.play(second).await
    };
    let (first, second) = tokio::join!(stage.play(first), second);
    [first, second]
}

fn list(length: usize) -> Event {
    let accounts: Vec<String> = (0..length)
        .map(|number| format!("{:012}", number + 1))
        .collect();
    event("create-list").property("Principals", json!(accounts))
}

#[tokio::test]
async fn a_create_of_a_list_that_its_own_delete_overtakes_leaves_nothing() {
    let cases = [
        (3, 1_500, vec![]),
        (3, 1_500, vec![other()]),
        (30, 0, vec![]),
        (30, 0, vec![other()]),
        (2, 1_000, vec![]),
        (1, 3_000, vec![]),
        (1, 3_000, vec![other()]),
        (2, 3_500, vec![]),
        (3, 3_500, vec![]),
        (1, 7_000, vec![other()]),
    ];
    let played = cases.map(async |(length, slow, before)| {
        let stage = two_executions().await;
        for statement in &before {
            stage.put_statement(statement.clone());
        }
        let slow = Duration::from_millis(slow);
        stage.lambda.state().delays.insert(Operation::Add, slow);
        let create = list(length);
        let delete = create.delete_of("sharing-LayerPermission-1A2B3C4D5E6F");
        let pause = Duration::from_millis(300);
        let [_, deleted] = overlapping(&stage, &create, pause, &delete).await;
        deleted.succeeded();
        assert_eq!(stage.statements(), before, "{length} {slow:?}");
    });
    join_all(played).await;
}

#[tokio::test]
async fn a_create_for_all_versions_that_its_own_delete_overtakes_leaves_nothing() {
    let stage = two_executions().await;
    let layer = LAYER_VERSION.trim_end_matches(":1");
    for number in 2..=12 {
        stage
            .lambda
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
    let [_, deleted] = overlapping(&stage, &create, pause, &delete).await;
    deleted.succeeded();
    for number in 1..=12 {
        let left = stage
            .lambda
            .state()
            .policies
            .statements(&format!("{layer}:{number}"));
        assert_eq!(left, NOTHING, "version {number}");
    }
}

#[tokio::test]
async fn a_statement_that_was_removed_meanwhile_is_not_added_again() {
    let stage = Stage::start().await;
    stage.put_statement(other());
    let removed = Fault::ConcurrentRemove("partners-111122223333");
    stage
        .lambda
        .inject(Operation::Add, [Fault::RespondsWith(500, ""), removed]);
    let answer = stage.play(&list_of_three()).await;
    assert_eq!(
        answer.refused(),
        "statement removed meanwhile: got the policy without `partners-111122223333`, which this request had added, deploy again if it is still to be granted (taken back: add `partners-111122223333` for `111122223333`)"
    );
    assert_eq!(answer.id(), "never-created");
    assert_eq!(stage.statements(), [other()]);
}

fn list_of_three() -> Event {
    event("create-list")
}

#[tokio::test]
async fn a_statement_that_comes_up_to_ten_seconds_after_its_delete_is_found() {
    let cases = [5.0, 8.8, 9.5].map(async |seconds| {
        let stage = Stage::start().await;
        let delete = event("delete-invented-id");
        let writing = async {
            sleep(Duration::from_secs_f64(seconds)).await;
            stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
        };
        let (deleted, ()) = tokio::join!(stage.play(&delete), writing);
        deleted.succeeded();
        assert_eq!(stage.statements(), NOTHING, "{seconds} s");
    });
    join_all(cases).await;
}

/// The Update of the grant of version 1 to another account, in each way in which ids come about, and what it replaces.
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
async fn a_rollback_that_overtakes_its_update_leaves_what_was_before() {
    let cases = updates().into_iter().map(async |(name, create, new)| {
        let stage = two_executions().await;
        let next = LAYER_VERSION.replace("layer:1", "layer:2");
        stage.lambda.state().policies.publish(&next);
        stage.put_statement(other());
        let id = stage.play(&create).await.succeeded().to_owned();
        let before = sorted(stage.statements());
        let update = create.update_to(&id, new.clone());
        let back = update.update_to(&id, create.properties());
        let slow = Duration::from_secs(3);
        stage.lambda.state().delays.insert(Operation::Add, slow);
        stage.lambda.state().delays.insert(Operation::Remove, slow);
        let pause = Duration::from_millis(500);
        let [_, rolled_back] = overlapping(&stage, &update, pause, &back).await;
        assert_eq!(rolled_back.succeeded(), id, "{name}");
        assert_eq!(sorted(stage.statements()), before, "{name}");
        assert_eq!(
            stage.lambda.state().policies.statements(&next),
            NOTHING,
            "{name}"
        );
        stage.lambda.state().delays.clear();
        stage.play(&create.delete_of(&id)).await.succeeded();
        assert_eq!(stage.statements(), [other()], "{name}");
    });
    join_all(cases).await;
}

fn sorted(mut statements: Vec<Value>) -> Vec<String> {
    statements.sort_by_key(Value::to_string);
    statements.iter().map(Value::to_string).collect()
}

#[tokio::test]
async fn a_rollback_that_finds_something_else_missing_looks_for_its_update_all_the_same() {
    let stage = two_executions().await;
    stage.put_statement(other());
    let create = event("create-list");
    let id = stage.play(&create).await.succeeded().to_owned();
    let before = sorted(stage.statements());
    let mut new = create.properties();
    new["Principals"] = json!(["777788889999"]);
    let update = create.update_to(&id, new);
    let slow = Duration::from_secs(3);
    stage.lambda.state().delays.insert(Operation::Add, slow);
    let rollback = async {
        sleep(Duration::from_millis(500)).await;
        stage.lambda.state().delays.clear();
        stage
            .lambda
            .state()
            .policies
            .delete_statement(LAYER_VERSION, "partners-111122223333");
        stage
            .play(&update.update_to(&id, create.properties()))
            .await
    };
    let (_, rolled_back) = tokio::join!(stage.play(&update), rollback);
    rolled_back.succeeded();
    assert_eq!(sorted(stage.statements()), before);
}

#[tokio::test]
async fn an_update_that_waits_gives_way_to_its_rollback() {
    let stage = two_executions().await;
    let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
    let id = stage.play(&create).await.succeeded().to_owned();
    let before = sorted(stage.statements());
    // The new version has nothing of what the Update replaces: it could be a rollback, and waits.
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    stage.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.into();
    new["Principal"] = "444455556666".into();
    let update = create.update_to(&id, new);
    let back = update.update_to(&id, create.properties());
    let pause = Duration::from_secs(4);
    let [updated, rolled_back] = overlapping(&stage, &update, pause, &back).await;
    updated.refused();
    assert_eq!(rolled_back.succeeded(), id);
    assert_eq!(sorted(stage.statements()), before);
}

#[tokio::test]
async fn a_first_write_that_a_rollback_removes_before_it_is_read_back_does_not_stay() {
    let stage = two_executions().await;
    let create = event("create-account");
    let id = stage.play(&create).await.succeeded().to_owned();
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    stage.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.clone().into();
    let update = create.update_to(&id, new);
    let back = update.update_to(&id, create.properties());
    let granted = |stage: &Stage| stage.lambda.state().policies.statements(&next).len();
    let rollback = async {
        while granted(&stage) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        // What is read back waits behind the rollback.
        stage
            .lambda
            .state()
            .delays
            .insert(Operation::Get, Duration::ZERO);
        stage.play(&back).await
    };
    stage
        .lambda
        .state()
        .delays
        .insert(Operation::Get, Duration::from_secs(1));
    let (_, rolled_back) = tokio::join!(stage.play(&update), rollback);
    assert_eq!(rolled_back.succeeded(), id);
    assert_eq!(granted(&stage), 0);
}

#[tokio::test]
async fn a_publish_does_not_wait() {
    let stage = Stage::start().await;
    let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
    let id = stage.play(&create).await.succeeded().to_owned();
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    stage.lambda.state().policies.publish(&next);
    let mut new = create.properties();
    new["LayerVersionArn"] = next.into();
    let began = Instant::now();
    stage.play(&create.update_to(&id, new)).await.succeeded();
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_rollback_of_an_update_that_had_succeeded_does_not_wait() {
    for (name, create, new) in updates() {
        let stage = Stage::start().await;
        stage
            .lambda
            .state()
            .policies
            .publish(&LAYER_VERSION.replace("layer:1", "layer:2"));
        let id = stage.play(&create).await.succeeded().to_owned();
        let update = create.update_to(&id, new);
        let updated = stage.play(&update).await.succeeded().to_owned();
        let began = Instant::now();
        let back = update.update_to(&updated, create.properties());
        assert_eq!(stage.play(&back).await.succeeded(), id, "{name}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}");
    }
}

#[tokio::test]
async fn what_an_update_had_removed_and_its_rollback_restores_is_not_removed_again() {
    let stage = Stage::start().await;
    stage.put_statement(other());
    let create = event("create-account");
    let id = stage.play(&create).await.succeeded().to_owned();
    let mut new = create.properties();
    new["Principal"] = "444455556666".into();
    let restored = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    stage
        .lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(restored.clone())]);
    let answer = stage.play(&create.update_to(&id, new)).await;
    assert_eq!(
        answer.refused(),
        "statement restored meanwhile: got `partner` in the policy again, which this request had removed, deploy again if it is still to be changed (taken back: remove `partner` for `111122223333`)"
    );
    assert_eq!(stage.statements(), [other(), restored]);
}

#[tokio::test]
async fn a_statement_that_another_writer_replaces_before_it_is_read_back_is_told_at_once() {
    let stage = Stage::start().await;
    let slow = Duration::from_millis(300);
    stage.lambda.state().delays.insert(Operation::Get, slow);
    let theirs = public_statement(LAYER_VERSION, "partner");
    let replacing = async {
        while stage.statements().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        stage
            .lambda
            .state()
            .policies
            .delete_statement(LAYER_VERSION, "partner");
        stage.put_statement(theirs.clone());
    };
    let (create, began) = (event("create-account"), Instant::now());
    let (answer, ()) = tokio::join!(stage.play(&create), replacing);
    assert_eq!(
        answer.refused(),
        format!(
            "statement id taken: got `{theirs}` in the policy, choose another `StatementId` or remove that statement (taken back: add `partner` for `111122223333`; left alone: what is there under the id of `partner` for `111122223333`)"
        )
    );
    assert_eq!(answer.id(), "never-created");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "not at the deadline"
    );
    assert_eq!(stage.statements(), [theirs]);
}
