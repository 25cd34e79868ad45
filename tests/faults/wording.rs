//! Responses that cannot be read, and the other words in which a statement may stand in a policy.
//! Refuses to know when they are given.

use serde_json::{Value, json};

use crate::fault::{Form, Shape};
use crate::lambda_answers::Answered;
use crate::lambda_call::Operation;
use crate::server::Reply;

const PAGE: &str = "<!DOCTYPE html><html><body>It works!</body></html>";

/// A success of `operation` that cannot be read as one. A removal has no body that could be of another shape.
pub fn unreadable(operation: Operation, shape: Shape) -> Answered {
    let [half, inner] = match operation {
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
        Operation::Remove | Operation::Assume => [PAGE, PAGE],
    };
    let (kind, body) = match shape {
        _ if operation == Operation::Remove => ("text/html", PAGE),
        Shape::Page => ("text/html", PAGE),
        Shape::Half => ("application/json", half),
        Shape::Empty => ("application/json", "{}"),
        Shape::Other => ("application/json", r#"{"status":"up","nodes":[1,2,3]}"#),
        Shape::Inner => ("application/json", inner),
    };
    let status = if operation == Operation::Add {
        201
    } else {
        200
    };
    let reply = Reply::new(status, &[("Content-Type", kind)], body);
    (Some(status), reply)
}

/// `statement` in another form.
pub fn written_as(statement: &Value, form: Form) -> Value {
    let mut written = statement.clone();
    let account = statement["Principal"]["AWS"]
        .as_str()
        .and_then(|root| root.split(':').nth(4));
    match (form, account) {
        (Form::Another, _) => {
            written["Principal"] = json!({"AWS": "arn:aws:iam::222222222222:root"});
            written["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
        }
        (Form::BareAccount, Some(account)) => written["Principal"]["AWS"] = account.into(),
        (Form::BareAccount, None) | (Form::Lists, _) => {
            written["Action"] = json!([statement["Action"]]);
            if account.is_some() {
                written["Principal"]["AWS"] = json!([statement["Principal"]["AWS"]]);
            }
        }
    }
    written
}

/// The form in which Lambda writes what `statement` says.
pub fn as_lambda_writes(statement: &Value) -> Value {
    let mut canonical = statement.clone();
    let single = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => value.clone(),
    };
    canonical["Action"] = single(&statement["Action"]);
    if let Some(named) = statement["Principal"].get("AWS") {
        let named = single(named);
        let account = named.as_str().filter(|text| text.len() == 12);
        let root = account.map(|account| format!("arn:aws:iam::{account}:root").into());
        canonical["Principal"]["AWS"] = root.unwrap_or(named);
    }
    canonical
}
