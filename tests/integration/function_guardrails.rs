//! The guardrails of grants on functions: each of them refused and allowed, and no revoke is stopped by any.

use fake_aws::events::{ACCOUNT, Event, FUNCTION, event};
use serde_json::json;

use crate::function_permission::{account, put};
use crate::test_env::TestEnv;

type Variable = (&'static str, &'static str);

const RESPONSES_ALLOWED: Variable = ("RESPONSE_HOSTS", "http://127.0.0.1");
const SERVED: Variable = ("FUNCTION_NAMES", "my-*");

fn create(properties: &[(&str, &str)]) -> Event {
    let mut create = event("function-create-account").without_property("StatementId");
    for (name, value) in properties {
        create = create.property(name, *value);
    }
    create
}

fn service(properties: &[(&str, &str)]) -> Event {
    create(&[&[("Principal", "s3.amazonaws.com")], properties].concat())
}

const NOT_SERVED: &str = "functions not served: got `my-function`, have the provider's operator set `FunctionNames` to that name or to a pattern of it";
const NO_SOURCE: &str = "add `SourceAccount: !Ref AWS::AccountId`, or have the provider's operator set `AllowUnconfinedServices` to `true`";

/// What is refused, by which reason, and the variable that allows it.
fn cases() -> Vec<(Vec<Variable>, Event, String, Variable)> {
    let public = "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set `AllowPublic` to `true`";
    let url = event("function-create-url");
    let public_url = "public function URL not allowed: got `*`, grant to accounts, roles or an organization, or have the provider's operator set `AllowPublicUrls` to `true`";
    let action = |action: &str| {
        format!(
            "action not allowed: got `{action}`, grant `lambda:InvokeFunction` or `lambda:InvokeFunctionUrl`, or have the provider's operator add it to `AllowedActions`"
        )
    };
    vec![
        (vec![], create(&[]), format!("{NOT_SERVED} (it serves none)"), SERVED),
        (
            vec![("FUNCTION_NAMES", "your-*")],
            create(&[]),
            format!("{NOT_SERVED} (it serves `your-*`)"),
            ("FUNCTION_NAMES", "*-function"),
        ),
        (
            vec![SERVED],
            create(&[("Principal", "*")]),
            public.to_owned(),
            ("ALLOW_PUBLIC", "true"),
        ),
        (
            vec![SERVED, ("ALLOW_PUBLIC_URLS", "true")],
            create(&[("Principal", "*"), ("SourceAccount", ACCOUNT)]),
            public.to_owned(),
            ("ALLOW_PUBLIC", "true"),
        ),
        (
            vec![SERVED],
            url.clone(),
            public_url.to_owned(),
            ("ALLOW_PUBLIC_URLS", "true"),
        ),
        (vec![SERVED], url, public_url.to_owned(), ("ALLOW_PUBLIC", "true")),
        (
            vec![SERVED],
            service(&[]),
            format!("service without a source not allowed: got `s3.amazonaws.com`, {NO_SOURCE}"),
            ("ALLOW_UNCONFINED_SERVICES", "true"),
        ),
        (
            vec![SERVED],
            service(&[("SourceArn", "arn:aws:s3:::b")]),
            format!(
                "service without a source not allowed: got `s3.amazonaws.com` with `arn:aws:s3:::b`, which names no account, {NO_SOURCE}"
            ),
            ("ALLOW_UNCONFINED_SERVICES", "true"),
        ),
        (
            vec![SERVED],
            create(&[("Action", "lambda:*")]),
            action("lambda:*"),
            ("ALLOWED_ACTIONS", "lambda:*"),
        ),
        (
            vec![SERVED],
            create(&[("Action", "lambda:UpdateFunctionCode")]),
            action("lambda:UpdateFunctionCode"),
            ("ALLOWED_ACTIONS", "lambda:UpdateFunctionCode"),
        ),
        (
            vec![SERVED, ("ALLOWED_PRINCIPALS", "o-abc1234567")],
            create(&[("Principal", "arn:aws:iam::111122223333:role/deploy")]),
            "principal not allowed: got `arn:aws:iam::111122223333:role/deploy`, grant to allowed ones (`o-abc1234567`), or have the provider's operator add it to `AllowedPrincipals`".to_owned(),
            ("ALLOWED_PRINCIPALS", ACCOUNT),
        ),
        (
            vec![SERVED, ("ALLOWED_PRINCIPALS", ACCOUNT)],
            service(&[("SourceAccount", ACCOUNT)]),
            "principal not allowed: got `s3.amazonaws.com`, grant to allowed ones (`111122223333`), or have the provider's operator add it to `AllowedPrincipals`".to_owned(),
            ("ALLOWED_PRINCIPALS", "s3.amazonaws.com"),
        ),
        (
            vec![SERVED, ("ALLOWED_PRINCIPALS", ACCOUNT)],
            create(&[("Principal", "*"), ("PrincipalOrgID", "o-abc1234567")]),
            "principal not allowed: got `o-abc1234567`, grant to allowed ones (`111122223333`), or have the provider's operator add it to `AllowedPrincipals`".to_owned(),
            ("ALLOWED_PRINCIPALS", "o-abc1234567"),
        ),
        (
            vec![SERVED, ("ALLOWED_ACTIONS", "InvokeFunction")],
            create(&[]),
            "invalid guardrail: got `ALLOWED_ACTIONS` with `InvokeFunction`, have the provider's operator give actions as in `lambda:InvokeFunction`, with commas between; action not allowed".to_owned(),
            ("ALLOWED_ACTIONS", "lambda:InvokeFunction"),
        ),
    ]
}

