//! Permissions of functions: the statements, the ids, the calls, and what each event does.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, Event, FUNCTION, event};
use serde_json::{Map, Value, json};

use crate::test_env::TestEnv;

const NO_STATEMENTS: [Value; 0] = [];

/// A statement of the function's policy as Lambda writes it.
pub fn statement(sid: &str, principal: &Value) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    })
}

pub fn account(sid: &str, account: &str) -> Value {
    statement(sid, &json!({"AWS": format!("arn:aws:iam::{account}:root")}))
}

fn with(mut statement: Value, changes: &Value) -> Value {
    let changes: Map<String, Value> = changes.as_object().unwrap().clone();
    statement.as_object_mut().unwrap().extend(changes);
    statement
}

fn service(sid: &str, service: &str, condition: &Value) -> Value {
    with(
        statement(sid, &json!({"Service": service})),
        &json!({"Condition": condition}),
    )
}

fn rule(name: &str) -> String {
    format!("arn:aws:events:eu-west-1:123456789012:rule/{name}")
}

pub fn put(env: &TestEnv, statement: Value) {
    let policies = &mut env.lambda.state().policies;
    policies.put_statement(FUNCTION, statement);
}

/// The ids of the statements, in order.
fn sids(env: &TestEnv) -> Vec<String> {
    let statements = env.function_statements();
    let mut sids: Vec<String> = statements
        .iter()
        .map(|statement| statement["Sid"].as_str().unwrap().to_owned())
        .collect();
    sids.sort();
    sids
}

#[tokio::test]
async fn each_kind_of_grant_is_the_statement_that_lambda_writes() {
    let organization = json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc1234567"}});
    let role = json!({"AWS": "arn:aws:iam::111122223333:role/deploy"});
    for (name, expected) in [
        ("function-create-account", account("partner", ACCOUNT)),
        (
            "function-create-service",
            service(
                "bucket",
                "s3.amazonaws.com",
                &json!({
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket"},
                }),
            ),
        ),
        ("function-create-role", statement("deploy", &role)),
        (
            "function-create-organization",
            with(
                statement("engineering-org", &json!("*")),
                &json!({"Condition": organization}),
            ),
        ),
        (
            "function-create-token",
            service(
                "skill",
                "alexa-appkit.amazon.com",
                &json!({"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.1234"}}),
            ),
        ),
    ] {
        let env = TestEnv::start().await;
        let response = env.send(&event(name)).await;
        let id = format!("{FUNCTION}#{}", expected["Sid"].as_str().unwrap());
        assert_eq!(response.expect_success(), id, "{name}");
        assert_eq!(env.function_statements(), [expected], "{name}");
    }
}

