//! An event as Lambda delivers it: any bytes. What a JSON parser accepts of them is parsed, and what it rejects is recorded, so that
//! every request gets a response. Knows nothing of what the members of a request mean.

use std::borrow::Cow;
use std::fmt;

use lambda_runtime::LambdaInvocation;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;
use tracing::{error, warn};

use crate::text::{self, shown};

/// A JSON string as the bytes that it stands for, which need not be UTF-8.
///
/// As the payload's type of a handler, it keeps the runtime from refusing an event before the handler sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawText(pub Vec<u8>);

impl RawText {
    /// Makes a JSON string of the body of `invocation`, whatever is in it, which is then read as a [`RawText`].
    #[must_use]
    pub fn wrap(mut invocation: LambdaInvocation) -> LambdaInvocation {
        invocation.body = Self::wrapped(&invocation.body).into();
        invocation
    }

    fn wrapped(body: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(body.len() + body.len() / 8 + 2);
        text.push(b'"');
        for byte in body {
            if matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.push(b'"');
        text
    }

    /// The text, with U+FFFD in place of what is not UTF-8.
    fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl<'de> Deserialize<'de> for RawText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = RawText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<RawText, E> {
                Ok(RawText(bytes.to_vec()))
            }
        }
        // As bytes, a string may have lone surrogates and control characters.
        deserializer.deserialize_bytes(Bytes)
    }
}

/// An event, as far as it can be parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its JSON. A malformed string has U+FFFD in it, and any other malformed value is `null`.
    pub json: Value,
    malformed: Vec<MalformedValue>,
    /// How many more lists and objects may be kept.
    remaining: usize,
}

/// A value that is no JSON, or not one that can be kept: a lone surrogate, a number that is too large, more than 128 levels, too many
/// lists and objects.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "malformed event: got {} in {}, send JSON with whole surrogate pairs, numbers of double precision, at most 127 levels, and at most 10000 lists and objects",
    shown(.why), shown(.place)
)]
pub struct MalformedValue {
    /// The member of the event that it stands in; empty where it is not known.
    member: String,
    /// Where it stands in the event, as a path.
    place: String,
    /// What the parser says about it.
    why: String,
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

/// How many levels of a malformed event are parsed one by one: as deep as the message of a notification.
const LEVELS: usize = 5;

/// How many lists and objects of one event are kept. Each takes some hundred bytes of memory, and CloudFormation's have few.
const MAX_CONTAINERS: usize = 10_000;

/// The most bytes of the path of a malformed value.
const MAX_PATH_BYTES: usize = 640;

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
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut event = Self {
            json: Value::Null,
            malformed: Vec::new(),
            remaining: MAX_CONTAINERS,
        };
        event.json = event.value(bytes, Place::EVENT, LEVELS);
        event
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

    fn value(&mut self, text: &[u8], place: Place<'_>, levels: usize) -> Value {
        let text = text.trim_ascii();
        let containers = containers(text);
        let fits = containers <= self.remaining;
        let read = fits.then(|| serde_json::from_slice(text));
        if let Some(Ok(value)) = read {
            self.remaining -= containers;
            return value;
        }
        let why: &dyn fmt::Display = match &read {
            Some(Err(why)) => why,
            Some(Ok(_)) | None => &"too many lists and objects",
        };
        let found = match text.first() {
            Some(b'{') if levels > 0 => self.object(text, place, levels - 1),
            // Nothing in a list that is too large is needed.
            Some(b'[') if levels > 0 && fits => self.array(text, place, levels - 1),
            _ => {
                self.record(place, why);
                let string = serde_json::from_slice(text).map(|text: RawText| text.lossy());
                string.map_or(Value::Null, Value::String)
            }
        };
        if self.malformed.is_empty() {
            self.record(place, why);
        }
        found
    }

