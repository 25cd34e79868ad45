//! The log, one JSON object a line, and the metrics. Each line of a request has its ids, and values from outside have a bounded size.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use serde_json::Value;
use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, time};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use crate::text::{self, escaped, shown};

/// The most bytes of JSON that all texts of one line take together. Longer ones are cut, the longest first.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// The most bytes of JSON that the ids of a request take together on each line. Those of a valid request take less.
const MAX_IDS_BYTES: usize = 3000;

/// Enough bytes for the line with the metrics, without the ids.
const TYPICAL_METRICS_LEN: usize = 1024;

/// Enough bytes for an ARN: most texts that have to be formatted are one.
const TYPICAL_TEXT_LEN: usize = 128;

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// The messages of the log, in the order in which a request may cause them.
pub const MESSAGES: [&str; 26] = [
    "CA bundle not loaded",
    "guardrail not loaded",
    "process ended",
    "request received",
    "malformed value",
    "AWS API call",
    "planned",
    "statement not owned, skipped",
    "stack no longer waits",
    "stack not asked",
    "orphan cleanup failed",
    "rollback failed",
    "rolled back",
    "panicked",
    "return values emptied",
    "sending response",
    "response sent",
    "response attempt failed",
    "response not sent",
    "finding",
    "accepted finding",
    "audit finished",
    "audit failed",
    "refresh incomplete",
    "resource skipped",
    "refresh finished",
];

/// The namespace of the metrics.
pub const NAMESPACE: &str = "LambdaPermissionProvider";

/// The metrics and their units.
pub const METRICS: [(&str, &str); 8] = [
    ("Grants", "Count"),
    ("Revokes", "Count"),
    ("Conflicts", "Count"),
    ("Failures", "Count"),
    ("Refusals", "Count"),
    ("Unanswerable", "Count"),
    ("Unverified", "Count"),
    ("Duration", "Milliseconds"),
];

/// Starts the log, which contains panics too. The lines of the dependencies are left out: the provider logs in its own words what they
/// say about a request, and at finer levels they contain credentials and URLs, so no variable can switch them on.
pub fn init() {
    let targets = Targets::new().with_target("lambda_permission_provider", Level::INFO);
    let lines = tracing_subscriber::fmt::layer().event_format(JsonLine);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
    // The place alone: the message of a panic may contain parts of an event.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "panicked");
    }));
}

/// Why the process ends.
#[derive(Debug, Error)]
pub enum ProcessEnd {
    /// It could not start.
    #[error(
        "process not started: got {}, run it as the `bootstrap` of a Lambda function and check that function's environment variables",
        shown(.0)
    )]
    NotStarted(String),
    /// It cannot receive events any more.
    #[error("process ended: got {} from Lambda's Runtime API, check that the next one starts", shown(.0))]
    RuntimeApi(String),
}

impl ProcessEnd {
    /// Logs it.
    pub fn log(&self) {
        error!(reason = %self, "process ended");
    }
}

/// The innermost error.
#[must_use]
pub fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The message of a panic. Only one at start may be logged, when there was no event yet.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message")
}

/// Where an operator finds the log of this invocation.
pub(crate) fn log_reference(context: &Context) -> String {
    let (env, request) = (&context.env_config, &context.request_id);
    let (group, stream) = (&env.log_group, &env.log_stream);
    format!("log group `{group}`, log stream `{stream}`, request `{request}`")
}

thread_local! {
    /// The ids of the request that is being handled, as the rest of a JSON object. An execution environment handles one at a time, on one
    /// thread; a span of `tracing` would do the same for 6 % more instructions of a cold Create.
    static CURRENT_IDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// While it exists, each line of the log has the ids of one request.
pub(crate) struct RequestScope(());

impl RequestScope {
    /// Begins with the lines of the request `event`, in the invocation with this request id of Lambda.
    pub(crate) fn enter(lambda_request_id: &str, event: &Value) -> Self {
        let mut ids = Fields::default();
        ids.add_text("lambda_request_id", lambda_request_id.to_owned());
        for (field, member) in [
            ("stack_id", "StackId"),
            ("logical_id", "LogicalResourceId"),
            ("request_id", "RequestId"),
        ] {
            if let Some(id) = event.get(member).and_then(Value::as_str) {
                ids.add_text(field, id.to_owned());
            }
        }
        CURRENT_IDS.with_borrow_mut(|current| {
            current.clear();
            // Writing to a String does not fail.
            let _ = ids.write(MAX_IDS_BYTES, current);
        });
        Self(())
    }
}

impl Drop for RequestScope {
    fn drop(&mut self) {
        CURRENT_IDS.with_borrow_mut(String::clear);
    }
}

/// What one request came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InvocationMetrics {
    /// Statements that were added, and not rolled back.
    pub(crate) grants: usize,
    /// Statements that were removed, and not restored.
    pub(crate) revokes: usize,
    /// Writes to a policy that another writer had changed.
    pub(crate) conflicts: usize,
    /// Whether it failed, or its response was not received.
    pub(crate) failures: usize,
    /// Whether a guardrail denied it.
    pub(crate) refusals: usize,
    /// Whether no response was possible.
    pub(crate) unanswerable: usize,
    /// Whether it was late, and CloudFormation could not be asked whether it waits.
    pub(crate) unverified: usize,
}

