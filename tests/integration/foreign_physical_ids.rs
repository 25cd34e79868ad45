//! Resources that another implementation created behind the same `ServiceToken`: their physical ids are not the provider's, and an
//! Update under such an id keeps the grant, also after CloudFormation's clean-up.

use fake_aws::events::{Event, LAYER_VERSION, event};
use fake_aws::statements::public_statement;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::test_env::TestEnv;

const FOREIGN: [&str; 5] = [
    "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef",
    "sharing-LayerPermission-1A2B3C4D5E6F",
    "LayerPermission",
    "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
    "partner",
];

fn creates() -> Vec<Event> {
    let names = [
        "create-account",
        "create-derived-statement-id",
        "create-list",
        "create-all-versions",
        "create-public",
    ];
    names
        .map(|name| event(name).property("LayerVersionArn", LAYER_VERSION))
        .into()
}

/// Updates under `id`, and deletes that id as CloudFormation does if the response has another one; returns the id in the response.
async fn update_and_clean_up(
    env: &TestEnv,
    create: &Event,
    id: &str,
    new: Value,
) -> Option<String> {
    let response = env.send(&create.update_to(id, new)).await;
    if response.is_failed() {
        assert_eq!(response.id(), id);
        return None;
    }
    if response.id() != id {
        env.send(&create.delete_of(id)).await.expect_success();
    }
    Some(response.id().to_owned())
}

#[tokio::test]
async fn an_update_under_a_foreign_id_keeps_the_grant() {
    let cases = creates().into_iter().flat_map(|create| {
        let ids = FOREIGN.iter().zip([true, false, true, false, true]);
        ids.map(move |(id, granted_before)| (create.clone(), *id, granted_before))
    });
    let sent = cases.map(async |(create, id, granted_before)| {
        let other = public_statement(LAYER_VERSION, "other");
        let env = TestEnv::start().await;
        env.put_statement(other.clone());
        if granted_before {
            env.send(&create).await.expect_success();
        }
        let mut same = create.clone();
        same.0["ResourceProperties"]["Nonce"] = "2".into();
        let updated = update_and_clean_up(&env, &create, id, same.properties()).await;
        let updated = updated.expect("SUCCESS");
        assert_eq!(env.statements().len(), 1 + granted(&create), "{id}");
        // The resource keeps that id, and a Delete removes it.
        env.send(&same.delete_of(&updated)).await.expect_success();
        assert_eq!(env.statements(), [other], "{id}");
    });
    join_all(sent).await;
}

/// How many statements the Create adds.
fn granted(create: &Event) -> usize {
    let principals = &create.properties()["Principals"];
    principals.as_array().map_or(1, Vec::len)
}

#[tokio::test]
async fn a_replacement_under_a_foreign_id_grants_the_new_and_revokes_the_old() {
    let other = public_statement(LAYER_VERSION, "other");
    for (name, property, value) in [
        ("create-account", "Principal", json!("444455556666")),
        ("create-account", "StatementId", json!("another")),
        (
            "create-derived-statement-id",
            "Principal",
            json!("444455556666"),
        ),
        (
            "create-list",
            "Principals",
            json!(["111122223333", "777788889999"]),
        ),
        ("create-public", "Principal", json!("111122223333")),
    ] {
        let create = event(name);
        let env = TestEnv::start().await;
        env.put_statement(other.clone());
        env.send(&create).await.expect_success();
        let mut new = create.properties();
        new[property] = value;
        let updated = update_and_clean_up(&env, &create, FOREIGN[0], new.clone()).await;
        let updated = updated.expect("SUCCESS");
        let expected = TestEnv::start().await;
        expected.put_statement(other.clone());
        let mut fresh = create.clone();
        fresh.0["ResourceProperties"] = new;
        expected.send(&fresh).await.expect_success();
        let sorted = |env: &TestEnv| {
            let mut statements: Vec<String> =
                env.statements().iter().map(Value::to_string).collect();
            statements.sort();
            statements
        };
        assert_eq!(sorted(&env), sorted(&expected), "{name} {property}");
        env.send(&fresh.delete_of(&updated)).await.expect_success();
        assert_eq!(
            env.statements(),
            std::slice::from_ref(&other),
            "{name} {property}"
        );
    }
}

#[tokio::test]
async fn a_change_of_versions_under_a_foreign_id_is_made_in_place_and_rolled_back() {
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    for grant in [
        json!({"Principal": "111122223333"}),
        json!({"Principals": "111122223333"}),
    ] {
        let env = TestEnv::start().await;
        env.lambda.state().policies.publish(&next);
        let mut one = event("create-account").without_property("Principal");
        for (name, value) in grant.as_object().unwrap() {
            one = one.property(name, value.clone());
        }
        let all = one.clone().property("Versions", "All");
        let granted = |arn: &str| env.lambda.state().policies.statements(arn).len();
        env.send(&one).await.expect_success();
        for (from, to, on_next) in [(&one, &all, 1), (&all, &one, 0), (&one, &all, 1)] {
            let update = from.update_to(FOREIGN[0], to.properties());
            assert_eq!(env.send(&update).await.expect_success(), FOREIGN[0]);
            assert_eq!(
                (granted(LAYER_VERSION), granted(&next)),
                (1, on_next),
                "{grant}"
            );
        }
        env.send(&all.delete_of(FOREIGN[0])).await.expect_success();
        assert_eq!((granted(LAYER_VERSION), granted(&next)), (0, 0));
    }
}

#[tokio::test]
async fn a_foreign_id_with_properties_of_another_implementation_is_replaced() {
    let env = TestEnv::start().await;
    let create = event("create-account");
    let mut update = create.update_to(FOREIGN[0], create.properties());
    update.0["OldResourceProperties"] = json!({"Layer": "my-layer", "Accounts": ["111122223333"]});
    let updated = env.send(&update).await.expect_success().to_owned();
    assert_eq!(updated, format!("{LAYER_VERSION}#partner"));
    let mut old = create.clone();
    old.0["ResourceProperties"] = update.0["OldResourceProperties"].clone();
    env.send(&old.delete_of(FOREIGN[0])).await.expect_success();
    assert_eq!(env.statements().len(), 1);
}
