//! Guardrails: a violation grants nothing, revokes always work, and the reason says what the operator would have to allow.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::test_env::TestEnv;

type Variable = (&'static str, &'static str);

const RESPONSES_ALLOWED: Variable = ("RESPONSE_HOSTS", "http://127.0.0.1");
const PUBLIC: Variable = ("ALLOW_PUBLIC", "true");
const LISTED: Variable = ("ALLOWED_PRINCIPALS", "o-abcdefghij, 444455556666");

const NO_PUBLIC: &str = "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set `AllowPublic` to `true`";
const NOT_TRUE_OR_FALSE: &str = "invalid guardrail: got `ALLOW_PUBLIC` = `yes`, have the provider's operator set it to `true` or `false`";
const NO_PRINCIPAL: &str = "invalid guardrail: got `ALLOWED_PRINCIPALS` with `1234`, have the provider's operator give account ids of 12 digits, organization ids, ids of organizational units, services, ARNs of IAM or `*`, with commas between";

fn not_listed(principal: &str) -> String {
    format!(
        "principal not allowed: got `{principal}`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or have the provider's operator add it to `AllowedPrincipals`"
    )
}

fn to(principals: Value) -> Event {
    event("create-list").property("Principals", principals)
}

#[tokio::test]
async fn a_guardrail_violation_is_rejected_before_any_call() {
    let unreadable_list = ("ALLOWED_PRINCIPALS", "111122223333,1234");
    let no_list = ("ALLOWED_PRINCIPALS", "1234, 5678");
    let other_entry = NO_PRINCIPAL.replace("1234", "5678");
    let cases: [(&[Variable], Event, String); 12] = [
        (&[], event("create-public"), NO_PUBLIC.into()),
        (
            &[("ALLOW_PUBLIC", "")],
            event("create-public"),
            NO_PUBLIC.into(),
        ),
        (
            &[("ALLOW_PUBLIC", "false")],
            to(json!(["*", ACCOUNT])),
            NO_PUBLIC.into(),
        ),
        (&[LISTED], event("create-account"), not_listed(ACCOUNT)),
        (
            &[LISTED],
            event("create-organization"),
            not_listed("o-abc1234567"),
        ),
        (&[LISTED, PUBLIC], event("create-public"), not_listed("*")),
        (
            &[("ALLOWED_PRINCIPALS", "*")],
            event("create-public"),
            NO_PUBLIC.into(),
        ),
        (
            &[("ALLOW_PUBLIC", "yes")],
            event("create-account"),
            NOT_TRUE_OR_FALSE.into(),
        ),
        (
            &[unreadable_list],
            event("create-account"),
            NO_PRINCIPAL.into(),
        ),
        (
            &[("ALLOWED_PRINCIPALS", "1234")],
            event("create-organization"),
            NO_PRINCIPAL.into(),
        ),
        (
            &[("ALLOW_PUBLIC", "yes"), no_list],
            event("create-account"),
            [NOT_TRUE_OR_FALSE, NO_PRINCIPAL, &other_entry].join("; "),
        ),
        (
            &[("ALLOW_PUBLIC", "yes"), LISTED],
            to(json!(["*", ACCOUNT, "444455556666"])),
            [
                NOT_TRUE_OR_FALSE,
                &not_listed(ACCOUNT),
                // An invalid value allows nothing.
                NO_PUBLIC,
            ]
            .join("; "),
        ),
    ];
    for (variables, event, reason) in cases {
        let env = TestEnv::with_variables_only(&[&[RESPONSES_ALLOWED], variables].concat()).await;
        assert_eq!(env.send(&event).await.expect_failed(), reason);
        assert_eq!(env.lambda.take_calls(), [""; 0]);
    }
}

#[tokio::test]
async fn allowed_principals_are_granted() {
    let organization = ("ALLOWED_PRINCIPALS", "o-abc1234567");
    let root = ("ALLOWED_PRINCIPALS", "arn:aws:iam::111122223333:root");
    let everybody = ("ALLOWED_PRINCIPALS", "444455556666,*");
    let cases: [(&[Variable], Event); 8] = [
        (&[], event("create-account")),
        (&[], event("create-organization")),
        (&[("ALLOWED_PRINCIPALS", "")], event("create-root-arn")),
        (&[organization], event("create-organization")),
        (&[root], event("create-account")),
        (&[PUBLIC], event("create-public")),
        (&[PUBLIC, everybody], event("create-public")),
        (&[LISTED], to(json!("444455556666,o-abcdefghij"))),
    ];
    for (variables, event) in cases {
        let env = TestEnv::with_variables_only(&[&[RESPONSES_ALLOWED], variables].concat()).await;
        env.send(&event).await.expect_success();
    }
}

#[tokio::test]
async fn an_update_that_violates_a_guardrail_keeps_the_id_and_the_grant() {
    let env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED, LISTED]).await;
    let granted = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    env.put_statement(granted.clone());
    let update = event("update-fixed-statement-id").property("Principal", "777788889999");
    let response = env.send(&update).await;
    response.expect_failed();
    assert_eq!(response.id(), format!("{LAYER_VERSION}#partner"));
    assert_eq!(env.statements(), [granted]);
    // The policy is read: existing statements do not violate a guardrail.
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn existing_grants_can_be_kept_reduced_and_rolled_back_to_under_a_tightened_guardrail() {
    let env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED, LISTED]).await;
    let list = |principals: &str| {
        event("create-list")
            .property("Principals", principals)
            .property("StatementId", "team")
    };
    let id = format!("{LAYER_VERSION}#team");
    let granted =
        |account: &str| account_statement(LAYER_VERSION, &format!("team-{account}"), account);
    env.put_statement(granted("111122223333"));
    env.put_statement(granted("777788889999"));
    let (both, one) = (list("111122223333,777788889999"), list("111122223333"));
    // Neither is allowed any more: one is removed, the other one is kept.
    let fewer = both.update_to(&id, one.properties());
    assert_eq!(env.send(&fewer).await.expect_success(), id);
    assert_eq!(env.statements(), [granted("111122223333")]);
    let back = both.update_to(&id, one.properties());
    assert_eq!(env.send(&back).await.expect_success(), id);
    // A removed principal cannot be added again.
    let more = one.update_to(&id, both.properties());
    assert_eq!(
        env.send(&more).await.expect_failed(),
        "principal not allowed: got `777788889999`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or have the \
         provider's operator add it to `AllowedPrincipals`"
    );
    assert_eq!(env.statements(), [granted("111122223333")]);
}

