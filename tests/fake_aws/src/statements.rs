//! Policy statements as Lambda writes them.

use serde_json::{Value, json};

/// A statement for one account.
#[must_use]
pub fn account_statement(layer_version: &str, sid: &str, account: &str) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
        "Action": "lambda:GetLayerVersion",
        "Resource": layer_version,
    })
}

/// A statement for everybody.
#[must_use]
pub fn public_statement(layer_version: &str, sid: &str) -> Value {
    let mut statement = account_statement(layer_version, sid, "");
    statement["Principal"] = "*".into();
    statement
}

/// A statement for one organization.
#[must_use]
pub fn organization_statement(layer_version: &str, sid: &str, organization: &str) -> Value {
    let mut statement = public_statement(layer_version, sid);
    statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
    statement
}
