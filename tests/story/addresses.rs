//! Which layer version is meant, by whatever spelling, and how Lambda is asked about it.
//! Refuses to know what is granted there.

use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn the_region_is_that_of_the_layer_version() {
    for (name, region) in [
        ("create-in-another-region", "us-west-2"),
        ("create-in-another-partition", "cn-north-1"),
    ] {
        let mut stage = Stage::start().await;
        let event = event(name);
        let arn = event.properties()["LayerVersionArn"]
            .as_str()
            .unwrap()
            .to_owned();
        let partition = arn.split(':').nth(1).unwrap().to_owned();
        stage.runtime.function_arn = format!(
            "arn:{partition}:lambda:{}:123456789012:function:layer-permission",
            if partition == "aws" {
                "eu-west-1"
            } else {
                "cn-northwest-1"
            }
        );
        stage.lambda.state().policies.publish(&arn);
        assert_eq!(
            stage.play(&event).await.succeeded(),
            format!("{arn}#partner")
        );
        let told = stage.lambda.state();
        assert!(
            told.calls
                .iter()
                .all(|call| call.credential.region == region && call.arn == arn),
            "{name}"
        );
        let partition = arn.split(':').nth(1).unwrap();
        let root = json!({"AWS": format!("arn:{partition}:iam::{ACCOUNT}:root")});
        assert_eq!(told.policies.statements(&arn)[0]["Principal"], root);
    }
}

#[tokio::test]
async fn a_layer_is_addressed_by_name_in_our_account_and_by_arn_in_another() {
    let other = "arn:aws:lambda:eu-west-1:999988887777:layer:my-layer:1";
    let cases = [
        (
            "create-account",
            "/2018-10-31/layers/my-layer/versions/1/policy",
            LAYER_VERSION,
        ),
        (
            "create-by-name-and-number",
            "/2018-10-31/layers/my-layer/versions/1/policy",
            LAYER_VERSION,
        ),
        (
            "create-by-layer-arn-and-number",
            "/2018-10-31/layers/my-layer/versions/1/policy",
            LAYER_VERSION,
        ),
        (
            "create-for-another-accounts-layer",
            "/2018-10-31/layers/arn%3Aaws%3Alambda%3Aeu-west-1%3A999988887777%3Alayer%3Amy-layer/versions/1/policy",
            other,
        ),
    ];
    for (name, target, arn) in cases {
        let stage = Stage::start().await;
        stage.lambda.state().policies.publish(other);
        assert_eq!(
            stage.play(&event(name)).await.succeeded(),
            format!("{arn}#partner"),
            "{name}"
        );
        assert_eq!(stage.lambda.state().calls[0].target, target, "{name}");
    }
}

#[tokio::test]
async fn scalars_may_be_numbers_booleans_or_texts() {
    let stage = Stage::start().await;
    let number = event("create-by-name-and-number").property("VersionNumber", 1);
    assert_eq!(
        stage.play(&number).await.succeeded(),
        format!("{LAYER_VERSION}#partner")
    );
    let account = event("create-account").property("Principal", 111_122_223_333_u64);
    stage.play(&account).await.succeeded();
    for yes in [json!(true), json!("true")] {
        let boolean = event("create-account").property("StatementId", yes);
        assert_eq!(
            stage.play(&boolean).await.succeeded(),
            format!("{LAYER_VERSION}#true")
        );
    }
}

#[tokio::test]
async fn every_type_but_the_function_permission_is_served() {
    let stage = Stage::start().await;
    stage
        .play(&event("create-custom-resource"))
        .await
        .succeeded();
    stage
        .play(&event("create-account").with("ResourceType", "Custom::Sharing"))
        .await
        .succeeded();
    drop(stage.lambda.take_calls());
    let answer = stage.play(&event("function-permission")).await;
    assert!(
        answer.refused().contains("not served by this version"),
        "{}",
        answer.reason()
    );
    stage
        .play(&event("function-permission").delete_of(answer.id()))
        .await
        .succeeded();
    assert_eq!(stage.lambda.take_calls(), [""; 0]);
}
