//! A request of CloudFormation, parsed in two steps: the envelope, which is all that a response needs, and then the rest.
//! Knows nothing of what the properties mean.
//!
//! Source: [Custom resource request objects](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html).

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tracing::info;

use super::response_url::ResponseUrl;
use crate::deadline::DEFAULT_SERVICE_TIMEOUT;
use crate::text::{self, shown};

/// The id that CloudFormation knows a resource by. The default is the one of a resource whose Create failed and left nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhysicalResourceId(String);

impl Default for PhysicalResourceId {
    fn default() -> Self {
        Self("never-created".to_owned())
    }
}

impl From<String> for PhysicalResourceId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl AsRef<str> for PhysicalResourceId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhysicalResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a response needs: where it goes, and what it must repeat word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where the response goes.
    pub response_url: ResponseUrl,
    /// The stack's ARN.
    pub stack_id: String,
    /// The id of the request, which is not unique across deployments.
    pub request_id: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// The id that CloudFormation knows the resource by, in an Update or Delete.
    pub physical_id: Option<PhysicalResourceId>,
    /// Whether the URL is signed. CloudFormation signs every URL, and a local engine none.
    pub is_signed: bool,
    /// When CloudFormation sent the request, if that is known.
    pub sent: Option<SystemTime>,
    /// Until when CloudFormation waits for the response, as far as it is known.
    pub expires: Option<SystemTime>,
}

/// The event has no URL that a response could be sent to.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "no usable `ResponseURL`: got an event without one, invoke this function from CloudFormation only"
)]
pub struct MissingResponseUrl;

impl Envelope {
    /// Parses as much as there is: everything but the URL may be missing or wrong, and the request still gets a response.
    ///
    /// # Errors
    /// If there is no URL that a response could be sent to.
    pub fn parse(event: &Value) -> Result<Self, MissingResponseUrl> {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let owned = |name: &str| text(name).unwrap_or_default().to_owned();
        let response_url = text("ResponseURL").and_then(ResponseUrl::parse);
        let response_url = response_url.ok_or(MissingResponseUrl)?;
        let signature = response_url.signature();
        Ok(Self {
            is_signed: signature.is_present,
            sent: signature.signed,
            expires: signature.end(service_timeout(event)),
            response_url,
            stack_id: owned("StackId"),
            request_id: owned("RequestId"),
            logical_id: owned("LogicalResourceId"),
            physical_id: text("PhysicalResourceId")
                .filter(|id| !id.is_empty())
                .map(|id| PhysicalResourceId(id.to_owned())),
        })
    }

    /// Checks that its ids fit into a response.
    ///
    /// # Errors
    /// If one of them is too long, or all of them together. CloudFormation sends no such ids.
    pub fn check(&self) -> Result<(), MalformedRequest> {
        let ids = [
            ("StackId", self.stack_id.as_str()),
            ("RequestId", &self.request_id),
            ("LogicalResourceId", &self.logical_id),
            (
                "PhysicalResourceId",
                self.physical_id
                    .as_ref()
                    .map(AsRef::as_ref)
                    .unwrap_or_default(),
            ),
        ];
        if let Some((name, id)) = ids.iter().find(|(_, id)| id.len() > MAX_ID_BYTES) {
            let got = id.len();
            return Err(MalformedRequest::LongId { name, got });
        }
        let together = ids.iter().map(|(_, id)| text::json_text_len(id)).sum();
        if together > MAX_IDS_BYTES {
            return Err(MalformedRequest::LongIds(together));
        }
        Ok(())
    }

    /// Logs the request, whether or not it is valid. The ids are on each line of it.
    pub(crate) fn log(&self, event: &Value) {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        info!(
            request_type = text("RequestType"),
            resource_type = text("ResourceType"),
            physical_id = self.physical_id.as_ref().map(AsRef::<str>::as_ref),
            "request received"
        );
    }
}

/// The most bytes of one id; CloudFormation's own have fewer.
///
/// Source: [Custom resource response objects](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html)
/// for `PhysicalResourceId`, which is the longest.
pub(super) const MAX_ID_BYTES: usize = 1024;

/// The most bytes of all ids together, as JSON writes them: the rest of a response is for its reason and attributes.
pub(super) const MAX_IDS_BYTES: usize = 3000;

