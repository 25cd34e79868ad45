//! Lists of principals: one statement each, and an Update changes only the difference.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

fn id() -> String {
    format!("{LAYER_VERSION}#partners")
}

fn account(id: &str) -> Value {
    account_statement(LAYER_VERSION, &format!("partners-{id}"), id)
}

fn organization() -> Value {
    organization_statement(LAYER_VERSION, "partners-o-abc1234567", "o-abc1234567")
}

fn other_statement() -> Value {
    public_statement(LAYER_VERSION, "other")
}

/// The statements of `tests/events/create-list.json`, in the order of their ids.
fn created() -> [Value; 3] {
    [account(ACCOUNT), account("444455556666"), organization()]
}

/// With the list, which was created next to a statement of another owner.
async fn shared() -> TestEnv {
    let env = TestEnv::start().await;
    env.put_statement(other_statement());
    for statement in created() {
        env.put_statement(statement);
    }
    env
}

#[tokio::test]
async fn a_list_whose_first_write_is_overwritten_concurrently_is_completed() {
    let env = TestEnv::start().await;
    let other = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    env.lambda.inject(Operation::Add, [Fault::WriteLost, other]);
    env.send(&event("create-list")).await.expect_success();
    assert_eq!(env.statements().len(), created().len() + 1);
}

