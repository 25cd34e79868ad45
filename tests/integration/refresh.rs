//! The scheduled refresh of organizational units: accounts that join are granted to, accounts that leave are revoked, and on any doubt
//! nothing is removed.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::cloudformation_api::Resource;
use fake_aws::events::{Event, FUNCTION, LAYER_VERSION, event};
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::{account_statement, public_statement};
use serde_json::{Value, json};
use std::time::Duration;

use crate::test_env::TestEnv;
use crate::units::{UNIT, organization};

const EVENT: &str = r#"{"Refresh":"OrganizationalUnits"}"#;

/// What a refresh came to, as its metrics say it.
#[derive(Debug, PartialEq)]
struct Refreshed {
    added: u64,
    removed: u64,
    /// The reasons of what was not done.
    problems: Vec<String>,
}

/// Sends `event`, after which its stack is complete.
async fn deploy(env: &TestEnv, event: &Event) -> String {
    let id = env.send(event).await.expect_success().to_owned();
    let resource = Resource::new("CREATE_COMPLETE", Some(&id));
    let text = |name: &str| event.0[name].as_str().unwrap().to_owned();
    let (stack, logical_id) = (text("StackId"), text("LogicalResourceId"));
    env.lambda.state().stacks.set(&stack, &logical_id, resource);
    let _ = env.lambda.take_calls();
    id
}

async fn run(env: &TestEnv) {
    let outcome = env.runtime.invoke(EVENT, Duration::from_mins(1)).await;
    assert_eq!(outcome, Outcome::Ok);
}

/// Ends the processes; what each refresh came to.
fn refreshes(env: &mut TestEnv) -> Vec<Refreshed> {
    let (mut refreshes, mut problems) = (Vec::new(), Vec::new());
    let mut finished = Value::Null;
    for line in env.stop() {
        let number = |name: &str| line[name].as_u64().unwrap();
        if line["message"] == "refresh incomplete" {
            problems.push(line["reason"].as_str().unwrap().to_owned());
        } else if line["message"] == "refresh finished" {
            assert!(line["lambda_request_id"].is_string());
            finished = line;
        } else if line["UnitGrants"].is_u64() {
            let (added, removed) = (number("UnitGrants"), number("UnitRevokes"));
            assert_eq!(number("UnitProblems"), problems.len() as u64);
            assert_eq!(
                (&finished["added"], &finished["removed"]),
                (&json!(added), &json!(removed))
            );
            let problems = std::mem::take(&mut problems);
            refreshes.push(Refreshed {
                added,
                removed,
                problems,
            });
        }
    }
    refreshes
}

/// Ends the processes; what the only refresh came to.
fn last(env: &mut TestEnv) -> Refreshed {
    let mut refreshes = refreshes(env);
    assert_eq!(refreshes.len(), 1);
    refreshes.remove(0)
}

fn refreshed(added: u64, removed: u64, problems: &[&str]) -> Refreshed {
    Refreshed {
        added,
        removed,
        problems: problems.iter().map(ToString::to_string).collect(),
    }
}

/// A stack shares the layer version with a unit of six accounts, and one that is named.
async fn shared(variables: &[(&str, &str)]) -> TestEnv {
    let env = organization(variables).await;
    for number in 1..=4 {
        let account = format!("{number}").repeat(12);
        env.lambda.state().organization.place(&account, UNIT);
    }
    deploy(&env, &event("create-unit")).await;
    assert_eq!(env.statements().len(), 7);
    env
}

fn accounts(env: &TestEnv) -> Vec<String> {
    let account = |statement: &Value| {
        let sid = statement["Sid"].as_str().unwrap();
        sid.strip_prefix("partners-11111111-").map(str::to_owned)
    };
    let mut accounts: Vec<String> = env.statements().iter().filter_map(account).collect();
    accounts.sort_unstable();
    accounts
}

