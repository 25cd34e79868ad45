//! The responses recorded from the real Lambda, as values. A case that was not recorded is not made up: it panics.

use std::sync::LazyLock;

use serde_json::Value;

static RECORDED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("recorded.json")).unwrap());

/// Every recorded case.
#[must_use]
pub fn cases() -> &'static [Value] {
    RECORDED["layer"].as_array().unwrap()
}

/// Status, code and message of a recorded error, with each `(recorded, actual)` replaced in the message.
#[must_use]
pub fn error(operation: &str, given: &str, replaced: &[(&str, &str)]) -> (u16, String, String) {
    let case = cases()
        .iter()
        .find(|case| case["operation"] == operation && case["given"] == given)
        .unwrap_or_else(|| panic!("not recorded: {operation}, {given}"));
    let mut message = case["message"].as_str().unwrap().to_owned();
    for (recorded, actual) in replaced {
        message = message.replace(recorded, actual);
    }
    (
        status(case),
        case["code"].as_str().unwrap().to_owned(),
        message,
    )
}

/// The status of a recorded success.
#[must_use]
pub fn success(operation: &str) -> u16 {
    cases()
        .iter()
        .filter(|case| case["operation"] == operation)
        .map(status)
        .find(|status| *status < 300)
        .unwrap()
}

fn status(case: &Value) -> u16 {
    u16::try_from(case["status"].as_u64().unwrap()).unwrap()
}
