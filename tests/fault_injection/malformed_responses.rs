//! Successful responses of Lambda whose body is malformed.

use fake_aws::api_call::Operation;
use fake_aws::http_server::HttpResponse;
use fake_aws::lambda_responses::ApiResponse;

use crate::fault::MalformedBody;

const HTML_PAGE: &str = "<!DOCTYPE html><html><body>It works!</body></html>";

/// A success of `operation` with this body. A removal has no body, so that only a page can stand in its place.
pub fn malformed_response(operation: Operation, body: MalformedBody) -> ApiResponse {
    let [truncated, malformed_inner_json] = malformed_bodies(operation);
    let (content_type, body) = match body {
        _ if operation == Operation::Remove => ("text/html", HTML_PAGE),
        MalformedBody::HtmlPage => ("text/html", HTML_PAGE),
        MalformedBody::Truncated => ("application/json", truncated),
        MalformedBody::EmptyObject => ("application/json", "{}"),
        MalformedBody::OtherJson => ("application/json", r#"{"status":"up","nodes":[1,2,3]}"#),
        MalformedBody::MalformedInnerJson => ("application/json", malformed_inner_json),
    };
    let status = if operation == Operation::Add {
        201
    } else {
        200
    };
    let response = HttpResponse::new(status, &[("Content-Type", content_type)], body);
    (Some(status), response)
}

/// The bodies that differ by operation: a truncated one, and one with malformed inner JSON.
fn malformed_bodies(operation: Operation) -> [&'static str; 2] {
    match operation {
        Operation::Get => [
            r#"{"Policy":"{\"Version\":\"2012-10-17\",\"Id\":\"defa"#,
            r#"{"Policy":"{\"Statement\": [","RevisionId":"revision-1"}"#,
        ],
        Operation::Add => [
            r#"{"Statement":"{\"Sid\":\"gi"#,
            r#"{"Statement":"{\"Sid\":","RevisionId":"revision-1"}"#,
        ],
        Operation::List => [
            r#"{"LayerVersions":[{"LayerVersionArn":"arn:aws:lambda:eu-w"#,
            r#"{"LayerVersions":"none","NextMarker":null}"#,
        ],
        Operation::Remove
        | Operation::Assume
        | Operation::Describe
        | Operation::Inventory
        | Operation::ListAccounts => [HTML_PAGE, HTML_PAGE],
    }
}
