//! The fake answers every case of layer versions that was recorded from the real Lambda as Lambda did.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected"
)]
use fake_aws::events::LAYER_VERSION;
use fake_aws::lambda_api::LambdaApi;
use fake_aws::recorded_responses;
use fake_aws::statements::public_statement;
use reqwest::{Method, Response};
use serde_json::{Value, json};

#[tokio::test]
async fn every_recorded_case_gets_the_response_of_lambda() {
    for case in recorded_responses::layers() {
        let lambda = LambdaApi::start().await;
        let response = send(&lambda, case).await;
        let name = format!("{}, {}", case["operation"], case["given"]);
        assert_eq!(response.status().as_u16(), case["status"], "{name}");
        let code = response
            .headers()
            .get("x-amzn-ErrorType")
            .map(|code| code.to_str().unwrap().to_owned());
        assert_eq!(code.as_deref(), case["code"].as_str(), "{name}");
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let expected: Value =
            serde_json::from_str(&case.to_string().replace("<arn>", LAYER_VERSION)).unwrap();
        assert_eq!(body.get("Message"), expected.get("message"), "{name}");
        for document in ["Statement", "Policy"] {
            let got = body
                .get(document)
                .map(|text| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap());
            assert_eq!(got.as_ref(), expected.get(document), "{name}");
        }
        assert_eq!(
            body.get("RevisionId").is_some(),
            matches!(case["status"].as_u64(), Some(200 | 201)),
            "{name}"
        );
        assert_eq!(text.is_empty(), case["status"] == 204, "{name}");
    }
}

/// Sends the recorded request, about a layer version in the state that the case gives.
async fn send(lambda: &LambdaApi, case: &Value) -> Response {
    let mut add =
        json!({"StatementId": "s1", "Principal": "*", "Action": "lambda:GetLayerVersion"});
    let mut sid = "s1";
    let mut query = "";
    let given = case["given"].as_str().unwrap();
    if !given.starts_with("no such layer") && given != "no such version" {
        lambda.state().policies.publish(LAYER_VERSION);
    }
    let put = |sid| {
        lambda
            .state()
            .policies
            .put_statement(LAYER_VERSION, public_statement(LAYER_VERSION, sid));
    };
    match given {
        "no policy yet" | "no such layer" | "no such version" | "Principal \"*\"" => {}
        "Action \"*\"" => add["Action"] = "*".into(),
        "statement id s1 exists" | "one statement" | "statement exists" => put("s1"),
        "two statements" => ["s1", "s2"].map(put).into_iter().collect(),
        "stale RevisionId" => {
            put("s0");
            query = "?RevisionId=stale";
        }
        "no such statement" => {
            put("s1");
            sid = "doesnotexist";
        }
        other => panic!("a recorded case that this test cannot set up: {other}"),
    }
    let layer = "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Alayer%3Amy-layer";
    let policy = format!(
        "http://{}/2018-10-31/layers/{layer}/versions/1/policy",
        lambda.address
    );
    let (method, url, body) = match case["operation"].as_str().unwrap() {
        "GetLayerVersionPolicy" => (Method::GET, policy, String::new()),
        "AddLayerVersionPermission" => (Method::POST, format!("{policy}{query}"), add.to_string()),
        "RemoveLayerVersionPermission" => (
            Method::DELETE,
            format!("{policy}/{sid}{query}"),
            String::new(),
        ),
        other => panic!("not an operation of the layer policy API: {other}"),
    };
    let credential =
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260131/eu-west-1/lambda/aws4_request";
    let request = reqwest::Client::new()
        .request(method, url)
        .header("authorization", credential);
    request.body(body).send().await.unwrap()
}
