//! Properties as they are read: what each one says, and every violation that was found on the way.
//! Knows no property by its name.

use serde_json::{Map, Value};

/// The properties, and what was found wrong with them so far.
pub(super) struct Reading<'a> {
    pub(super) properties: &'a Map<String, Value>,
    pub(super) violations: Vec<String>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(properties: &'a Map<String, Value>) -> Self {
        Self {
            properties,
            violations: Vec::new(),
        }
    }

    pub(super) fn refuse<T>(&mut self, violation: String) -> Option<T> {
        self.violations.push(violation);
        None
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// A mistyped name must not make a grant wider than it was meant to be.
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for name in self.properties.keys() {
            if name.starts_with("Service") || known.contains(&name.as_str()) {
                continue;
            }
            let nearest = known
                .iter()
                .copied()
                .min_by_key(|known| {
                    strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase())
                })
                .unwrap_or_default();
            let got = shown(name);
            self.violations
                .push(format!("unknown property: got {got}, the nearest known one is `{nearest}`, use that or remove it"));
        }
    }

    /// The text of a scalar. An empty one is a violation, never absent: it would silently widen the grant.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.properties.get(name)? {
            Value::String(text) if text.is_empty() => self.refuse(format!(
                "`{name}` is empty: got an empty string, give it a value or leave it out"
            )),
            Value::String(text) => Some(text.clone()),
            scalar @ (Value::Number(_) | Value::Bool(_)) => Some(scalar.to_string()),
            other @ (Value::Null | Value::Array(_) | Value::Object(_)) => self.refuse(format!(
                "`{name}` is not a single value: got {}, give one string",
                shown(&other.to_string())
            )),
        }
    }
}

/// The text of a scalar, or the JSON of what is none.
pub(super) fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `text` in backticks, on one line, and cut where it is too long to read.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 160;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("`{}…`", line.get(..end).unwrap_or_default()),
        None => format!("`{line}`"),
    }
}