#[tokio::test]
async fn an_account_joins_and_is_granted_and_one_leaves_and_is_revoked() {
    let mut env = shared(&[]).await;
    {
        let organization = &mut env.lambda.state().organization;
        organization.place("888899990000", "ou-abcd-11111111/ou-abcd-77777777");
        organization.remove("111122223333");
        organization.set("444455556666", "SUSPENDED", UNIT);
    }
    run(&env).await;
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Assume: 200",
            "ListAccounts: 200",
            "ListAccounts 20: 200",
            "ListAccounts 40: 200",
            "Inventory ListImports: 200",
            "Inventory ListStackResources: 200",
            "Get: 200",
            "Add partners-11111111-888899990000 if revision-7: 201",
            "Remove partners-11111111-111122223333 if revision-8: 204",
            "Get: 200",
            "Remove partners-11111111-444455556666 if revision-9: 204",
            "Get: 200",
        ]
    );
    let mut expected = ["1", "2", "3", "4"].map(|digit| digit.repeat(12)).to_vec();
    expected.push("888899990000".to_owned());
    assert_eq!(accounts(&env), expected);
    assert_eq!(last(&mut env), refreshed(1, 2, &[]));
}

#[tokio::test]
async fn a_refresh_without_a_change_writes_nothing() {
    let mut env = shared(&[]).await;
    run(&env).await;
    let calls = env.lambda.take_calls();
    assert_eq!(calls.len(), 7, "{calls:?}");
    assert_eq!(calls.last().map(String::as_str), Some("Get: 200"));
    assert_eq!(last(&mut env), refreshed(0, 0, &[]));
}

#[tokio::test]
async fn an_incomplete_listing_changes_nothing() {
    let mut env = shared(&[]).await;
    {
        let organization = &mut env.lambda.state().organization;
        organization.remove("111122223333");
        organization.place("888899990000", UNIT);
    }
    let denied = Fault::Rejected(400, "AccessDeniedException", "no");
    env.lambda.inject_always(Operation::ListAccounts, denied);
    run(&env).await;
    let calls = env.lambda.take_calls();
    assert!(
        calls.iter().all(|call| !call.starts_with("Get")),
        "{calls:?}"
    );
    assert_eq!(env.statements().len(), 7);
    assert_eq!(
        last(&mut env),
        refreshed(
            0,
            0,
            &[
                "cannot list accounts: got `AccessDeniedException` (`no`) from `organizations:ListAccounts` on \
              `arn:aws:iam::999999999999:role/list-accounts`, have the provider's operator set `OrganizationsRoleArn` to a role of the \
              organization's management account, or of a delegated administrator, that trusts the provider's role and may list \
              accounts (docs/organizations.md)"
            ]
        )
    );
}

#[tokio::test]
async fn more_than_a_third_of_a_unit_gone_at_once_is_left() {
    let mut env = shared(&[]).await;
    {
        let organization = &mut env.lambda.state().organization;
        for gone in ["111122223333", "444455556666", "222222222222"] {
            organization.place(gone, "ou-abcd-22222222");
        }
        // With those that join, they would be less than a third.
        for number in 0..10 {
            let joined = format!("{:012}", 600_000_000_000_u64 + number);
            organization.place(&joined, UNIT);
        }
    }
    run(&env).await;
    assert_eq!(env.statements().len(), 17);
    assert_eq!(
        last(&mut env),
        refreshed(
            10,
            0,
            &[
                "too many accounts gone: got 3 of 6 no longer in `ou-abcd-11111111`, deploy the stack with another `Nonce` if that is \
              right (`arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`)"
            ]
        )
    );
}

#[tokio::test]
async fn an_empty_unit_is_left() {
    let mut env = shared(&[]).await;
    {
        let organization = &mut env.lambda.state().organization;
        for account in organization.members(UNIT) {
            organization.remove(&account);
        }
    }
    run(&env).await;
    assert_eq!(env.statements().len(), 7);
    assert_eq!(
        last(&mut env),
        refreshed(
            0,
            0,
            &[
                "no account in the organizational unit: got none in `ou-…-11111111`, drop the unit from `partners` if it is gone \
              (`arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`)"
            ]
        )
    );
}

#[tokio::test]
async fn what_is_not_of_a_unit_is_left() {
    let mut env = shared(&[]).await;
    let others = [
        public_statement(LAYER_VERSION, "partners-11111111-public"),
        account_statement(LAYER_VERSION, "other-11111111-111122223333", "111122223333"),
        account_statement(
            LAYER_VERSION,
            "partners-platform1-555566667777",
            "555566667777",
        ),
    ];
    for other in &others {
        env.put_statement(other.clone());
    }
    env.lambda.state().organization.remove("111122223333");
    // `partners-platform1` is another resource, with a list of accounts.
    let another = event("create-unit")
        .property("StatementId", "partners-platform1")
        .property("Principals", "555566667777")
        .with("LogicalResourceId", "Another");
    deploy(&env, &another).await;
    run(&env).await;
    let left = env.statements();
    assert!(others.iter().all(|other| left.contains(other)), "{left:?}");
    assert_eq!(last(&mut env), refreshed(0, 1, &[]));
}

