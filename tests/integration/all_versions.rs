//! `Versions: All`: one grant on every version of a layer.

use fake_aws::api_call::{Operation, query_value};
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::cloudformation::Resource;
use crate::test_env::TestEnv;

const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

/// The layer version of this number.
pub fn version(number: u64) -> String {
    format!("{LAYER}:{number}")
}

/// The id of the grant on all versions.
pub fn id() -> String {
    format!("{LAYER}#partner")
}

/// The grant's statement on the version of this number.
pub fn owned_statement(number: u64) -> Value {
    account_statement(&version(number), "partner", ACCOUNT)
}

/// A statement of another owner on that version.
pub fn other_statement(number: u64) -> Value {
    public_statement(&version(number), "other")
}

/// The statements on the version of this number.
pub fn statements_on(env: &TestEnv, number: u64) -> Vec<Value> {
    env.lambda.state().policies.statements(&version(number))
}

/// A layer with this number of versions, each with a statement of another owner.
pub async fn layer_of(versions: u64) -> TestEnv {
    let env = TestEnv::start().await;
    for number in 1..=versions {
        let policies = &mut env.lambda.state().policies;
        policies.publish(&version(number));
        policies.put_statement(&version(number), other_statement(number));
    }
    env
}

/// The same, with the grant on every version.
pub async fn shared_layer_of(versions: u64) -> TestEnv {
    let env = layer_of(versions).await;
    for number in 1..=versions {
        let policies = &mut env.lambda.state().policies;
        policies.put_statement(&version(number), owned_statement(number));
    }
    env
}

/// How many calls have this prefix.
fn count(calls: &[String], begin: &str) -> usize {
    calls.iter().filter(|call| call.starts_with(begin)).count()
}