#[tokio::test]
async fn a_first_statement_is_read_back_and_a_further_one_too_since_lambda_returns_no_revision() {
    let env = TestEnv::start().await;
    let created = env.send(&event("function-create-account")).await;
    created.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 404", "Add partner: 201", "Get: 200"]
    );
    let created = env.send(&event("function-create-service")).await;
    created.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Add bucket if revision-1: 201", "Get: 200"]
    );
    let again = env.send(&event("function-create-service")).await;
    again.expect_success();
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn return_values_are_those_of_the_native_type_and_more() {
    let env = TestEnv::start().await;
    let data = &env.send(&event("function-create-alias")).await.0["Data"];
    assert!(data.get("Statement").is_none(), "the alias does not exist");
    let alias = format!("{FUNCTION}:live");
    env.lambda.state().policies.publish(&alias);
    let response = env.send(&event("function-create-alias")).await;
    assert_eq!(response.expect_success(), format!("{alias}#partner"));
    let data = &response.0["Data"];
    for (name, value) in [
        ("Id", "partner"),
        ("StatementId", "partner"),
        ("StatementIds", "partner"),
        ("FunctionArn", &alias),
        ("RevisionId", "revision-1"),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
    let written: Value = serde_json::from_str(data["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(written["Resource"], alias);
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_function_is_named_in_each_way_that_the_api_knows() {
    for (name, qualifier, arn) in [
        ("my-function", None, FUNCTION.to_owned()),
        (
            "123456789012:function:my-function",
            None,
            FUNCTION.to_owned(),
        ),
        (FUNCTION, None, FUNCTION.to_owned()),
        ("my-function:live", None, format!("{FUNCTION}:live")),
        ("my-function:live", Some("live"), format!("{FUNCTION}:live")),
        (
            "123456789012:function:my-function:7",
            None,
            format!("{FUNCTION}:7"),
        ),
        (
            &format!("{FUNCTION}:live"),
            None,
            format!("{FUNCTION}:live"),
        ),
        (FUNCTION, Some("7"), format!("{FUNCTION}:7")),
    ] {
        let env = TestEnv::start().await;
        env.lambda.state().policies.publish(&arn);
        let mut create = event("function-create-account").property("FunctionName", name);
        if let Some(qualifier) = qualifier {
            create = create.property("Qualifier", qualifier);
        }
        let response = env.send(&create).await;
        assert_eq!(
            response.expect_success(),
            format!("{arn}#partner"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_function_of_another_region_is_called_there_and_one_of_another_account_by_its_arn() {
    let env = TestEnv::start().await;
    for arn in [
        "arn:aws:lambda:us-east-1:123456789012:function:my-function",
        "arn:aws:lambda:eu-west-1:210987654321:function:my-function",
    ] {
        env.lambda.state().policies.publish(arn);
        let create = event("function-create-account").property("FunctionName", arn);
        env.send(&create).await.expect_success();
        assert_eq!(
            env.lambda.state().policies.statements(arn).len(),
            1,
            "{arn}"
        );
    }
}

#[tokio::test]
async fn an_account_and_its_root_arn_are_the_same_grant() {
    let env = TestEnv::start().await;
    let create = event("function-create-account").without_property("StatementId");
    let id = env.send(&create).await.expect_success().to_owned();
    drop(env.lambda.take_calls());
    let root = create.property("Principal", "arn:aws:iam::111122223333:root");
    assert_eq!(env.send(&root).await.expect_success(), id);
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn a_function_url_has_both_statements_and_each_is_confined_to_it() {
    let env = TestEnv::start().await;
    let create = event("function-create-url");
    let response = env.send(&create).await;
    assert_eq!(response.expect_success(), format!("{FUNCTION}#site"));
    assert_eq!(response.0["Data"]["StatementIds"], "site-url,site-invoke");
    let url = with(
        statement("site-url", &json!("*")),
        &json!({
            "Action": "lambda:InvokeFunctionUrl",
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        }),
    );
    let invoke = with(
        statement("site-invoke", &json!("*")),
        &json!({"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}),
    );
    assert_eq!(env.function_statements(), [url, invoke]);
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 404",
            "Add site-url: 201",
            "Get: 200",
            "Add site-invoke if revision-1: 201",
            "Get: 200"
        ]
    );
    let deleted = env.send(&create.delete_of(response.id())).await;
    deleted.expect_success();
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn the_native_properties_of_a_function_url_are_one_statement() {
    let env = TestEnv::start().await;
    let create = event("function-create-url").property("Action", "lambda:InvokeFunctionUrl");
    env.send(&create).await.expect_success();
    assert_eq!(sids(&env), ["site"]);
    let via_url = event("function-create-account")
        .property("StatementId", "via-url")
        .property("InvokedViaFunctionUrl", "true");
    env.send(&via_url).await.expect_success();
    let statement = env.function_statements().pop().unwrap();
    let condition = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
    assert_eq!(statement["Condition"], condition);
    let without = event("function-create-account").property("InvokedViaFunctionUrl", "false");
    env.send(&without).await.expect_success();
    let statement = env.function_statements().pop().unwrap();
    assert_eq!(statement, account("partner", ACCOUNT));
}

#[tokio::test]
async fn n_entries_of_a_list_cost_one_call_and_two_for_each() {
    for (name, entries) in [
        ("function-create-list", 3),
        ("function-create-source-arns", 2),
        ("function-create-source-accounts", 2),
    ] {
        let env = TestEnv::start().await;
        let create = event(name);
        let response = env.send(&create).await;
        response.expect_success();
        assert_eq!(env.lambda.take_calls().len(), 1 + 2 * entries, "{name}");
        assert_eq!(env.function_statements().len(), entries, "{name}");
        env.send(&create.delete_of(response.id()))
            .await
            .expect_success();
        assert_eq!(env.function_statements(), NO_STATEMENTS, "{name}");
    }
}

#[tokio::test]
async fn a_changed_list_is_added_to_before_it_is_removed_from() {
    let env = TestEnv::start().await;
    put(&env, account("team-111122223333", "111122223333"));
    put(&env, account("team-444455556666", "444455556666"));
    let response = env.send(&event("function-update-list")).await;
    assert_eq!(response.expect_success(), format!("{FUNCTION}#team"));
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 200",
            "Add team-o-abc1234567 if revision-2: 201",
            "Get: 200",
            "Remove team-444455556666 if revision-3: 204",
            "Get: 200"
        ]
    );
    assert_eq!(sids(&env), ["team-111122223333", "team-o-abc1234567"]);
}

#[tokio::test]
async fn a_delete_of_a_list_under_a_derived_id_removes_what_other_lists_have_left() {
    let env = TestEnv::start().await;
    let create = event("function-create-source-arns").without_property("StatementId");
    let id = env.send(&create).await.expect_success().to_owned();
    let shorter = create
        .clone()
        .property("SourceArns", json!([rule("nightly")]));
    assert_eq!(env.send(&shorter).await.expect_success(), id);
    assert_eq!(env.function_statements().len(), 2);
    env.send(&shorter.delete_of(&id)).await.expect_success();
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_changed_source_under_a_derived_id_is_added_before_the_old_one_is_deleted() {
    let env = TestEnv::start().await;
    let create = event("function-create-derived-statement-id");
    let old = env.send(&create).await.expect_success().to_owned();
    let mut properties = create.properties();
    properties["SourceArn"] = rule("hourly").into();
    let update = create.update_to(&old, properties);
    let new = env.send(&update).await.expect_success().to_owned();
    assert_ne!(new, old);
    assert_eq!(env.function_statements().len(), 2);
    env.send(&create.delete_of(&old)).await.expect_success();
    let left = env.function_statements();
    assert_eq!(left.len(), 1);
    let like = &left[0]["Condition"]["ArnLike"];
    assert_eq!(like["AWS:SourceArn"], rule("hourly"));
}

#[tokio::test]
async fn a_changed_source_under_a_given_id_is_replaced_in_place() {
    let env = TestEnv::start().await;
    let update = event("function-update-source-arn");
    env.send(&event("function-create-service"))
        .await
        .expect_success();
    drop(env.lambda.take_calls());
    let response = env.send(&update).await;
    assert_eq!(response.expect_success(), format!("{FUNCTION}#bucket"));
    assert_eq!(
        env.lambda.take_calls(),
        [
            "Get: 200",
            "Remove bucket if revision-1: 204",
            "Get: 404",
            "Add bucket: 201",
            "Get: 200"
        ]
    );
    let like = &env.function_statements()[0]["Condition"]["ArnLike"];
    assert_eq!(like["AWS:SourceArn"], "arn:aws:s3:::new-bucket");
}

#[tokio::test]
async fn an_update_puts_back_what_was_lost_when_the_function_was_created_again() {
    let env = TestEnv::start().await;
    env.send(&event("function-create-account"))
        .await
        .expect_success();
    env.lambda.state().policies.unpublish(FUNCTION);
    env.lambda.state().policies.publish(FUNCTION);
    let update = event("function-update-nonce");
    let response = env.send(&update).await;
    assert_eq!(response.expect_success(), format!("{FUNCTION}#partner"));
    assert_eq!(env.function_statements(), [account("partner", ACCOUNT)]);
    drop(env.lambda.take_calls());
    env.send(&update).await.expect_success();
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
}

#[tokio::test]
async fn a_delete_of_what_is_gone_succeeds_without_a_write() {
    let elsewhere = format!("{FUNCTION}:live");
    for case in ["the function", "the policy", "the statement", "the alias"] {
        let env = TestEnv::start().await;
        let mut delete = event("function-delete");
        match case {
            "the function" => env.lambda.state().policies.unpublish(FUNCTION),
            "the statement" => put(&env, account("other", ACCOUNT)),
            "the alias" => {
                delete = delete
                    .with("PhysicalResourceId", format!("{elsewhere}#partner"))
                    .property("FunctionName", elsewhere.as_str());
            }
            _ => {}
        }
        env.send(&delete).await.expect_success();
        let calls = env.lambda.take_calls();
        assert_eq!(calls.len(), 1, "{case}: {calls:?}");
    }
}

#[tokio::test]
async fn a_delete_removes_the_statement_under_the_revision_that_was_read() {
    let env = TestEnv::start().await;
    put(&env, account("partner", ACCOUNT));
    env.send(&event("function-delete")).await.expect_success();
    assert_eq!(
        env.lambda.take_calls(),
        ["Get: 200", "Remove partner if revision-1: 204"]
    );
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn a_delete_by_properties_that_cannot_be_read_goes_by_the_id() {
    let env = TestEnv::start().await;
    put(&env, account("partner", "999988887777"));
    put(&env, account("partner-111122223333", ACCOUNT));
    put(&env, account("other", ACCOUNT));
    env.send(&event("function-delete-unreadable-properties"))
        .await
        .expect_success();
    assert_eq!(sids(&env), ["other"]);
}

#[tokio::test]
async fn a_delete_keeps_a_statement_with_other_content_and_logs_it() {
    let mut env = TestEnv::start().await;
    let foreign = service("partner", "s3.amazonaws.com", &json!({}));
    put(&env, foreign.clone());
    env.send(&event("function-delete")).await.expect_success();
    assert_eq!(env.function_statements(), [foreign]);
    assert_eq!(env.lambda.take_calls(), ["Get: 200"]);
    let skipped = |line: &Value| line["message"] == "statement not owned, skipped";
    assert!(env.stop().iter().any(skipped));
}

#[tokio::test]
async fn a_delete_that_overtakes_its_create_waits_for_the_statement() {
    let env = TestEnv::start().await;
    let delete = event("function-delete-invented-id");
    let appears = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        put(&env, account("partner", ACCOUNT));
    };
    let (response, ()) = tokio::join!(env.send(&delete), appears);
    response.expect_success();
    assert_eq!(env.function_statements(), NO_STATEMENTS);
}

#[tokio::test]
async fn the_id_of_a_layer_is_none_of_a_function_permission() {
    let env = TestEnv::start().await;
    let layer = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#partner";
    env.put_statement(fake_aws::statements::account_statement(
        fake_aws::events::LAYER_VERSION,
        "partner",
        ACCOUNT,
    ));
    let delete = event("function-delete").with("PhysicalResourceId", layer);
    let delete = delete.property("FunctionName", Value::Null);
    env.send_within(Duration::from_secs(30), &delete)
        .await
        .expect_success();
    assert_eq!(env.statements().len(), 1);
    let function = format!("{FUNCTION}#partner");
    put(&env, account("partner", ACCOUNT));
    let delete: Event = event("delete").with("PhysicalResourceId", function);
    let delete = delete.property("Principal", Value::Null);
    env.send_within(Duration::from_secs(30), &delete)
        .await
        .expect_success();
    assert_eq!(env.function_statements().len(), 1);
}
