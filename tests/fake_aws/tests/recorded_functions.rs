//! The fake answers the cases of functions that were recorded from the real Lambda as Lambda did.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected"
)]
use fake_aws::events::FUNCTION;
use fake_aws::lambda_api::LambdaApi;
use fake_aws::recorded_responses;
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// Cases of requests that the provider cannot send: it checks the qualifier itself, and names one in one place only.
const NOT_PLAYED: [&str; 2] = ["two qualifiers that differ", "qualifier with ?"];

/// Whose message was recorded before Lambda changed it.
const OLD_MESSAGE: &str = "stale revision on remove (old message)";

#[tokio::test]
async fn every_recorded_case_gets_the_response_of_lambda() {
    let mut played = 0;
    for case in recorded_responses::functions() {
        let name = case["name"].as_str().unwrap();
        if NOT_PLAYED.contains(&name) {
            continue;
        }
        let case = with_real_names(case);
        let lambda = LambdaApi::start().await;
        set_up(&lambda, name, &case);
        let response = send(&lambda, &case).await;
        assert_eq!(response.status().as_u16(), case["status"], "{name}");
        let code = response.headers().get("x-amzn-ErrorType");
        let code = code.map(|code| code.to_str().unwrap().to_owned());
        assert_eq!(code.as_deref(), case["code"].as_str(), "{name}");
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if name != OLD_MESSAGE {
            assert_eq!(body.get("Message"), case.get("message"), "{name}");
        }
        for document in ["Statement", "Policy"] {
            let got = body
                .get(document)
                .map(|text| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap());
            assert_eq!(got.as_ref(), case["body"].get(document), "{name}");
        }
        let has_revision = body.get("RevisionId").is_some();
        assert_eq!(has_revision, case["status"] == 200, "{name}");
        assert_eq!(text.is_empty(), case["status"] == 204, "{name}");
        played += 1;
    }
    assert!(played > 40, "{played} cases");
}

fn with_real_names(case: &Value) -> Value {
    let mut text = case.to_string();
    for (placeholder, name) in [
        ("<function>", "my-function"),
        ("<function-arn>", FUNCTION),
        (
            "<arn of function `doesnotexist`>",
            "arn:aws:lambda:eu-west-1:123456789012:function:doesnotexist",
        ),
        ("<partition>", "aws"),
        ("<region>", "eu-west-1"),
        ("<user_arn>", "arn:aws:iam::111111111111:user/somebody"),
        ("<log-group>", "my-log-group"),
        ("<log-group-name:1>", "my-log-group"),
        ("<resource:1>", "my-function"),
        ("<resource:2>", "*"),
    ] {
        text = text.replace(placeholder, name);
    }
    serde_json::from_str(&text).unwrap()
}

/// The state in which the case was recorded.
fn set_up(lambda: &LambdaApi, name: &str, case: &Value) {
    let policies = &mut lambda.state().policies;
    policies.publish(FUNCTION);
    let statement = |sid: &str| {
        json!({
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": FUNCTION,
        })
    };
    let arn = arn(case);
    if case["status"] != 404 {
        policies.publish(&arn);
    }
    let found = case["body"]["Policy"]["Statement"].as_array();
    for statement in found.into_iter().flatten() {
        policies.put_statement(&arn, statement.clone());
    }
    match name {
        "statement id is taken, by the very same statement"
        | "stale revision on remove (old message)"
        | "remove" => policies.put_statement(FUNCTION, statement("s3")),
        "remove no such statement" => {
            policies.put_statement(FUNCTION, statement("s3"));
            policies.put_statement(FUNCTION, statement("sqs"));
        }
        _ => {}
    }
}

/// The function, with its qualifier, that the request is about.
fn arn(case: &Value) -> String {
    let request = &case["request"];
    let name = request["FunctionName"].as_str().unwrap();
    let (name, qualifier) = match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, request["Qualifier"].as_str()),
    };
    let function = FUNCTION.replace("my-function", name);
    qualifier.map_or(function.clone(), |qualifier| {
        format!("{function}:{qualifier}")
    })
}

async fn send(lambda: &LambdaApi, case: &Value) -> Response {
    let arn = arn(case);
    let mut parts = arn.splitn(8, ':').skip(6);
    let (name, qualifier) = (parts.next().unwrap(), parts.next());
    let policy = format!(
        "http://{}/2015-03-31/functions/{name}/policy",
        lambda.address
    );
    let request = &case["request"];
    let revision = request["RevisionId"].as_str().map(|revision| {
        let policies = &lambda.state().policies;
        let latest = policies.policy(&arn).map(|policy| policy.revision.clone());
        latest
            .filter(|_| revision.starts_with('<'))
            .unwrap_or(revision.to_owned())
    });
    let query = [
        ("Qualifier", qualifier),
        ("RevisionId", revision.as_deref()),
    ];
    let query = query
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    let query = query.collect::<Vec<_>>().join("&");
    let sid = request["StatementId"].as_str().unwrap_or_default();
    let (method, url, body) = match case["operation"].as_str().unwrap() {
        "GetPolicy" => (Method::GET, format!("{policy}?{query}"), String::new()),
        "AddPermission" => (
            Method::POST,
            format!("{policy}?{query}"),
            request.to_string(),
        ),
        "RemovePermission" => (
            Method::DELETE,
            format!("{policy}/{sid}?{query}"),
            String::new(),
        ),
        other => panic!("not an operation of the policies of functions: {other}"),
    };
    let credential =
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260131/eu-west-1/lambda/aws4_request";
    let request = reqwest::Client::new()
        .request(method, url)
        .header("authorization", credential);
    request.body(body).send().await.unwrap()
}
