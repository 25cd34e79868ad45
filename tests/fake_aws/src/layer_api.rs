//! One call of Lambda's API for layer versions, as the service performs it where nothing fails.

use serde_json::Value;

use crate::api_call::{ApiCall, Operation, query_value};
use crate::lambda_responses::{
    ApiResponse, added_response, error_response, page_response, policy_response, removed_response,
};
use crate::layer_policies;
use crate::policies::{ApiError, Policies};

/// Performs `call`, whose body is `body`, on `policies`.
///
/// # Panics
/// The call is not one of Lambda's.
pub(crate) fn perform(policies: &mut Policies, call: &ApiCall, body: &Value) -> ApiResponse {
    let (arn, sid) = (&call.arn, call.sid.as_deref());
    let revision = call.revision.as_deref();
    let result = match call.operation {
        Operation::Assume
        | Operation::Describe
        | Operation::Inventory
        | Operation::ListAccounts => {
            panic!("Lambda has no such operation: {:?}", call.operation)
        }
        Operation::List => list(policies, call),
        Operation::Get => layer_policies::get(policies, arn).map(|policy| policy_response(&policy)),
        Operation::Add => layer_policies::add(policies, arn, body, revision)
            .map(|(statement, revision)| added_response(&statement, Some(&revision))),
        Operation::Remove => layer_policies::remove(policies, arn, sid.unwrap(), revision)
            .map(|()| removed_response()),
    };
    result.unwrap_or_else(|error| error_response(&error))
}

fn list(policies: &Policies, call: &ApiCall) -> Result<ApiResponse, ApiError> {
    let max_items = query_value(&call.target, "MaxItems").map(|max| max.parse().unwrap());
    let marker = query_value(&call.target, "Marker");
    let page = layer_policies::list(policies, &call.arn, marker.as_deref(), max_items)?;
    Ok(page_response(&page))
}
