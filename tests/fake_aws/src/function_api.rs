//! One call of Lambda's API for functions, as the service performs it where nothing fails.

use serde_json::Value;

use crate::api_call::{ApiCall, Operation};
use crate::function_policies;
use crate::lambda_responses::{
    ApiResponse, added_response, error_response, policy_response, removed_response,
};
use crate::policies::Policies;

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
        | Operation::List
        | Operation::Inventory
        | Operation::ListAccounts => {
            panic!("functions have no such operation: {:?}", call.operation)
        }
        Operation::Get => {
            function_policies::get(policies, arn).map(|policy| policy_response(&policy))
        }
        Operation::Add => function_policies::add(policies, arn, body, revision)
            .map(|statement| added_response(&statement, None)),
        Operation::Remove => function_policies::remove(policies, arn, sid.unwrap(), revision)
            .map(|()| removed_response()),
    };
    result.unwrap_or_else(|error| error_response(&error))
}
