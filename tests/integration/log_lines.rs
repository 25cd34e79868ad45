//! Each log line has the fields that docs/observability.md lists.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::cloudformation_api::{Resource, Stacks};
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::function_process::FunctionProcess;
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::audit;
use crate::refresh;
use crate::test_env::{TestEnv, executable};

const MINUTE: Duration = Duration::from_mins(1);

/// The fields of each message, by the table in docs/observability.md.
static FIELDS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let page = include_str!("../../docs/observability.md");
    let table = page.split("| `message` |").nth(1).unwrap();
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

/// The ids that each line of a request has.
const IDS: [&str; 4] = ["lambda_request_id", "stack_id", "logical_id", "request_id"];

/// Those of the event `create-account`, in the first invocation.
const IDS_OF_CREATE: [&str; 4] = [
    "00000000-0000-4000-8000-000000000000",
    "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f",
    "LayerPermission",
    "7f1a2b3c-0000-4000-8000-000000000001",
];

/// Panics if a line is not as the page says.
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
        .unwrap_or_else(|| panic!("the page does not name this line: {line:?}"));
    for (name, value) in line {
        let known = ["timestamp", "level", "message"].contains(&name.as_str())
            || IDS.contains(&name.as_str())
            || fields.contains(name.as_str());
        assert!(known, "the page does not name `{name}`: {line:?}");
        assert!(value.is_string() || value.is_u64(), "{line:?}");
    }
}

#[tokio::test]
async fn a_create_is_logged_step_by_step() {
    let mut env = TestEnv::start().await;
    env.send(&event("create-account")).await.expect_success();
    let lines = env.stop();
    let messages: Vec<&str> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap_or("metrics"))
        .collect();
    let expected = [
        "request received",
        "AWS API call",
        "planned",
        "AWS API call",
        "AWS API call",
        "planned",
        "sending response",
        "response sent",
        "metrics",
    ];
    assert_eq!(messages, expected);
    for line in lines.iter().take(7) {
        let message = line["message"].as_str().unwrap();
        let present = line.as_object().unwrap().len() - 3 - IDS.len();
        let optional = usize::from(message == "request received");
        assert_eq!(present + optional, FIELDS[message].len(), "{line}");
    }
    for line in &lines {
        let ids = IDS.map(|name| line[name].as_str());
        assert_eq!(ids, IDS_OF_CREATE.map(Some), "{line}");
    }
}

