//! Permissions of functions where something fails: the reasons word for word, and what is left.

use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, Event, FUNCTION, event};
use serde_json::{Value, json};

use crate::function_permission::{account, put, statement};
use crate::test_env::TestEnv;

const NO_STATEMENTS: [Value; 0] = [];

const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
const DELETED: &str = "AROACKCEVSQ6C2EXAMPLE";

/// What Lambda answers where it does not accept a principal.
const NOT_VALID: &str = "principal not accepted: got `InvalidParameterValueException` (`The provided principal was invalid. Please check the principal and try again.`) from `lambda:AddPermission` on `arn:aws:lambda:eu-west-1:123456789012:function:my-function`, check that it exists, and deploy again some minutes after it was created (the principal is `arn:aws:iam::111122223333:role/deploy`";

#[tokio::test]
async fn an_invalid_event_is_rejected_without_a_call() {
    let cases = [
        (
            "function-missing-function",
            "no function: got no `FunctionName`, give a name or `arn:<partition>:lambda:<region>:<account>:function:<name>`",
        ),
        (
            "function-malformed-function",
            "`FunctionName` is not one of a function: got `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, give a name, `<name>:<alias or version>` or an ARN as in `arn:<partition>:lambda:<region>:<account>:function:<name>`",
        ),
        (
            "function-two-qualifiers",
            "two qualifiers: got `live` in `FunctionName` and `test` as `Qualifier`, give one",
        ),
        (
            "function-latest",
            "`$LATEST` has no policy: got `$LATEST`, leave the qualifier out, that is the function's own policy",
        ),
        (
            "function-malformed-principal",
            "invalid `Principal`: got `events`, give a service as in `events.amazonaws.com`, an account id of 12 digits, a root, user or role ARN, or `*`",
        ),
        (
            "function-two-lists",
            "two lists: got `SourceArns` and `SourceAccounts`, give one list and single values beside it",
        ),
        (
            "function-octal-source-account",
            "`SourceAccounts` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes",
        ),
        (
            "function-url-with-invoke-function",
            "`FunctionUrlAuthType` goes with `lambda:InvokeFunctionUrl` only: got it with `lambda:InvokeFunction`, leave `Action` out to get both statements that a function URL needs",
        ),
    ];
    let env = TestEnv::start().await;
    for (name, reason) in cases {
        let response = env.send(&event(name)).await;
        assert_eq!(response.expect_failed(), reason, "{name}");
        assert_eq!(response.id(), "never-created", "{name}");
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_statement_id_in_use_fails_and_its_delete_makes_no_call() {
    let env = TestEnv::start().await;
    let foreign = account("partner", "999988887777");
    put(&env, foreign.clone());
    let create = event("function-create-account");
    let response = env.send(&create).await;
    assert_eq!(
        response.expect_failed(),
        "statement ID already in use: got `{\"Action\":\"lambda:InvokeFunction\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::999988887777:root\"},\"Resource\":\"arn:aws:lambda:eu-west-1:123456789012:function:my-function\",\"Sid\":\"partner\"}` in the policy, choose another `StatementId` or remove that statement"
    );
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
    env.send(&create.delete_of("never-created"))
        .await
        .expect_success();
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    assert_eq!(env.function_statements(), [foreign]);
}

#[tokio::test]
async fn a_function_that_appears_soon_is_granted_on() {
    let env = TestEnv::start().await;
    env.lambda.state().policies.unpublish(FUNCTION);
    let appears = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        env.lambda.state().policies.publish(FUNCTION);
    };
    let create = event("function-create-account");
    let (response, ()) = tokio::join!(env.send(&create), appears);
    response.expect_success();
    assert_eq!(env.function_statements(), [account("partner", ACCOUNT)]);
}

#[tokio::test]
async fn a_missing_function_or_alias_fails_after_ten_seconds() {
    let env = TestEnv::start().await;
    let missing = "arn:aws:lambda:eu-west-1:123456789012:function:missing";
    for (create, message, arn) in [
        (
            event("function-create-account").property("FunctionName", "missing"),
            format!("Function not found: {missing}"),
            missing.to_owned(),
        ),
        (
            event("function-create-alias"),
            format!("Cannot find alias arn: {FUNCTION}:live"),
            format!("{FUNCTION}:live"),
        ),
    ] {
        let began = std::time::Instant::now();
        let response = env.send(&create).await;
        assert!(
            began.elapsed() >= Duration::from_secs(9),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(
            response.expect_failed(),
            format!(
                "no such function: got `ResourceNotFoundException` (`{message}`) from `lambda:AddPermission` on `{arn}`, create it or correct its name"
            )
        );
        assert_eq!(response.id(), "never-created");
        let calls = env.lambda.take_calls();
        assert_eq!(calls[..2], ["Get: 404", "Add partner: 404"]);
        assert!(calls.len() < 40, "{} calls", calls.len());
    }
}

#[tokio::test]
async fn a_new_role_is_waited_for() {
    let env = TestEnv::start().await;
    env.lambda
        .state()
        .policies
        .unknown_principals
        .insert(ROLE.to_owned());
    let exists = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        env.lambda.state().policies.unknown_principals.clear();
    };
    let create = event("function-create-role");
    let (response, ()) = tokio::join!(env.send(&create), exists);
    response.expect_success();
    let calls = env.lambda.take_calls();
    assert!(calls.contains(&"Add deploy: 400".to_owned()), "{calls:?}");
}

#[tokio::test]
async fn an_unknown_role_fails_and_names_the_deleted_principals_of_the_policy() {
    let env = TestEnv::start().await;
    let foreign = statement("old", &json!({"AWS": DELETED}));
    put(&env, foreign.clone());
    env.lambda.state().policies.rejects_deleted_principals = true;
    let response = env.send(&event("function-create-role")).await;
    assert_eq!(
        response.expect_failed(),
        format!(
            "{NOT_VALID}, and the policy has statements of deleted roles or users, which Lambda may refuse too: `old` for `{DELETED}`)"
        )
    );
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.function_statements(), [foreign]);
}