#[tokio::test]
async fn every_version_on_every_page_gets_the_grant() {
    let env = layer_of(10).await;
    // A version without a policy.
    env.lambda.state().policies.publish(&version(7));
    env.lambda.state().policies.max_page_size = Some(4);
    let response = env.send(&event("create-all-versions")).await;
    assert_eq!(response.expect_success(), id());
    for number in 1..=10 {
        let wanted = match number {
            7 => vec![owned_statement(7)],
            _ => vec![other_statement(number), owned_statement(number)],
        };
        assert_eq!(statements_on(&env, number), wanted, "version {number}");
    }
    let lambda = env.lambda.state();
    let pages = lambda
        .calls
        .iter()
        .filter(|call| call.operation == Operation::List);
    let markers: Vec<_> = pages
        .map(|page| {
            assert_eq!(query_value(&page.target, "MaxItems").unwrap(), "50");
            query_value(&page.target, "Marker")
        })
        .collect();
    let next = |last: u64| Some(format!("{last}/+=="));
    assert_eq!(markers, [None, next(7), next(3)]);
    let data = &response.0["Data"];
    assert_eq!(data["Id"], id());
    assert_eq!(data["LayerVersionArn"], version(3));
    let statement: Value = serde_json::from_str(data["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(statement, owned_statement(3));
    let named = lambda.policies.policy(&version(3)).unwrap();
    assert_eq!(data["RevisionId"], named.revision);
}

#[tokio::test]
async fn a_version_in_the_properties_gets_the_grant_even_if_it_is_not_listed() {
    let env = layer_of(2).await;
    env.lambda.state().policies.publish(&version(3));
    env.lambda.state().policies.unlisted = Some(version(3));
    env.send(&event("create-all-versions"))
        .await
        .expect_success();
    assert_eq!(statements_on(&env, 3), [owned_statement(3)]);
    assert_eq!(
        statements_on(&env, 1),
        [other_statement(1), owned_statement(1)]
    );
}

#[tokio::test]
async fn a_published_version_gets_the_grant_and_the_others_keep_it() {
    let env = shared_layer_of(3).await;
    env.lambda.state().policies.publish(&version(4));
    let update = env.send(&event("update-all-versions")).await;
    assert_eq!(update.expect_success(), id());
    let calls = env.lambda.take_calls();
    assert_eq!(count(&calls, "Add"), 1, "{calls:?}");
    assert_eq!(count(&calls, "Remove"), 0, "{calls:?}");
    assert_eq!(statements_on(&env, 4), [owned_statement(4)]);
    for number in 1..=3 {
        assert_eq!(
            statements_on(&env, number),
            [other_statement(number), owned_statement(number)]
        );
    }
}

#[tokio::test]
async fn a_removed_principal_loses_access_to_every_version() {
    let env = layer_of(4).await;
    let both = |create: fake_aws::events::Event, principals: &str| {
        create
            .without_property("Principal")
            .property("Principals", principals)
    };
    let create = both(event("create-all-versions"), "111122223333,444455556666");
    let id = env.send(&create).await.expect_success().to_owned();
    assert_eq!(statements_on(&env, 1).len(), 3);
    let kept = both(event("create-all-versions"), "444455556666").properties();
    let update = create.update_to(&id, kept);
    assert_eq!(env.send(&update).await.expect_success(), id);
    for number in 1..=4 {
        let sid = "partner-444455556666";
        let kept = account_statement(&version(number), sid, "444455556666");
        assert_eq!(statements_on(&env, number), [other_statement(number), kept]);
    }
}

#[tokio::test]
async fn a_delete_revokes_on_every_version_and_keeps_all_other_statements() {
    let unreadable = event("delete-all-versions").property("Typo", "x");
    for delete in [event("delete-all-versions"), unreadable] {
        let env = layer_of(3).await;
        let odd = json!({"Sid": "odd", "Effect": "Deny", "NotPrincipal": {"AWS": ["é\"", 7]}, "Null": null});
        env.lambda.state().policies.put_statement(&version(2), odd);
        let documents = || {
            let lambda = env.lambda.state();
            let document = |number| lambda.policies.policy(&version(number)).unwrap().document();
            [1, 2, 3].map(document)
        };
        let before = documents();
        for number in 1..=3 {
            let policies = &mut env.lambda.state().policies;
            policies.put_statement(&version(number), owned_statement(number));
        }
        assert_eq!(env.send(&delete).await.expect_success(), id());
        assert_eq!(documents(), before);
    }
}

#[tokio::test]
async fn a_version_that_is_deleted_concurrently_counts_as_done() {
    for operation in [Operation::Get, Operation::Add] {
        let env = layer_of(4).await;
        let two = version(2);
        let vanishes = [Fault::VersionDeleted];
        env.lambda
            .state()
            .faults
            .inject(operation, Some(&two), vanishes);
        let create = env.send(&event("create-all-versions")).await;
        assert_eq!(create.expect_success(), id(), "{operation:?}");
        for number in [1, 3, 4] {
            assert_eq!(
                statements_on(&env, number),
                [other_statement(number), owned_statement(number)]
            );
        }
    }
    let env = shared_layer_of(4).await;
    let two = version(2);
    let vanishes = [Fault::VersionDeleted];
    let removal = Operation::Remove;
    env.lambda
        .state()
        .faults
        .inject(removal, Some(&two), vanishes);
    env.send(&event("delete-all-versions"))
        .await
        .expect_success();
    assert_eq!(statements_on(&env, 1), [other_statement(1)]);
}

#[tokio::test]
async fn a_delete_of_a_layer_without_versions_succeeds() {
    let env = TestEnv::start().await;
    env.lambda.state().policies.unpublish(&version(1));
    env.send(&event("delete-all-versions"))
        .await
        .expect_success();
}

#[tokio::test]
async fn an_unchanged_layer_needs_one_list_call_and_one_read_per_version() {
    let env = shared_layer_of(9).await;
    let again =
        event("create-all-versions").update_to(&id(), event("create-all-versions").properties());
    env.send(&again).await.expect_success();
    let calls = env.lambda.take_calls();
    assert_eq!(count(&calls, "List: 200"), 1, "{calls:?}");
    assert_eq!(count(&calls, "Get: 200"), 9, "{calls:?}");
    assert_eq!(calls.len(), 10, "{calls:?}");
}

#[tokio::test]
async fn a_derived_statement_id_differs_for_all_versions() {
    let env = layer_of(3).await;
    let all = event("create-all-versions").without_property("StatementId");
    let this = all.clone().without_property("Versions");
    let mut resource = Resource::create(&env, &this).await.ok().unwrap();
    assert_eq!(statements_on(&env, 1), [other_statement(1)]);
    resource.update(all.properties()).await.expect_success();
    for number in 1..=3 {
        assert_eq!(statements_on(&env, number).len(), 2);
    }
    assert!(
        resource
            .id
            .starts_with(&format!("{LAYER}#LayerPermission-"))
    );
    resource.update(this.properties()).await.expect_success();
    assert_eq!(statements_on(&env, 1), [other_statement(1)]);
    assert_eq!(statements_on(&env, 3).len(), 2);
    resource.delete().await;
    assert_eq!(statements_on(&env, 3), [other_statement(3)]);
}
