//! An event as Lambda delivers it: one request, or the requests of a notification of SNS. Malformed values do not keep a request from
//! its response. Knows nothing of what the members of a request mean.

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;
use tracing::{error, warn};

use super::lenient_json::LenientParser;
pub use super::lenient_json::MalformedValue;

/// An event, as far as it can be parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its JSON. A malformed string has U+FFFD in it, and any other malformed value is `null`.
    pub json: Value,
    malformed: Vec<MalformedValue>,
}

/// The members that a Delete needs. It is handled although the others are malformed.
const NEEDED_BY_DELETE: [&str; 6] = [
    "",
    "RequestType",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "PhysicalResourceId",
];

/// How many malformed values of one event are logged.
const MAX_LOGGED: usize = 20;

/// How many records of a notification are handled. SNS sends one.
const MAX_RECORDS: usize = 32;

/// A notification that SNS does not send.
#[derive(Debug, Error)]
#[error(
    "too many records in a notification: got {got}, send at most {MAX_RECORDS}: the others were not handled"
)]
struct TooManyRecords {
    got: usize,
}

/// The requests in these messages, parsed one by one, each with the number of messages from it on.
fn remaining<'a>(messages: Vec<Option<&str>>) -> impl Iterator<Item = (Cow<'a, Event>, usize)> {
    let mut remaining = messages.iter().flatten().count();
    messages.into_iter().map(move |message| {
        let request = Event::parse(message.unwrap_or_default().as_bytes());
        let with_this = remaining.max(1);
        remaining -= usize::from(message.is_some());
        (Cow::Owned(request), with_this)
    })
}