#[tokio::test]
async fn an_unknown_role_fails_after_twenty_seconds_and_an_unknown_service_at_once() {
    let env = TestEnv::start().await;
    env.lambda
        .state()
        .policies
        .unknown_principals
        .insert(ROLE.to_owned());
    let response = env.send(&event("function-create-role")).await;
    assert_eq!(response.expect_failed(), format!("{NOT_VALID})"));
    drop(env.lambda.take_calls());
    let service = event("function-create-service").property("Principal", "no.such.example");
    let response = env.send(&service).await;
    assert_eq!(
        response.expect_failed(),
        "rejected by Lambda: got `InvalidParameterValueException` (`The provided principal was invalid. Please check the principal and try again.`) from `lambda:AddPermission` on `arn:aws:lambda:eu-west-1:123456789012:function:my-function`, correct what this message names (the principal is `no.such.example`)"
    );
    assert_eq!(env.lambda.take_calls(), ["Get: 404", "Add bucket: 400"]);
}

fn dead() -> Value {
    statement("deploy", &json!({"AWS": DELETED}))
}

#[tokio::test]
async fn a_statement_whose_role_was_deleted_is_replaced_and_removed() {
    let env = TestEnv::start().await;
    let create = event("function-create-role");
    let id = env.send(&create).await.expect_success().to_owned();
    env.lambda.state().policies.delete_principal(ROLE, DELETED);
    assert_eq!(env.function_statements(), [dead()]);
    // The role exists again.
    env.lambda.state().policies.unknown_principals.clear();
    let update = create.update_to(&id, create.properties());
    env.send(&update).await.expect_success();
    assert_eq!(
        env.function_statements(),
        [statement("deploy", &json!({"AWS": ROLE}))]
    );
    env.lambda.state().policies.delete_principal(ROLE, DELETED);
    env.send(&create.delete_of(&id)).await.expect_success();
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_delete_keeps_a_deleted_principal_of_another_kind_or_with_other_content() {
    for foreign in [
        statement("deploy", &json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"})),
        statement(
            "deploy",
            &json!({"AWS": [DELETED, "AROACKCEVSQ6C3EXAMPLE"]}),
        ),
        {
            let mut other = dead();
            other["Action"] = "lambda:*".into();
            other
        },
    ] {
        let env = TestEnv::start().await;
        put(&env, foreign.clone());
        let create = event("function-create-role");
        let delete = create.delete_of(&format!("{FUNCTION}#deploy"));
        env.send(&delete).await.expect_success();
        assert_eq!(env.function_statements(), [foreign]);
    }
}

#[tokio::test]
async fn a_rollback_restores_no_statement_of_a_deleted_role() {
    let env = TestEnv::start().await;
    put(&env, dead());
    let create = event("function-create-role");
    let mut properties = create.properties();
    properties["Principal"] = ACCOUNT.into();
    let update = create.update_to(&format!("{FUNCTION}#deploy"), properties);
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    env.lambda.inject(Operation::Add, [rejected]);
    let response = env.send(&update).await;
    assert_eq!(
        response.expect_failed(),
        "rejected by Lambda: got `InvalidParameterValueException` (`no`) from `lambda:AddPermission` on `arn:aws:lambda:eu-west-1:123456789012:function:my-function`, correct what this message names (rolled back: remove `deploy`)"
    );
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_replacement_in_place_that_fails_restores_the_old_statement() {
    let env = TestEnv::start().await;
    env.send(&event("function-create-service"))
        .await
        .expect_success();
    let before = env.function_statements();
    let rejected = Fault::Rejected(400, "InvalidParameterValueException", "no");
    env.lambda.inject(Operation::Add, [rejected]);
    let response = env.send(&event("function-update-source-arn")).await;
    assert!(response.is_failed());
    assert_eq!(response.id(), format!("{FUNCTION}#bucket"));
    assert_eq!(env.function_statements(), before);
}

#[tokio::test]
async fn half_of_a_function_url_is_never_left() {
    let env = TestEnv::start().await;
    // One more statement fits into the policy, and not two.
    let mut large = account("other", ACCOUNT);
    large["Note"] = "x".repeat(19_900).into();
    put(&env, large.clone());
    let response = env.send(&event("function-create-url")).await;
    let reason = response.expect_failed();
    assert!(
        reason.starts_with("policy size limit exceeded: "),
        "{reason}"
    );
    let end = "with 1 of the 2 desired) (rolled back: add `site-url` for `*`)";
    assert!(reason.ends_with(end), "{reason}");
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.function_statements(), [large]);
}

#[tokio::test]
async fn a_concurrent_writer_is_never_overwritten() {
    let env = TestEnv::start().await;
    put(&env, account("first", ACCOUNT));
    let busy = "The function could not be updated due to a concurrent update operation.";
    let conflict = Fault::Rejected(409, "ResourceConflictException", busy);
    let other = Fault::ConcurrentAdd(account("other", ACCOUNT));
    env.lambda.inject(Operation::Add, [other, conflict]);
    env.send(&event("function-create-account"))
        .await
        .expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 200",
            "Add partner if revision-1: 412",
            "Get: 200",
            "Add partner if revision-2: 409",
            "Get: 200",
            "Add partner if revision-2: 201",
            "Get: 200"
        ]
    );
    assert_eq!(env.function_statements().len(), 3);
}

