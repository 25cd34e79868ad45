//! Lists of principals: a statement each, and a change touches nothing but what it changes.
//! Refuses to know how the ids of the statements are made.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::stage::Stage;

fn id() -> String {
    format!("{LAYER_VERSION}#partners")
}

fn account(id: &str) -> Value {
    account_statement(LAYER_VERSION, &format!("partners-{id}"), id)
}

fn organization() -> Value {
    organization_statement(LAYER_VERSION, "partners-o-abc1234567", "o-abc1234567")
}

fn foreign() -> Value {
    public_statement(LAYER_VERSION, "other")
}

/// The statements of `tests/events/create-list.json`, in the order of their ids.
fn created() -> [Value; 3] {
    [account(ACCOUNT), account("444455556666"), organization()]
}

/// A stage on which the list has been created beside a foreign statement.
async fn shared() -> Stage {
    let stage = Stage::start().await;
    stage.put_statement(foreign());
    for statement in created() {
        stage.put_statement(statement);
    }
    stage
}

#[tokio::test]
async fn a_first_write_that_another_writer_overwrites_is_noticed_by_the_second() {
    let stage = Stage::start().await;
    let other = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    stage
        .lambda
        .inject(Operation::Add, [Fault::WriteLost, other]);
    stage.play(&event("create-list")).await.succeeded();
    assert_eq!(stage.statements().len(), created().len() + 1);
}

