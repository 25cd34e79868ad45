//! The life of a resource, as CloudFormation leads it: created, updated, replaced, rolled back and deleted.
//! Refuses to know single calls; what is left at the end counts.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::cloudformation::Resource;

use crate::stage::Stage;

const NOTHING: [Value; 0] = [];

fn ours(account: &str) -> Value {
    account_statement(LAYER_VERSION, "partner", account)
}

#[tokio::test]
async fn every_kind_of_grant_comes_and_goes() {
    for name in [
        "create-account",
        "create-organization",
        "create-public",
        "create-derived-statement-id",
        "create-by-name-and-number",
    ] {
        let stage = Stage::start().await;
        let resource = Resource::create(&stage, &event(name)).await.ok().unwrap();
        assert_eq!(stage.statements().len(), 1, "{name}");
        resource.delete().await;
        assert_eq!(stage.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn another_organization_takes_the_place_of_the_first_whether_or_not_it_gets_another_id() {
    let create = event("create-organization");
    for (name, create, keeps_id) in [
        ("a given id", create.clone(), true),
        (
            "a derived id",
            create.without_property("StatementId"),
            false,
        ),
    ] {
        let stage = Stage::start().await;
        let mut resource = Resource::create(&stage, &create).await.ok().unwrap();
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
            assert!(!resource.update(properties.properties()).await.failed());
            assert_eq!(resource.id == before, keeps_id, "{name}");
            let statements = stage.statements();
            assert_eq!(statements.len(), 1, "{name}: {statements:?}");
            assert!(statements[0].to_string().contains(principal), "{name}");
        }
        resource.delete().await;
        assert_eq!(stage.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn a_failed_create_leaves_nothing_and_needs_no_call_to_clean_up() {
    let stage = Stage::start().await;
    let in_the_way = public_statement(LAYER_VERSION, "partner");
    stage.put_statement(in_the_way.clone());
    let Err(answer) = Resource::create(&stage, &event("create-account")).await else {
        panic!("the statement in the way was not seen");
    };
    answer.refused();
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
    assert_eq!(stage.statements(), [in_the_way]);
}

#[tokio::test]
async fn a_replacement_never_lapses_and_leaves_one_statement() {
    let stage = Stage::start().await;
    let mut resource = Resource::create(&stage, &event("create-derived-statement-id"))
        .await
        .ok()
        .unwrap();
    let first = resource.id.clone();
    drop(stage.lambda.take_calls());
    resource
        .update(event("update-principal").properties())
        .await
        .succeeded();
    assert_ne!(resource.id, first);
    let calls = stage.lambda.take_calls();
    let position = |operation: &str| {
        calls
            .iter()
            .position(|call| call.starts_with(operation))
            .unwrap()
    };
    assert!(position("Add") < position("Remove"), "{calls:?}");
    assert_eq!(stage.statements().len(), 1);
    resource.delete().await;
    assert_eq!(stage.statements(), NOTHING);
}

#[tokio::test]
async fn a_change_between_given_and_derived_statement_id_replaces() {
    let stage = Stage::start().await;
    let mut resource = Resource::create(&stage, &event("create-account"))
        .await
        .ok()
        .unwrap();
    resource
        .update(event("create-derived-statement-id").properties())
        .await
        .succeeded();
    assert!(resource.id.contains("#LayerPermission-"), "{}", resource.id);
    resource
        .update(event("create-account").properties())
        .await
        .succeeded();
    assert_eq!(stage.statements(), [ours(ACCOUNT)]);
}

#[tokio::test]
async fn the_same_grant_spelled_otherwise_is_kept() {
    let stage = Stage::start().await;
    let mut resource = Resource::create(&stage, &event("create-account"))
        .await
        .ok()
        .unwrap();
    drop(stage.lambda.take_calls());
    for name in [
        "create-root-arn",
        "create-by-name-and-number",
        "create-with-action",
    ] {
        resource.update(event(name).properties()).await.succeeded();
        assert_eq!(stage.lambda.take_calls(), ["Get: 200"], "{name}");
    }
}

#[tokio::test]
async fn a_failed_update_is_rolled_back_to_what_was() {
    for properties in [
        event("update-fixed-statement-id").properties(),
        event("update-statement-id").properties(),
    ] {
        let stage = Stage::start().await;
        let mut resource = Resource::create(&stage, &event("create-account"))
            .await
            .ok()
            .unwrap();
        let refused = Fault::Rejected(
            400,
            "PolicyLengthExceededException",
            "The final policy size (20782) is bigger than the limit (20480).",
        );
        stage.lambda.inject(Operation::Add, [refused]);
        resource.update(properties).await.refused();
        assert_eq!(stage.statements(), [ours(ACCOUNT)]);
        resource.delete().await;
        assert_eq!(stage.statements(), NOTHING);
    }
}

#[tokio::test]
async fn a_rolled_back_stack_has_the_old_grant_again() {
    for name in [
        "update-fixed-statement-id",
        "update-statement-id",
        "create-derived-statement-id",
    ] {
        let stage = Stage::start().await;
        let mut resource = Resource::create(&stage, &event("create-account"))
            .await
            .ok()
            .unwrap();
        resource
            .update_and_roll_back(event(name).properties())
            .await;
        assert_eq!(stage.statements(), [ours(ACCOUNT)], "{name}");
        resource.delete().await;
        assert_eq!(stage.statements(), NOTHING, "{name}");
    }
}

#[tokio::test]
async fn a_delete_that_overtakes_its_create_leaves_nothing() {
    let mut stage = Stage::start().await;
    stage.add_executable(&[]);
    let create = event("create-account");
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "Rate exceeded");
    stage
        .lambda
        .inject(Operation::Add, [throttled.clone(), throttled]);
    let delete = event("delete-invented-id");
    let (_, deleted) = tokio::join!(stage.play(&create), stage.play(&delete));
    deleted.succeeded();
    assert_eq!(stage.statements(), NOTHING);
}
