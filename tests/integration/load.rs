//! Many grants on one layer version at a time, while Lambda throttles and loses concurrent unconditional writes.

use std::time::{Duration, Instant};

use fake_aws::events::{Event, event};
use fake_aws::rate_limit::RateLimit;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::all_versions::{id, layer_of, statements_on, version};
use crate::test_env::TestEnv;

/// Lambda's limit for all remaining operations of its control plane together.
const CALLS_PER_SECOND: usize = 15;

/// The timeout that Lambda allows at most.
const LONGEST: Duration = Duration::from_mins(15);

/// With this number of execution environments, and a Lambda that throttles and loses concurrent unconditional writes.
async fn throttled_env(executions: usize, sends_retry_after: bool) -> TestEnv {
    let mut env = TestEnv::start().await;
    for _ in 1..executions {
        env.add_execution_environment(&[]);
    }
    {
        let mut lambda = env.lambda.state();
        lambda.rate_limit = Some(RateLimit::new(CALLS_PER_SECOND, sends_retry_after));
        lambda.unconditional_writes_race = true;
    }
    env
}

fn accounts(many: usize) -> Vec<String> {
    (1..=many).map(|number| format!("{number:012}")).collect()
}

/// The Create of a resource of its own for each account.
fn creates(many: usize) -> Vec<Event> {
    let create = |account: &String| {
        event("create-derived-statement-id")
            .with("LogicalResourceId", format!("Share{account}"))
            .property("Principal", account.as_str())
    };
    accounts(many).iter().map(create).collect()
}

/// Sends all concurrently; returns the ids, and the number of calls that were not throttled.
async fn send_all(env: &TestEnv, events: &[Event]) -> (Vec<String>, usize) {
    let began = Instant::now();
    drop(env.lambda.take_calls());
    let sent = events.iter().map(|event| env.send_within(LONGEST, event));
    let responses = join_all(sent).await;
    let calls = env.lambda.take_calls();
    let throttled = calls.iter().filter(|call| call.ends_with("429")).count();
    println!(
        "{} events: {} calls in {:.1} s, {throttled} of them throttled",
        events.len(),
        calls.len(),
        began.elapsed().as_secs_f32(),
    );
    let ids = responses
        .iter()
        .map(|response| response.expect_success().to_owned());
    (ids.collect(), calls.len() - throttled)
}

/// Each grant needs a read and a write, and again for each revision mismatch.
const MAX_CALLS_OF_THIRTY: usize = 240;

async fn create_and_delete_thirty(executions: usize, sends_retry_after: bool) {
    let env = throttled_env(executions, sends_retry_after).await;
    let creates = creates(30);
    let (ids, calls) = send_all(&env, &creates).await;
    assert_eq!(env.statements().len(), 30);
    assert!(calls <= MAX_CALLS_OF_THIRTY, "{calls} calls");
    let deletes: Vec<Event> = creates
        .iter()
        .zip(&ids)
        .map(|(create, id)| create.delete_of(id))
        .collect();
    let (_, calls) = send_all(&env, &deletes).await;
    assert_eq!(env.statements(), [] as [Value; 0]);
    assert!(calls <= MAX_CALLS_OF_THIRTY, "{calls} calls");
}

#[tokio::test]
async fn thirty_resources_in_four_throttled_execution_environments_lose_no_grant() {
    create_and_delete_thirty(4, false).await;
}

#[tokio::test]
async fn thirty_resources_in_fifteen_throttled_execution_environments_lose_no_grant() {
    create_and_delete_thirty(15, true).await;
}

#[tokio::test]
async fn one_resource_with_thirty_principals_needs_one_call_each_and_one_read() {
    let env = throttled_env(1, false).await;
    let create = event("create-list").property("Principals", json!(accounts(30)));
    let (ids, calls) = send_all(&env, std::slice::from_ref(&create)).await;
    assert_eq!(env.statements().len(), 30);
    // One each, and one read before.
    assert_eq!(calls, 31);
    send_all(&env, &[create.delete_of(&ids[0])]).await;
    assert_eq!(env.statements(), [] as [Value; 0]);
}

