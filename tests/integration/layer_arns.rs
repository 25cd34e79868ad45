//! How the layer version is given, and how Lambda is called about it.

use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use serde_json::json;

use crate::test_env::TestEnv;

#[tokio::test]
async fn the_region_is_that_of_the_layer_version() {
    for (name, region) in [
        ("create-in-another-region", "us-west-2"),
        ("create-in-another-partition", "cn-north-1"),
    ] {
        let mut env = TestEnv::start().await;
        let event = event(name);
        let arn = event.properties()["LayerVersionArn"]
            .as_str()
            .unwrap()
            .to_owned();
        let partition = arn.split(':').nth(1).unwrap().to_owned();
        env.runtime.function_arn = format!(
            "arn:{partition}:lambda:{}:123456789012:function:layer-permission",
            if partition == "aws" {
                "eu-west-1"
            } else {
                "cn-northwest-1"
            }
        );
        env.lambda.state().policies.publish(&arn);
        assert_eq!(
            env.send(&event).await.expect_success(),
            format!("{arn}#partner")
        );
        let lambda = env.lambda.state();
        assert!(
            lambda
                .calls
                .iter()
                .all(|call| call.credential.region == region && call.arn == arn),
            "{name}"
        );
        let partition = arn.split(':').nth(1).unwrap();
        let root = json!({"AWS": format!("arn:{partition}:iam::{ACCOUNT}:root")});
        assert_eq!(lambda.policies.statements(&arn)[0]["Principal"], root);
    }
}

#[tokio::test]
async fn a_layer_is_addressed_by_name_in_the_own_account_and_by_arn_in_another() {
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
        let env = TestEnv::start().await;
        env.lambda.state().policies.publish(other);
        assert_eq!(
            env.send(&event(name)).await.expect_success(),
            format!("{arn}#partner"),
            "{name}"
        );
        assert_eq!(env.lambda.state().calls[0].target, target, "{name}");
    }
}

#[tokio::test]
async fn scalar_properties_can_be_numbers_booleans_or_strings() {
    let env = TestEnv::start().await;
    let number = event("create-by-name-and-number").property("VersionNumber", 1);
    assert_eq!(
        env.send(&number).await.expect_success(),
        format!("{LAYER_VERSION}#partner")
    );
    let account = event("create-account").property("Principal", 111_122_223_333_u64);
    env.send(&account).await.expect_success();
    for yes in [json!(true), json!("true")] {
        let boolean = event("create-account").property("StatementId", yes);
        assert_eq!(
            env.send(&boolean).await.expect_success(),
            format!("{LAYER_VERSION}#true")
        );
    }
}

#[tokio::test]
async fn every_other_resource_type_is_a_layer_version_permission() {
    let env = TestEnv::start().await;
    env.send(&event("create-custom-resource"))
        .await
        .expect_success();
    env.send(&event("create-account").with("ResourceType", "Custom::Sharing"))
        .await
        .expect_success();
    let function = event("function-create-account").with("ResourceType", "Custom::Sharing");
    let response = env.send(&function).await;
    let reason = response.expect_failed();
    assert!(
        reason.starts_with("unknown property: got `FunctionName`"),
        "{reason}"
    );
}
