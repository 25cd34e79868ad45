//! `Versions: All`: one grant on every version of a layer, whichever there are.
//! Refuses to know how long that takes: see `versions_in_time`.

use fake_aws::api_call::{Operation, query_value};
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};

use crate::cloudformation::Resource;

use crate::stage::Stage;

const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

/// The layer version of this number.
pub fn version(number: u64) -> String {
    format!("{LAYER}:{number}")
}

/// The id of the grant on all versions.
pub fn id() -> String {
    format!("{LAYER}#partner")
}

/// Our statement on the version of this number.
pub fn ours(number: u64) -> Value {
    account_statement(&version(number), "partner", ACCOUNT)
}

/// Another's statement there.
pub fn foreign(number: u64) -> Value {
    public_statement(&version(number), "other")
}

/// The statements on the version of this number.
pub fn on(stage: &Stage, number: u64) -> Vec<Value> {
    stage.lambda.state().policies.statements(&version(number))
}

/// A layer of so many versions, each with another's statement.
pub async fn layer_of(versions: u64) -> Stage {
    let stage = Stage::start().await;
    for number in 1..=versions {
        let policies = &mut stage.lambda.state().policies;
        policies.publish(&version(number));
        policies.put_statement(&version(number), foreign(number));
    }
    stage
}

/// The same, where the grant was made already.
pub async fn shared_layer_of(versions: u64) -> Stage {
    let stage = layer_of(versions).await;
    for number in 1..=versions {
        let policies = &mut stage.lambda.state().policies;
        policies.put_statement(&version(number), ours(number));
    }
    stage
}

/// The calls that begin so, in any order.
fn count(calls: &[String], begin: &str) -> usize {
    calls.iter().filter(|call| call.starts_with(begin)).count()
}