/// What CloudFormation does with the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestType {
    /// The resource is created.
    Create,
    /// Its properties have changed, or are changed back in a rollback.
    Update,
    /// The resource is deleted, or the one that it replaced.
    Delete,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is done with the resource.
    pub request_type: RequestType,
    /// Its type in the template.
    pub resource_type: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// Its name in the template.
    pub logical_id: String,
    /// Its physical id, in an Update or Delete.
    pub physical_id: Option<PhysicalResourceId>,
    /// Its properties; none in a Delete that came without them.
    pub properties: Map<String, Value>,
    /// Its properties before an Update.
    pub old_properties: Option<Map<String, Value>>,
}

/// The event is not one that CloudFormation sends.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum MalformedRequest {
    /// The type is missing or unknown.
    #[error("malformed `RequestType`: got {}, send `Create`, `Update` or `Delete`", shown(&.0.to_string()))]
    RequestType(Value),
    /// The stack or the resource has no name: ids are derived from both.
    #[error("malformed `{name}`: got {}, send the text that CloudFormation names it by", shown(&.got.to_string()))]
    Name {
        /// Which of the two.
        name: &'static str,
        /// What stands there.
        got: Value,
    },
    /// An id does not fit into a response.
    #[error("`{name}` is too long: got {got} bytes, send at most {MAX_ID_BYTES}")]
    LongId {
        /// Which one.
        name: &'static str,
        /// How many bytes it has.
        got: usize,
    },
    /// The ids together do not fit into a response.
    #[error("ids too long: got {0} bytes of JSON in all, send at most {MAX_IDS_BYTES}")]
    LongIds(usize),
    /// There are no properties.
    #[error("malformed `ResourceProperties`: got {}, send an object", shown(&.0.to_string()))]
    ResourceProperties(Value),
}

impl Request {
    /// Parses the rest of the event.
    ///
    /// # Errors
    /// If the type is unknown, or a Create or Update has no properties. A Delete needs none.
    pub fn parse(envelope: &Envelope, event: &Value) -> Result<Self, MalformedRequest> {
        let object = |name: &str| event.get(name).and_then(Value::as_object).cloned();
        let request_type = match event.get("RequestType").and_then(Value::as_str) {
            Some("Create") => RequestType::Create,
            Some("Update") => RequestType::Update,
            Some("Delete") => RequestType::Delete,
            _ => return Err(MalformedRequest::RequestType(member(event, "RequestType"))),
        };
        let properties = object("ResourceProperties");
        let properties = match request_type {
            RequestType::Delete => properties.unwrap_or_default(),
            RequestType::Create | RequestType::Update => {
                named(event, "StackId")?;
                named(event, "LogicalResourceId")?;
                let got = || member(event, "ResourceProperties");
                properties.ok_or_else(|| MalformedRequest::ResourceProperties(got()))?
            }
        };
        Ok(Self {
            request_type,
            resource_type: event
                .get("ResourceType")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            stack_id: envelope.stack_id.clone(),
            logical_id: envelope.logical_id.clone(),
            physical_id: envelope.physical_id.clone(),
            properties,
            old_properties: object("OldResourceProperties"),
        })
    }
}

/// How long CloudFormation waits for the response.
fn service_timeout(event: &Value) -> Duration {
    let seconds = event.pointer("/ResourceProperties/ServiceTimeout");
    let seconds = seconds.and_then(|seconds| {
        let text = seconds.as_str().and_then(|text| text.parse().ok());
        text.or_else(|| seconds.as_u64())
    });
    seconds.map_or(DEFAULT_SERVICE_TIMEOUT, Duration::from_secs)
}

fn named(event: &Value, name: &'static str) -> Result<(), MalformedRequest> {
    match event.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(MalformedRequest::Name {
            name,
            got: member(event, name),
        }),
    }
}

