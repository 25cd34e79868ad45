//! One call of Lambda's API for policies, whatever they are policies of.

use serde_json::Value;

use crate::api_call::ApiCall;
use crate::lambda_responses::ApiResponse;
use crate::policies::Policies;
use crate::{function_api, layer_api};

/// Performs `call`, whose body is `body`, on `policies`, as the service does where nothing fails.
///
/// # Panics
/// The call is not one of Lambda's.
pub fn perform(policies: &mut Policies, call: &ApiCall, body: &Value) -> ApiResponse {
    if call.is_about_function() {
        function_api::perform(policies, call, body)
    } else {
        layer_api::perform(policies, call, body)
    }
}
