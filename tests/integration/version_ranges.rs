//! `Versions` with `From` and `Newest`: one grant on some of a layer's versions.

use std::collections::BTreeSet;

use fake_aws::api_call::Operation;
use fake_aws::events::{Event, event};
use fastrand::Rng;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::all_versions::{id, layer_of, other_statement, owned_statement, statements_on, version};
use crate::test_env::TestEnv;

/// The Create of a grant on version 3 and others, and what follows it.
fn create(versions: Value) -> Event {
    event("create-all-versions").property("Versions", versions)
}

fn update(before: &Event, named: u64, versions: Value) -> Event {
    let mut properties = before.properties();
    properties["LayerVersionArn"] = version(named).into();
    properties["Versions"] = versions;
    before.update_to(&id(), properties)
}

/// Sends the event, and returns the numbers of the versions to which it added the grant and from which it removed that, in order.
async fn send(env: &TestEnv, event: &Event) -> Vec<(Operation, u64)> {
    env.lambda.state().calls.clear();
    assert_eq!(env.send(event).await.expect_success(), id());
    let lambda = env.lambda.state();
    let writes = lambda.calls.iter().filter(|call| {
        matches!(call.operation, Operation::Add | Operation::Remove) && call.status.is_some()
    });
    let number = |arn: &str| arn.rsplit(':').next().unwrap().parse().unwrap();
    writes
        .map(|call| (call.operation, number(&call.arn)))
        .collect()
}

/// The versions that have the grant, of those up to this number.
fn granted(env: &TestEnv, most: u64) -> BTreeSet<u64> {
    let has = |number: &u64| statements_on(env, *number).contains(&owned_statement(*number));
    (1..=most).filter(has).collect()
}

#[tokio::test]
async fn versions_from_one_on_get_the_grant() {
    let env = layer_of(5).await;
    send(&env, &create(json!({"From": "2"}))).await;
    assert_eq!(granted(&env, 5), (2..=5).collect());
    assert_eq!(statements_on(&env, 1), [other_statement(1)]);
}

#[tokio::test]
async fn the_newest_versions_have_the_grant_and_a_published_one_replaces_the_oldest_of_them() {
    let env = layer_of(5).await;
    let created = create(json!({"Newest": 3}));
    send(&env, &created).await;
    assert_eq!(granted(&env, 5), (3..=5).collect());
    env.lambda.state().policies.publish(&version(6));
    let writes = send(&env, &update(&created, 6, json!({"Newest": 3}))).await;
    assert_eq!(writes, [(Operation::Add, 6), (Operation::Remove, 3)]);
    assert_eq!(granted(&env, 6), (4..=6).collect());
}

#[tokio::test]
async fn the_version_that_is_named_has_the_grant_even_if_it_is_none_of_the_newest() {
    let env = layer_of(5).await;
    send(&env, &create(json!({"Newest": 1}))).await;
    assert_eq!(granted(&env, 5), [3, 5].into());
}

#[tokio::test]
async fn a_change_of_versions_adds_before_it_removes_and_keeps_the_id() {
    let env = layer_of(6).await;
    let created = create(json!({"From": 1, "Newest": 4}));
    send(&env, &created).await;
    assert_eq!(granted(&env, 6), (3..=6).collect());
    let widened = update(&created, 3, json!("All"));
    let writes = send(&env, &widened).await;
    assert_eq!(
        writes
            .iter()
            .filter(|(of, _)| *of == Operation::Remove)
            .count(),
        0
    );
    assert_eq!(granted(&env, 6), (1..=6).collect());
    let narrowed = update(&widened, 6, json!({"From": "5"}));
    send(&env, &narrowed).await;
    assert_eq!(granted(&env, 6), [5, 6].into());
    send(&env, &narrowed.delete_of(&id())).await;
    assert_eq!(granted(&env, 6), BTreeSet::new());
}

