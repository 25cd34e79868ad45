//! What an event came to, in numbers, as a line of the log that becomes metrics.
//! Counts nothing itself.
//!
//! Source: [Embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cloudformation::response::{Answer, Status};
use crate::policy::journal::Tally;

/// The metrics and their units.
const METRICS: [(&str, &str); 5] = [
    ("Grants", "Count"),
    ("Revokes", "Count"),
    ("Conflicts", "Count"),
    ("Failures", "Count"),
    ("Duration", "Milliseconds"),
];

/// The line for one event of the function of this name, which took `duration`.
pub(crate) fn line(
    function_name: &str,
    answer: &Answer,
    tally: Tally,
    duration: Duration,
) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let metrics = METRICS.map(|(name, unit)| json!({"Name": name, "Unit": unit}));
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({
        "_aws": {
            "Timestamp": millis(now.unwrap_or_default()),
            "CloudWatchMetrics": [{
                "Namespace": "LayerPermissionProvider",
                "Dimensions": [["FunctionName"]],
                "Metrics": metrics,
            }],
        },
        "FunctionName": function_name,
        "Grants": tally.grants,
        "Revokes": tally.revokes,
        "Conflicts": tally.conflicts,
        "Failures": u8::from(answer.status == Status::Failed),
        "Duration": millis(duration),
    })
}
