//! A JSON parser that accepts any bytes: what `serde_json` accepts is parsed alike, and of anything else as much as possible.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::text::{self, shown};

/// How many levels of a malformed event are parsed one by one: as deep as the message of a notification.
const LEVELS: usize = 5;

/// How many lists and objects of one event are kept. Each takes some hundred bytes of memory, and CloudFormation's have few.
pub(super) const MAX_CONTAINERS: usize = 10_000;

/// The most bytes of the path of a malformed value.
pub(super) const MAX_PATH_BYTES: usize = 640;

/// A JSON string as the bytes that it stands for, which need not be UTF-8.
struct RawText(Vec<u8>);

impl RawText {
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

/// A value that is no JSON, or not one that can be kept: a lone surrogate, a number that is too large, more than 128 levels, too many
/// lists and objects.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "malformed event: got {} in {}, send JSON with whole surrogate pairs, numbers of double precision, at most 127 levels, and at most 10000 lists and objects",
    shown(.why), shown(.place)
)]
pub struct MalformedValue {
    /// The member of the event that it stands in; empty where it is not known.
    pub(super) member: String,
    /// Where it stands in the event, as a path.
    pub(super) place: String,
    /// What the parser says about it.
    pub(super) why: String,
}

/// Parses one event, and records its malformed values.
pub(super) struct LenientParser {
    malformed: Vec<MalformedValue>,
    /// How many more lists and objects may be kept.
    remaining: usize,
}

impl LenientParser {
    /// Parses as much of `bytes` as is JSON; the malformed values, the first of each member. A malformed string has U+FFFD in it, and
    /// any other malformed value is `null`.
    pub(super) fn parse(bytes: &[u8]) -> (Value, Vec<MalformedValue>) {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut parser = Self {
            malformed: Vec::new(),
            remaining: MAX_CONTAINERS,
        };
        let json = parser.value(bytes, Place::EVENT, LEVELS);
        (json, parser.malformed)
    }

    fn value(&mut self, text: &[u8], place: Place<'_>, levels: usize) -> Value {
        let text = text.trim_ascii();
        let fits = brackets(text) <= self.remaining || containers(text) <= self.remaining;
        let read = fits.then(|| serde_json::from_slice(text));
        if let Some(Ok(value)) = read {
            if levels < LEVELS {
                self.remaining -= containers(text);
            }
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

/// How many lists and objects there are in the JSON `text`, at most: one for each bracket, though it may stand in a string. Counted many
/// at a time, which is enough for all but the largest events.
fn brackets(text: &[u8]) -> usize {
    let opening = |byte: &&u8| matches!(byte, b'{' | b'[');
    text.iter().filter(opening).count()
}

/// The same without those in strings.
pub(super) fn containers(text: &[u8]) -> usize {
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
