//! The answer to an event, as the bytes that CloudFormation accepts: never more than 4096, never without an id.
//! Sends nothing.
//!
//! Source: [Custom resource response objects](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tracing::info;

use super::physical_id::PhysicalId;
use super::request::Envelope;

/// The most bytes that CloudFormation reads of an answer.
pub const MOST_BYTES: usize = 4096;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// What was asked for is true.
    Success,
    /// It is not.
    Failed,
}

/// The answer to one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// Why it failed; empty after a success.
    pub reason: String,
    /// What CloudFormation is to know the resource by.
    pub physical_id: String,
    /// What `Fn::GetAtt` returns.
    pub data: BTreeMap<&'static str, String>,
}

/// The body of an answer in CloudFormation's own names.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: Status,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: &'a BTreeMap<&'static str, String>,
}

impl Answer {
    /// What was asked for is true, and the resource is known by `physical_id`.
    #[must_use]
    pub fn success(
        physical_id: String,
        attributes: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Self {
            status: Status::Success,
            reason: String::new(),
            physical_id,
            data: attributes.into_iter().collect(),
        }
    }

    /// It failed for `reason`. An Update or Delete keeps its id, whatever happened; a Create is known by `left`, the id of
    /// what it may have left, or as never created.
    #[must_use]
    pub fn failed(envelope: &Envelope, left: Option<String>, reason: String) -> Self {
        let kept = envelope.physical_id.clone().or(left);
        Self {
            status: Status::Failed,
            reason,
            physical_id: kept.unwrap_or_else(|| PhysicalId::NeverCreated.to_string()),
            data: BTreeMap::new(),
        }
    }

    /// Logs what is about to be answered after `duration` of work.
    pub(crate) fn log(&self, duration: Duration) {
        let Self {
            status,
            reason,
            physical_id,
            ..
        } = self;
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        info!(?status, physical_id, reason, duration_ms, "answering");
    }

    /// The body to send: when it is too long, the largest attribute goes first, then the tail of the reason, in whose
    /// place `whereabouts` (log group, stream and request id) says where the rest can be read.
    ///
    /// Only ids that CloudFormation itself would not accept can make it longer than [`MOST_BYTES`].
    #[must_use]
    pub fn body(&self, envelope: &Envelope, whereabouts: &str) -> Vec<u8> {
        let mut data = self.data.clone();
        let mut body = self.with(envelope, &self.reason, &data);
        while body.len() > MOST_BYTES {
            let Some(largest) = data
                .iter()
                .max_by_key(|(_, value)| value.len())
                .map(|(name, _)| *name)
            else {
                return self.with(envelope, &self.cut_reason(envelope, whereabouts), &data);
            };
            data.remove(largest);
            body = self.with(envelope, &self.reason, &data);
        }
        body
    }

    fn with(
        &self,
        envelope: &Envelope,
        reason: &str,
        data: &BTreeMap<&'static str, String>,
    ) -> Vec<u8> {
        let body = Body {
            status: self.status,
            reason,
            physical_resource_id: &self.physical_id,
            stack_id: &envelope.stack_id,
            request_id: &envelope.request_id,
            logical_resource_id: &envelope.logical_id,
            data,
        };
        // A struct of strings always serializes.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// As much of the reason as there is room for, and where the rest is.
    fn cut_reason(&self, envelope: &Envelope, whereabouts: &str) -> String {
        let tail = format!("… (cut, see {whereabouts})");
        let mut room =
            MOST_BYTES.saturating_sub(self.with(envelope, &tail, &BTreeMap::new()).len());
        let head = self.reason.chars().take_while(|c| {
            let fits = escaped_len(*c) <= room;
            room = room.saturating_sub(escaped_len(*c));
            fits
        });
        head.collect::<String>() + &tail
    }
}

/// How many bytes `c` takes in a JSON string.
fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        control if u32::from(control) < 0x20 => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::response_url::ResponseUrl;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn envelope() -> Envelope {
        Envelope {
            response_url: ResponseUrl::read("https://host/").expect("a URL"),
            stack_id: "stack".into(),
            request_id: "request".into(),
            logical_id: "Share".into(),
            physical_id: None,
            waited_for_until: None,
        }
    }