impl InvocationMetrics {
    /// Of an event without a URL for the response.
    pub(crate) fn unanswerable() -> Self {
        Self {
            unanswerable: 1,
            ..Self::default()
        }
    }

    /// Writes the line for a request that took `duration`.
    pub(crate) fn emit(self, context: &Context, duration: Duration) {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let values = [
            count(self.grants),
            count(self.revokes),
            count(self.conflicts),
            count(self.failures),
            count(self.refusals),
            count(self.unanswerable),
            count(self.unverified),
            millis(duration),
        ];
        emit_metrics(context, METRICS.iter().zip(values));
    }
}

/// A metric's name and unit, and its value.
type Metric = (&'static (&'static str, &'static str), u64);

/// Writes the line with `metrics` of an invocation.
///
/// Source: [Embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
pub(crate) fn emit_metrics(context: &Context, metrics: impl Iterator<Item = Metric> + Clone) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_millis();
    let mut line = String::with_capacity(TYPICAL_METRICS_LEN);
    // Writing to a String does not fail.
    let _ = write_metrics(now, &context.env_config.function_name, metrics, &mut line);
    CURRENT_IDS.with_borrow(|ids| println!("{line}{ids}}}"));
}

/// Writes the line without its end. Only the function's name has to be escaped, so no tree of values is made.
fn write_metrics(
    timestamp: u128,
    function: &str,
    metrics: impl Iterator<Item = Metric> + Clone,
    line: &mut impl fmt::Write,
) -> fmt::Result {
    let start = r#"{"_aws":{"Timestamp":"#;
    write!(line, r#"{start}{timestamp},"CloudWatchMetrics":[{{"#)?;
    write!(
        line,
        r#""Namespace":"{NAMESPACE}","Dimensions":[["FunctionName"]],"#
    )?;
    line.write_str(r#""Metrics":["#)?;
    for (index, ((name, unit), _)) in metrics.clone().enumerate() {
        let start = if index == 0 { "" } else { "," };
        let definition = [start, r#"{"Name":""#, name, r#"","Unit":""#, unit, r#""}"#];
        write_all(&definition, line)?;
    }
    write!(line, r#"]}}]}},"FunctionName":{}"#, Value::from(function))?;
    for ((name, _), value) in metrics {
        write!(line, r#","{name}":{value}"#)?;
    }
    Ok(())
}

/// Writes all of `parts`, for which no format has to be interpreted: each request has many lines with many fields.
fn write_all(parts: &[&str], writer: &mut impl fmt::Write) -> fmt::Result {
    parts.iter().try_for_each(|part| writer.write_str(part))
}

/// How a line is written.
struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        writer.write_str(r#"{"timestamp":""#)?;
        time::SystemTime.format_time(&mut writer)?;
        let level = event.metadata().level().as_str();
        write_all(&[r#"","level":""#, level, r#"""#], &mut writer)?;
        fields.write(MAX_LINE_BYTES, &mut writer)?;
        CURRENT_IDS.with_borrow(|ids| writer.write_str(ids))?;
        writer.write_str("}\n")
    }
}

/// The fields of a line, the message among them.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Writes the fields as the rest of a JSON object, with their texts cut so that together they take at most `max` bytes.
    fn write(mut self, max: usize, writer: &mut impl fmt::Write) -> fmt::Result {
        self.truncate(max);
        for (name, value) in self.0 {
            // As one text: a `Value` writes itself in many pieces.
            let value = serde_json::to_string(&value).map_err(|_| fmt::Error)?;
            write_all(&[r#",""#, name, r#"":"#, &value], writer)?;
        }
        Ok(())
    }

    fn truncate(&mut self, max: usize) {
        let texts = self.0.iter().filter_map(|(_, value)| value.as_str());
        // Of most lines, this says enough.
        if texts.clone().map(str::len).sum::<usize>() * text::MAX_JSON_LEN <= max {
            return;
        }
        let most = text::share(texts.map(text::json_text_len), max);
        for (_, value) in &mut self.0 {
            if let Value::String(text) = value
                && text::json_text_len(text) > most
            {
                *text = text::head(text, most.saturating_sub(CUT.len())).to_owned() + CUT;
            }
        }
    }

    fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    /// A text, with invisible characters as escapes.
    fn add_text(&mut self, name: &'static str, text: String) {
        self.add(name, escaped(text));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field.name(), value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::with_capacity(TYPICAL_TEXT_LEN);
        // Writing to a String does not fail.
        let _ = write!(text, "{value:?}");
        self.add_text(field.name(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The texts of a line with these fields.
    fn truncated(texts: &[&str]) -> Vec<String> {
        let fields = texts.iter().map(|text| ("field", Value::from(*text)));
        let mut fields = Fields(fields.collect());
        fields.truncate(MAX_LINE_BYTES);
        let fields = fields.0.iter();
        fields
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect()
    }

    #[test]
    fn lines_have_the_ids_of_a_request_while_it_is_handled() {
        let ids = || CURRENT_IDS.with_borrow(String::clone);
        let event = json!({"StackId": "stack", "LogicalResourceId": "a\"b", "RequestId": 7});
        let scope = RequestScope::enter("lambda", &event);
        let expected = r#","lambda_request_id":"lambda","stack_id":"stack","logical_id":"a\"b""#;
        assert_eq!(ids(), expected);
        drop(scope);
        assert_eq!(ids(), "");
        let long = json!({"StackId": "s".repeat(1_000_000)});
        let _scope = RequestScope::enter("lambda", &long);
        assert!(ids().len() < MAX_IDS_BYTES + 100, "{}", ids().len());
    }

    #[test]
    fn metrics_are_in_the_embedded_metric_format() {
        let mut line = String::new();
        let values: [u64; METRICS.len()] = std::array::from_fn(|index| index as u64);
        write_metrics(
            1_763_733_825_000,
            "a\"b",
            METRICS.iter().zip(values),
            &mut line,
        )
        .expect("written");
        let line: Value = serde_json::from_str(&(line + "}")).expect("JSON");
        let metrics = METRICS.map(|(name, unit)| json!({"Name": name, "Unit": unit}));
        let mut expected = json!({
            "_aws": {
                "Timestamp": 1_763_733_825_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["FunctionName"]],
                    "Metrics": metrics,
                }],
            },
            "FunctionName": "a\"b",
        });
        for (index, (name, _)) in METRICS.iter().enumerate() {
            expected[*name] = index.into();
        }
        assert_eq!(line, expected);
    }

    #[test]
    fn fields_are_the_rest_of_a_json_object() {
        let mut fields = Fields::default();
        fields.add("text", "a\"b");
        fields.add("number", 7);
        fields.add("none", None::<String>);
        let mut json = String::new();
        fields.write(100, &mut json).expect("written");
        assert_eq!(json, r#","text":"a\"b","number":7,"none":null"#);
    }

    #[test]
    fn short_texts_are_written_whole_beside_long_ones() {
        let long = "x".repeat(1_000_000);
        let written = truncated(&["stack", &long, "id"]);
        assert_eq!((written[0].as_str(), written[2].as_str()), ("stack", "id"));
        assert_eq!(written[1].len(), 16_384 - "stackid".len());
        assert!(written[1].ends_with("x…"));
        let fits = "x".repeat(16_384);
        assert_eq!(truncated(&[&fits]), [fits]);
    }

    #[test]
    fn texts_take_no_more_than_their_bytes_of_json_whatever_is_in_them() {
        for (c, times) in [
            ("x", 500_000),
            ("\"", 500_000),
            ("\n", 500_000),
            ("\u{1}", 500_000),
            ("é", 500_000),
            ("😀", 500_000),
            ("\u{202e}", 500_000),
            // Too long only as JSON.
            ("\"", 5_000),
            ("\u{1}", 1_000),
        ] {
            let long = c.repeat(times);
            let written = truncated(&[&long, "id", &long, &long]);
            let bytes: usize = written.iter().map(|text| text::json_text_len(text)).sum();
            assert!(
                (MAX_LINE_BYTES - 30..=MAX_LINE_BYTES).contains(&bytes),
                "{c}: {bytes}"
            );
        }
    }

    #[test]
    fn the_cause_of_an_error_is_what_is_at_its_bottom() {
        #[derive(Debug, Error)]
        #[error("outer")]
        struct Outer(#[source] std::num::ParseIntError);
        let inner = "x".parse::<u8>().expect_err("no number");
        assert_eq!(cause(&inner), "invalid digit found in string");
        assert_eq!(cause(&Outer(inner)), "invalid digit found in string");
    }

    #[test]
    fn a_panic_is_logged_by_its_message_if_it_has_one() {
        let text: Box<dyn Any + Send> = Box::new("text");
        let owned: Box<dyn Any + Send> = Box::new("owned".to_owned());
        let other: Box<dyn Any + Send> = Box::new(7);
        let messages = [&text, &owned, &other].map(|panic| panic_message(panic.as_ref()));
        assert_eq!(messages, ["text", "owned", "a panic without a message"]);
    }
}