#[tokio::test]
async fn a_resource_that_an_event_changes_is_left_to_it() {
    for status in ["UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "CREATE_FAILED"] {
        let mut env = shared(&[]).await;
        env.lambda.state().organization.remove("111122223333");
        let id = format!("{LAYER_VERSION}#partners");
        let create = event("create-unit");
        let stack = create.0["StackId"].as_str().unwrap();
        let resource = Resource::new(status, Some(&id));
        env.lambda
            .state()
            .stacks
            .set(stack, "LayerPermission", resource);
        run(&env).await;
        assert_eq!(env.statements().len(), 7, "{status}");
        assert_eq!(last(&mut env), refreshed(0, 0, &[]), "{status}");
    }
}

#[tokio::test]
async fn another_writer_is_not_worked_against() {
    let mut env = shared(&[]).await;
    env.lambda.state().organization.place("888899990000", UNIT);
    let other = public_statement(LAYER_VERSION, "other");
    env.lambda
        .inject(Operation::Add, [Fault::ConcurrentAdd(other)]);
    run(&env).await;
    let calls = env.lambda.take_calls();
    assert_eq!(
        calls.iter().filter(|call| call.starts_with("Add")).count(),
        1,
        "{calls:?}"
    );
    // The next run does it.
    run(&env).await;
    assert!(accounts(&env).contains(&"888899990000".to_owned()));
    let [conflict, next] = &refreshes(&mut env)[..] else {
        panic!("two refreshes");
    };
    assert_eq!(next, &refreshed(1, 0, &[]));
    assert_eq!((conflict.added, conflict.problems.len()), (0, 1));
    let problem = &conflict.problems[0];
    let expected = "policy modified concurrently: got `PreconditionFailedException`";
    assert!(problem.starts_with(expected), "{problem}");
}

#[tokio::test]
async fn a_throttled_write_is_repeated_and_a_denied_one_is_a_problem() {
    let mut env = shared(&[]).await;
    env.lambda.state().organization.place("888899990000", UNIT);
    let throttled = Fault::Rejected(429, "TooManyRequestsException", "wait");
    let denied = Fault::Rejected(403, "AccessDeniedException", "no");
    env.lambda.inject(Operation::Add, [throttled, denied]);
    run(&env).await;
    assert_eq!(env.statements().len(), 7);
    let refreshed = last(&mut env);
    let target = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
    assert_eq!(
        refreshed.problems,
        [format!(
            "access denied: got `AccessDeniedException` (`no`) from `lambda:AddLayerVersionPermission` on `{target}` (`{target}`)"
        )]
    );
}

#[tokio::test]
async fn a_unit_that_is_no_longer_allowed_or_does_not_fit_gets_no_more_accounts() {
    let mut env = organization(&[("ALLOWED_PRINCIPALS", "999988887777")]).await;
    for account in ["111122223333", "222233334444", "333344445555"] {
        env.put_statement(account_statement(
            LAYER_VERSION,
            &format!("partners-11111111-{account}"),
            account,
        ));
    }
    env.lambda.state().organization.place("222233334444", UNIT);
    let create = event("create-unit").property("Principals", "999988887777");
    deploy(&env, &create).await;
    run(&env).await;
    // One of three has left, one has joined.
    assert_eq!(accounts(&env), ["111122223333", "222233334444"]);
    assert_eq!(
        last(&mut env),
        refreshed(
            0,
            1,
            &[
                "principal not allowed: got `ou-abcd-11111111`, grant to allowed ones (`999988887777`), or have the provider's operator \
              add it to `AllowedPrincipals` (`arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`)"
            ]
        )
    );

    let mut env = shared(&[]).await;
    for number in 0..100_u64 {
        let account = format!("{:012}", 600_000_000_000 + number);
        env.lambda.state().organization.place(&account, UNIT);
    }
    run(&env).await;
    assert_eq!(env.statements().len(), 7);
    let refreshed = last(&mut env);
    assert!(
        refreshed.problems[0]
            .starts_with("policy size limit exceeded: got 106 accounts in `ou-abcd-11111111`"),
        "{refreshed:?}"
    );
}

