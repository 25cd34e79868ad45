//! Holds each line of the log to what the README says of it.
//! Refuses to know which lines an event has.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::function_process::FunctionProcess;
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::stage::{EXECUTABLE, Stage};

const MINUTE: Duration = Duration::from_mins(1);

/// The fields of each message, by the table in the README.
static FIELDS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let readme = include_str!("../../README.md");
    let table = readme.split("| `message` |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        (names(cells[0]).next().unwrap(), names(cells[2]).collect())
    })
    .collect()
});

/// Panics where a line is not as the README says.
pub fn check(line: &Value) {
    let line = line.as_object().unwrap();
    if let Some(metrics) = line.get("_aws") {
        let metrics = &metrics["CloudWatchMetrics"][0];
        let names = metrics["Metrics"].as_array().unwrap();
        for name in names.iter().map(|metric| metric["Name"].as_str().unwrap()) {
            assert!(line[name].is_u64(), "{line:?}");
        }
        let dimension = metrics["Dimensions"][0][0].as_str().unwrap();
        assert!(line[dimension].is_string(), "{line:?}");
        return;
    }
    let message = line["message"].as_str().unwrap();
    let fields = FIELDS
        .get(message)
        .unwrap_or_else(|| panic!("the README does not name this line: {line:?}"));
    for (name, value) in line {
        let known = ["timestamp", "level", "message"].contains(&name.as_str())
            || fields.contains(name.as_str());
        assert!(known, "the README does not name `{name}`: {line:?}");
        assert!(value.is_string() || value.is_u64(), "{line:?}");
    }
}

#[tokio::test]
async fn a_create_is_logged_step_by_step() {
    let mut stage = Stage::start().await;
    stage.play(&event("create-account")).await.succeeded();
    let lines = stage.end();
    let messages: Vec<&str> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap_or("metrics"))
        .collect();
    let expected = [
        "received",
        "called",
        "planned",
        "called",
        "called",
        "planned",
        "answering",
        "answered",
        "metrics",
    ];
    assert_eq!(messages, expected);
    for line in lines.iter().take(7) {
        let message = line["message"].as_str().unwrap();
        let present = line.as_object().unwrap().len() - 3;
        let optional = usize::from(message == "received");
        assert_eq!(present + optional, FIELDS[message].len(), "{line}");
    }
}

/// What the executables of a stage have said; each line was held to the README on the way.
fn messages(mut stage: Stage) -> Vec<String> {
    let lines = stage.end();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    messages.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_line_that_the_readme_names_is_written() {
    let mut written: HashSet<String> = HashSet::new();
    written.extend(messages(of_grants_and_revokes().await));
    written.extend(messages(of_failed_grants().await));
    written.extend(messages(of_responses().await));
    let unanswerable =
        Stage::guarded(&[("ALLOW_PUBLIC", "yes"), ("AWS_CA_BUNDLE", "/no/file")]).await;
    let issued = unanswerable.issue(&event("delete"));
    unanswerable.deliver(&issued, MINUTE).await;
    unanswerable.runtime.invoke("{}", MINUTE).await;
    written.extend(messages(unanswerable));
    let panics = Stage::with_environment(&[("PANIC_DRILL", "1")]).await;
    panics.play(&event("create-account")).await.refused();
    written.extend(messages(panics));
    written.extend(of_start().into_iter());
    let named: HashSet<String> = FIELDS.keys().map(|name| (*name).to_owned()).collect();
    let missing: Vec<_> = named.difference(&written).collect();
    assert!(missing.is_empty(), "never written: {missing:?}");
}

async fn of_grants_and_revokes() -> Stage {
    let stage = Stage::start().await;
    let principals: Vec<String> = (0..30)
        .map(|number| (111_122_220_000_u64 + number).to_string())
        .collect();
    let many = event("create-list").property("Principals", principals);
    stage.play(&many).await.succeeded();
    stage.put_statement(public_statement(LAYER_VERSION, "partner"));
    stage.play(&event("delete")).await.succeeded();
    stage.lambda.state().policies.unpublish(LAYER_VERSION);
    stage.lambda.state().policies.publish(LAYER_VERSION);
    stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    let meanwhile = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    stage.lambda.inject(Operation::Get, [meanwhile, denied]);
    let update = event("update-layer-version");
    let before = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&format!("{LAYER_VERSION}#partner"), before);
    stage.play(&rollback).await.succeeded();
    stage
}

async fn of_failed_grants() -> Stage {
    let stage = Stage::start().await;
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let broken = Fault::Rejected(500, "ServiceException", "An error occurred.");
    stage.lambda.inject(Operation::Get, [none]);
    stage.lambda.inject_always(Operation::Get, broken.clone());
    stage.lambda.inject_always(Operation::Remove, broken);
    let create = event("create-account");
    stage
        .play_within(Duration::from_secs(3), &create)
        .await
        .refused();
    stage
}

async fn of_responses() -> Stage {
    let stage = Stage::start().await;
    let issued = stage.issue(&event("create-account").property("Nonce", "NONCE"));
    let text = issued.0.to_string().replace("\"NONCE\"", "1e999");
    stage.play_text(&issued, text).await.refused();
    stage.bucket.inject([PutFault::Rejected(500)]);
    stage.play(&event("create-account")).await.succeeded();
    let delete = event("create-account").delete_of(&format!("{LAYER_VERSION}#partner"));
    stage.play(&delete).await.succeeded();
    stage.bucket.inject([PutFault::Rejected(403)]);
    let issued = stage.issue(&event("create-account"));
    stage.deliver(&issued, MINUTE).await;
    stage
}

/// What a process says that cannot start.
fn of_start() -> Vec<String> {
    let lines = FunctionProcess::start(EXECUTABLE.as_ref(), &[], &[]).wait_for_failure();
    let messages = lines.iter().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        check(&line);
        line["message"].as_str().unwrap().to_owned()
    });
    messages.collect()
}

#[tokio::test]
async fn what_an_event_came_to_is_counted() {
    let mut stage = Stage::start().await;
    let create = event("create-list");
    let id = stage.play(&create).await.succeeded().to_owned();
    stage.play(&create.delete_of(&id)).await.succeeded();
    stage.play(&event("malformed-principal")).await.refused();
    stage.runtime.invoke("{}", MINUTE).await;
    let lines = stage.end();
    let names = [
        "Grants",
        "Revokes",
        "Conflicts",
        "Failures",
        "Refusals",
        "Unanswerable",
    ];
    let count = |metrics: &Value| names.map(|name| metrics[name].as_u64().unwrap());
    let counted: Vec<_> = lines
        .iter()
        .filter(|line| line["_aws"].is_object())
        .map(count)
        .collect();
    let expected = [
        [3, 0, 0, 0, 0, 0],
        [0, 3, 0, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 1],
    ];
    assert_eq!(counted, expected);
}