#[tokio::test]
async fn a_statement_of_another_owner_stays_on_a_version_that_is_left_out() {
    let env = layer_of(3).await;
    let other = fake_aws::statements::account_statement(&version(1), "partner", "999988887777");
    let put = |statement| {
        let policies = &mut env.lambda.state().policies;
        policies.put_statement(&version(1), statement);
    };
    put(other.clone());
    send(&env, &create(json!({"Newest": 2}))).await;
    assert_eq!(statements_on(&env, 1), [other_statement(1), other]);
    assert_eq!(granted(&env, 3), [2, 3].into());
}

/// What a history has come to, besides the policies.
struct History {
    env: TestEnv,
    rng: Rng,
    seed: u64,
    existing: BTreeSet<u64>,
    last: Event,
}

impl History {
    async fn begin(seed: u64) -> Self {
        let env = layer_of(4).await;
        let last = create(json!("All"));
        send(&env, &last).await;
        Self {
            env,
            rng: Rng::with_seed(seed),
            seed,
            existing: (1..=4).collect(),
            last,
        }
    }

    /// Publishes and deletes versions, and then changes `Versions`.
    async fn go_on(&mut self) {
        for _ in 0..self.rng.usize(..3) {
            let next = self.existing.last().unwrap() + 1;
            if self.rng.u8(..3) > 0 {
                self.env.lambda.state().policies.publish(&version(next));
                self.existing.insert(next);
            } else if self.existing.len() > 2 {
                let deleted = *self.rng.choice(&self.existing).unwrap();
                self.env
                    .lambda
                    .state()
                    .policies
                    .unpublish(&version(deleted));
                // Lambda gives no number twice.
                if deleted + 1 < next {
                    self.existing.remove(&deleted);
                } else {
                    self.env.lambda.state().policies.publish(&version(deleted));
                }
            }
        }
        let newest = *self.existing.last().unwrap();
        let from = self.rng.bool().then(|| self.rng.u64(1..=newest));
        let most = self.rng.bool().then(|| self.rng.u64(1..=5));
        let versions = match (from, most) {
            (None, None) => json!("All"),
            (Some(from), None) => json!({"From": from}),
            (None, Some(most)) => json!({"Newest": most.to_string()}),
            (Some(from), Some(most)) => json!({"From": from.to_string(), "Newest": most}),
        };
        let before = granted(&self.env, newest);
        let event = update(&self.last, newest, versions.clone());
        let writes = send(&self.env, &event).await;
        let expected: BTreeSet<u64> = self
            .existing
            .iter()
            .filter(|number| from.is_none_or(|from| **number >= from))
            .rev()
            .take(most.map_or(usize::MAX, |most| usize::try_from(most).unwrap()))
            .copied()
            .collect();
        let seed = self.seed;
        assert_eq!(
            granted(&self.env, newest),
            expected,
            "seed {seed}: {versions}"
        );
        // None that has the grant before and after is without it in between, and all are added before any is removed.
        let is_removal = |write: &&(Operation, u64)| write.0 == Operation::Remove;
        for (_, number) in writes.iter().filter(is_removal) {
            assert!(
                !expected.contains(number),
                "seed {seed}: {versions} {writes:?}"
            );
            assert!(
                before.contains(number),
                "seed {seed}: {versions} {writes:?}"
            );
        }
        let additions = writes.iter().skip_while(|write| !is_removal(write));
        assert!(
            additions.filter(|write| !is_removal(write)).count() == 0,
            "seed {seed}: {writes:?}"
        );
        self.last = event;
    }
}

#[tokio::test]
async fn exactly_the_versions_in_the_set_have_the_grant_after_any_history() {
    let histories = (1..=6).map(async |seed| {
        let mut history = History::begin(seed).await;
        for _ in 0..6 {
            history.go_on().await;
        }
        let id = id();
        send(&history.env, &history.last.delete_of(&id)).await;
        let newest = *history.existing.last().unwrap();
        assert_eq!(
            granted(&history.env, newest),
            BTreeSet::new(),
            "seed {seed}"
        );
    });
    join_all(histories).await;
}
