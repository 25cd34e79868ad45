//! What an event came to, in numbers, as a line of the log that becomes metrics.
//! Counts nothing itself.
//!
//! Source: [Embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use serde_json::json;

/// The metrics and their units.
const METRICS: [(&str, &str); 7] = [
    ("Grants", "Count"),
    ("Revokes", "Count"),
    ("Conflicts", "Count"),
    ("Failures", "Count"),
    ("Refusals", "Count"),
    ("Unanswerable", "Count"),
    ("Duration", "Milliseconds"),
];

/// What one event came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Statements that were added, and not taken back.
    pub(crate) grants: usize,
    /// Statements that were removed, and not put back.
    pub(crate) revokes: usize,
    /// Writes that met a policy that another writer had changed.
    pub(crate) conflicts: usize,
    /// Whether it failed, or its response was not delivered.
    pub(crate) failures: usize,
    /// Whether a guardrail refused it.
    pub(crate) refusals: usize,
    /// Whether there was nowhere to send a response to.
    pub(crate) unanswerable: usize,
}

impl Tally {
    /// Of an event that says nowhere to send a response to.
    pub(crate) fn of_unanswerable() -> Self {
        Self {
            unanswerable: 1,
            ..Self::default()
        }
    }
}

/// Writes the line for one event, which took `duration`.
pub(crate) fn emit(context: &Context, tally: Tally, duration: Duration) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let metrics = METRICS.map(|(name, unit)| json!({"Name": name, "Unit": unit}));
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let line = json!({
        "_aws": {
            "Timestamp": millis(now.unwrap_or_default()),
            "CloudWatchMetrics": [{
                "Namespace": "LambdaPermissionProvider",
                "Dimensions": [["FunctionName"]],
                "Metrics": metrics,
            }],
        },
        "FunctionName": context.env_config.function_name,
        "Grants": tally.grants,
        "Revokes": tally.revokes,
        "Conflicts": tally.conflicts,
        "Failures": tally.failures,
        "Refusals": tally.refusals,
        "Unanswerable": tally.unanswerable,
        "Duration": millis(duration),
    });
    println!("{line}");
}
