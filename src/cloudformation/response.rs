//! The response to a request, as the bytes that CloudFormation accepts: never more than 4096, never without an id.
//! Sends nothing.
//!
//! Source: [Custom resource response objects](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tracing::{info, warn};

use super::request::{Envelope, MAX_ID_BYTES, MAX_IDS_BYTES, PhysicalResourceId};
use crate::text;

/// The most bytes of a response.
pub const MAX_BYTES: usize = 4096;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// The resource is as requested.
    Success,
    /// It is not.
    Failed,
}

/// The response to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it ended.
    pub status: Status,
    /// Why it failed; empty after a success.
    pub reason: String,
    /// What CloudFormation is to know the resource by.
    pub physical_id: PhysicalResourceId,
    /// What `Fn::GetAtt` returns.
    pub data: BTreeMap<&'static str, String>,
}

/// The body in CloudFormation's own names.
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

impl Response {
    /// The resource is as requested, and CloudFormation knows it by `physical_id`.
    #[must_use]
    pub fn success(
        physical_id: PhysicalResourceId,
        return_values: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Self {
            status: Status::Success,
            reason: String::new(),
            physical_id,
            data: return_values.into_iter().collect(),
        }
    }

    /// It failed for `reason`. An Update or Delete keeps its id, whatever happened; a Create returns `created`, the id of what it
    /// may have left, or the one of a resource that was never created.
    #[must_use]
    pub fn failed(
        envelope: &Envelope,
        created: Option<PhysicalResourceId>,
        reason: String,
    ) -> Self {
        let kept = envelope.physical_id.clone().or(created);
        Self {
            status: Status::Failed,
            reason,
            physical_id: kept.unwrap_or_default(),
            data: BTreeMap::new(),
        }
    }

    /// Logs the response, after `duration` of work.
    pub(crate) fn log(&self, duration: Duration) {
        let Self {
            status,
            reason,
            physical_id,
            ..
        } = self;
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        info!(?status, %physical_id, reason, duration_ms, "sending response");
    }

    /// The body to send. When it is too long, return values become empty texts, the largest first, and then the end of the reason is
    /// replaced by `log_reference` (log group, stream and request id), which says where the rest can be read.
    ///
    /// Ids are repeated word for word. Only those that [`Envelope::check`] rejects are cut.
    #[must_use]
    pub fn body(&self, envelope: &Envelope, log_reference: &str) -> Vec<u8> {
        let mut data = self.data.clone();
        let mut emptied = Vec::new();
        let mut body = self.with(envelope, &self.reason, &data);
        while body.len() > MAX_BYTES {
            let largest = data.iter_mut().max_by_key(|(_, value)| value.len());
            let Some((name, value)) = largest.filter(|(_, value)| !value.is_empty()) else {
                let reason = self.cut_reason(envelope, log_reference, &data);
                body = self.with(envelope, &reason, &data);
                break;
            };
            value.clear();
            emptied.push(*name);
            body = self.with(envelope, &self.reason, &data);
        }
        if !emptied.is_empty() {
            warn!(names = emptied.join(", "), "return values emptied");
        }
        body
    }

    fn with(
        &self,
        envelope: &Envelope,
        reason: &str,
        data: &BTreeMap<&'static str, String>,
    ) -> Vec<u8> {
        let [
            physical_resource_id,
            stack_id,
            request_id,
            logical_resource_id,
        ] = self.ids(envelope);
        let body = Body {
            status: self.status,
            reason,
            physical_resource_id,
            stack_id,
            request_id,
            logical_resource_id,
            data,
        };
        // A struct of strings always serializes.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The ids, as much of each as fits.
    fn ids<'a>(&'a self, envelope: &'a Envelope) -> [&'a str; 4] {
        let physical_id = self.physical_id.as_ref();
        let physical_id = physical_id.get(..physical_id.floor_char_boundary(MAX_ID_BYTES));
        let ids = [
            physical_id.unwrap_or_default(),
            &envelope.stack_id,
            &envelope.request_id,
            &envelope.logical_id,
        ];
        let most = text::share(ids.map(text::json_text_len), MAX_IDS_BYTES);
        ids.map(|id| text::head(id, most))
    }

