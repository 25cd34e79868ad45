//! Layer ARNs of another partition than the function's, or of a region that is not of their partition: nothing is granted that no
//! Delete would find. Refuses to know other reasons.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::stage::Stage;

const REAL: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

fn layer_version(partition: &str, region: &str) -> String {
    format!("arn:{partition}:lambda:{region}:123456789012:layer:my-layer:1")
}

/// The ARNs of the layer version in every partition and some regions, but for those of the function's own partition.
fn out_of_reach() -> Vec<String> {
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
async fn a_layer_of_another_partition_is_refused_before_any_call() {
    let stage = Stage::start().await;
    stage.put_statement(public_statement(REAL, "other"));
    for arn in out_of_reach() {
        for name in ["create-account", "create-list", "create-all-versions"] {
            let create = event(name).property("LayerVersionArn", arn.as_str());
            let answer = stage.play(&create).await;
            let reason = answer.refused();
            assert!(
                reason.starts_with("layer in another partition: got "),
                "{arn}: {reason}"
            );
            assert_eq!(answer.id(), "never-created", "{arn}");
        }
        let update = event("update-principal").property("LayerVersionArn", arn.as_str());
        let answer = stage.play(&update).await;
        answer.refused();
        assert_eq!(answer.id(), update.0["PhysicalResourceId"], "{arn}");
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_rollback_of_a_refused_update_to_another_partition_leaves_the_grant_there() {
    let stage = Stage::start().await;
    let create = event("create-account");
    let id = stage.play(&create).await.succeeded().to_owned();
    let granted = stage.statements();
    for arn in [
        layer_version("aws-cn", "eu-west-1"),
        layer_version("aws-cn", "cn-north-1"),
    ] {
        let mut new = create.properties();
        new["LayerVersionArn"] = arn.into();
        let update = create.update_to(&id, new);
        stage.play(&update).await.refused();
        let back = update.update_to(&id, create.properties());
        assert_eq!(stage.play(&back).await.succeeded(), id);
        assert_eq!(stage.statements(), granted);
    }
}

#[tokio::test]
async fn a_partition_that_does_not_fit_says_which_one_does() {
    let stage = Stage::start().await;
    for (arn, reason) in [
        (
            layer_version("aws-cn", "eu-west-1"),
            "layer in another partition: got `aws-cn` in `arn:aws-cn:lambda:eu-west-1:123456789012:layer:my-layer`, give the partition `aws`, which is that of the function",
        ),
        (
            layer_version("aws-cn", "cn-north-1"),
            "layer in another partition: got region `cn-north-1` in `arn:aws-cn:lambda:cn-north-1:123456789012:layer:my-layer`, share it by a provider in that partition",
        ),
    ] {
        let create = event("create-account").property("LayerVersionArn", arn);
        assert_eq!(stage.play(&create).await.refused(), reason);
    }
}

#[tokio::test]
async fn a_layer_name_takes_the_partition_of_its_stack_and_is_refused_like_an_arn() {
    let stage = Stage::start().await;
    let stack = "arn:aws-cn:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f";
    let create = event("create-by-name-and-number").with("StackId", stack);
    assert!(
        stage
            .play(&create)
            .await
            .refused()
            .starts_with("layer in another partition: got `aws-cn`")
    );
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_delete_finds_the_statement_whatever_partition_its_arn_names() {
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
            let stage = Stage::start().await;
            let other = public_statement(REAL, "other");
            stage.put_statement(other.clone());
            for statement in &statements {
                stage.put_statement(statement.clone());
            }
            let delete = in_partition(&delete, partition);
            stage.play(&delete).await.succeeded();
            assert_eq!(stage.statements(), [other], "{partition}");
        }
    }
}

#[tokio::test]
async fn a_delete_where_nothing_can_have_been_granted_calls_nobody() {
    let stage = Stage::start().await;
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
        stage.play(&delete).await.succeeded();
    }
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn what_lambda_has_added_instead_is_removed_and_said() {
    let mut elsewhere = account_statement(REAL, "partner", ACCOUNT);
    elsewhere["Resource"] = layer_version("aws-cn", "eu-west-1").into();
    let mut user = account_statement(REAL, "partner", ACCOUNT);
    user["Principal"] = json!({"AWS": "arn:aws:iam::111122223333:user/u"});
    let mut renamed = account_statement(REAL, "partner", ACCOUNT);
    renamed["Sid"] = "renamed".into();
    for instead in [elsewhere, user, renamed] {
        for before in [vec![], vec![public_statement(REAL, "other")]] {
            let stage = Stage::start().await;
            for statement in &before {
                stage.put_statement(statement.clone());
            }
            stage
                .lambda
                .inject(Operation::Add, [Fault::AddsOtherStatement(instead.clone())]);
            let answer = stage.play(&event("create-account")).await;
            assert_eq!(
                answer.refused(),
                format!(
                    "statement not as requested: got `{instead}` from Lambda for `{}`, correct the ARN of the layer version or report this (taken back: add `partner` for `111122223333`)",
                    account_statement(REAL, "partner", ACCOUNT)
                )
            );
            assert_eq!(answer.id(), "never-created");
            assert_eq!(stage.statements(), before);
        }
    }
}

#[tokio::test]
async fn an_equal_spelling_of_what_was_added_is_the_same_statement() {
    for principal in [
        json!("111122223333"),
        json!({"AWS": "111122223333"}),
        json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
    ] {
        let stage = Stage::start().await;
        let mut spelled = account_statement(REAL, "partner", ACCOUNT);
        spelled["Principal"] = principal;
        stage
            .lambda
            .inject(Operation::Add, [Fault::AddsOtherStatement(spelled.clone())]);
        let create = event("create-account");
        let id = stage.play(&create).await.succeeded().to_owned();
        assert_eq!(stage.statements(), [spelled]);
        assert_eq!(stage.play(&create).await.succeeded(), id, "a redelivery");
        stage.play(&create.delete_of(&id)).await.succeeded();
        assert_eq!(stage.statements(), [] as [Value; 0]);
    }
}

fn in_partition(event: &Event, partition: &str) -> Event {
    let text = event.0.to_string();
    let text = text.replace("arn:aws:lambda", &format!("arn:{partition}:lambda"));
    Event(serde_json::from_str(&text).unwrap())
}
