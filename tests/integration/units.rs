//! Organizational units: a statement for each active account that is in them when the event comes in.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{Event, FUNCTION, LAYER_VERSION, event};
use fake_aws::statements::account_statement;
use serde_json::{Value, json};
use std::time::Duration;

use crate::test_env::TestEnv;

const ROLE: &str = "arn:aws:iam::999999999999:role/list-accounts";

/// The unit of `tests/events/create-unit.json`, and one that is in no event.
pub const UNIT: &str = "ou-abcd-11111111";
const OTHER_UNIT: &str = "ou-abcd-22222222";

const CONFIGURED: [(&str, &str); 2] = [
    ("ORGANIZATIONS_ROLE_ARN", ROLE),
    ("ORGANIZATIONS_EXTERNAL_ID", "secret-external-id"),
];

/// With an organization of 45 accounts, of which three are in the unit, each on another page: one in it, one in a unit in that, and
/// one that is suspended.
pub async fn organization(variables: &[(&str, &str)]) -> TestEnv {
    let env = TestEnv::with_variables(&[&CONFIGURED, variables].concat()).await;
    let mut state = env.lambda.state();
    state.roles.trust(ROLE, Some("secret-external-id"));
    for number in 0..42 {
        let account = format!("{:012}", number * 22_000_000_000_u64);
        state.organization.place(&account, OTHER_UNIT);
    }
    let nested = format!("{UNIT}/ou-abcd-33333333");
    state.organization.place("111122223333", UNIT);
    state.organization.place("444455556666", &nested);
    state.organization.set("777788889999", "SUSPENDED", UNIT);
    drop(state);
    env
}

fn member(unit: &str, account: &str) -> Value {
    let last = unit.rsplit('-').next().unwrap();
    account_statement(
        LAYER_VERSION,
        &format!("partners-{last}-{account}"),
        account,
    )
}

fn named() -> Value {
    account_statement(LAYER_VERSION, "partners-999988887777", "999988887777")
}

fn id() -> String {
    format!("{LAYER_VERSION}#partners")
}

/// The Update of the resource in `tests/events/create-unit.json` that changes its principals from `old` to `new`.
fn update(old: &[&str], new: &[&str]) -> Event {
    let old = event("create-unit").property("Principals", json!(old));
    let new = event("create-unit").property("Principals", json!(new));
    old.update_to(&id(), new.properties())
}

#[tokio::test]
async fn each_active_account_of_a_unit_and_of_those_in_it_has_a_statement() {
    let env = organization(&[]).await;
    let response = env.send(&event("create-unit")).await;
    assert_eq!(response.expect_success(), id());
    let statements = [
        named(),
        member(UNIT, "111122223333"),
        member(UNIT, "444455556666"),
    ];
    assert_eq!(env.statements(), statements);
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Assume: 200",
            "ListAccounts: 200",
            "ListAccounts 20: 200",
            "ListAccounts 40: 200",
            "Get: 404",
            "Add partners-999988887777: 201",
            "Add partners-11111111-111122223333 if revision-1: 201",
            "Add partners-11111111-444455556666 if revision-2: 201",
        ]
    );
    let ids = "partners-999988887777,partners-11111111-111122223333,partners-11111111-444455556666";
    assert_eq!(response.0["Data"]["StatementIds"], ids);
    let requests = &env.lambda.state().roles.requests;
    assert_eq!(
        requests[0].external_id.as_deref(),
        Some("secret-external-id")
    );
}

#[tokio::test]
async fn an_update_follows_accounts_that_have_moved_since_the_last_event() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    {
        let organization = &mut env.lambda.state().organization;
        organization.place("111122223333", OTHER_UNIT);
        organization.place("222233334444", UNIT);
        organization.set("444455556666", "PENDING_CLOSURE", UNIT);
    }
    let principals = [UNIT, "999988887777"];
    let update = update(&principals, &principals);
    env.send(&update.property("Nonce", "2"))
        .await
        .expect_success();
    assert_eq!(env.statements(), [named(), member(UNIT, "222233334444")]);
}