/// The messages that the processes have logged; `stop` has compared each line with the page.
fn messages(mut env: TestEnv) -> Vec<String> {
    let lines = env.stop();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    messages.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_message_of_the_page_is_logged() {
    let mut written: HashSet<String> = HashSet::new();
    written.extend(messages(grants_and_revokes().await));
    written.extend(messages(failed_grants().await));
    written.extend(messages(responses().await));
    written.extend(messages(late_grants().await));
    written.extend(messages(audit::audits().await));
    written.extend(messages(refresh::of_another_account().await));
    let without_response_url =
        TestEnv::with_variables_only(&[("ALLOW_PUBLIC", "yes"), ("AWS_CA_BUNDLE", "/no/file")])
            .await;
    let presigned = without_response_url.presign(&event("delete"));
    without_response_url.deliver(&presigned, MINUTE).await;
    without_response_url.runtime.invoke("{}", MINUTE).await;
    written.extend(messages(without_response_url));
    let panics = TestEnv::with_variables(&[("SIMULATE_PANIC", "1")]).await;
    panics.send(&event("create-account")).await.expect_failed();
    written.extend(messages(panics));
    written.extend(startup_messages().into_iter());
    let named: HashSet<String> = FIELDS.keys().map(|name| (*name).to_owned()).collect();
    let missing: Vec<_> = named.difference(&written).collect();
    assert!(missing.is_empty(), "never written: {missing:?}");
}

async fn grants_and_revokes() -> TestEnv {
    let env = TestEnv::start().await;
    let principals: Vec<String> = (0..30)
        .map(|number| (111_122_220_000_u64 + number).to_string())
        .collect();
    let many = event("create-list").property("Principals", principals);
    env.send(&many).await.expect_success();
    env.put_statement(public_statement(LAYER_VERSION, "partner"));
    env.send(&event("delete")).await.expect_success();
    env.lambda.state().policies.unpublish(LAYER_VERSION);
    env.lambda.state().policies.publish(LAYER_VERSION);
    env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    let concurrent = Fault::ConcurrentAdd(public_statement(LAYER_VERSION, "other"));
    env.lambda.inject(Operation::Get, [concurrent, denied]);
    let update = event("update-layer-version");
    let before = update.0["OldResourceProperties"].clone();
    let rollback = update.update_to(&format!("{LAYER_VERSION}#partner"), before);
    env.send(&rollback).await.expect_success();
    env
}

async fn failed_grants() -> TestEnv {
    let env = TestEnv::start().await;
    let none = Fault::Rejected(404, "ResourceNotFoundException", "no policy");
    let broken = Fault::Rejected(500, "ServiceException", "An error occurred.");
    env.lambda.inject(Operation::Get, [none]);
    env.lambda.inject_always(Operation::Get, broken.clone());
    env.lambda.inject_always(Operation::Remove, broken);
    let create = event("create-account");
    env.send_within(Duration::from_secs(3), &create)
        .await
        .expect_failed();
    env
}

async fn late_grants() -> TestEnv {
    let env = TestEnv::start().await;
    let foreign = "arn:aws:cloudformation:eu-west-1:444455556666:stack/s/1";
    for stack in [
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
        foreign,
    ] {
        let mut create = event("create-account").with("StackId", stack);
        let sent = SystemTime::now() - MINUTE;
        env.bucket.presign_at(&mut create.0, sent);
        let logical_id = create.0["LogicalResourceId"].as_str().unwrap();
        let gone = Resource::new("DELETE_COMPLETE", None);
        let pin = |stacks: &mut Stacks| stacks.pin(stack, logical_id, gone);
        pin(&mut env.lambda.state().stacks);
        env.deliver(&create, MINUTE).await;
    }
    env
}

async fn responses() -> TestEnv {
    let env = TestEnv::start().await;
    let presigned = env.presign(&event("create-account").property("Nonce", "NONCE"));
    let text = presigned.0.to_string().replace("\"NONCE\"", "1e999");
    env.send_text(&presigned, text).await.expect_failed();
    env.bucket.inject([PutFault::Rejected(500)]);
    env.send(&event("create-account")).await.expect_success();
    let delete = event("create-account").delete_of(&format!("{LAYER_VERSION}#partner"));
    env.send(&delete).await.expect_success();
    env.bucket.inject([PutFault::Rejected(403)]);
    let presigned = env.presign(&event("create-account"));
    env.deliver(&presigned, MINUTE).await;
    env
}

/// The messages of a process that cannot start.
fn startup_messages() -> Vec<String> {
    let lines = FunctionProcess::start(&executable(), &[], &[]).wait_for_failure();
    let messages = lines.iter().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        check(&line);
        line["message"].as_str().unwrap().to_owned()
    });
    messages.collect()
}

#[tokio::test]
async fn each_outcome_is_counted() {
    let mut env = TestEnv::start().await;
    let create = event("create-list");
    let id = env.send(&create).await.expect_success().to_owned();
    env.send(&create.delete_of(&id)).await.expect_success();
    env.send(&event("malformed-principal"))
        .await
        .expect_failed();
    env.runtime.invoke("{}", MINUTE).await;
    let lines = env.stop();
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

#[tokio::test]
async fn the_log_has_each_step_and_never_the_whole_event() {
    let mut env = TestEnv::start().await;
    let create = event("create-account").property("Nonce", "only-in-the-event");
    env.send(&create).await.expect_success();
    let log = env.stop();
    let text = log
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let expected = [
        r#""request_type":"Create""#,
        r#""stack_id":"arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/"#,
        r#""logical_id":"LayerPermission""#,
        r#""changes":"add `partner` for `111122223333`""#,
        r#""action":"lambda:AddLayerVersionPermission""#,
        r#""status":"Success""#,
        "duration",
    ];
    let missing: Vec<_> = expected
        .iter()
        .filter(|expected| !text.contains(**expected))
        .collect();
    assert!(missing.is_empty(), "{missing:?} in {text}");
    assert!(!text.contains("only-in-the-event"), "{text}");
}