/// Statements for so many rules.
fn fill(env: &TestEnv, number: usize) {
    for index in 0..number {
        let mut rule = statement(
            &format!("rule{index}"),
            &json!({"Service": "events.amazonaws.com"}),
        );
        let arn = format!("arn:aws:events:eu-west-1:123456789012:rule/my-{index}");
        rule["Condition"] = json!({"ArnLike": {"AWS:SourceArn": arn}});
        put(env, rule);
    }
}

#[tokio::test]
async fn a_full_policy_reports_its_size_and_what_would_make_it_smaller() {
    let env = TestEnv::start().await;
    fill(&env, 73);
    let create: Event = event("function-create-source-arns");
    let response = env.send(&create).await;
    let reason = response.expect_failed();
    let bytes = 69
        + serde_json::to_string(&env.function_statements())
            .unwrap()
            .len();
    assert!(bytes > 19_000, "{bytes}");
    let begin =
        "policy size limit exceeded: got `PolicyLengthExceededException` (`The final policy size (";
    assert!(reason.starts_with(begin), "{reason}");
    let hint = "bytes with 0 of the 2 desired; 73 statements differ in their `SourceArn` only: one with `arn:aws:events:eu-west-1:123456789012:rule/my-*` would do)";
    assert!(reason.ends_with(hint), "{reason}");
    assert_eq!(response.id(), "never-created");
    assert_eq!(env.function_statements().len(), 73);
}

#[tokio::test]
async fn a_blocked_public_policy_is_a_refusal_with_its_own_words() {
    let env = TestEnv::start().await;
    let blocked = "Lambda blocked the creation of this policy because it would grant public access to your function.";
    env.lambda.inject(
        Operation::Add,
        [Fault::Rejected(400, "PublicPolicyException", blocked)],
    );
    let response = env.send(&event("function-create-url")).await;
    assert_eq!(
        response.expect_failed(),
        format!(
            "public policy blocked: got `PublicPolicyException` (`{blocked}`) from `lambda:AddPermission` on `{FUNCTION}`, grant to accounts, organizations or services instead, or let the account's administrator allow public policies"
        )
    );
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_removal_that_goes_on_failing_is_a_failed_delete() {
    let env = TestEnv::start().await;
    put(&env, account("partner", ACCOUNT));
    env.lambda.inject_always(
        Operation::Remove,
        Fault::Rejected(500, "ServiceException", "broken"),
    );
    let delete = event("function-delete");
    let response = env.send_within(Duration::from_secs(12), &delete).await;
    let reason = response.expect_failed();
    let begin = "timed out while retrying: Lambda unavailable: got `ServiceException` (`broken`) from `lambda:RemovePermission`";
    assert!(reason.starts_with(begin), "{reason}");
    assert_eq!(env.function_statements().len(), 1);
}
