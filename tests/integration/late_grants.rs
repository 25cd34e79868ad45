//! Grants that are late: CloudFormation is asked whether it still waits, before the first write and after the last one.

use std::time::{Duration, SystemTime};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::cloudformation_api::{MISSING, Resource};
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::lambda_api::State;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::account_statement;
use serde_json::Value;

use crate::all_versions::{id as all_versions_id, layer_of, statements_on, version};
use crate::test_env::{Response, TestEnv};

const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f";
const TIMEOUT: Duration = Duration::from_mins(1);
const LATE: Duration = Duration::from_mins(1);
const LOGICAL_ID: &str = "LayerPermission";

/// Sends `event` with a URL that was presigned so long ago.
async fn send_late(env: &TestEnv, event: &Event, ago: Duration) -> Response {
    let mut event = event.clone();
    let signed = SystemTime::now() - ago;
    env.bucket.presign_at(&mut event.0, signed);
    deliver(env, &event).await
}

async fn deliver(env: &TestEnv, event: &Event) -> Response {
    let (outcome, puts) = env.deliver(event, TIMEOUT).await;
    assert_eq!(outcome, Outcome::Ok);
    Response::last(&puts)
}

fn pin(env: &TestEnv, status: &str, physical_id: Option<&str>) {
    let mut state = env.lambda.state();
    let resource = Resource::new(status, physical_id);
    state.stacks.pin(STACK, LOGICAL_ID, resource);
}

/// The state changes while an addition or a removal is on its way.
async fn change_during(env: &TestEnv, operation: Operation, status: &str, id: Option<&str>) {
    let delay = Duration::from_secs(1);
    env.lambda.state().delays.insert(operation, delay);
    tokio::time::sleep(delay / 2).await;
    pin(env, status, id);
}

/// The values of a field in the lines with this message.
fn logged(env: &mut TestEnv, message: &str, field: &str) -> Vec<Value> {
    let lines = env.stop().into_iter();
    let lines = lines.filter(|line| line["message"] == message);
    lines.map(|line| line[field].clone()).collect()
}

fn id() -> String {
    format!("{LAYER_VERSION}#partner")
}

/// A grant, and an Update of it to another principal under the same id.
async fn an_update_of_the_principal() -> (TestEnv, Event) {
    let env = TestEnv::start().await;
    let create = event("create-account");
    env.send(&create).await.expect_success();
    let mut properties = create.properties();
    properties["Principal"] = "444455556666".into();
    let update = create.update_to(&id(), properties);
    (env, update)
}

#[tokio::test]
async fn a_prompt_create_asks_nothing() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    send_late(&env, &create, Duration::from_secs(5))
        .await
        .expect_success();
    let calls = env.lambda.take_calls();
    assert_eq!(calls, ["Get: 404", "Add partner: 201", "Get: 200"]);
}

#[tokio::test]
async fn a_late_create_asks_before_the_first_write_and_after_the_last() {
    let env = TestEnv::start().await;
    let create = event("create-list");
    send_late(&env, &create, LATE).await.expect_success();
    let calls = env.lambda.take_calls();
    let asked: Vec<usize> = (0..calls.len())
        .filter(|at| calls[*at].starts_with("Describe"))
        .collect();
    assert_eq!(calls[0], "Get: 404");
    assert_eq!(calls[1], "Describe LayerPermission: 200");
    assert_eq!(asked, [1, calls.len() - 1], "{calls:?}");
}

#[tokio::test]
async fn a_late_create_that_finds_its_statement_asks_nothing() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    env.send(&create).await.expect_success();
    let _ = env.lambda.take_calls();
    send_late(&env, &create, LATE).await.expect_success();
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn a_clock_that_is_off_or_an_unknown_date_makes_it_ask() {
    let env = TestEnv::start().await;
    let mut create = event("create-account");
    let ahead = SystemTime::now() + Duration::from_mins(3);
    env.bucket.presign_at(&mut create.0, ahead);
    deliver(&env, &create).await.expect_success();
    let calls = env.lambda.take_calls();
    assert_eq!(calls[1], "Describe LayerPermission: 200", "{calls:?}");
    let mut undated = event("create-list");
    env.bucket.presign_undated(&mut undated.0);
    deliver(&env, &undated).await.expect_success();
    let calls = env.lambda.take_calls();
    assert_eq!(calls[1], "Describe LayerPermission: 200", "{calls:?}");
}