#[tokio::test]
async fn a_list_has_one_statement_for_each_principal() {
    let env = TestEnv::start().await;
    let response = env.send(&event("create-list")).await;
    assert_eq!(response.expect_success(), id());
    assert_eq!(env.statements(), created());
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 404",
            "Add partners-111122223333: 201",
            "Add partners-444455556666 if revision-1: 201",
            "Add partners-o-abc1234567 if revision-2: 201",
        ]
    );
    let data = &response.0["Data"];
    let ids = "partners-111122223333,partners-444455556666,partners-o-abc1234567";
    assert_eq!(data["StatementIds"], ids);
    let statements: Value = serde_json::from_str(data["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(statements, json!(created()));
}

#[tokio::test]
async fn order_and_duplicates_of_principals_do_not_matter() {
    let env = shared().await;
    let same = "o-abc1234567, 111122223333,444455556666,111122223333";
    let update = event("update-list").property("Principals", same);
    assert_eq!(env.send(&update).await.expect_success(), id());
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn an_update_of_a_list_adds_before_it_removes_and_changes_nothing_else() {
    let env = shared().await;
    assert_eq!(env.send(&event("update-list")).await.expect_success(), id());
    let after = [other_statement(), account(ACCOUNT), account("777788889999")];
    assert_eq!(env.statements(), after);
    let calls = env.lambda.take_calls();
    assert_eq!(calls[1], "Add partners-777788889999 if revision-4: 201");
    assert!(
        calls[2].starts_with("Remove partners-444455556666"),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_failed_update_of_a_list_is_rolled_back() {
    let env = shared().await;
    let before = env.statements();
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    let same = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "later"));
    env.lambda.inject(Operation::Get, [same, rejected]);
    let response = env.send(&event("update-list")).await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    let mut after = env.statements();
    after.retain(|statement| statement["Sid"] != "later");
    let sorted = |mut statements: Vec<Value>| {
        statements.sort_by_key(|statement| statement["Sid"].to_string());
        statements
    };
    assert_eq!(sorted(after), sorted(before));
}

#[tokio::test]
async fn one_principal_becomes_a_list_under_the_same_id() {
    let env = TestEnv::start().await;
    env.put_statement(account_statement(LAYER_VERSION, "partners", ACCOUNT));
    let Event(mut update) = event("update-list");
    let old = update["OldResourceProperties"].as_object_mut().unwrap();
    old.remove("Principals");
    old.insert("Principal".into(), ACCOUNT.into());
    assert_eq!(env.send(&Event(update)).await.expect_success(), id());
    let after = [account(ACCOUNT), account("777788889999")];
    assert_eq!(env.statements(), after);
}

#[tokio::test]
async fn a_list_over_the_policy_size_limit_is_rolled_back_and_reports_how_much_fits() {
    let env = TestEnv::start().await;
    for number in 0..101 {
        let number = format!("{number:012}");
        env.put_statement(account_statement(
            LAYER_VERSION,
            &format!("sid-{number}"),
            &number,
        ));
    }
    let before = env.statements();
    let response = env.send(&event("create-list")).await;
    assert_eq!(
        response.expect_failed(),
        "policy size limit exceeded: got `PolicyLengthExceededException` (`The final policy size (20560) is bigger than the limit (20480).`) from `lambda:AddLayerVersionPermission` on `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, grant to one organization instead of many accounts, or remove statements (it has 102 statements in 20356 of 20480 bytes with 1 of the 3 desired) (rolled back: add `partners-111122223333` for `111122223333`)"
    );
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.statements(), before);
}

#[tokio::test]
async fn return_values_of_a_long_list_are_those_that_fit_into_the_response() {
    let env = TestEnv::start().await;
    let accounts: Vec<String> = (0..30).map(|number| format!("{number:012}")).collect();
    let create = event("create-list").property("Principals", json!(accounts));
    let response = env.send(&create).await;
    response.expect_success();
    let data = response.0["Data"].as_object().unwrap();
    let names: Vec<&str> = data.keys().map(String::as_str).collect();
    // `Statement` is longer than the limit of the whole response, so it is empty.
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
async fn a_given_revision_id_is_a_condition_of_the_first_write_of_a_list_only() {
    let env = TestEnv::start().await;
    env.put_statement(other_statement());
    let create = event("create-list").property("RevisionId", "revision-1");
    // The further writes are made under other revisions than the given one.
    env.lambda.inject(Operation::Add, [Fault::ResponseLost]);
    env.send(&create).await.expect_success();
    assert_eq!(env.statements().len(), 4);
}

#[tokio::test]
async fn a_delete_removes_the_whole_list_and_nothing_else() {
    for delete in [
        event("create-list").delete_of(&id()),
        // With invalid properties, by the physical id alone.
        event("create-list").property("Typo", "x").delete_of(&id()),
    ] {
        let env = shared().await;
        assert_eq!(env.send(&delete).await.expect_success(), id());
        assert_eq!(env.statements(), [other_statement()]);
    }
}

#[tokio::test]
async fn a_redelivered_list_that_fails_leaves_earlier_statements_to_the_delete() {
    let env = TestEnv::start().await;
    // The first delivery timed out halfway, without a response.
    env.put_statement(account(ACCOUNT));
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    env.lambda.inject_always(Operation::Add, full);
    let create = event("create-list");
    let response = env.send(&create).await;
    response.expect_failed();
    assert_eq!(response.id(), id());
    env.send(&create.delete_of(response.id()))
        .await
        .expect_success();
    assert!(env.statements().is_empty());
}

#[tokio::test]
async fn a_delete_of_a_list_removes_orphaned_statements_under_its_derived_id() {
    let env = TestEnv::start().await;
    env.put_statement(other_statement());
    let create = event("create-list").without_property("StatementId");
    let created = env.send(&create).await.expect_success().to_owned();
    // An Update that failed, and whose rollback failed too, has left an orphaned statement.
    let sid = created.split('#').nth(1).unwrap();
    let left = account_statement(
        LAYER_VERSION,
        &format!("{sid}-777788889999"),
        "777788889999",
    );
    env.put_statement(left);
    env.send(&create.delete_of(&created)).await.expect_success();
    assert_eq!(env.statements(), [other_statement()]);
}

#[tokio::test]
async fn a_redelivered_list_whose_statement_id_is_in_use_leaves_earlier_statements_to_the_delete() {
    let conflicting = public_statement(LAYER_VERSION, "partners-444455556666");
    let env = TestEnv::start().await;
    env.put_statement(account(ACCOUNT));
    env.put_statement(conflicting.clone());
    let create = event("create-list");
    let response = env.send(&create).await;
    assert!(response.is_failed());
    env.send(&create.delete_of(response.id()))
        .await
        .expect_success();
    assert_eq!(env.statements(), [conflicting]);
}
