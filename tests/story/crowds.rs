//! Many grants on one layer version at a time, while Lambda throttles and loses what is written without a condition.
//! Refuses to know single calls; what is left at the end counts, and how many calls it took.

use std::time::{Duration, Instant};

use fake_aws::events::{Event, event};
use fake_aws::rate_limit::RateLimit;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::stage::Stage;

use crate::versions::{id, layer_of, on, version};

/// Lambda's limit for all remaining operations of its control plane together.
const CALLS_PER_SECOND: usize = 15;

/// The timeout that Lambda allows at most.
const LONGEST: Duration = Duration::from_mins(15);

/// With so many executions at a time, and a Lambda that is as unkind as it may be.
async fn crowded(executions: usize, sends_retry_after: bool) -> Stage {
    let mut stage = Stage::start().await;
    for _ in 1..executions {
        stage.add_executable(&[]);
    }
    {
        let mut lambda = stage.lambda.state();
        lambda.rate_limit = Some(RateLimit::new(CALLS_PER_SECOND, sends_retry_after));
        lambda.unconditional_writes_race = true;
    }
    stage
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

/// Plays all at once; the ids, and how many calls it took besides those that were throttled.
async fn play_all(stage: &Stage, events: &[Event]) -> (Vec<String>, usize) {
    let began = Instant::now();
    drop(stage.lambda.take_calls());
    let played = events.iter().map(|event| stage.play_within(LONGEST, event));
    let answers = join_all(played).await;
    let calls = stage.lambda.take_calls();
    let throttled = calls.iter().filter(|call| call.ends_with("429")).count();
    println!(
        "{} events: {} calls in {:.1} s, {throttled} of them throttled",
        events.len(),
        calls.len(),
        began.elapsed().as_secs_f32(),
    );
    let ids = answers.iter().map(|answer| answer.succeeded().to_owned());
    (ids.collect(), calls.len() - throttled)
}

/// Each grant takes a look and a write, and as much again for each time that another one was quicker.
const MOST_CALLS_OF_THIRTY: usize = 240;

async fn thirty_come_and_go(executions: usize, sends_retry_after: bool) {
    let stage = crowded(executions, sends_retry_after).await;
    let creates = creates(30);
    let (ids, calls) = play_all(&stage, &creates).await;
    assert_eq!(stage.statements().len(), 30);
    assert!(calls <= MOST_CALLS_OF_THIRTY, "{calls} calls");
    let deletes: Vec<Event> = creates
        .iter()
        .zip(&ids)
        .map(|(create, id)| create.delete_of(id))
        .collect();
    let (_, calls) = play_all(&stage, &deletes).await;
    assert_eq!(stage.statements(), [] as [Value; 0]);
    assert!(calls <= MOST_CALLS_OF_THIRTY, "{calls} calls");
}

#[tokio::test]
async fn thirty_resources_on_few_executions_lose_no_grant() {
    thirty_come_and_go(4, false).await;
}

#[tokio::test]
async fn thirty_resources_on_many_executions_lose_no_grant() {
    thirty_come_and_go(15, true).await;
}

#[tokio::test]
async fn one_resource_of_thirty_principals_takes_little_more_than_a_call_each() {
    let stage = crowded(1, false).await;
    let create = event("create-list").property("Principals", json!(accounts(30)));
    let (ids, calls) = play_all(&stage, std::slice::from_ref(&create)).await;
    assert_eq!(stage.statements().len(), 30);
    // One each, and one look before.
    assert_eq!(calls, 31);
    play_all(&stage, &[create.delete_of(&ids[0])]).await;
    assert_eq!(stage.statements(), [] as [Value; 0]);
}

/// Three accounts each, and no more than a fifth of the calls that it takes before the deadline.
#[tokio::test]
async fn what_there_is_no_time_for_is_answered_so_and_leaves_nothing_half_done() {
    let stage = crowded(40, false).await;
    stage.lambda.state().rate_limit = Some(RateLimit::new(4, false));
    let create = |number: usize| {
        event("create-list")
            .without_property("StatementId")
            .with("LogicalResourceId", format!("Share{number}"))
            .property("Principals", json!(accounts(3)))
    };
    let creates: Vec<Event> = (0..40).map(create).collect();
    let played = creates
        .iter()
        .map(|create| stage.play_within(Duration::from_secs(16), create));
    let answers = join_all(played).await;
    let of = |number: usize| {
        let head = format!("Share{number}-");
        let of_this = move |statement: &Value| {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            sid.starts_with(&head)
        };
        stage
            .statements()
            .iter()
            .filter(|found| of_this(found))
            .count()
    };
    let mut failed = 0;
    for (number, answer) in answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer.failed())
    {
        failed += 1;
        let reason = answer.reason();
        assert!(
            reason.starts_with("out of time while waiting for this to pass: "),
            "{reason}"
        );
        let is_told = reason.contains("(perhaps still done: ") && answer.id() != "never-created";
        assert!(of(number) == 0 || is_told, "{reason}");
    }
    println!("{failed} of 40 failed");
    assert!(failed >= 20, "{failed} failed");
    stage.lambda.state().rate_limit = None;
    for (number, answer) in answers.iter().enumerate() {
        if answer.failed() {
            stage
                .play(&creates[number].delete_of(answer.id()))
                .await
                .succeeded();
        }
        assert_eq!(of(number), if answer.failed() { 0 } else { 3 });
    }
}

/// Too long for every day: some five minutes at Lambda's pace.
#[tokio::test]
#[ignore = "takes minutes"]
async fn two_hundred_versions_get_twenty_principals_each() {
    let stage = layer_of(200).await;
    stage.lambda.state().rate_limit = Some(RateLimit::new(CALLS_PER_SECOND, false));
    let create = event("create-all-versions")
        .without_property("Principal")
        .property("LayerVersionArn", version(200))
        .property("Principals", json!(accounts(20)));
    let (ids, _) = play_all(&stage, &[create]).await;
    assert_eq!(ids, [id()]);
    for number in 1..=200 {
        assert_eq!(on(&stage, number).len(), 21, "version {number}");
    }
}

/// As many executions as Lambda would start for as many stacks: too long for every day.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_thousand_grants_on_two_hundred_executions_are_all_there() {
    let stage = crowded(200, false).await;
    let versions: Vec<String> = (1..=5).map(version).collect();
    for version in &versions {
        stage.lambda.state().policies.publish(version);
    }
    // Lambda's own limit would leave room for half as many.
    stage.lambda.state().policies.extra_policy_size = 100_000;
    let creates: Vec<Event> = creates(1000)
        .into_iter()
        .zip(versions.iter().cycle())
        .map(|(create, version)| create.property("LayerVersionArn", version.as_str()))
        .collect();
    let began = Instant::now();
    let (_, calls) = play_all(&stage, &creates).await;
    for number in 1..=5 {
        assert_eq!(on(&stage, number).len(), 200, "version {number}");
    }
    // A look and a write for each, at the rate that Lambda allows.
    let least = Duration::from_secs(2 * 1000 / 15);
    let ratio = began.elapsed().as_secs_f32() / least.as_secs_f32();
    println!("{calls} calls, {ratio:.2} of the least time");
    assert!(ratio <= 1.3, "{ratio}");
}
