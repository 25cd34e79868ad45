//! The scheduled audit: the same executable, by the name of its handler.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::cloudformation_api::Resource;
use fake_aws::events::{FUNCTION, LAYER_VERSION};
use fake_aws::rate_limit::RateLimit;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::all_versions::{layer_of, version};
use crate::test_env::TestEnv;

const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f";
const PARTNER: &str = "111122223333";
const TIMEOUT: Duration = Duration::from_mins(15);
const AUDIT: &[(&str, &str)] = &[("_HANDLER", "audit")];

/// The event of a schedule.
const EVENT: &str =
    r#"{"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;

async fn audit(env: &TestEnv) -> Outcome {
    env.runtime.invoke(EVENT, TIMEOUT).await
}

/// What the log says about each finding: its kind, its resource and its statement id.
fn findings(lines: &[Value], message: &str) -> Vec<[String; 3]> {
    let found = lines.iter().filter(|line| line["message"] == message);
    let fields = ["finding", "resource", "statement_id"];
    let text = |line: &Value, field| line[field].as_str().unwrap().to_owned();
    found
        .map(|line| fields.map(|field| text(line, field)))
        .collect()
}

fn metric(lines: &[Value], name: &str) -> u64 {
    let metrics = lines.iter().find(|line| line.get("_aws").is_some());
    metrics.unwrap()[name].as_u64().unwrap()
}

/// Audits of a public statement: one that accepts one of its two findings, and one that fails.
pub async fn audits() -> TestEnv {
    let open = || public_statement(LAYER_VERSION, "open");
    let mut first = TestEnv::with_variables_only(AUDIT).await;
    first.put_statement(open());
    audit(&first).await;
    let lines = first.stop();
    let public = lines.iter().find(|line| line["finding"] == "PUBLIC");
    let accepted = public.unwrap()["fingerprint"].as_str().unwrap();
    let variables = [("_HANDLER", "audit"), ("AUDIT_BASELINE", accepted)];
    let env = TestEnv::with_variables_only(&variables).await;
    env.put_statement(open());
    audit(&env).await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject_always(Operation::Get, denied);
    audit(&env).await;
    env
}

#[tokio::test]
async fn an_accepted_finding_is_logged_and_counted_apart() {
    let mut env = audits().await;
    let lines = env.stop();
    let found = |kind: &str| [kind, LAYER_VERSION, "open"].map(str::to_owned);
    assert_eq!(findings(&lines, "accepted finding"), [found("PUBLIC")]);
    assert_eq!(findings(&lines, "finding"), [found("UNOWNED")]);
    let counted = ["Public", "Unowned", "NewFindings", "AcceptedFindings"];
    assert_eq!(counted.map(|name| metric(&lines, name)), [0, 1, 1, 1]);
}