    fn read(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_success_has_no_reason_and_a_failure_no_data() {
        let success =
            Answer::success("id".into(), vec![("Id", "id".into())]).body(&envelope(), "log");
        assert_eq!(
            read(&success),
            json!({
                "Status": "SUCCESS", "PhysicalResourceId": "id", "StackId": "stack", "RequestId": "request",
                "LogicalResourceId": "Share", "Data": {"Id": "id"},
            })
        );
        let failure =
            Answer::failed(&envelope(), Some("id".into()), "why".into()).body(&envelope(), "log");
        assert_eq!(
            read(&failure),
            json!({
                "Status": "FAILED", "Reason": "why", "PhysicalResourceId": "id", "StackId": "stack",
                "RequestId": "request", "LogicalResourceId": "Share",
            })
        );
    }

    #[test]
    fn the_largest_attribute_goes_first() {
        let attributes = vec![
            ("Id", "id".into()),
            ("Statement", "s".repeat(3000)),
            ("StatementIds", "i".repeat(2000)),
        ];
        let body = Answer::success("id".into(), attributes).body(&envelope(), "log");
        let data = &read(&body)["Data"];
        assert_eq!(
            (data["Id"].as_str(), data.get("Statement")),
            (Some("id"), None)
        );
        assert_eq!(data["StatementIds"].as_str().map(str::len), Some(2000));
    }

    #[test]
    fn a_cut_reason_keeps_its_head_and_says_where_the_rest_is() {
        let body =
            Answer::failed(&envelope(), None, "é".repeat(5000)).body(&envelope(), "log group `g`");
        let reason = read(&body)["Reason"].as_str().expect("a reason").to_owned();
        assert!(
            (MOST_BYTES - 1..=MOST_BYTES).contains(&body.len()),
            "{}",
            body.len()
        );
        assert!(reason.starts_with("éé"));
        assert!(reason.ends_with("é… (cut, see log group `g`)"), "{reason}");
    }

    #[test]
    fn an_answer_that_just_fits_is_sent_whole() {
        let body = |length: usize| {
            Answer::failed(&envelope(), None, "r".repeat(length)).body(&envelope(), "log")
        };
        let fits = MOST_BYTES - body(1).len() + 1;
        assert_eq!(body(fits).len(), MOST_BYTES);
        assert_eq!(read(&body(fits))["Reason"], *"r".repeat(fits));
        assert_ne!(read(&body(fits + 1))["Reason"], *"r".repeat(fits + 1));
    }

    #[test]
    fn a_cut_reason_takes_all_the_room_there_is() {
        for c in [' ', '"', '\\', '\n', '\u{1}', '\u{1f}', '\u{7f}', 'é', '😀'] {
            let failed = Answer::failed(&envelope(), None, c.to_string().repeat(5000));
            let length = failed.body(&envelope(), "log").len();
            assert!(
                (MOST_BYTES - 5..=MOST_BYTES).contains(&length),
                "{c:?}: {length}"
            );
        }
    }

    #[test]
    fn a_failure_keeps_the_id_of_its_request() {
        let mut envelope = envelope();
        let id = |envelope: &Envelope, left: Option<&str>| {
            Answer::failed(envelope, left.map(str::to_owned), "why".into()).physical_id
        };
        assert_eq!(id(&envelope, None), "never-created");
        assert_eq!(id(&envelope, Some("left")), "left");
        envelope.physical_id = Some("its own".into());
        assert_eq!(id(&envelope, Some("left")), "its own");
    }

    proptest! {
        #[test]
        fn any_answer_is_json_of_at_most_4096_bytes(
            reason in "(?s).{0,6000}",
            statement in "(?s).{0,6000}",
            failed: bool,
        ) {
            let mut answer = Answer::success("id".into(), vec![("Statement", statement)]);
            if failed {
                answer.status = Status::Failed;
                answer.reason = reason;
            }
            let body = answer.body(&envelope(), "log group `g`, log stream `s`, request `r`");
            prop_assert!(body.len() <= MOST_BYTES);
            prop_assert_eq!(&read(&body)["PhysicalResourceId"], "id");
        }
    }
}
