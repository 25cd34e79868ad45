//! Properties as they are read: what each one says, and the violations that were found on the way.
//! Knows no property by its name.

use std::fmt;

use serde_json::{Map, Value};

use crate::text::{joined, shown};

/// The most violations that a reason tells: whoever has that many reads no further.
const MOST_TOLD: usize = 20;

/// The most characters of a name that may be a mistyped one. What is longer is compared with nothing.
const MOST_OF_NAME: usize = 40;

/// What is wrong with the properties: the first 20 violations, joined by `; `, and how many more there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Violations {
    told: Vec<String>,
    more: usize,
}

impl Violations {
    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Adds one. What is not told is not even put into words.
    pub(super) fn add(&mut self, violation: impl FnOnce() -> String) {
        if self.told.len() < MOST_TOLD {
            self.told.push(violation());
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.told, "; ", self.more))
    }
}

impl std::error::Error for Violations {}

/// The properties, and what was found wrong with them so far.
pub(super) struct Reading<'a> {
    pub(super) properties: &'a Map<String, Value>,
    pub(super) violations: Violations,
}

impl<'a> Reading<'a> {
    pub(super) fn of(properties: &'a Map<String, Value>) -> Self {
        Self {
            properties,
            violations: Violations::default(),
        }
    }

    pub(super) fn refuse<T>(&mut self, violation: String) -> Option<T> {
        self.violations.add(|| violation);
        None
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// A mistyped name must not make a grant wider than it was meant to be.
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for name in self.properties.keys() {
            if !name.starts_with("Service") && !known.contains(&name.as_str()) {
                self.violations.add(|| unknown(name, known));
            }
        }
    }

    /// The text of a scalar. An empty one is a violation, never absent: it would silently widen the grant.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.single(name, |value| shown(&scalar(value)))
    }

    /// The same of what nobody is to see: a violation tells the length or the kind of the value, and nothing else.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        self.single(name, |value| match value {
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::Null => "`null`".to_owned(),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => length(&scalar(value)),
        })
    }

    /// The text of a scalar, of which a violation says that it got what `got` makes of it.
    fn single(&mut self, name: &str, got: fn(&Value) -> String) -> Option<String> {
        let value = self.properties.get(name)?;
        match value {
            Value::String(text) if text.is_empty() => self.refuse(format!(
                "`{name}` is empty: got an empty string, give it a value or leave it out"
            )),
            Value::String(text) if text.trim() != text => self.refuse(format!(
                "`{name}` begins or ends with white space: got {}, remove the white space",
                got(value)
            )),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(scalar(value)),
            Value::Null | Value::Array(_) | Value::Object(_) => self.refuse(format!(
                "`{name}` is not a single value: got {}, give one string",
                got(value)
            )),
        }
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    let got = shown(name);
    if name.chars().nth(MOST_OF_NAME).is_some() {
        return format!("unknown property: got {got}, remove it");
    }
    let name = name.to_lowercase();
    let distance = |known: &&str| strsim::damerau_levenshtein(&known.to_lowercase(), &name);
    let nearest = known.iter().copied().min_by_key(distance);
    let nearest = nearest.unwrap_or_default();
    format!(
        "unknown property: got {got}, the nearest known one is `{nearest}`, use that or remove it"
    )
}

/// How long a text is that is not shown.
pub(super) fn length(text: &str) -> String {
    format!("a length of {}", text.chars().count())
}

/// The text of a scalar, or the JSON of what is none.
pub(super) fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