#[tokio::test]
async fn every_version_gets_the_grant_over_any_number_of_pages() {
    let stage = layer_of(10).await;
    // One that has no policy yet.
    stage.lambda.state().policies.publish(&version(7));
    stage.lambda.state().policies.max_page_size = Some(4);
    let answer = stage.play(&event("create-all-versions")).await;
    assert_eq!(answer.succeeded(), id());
    for number in 1..=10 {
        let wanted = match number {
            7 => vec![ours(7)],
            _ => vec![foreign(number), ours(number)],
        };
        assert_eq!(on(&stage, number), wanted, "version {number}");
    }
    let lambda = stage.lambda.state();
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
    let data = &answer.0["Data"];
    assert_eq!(data["Id"], id());
    assert_eq!(data["LayerVersionArn"], version(3));
    let statement: Value = serde_json::from_str(data["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(statement, ours(3));
    let named = lambda.policies.get(&version(3)).unwrap();
    assert_eq!(data["RevisionId"], named.revision);
}

#[tokio::test]
async fn a_version_that_is_not_listed_yet_gets_the_grant_if_it_is_named() {
    let stage = layer_of(2).await;
    stage.lambda.state().policies.publish(&version(3));
    stage.lambda.state().policies.unlisted = Some(version(3));
    stage.play(&event("create-all-versions")).await.succeeded();
    assert_eq!(on(&stage, 3), [ours(3)]);
    assert_eq!(on(&stage, 1), [foreign(1), ours(1)]);
}

#[tokio::test]
async fn what_is_published_is_granted_and_the_old_versions_stay_so() {
    let stage = shared_layer_of(3).await;
    stage.lambda.state().policies.publish(&version(4));
    let update = stage.play(&event("update-all-versions")).await;
    assert_eq!(update.succeeded(), id());
    let calls = stage.lambda.take_calls();
    assert_eq!(count(&calls, "Add"), 1, "{calls:?}");
    assert_eq!(count(&calls, "Remove"), 0, "{calls:?}");
    assert_eq!(on(&stage, 4), [ours(4)]);
    for number in 1..=3 {
        assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
    }
}

#[tokio::test]
async fn a_principal_that_is_dropped_loses_access_to_every_version() {
    let stage = layer_of(4).await;
    let both = |create: fake_aws::events::Event, principals: &str| {
        create
            .without_property("Principal")
            .property("Principals", principals)
    };
    let create = both(event("create-all-versions"), "111122223333,444455556666");
    let id = stage.play(&create).await.succeeded().to_owned();
    assert_eq!(on(&stage, 1).len(), 3);
    let kept = both(event("create-all-versions"), "444455556666").properties();
    let update = create.update_to(&id, kept);
    assert_eq!(stage.play(&update).await.succeeded(), id);
    for number in 1..=4 {
        let sid = "partner-444455556666";
        let kept = account_statement(&version(number), sid, "444455556666");
        assert_eq!(on(&stage, number), [foreign(number), kept]);
    }
}

#[tokio::test]
async fn a_delete_takes_the_grant_from_every_version_and_leaves_the_rest_byte_for_byte() {
    let unreadable = event("delete-all-versions").property("Typo", "x");
    for delete in [event("delete-all-versions"), unreadable] {
        let stage = layer_of(3).await;
        let odd = json!({"Sid": "odd", "Effect": "Deny", "NotPrincipal": {"AWS": ["é\"", 7]}, "Null": null});
        stage
            .lambda
            .state()
            .policies
            .put_statement(&version(2), odd);
        let documents = || {
            let lambda = stage.lambda.state();
            let document = |number| lambda.policies.get(&version(number)).unwrap().document();
            [1, 2, 3].map(document)
        };
        let before = documents();
        for number in 1..=3 {
            let policies = &mut stage.lambda.state().policies;
            policies.put_statement(&version(number), ours(number));
        }
        assert_eq!(stage.play(&delete).await.succeeded(), id());
        assert_eq!(documents(), before);
    }
}

#[tokio::test]
async fn a_version_that_vanishes_meanwhile_is_done() {
    for operation in [Operation::Get, Operation::Add] {
        let stage = layer_of(4).await;
        let two = version(2);
        let vanishes = [Fault::VersionDeleted];
        stage
            .lambda
            .state()
            .faults
            .inject(operation, Some(&two), vanishes);
        let create = stage.play(&event("create-all-versions")).await;
        assert_eq!(create.succeeded(), id(), "{operation:?}");
        for number in [1, 3, 4] {
            assert_eq!(on(&stage, number), [foreign(number), ours(number)]);
        }
    }
    let stage = shared_layer_of(4).await;
    let two = version(2);
    let vanishes = [Fault::VersionDeleted];
    let removal = Operation::Remove;
    stage
        .lambda
        .state()
        .faults
        .inject(removal, Some(&two), vanishes);
    stage.play(&event("delete-all-versions")).await.succeeded();
    assert_eq!(on(&stage, 1), [foreign(1)]);
}

#[tokio::test]
async fn a_layer_of_which_nothing_is_left_is_deleted() {
    let stage = Stage::start().await;
    stage.lambda.state().policies.unpublish(&version(1));
    stage.play(&event("delete-all-versions")).await.succeeded();
}

#[tokio::test]
async fn nothing_to_do_takes_one_list_and_one_look_at_each_version() {
    let stage = shared_layer_of(9).await;
    let again =
        event("create-all-versions").update_to(&id(), event("create-all-versions").properties());
    stage.play(&again).await.succeeded();
    let calls = stage.lambda.take_calls();
    assert_eq!(count(&calls, "List: 200"), 1, "{calls:?}");
    assert_eq!(count(&calls, "Get: 200"), 9, "{calls:?}");
    assert_eq!(calls.len(), 10, "{calls:?}");
}

#[tokio::test]
async fn a_derived_statement_id_is_another_one_for_all_versions() {
    let stage = layer_of(3).await;
    let all = event("create-all-versions").without_property("StatementId");
    let this = all.clone().without_property("Versions");
    let mut resource = Resource::create(&stage, &this).await.ok().unwrap();
    assert_eq!(on(&stage, 1), [foreign(1)]);
    resource.update(all.properties()).await.succeeded();
    for number in 1..=3 {
        assert_eq!(on(&stage, number).len(), 2);
    }
    assert!(
        resource
            .id
            .starts_with(&format!("{LAYER}#LayerPermission-"))
    );
    resource.update(this.properties()).await.succeeded();
    assert_eq!(on(&stage, 1), [foreign(1)]);
    assert_eq!(on(&stage, 3).len(), 2);
    resource.delete().await;
    assert_eq!(on(&stage, 3), [foreign(3)]);
}