impl Event {
    /// Parses as much of `bytes` as is JSON.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let (json, malformed) = LenientParser::parse(bytes);
        Self { json, malformed }
    }

    /// The malformed values, the first of each member of the event.
    #[must_use]
    pub fn malformed(&self) -> &[MalformedValue] {
        &self.malformed
    }

    /// Logs the malformed values.
    pub(crate) fn log_malformed(&self) {
        for value in self.malformed.iter().take(MAX_LOGGED) {
            warn!(reason = %value, "malformed value");
        }
    }

    /// The requests in the event, each with the number of requests from it on: the event itself, or those of a notification of SNS.
    pub fn requests(&self) -> impl Iterator<Item = (Cow<'_, Self>, usize)> {
        let records = self.sns_messages();
        let number = records.as_ref().map_or(0, Vec::len);
        if number > MAX_RECORDS {
            let error = TooManyRecords { got: number };
            error!(reason = %error, "response not sent");
        }
        let is_request = records.is_none();
        let mut records = records.unwrap_or_default();
        records.truncate(MAX_RECORDS);
        let own = is_request.then_some((Cow::Borrowed(self), 1));
        own.into_iter().chain(remaining(records))
    }

    /// Checks that nothing is malformed that the request needs. A Delete needs no more than its ids. An Update does not need its old
    /// properties: a rollback has those that made the Update before it fail.
    ///
    /// # Errors
    /// The first value that is needed and malformed.
    pub fn check(&self) -> Result<(), MalformedValue> {
        let kind = self.json.get("RequestType").and_then(Value::as_str);
        let is_needed = |value: &&MalformedValue| match kind {
            Some("Delete") => NEEDED_BY_DELETE.contains(&value.member.as_str()),
            Some("Update") => value.member != "OldResourceProperties",
            _ => true,
        };
        let needed = self.malformed.iter().find(is_needed);
        needed.cloned().map_or(Ok(()), Err)
    }

    /// The messages of a notification of SNS, one for each record; a record of another kind has none. None if the event is not a
    /// notification.
    ///
    /// Source: [Using AWS Lambda with Amazon SNS](https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html).
    fn sns_messages(&self) -> Option<Vec<Option<&str>>> {
        let records = self.json.get("Records")?.as_array()?;
        let message = |record: &'_ Value| record.pointer("/Sns/Message").is_some();
        let is_notification = self.json.get("ResponseURL").is_none() && records.iter().any(message);
        let texts = records
            .iter()
            .map(|record| record.pointer("/Sns/Message").and_then(Value::as_str));
        is_notification.then(|| texts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::lenient_json::{MAX_CONTAINERS, MAX_PATH_BYTES, containers};
    use proptest::prelude::*;
    use serde_json::json;

    fn rejected(event: &[u8]) -> Option<String> {
        let rejected = Event::parse(event).check();
        rejected.err().map(|malformed| malformed.to_string())
    }

    fn reason(why: &str, place: &str) -> String {
        format!(
            "malformed event: got `{why}` in `{place}`, send JSON with whole surrogate pairs, numbers of double precision, \
             at most 127 levels, and at most 10000 lists and objects"
        )
    }

    /// An event in which `VALUE` is to be replaced.
    fn with_value(event: &str, value: &str) -> Vec<u8> {
        event.replace("VALUE", value).into_bytes()
    }

    /// Values that a parser rejects, and what it says about each.
    fn values() -> Vec<(String, &'static str)> {
        vec![
            (r#""\ud800""#.into(), "unexpected end of hex escape"),
            (r#""\ud83dx""#.into(), "unexpected end of hex escape"),
            (r#""\udc00""#.into(), "lone leading surrogate in hex escape"),
            (
                r#""\ud800\u0041""#.into(),
                "lone leading surrogate in hex escape",
            ),
            ("1e999".into(), "number out of range"),
            ("-1e400".into(), "number out of range"),
            (
                "[".repeat(150) + &"]".repeat(150),
                "recursion limit exceeded",
            ),
            (
                "[".repeat(5000) + &"]".repeat(5000),
                "recursion limit exceeded",
            ),
            (
                "{\"a\":".repeat(150) + "1" + &"}".repeat(150),
                "recursion limit exceeded",
            ),
            ("nope".into(), "expected ident"),
            ("NaN".into(), "expected value"),
            ("01".into(), "invalid number"),
            (
                "\"a\nb\"".into(),
                "control character (\\u0000-\\u001F) found while parsing a string",
            ),
            (String::new(), "EOF while parsing a value"),
        ]
    }

    #[test]
    fn a_malformed_member_does_not_hide_the_others() {
        for (value, why) in values() {
            let event = with_value(
                r#" {"RequestType":"Create","Before":{"a":[1]},"Path":"c:\\","New":VALUE,"StackId":"st,a}ck\"","\u0041fter":"a\u00e9"} "#,
                &value,
            );
            let read = Event::parse(&event);
            assert_eq!(read.json["Before"], json!({"a": [1]}), "{value}");
            assert_eq!(read.json["Path"], "c:\\", "{value}");
            assert_eq!(read.json["StackId"], "st,a}ck\"", "{value}");
            assert_eq!(read.json["After"], "aé", "{value}");
            let place = if value.starts_with('[') {
                "New[][][][]"
            } else {
                "New"
            };
            let place = if value.starts_with('{') {
                "New.a.a.a.a"
            } else {
                place
            };
            assert_eq!(rejected(&event), Some(reason(why, place)), "{value}");
        }
    }

    #[test]
    fn a_malformed_property_does_not_hide_the_others() {
        for (value, _) in values() {
            let event = with_value(
                r#"{"RequestType":"Delete","ResourceProperties":{"A":"a","Nonce":VALUE,"B":["b"]},"StackId":"s"}"#,
                &value,
            );
            let read = Event::parse(&event);
            assert_eq!(read.json["ResourceProperties"]["A"], "a", "{value}");
            assert_eq!(
                read.json["ResourceProperties"]["B"],
                json!(["b"]),
                "{value}"
            );
            assert_eq!(read.json["StackId"], "s", "{value}");
            assert_eq!(read.malformed().len(), 1, "{value}");
        }
    }

    #[test]
    fn lists_and_objects_that_are_too_many_are_not_kept() {
        let many = MAX_CONTAINERS + 1;
        let deep = "{\"\":".repeat(100) + "0" + &"}".repeat(100);
        for value in [
            format!("[{}0]", "[],".repeat(many)),
            format!("[{}0]", "{\"\":0},".repeat(many)),
            format!("[{}0]", format!("{deep},").repeat(many / 100)),
            format!("{{{}\"a\":0}}", "\"b\":{\"\":[]},".repeat(many)),
        ] {
            for member in ["Unknown", "ResourceProperties", "OldResourceProperties"] {
                for event in [
                    format!(r#"{{"{member}":{value},"StackId":"s"}}"#),
                    format!(r#"{{"StackId":"s","{member}":{{"Nonce":{value},"A":["a"]}}}}"#),
                ] {
                    let read = Event::parse(event.as_bytes());
                    assert_eq!(read.json["StackId"], "s", "{member}");
                    let reason = rejected(event.as_bytes()).unwrap_or_default();
                    let begin =
                        format!("malformed event: got `too many lists and objects` in `{member}");
                    assert!(reason.starts_with(&begin), "{reason}");
                    assert!(containers(read.json.to_string().as_bytes()) <= MAX_CONTAINERS);
                }
            }
        }
        let most_of_it = format!("[{}0]", "[],".repeat(MAX_CONTAINERS * 2 / 3));
        let event = format!(r#"{{"A":{most_of_it},"B":{most_of_it}}}"#);
        let read = Event::parse(event.as_bytes());
        assert!(containers(read.json.to_string().as_bytes()) <= MAX_CONTAINERS);
        assert!(rejected(event.as_bytes()).is_some_and(|reason| reason.contains("in `B")));
        let fits = format!("{{\"A\":[{}0]}}", "[],".repeat(MAX_CONTAINERS - 2));
        assert_eq!(rejected(fits.as_bytes()), None);
        let in_a_string = format!(r#"{{"A":"{}"}}"#, "[".repeat(MAX_CONTAINERS));
        assert_eq!(rejected(in_a_string.as_bytes()), None);
        assert_eq!(containers(br#"{"a[{":["\"[",{}]}"#), 3);
    }

    #[test]
    fn the_place_of_a_value_is_cut() {
        let name = "n".repeat(500_000);
        let event = format!(r#"{{"ResourceProperties":{{"{name}":{{"{name}":1e999}}}}}}"#);
        let read = Event::parse(event.as_bytes());
        let [malformed] = read.malformed() else {
            panic!("one value")
        };
        assert!(malformed.place.starts_with("ResourceProperties.nnn"));
        assert!(
            malformed.place.len() <= MAX_PATH_BYTES,
            "{}",
            malformed.place.len()
        );
    }

    #[test]
    fn the_first_malformed_value_of_each_member_is_recorded() {
        let event =
            br#"{"RequestType":"Delete","Nonce":[1,1e999,nope],"StackId":1e999,"Last":NaN}"#;
        let read = Event::parse(event);
        let places = read.malformed().iter().map(|it| it.place.as_str());
        assert_eq!(places.collect::<Vec<_>>(), ["Nonce[]", "StackId", "Last"]);
        assert_eq!(read.malformed()[0].why, "number out of range");
        let needed = reason("number out of range", "StackId");
        assert_eq!(rejected(event), Some(needed));
    }

    #[test]
    fn a_request_is_handled_if_all_that_it_needs_is_well_formed() {
        let needed = |kind: &str, member: &str| {
            let event = format!(r#"{{"RequestType":"{kind}","{member}":1e999,"Last":1}}"#);
            rejected(event.as_bytes()).is_some()
        };
        for (member, kinds) in [
            ("ResourceProperties", ["Create", "Update"].as_slice()),
            ("OldResourceProperties", &["Create"]),
            ("ResourceType", &["Create", "Update"]),
            ("Unknown", &["Create", "Update"]),
            ("StackId", &["Create", "Update", "Delete"]),
            ("RequestId", &["Create", "Update", "Delete"]),
            ("LogicalResourceId", &["Create", "Update", "Delete"]),
            ("PhysicalResourceId", &["Create", "Update", "Delete"]),
            ("RequestType", &["Create", "Update", "Delete", "Other"]),
        ] {
            for kind in ["Create", "Update", "Delete"] {
                assert_eq!(
                    needed(kind, member),
                    kinds.contains(&kind),
                    "{kind} {member}"
                );
            }
        }
    }

    #[test]
    fn an_event_of_another_form_is_rejected_and_parsed_as_far_as_it_goes() {
        for (event, why, place) in [
            (
                r#"{"RequestType":"Delete","StackId":"s""#,
                "an object without its end",
                "the event",
            ),
            (
                r#"{"StackId":"s","ResourceProperties":{"a":"b""#,
                "an object without its end",
                "ResourceProperties",
            ),
            (
                r#"{"StackId":"s","a":[1,2"#,
                "a list without its end",
                "a[]",
            ),
            (
                r#"{"StackId":"s","a":"b"#,
                "EOF while parsing a string",
                "a",
            ),
            (
                r#"{"StackId":"s"} x"#,
                "an object without its end",
                "the event",
            ),
            (
                r#"{"StackId":"s","a":1]"#,
                "an object without its end",
                "the event",
            ),
            (
                r#"{"StackId":"s",}"#,
                "a member without a name",
                "the event",
            ),
            (r#"{"StackId":"s","a"}"#, "a member without a value", "a"),
            (
                r#"{"StackId":"s",a:1}"#,
                "a member without a name",
                "the event",
            ),
        ] {
            let read = Event::parse(event.as_bytes());
            assert_eq!(read.json["StackId"], "s", "{event}");
            assert_eq!(
                rejected(event.as_bytes()),
                Some(reason(why, place)),
                "{event}"
            );
        }
        for event in ["", " ", "\0", "nope", "\"text", "[1,", "}", "{", "\u{feff}"] {
            assert!(rejected(event.as_bytes()).is_some(), "{event:?}");
        }
    }

    #[test]
    fn malformed_strings_keep_what_is_well_formed() {
        let event = b"{\"StackId\":\"a\xffb\",\"RequestId\":\"a\\ud800b\",\"b\xfe\":1,\"Last\":2}";
        let read = Event::parse(event);
        assert_eq!(read.json["StackId"], "a\u{fffd}b");
        assert!(
            read.json["RequestId"]
                .as_str()
                .is_some_and(|id| id.starts_with('a') && id.ends_with('b'))
        );
        assert_eq!(
            (&read.json["b\u{fffd}"], &read.json["Last"]),
            (&json!(1), &json!(2))
        );
        assert!(read.check().is_err());
    }

    #[test]
    fn an_event_has_as_many_levels_as_its_reason_says() {
        for (levels, is_read) in [(126, true), (127, false)] {
            let event = format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
            assert_eq!(rejected(event.as_bytes()).is_none(), is_read, "{levels}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_the_last_of_equal_names_counts() {
        for start in ["", "\u{feff}"] {
            let event = format!(r#"{start}{{"a":1,"\u0061":2}}"#);
            let read = Event::parse(event.as_bytes());
            assert_eq!((&read.json, read.check()), (&json!({"a": 2}), Ok(())));
        }
    }

    #[test]
    fn a_notification_has_the_requests_in_its_messages() {
        for (event, texts) in [
            (
                json!({"Records": [{"Sns": {"Message": "a"}}, {"Sns": {"Message": "b"}}]}),
                Some(vec![Some("a"), Some("b")]),
            ),
            (
                json!({"Records": [{"Sns": {"Message": "a"}}, {"s3": {}}]}),
                Some(vec![Some("a"), None]),
            ),
            (
                json!({"Records": [{"Sns": {"Message": 7}}]}),
                Some(vec![None]),
            ),
            (json!({"Records": [{"s3": {}}]}), None),
            (json!({"Records": []}), None),
            (json!({"Records": {"Sns": {"Message": "a"}}}), None),
            (
                json!({"ResponseURL": "https://host/", "Records": [{"Sns": {"Message": "a"}}]}),
                None,
            ),
            (json!("text"), None),
        ] {
            assert_eq!(
                Event::parse(event.to_string().as_bytes()).sns_messages(),
                texts,
                "{event}"
            );
        }
        let broken = br#"{"Records":[{"Sns":{"Signature":1e999,"Message":"a","MessageAttributes":{"a":"\ud800"}}}]}"#;
        assert_eq!(Event::parse(broken).sns_messages(), Some(vec![Some("a")]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_parser(event in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Event::parse(&event).check();
        }

        #[test]
        fn text_that_resembles_json_is_parsed_as_a_json_parser_does(event in r#"[{}\[\]",:\\a1e9 ]{0,30}"#) {
            let read = Event::parse(event.as_bytes());
            let json = serde_json::from_str::<Value>(&event).ok();
            prop_assert_eq!(read.check().is_ok(), json.is_some());
            prop_assert!(json.is_none_or(|json| json == read.json));
        }
    }
}