    fn object(&mut self, text: &[u8], place: Place<'_>, levels: usize) -> Value {
        self.remaining = self.remaining.saturating_sub(1);
        let (parts, is_whole) = parts(text);
        let mut object = Map::new();
        for part in parts {
            let mut name = serde_json::Deserializer::from_slice(part).into_iter::<RawText>();
            let Some(Ok(key)) = name.next() else {
                self.record(place, &"a member without a name");
                continue;
            };
            let rest = part.get(name.byte_offset()..).unwrap_or_default();
            let key = key.lossy();
            let place = Place {
                within: Some(&place),
                name: &key,
            };
            let value = if let Some(value) = rest.trim_ascii_start().strip_prefix(b":") {
                self.value(value, place, levels)
            } else {
                self.record(place, &"a member without a value");
                Value::Null
            };
            object.insert(key, value);
        }
        if !is_whole {
            self.record(place, &"an object without its end");
        }
        Value::Object(object)
    }

    fn array(&mut self, text: &[u8], place: Place<'_>, levels: usize) -> Value {
        self.remaining = self.remaining.saturating_sub(1);
        let (parts, is_whole) = parts(text);
        let each = Place {
            within: Some(&place),
            name: "[]",
        };
        let values = parts.into_iter().map(|part| self.value(part, each, levels));
        let values = values.collect();
        if !is_whole {
            self.record(each, &"a list without its end");
        }
        Value::Array(values)
    }

    /// Records a malformed value: of each member of the event, the first.
    fn record(&mut self, place: Place<'_>, why: &dyn fmt::Display) {
        let member = place.member();
        let last = self.malformed.last();
        if last.is_some_and(|last| last.member == member) {
            return;
        }
        let why = why.to_string();
        self.malformed.push(MalformedValue {
            member: member.to_owned(),
            place: place.path(),
            why: why.split(" at line ").next().unwrap_or_default().to_owned(),
        });
    }
}

/// Where a value is in the event.
#[derive(Clone, Copy)]
struct Place<'a> {
    within: Option<&'a Place<'a>>,
    name: &'a str,
}

impl Place<'_> {
    /// That of the event itself.
    const EVENT: Place<'static> = Place {
        within: None,
        name: "",
    };

    /// The member of the event that it is in; empty where it is in none.
    fn member(&self) -> &str {
        match self.within {
            Some(outer) if outer.within.is_some() => outer.member(),
            Some(_) | None => self.name,
        }
    }

    /// As in `ResourceProperties.Principals[]`.
    fn path(&self) -> String {
        let name = text::head(self.name, MAX_PATH_BYTES / (LEVELS + 1));
        match self.within.map(Place::path) {
            None => "the event".to_owned(),
            Some(outer) if outer == "the event" => name.to_owned(),
            Some(outer) if name == "[]" => outer + name,
            Some(outer) => format!("{outer}.{name}"),
        }
    }
}

/// How many lists and objects there are in the JSON `text`, at most.
fn containers(text: &[u8]) -> usize {
    let (mut in_string, mut escaped, mut containers) = (false, false, 0);
    for byte in text {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = *byte == b'\\' && !escaped;
        } else {
            in_string = *byte == b'"';
            containers += usize::from(matches!(byte, b'{' | b'['));
        }
    }
    containers
}

/// What stands between the commas of an object or array, and whether it has an end with nothing behind.
fn parts(text: &[u8]) -> (Vec<&[u8]>, bool) {
    let end = if text.starts_with(b"{") { b'}' } else { b']' };
    let (mut parts, mut from, mut depth) = (Vec::new(), 1, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = *byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 || depth == 1 && *byte == b',' {
            parts.push(text.get(from..at).unwrap_or_default());
            from = at + 1;
        }
        if depth == 0 {
            return (parts, *byte == end && from == text.len());
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    (parts, false)
}

#[cfg(test)]
mod tests {
    use super::*;
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

        #[test]
        fn wrapping_keeps_each_byte(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let wrapped = RawText::wrapped(&body);
            prop_assert_eq!(serde_json::from_slice::<RawText>(&wrapped).expect("a string").0, body);
        }
    }
}
