//! Derived statement ids: the same for the same grant, different for every other one.

use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};

use crate::test_env::TestEnv;

#[tokio::test]
async fn a_derived_statement_id_is_stable_across_processes_and_unique_per_grant() {
    let base = event("create-derived-statement-id");
    let id = derived(&base).await;
    assert_eq!(
        derived(&base.clone().with("RequestId", "another")).await,
        id
    );
    assert_eq!(derived(&base.clone().property("Nonce", "2")).await, id);
    let root = base
        .clone()
        .property("Principal", format!("arn:aws:iam::{ACCOUNT}:root"));
    assert_eq!(derived(&root).await, id);
    let other_statement = [
        base.clone().with(
            "StackId",
            "arn:aws:cloudformation:eu-west-1:123456789012:stack/other/1",
        ),
        base.clone().with("LogicalResourceId", "OtherPermission"),
        base.clone().property("Principal", "*"),
        base.clone()
            .property("Principal", "*")
            .property("OrganizationId", "o-abc1234567"),
    ];
    for other in other_statement {
        assert_ne!(derived(&other).await, id, "{}", other.0);
    }
}

#[tokio::test]
async fn a_derived_statement_id_starts_with_the_truncated_logical_id() {
    let id = derived(&event("create-derived-statement-id")).await;
    let (logical, hash) = id.rsplit_once('-').unwrap();
    assert_eq!(logical, "LayerPermission");
    assert_eq!(hash.len(), 16);
    assert!(
        hash.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7')),
        "{hash}"
    );
    let long = event("create-derived-statement-id").with("LogicalResourceId", "A".repeat(255));
    assert!(
        derived(&long)
            .await
            .starts_with(&format!("{}-", "A".repeat(24)))
    );
}

/// The statement id that a fresh process derives.
async fn derived(event: &Event) -> String {
    let env = TestEnv::start().await;
    let response = env.send(event).await;
    let (arn, sid) = response.expect_success().split_once('#').unwrap();
    assert_eq!(arn, LAYER_VERSION);
    sid.to_owned()
}
