//! What the operator does not allow: no such grant is made, every revoke is, and the reason says whom to ask.
//! Refuses to know where answers may go.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::response_bucket::PutFault;
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use serde_json::{Value, json};

use crate::stage::Stage;

type Variable = (&'static str, &'static str);

const ANSWERABLE: Variable = ("RESPONSE_HOSTS", "http://127.0.0.1");
const PUBLIC: Variable = ("ALLOW_PUBLIC", "true");
const LISTED: Variable = ("ALLOWED_PRINCIPALS", "o-abcdefghij, 444455556666");

const NO_PUBLIC: &str = "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set `AllowPublic` to `true`";
const NOT_TRUE_OR_FALSE: &str = "guardrail unreadable: got `ALLOW_PUBLIC` = `yes`, have the provider's operator set it to `true` or `false`";
const NO_PRINCIPAL: &str = "guardrail unreadable: got `ALLOWED_PRINCIPALS` with `1234`, have the provider's operator give account ids of 12 digits, organization ids or `*`, with commas between";

fn not_listed(principal: &str) -> String {
    format!(
        "principal not allowed: got `{principal}`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or have the provider's operator add it to `AllowedPrincipals`"
    )
}

fn to(principals: Value) -> Event {
    event("create-list").property("Principals", principals)
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_lambda_is_called() {
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
                // What cannot be read allows nothing.
                NO_PUBLIC,
            ]
            .join("; "),
        ),
    ];
    for (variables, event, reason) in cases {
        let stage = Stage::guarded(&[&[ANSWERABLE], variables].concat()).await;
        assert_eq!(stage.play(&event).await.refused(), reason);
        assert_eq!(stage.lambda.take_calls(), [""; 0]);
    }
}

#[tokio::test]
async fn what_is_allowed_is_granted() {
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
        let stage = Stage::guarded(&[&[ANSWERABLE], variables].concat()).await;
        stage.play(&event).await.succeeded();
    }
}

#[tokio::test]
async fn a_refused_change_keeps_the_id_and_what_was_granted() {
    let stage = Stage::guarded(&[ANSWERABLE, LISTED]).await;
    let granted = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    stage.put_statement(granted.clone());
    let update = event("update-fixed-statement-id").property("Principal", "777788889999");
    let answer = stage.play(&update).await;
    answer.refused();
    assert_eq!(answer.id(), format!("{LAYER_VERSION}#partner"));
    assert_eq!(stage.statements(), [granted]);
    // The policy is looked at: what stands in it already is not refused.
    assert_eq!(stage.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn what_is_there_may_stay_and_lose_and_be_rolled_back_to_when_a_guardrail_is_tightened() {
    let stage = Stage::guarded(&[ANSWERABLE, LISTED]).await;
    let list = |principals: &str| {
        event("create-list")
            .property("Principals", principals)
            .property("StatementId", "team")
    };
    let id = format!("{LAYER_VERSION}#team");
    let granted =
        |account: &str| account_statement(LAYER_VERSION, &format!("team-{account}"), account);
    stage.put_statement(granted("111122223333"));
    stage.put_statement(granted("777788889999"));
    let (both, one) = (list("111122223333,777788889999"), list("111122223333"));
    // Neither is allowed any more: one goes, the other one stays.
    let fewer = both.update_to(&id, one.properties());
    assert_eq!(stage.play(&fewer).await.succeeded(), id);
    assert_eq!(stage.statements(), [granted("111122223333")]);
    let back = both.update_to(&id, one.properties());
    assert_eq!(stage.play(&back).await.succeeded(), id);
    // What is gone does not come back.
    let more = one.update_to(&id, both.properties());
    assert_eq!(
        stage.play(&more).await.refused(),
        "principal not allowed: got `777788889999`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or have the \
         provider's operator add it to `AllowedPrincipals`"
    );
    assert_eq!(stage.statements(), [granted("111122223333")]);
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
async fn a_rollback_grants_to_nobody_who_is_denied() {
    let stage = Stage::guarded(&[ANSWERABLE]).await;
    let other = account_statement(LAYER_VERSION, "other", ACCOUNT);
    stage.put_statement(other.clone());
    stage.put_statement(public_statement(LAYER_VERSION, "partner"));
    let full = Fault::Rejected(400, "PolicyLengthExceededException", "full");
    stage.lambda.inject_always(Operation::Add, full);
    let answer = stage.play(&from_public()).await;
    let end = format!(
        "(taken back: remove `partner` for `*`; not put back: `partner` for `*`: {NO_PUBLIC})"
    );
    assert!(answer.refused().ends_with(&end), "{}", answer.refused());
    assert_eq!(stage.statements(), [other]);
    let adds = stage
        .lambda
        .take_calls()
        .into_iter()
        .filter(|call| call.starts_with("Add"));
    assert_eq!(adds.count(), 1, "none but the one that was asked for");
}

#[tokio::test]
async fn a_rollback_restores_nothing_that_somebody_else_has_removed() {
    let other = account_statement(LAYER_VERSION, "other", ACCOUNT);
    for variables in [&[ANSWERABLE][..], &[ANSWERABLE, PUBLIC]] {
        let stage = Stage::guarded(variables).await;
        stage.put_statement(other.clone());
        stage.put_statement(public_statement(LAYER_VERSION, "partner"));
        let refused = PutFault::RejectedAfter(Duration::from_secs(2), 403);
        stage.bucket.inject([refused]);
        let event = stage.issue(&from_public());
        let removing = async {
            while stage.statements()
                != [
                    other.clone(),
                    account_statement(LAYER_VERSION, "partner", ACCOUNT),
                ]
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stage
                .lambda
                .state()
                .policies
                .delete_statement(LAYER_VERSION, "partner");
        };
        let delivered = stage.deliver(&event, Duration::from_mins(1));
        tokio::join!(delivered, removing);
        assert_eq!(stage.statements(), std::slice::from_ref(&other));
    }
}

#[tokio::test]
async fn a_refused_create_answers_the_id_of_what_was_never_created() {
    let stage = Stage::guarded(&[ANSWERABLE]).await;
    let answer = stage.play(&event("create-public")).await;
    assert_eq!(answer.id(), "never-created");
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
        let stage = Stage::guarded(&[&[ANSWERABLE], variables].concat()).await;
        for (create, statement) in &granted {
            stage.put_statement(statement.clone());
            let sid = statement["Sid"].as_str().unwrap();
            let delete = create.delete_of(&format!("{LAYER_VERSION}#{sid}"));
            stage.play(&delete).await.succeeded();
            let left = stage.statements();
            assert_eq!(left, [] as [Value; 0], "{variables:?}");
        }
    }
}

#[tokio::test]
async fn an_event_that_a_guardrail_refuses_is_counted() {
    let mut stage = Stage::guarded(&[ANSWERABLE, LISTED]).await;
    let listed = to(json!(["444455556666"]));
    let id = stage.play(&listed).await.succeeded().to_owned();
    // Before Lambda is called, and when the policy shows that something would have to be added.
    stage.play(&event("create-account")).await.refused();
    let more = to(json!(["444455556666", "777788889999"])).properties();
    stage.play(&listed.update_to(&id, more)).await.refused();
    stage.play(&event("malformed-principal")).await.refused();
    stage.play(&listed.delete_of(&id)).await.succeeded();
    let log = stage.end();
    let refusals = log.iter().filter_map(|line| line["Refusals"].as_u64());
    assert_eq!(refusals.collect::<Vec<_>>(), [0, 1, 1, 0, 0]);
}