#[tokio::test]
async fn a_create_that_is_delivered_again_follows_accounts_that_have_moved() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    env.lambda.state().organization.remove("111122223333");
    env.send(&event("create-unit")).await.expect_success();
    assert_eq!(env.statements(), [named(), member(UNIT, "444455556666")]);
}

#[tokio::test]
async fn an_account_in_two_units_keeps_the_statement_of_one_when_the_other_is_dropped() {
    let env = organization(&[]).await;
    let nested = "ou-abcd-33333333";
    let both = [UNIT, nested, "444455556666"];
    let create = event("create-unit").property("Principals", json!(both));
    env.send(&create).await.expect_success();
    assert_eq!(env.statements().len(), 4);
    env.send(&update(&both, &[nested])).await.expect_success();
    assert_eq!(env.statements(), [member(nested, "444455556666")]);
}

#[tokio::test]
async fn a_delete_removes_what_the_policy_has_and_asks_organizations_nothing() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let other = account_statement(
        LAYER_VERSION,
        "partners-22222222-111122223333",
        "111122223333",
    );
    env.put_statement(other.clone());
    {
        let organization = &mut env.lambda.state().organization;
        organization.remove("111122223333");
        organization.place("444455556666", OTHER_UNIT);
    }
    env.lambda.inject_always(
        Operation::Assume,
        Fault::Rejected(503, "ServiceUnavailable", "down"),
    );
    let _ = env.lambda.take_calls();
    let delete = event("create-unit").delete_of(&id());
    env.send(&delete).await.expect_success();
    assert_eq!(env.statements(), [other], "of another unit");
    let calls = env.lambda.take_calls();
    let is_of_policy = |call: &String| call.starts_with("Get") || call.starts_with("Remove");
    assert!(calls.iter().all(is_of_policy), "{calls:?}");
}

#[tokio::test]
async fn a_delete_that_overtakes_its_create_removes_the_accounts_of_units_too() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let early = event("create-unit").delete_of("invented-by-cloudformation");
    env.send(&early).await.expect_success();
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_derived_id_removes_the_accounts_of_a_unit_that_its_properties_do_not_name() {
    let env = organization(&[]).await;
    let create = event("create-unit").without_property("StatementId");
    let id = env.send(&create).await.expect_success().to_owned();
    let delete = create.property("Principals", "999988887777").delete_of(&id);
    env.send(&delete).await.expect_success();
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn the_delete_of_a_chosen_id_by_that_alone_leaves_what_may_be_of_another_resource() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let delete = event("create-unit").property("Principals", json!([]));
    env.send(&delete.delete_of(&id())).await.expect_success();
    let left = [member(UNIT, "111122223333"), member(UNIT, "444455556666")];
    assert_eq!(env.statements(), left);
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_and_one_that_is_denied_changes_nothing() {
    let env = organization(&[]).await;
    let throttled = Fault::Rejected(400, "TooManyRequestsException", "slow down");
    let failed = Fault::Rejected(500, "ServiceException", "failed");
    env.lambda
        .inject(Operation::ListAccounts, [throttled, failed]);
    env.send(&event("create-unit")).await.expect_success();
    assert_eq!(env.statements().len(), 3);

    let message = "You don't have permissions to access this resource.";
    let denied = Fault::Rejected(400, "AccessDeniedException", message);
    env.lambda.inject_always(Operation::ListAccounts, denied);
    let principals = [UNIT, "999988887777"];
    let update = update(&principals, &[UNIT]);
    let response = env.send(&update).await;
    assert_eq!(
        response.expect_failed(),
        "cannot list accounts: got `AccessDeniedException` (`You don't have permissions to access this resource.`) from \
         `organizations:ListAccounts` on `arn:aws:iam::999999999999:role/list-accounts`, have the provider's operator set \
         `OrganizationsRoleArn` to a role of the organization's management account, or of a delegated administrator, that trusts \
         the provider's role and may list accounts (docs/organizations.md)"
    );
    assert_eq!(response.id(), id());
    assert_eq!(env.statements().len(), 3);
}

#[tokio::test]
async fn a_create_that_could_not_list_accounts_in_time_may_have_granted_before() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let failed = Fault::Rejected(500, "ServiceException", "failed");
    env.lambda.inject_always(Operation::ListAccounts, failed);
    let timeout = Duration::from_secs(4);
    let response = env.send_within(timeout, &event("create-unit")).await;
    assert_eq!(
        response.expect_failed(),
        "timed out while retrying: cannot list accounts: got `ServiceException` (`failed`) from `organizations:ListAccounts` on \
         `arn:aws:iam::999999999999:role/list-accounts`, deploy again, and if it persists have the provider's operator correct what \
         this message names"
    );
    // The Delete that follows finds them.
    assert_eq!(response.id(), id());
    env.send(&event("create-unit").delete_of(&id()))
        .await
        .expect_success();
    assert_eq!(env.statements(), [] as [Value; 0]);
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_the_operators_to_correct() {
    let env = organization(&[]).await;
    env.lambda.inject_always(
        Operation::Assume,
        Fault::Rejected(403, "AccessDenied", "no secret-external-id"),
    );
    let response = env.send(&event("create-unit")).await;
    assert_eq!(
        response.expect_failed(),
        "cannot list accounts: got `AccessDenied` (`no ***`) from `sts:AssumeRole` on \
         `arn:aws:iam::999999999999:role/list-accounts`, have the provider's operator set `OrganizationsRoleArn` to a role of the \
         organization's management account, or of a delegated administrator, that trusts the provider's role and may list accounts \
         (docs/organizations.md)"
    );
}

#[tokio::test]
async fn an_incomplete_page_is_no_shorter_organization() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let incomplete = r#"{"Accounts":[{"Id":"111122223333","State":"ACTIVE"}]}"#;
    let faults = [incomplete, "{}", "<html>"].map(|body| Fault::RespondsWith(200, body));
    env.lambda.inject(Operation::ListAccounts, faults);
    let principals = [UNIT, "999988887777"];
    env.send(&update(&principals, &[UNIT]))
        .await
        .expect_success();
    let statements = [member(UNIT, "111122223333"), member(UNIT, "444455556666")];
    assert_eq!(env.statements(), statements);
}

