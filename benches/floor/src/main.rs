//! The least that a Create costs: reads the policy, adds the statement under its revision, and PUTs the response.
//! Handles no error, no other event and no difference: whatever is unexpected ends it.

mod http;
mod signature;
mod tls;

use std::env;

use serde_json::{Value, json};

use crate::http::{exchange, header};
use crate::tls::Tls;

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn main() {
    let tls = Tls::new();
    let runtime_api = variable("AWS_LAMBDA_RUNTIME_API");
    let mut runtime = std::net::TcpStream::connect(&runtime_api).expect("the Runtime API");
    let host = format!("lambda.{}.amazonaws.com", variable("AWS_REGION"));
    let (mut lambda, mut bucket) = (None, None);
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n";
        let (head, event) = exchange(&mut runtime, next, b"");
        let id = header(&head, "lambda-runtime-aws-request-id").to_owned();
        let event: Value = serde_json::from_slice(&event).expect("an event");
        let properties = &event["ResourceProperties"];
        let arn = properties["LayerVersionArn"].as_str().expect("an ARN");
        let mut parts = arn.split(':').skip(6);
        let (layer, version) = (
            parts.next().expect("a name"),
            parts.next().expect("a version"),
        );
        let path = format!("/2018-10-31/layers/{layer}/versions/{version}/policy");

        let lambda = lambda.get_or_insert_with(|| tls.connect(&host));
        let signed = signature::sign("GET", &host, &path, "", b"");
        let (_, policy) = exchange(lambda, &signed, b"");
        let policy: Value = serde_json::from_slice(&policy).expect("a policy");
        let revision = policy["RevisionId"].as_str().expect("a revision");

        let body = json!({
            "StatementId": properties["StatementId"],
            "Action": "lambda:GetLayerVersion",
            "Principal": properties["Principal"],
        });
        let (body, query) = (body.to_string(), format!("RevisionId={revision}"));
        let signed = signature::sign("POST", &host, &path, &query, body.as_bytes());
        let (head, _) = exchange(lambda, &signed, body.as_bytes());
        assert!(head.starts_with("HTTP/1.1 201"), "{head}");

        let url = event["ResponseURL"].as_str().expect("a URL");
        let (to, target) = url["https://".len()..].split_once('/').expect("a path");
        let response = json!({
            "Status": "SUCCESS",
            "PhysicalResourceId": format!("{arn}#{}", properties["StatementId"].as_str().expect("an id")),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        });
        let response = response.to_string();
        let bucket = bucket.get_or_insert_with(|| tls.connect(to));
        let length = response.len();
        let put =
            format!("PUT /{target} HTTP/1.1\r\nHost: {to}\r\nContent-Length: {length}\r\n\r\n");
        let (head, _) = exchange(bucket, &put, response.as_bytes());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");

        let end = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: runtime\r\nContent-Length: 4\r\n\r\n"
        );
        exchange(&mut runtime, &end, b"null");
    }
}
