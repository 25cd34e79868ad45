//! Layer ARNs of another partition than the function's, or of a region outside their partition: nothing is granted that no Delete
//! would find.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

const REAL: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

fn layer_version(partition: &str, region: &str) -> String {
    format!("arn:{partition}:lambda:{region}:123456789012:layer:my-layer:1")
}

/// The ARNs of the layer version in every partition and some regions, except those of the function's own partition.
fn other_partitions_and_regions() -> Vec<String> {
    let partitions = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc",
        "aws-zz",
    ];
    let regions = [
        "eu-west-1",
        "us-west-2",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "eusc-de-east-1",
    ];
    let all = partitions
        .iter()
        .flat_map(|partition| regions.map(|region| layer_version(partition, region)));
    all.filter(|arn| {
        !arn.starts_with("arn:aws:lambda:eu-west-1") && !arn.starts_with("arn:aws:lambda:us-west-2")
    })
    .collect()
}

#[tokio::test]
async fn a_layer_in_another_partition_is_rejected_before_any_call() {
    let env = TestEnv::start().await;
    env.put_statement(public_statement(REAL, "other"));
    for arn in other_partitions_and_regions() {
        for name in ["create-account", "create-list", "create-all-versions"] {
            let create = event(name).property("LayerVersionArn", arn.as_str());
            let response = env.send(&create).await;
            let reason = response.expect_failed();
            assert!(
                reason.starts_with("target in another partition: got "),
                "{arn}: {reason}"
            );
            assert_eq!(response.id(), "never-created", "{arn}");
        }
        let update = event("update-principal").property("LayerVersionArn", arn.as_str());
        let response = env.send(&update).await;
        response.expect_failed();
        assert_eq!(response.id(), update.0["PhysicalResourceId"], "{arn}");
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_rollback_of_a_rejected_update_to_another_partition_keeps_the_grant() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    let id = env.send(&create).await.expect_success().to_owned();
    let granted = env.statements();
    for arn in [
        layer_version("aws-cn", "eu-west-1"),
        layer_version("aws-cn", "cn-north-1"),
    ] {
        let mut new = create.properties();
        new["LayerVersionArn"] = arn.into();
        let update = create.update_to(&id, new);
        env.send(&update).await.expect_failed();
        let back = update.update_to(&id, create.properties());
        assert_eq!(env.send(&back).await.expect_success(), id);
        assert_eq!(env.statements(), granted);
    }
}

#[tokio::test]
async fn a_partition_mismatch_names_the_expected_partition() {
    let env = TestEnv::start().await;
    for (arn, reason) in [
        (
            layer_version("aws-cn", "eu-west-1"),
            "target in another partition: got `aws-cn` in `arn:aws-cn:lambda:eu-west-1:123456789012:layer:my-layer:1`, give the partition `aws`, which is that of the function",
        ),
        (
            layer_version("aws-cn", "cn-north-1"),
            "target in another partition: got region `cn-north-1` in `arn:aws-cn:lambda:cn-north-1:123456789012:layer:my-layer:1`, share it by a provider in that partition",
        ),
    ] {
        let create = event("create-account").property("LayerVersionArn", arn);
        assert_eq!(env.send(&create).await.expect_failed(), reason);
    }
}

#[tokio::test]
async fn a_layer_name_gets_the_partition_of_its_stack_and_is_rejected_like_an_arn() {
    let env = TestEnv::start().await;
    let stack = "arn:aws-cn:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f";
    let create = event("create-by-name-and-number").with("StackId", stack);
    assert!(
        env.send(&create)
            .await
            .expect_failed()
            .starts_with("target in another partition: got `aws-cn`")
    );
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_delete_finds_the_statement_under_any_partition_in_its_arn() {
    for (delete, statements) in [
        (
            event("delete"),
            vec![account_statement(REAL, "partner", ACCOUNT)],
        ),
        (
            event("create-list")
                .delete_of("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#partners"),
            vec![account_statement(REAL, "partners-111122223333", ACCOUNT)],
        ),
    ] {
        for partition in ["aws-cn", "aws-us-gov", "aws-zz"] {
            let env = TestEnv::start().await;
            let other = public_statement(REAL, "other");
            env.put_statement(other.clone());
            for statement in &statements {
                env.put_statement(statement.clone());
            }
            let delete = in_partition(&delete, partition);
            env.send(&delete).await.expect_success();
            assert_eq!(env.statements(), [other], "{partition}");
        }
    }
}

#[tokio::test]
async fn a_delete_where_nothing_can_have_been_granted_makes_no_call() {
    let env = TestEnv::start().await;
    let another_account =
        layer_version("aws-cn", "eu-west-1").replace("123456789012", "210987654321");
    for arn in [
        layer_version("aws-cn", "cn-north-1"),
        layer_version("aws", "us-iso-east-1"),
        another_account,
    ] {
        let delete = event("delete")
            .property("LayerVersionArn", arn.as_str())
            .with("PhysicalResourceId", format!("{arn}#partner"));
        env.send(&delete).await.expect_success();
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_statement_that_lambda_stores_differently_is_removed_and_reported() {
    let mut endpoints = account_statement(REAL, "partner", ACCOUNT);
    endpoints["Resource"] = layer_version("aws-cn", "eu-west-1").into();
    let mut user = account_statement(REAL, "partner", ACCOUNT);
    user["Principal"] = json!({"AWS": "arn:aws:iam::111122223333:user/u"});
    let mut renamed = account_statement(REAL, "partner", ACCOUNT);
    renamed["Sid"] = "renamed".into();
    for instead in [endpoints, user, renamed] {
        for before in [vec![], vec![public_statement(REAL, "other")]] {
            let env = TestEnv::start().await;
            for statement in &before {
                env.put_statement(statement.clone());
            }
            env.lambda
                .inject(Operation::Add, [Fault::AddsOtherStatement(instead.clone())]);
            let response = env.send(&event("create-account")).await;
            assert_eq!(
                response.expect_failed(),
                format!(
                    "statement not as requested: got `{instead}` from Lambda for `{}`, correct the ARN of the resource or report this (rolled back: add `partner` for `111122223333`)",
                    account_statement(REAL, "partner", ACCOUNT)
                )
            );
            assert_eq!(response.id(), "never-created");
            assert_eq!(env.statements(), before);
        }
    }
}

#[tokio::test]
async fn an_equivalent_notation_of_the_added_statement_is_accepted() {
    for principal in [
        json!("111122223333"),
        json!({"AWS": "111122223333"}),
        json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
    ] {
        let env = TestEnv::start().await;
        let mut spelled = account_statement(REAL, "partner", ACCOUNT);
        spelled["Principal"] = principal;
        env.lambda
            .inject(Operation::Add, [Fault::AddsOtherStatement(spelled.clone())]);
        let create = event("create-account");
        let id = env.send(&create).await.expect_success().to_owned();
        assert_eq!(env.statements(), [spelled]);
        assert_eq!(env.send(&create).await.expect_success(), id, "a redelivery");
        env.send(&create.delete_of(&id)).await.expect_success();
        assert_eq!(env.statements(), [] as [Value; 0]);
    }
}

fn in_partition(event: &Event, partition: &str) -> Event {
    let text = event.0.to_string();
    let text = text.replace("arn:aws:lambda", &format!("arn:{partition}:lambda"));
    Event(serde_json::from_str(&text).unwrap())
}
