//! The log: one JSON object a line, in which what came from outside has a bounded size, whoever writes it.
//! Knows nothing of what the lines are about.

use std::any::Any;
use std::fmt;

use serde_json::Value;
use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use crate::cut;
use crate::text::{escaped, shown};

/// The most bytes of JSON that all texts of one line take together. Longer ones are cut, the longest first.
const MOST_BYTES: usize = 16 * 1024;

/// What stands at the end of a text that was cut.
const CUT: &str = "…";

/// Begins the log, and sees to it that a panic is logged. The dependencies' lines are left out: what they say of an event is
/// said here in its own words, and at finer levels they show credentials and URLs, so no variable can switch them on.
pub fn begin() {
    let targets = Targets::new().with_target("lambda_permission_provider", Level::INFO);
    let lines = tracing_subscriber::fmt::layer().event_format(Line);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
    // The place alone: the message of a panic may hold what an event says.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "panicked");
    }));
}

/// Why the process ends.
#[derive(Debug, Error)]
pub enum Ended {
    /// It could not start.
    #[error(
        "process not started: got {}, run it as the `bootstrap` of a Lambda function and check that function's environment variables",
        shown(.0)
    )]
    Starting(String),
    /// It cannot ask for events any more.
    #[error("process ended: got {} from Lambda's Runtime API, look whether the next one starts", shown(.0))]
    Serving(String),
}

impl Ended {
    /// Logs it.
    pub fn log(&self) {
        error!(reason = %self, "process ended");
    }
}

/// What is at the bottom of an error.
#[must_use]
pub fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What a panic said. Only one at start may be logged, when there was no event yet.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message")
}

/// How a line is written.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
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
        SystemTime.format_time(&mut writer)?;
        write!(writer, r#"","level":"{}""#, event.metadata().level())?;
        for (name, value) in fields.bounded() {
            write!(writer, r#","{name}":{value}"#)?;
        }
        writer.write_str("}\n")
    }
}

/// The fields of a line, the message among them.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The fields, with their texts cut so that they keep to [`MOST_BYTES`].
    fn bounded(mut self) -> Vec<(&'static str, Value)> {
        let texts = self.0.iter().filter_map(|(_, value)| value.as_str());
        let most = cut::share(texts.map(cut::json_text_len), MOST_BYTES);
        for (_, value) in &mut self.0 {
            if let Value::String(text) = value
                && cut::json_text_len(text) > most
            {
                *text = cut::head(text, most.saturating_sub(CUT.len())).to_owned() + CUT;
            }
        }
        self.0
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name(), value.into()));
    }

    /// A text, with what cannot be seen as escapes.
    fn add_text(&mut self, field: &Field, text: String) {
        self.add(field, escaped(text));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add_text(field, value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add_text(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a line with these fields.
    fn bounded(texts: &[&str]) -> Vec<String> {
        let fields = texts.iter().map(|text| ("field", Value::from(*text)));
        let bounded = Fields(fields.collect()).bounded();
        bounded
            .iter()
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect()
    }

    #[test]
    fn short_texts_are_written_whole_beside_long_ones() {
        let long = "x".repeat(1_000_000);
        let written = bounded(&["stack", &long, "id"]);
        assert_eq!((written[0].as_str(), written[2].as_str()), ("stack", "id"));
        assert_eq!(written[1].len(), 16_384 - "stackid".len());
        assert!(written[1].ends_with("x…"));
        let fits = "x".repeat(16_384);
        assert_eq!(bounded(&[&fits]), [fits]);
    }

    #[test]
    fn texts_take_no_more_than_their_bytes_of_json_whatever_is_in_them() {
        for c in ["x", "\"", "\n", "\u{1}", "é", "😀", "\u{202e}"] {
            let long = c.repeat(500_000);
            let written = bounded(&[&long, "id", &long, &long]);
            let bytes: usize = written.iter().map(|text| cut::json_text_len(text)).sum();
            assert!(
                (MOST_BYTES - 30..=MOST_BYTES).contains(&bytes),
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
    fn a_panic_is_told_by_its_message_if_it_has_one() {
        let text: Box<dyn Any + Send> = Box::new("text");
        let owned: Box<dyn Any + Send> = Box::new("owned".to_owned());
        let other: Box<dyn Any + Send> = Box::new(7);
        let told = [&text, &owned, &other].map(|panic| panic_message(panic.as_ref()));
        assert_eq!(told, ["text", "owned", "a panic without a message"]);
    }
}