#[tokio::test]
async fn each_statement_and_each_resource_is_compared_with_the_other() {
    let mut env =
        TestEnv::with_variables_only(&[("_HANDLER", "audit"), ("AUDIT_TRUSTED", PARTNER)]).await;
    {
        let mut state = env.lambda.state();
        let own = |sid: &str, account: &str| account_statement(LAYER_VERSION, sid, account);
        for statement in [
            own("owned", PARTNER),
            own("gone", PARTNER),
            own("foreign", "444455556666"),
            public_statement(LAYER_VERSION, "open"),
        ] {
            state.policies.put_statement(LAYER_VERSION, statement);
        }
        let mut resource =
            |logical_id: &str, stack: &str, target: &str, sid: &str, status: &str| {
                let id = format!("{target}#{sid}");
                state
                    .stacks
                    .set(stack, logical_id, Resource::new(status, Some(&id)));
            };
        resource("Owned", STACK, LAYER_VERSION, "owned", "CREATE_COMPLETE");
        resource("Missing", STACK, FUNCTION, "missing", "UPDATE_COMPLETE");
        resource("Busy", STACK, FUNCTION, "busy", "UPDATE_IN_PROGRESS");
        let deleted = STACK.replace("sharing", "deleted");
        resource("Gone", &deleted, LAYER_VERSION, "gone", "DELETE_COMPLETE");
    }

    assert_eq!(audit(&env).await, Outcome::Ok);

    let calls = env.lambda.take_calls();
    let lines = env.stop();
    let found = |kind: &str, resource: &str, sid: &str| [kind, resource, sid].map(str::to_owned);
    assert_eq!(
        findings(&lines, "finding"),
        [
            found("PUBLIC", LAYER_VERSION, "open"),
            found("OUTSIDE", LAYER_VERSION, "foreign"),
            found("MISSING", FUNCTION, "missing"),
            found("OWNER GONE", LAYER_VERSION, "gone"),
            found("UNOWNED", LAYER_VERSION, "foreign"),
            found("UNOWNED", LAYER_VERSION, "open"),
        ]
    );
    assert_eq!(metric(&lines, "NewFindings"), 6);
    assert_eq!(metric(&lines, "Unowned"), 2);
    let asked = calls
        .iter()
        .filter(|call| call.contains("DescribeStackResources"));
    // For the gone one, twice for each unowned one (of this version or of all), and again for the missing one.
    assert_eq!(asked.count(), 6, "{calls:?}");
}

#[tokio::test]
async fn versions_older_than_all_with_the_statement_may_be_left_out_by_the_resource() {
    let mut env = TestEnv::with_variables_only(AUDIT).await;
    {
        let mut state = env.lambda.state();
        for number in 1..=4 {
            state.policies.publish(&version(number));
        }
        for number in [2, 4] {
            let statement = account_statement(&version(number), "partner", PARTNER);
            state.policies.put_statement(&version(number), statement);
        }
        let layer = version(1).trim_end_matches(":1").to_owned();
        let several = Resource::new("CREATE_COMPLETE", Some(&format!("{layer}#partner")));
        state.stacks.set(STACK, "Several", several);
        let none = Resource::new("CREATE_COMPLETE", Some(&format!("{layer}#none")));
        state.stacks.set(STACK, "None", none);
    }
    assert_eq!(audit(&env).await, Outcome::Ok);
    let found = findings(&env.stop(), "finding");
    let missing = |sid: &str| -> Vec<String> {
        let of_sid = found
            .iter()
            .filter(|[kind, _, of]| kind == "MISSING" && of == sid);
        of_sid.map(|[_, resource, _]| resource.clone()).collect()
    };
    assert_eq!(missing("partner"), [version(3)]);
    assert_eq!(missing("none").len(), 4);
}

#[tokio::test]
async fn the_owner_is_found_in_a_large_stack_and_behind_a_deleted_role() {
    let mut env = TestEnv::with_variables_only(AUDIT).await;
    {
        let mut state = env.lambda.state();
        let large = account_statement(LAYER_VERSION, "last-of-many", PARTNER);
        state.policies.put_statement(LAYER_VERSION, large);
        let mut dead = account_statement(LAYER_VERSION, "dead", PARTNER);
        dead["Principal"]["AWS"] = "AROAEXAMPLEEXAMPLE123".into();
        state.policies.put_statement(LAYER_VERSION, dead);
        // CloudFormation returns a hundred at once, and not this one.
        let deleted = STACK.replace("sharing", "large");
        for number in 0..=120 {
            let id = match number {
                120 => format!("{LAYER_VERSION}#last-of-many"),
                _ => format!("resource-{number}"),
            };
            let resource = Resource::new("DELETE_COMPLETE", Some(&id));
            state
                .stacks
                .set(&deleted, &format!("R{number:03}"), resource);
        }
        let owner = Resource::new("CREATE_COMPLETE", Some(&format!("{LAYER_VERSION}#dead")));
        state.stacks.set(STACK, "Share", owner);
    }
    assert_eq!(audit(&env).await, Outcome::Ok);
    let lines = env.stop();
    let found = |kind: &str, sid: &str| [kind, LAYER_VERSION, sid].map(str::to_owned);
    assert_eq!(
        findings(&lines, "finding"),
        [
            found("CHANGED", "dead"),
            found("OWNER GONE", "last-of-many")
        ]
    );
    let details: Vec<&Value> = lines
        .iter()
        .filter(|line| line["finding"] == "CHANGED")
        .map(|line| &line["detail"])
        .collect();
    assert_eq!(
        details,
        ["Share of stack sharing has it, and its role or user was deleted"]
    );
}