#[tokio::test]
async fn functions_and_every_version_of_a_layer_are_refreshed_too() {
    let mut env = organization(&[]).await;
    let second = LAYER_VERSION.replace("my-layer:1", "my-layer:2");
    env.lambda.state().policies.publish(&second);
    let all = event("create-unit").property("Versions", "All");
    deploy(&env, &all).await;
    let function = event("function-create-url")
        .without_property("Principal")
        .property("Principals", UNIT)
        .property("FunctionUrlAuthType", "AWS_IAM")
        .with("LogicalResourceId", "Function");
    deploy(&env, &function).await;
    env.lambda.state().organization.place("888899990000", UNIT);
    env.lambda.state().organization.place("222233334444", UNIT);
    run(&env).await;
    let number = |arn: &str| env.lambda.state().policies.statements(arn).len();
    assert_eq!([LAYER_VERSION, &second, FUNCTION].map(number), [5, 5, 8]);
    let added = env.function_statements().pop().unwrap();
    assert_eq!(added["Action"], "lambda:InvokeFunction", "{added}");
    assert_eq!(last(&mut env), refreshed(8, 0, &[]));
}

#[tokio::test]
async fn policies_that_the_operator_names_are_refreshed_too() {
    let mut env = organization(&[(
        "REFRESH_TARGETS",
        "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer",
    )])
    .await;
    env.put_statement(account_statement(
        LAYER_VERSION,
        "of-another-stack-11111111-111122223333",
        "111122223333",
    ));
    env.put_statement(account_statement(
        LAYER_VERSION,
        "s-platform1-555566667777",
        "555566667777",
    ));
    run(&env).await;
    let sids: Vec<Value> = env
        .statements()
        .iter()
        .map(|of| of["Sid"].clone())
        .collect();
    assert_eq!(
        sids,
        [
            json!("of-another-stack-11111111-111122223333"),
            json!("s-platform1-555566667777"),
            json!("of-another-stack-11111111-444455556666"),
        ]
    );
    assert_eq!(last(&mut env), refreshed(1, 0, &[]));
}

/// A refresh that has to skip a layer of another account, and cannot find out which stacks there are.
pub async fn of_another_account() -> TestEnv {
    let other = "arn:aws:lambda:eu-west-1:444455556666:layer:my-layer";
    let env = organization(&[("REFRESH_TARGETS", other)]).await;
    let denied = Fault::Rejected(403, "AccessDenied", "no");
    env.lambda.inject(Operation::Inventory, [denied]);
    run(&env).await;
    env
}

#[tokio::test]
async fn a_layer_of_another_account_is_skipped() {
    let mut env = of_another_account().await;
    let calls = env.lambda.take_calls();
    assert!(
        calls.iter().all(|call| !call.starts_with("List: ")),
        "{calls:?}"
    );
    assert_eq!(last(&mut env).problems.len(), 1);
}

#[tokio::test]
async fn a_provider_without_a_role_for_organizations_has_nothing_to_refresh_with() {
    let mut env = TestEnv::start().await;
    run(&env).await;
    assert_eq!(env.lambda.take_calls(), [] as [&str; 0]);
    assert_eq!(
        last(&mut env),
        refreshed(
            0,
            0,
            &[
                "organizational units not configured: got no `OrganizationsRoleArn`, set it or leave `RefreshSchedule` empty"
            ]
        )
    );
}

#[tokio::test]
async fn a_stack_that_cannot_be_read_is_a_problem() {
    let mut env = shared(&[]).await;
    let denied = || Fault::Rejected(403, "AccessDenied", "no");
    env.lambda.inject(Operation::Inventory, [denied()]);
    run(&env).await;
    let works = r#"<ListImportsResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ListImportsResult><Imports><member>a</member></Imports></ListImportsResult></ListImportsResponse>"#;
    env.lambda.inject(
        Operation::Inventory,
        [Fault::RespondsWith(200, works), denied()],
    );
    run(&env).await;
    assert_eq!(
        refreshes(&mut env),
        [
            "access denied: got `AccessDenied` (`no`) from `cloudformation:ListImports` on `layer-permission-ServiceToken`",
            "access denied: got `AccessDenied` (`no`) from `cloudformation:ListStackResources` on `a`",
        ]
        .map(|problem| refreshed(0, 0, &[problem]))
    );
}