#[tokio::test]
async fn a_list_has_one_statement_for_each_principal() {
    let stage = Stage::start().await;
    let answer = stage.play(&event("create-list")).await;
    assert_eq!(answer.succeeded(), id());
    assert_eq!(stage.statements(), created());
    assert_eq!(
        stage.lambda.take_calls(),
        [
            "Get: 404",
            "Add partners-111122223333: 201",
            "Add partners-444455556666 if revision-1: 201",
            "Add partners-o-abc1234567 if revision-2: 201",
        ]
    );
    let data = &answer.0["Data"];
    let ids = "partners-111122223333,partners-444455556666,partners-o-abc1234567";
    assert_eq!(data["StatementIds"], ids);
    let statements: Value = serde_json::from_str(data["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(statements, json!(created()));
}

#[tokio::test]
async fn order_and_doubles_do_not_matter() {
    let stage = shared().await;
    let same = "o-abc1234567, 111122223333,444455556666,111122223333";
    let update = event("update-list").property("Principals", same);
    assert_eq!(stage.play(&update).await.succeeded(), id());
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn a_change_adds_before_it_removes_and_touches_nothing_else() {
    let stage = shared().await;
    assert_eq!(stage.play(&event("update-list")).await.succeeded(), id());
    let after = [foreign(), account(ACCOUNT), account("777788889999")];
    assert_eq!(stage.statements(), after);
    let calls = stage.lambda.take_calls();
    assert_eq!(calls[1], "Add partners-777788889999 if revision-4: 201");
    assert!(
        calls[2].starts_with("Remove partners-444455556666"),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_failed_change_gives_back_what_it_took() {
    let stage = shared().await;
    let before = stage.statements();
    let refused = Fault::Rejected(400, "InvalidParameterValueException", "no");
    let same = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "later"));
    stage.lambda.inject(Operation::Get, [same, refused]);
    let answer = stage.play(&event("update-list")).await;
    answer.refused();
    assert_eq!(answer.id(), id());
    let mut after = stage.statements();
    after.retain(|statement| statement["Sid"] != "later");
    let sorted = |mut statements: Vec<Value>| {
        statements.sort_by_key(|statement| statement["Sid"].to_string());
        statements
    };
    assert_eq!(sorted(after), sorted(before));
}

#[tokio::test]
async fn one_principal_becomes_a_list_under_the_same_id() {
    let stage = Stage::start().await;
    stage.put_statement(account_statement(LAYER_VERSION, "partners", ACCOUNT));
    let Event(mut update) = event("update-list");
    let old = update["OldResourceProperties"].as_object_mut().unwrap();
    old.remove("Principals");
    old.insert("Principal".into(), ACCOUNT.into());
    assert_eq!(stage.play(&Event(update)).await.succeeded(), id());
    let after = [account(ACCOUNT), account("777788889999")];
    assert_eq!(stage.statements(), after);
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_taken_back_whole_and_says_how_much_would_fit() {
    let stage = Stage::start().await;
    for number in 0..101 {
        let number = format!("{number:012}");
        stage.put_statement(account_statement(
            LAYER_VERSION,
            &format!("sid-{number}"),
            &number,
        ));
    }
    let before = stage.statements();
    let answer = stage.play(&event("create-list")).await;
    assert_eq!(
        answer.refused(),
        "policy full: got `PolicyLengthExceededException` (`The final policy size (20560) is bigger than the limit (20480).`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, grant to one organization instead of many accounts, or remove statements (it has 102 statements in 20356 of 20480 bytes with 1 of the 3 wanted) (taken back: add `partners-111122223333` for `111122223333`)"
    );
    assert_eq!(answer.id(), "never-created");
    assert_eq!(stage.statements(), before);
}

#[tokio::test]
async fn what_a_template_gets_back_of_a_long_list_is_what_there_is_room_for() {
    let stage = Stage::start().await;
    let accounts: Vec<String> = (0..30).map(|number| format!("{number:012}")).collect();
    let create = event("create-list").property("Principals", json!(accounts));
    let answer = stage.play(&create).await;
    answer.succeeded();
    let data = answer.0["Data"].as_object().unwrap();
    let names: Vec<&str> = data.keys().map(String::as_str).collect();
    // `Statement` is longer than the whole answer may be, so it is empty.
    assert_eq!(data["Statement"], "");
    assert_eq!(
        names,
        [
            "Id",
            "LayerVersionArn",
            "RevisionId",
            "Statement",
            "StatementId",
            "StatementIds"
        ]
    );
    let ids = data["StatementIds"].as_str().unwrap().split(',');
    assert_eq!(ids.count(), 30);
}

#[tokio::test]
async fn a_revision_is_a_condition_of_the_first_write_of_a_list_only() {
    let stage = Stage::start().await;
    stage.put_statement(foreign());
    let create = event("create-list").property("RevisionId", "revision-1");
    // What follows meets another revision than the one that is demanded.
    stage.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    stage.play(&create).await.succeeded();
    assert_eq!(stage.statements().len(), 4);
}

#[tokio::test]
async fn a_delete_takes_the_whole_list_and_nothing_else() {
    for delete in [
        event("create-list").delete_of(&id()),
        // Without properties that can be read, by the id alone.
        event("create-list").property("Typo", "x").delete_of(&id()),
    ] {
        let stage = shared().await;
        assert_eq!(stage.play(&delete).await.succeeded(), id());
        assert_eq!(stage.statements(), [foreign()]);
    }
}

#[tokio::test]
async fn what_an_earlier_delivery_may_have_made_is_left_to_cloudformations_delete() {
    let stage = Stage::start().await;
    // The first delivery came to its end in the middle, and nobody was answered.
    stage.put_statement(account(ACCOUNT));
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    stage.lambda.inject_always(Operation::Add, full);
    let create = event("create-list");
    let answer = stage.play(&create).await;
    answer.refused();
    assert_eq!(answer.id(), id());
    stage.play(&create.delete_of(answer.id())).await.succeeded();
    assert!(stage.statements().is_empty());
}

#[tokio::test]
async fn a_delete_of_a_list_under_a_derived_id_takes_what_another_list_may_have_left() {
    let stage = Stage::start().await;
    stage.put_statement(foreign());
    let create = event("create-list").without_property("StatementId");
    let created = stage.play(&create).await.succeeded().to_owned();
    // An Update that failed, and whose rollback failed too, has added one more.
    let sid = created.split('#').nth(1).unwrap();
    let left = account_statement(
        LAYER_VERSION,
        &format!("{sid}-777788889999"),
        "777788889999",
    );
    stage.put_statement(left);
    stage.play(&create.delete_of(&created)).await.succeeded();
    assert_eq!(stage.statements(), [foreign()]);
}

#[tokio::test]
async fn what_an_earlier_delivery_granted_of_a_list_is_deleted_though_an_id_of_it_is_taken_now() {
    let in_the_way = public_statement(LAYER_VERSION, "partners-444455556666");
    let stage = Stage::start().await;
    stage.put_statement(account(ACCOUNT));
    stage.put_statement(in_the_way.clone());
    let create = event("create-list");
    let answer = stage.play(&create).await;
    assert!(answer.failed());
    stage.play(&create.delete_of(answer.id())).await.succeeded();
    assert_eq!(stage.statements(), [in_the_way]);
}