#[tokio::test]
async fn two_hundred_versions_take_a_call_each_and_no_more_memory_than_twenty() {
    let mut peaks = Vec::new();
    for versions in [20, 200] {
        let ([calls, asked], peak) = audit_of(versions).await;
        // Stacks, their resources, layers, functions, the aliases of one, its policy, pages of fifty versions, and each policy.
        let pages = usize::try_from(versions.div_ceil(50)).unwrap();
        let policies = usize::try_from(versions).unwrap();
        assert_eq!(calls, 6 + pages + policies);
        // What has no owner is asked for once on each version, and once for all.
        assert_eq!(asked, policies + 1);
        peaks.push(peak);
    }
    assert!(peaks[1] < peaks[0] + 4096, "{peaks:?} kB");
}

/// The calls that were not throttled, apart from those for owners, and the peak memory in kB.
async fn audit_of(versions: u64) -> ([usize; 2], u64) {
    let mut env = layer_of(versions).await;
    let all = version(1).trim_end_matches(":1").to_owned();
    let _ = env.stop();
    env.add_execution_environment(AUDIT);
    {
        let mut state = env.lambda.state();
        for number in 1..=versions {
            let statement = account_statement(&version(number), "partner", PARTNER);
            state.policies.put_statement(&version(number), statement);
        }
        let resource = Resource::new("CREATE_COMPLETE", Some(&format!("{all}#partner")));
        state.stacks.set(STACK, "Share", resource);
        // Others use most of Lambda's rate.
        state.rate_limit = Some(RateLimit::new(9, false));
    }
    let throttled = || Fault::Rejected(400, "Throttling", "Rate exceeded");
    env.lambda.inject(
        Operation::Inventory,
        [throttled(), throttled(), throttled()],
    );
    assert_eq!(audit(&env).await, Outcome::Ok);
    let calls = env.lambda.take_calls();
    let count =
        |is_counted: &dyn Fn(&str) -> bool| calls.iter().filter(|call| is_counted(call)).count();
    let is_for_owner = |call: &str| call.contains("DescribeStackResources");
    let asked = count(&is_for_owner);
    let throttled =
        count(&|call| call.ends_with("429") || call.ends_with("400") && !is_for_owner(call));
    assert!(throttled > 3, "{throttled}");
    let peak = env.peak_memory();
    // Each version has a statement of somebody else, too.
    let lines = env.stop();
    assert_eq!(
        metric(&lines, "NewFindings"),
        metric(&lines, "Public") + versions
    );
    ([calls.len() - throttled - asked, asked], peak)
}

#[tokio::test]
async fn a_failed_look_ends_with_an_error_and_reports_nothing() {
    let mut env = TestEnv::with_variables_only(AUDIT).await;
    let denied = Fault::Rejected(403, "AccessDeniedException", "not authorized");
    env.lambda.inject_always(Operation::Get, denied);
    let statement = public_statement(LAYER_VERSION, "open");
    env.put_statement(statement);
    let outcome = audit(&env).await;
    assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
    let lines = env.stop();
    assert!(findings(&lines, "finding").is_empty());
    let reason = lines.iter().find(|line| line["message"] == "audit failed");
    assert_eq!(
        reason.unwrap()["reason"],
        format!(
            "access denied: got `AccessDeniedException` (`not authorized`) from `lambda:GetLayerVersionPolicy` on `{LAYER_VERSION}`, use credentials that are allowed to: docs/audit.md lists the permissions"
        )
    );
}