    /// As much of the reason as fits, and where the rest is.
    fn cut_reason(
        &self,
        envelope: &Envelope,
        log_reference: &str,
        data: &BTreeMap<&'static str, String>,
    ) -> String {
        let tail = format!("… (cut, see {log_reference})");
        let rest = self.with(envelope, &tail, data).len();
        text::head(&self.reason, MAX_BYTES.saturating_sub(rest)).to_owned() + &tail
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
            response_url: ResponseUrl::parse("https://host/").expect("a URL"),
            stack_id: "stack".into(),
            request_id: "request".into(),
            logical_id: "Share".into(),
            physical_id: None,
            is_signed: false,
            sent: None,
            expires: None,
        }
    }

    fn id(text: &str) -> PhysicalResourceId {
        text.to_owned().into()
    }

    fn read(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_success_has_no_reason_and_a_failure_no_data() {
        let success =
            Response::success(id("id"), vec![("Id", "id".into())]).body(&envelope(), "log");
        assert_eq!(
            read(&success),
            json!({
                "Status": "SUCCESS", "PhysicalResourceId": "id", "StackId": "stack", "RequestId": "request",
                "LogicalResourceId": "Share", "Data": {"Id": "id"},
            })
        );
        let failure =
            Response::failed(&envelope(), Some(id("id")), "why".into()).body(&envelope(), "log");
        assert_eq!(
            read(&failure),
            json!({
                "Status": "FAILED", "Reason": "why", "PhysicalResourceId": "id", "StackId": "stack",
                "RequestId": "request", "LogicalResourceId": "Share",
            })
        );
    }

    #[test]
    fn return_values_that_do_not_fit_are_empty_and_never_missing() {
        for (statement, ids, expected) in [
            (3000, 500, [3000, 500, 2]),
            (3000, 2000, [0, 2000, 2]),
            (2000, 3000, [2000, 0, 2]),
            (9000, 9000, [0, 0, 2]),
        ] {
            let attributes = vec![
                ("Id", "id".into()),
                ("Statement", "s".repeat(statement)),
                ("StatementIds", "i".repeat(ids)),
            ];
            let body = Response::success(id("id"), attributes).body(&envelope(), "log");
            let data = &read(&body)["Data"];
            let lengths = ["Statement", "StatementIds", "Id"]
                .map(|name| data[name].as_str().expect("a text").len());
            assert_eq!(lengths, expected);
        }
    }

    #[test]
    fn ids_are_repeated_word_for_word_where_they_fit_and_cut_where_they_cannot() {
        let rows = [
            // physical id, stack id, request id, logical id; how much of each is repeated
            ([1024, 1024, 36, 255], [1024, 1024, 36, 255]),
            ([1024, 900, 800, 276], [1024, 900, 800, 276]),
            ([1025, 10, 10, 10], [1024, 10, 10, 10]),
            ([10, 2000, 500, 255], [10, 2000, 500, 255]),
            ([10, 900_000, 36, 255], [10, 2699, 36, 255]),
            ([9_000, 9_000, 9_000, 9_000], [750, 750, 750, 750]),
        ];
        for (lengths, repeated) in rows {
            let [physical, stack, request, logical] = lengths.map(|length| "i".repeat(length));
            let envelope = Envelope {
                physical_id: Some(physical.into()),
                stack_id: stack,
                request_id: request,
                logical_id: logical,
                ..envelope()
            };
            let body =
                Response::failed(&envelope, None, "why ".repeat(2000)).body(&envelope, "log");
            assert!(body.len() <= MAX_BYTES, "{lengths:?}: {}", body.len());
            let body = read(&body);
            let names = [
                "PhysicalResourceId",
                "StackId",
                "RequestId",
                "LogicalResourceId",
            ];
            let found = names.map(|name| body[name].as_str().expect("a text").len());
            assert_eq!(found, repeated);
            let reason = body["Reason"].as_str().expect("a reason");
            assert!(
                reason.starts_with("why why") && reason.ends_with("(cut, see log)"),
                "{reason}"
            );
        }
    }

    #[test]
    fn a_cut_reason_keeps_its_head_and_says_where_the_rest_is() {
        let body = Response::failed(&envelope(), None, "é".repeat(5000))
            .body(&envelope(), "log group `g`");
        let reason = read(&body)["Reason"].as_str().expect("a reason").to_owned();
        assert!(
            (MAX_BYTES - 1..=MAX_BYTES).contains(&body.len()),
            "{}",
            body.len()
        );
        assert!(reason.starts_with("éé"));
        assert!(reason.ends_with("é… (cut, see log group `g`)"), "{reason}");
    }

    #[test]
    fn a_response_that_just_fits_is_sent_whole() {
        let body = |length: usize| {
            Response::failed(&envelope(), None, "r".repeat(length)).body(&envelope(), "log")
        };
        let fits = MAX_BYTES - body(1).len() + 1;
        assert_eq!(body(fits).len(), MAX_BYTES);
        assert_eq!(read(&body(fits))["Reason"], *"r".repeat(fits));
        assert_ne!(read(&body(fits + 1))["Reason"], *"r".repeat(fits + 1));
    }

    #[test]
    fn a_cut_reason_uses_all_bytes_that_are_left() {
        for c in [' ', '"', '\\', '\n', '\u{1}', '\u{1f}', '\u{7f}', 'é', '😀'] {
            let failed = Response::failed(&envelope(), None, c.to_string().repeat(5000));
            let length = failed.body(&envelope(), "log").len();
            assert!(
                (MAX_BYTES - 5..=MAX_BYTES).contains(&length),
                "{c:?}: {length}"
            );
        }
    }

    #[test]
    fn a_failure_keeps_the_id_of_its_request() {
        let mut envelope = envelope();
        let id_of = |envelope: &Envelope, created: Option<&str>| {
            Response::failed(envelope, created.map(id), "why".into()).physical_id
        };
        assert_eq!(id_of(&envelope, None), id("never-created"));
        assert_eq!(id_of(&envelope, Some("created")), id("created"));
        envelope.physical_id = Some(id("its own"));
        assert_eq!(id_of(&envelope, Some("created")), id("its own"));
    }

    proptest! {
        #[test]
        fn any_response_is_json_of_at_most_4096_bytes(
            reason in "(?s).{0,6000}",
            statement in "(?s).{0,6000}",
            stack_id in "(?s).{0,3000}",
            failed: bool,
        ) {
            let envelope = Envelope { stack_id, ..envelope() };
            let mut response = Response::success(id("id"), vec![("Statement", statement)]);
            if failed {
                response.status = Status::Failed;
                response.reason = reason;
            }
            let body = response.body(&envelope, "log group `g`, log stream `s`, request `r`");
            prop_assert!(body.len() <= MAX_BYTES);
            prop_assert_eq!(&read(&body)["PhysicalResourceId"], "id");
        }
    }
}