/// The Update from everybody to one account under the same id.
fn from_public() -> Event {
    let mut old = event("create-account").properties();
    old["Principal"] = "*".into();
    let mut update = event("create-account").update_to(&format!("{LAYER_VERSION}#partner"), old);
    let (new, old) = (
        update.0["OldResourceProperties"].take(),
        update.properties(),
    );
    update.0["ResourceProperties"] = new;
    update.0["OldResourceProperties"] = old;
    update
}

#[tokio::test]
async fn a_rollback_restores_no_statement_that_a_guardrail_denies() {
    let env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED]).await;
    let other = account_statement(LAYER_VERSION, "other", ACCOUNT);
    env.put_statement(other.clone());
    env.put_statement(public_statement(LAYER_VERSION, "partner"));
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    env.lambda.inject_always(Operation::Add, full);
    let response = env.send(&from_public()).await;
    let end = format!(
        "(rolled back: remove `partner` for `*`; not restored: `partner` for `*`: {NO_PUBLIC})"
    );
    assert!(
        response.expect_failed().ends_with(&end),
        "{}",
        response.expect_failed()
    );
    assert_eq!(env.statements(), [other]);
    let adds = env
        .lambda
        .take_calls()
        .into_iter()
        .filter(|call| call.starts_with("Add"));
    assert_eq!(adds.count(), 1, "only the requested one");
}

#[tokio::test]
async fn a_rollback_restores_no_statement_after_a_concurrent_removal() {
    let other = account_statement(LAYER_VERSION, "other", ACCOUNT);
    for variables in [&[RESPONSES_ALLOWED][..], &[RESPONSES_ALLOWED, PUBLIC]] {
        let env = TestEnv::with_variables_only(variables).await;
        env.put_statement(other.clone());
        env.put_statement(public_statement(LAYER_VERSION, "partner"));
        let rejected = PutFault::RejectedAfter(Duration::from_secs(2), 403);
        env.bucket.inject([rejected]);
        let event = env.presign(&from_public());
        let removing = async {
            while env.statements()
                != [
                    other.clone(),
                    account_statement(LAYER_VERSION, "partner", ACCOUNT),
                ]
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            env.lambda
                .state()
                .policies
                .delete_statement(LAYER_VERSION, "partner");
        };
        let delivered = env.deliver(&event, Duration::from_mins(1));
        tokio::join!(delivered, removing);
        assert_eq!(env.statements(), std::slice::from_ref(&other));
    }
}

#[tokio::test]
async fn a_create_that_violates_a_guardrail_responds_with_never_created() {
    let env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED]).await;
    let response = env.send(&event("create-public")).await;
    assert_eq!(response.id(), "never-created");
}

#[tokio::test]
async fn no_guardrail_stops_a_revoke() {
    let granted = [
        (
            event("create-account"),
            account_statement(LAYER_VERSION, "partner", ACCOUNT),
        ),
        (
            event("create-organization"),
            organization_statement(LAYER_VERSION, "engineering-org", "o-abc1234567"),
        ),
        (
            event("create-public"),
            public_statement(LAYER_VERSION, "everybody"),
        ),
    ];
    let guardrails: [&[Variable]; 5] = [
        &[],
        &[LISTED],
        &[("ALLOW_PUBLIC", "yes")],
        &[("ALLOWED_PRINCIPALS", "1234")],
        &[("ALLOWED_PRINCIPALS", ",")],
    ];
    for variables in guardrails {
        let env = TestEnv::with_variables_only(&[&[RESPONSES_ALLOWED], variables].concat()).await;
        for (create, statement) in &granted {
            env.put_statement(statement.clone());
            let sid = statement["Sid"].as_str().unwrap();
            let delete = create.delete_of(&format!("{LAYER_VERSION}#{sid}"));
            env.send(&delete).await.expect_success();
            let left = env.statements();
            assert_eq!(left, [] as [Value; 0], "{variables:?}");
        }
    }
}

#[tokio::test]
async fn guardrail_violations_are_counted() {
    let mut env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED, LISTED]).await;
    let listed = to(json!(["444455556666"]));
    let id = env.send(&listed).await.expect_success().to_owned();
    // Before any call, and after reading a policy to which a statement would have to be added.
    env.send(&event("create-account")).await.expect_failed();
    let more = to(json!(["444455556666", "777788889999"])).properties();
    env.send(&listed.update_to(&id, more)).await.expect_failed();
    env.send(&event("malformed-principal"))
        .await
        .expect_failed();
    env.send(&listed.delete_of(&id)).await.expect_success();
    let log = env.stop();
    let refusals = log.iter().filter_map(|line| line["Refusals"].as_u64());
    assert_eq!(refusals.collect::<Vec<_>>(), [0, 1, 1, 0, 0]);
}
