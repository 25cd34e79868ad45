//! The responses recorded from the real Lambda, as values. A case that was not recorded is not made up: it panics.

use std::sync::LazyLock;

use serde_json::Value;

use crate::policies::ApiError;

static LAYERS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("recorded.json")).unwrap());

static FUNCTIONS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("recorded_functions.json")).unwrap());

/// Every recorded case of layer versions.
#[must_use]
pub fn layers() -> &'static [Value] {
    LAYERS["layer"].as_array().unwrap()
}

/// Every recorded case of functions.
#[must_use]
pub fn functions() -> &'static [Value] {
    FUNCTIONS["function"].as_array().unwrap()
}

/// A recorded case of layer versions.
pub(crate) fn layer(operation: &str, given: &str) -> &'static Value {
    let mut cases = layers().iter();
    cases
        .find(|case| case["operation"] == operation && case["given"] == given)
        .unwrap_or_else(|| panic!("not recorded: {operation}, {given}"))
}

/// A recorded case of functions.
pub(crate) fn function(name: &str) -> &'static Value {
    let mut cases = functions().iter();
    cases
        .find(|case| case["name"] == name)
        .unwrap_or_else(|| panic!("not recorded: {name}"))
}

/// The error of a recorded case, with each `(recorded, actual)` replaced in the message.
#[must_use]
pub fn error(case: &Value, replaced: &[(&str, &str)]) -> ApiError {
    let mut message = case["message"].as_str().unwrap().to_owned();
    for (recorded, actual) in replaced {
        message = message.replace(recorded, actual);
    }
    ApiError::new(status(case), case["code"].as_str().unwrap(), &message)
}

/// The status of a recorded success.
#[must_use]
pub fn success(operation: &str) -> u16 {
    let cases = layers().iter();
    cases
        .filter(|case| case["operation"] == operation)
        .map(status)
        .find(|status| *status < 300)
        .unwrap()
}

fn status(case: &Value) -> u16 {
    u16::try_from(case["status"].as_u64().unwrap()).unwrap()
}