fn member(event: &Value, name: &str) -> Value {
    event.get(name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(changes: &Value) -> Value {
        let mut event = json!({
            "RequestType": "Create",
            "ResponseURL": "https://bucket.s3.amazonaws.com/key?Signature=secret",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::LayerVersionPermission",
            "ResourceProperties": {"Principal": "*"},
        });
        for (name, value) in changes.as_object().expect("an object") {
            event[name] = value.clone();
        }
        event
    }

    fn parse(changes: &Value) -> Result<Request, String> {
        let event = event(changes);
        let envelope = Envelope::parse(&event).expect("an envelope");
        Request::parse(&envelope, &event).map_err(|malformed| malformed.to_string())
    }

    #[test]
    fn a_url_is_all_that_a_response_needs() {
        let envelope = Envelope::parse(
            &json!({"ResponseURL": "https://host/", "StackId": 7, "RequestType": null}),
        );
        let envelope = envelope.expect("an envelope");
        assert_eq!(
            (envelope.stack_id.as_str(), envelope.physical_id),
            ("", None)
        );
        for url in [json!(null), json!(""), json!(7), json!("host")] {
            assert_eq!(
                Envelope::parse(&event(&json!({"ResponseURL": url}))),
                Err(MissingResponseUrl)
            );
        }
        for event in [json!(null), json!("text"), json!([1])] {
            assert_eq!(Envelope::parse(&event), Err(MissingResponseUrl));
        }
        assert_eq!(
            MissingResponseUrl.to_string(),
            "no usable `ResponseURL`: got an event without one, invoke this function from CloudFormation only"
        );
    }

    #[test]
    fn a_malformed_request_says_what_is_malformed() {
        for (changes, reason) in [
            (
                json!({"RequestType": null}),
                "malformed `RequestType`: got `null`, send `Create`, `Update` or `Delete`",
            ),
            (
                json!({"RequestType": "Read"}),
                "malformed `RequestType`: got `\"Read\"`, send `Create`, `Update` or `Delete`",
            ),
            (
                json!({"StackId": ""}),
                "malformed `StackId`: got `\"\"`, send the text that CloudFormation names it by",
            ),
            (
                json!({"LogicalResourceId": 7}),
                "malformed `LogicalResourceId`: got `7`, send the text that CloudFormation names it by",
            ),
            (
                json!({"ResourceProperties": null}),
                "malformed `ResourceProperties`: got `null`, send an object",
            ),
        ] {
            assert_eq!(parse(&changes), Err(reason.to_owned()));
        }
    }

    #[test]
    fn ids_that_do_not_fit_into_a_response_are_refused() {
        let envelope = |name: &str, id: &str| {
            Envelope::parse(&event(&json!({ name: id }))).expect("an envelope")
        };
        for name in [
            "StackId",
            "RequestId",
            "LogicalResourceId",
            "PhysicalResourceId",
        ] {
            assert_eq!(envelope(name, &"i".repeat(1024)).check(), Ok(()), "{name}");
            for (id, bytes) in [
                ("i".repeat(1025), 1025),
                ("é".repeat(513), 1026),
                ("i".repeat(900_000), 900_000),
            ] {
                let rejected = envelope(name, &id).check().expect_err("too long");
                let reason = format!("`{name}` is too long: got {bytes} bytes, send at most 1024");
                assert_eq!(rejected.to_string(), reason);
            }
        }
        let escaped = envelope("StackId", &"\u{1}".repeat(600)).check();
        assert_eq!(
            escaped.expect_err("too long").to_string(),
            "ids too long: got 3612 bytes of JSON in all, send at most 3000"
        );
        for (rest, is_refused) in [(952, false), (953, true)] {
            let ids = json!({
                "StackId": "i".repeat(1024),
                "RequestId": "i".repeat(1024),
                "PhysicalResourceId": "i".repeat(rest - "Share".len()),
            });
            let envelope = Envelope::parse(&event(&ids)).expect("an envelope");
            assert_eq!(envelope.check().is_err(), is_refused, "{rest}");
        }
    }

    #[test]
    fn a_service_timeout_is_an_hour_unless_it_is_said() {
        for (properties, seconds) in [
            (json!({}), 3600),
            (json!({"ServiceTimeout": "60"}), 60),
            (json!({"ServiceTimeout": 60}), 60),
            (json!({"ServiceTimeout": "soon"}), 3600),
        ] {
            let event = event(&json!({"ResourceProperties": properties}));
            assert_eq!(service_timeout(&event).as_secs(), seconds, "{properties}");
        }
    }

    #[test]
    fn a_delete_needs_no_properties() {
        let request = parse(&json!({"RequestType": "Delete", "ResourceProperties": null}))
            .expect("a request");
        assert_eq!(
            (request.request_type, request.properties.len()),
            (RequestType::Delete, 0)
        );
    }
}