#[tokio::test]
async fn a_create_that_its_stack_no_longer_waits_for_grants_nothing() {
    for (status, shown) in [
        (MISSING, "no such stack or resource"),
        ("DELETE_COMPLETE", "DELETE_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"),
        ("DELETE_SKIPPED", "DELETE_SKIPPED"),
        ("CREATE_FAILED", "CREATE_FAILED"),
        ("CREATE_COMPLETE", "CREATE_COMPLETE"),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"),
    ] {
        let mut env = TestEnv::start().await;
        pin(&env, status, None);
        let response = send_late(&env, &event("create-account"), LATE).await;
        assert_eq!(
            response.expect_failed(),
            format!(
                "stack no longer waits: got `{shown}` for `LayerPermission` from CloudFormation, deploy again if it should still be granted"
            )
        );
        assert_eq!(response.id(), id(), "{status}");
        assert!(env.statements().is_empty(), "{status}");
        let states = logged(&mut env, "stack no longer waits", "state");
        assert_eq!(states, [shown], "{status}");
    }
}

#[tokio::test]
async fn a_late_update_is_waited_for_in_an_update_and_in_its_rollback() {
    for (status, is_awaited) in [
        ("UPDATE_IN_PROGRESS", true),
        ("UPDATE_ROLLBACK_IN_PROGRESS", true),
        ("UPDATE_COMPLETE", false),
        ("UPDATE_FAILED", false),
        ("UPDATE_ROLLBACK_COMPLETE", false),
        ("DELETE_IN_PROGRESS", false),
    ] {
        let env = TestEnv::start().await;
        let create = event("create-account");
        env.send(&create).await.expect_success();
        pin(&env, status, Some(&id()));
        let mut properties = create.properties();
        properties["Principal"] = "444455556666".into();
        let before = env.statements();
        let response = send_late(&env, &create.update_to(&id(), properties), LATE).await;
        assert_eq!(response.is_failed(), !is_awaited, "{status}: {response:?}");
        assert_eq!(env.statements() == before, !is_awaited, "{status}");
    }
}

#[tokio::test]
async fn a_grant_that_was_written_while_the_stack_was_deleted_is_rolled_back() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    let (response, ()) = tokio::join!(
        send_late(&env, &create, LATE),
        change_during(&env, Operation::Add, "DELETE_IN_PROGRESS", None)
    );
    assert_eq!(
        response.expect_failed(),
        "stack no longer waits: got `DELETE_IN_PROGRESS` for `LayerPermission` from CloudFormation, deploy again if it should \
         still be granted (rolled back: add `partner` for `111122223333`)"
    );
    assert_eq!(response.id(), id());
    assert!(env.statements().is_empty());
}

#[tokio::test]
async fn a_grant_stays_where_another_delivery_has_created_the_resource() {
    for (physical_id, stays) in [(id(), true), ("another".to_owned(), false)] {
        let env = TestEnv::start().await;
        let create = event("create-account");
        let (response, ()) = tokio::join!(
            send_late(&env, &create, LATE),
            change_during(&env, Operation::Add, "CREATE_COMPLETE", Some(&physical_id))
        );
        assert_eq!(response.is_failed(), !stays, "{physical_id}");
        assert_eq!(env.statements().len(), usize::from(stays), "{physical_id}");
    }
}

#[tokio::test]
async fn an_update_stays_where_the_resource_is_completed_with_its_id() {
    for (physical_id, stays) in [(id(), true), ("another".to_owned(), false)] {
        let (env, update) = an_update_of_the_principal().await;
        let before = env.statements();
        let (response, ()) = tokio::join!(
            send_late(&env, &update, LATE),
            change_during(&env, Operation::Add, "UPDATE_COMPLETE", Some(&physical_id))
        );
        assert_eq!(response.is_failed(), !stays, "{physical_id}");
        assert_eq!(env.statements() == before, !stays, "{physical_id}");
    }
}

#[tokio::test]
async fn an_update_that_is_written_after_its_rollback_was_complete_is_rolled_back() {
    let (env, update) = an_update_of_the_principal().await;
    let before = env.statements();
    // The rollback is complete while the old statement is removed, and the new one is added after that.
    let changes = async {
        let delay = Duration::from_secs(4);
        env.lambda.state().delays.insert(Operation::Remove, delay);
        tokio::time::sleep(Duration::from_secs(1)).await;
        pin(&env, "UPDATE_COMPLETE", Some(&id()));
    };
    let (response, ()) = tokio::join!(send_late(&env, &update, LATE), changes);
    let reason = response.expect_failed();
    assert!(reason.contains("(rolled back: "), "{reason}");
    assert_eq!(env.statements(), before);
}