#[tokio::test]
async fn each_guardrail_refuses_before_any_call_and_allows_when_it_is_set() {
    for (variables, event, reason, allows) in cases() {
        let before = [&[RESPONSES_ALLOWED], &variables[..]].concat();
        let env = TestEnv::with_variables_only(&before).await;
        let response = env.send(&event).await;
        let reason = reason.trim_end_matches("; action not allowed");
        assert_eq!(response.expect_failed(), reason, "{variables:?}");
        assert_eq!(response.id(), "never-created");
        assert_eq!(env.lambda.take_calls(), [""; 0], "{reason}");
        let mut after: Vec<Variable> = before.clone();
        after.retain(|(name, _)| *name != allows.0);
        after.push(allows);
        let env = TestEnv::with_variables_only(&after).await;
        env.send(&event).await.expect_success();
    }
}

#[tokio::test]
async fn a_service_is_confined_by_an_account_or_a_token() {
    let env = TestEnv::with_variables_only(&[RESPONSES_ALLOWED, SERVED]).await;
    for properties in [
        &[("SourceAccount", ACCOUNT)][..],
        &[(
            "SourceArn",
            "arn:aws:events:eu-west-1:123456789012:rule/x-*",
        )],
        &[("EventSourceToken", "amzn1.ask.skill.1234")],
    ] {
        env.send(&service(properties)).await.expect_success();
    }
}

#[tokio::test]
async fn the_own_function_is_always_refused_and_so_are_its_aliases() {
    let env = TestEnv::start().await;
    let own = "arn:aws:lambda:eu-west-1:123456789012:function:layer-permission";
    for name in ["layer-permission", "layer-permission:live", own] {
        let response = env.send(&create(&[("FunctionName", name)])).await;
        let got = if name.ends_with("live") {
            format!("{own}:live")
        } else {
            own.to_owned()
        };
        assert_eq!(
            response.expect_failed(),
            format!(
                "the provider's own function: got `{got}`, grant on another function: whoever may invoke this one can use its role"
            )
        );
    }
    assert_eq!(env.lambda.take_calls(), [""; 0]);
    // The same name elsewhere is another function.
    let elsewhere = own.replace("eu-west-1", "us-east-1");
    env.lambda.state().policies.publish(&elsewhere);
    let create = create(&[("FunctionName", &elsewhere)]);
    env.send(&create).await.expect_success();
}

#[tokio::test]
async fn no_guardrail_of_functions_stops_a_revoke() {
    let env =
        TestEnv::with_variables_only(&[RESPONSES_ALLOWED, ("ALLOWED_ACTIONS", "no action")]).await;
    put(&env, account("partner", ACCOUNT));
    env.send(&event("function-delete")).await.expect_success();
    assert_eq!(env.function_statements().len(), 0);
    let own = "arn:aws:lambda:eu-west-1:123456789012:function:layer-permission";
    env.lambda.state().policies.publish(own);
    let mut statement = account("partner", ACCOUNT);
    statement["Resource"] = own.into();
    env.lambda.state().policies.put_statement(own, statement);
    let delete = event("function-delete")
        .property("FunctionName", own)
        .with("PhysicalResourceId", format!("{own}#partner"));
    env.send(&delete).await.expect_success();
    assert_eq!(env.lambda.state().policies.statements(own).len(), 0);
}

#[tokio::test]
async fn a_tightened_guardrail_lets_a_resource_lose_and_roll_back_what_it_has() {
    let env =
        TestEnv::with_variables_only(&[RESPONSES_ALLOWED, SERVED, ("ALLOWED_PRINCIPALS", ACCOUNT)])
            .await;
    put(&env, account("team-111122223333", ACCOUNT));
    put(&env, account("team-444455556666", "444455556666"));
    let update = event("function-update-list");
    let fewer = update.clone().property("Principals", json!([ACCOUNT]));
    env.send(&fewer).await.expect_success();
    assert_eq!(
        env.function_statements(),
        [account("team-111122223333", ACCOUNT)]
    );
    let more = update.property("Principals", json!([ACCOUNT, "444455556666"]));
    let response = env.send(&more).await;
    assert_eq!(
        response.expect_failed(),
        "principal not allowed: got `444455556666`, grant to allowed ones (`111122223333`), or have the provider's operator add it to `AllowedPrincipals`"
    );
    assert_eq!(response.id(), format!("{FUNCTION}#team"));
    assert_eq!(env.function_statements().len(), 1);
}