#[tokio::test]
async fn a_unit_without_accounts_is_refused_before_lambda_is_called() {
    let env = organization(&[]).await;
    let create = event("create-unit").property("Principals", json!([UNIT, "ou-abcd-99999999"]));
    assert_eq!(
        env.send(&create).await.expect_failed(),
        "no account in the organizational unit: got `ou-abcd-99999999`, correct the id or leave it out until there is an active account \
         in it"
    );
    let calls = env.lambda.take_calls();
    assert!(
        calls
            .iter()
            .all(|call| call.starts_with("Assume") || call.starts_with("ListAccounts"))
    );
}

#[tokio::test]
async fn a_provider_without_a_role_for_organizations_refuses_units() {
    let env = TestEnv::start().await;
    assert_eq!(
        env.send(&event("create-unit")).await.expect_failed(),
        "organizational units not configured: got `ou-abcd-11111111`, grant to accounts or to the organization, or have the provider's \
         operator set `OrganizationsRoleArn` (docs/organizations.md)"
    );
    assert_eq!(env.lambda.take_calls(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_role_for_organizations_that_is_none_denies_grants_until_it_is_corrected() {
    let env = TestEnv::with_variables(&[("ORGANIZATIONS_ROLE_ARN", "list-accounts")]).await;
    assert_eq!(
        env.send(&event("create-unit")).await.expect_failed(),
        "invalid guardrail: got `ORGANIZATIONS_ROLE_ARN` = `list-accounts`, have the provider's operator set it to the ARN of a role"
    );
}

/// With 80 or 120 accounts in the unit.
async fn large(accounts: u64) -> TestEnv {
    let env = organization(&[]).await;
    let mut state = env.lambda.state();
    for number in 2..accounts {
        let account = format!("{:012}", 500_000_000_000 + number);
        state.organization.place(&account, UNIT);
    }
    drop(state);
    env
}

#[tokio::test]
async fn a_unit_of_eighty_accounts_fits_into_a_policy() {
    let env = large(80).await;
    let create = event("create-unit").property("Principals", UNIT);
    env.send(&create).await.expect_success();
    assert_eq!(env.statements().len(), 80);
}

#[tokio::test]
async fn a_unit_of_120_accounts_does_not_fit_and_nothing_is_written() {
    let env = large(120).await;
    env.put_statement(account_statement(LAYER_VERSION, "other", "999988887777"));
    let create = event("create-unit").property("Principals", UNIT);
    let response = env.send(&create).await;
    assert_eq!(
        response.expect_failed(),
        "policy size limit exceeded: got 120 accounts in `ou-abcd-11111111`, of which 95 fit beside 1 other statements in 20480 \
         bytes, grant to the organization and let a service control policy narrow that to the unit (docs/organizations.md)"
    );
    let calls = env.lambda.take_calls();
    let last = calls.last().map(String::as_str);
    assert_eq!(last, Some("Get: 200"), "no write");
    // As many as fit do.
    for (accounts, fits) in [(96, false), (95, true)] {
        for number in accounts..120 {
            let account = format!("{:012}", 500_000_000_000_u64 + number);
            env.lambda.state().organization.remove(&account);
        }
        let response = env.send(&create).await;
        assert_eq!(response.is_failed(), !fits, "{accounts}");
    }
    assert_eq!(env.statements().len(), 96);
}

#[tokio::test]
async fn functions_are_shared_with_units_too() {
    let env = organization(&[]).await;
    let create = event("function-create-url")
        .without_property("Principal")
        .property("Principals", UNIT)
        .property("StatementId", "partners");
    env.send(&create).await.expect_success();
    let sids = |env: &TestEnv| -> Vec<String> {
        let statements = env.function_statements();
        let sid = |statement: &Value| statement["Sid"].as_str().unwrap().to_owned();
        statements.iter().map(sid).collect()
    };
    assert_eq!(
        sids(&env),
        [
            "partners-11111111-111122223333-url",
            "partners-11111111-444455556666-url",
            "partners-11111111-111122223333-invoke",
            "partners-11111111-444455556666-invoke",
        ]
    );
    let delete = create.delete_of(&format!("{FUNCTION}#partners"));
    env.send(&delete).await.expect_success();
    assert_eq!(sids(&env), [] as [&str; 0]);
}

#[tokio::test]
async fn every_version_of_a_layer_is_shared_with_the_accounts_of_a_unit() {
    let env = organization(&[]).await;
    let second = LAYER_VERSION.replace("my-layer:1", "my-layer:2");
    env.lambda.state().policies.publish(&second);
    let create = event("create-unit").property("Versions", "All");
    let id = env.send(&create).await.expect_success().to_owned();
    let number = |env: &TestEnv, arn: &str| env.lambda.state().policies.statements(arn).len();
    assert_eq!((number(&env, LAYER_VERSION), number(&env, &second)), (3, 3));
    // The second version is the only one that is left in the set.
    let mut newest = create.properties();
    newest["LayerVersionArn"] = json!(second);
    newest["Versions"] = json!({"Newest": "1"});
    env.send(&create.update_to(&id, newest.clone()))
        .await
        .expect_success();
    assert_eq!((number(&env, LAYER_VERSION), number(&env, &second)), (0, 3));
    let delete = create
        .property("LayerVersionArn", second.as_str())
        .delete_of(&id);
    env.send(&delete).await.expect_success();
    assert_eq!((number(&env, LAYER_VERSION), number(&env, &second)), (0, 0));
}

#[tokio::test]
async fn allowed_principals_judge_the_unit_and_not_its_accounts() {
    for (allowed, is_allowed) in [
        (UNIT, true),
        ("o-abc1234567", true),
        ("o-zzz1234567", false),
        (OTHER_UNIT, false),
        ("111122223333,444455556666", false),
    ] {
        let env = organization(&[("ALLOWED_PRINCIPALS", allowed)]).await;
        let create = event("create-unit").property("Principals", UNIT);
        let response = env.send(&create).await;
        assert_eq!(
            response.is_failed(),
            !is_allowed,
            "{allowed}: {}",
            response.reason()
        );
        if !is_allowed {
            let shown = allowed.replace(',', "`, `");
            assert_eq!(
                response.reason(),
                format!(
                    "principal not allowed: got `ou-abcd-11111111`, grant to allowed ones (`{shown}`), or have the provider's operator add \
                     it to `AllowedPrincipals`"
                )
            );
            assert_eq!(env.statements(), [] as [Value; 0]);
        }
    }
    let env = organization(&[("ALLOWED_PRINCIPALS", UNIT)]).await;
    let create = event("create-unit").property("Principals", "ou-abcd-33333333");
    env.send(&create).await.expect_success();
}

#[tokio::test]
async fn a_unit_that_is_no_longer_allowed_keeps_its_accounts_and_gets_no_more() {
    let env = organization(&[("ALLOWED_PRINCIPALS", "o-zzz1234567")]).await;
    env.put_statement(member(UNIT, "111122223333"));
    env.put_statement(member(UNIT, "444455556666"));
    let update = update(&[UNIT], &[UNIT]).property("Nonce", "2");
    env.send(&update).await.expect_success();
    env.lambda.state().organization.place("222233334444", UNIT);
    let reason = env.send(&update).await.expect_failed().to_owned();
    assert!(
        reason.starts_with("principal not allowed: got `ou-abcd-11111111`"),
        "{reason}"
    );
    assert_eq!(env.statements().len(), 2);
}

#[tokio::test]
async fn a_failed_update_restores_the_accounts_of_a_dropped_unit() {
    let env = organization(&[]).await;
    env.send(&event("create-unit")).await.expect_success();
    let failing = Fault::Rejected(403, "AccessDeniedException", "no more");
    let (fails, works) = (
        failing,
        Fault::Rejected(429, "TooManyRequestsException", "wait"),
    );
    env.lambda.inject(Operation::Remove, [works, fails]);
    let before = env.statements();
    let response = env
        .send(&update(&[UNIT, "999988887777"], &["999988887777"]))
        .await;
    // The retry of the denied removal succeeds.
    response.expect_success();
    assert_eq!(env.statements(), [named()]);
    // The rollback of the stack lists the accounts again.
    env.send(&update(&["999988887777"], &[UNIT, "999988887777"]))
        .await
        .expect_success();
    let sorted = |mut statements: Vec<Value>| {
        statements.sort_by_key(ToString::to_string);
        statements
    };
    assert_eq!(sorted(env.statements()), sorted(before));
}

#[tokio::test]
async fn a_rollback_grants_again_to_a_dropped_unit_only_if_it_is_allowed_for_certain() {
    let reason = "organizational unit not located: got `ou-abcd-11111111`, whose accounts were not listed, deploy again with it to grant \
                  to them again";
    for (allowed, is_restored) in [
        ("999988887777,ou-abcd-11111111", true),
        ("999988887777,o-abc1234567", false),
        ("999988887777,o-zzz1234567", false),
    ] {
        let env = organization(&[("ALLOWED_PRINCIPALS", allowed)]).await;
        for account in ["111122223333", "444455556666"] {
            env.put_statement(member(UNIT, account));
        }
        env.put_statement(named());
        // Of two accounts, the second one cannot be removed.
        let failed = Fault::Rejected(400, "InvalidParameterValueException", "no");
        let removed = Fault::RespondsWith(204, "");
        env.lambda.inject(Operation::Remove, [removed, failed]);
        let drop = update(&[UNIT, "999988887777"], &["999988887777"]);
        let response = env.send(&drop).await;
        let found = env.statements().contains(&member(UNIT, "111122223333"));
        assert_eq!(found, is_restored, "{allowed}: {}", response.reason());
        let is_said = response.expect_failed().contains(reason);
        assert_eq!(is_said, !is_restored, "{allowed}: {}", response.reason());
    }
}