/// Three accounts each, while the rate limit allows at most a fifth of the necessary calls before the deadline.
#[tokio::test]
async fn throttled_creates_that_time_out_say_so_and_are_rolled_back() {
    let env = throttled_env(40, false).await;
    env.lambda.state().rate_limit = Some(RateLimit::new(4, false));
    let create = |number: usize| {
        event("create-list")
            .without_property("StatementId")
            .with("LogicalResourceId", format!("Share{number}"))
            .property("Principals", json!(accounts(3)))
    };
    let creates: Vec<Event> = (0..40).map(create).collect();
    let sent = creates
        .iter()
        .map(|create| env.send_within(Duration::from_secs(16), create));
    let responses = join_all(sent).await;
    let of = |number: usize| {
        let head = format!("Share{number}-");
        let of_this = move |statement: &Value| {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            sid.starts_with(&head)
        };
        env.statements()
            .iter()
            .filter(|found| of_this(found))
            .count()
    };
    let mut failed = 0;
    for (number, response) in responses
        .iter()
        .enumerate()
        .filter(|(_, response)| response.is_failed())
    {
        failed += 1;
        let reason = response.reason();
        // The one that waits for a response when its time is up is not retrying.
        let heads = ["timed out while retrying: ", "timed out: got no response "];
        let is_timeout = heads.iter().any(|head| reason.starts_with(head));
        assert!(is_timeout, "{reason}");
        let is_reported =
            reason.contains("(may still be in effect: ") && response.id() != "never-created";
        assert!(of(number) == 0 || is_reported, "{reason}");
    }
    println!("{failed} of 40 failed");
    assert!(failed >= 20, "{failed} failed");
    env.lambda.state().rate_limit = None;
    for (number, response) in responses.iter().enumerate() {
        if response.is_failed() {
            env.send(&creates[number].delete_of(response.id()))
                .await
                .expect_success();
        }
        assert_eq!(of(number), if response.is_failed() { 0 } else { 3 });
    }
}

/// Takes about five minutes at Lambda's rate limit.
#[tokio::test]
#[ignore = "takes minutes"]
async fn two_hundred_versions_get_twenty_principals_each() {
    let env = layer_of(200).await;
    env.lambda.state().rate_limit = Some(RateLimit::new(CALLS_PER_SECOND, false));
    let create = event("create-all-versions")
        .without_property("Principal")
        .property("LayerVersionArn", version(200))
        .property("Principals", json!(accounts(20)));
    let (ids, _) = send_all(&env, &[create]).await;
    assert_eq!(ids, [id()]);
    for number in 1..=200 {
        assert_eq!(statements_on(&env, number).len(), 21, "version {number}");
    }
}

/// As many execution environments as Lambda would start for as many stacks.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_thousand_grants_in_two_hundred_execution_environments_are_all_kept() {
    let env = throttled_env(200, false).await;
    let versions: Vec<String> = (1..=5).map(version).collect();
    for version in &versions {
        env.lambda.state().policies.publish(version);
    }
    // Lambda's own limit allows half as many.
    env.lambda.state().policies.extra_policy_size = 100_000;
    let creates: Vec<Event> = creates(1000)
        .into_iter()
        .zip(versions.iter().cycle())
        .map(|(create, version)| create.property("LayerVersionArn", version.as_str()))
        .collect();
    let began = Instant::now();
    let (_, calls) = send_all(&env, &creates).await;
    for number in 1..=5 {
        assert_eq!(statements_on(&env, number).len(), 200, "version {number}");
    }
    // A read and a write for each, at the rate that Lambda allows.
    let least = Duration::from_secs(2 * 1000 / 15);
    let ratio = began.elapsed().as_secs_f32() / least.as_secs_f32();
    println!("{calls} calls, {ratio:.2} of the least time");
    assert!(ratio <= 1.3, "{ratio}");
}

#[tokio::test]
async fn thirty_sources_of_a_function_under_throttling_are_all_there_and_none_twice() {
    let env = throttled_env(1, false).await;
    let rules =
        (0..30).map(|number| format!("arn:aws:events:eu-west-1:123456789012:rule/{number}"));
    let rules: Vec<String> = rules.collect();
    let create = event("function-create-source-arns").property("SourceArns", json!(rules));
    let (ids, calls) = send_all(&env, std::slice::from_ref(&create)).await;
    // One read, and two calls each: an addition returns no revision.
    assert_eq!(calls, 61);
    let statements = env.function_statements();
    let sources = statements
        .iter()
        .map(|found| &found["Condition"]["ArnLike"]["AWS:SourceArn"]);
    let mut sources: Vec<String> = sources
        .map(|arn| arn.as_str().unwrap().to_owned())
        .collect();
    sources.sort();
    let mut expected = rules.clone();
    expected.sort();
    assert_eq!(sources, expected);
    send_all(&env, &[create.delete_of(&ids[0])]).await;
    assert_eq!(env.function_statements(), [] as [Value; 0]);
}
