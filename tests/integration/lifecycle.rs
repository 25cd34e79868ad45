//! The lifecycle of a resource: created, updated, replaced, rolled back and deleted.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::cloudformation::Resource;
use crate::test_env::TestEnv;

const NOTHING: [Value; 0] = [];

fn owned_statement(account: &str) -> Value {
    account_statement(LAYER_VERSION, "partner", account)
}

#[tokio::test]
async fn every_kind_of_grant_is_created_and_deleted() {
    for name in [
        "create-account",
        "create-organization",
        "create-public",
        "create-derived-statement-id",
        "create-by-name-and-number",
    ] {
        let env = TestEnv::start().await;
        let resource = Resource::create(&env, &event(name)).await.ok().unwrap();
        assert_eq!(env.statements().len(), 1, "{name}");
        resource.delete().await;
        assert_eq!(env.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn an_organization_is_replaced_with_or_without_a_new_physical_id() {
    let create = event("create-organization");
    for (name, create, keeps_id) in [
        ("a given id", create.clone(), true),
        (
            "a derived id",
            create.without_property("StatementId"),
            false,
        ),
    ] {
        let env = TestEnv::start().await;
        let mut resource = Resource::create(&env, &create).await.ok().unwrap();
        let before = resource.id.clone();
        for principal in ["o-other12345", "111122223333"] {
            let properties = create.clone().property("OrganizationId", principal);
            let properties = if principal.starts_with("o-") {
                properties
            } else {
                properties
                    .property("Principal", principal)
                    .without_property("OrganizationId")
            };
            assert!(!resource.update(properties.properties()).await.is_failed());
            assert_eq!(resource.id == before, keeps_id, "{name}");
            let statements = env.statements();
            assert_eq!(statements.len(), 1, "{name}: {statements:?}");
            assert!(statements[0].to_string().contains(principal), "{name}");
        }
        resource.delete().await;
        assert_eq!(env.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn a_failed_create_leaves_nothing_and_its_delete_makes_no_call() {
    let env = TestEnv::start().await;
    let conflicting = public_statement(LAYER_VERSION, "partner");
    env.put_statement(conflicting.clone());
    let Err(response) = Resource::create(&env, &event("create-account")).await else {
        panic!("the conflicting statement was not found");
    };
    response.expect_failed();
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(env.statements(), [conflicting]);
}

#[tokio::test]
async fn a_replacement_has_no_gap_and_leaves_one_statement() {
    let env = TestEnv::start().await;
    let mut resource = Resource::create(&env, &event("create-derived-statement-id"))
        .await
        .ok()
        .unwrap();
    let first = resource.id.clone();
    drop(env.lambda.take_calls());
    resource
        .update(event("update-principal").properties())
        .await
        .expect_success();
    assert_ne!(resource.id, first);
    let calls = env.lambda.take_calls();
    let position = |operation: &str| {
        calls
            .iter()
            .position(|call| call.starts_with(operation))
            .unwrap()
    };
    assert!(position("Add") < position("Remove"), "{calls:?}");
    assert_eq!(env.statements().len(), 1);
    resource.delete().await;
    assert_eq!(env.statements(), NOTHING);
}

#[tokio::test]
async fn a_change_between_given_and_derived_statement_id_replaces_the_resource() {
    let env = TestEnv::start().await;
    let mut resource = Resource::create(&env, &event("create-account"))
        .await
        .ok()
        .unwrap();
    resource
        .update(event("create-derived-statement-id").properties())
        .await
        .expect_success();
    assert!(resource.id.contains("#LayerPermission-"), "{}", resource.id);
    resource
        .update(event("create-account").properties())
        .await
        .expect_success();
    assert_eq!(env.statements(), [owned_statement(ACCOUNT)]);
}

#[tokio::test]
async fn an_equivalent_grant_in_another_notation_is_kept() {
    let env = TestEnv::start().await;
    let mut resource = Resource::create(&env, &event("create-account"))
        .await
        .ok()
        .unwrap();
    drop(env.lambda.take_calls());
    for name in [
        "create-root-arn",
        "create-by-name-and-number",
        "create-with-action",
    ] {
        resource
            .update(event(name).properties())
            .await
            .expect_success();
        assert_eq!(env.lambda.take_calls(), ["Get: 200"], "{name}");
    }
}

#[tokio::test]
async fn a_failed_update_is_rolled_back() {
    for properties in [
        event("update-fixed-statement-id").properties(),
        event("update-statement-id").properties(),
    ] {
        let env = TestEnv::start().await;
        let mut resource = Resource::create(&env, &event("create-account"))
            .await
            .ok()
            .unwrap();
        let rejected = Fault::Rejected(
            400,
            "PolicyLengthExceededException",
            "The final policy size (20782) is bigger than the limit (20480).",
        );
        env.lambda.inject(Operation::Add, [rejected]);
        resource.update(properties).await.expect_failed();
        assert_eq!(env.statements(), [owned_statement(ACCOUNT)]);
        resource.delete().await;
        assert_eq!(env.statements(), NOTHING);
    }
}

#[tokio::test]
async fn a_stack_rollback_restores_the_old_grant() {
    for name in [
        "update-fixed-statement-id",
        "update-statement-id",
        "create-derived-statement-id",
    ] {
        let env = TestEnv::start().await;
        let mut resource = Resource::create(&env, &event("create-account"))
            .await
            .ok()
            .unwrap();
        resource
            .update_and_roll_back(event(name).properties())
            .await;
        assert_eq!(env.statements(), [owned_statement(ACCOUNT)], "{name}");
        resource.delete().await;
        assert_eq!(env.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn an_out_of_order_delete_leaves_nothing() {
    let mut env = TestEnv::start().await;
    env.add_execution_environment(&[]);
    let create = event("create-account");
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    env.lambda
        .inject(Operation::Add, [throttled.clone(), throttled]);
    let delete = event("delete-invented-id");
    let (_, deleted) = tokio::join!(env.send(&create), env.send(&delete));
    deleted.expect_success();
    assert_eq!(env.statements(), NOTHING);
}