#[tokio::test]
async fn what_an_update_writes_while_its_rollback_asks_is_removed() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    env.send(&create).await.expect_success();
    let before = env.statements();
    let mut new = create.properties();
    new["StatementId"] = "other".into();
    let update = create.update_to(&id(), new);
    let rollback = update.update_to(&id(), create.properties());
    let late_write = || account_statement(LAYER_VERSION, "other", ACCOUNT);
    let still_running = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        env.put_statement(late_write());
        let delay = Duration::from_secs(2);
        env.lambda.state().delays.insert(Operation::Describe, delay);
        // The last look begins ten to eleven seconds after the rollback came, and the question follows it.
        tokio::time::sleep(Duration::from_millis(8_500)).await;
        env.put_statement(late_write());
    };
    let (response, ()) = tokio::join!(env.send_within(TIMEOUT, &rollback), still_running);
    response.expect_success();
    assert_eq!(env.statements(), before);
}

#[tokio::test]
async fn what_an_unfinished_create_has_granted_is_rolled_back_unless_a_living_resource_owns_it() {
    for (status, stays) in [("DELETE_IN_PROGRESS", false), ("CREATE_COMPLETE", true)] {
        let env = layer_of(3).await;
        let create = event("create-all-versions");
        let hangs = |state: &mut State| {
            let faults = &mut state.faults;
            faults.inject_always(Operation::Get, Some(&version(2)), Fault::NoResponse);
        };
        hangs(&mut env.lambda.state());
        let id = all_versions_id();
        let changes = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            pin(&env, status, Some(&id));
        };
        let deliver = env.send_within(Duration::from_secs(12), &create);
        let (response, ()) = tokio::join!(deliver, changes);
        let reason = response.expect_failed();
        let unfinished = "timed out: got 2 of 3 policies done";
        assert!(reason.starts_with(unfinished), "{reason}");
        assert_eq!(response.id(), id);
        for number in [1, 3] {
            let statements = statements_on(&env, number).len();
            assert_eq!(statements == 2, stays, "{status}: {reason}");
        }
    }
}

#[tokio::test]
async fn what_an_update_removed_is_restored_unless_the_resource_is_gone() {
    for (status, restored) in [("UPDATE_FAILED", true), ("DELETE_COMPLETE", false)] {
        let env = TestEnv::start().await;
        let create = event("create-list");
        let id = env.send(&create).await.expect_success().to_owned();
        let before = env.statements();
        let mut properties = create.properties();
        properties["Principals"] = "111122223333".into();
        let update = create.update_to(&id, properties);
        let (response, ()) = tokio::join!(
            send_late(&env, &update, LATE),
            change_during(&env, Operation::Remove, status, Some(&id))
        );
        response.expect_failed();
        let found = env.statements().len();
        assert_eq!(found == before.len(), restored, "{status}: {found}");
    }
}

#[tokio::test]
async fn a_throttled_question_is_asked_again() {
    let env = TestEnv::start().await;
    let throttled = || Fault::Rejected(400, "Throttling", "Rate exceeded");
    env.lambda
        .inject(Operation::Describe, [throttled(), throttled()]);
    send_late(&env, &event("create-account"), LATE)
        .await
        .expect_success();
    let calls = env.lambda.take_calls();
    let asked = calls.iter().filter(|call| call.starts_with("Describe"));
    assert_eq!(asked.count(), 4, "{calls:?}");
}

#[tokio::test]
async fn where_cloudformation_cannot_be_asked_the_grant_is_made_and_counted() {
    let denied = "User: arn:aws:sts::123456789012:assumed-role/provider/f is not authorized to perform: cloudformation:DescribeStackResource";
    let mut env = TestEnv::start().await;
    let fault = Fault::Rejected(403, "AccessDenied", denied);
    env.lambda.inject_always(Operation::Describe, fault);
    pin(&env, "DELETE_COMPLETE", None);
    send_late(&env, &event("create-account"), LATE)
        .await
        .expect_success();
    assert_eq!(env.statements().len(), 1);
    let lines = env.stop();
    let reasons: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "stack not asked")
        .map(|line| &line["reason"])
        .collect();
    let reason = format!(
        "access denied: got `AccessDenied` (`{denied}`) from `cloudformation:DescribeStackResource` on `LayerPermission of {STACK}`"
    );
    assert_eq!(reasons, [reason.as_str(), reason.as_str()]);
    let unverified = lines.iter().filter(|line| line["Unverified"] == 1);
    assert_eq!(unverified.count(), 1);
}

#[tokio::test]
async fn the_stack_of_another_account_is_not_asked() {
    let mut env = TestEnv::start().await;
    let mut create = event("create-account");
    create.0["StackId"] = STACK.replace("123456789012", "444455556666").into();
    send_late(&env, &create, LATE).await.expect_success();
    let calls = env.lambda.take_calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("Describe")),
        "{calls:?}"
    );
    let reasons = logged(&mut env, "stack not asked", "reason");
    assert_eq!(reasons[0], "the stack is one of account 444455556666");
}
