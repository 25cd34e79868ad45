//! The forms in which a policy may hold the same statement, or another one in its place.

use serde_json::{Value, json};

use crate::fault::Alteration;

/// `statement` in another form.
pub fn altered(statement: &Value, alteration: Alteration) -> Value {
    let mut altered = statement.clone();
    let account = statement["Principal"]["AWS"]
        .as_str()
        .filter(|principal| principal.ends_with(":root"))
        .and_then(|root| root.split(':').nth(4));
    match (alteration, account) {
        (Alteration::OtherGrant, _) => {
            altered["Principal"] = json!({"AWS": "arn:aws:iam::222222222222:root"});
            altered["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
        }
        (Alteration::BareAccountId, Some(account)) => altered["Principal"]["AWS"] = account.into(),
        (Alteration::BareAccountId, None) | (Alteration::SingleElementLists, _) => {
            altered["Action"] = json!([statement["Action"]]);
            if statement["Principal"].get("AWS").is_some() {
                altered["Principal"]["AWS"] = json!([statement["Principal"]["AWS"]]);
            }
        }
    }
    altered
}

/// `statement` in the form in which Lambda writes it.
pub fn normalized(statement: &Value) -> Value {
    let mut normalized = statement.clone();
    let single = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => value.clone(),
    };
    normalized["Action"] = single(&statement["Action"]);
    if let Some(principal) = statement["Principal"].get("AWS") {
        let principal = single(principal);
        let account = principal.as_str().filter(|text| text.len() == 12);
        let root = account.map(|account| format!("arn:aws:iam::{account}:root").into());
        normalized["Principal"]["AWS"] = root.unwrap_or(principal);
    }
    normalized
}
