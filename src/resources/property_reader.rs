//! Reads the properties of a resource and collects what is wrong with them.
//! Knows no property by its name.

use std::fmt;

use serde_json::{Map, Value};

use crate::text::{joined, shown};

/// The most validation errors that a reason contains.
const MAX_REPORTED: usize = 20;

/// The most characters of an unknown name that is compared with the known ones.
const MAX_NAME_LEN: usize = 40;

/// The most entries of a list. Fewer fit into a policy.
pub const MAX_ENTRIES: usize = 128;

/// What is wrong with the properties: the first 20 errors, joined by `; `, and the number of the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ValidationErrors {
    reported: Vec<String>,
    more: usize,
}

impl ValidationErrors {
    pub(super) fn is_empty(&self) -> bool {
        self.reported.is_empty()
    }

    /// Adds an error. Its text is not even made where it is not reported.
    pub(super) fn add(&mut self, error: impl FnOnce() -> String) {
        if self.reported.len() < MAX_REPORTED {
            self.reported.push(error());
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.reported, "; ", self.more))
    }
}

impl std::error::Error for ValidationErrors {}

/// The properties, and the errors found so far.
pub(super) struct PropertyReader<'a> {
    pub(super) properties: &'a Map<String, Value>,
    pub(super) errors: ValidationErrors,
}

impl<'a> PropertyReader<'a> {
    pub(super) fn new(properties: &'a Map<String, Value>) -> Self {
        Self {
            properties,
            errors: ValidationErrors::default(),
        }
    }

    /// Adds an error; there is no value then.
    pub(super) fn invalid<T>(&mut self, error: String) -> Option<T> {
        self.errors.add(|| error);
        None
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// A mistyped name must not make a grant wider than it was meant to be. `alias` is what another type calls a property of this
    /// one, and what it is called here.
    pub(super) fn reject_unknown(&mut self, known: &[&str], alias: (&str, &str)) {
        for name in self.properties.keys() {
            if !name.starts_with("Service") && !known.contains(&name.as_str()) {
                self.errors.add(|| unknown(name, known, alias));
            }
        }
    }

    /// The text of a scalar. An empty one is an error, never absent: it could silently widen the grant.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.single(name, |value| shown(&scalar(value)))
    }

    /// The same for a secret: an error contains the length or the kind of the value, and nothing else.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        self.single(name, |value| match value {
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            Value::Null => "`null`".to_owned(),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => length(&scalar(value)),
        })
    }

    /// The entries of a list, or of one text with commas, which a parameter of a template is. White space around them, which
    /// splitting a text leaves, is none of theirs. `instead` is what to do about a list that is too long.
    pub(super) fn list(&mut self, name: &str, instead: &str) -> Option<Vec<String>> {
        let list = self.properties.get(name)?;
        let (each, text) = (list.as_array(), list.as_str());
        let of_text = text.map_or(1, |text| text.split(',').count());
        let length = each.map_or(of_text, Vec::len);
        if length == 0 {
            return self.invalid(format!(
                "`{name}` is empty: got no entry, give at least one or remove the resource"
            ));
        }
        if length > MAX_ENTRIES {
            return self.invalid(format!(
                "`{name}` is too long: got {length} entries, give at most {MAX_ENTRIES}, or {instead}"
            ));
        }
        let trimmed = |text: &str| text.trim().to_owned();
        Some(match (each, text) {
            (Some(each), _) => each.iter().map(|entry| trimmed(&scalar(entry))).collect(),
            (None, Some(text)) => text.split(',').map(trimmed).collect(),
            (None, None) => vec![scalar(list)],
        })
    }

    /// The text of a scalar; `got` is how an error shows it.
    fn single(&mut self, name: &str, got: fn(&Value) -> String) -> Option<String> {
        let value = self.properties.get(name)?;
        match value {
            Value::String(text) if text.is_empty() => self.invalid(format!(
                "`{name}` is empty: got an empty string, give it a value or leave it out"
            )),
            Value::String(text) if text.trim() != text => self.invalid(format!(
                "`{name}` begins or ends with white space: got {}, remove the white space",
                got(value)
            )),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(scalar(value)),
            Value::Null | Value::Array(_) | Value::Object(_) => self.invalid(format!(
                "`{name}` is not a single value: got {}, give one string",
                got(value)
            )),
        }
    }
}

fn unknown(name: &str, known: &[&str], alias: (&str, &str)) -> String {
    let got = shown(name);
    if name.chars().nth(MAX_NAME_LEN).is_some() {
        return format!("unknown property: got {got}, remove it");
    }
    let name = name.to_lowercase();
    let distance = |known: &&str| strsim::damerau_levenshtein(&known.to_lowercase(), &name);
    let nearest = known.iter().copied().min_by_key(distance);
    let nearest = if name == alias.0.to_lowercase() {
        alias.1
    } else {
        nearest.unwrap_or_default()
    };
    format!(
        "unknown property: got {got}, the nearest known one is `{nearest}`, use that or remove it"
    )
}

/// How an error shows a secret text.
pub(super) fn length(text: &str) -> String {
    format!("a length of {}", text.chars().count())
}

/// The text of a scalar, or the JSON of any other value.
pub(super) fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
