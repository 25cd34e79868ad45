//! What an event came to, in numbers, as a line of the log that becomes metrics.
//! Counts nothing itself.
//!
//! Source: [Embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use serde_json::json;

use crate::policy::journal::{Journal, Tally};

/// The metrics and their units.
const METRICS: [(&str, &str); 5] = [
    ("Grants", "Count"),
    ("Revokes", "Count"),
    ("Conflicts", "Count"),
    ("Failures", "Count"),
    ("Duration", "Milliseconds"),
];

/// Writes the line for one event, which took `duration` and wrote what `journal` holds.
pub(crate) fn emit(context: &Context, journal: Option<&Journal>, failed: bool, duration: Duration) {
    let tally = journal.map_or_else(Tally::default, Journal::tally);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let metrics = METRICS.map(|(name, unit)| json!({"Name": name, "Unit": unit}));
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let line = json!({
        "_aws": {
            "Timestamp": millis(now.unwrap_or_default()),
            "CloudWatchMetrics": [{
                "Namespace": "LayerPermissionProvider",
                "Dimensions": [["FunctionName"]],
                "Metrics": metrics,
            }],
        },
        "FunctionName": context.env_config.function_name,
        "Grants": tally.grants,
        "Revokes": tally.revokes,
        "Conflicts": tally.conflicts,
        "Failures": u8::from(failed),
        "Duration": millis(duration),
    });
    println!("{line}");
}
