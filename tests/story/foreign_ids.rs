//! Resources that another implementation made behind the same `ServiceToken`: their ids are not this provider's, and an Update under
//! such an id leaves the grant there, also after CloudFormation's clean-up. Refuses to know how such an id came about.

use fake_aws::events::{Event, LAYER_VERSION, event};
use fake_aws::statements::public_statement;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::stage::Stage;

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

/// Updates under `id`, and deletes that id as CloudFormation does where the answer has another one; gives the answered id.
async fn update_and_clean_up(
    stage: &Stage,
    create: &Event,
    id: &str,
    new: Value,
) -> Option<String> {
    let answer = stage.play(&create.update_to(id, new)).await;
    if answer.failed() {
        assert_eq!(answer.id(), id);
        return None;
    }
    if answer.id() != id {
        stage.play(&create.delete_of(id)).await.succeeded();
    }
    Some(answer.id().to_owned())
}

#[tokio::test]
async fn an_update_under_a_foreign_id_leaves_the_grant_there() {
    let cases = creates().into_iter().flat_map(|create| {
        let ids = FOREIGN.iter().zip([true, false, true, false, true]);
        ids.map(move |(id, granted_before)| (create.clone(), *id, granted_before))
    });
    let played = cases.map(async |(create, id, granted_before)| {
        let other = public_statement(LAYER_VERSION, "other");
        let stage = Stage::start().await;
        stage.put_statement(other.clone());
        if granted_before {
            stage.play(&create).await.succeeded();
        }
        let mut same = create.clone();
        same.0["ResourceProperties"]["Nonce"] = "2".into();
        let updated = update_and_clean_up(&stage, &create, id, same.properties()).await;
        let updated = updated.expect("SUCCESS");
        assert_eq!(stage.statements().len(), 1 + granted(&create), "{id}");
        // It lives on under that id, and goes with it.
        stage.play(&same.delete_of(&updated)).await.succeeded();
        assert_eq!(stage.statements(), [other], "{id}");
    });
    join_all(played).await;
}

/// How many statements the Create adds.
fn granted(create: &Event) -> usize {
    let principals = &create.properties()["Principals"];
    principals.as_array().map_or(1, Vec::len)
}

#[tokio::test]
async fn a_change_under_a_foreign_id_grants_the_new_and_revokes_the_old() {
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
        let stage = Stage::start().await;
        stage.put_statement(other.clone());
        stage.play(&create).await.succeeded();
        let mut new = create.properties();
        new[property] = value;
        let updated = update_and_clean_up(&stage, &create, FOREIGN[0], new.clone()).await;
        let updated = updated.expect("SUCCESS");
        let expected = Stage::start().await;
        expected.put_statement(other.clone());
        let mut fresh = create.clone();
        fresh.0["ResourceProperties"] = new;
        expected.play(&fresh).await.succeeded();
        let sorted = |stage: &Stage| {
            let mut statements: Vec<String> =
                stage.statements().iter().map(Value::to_string).collect();
            statements.sort();
            statements
        };
        assert_eq!(sorted(&stage), sorted(&expected), "{name} {property}");
        stage.play(&fresh.delete_of(&updated)).await.succeeded();
        assert_eq!(
            stage.statements(),
            std::slice::from_ref(&other),
            "{name} {property}"
        );
    }
}

#[tokio::test]
async fn a_change_of_versions_under_a_foreign_id_is_made_in_place_and_back() {
    let next = LAYER_VERSION.replace("layer:1", "layer:2");
    for grant in [
        json!({"Principal": "111122223333"}),
        json!({"Principals": "111122223333"}),
    ] {
        let stage = Stage::start().await;
        stage.lambda.state().policies.publish(&next);
        let mut one = event("create-account").without_property("Principal");
        for (name, value) in grant.as_object().unwrap() {
            one = one.property(name, value.clone());
        }
        let all = one.clone().property("Versions", "All");
        let granted = |arn: &str| stage.lambda.state().policies.statements(arn).len();
        stage.play(&one).await.succeeded();
        for (from, to, on_next) in [(&one, &all, 1), (&all, &one, 0), (&one, &all, 1)] {
            let update = from.update_to(FOREIGN[0], to.properties());
            assert_eq!(stage.play(&update).await.succeeded(), FOREIGN[0]);
            assert_eq!(
                (granted(LAYER_VERSION), granted(&next)),
                (1, on_next),
                "{grant}"
            );
        }
        stage.play(&all.delete_of(FOREIGN[0])).await.succeeded();
        assert_eq!((granted(LAYER_VERSION), granted(&next)), (0, 0));
    }
}

#[tokio::test]
async fn a_foreign_id_with_properties_of_another_implementation_is_replaced() {
    let stage = Stage::start().await;
    let create = event("create-account");
    let mut update = create.update_to(FOREIGN[0], create.properties());
    update.0["OldResourceProperties"] = json!({"Layer": "my-layer", "Accounts": ["111122223333"]});
    let updated = stage.play(&update).await.succeeded().to_owned();
    assert_eq!(updated, format!("{LAYER_VERSION}#partner"));
    let mut old = create.clone();
    old.0["ResourceProperties"] = update.0["OldResourceProperties"].clone();
    stage.play(&old.delete_of(FOREIGN[0])).await.succeeded();
    assert_eq!(stage.statements().len(), 1);
}
