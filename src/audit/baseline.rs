//! The findings that are accepted, each with the reason: a file that is reviewed and committed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::finding::Finding;
use crate::text::shown;

/// The version of the form of the file.
const FORMAT_VERSION: u32 = 1;

/// The accepted findings, by their fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, Accepted>);

/// An accepted finding, as the file contains it. What it is about is for people: the fingerprint alone identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    fingerprint: String,
    #[serde(default)]
    finding: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    statement_id: String,
    reason: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format_version: u32,
    accepted: Vec<Accepted>,
}

/// The text is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseBaselineError {
    /// It has another form.
    #[error("invalid baseline: got {}, correct it as docs/audit.md says", shown(.0))]
    Malformed(String),
    /// An entry has no reason.
    #[error("no reason in the baseline: got an empty one for {}, say why the finding is accepted", shown(.0))]
    NoReason(String),
}

impl Baseline {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// If it has another form, or accepts something without a reason.
    pub fn parse(text: &str) -> Result<Self, ParseBaselineError> {
        let malformed = |error: serde_json::Error| {
            ParseBaselineError::Malformed(error.to_string().replace('`', "'"))
        };
        let file: File = serde_json::from_str(text).map_err(malformed)?;
        if file.format_version != FORMAT_VERSION {
            let got = format!("format_version {}", file.format_version);
            return Err(ParseBaselineError::Malformed(got));
        }
        let mut accepted = BTreeMap::new();
        for entry in file.accepted {
            if entry.reason.trim().is_empty() {
                return Err(ParseBaselineError::NoReason(entry.fingerprint));
            }
            accepted.insert(entry.fingerprint.clone(), entry);
        }
        Ok(Self(accepted))
    }

    /// The accepted findings by their fingerprints alone, with commas between.
    #[must_use]
    pub fn of_fingerprints(text: &str) -> Self {
        let fingerprints = text.split(',').map(str::trim);
        let accepted = fingerprints.filter(|text| !text.is_empty()).map(|text| {
            let accepted = Accepted {
                fingerprint: text.to_owned(),
                finding: String::new(),
                resource: String::new(),
                statement_id: String::new(),
                reason: "in the baseline".to_owned(),
            };
            (text.to_owned(), accepted)
        });
        Self(accepted.collect())
    }

    /// Why `finding` is accepted, if it is.
    #[must_use]
    pub fn reason(&self, finding: &Finding) -> Option<&str> {
        let accepted = self.0.get(&finding.fingerprint)?;
        Some(&accepted.reason)
    }

    /// Accepts `finding` for `reason`.
    pub fn accept(&mut self, finding: &Finding, reason: &str) {
        let accepted = Accepted {
            fingerprint: finding.fingerprint.clone(),
            finding: finding.kind.to_string(),
            resource: finding.target.to_string(),
            statement_id: finding.statement_id.clone(),
            reason: reason.to_owned(),
        };
        self.0
            .entry(finding.fingerprint.clone())
            .or_insert(accepted);
    }

    /// How many of the accepted findings are none of `findings` any more.
    #[must_use]
    pub fn outdated(&self, findings: &[Finding]) -> usize {
        let is_found = |fingerprint: &&String| {
            let mut found = findings.iter();
            !found.any(|finding| finding.fingerprint == **fingerprint)
        };
        self.0.keys().filter(is_found).count()
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Never.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let file = File {
            format_version: FORMAT_VERSION,
            accepted: self.0.values().cloned().collect(),
        };
        serde_json::to_string_pretty(&file).map(|text| text + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::finding::FindingKind;

    fn finding(kind: FindingKind) -> Finding {
        let target = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1".parse();
        let statement = serde_json::json!({"Principal": "*"});
        let (sid, detail) = ("open".to_owned(), String::new());
        Finding::new(
            kind,
            target.expect("an ARN"),
            sid,
            None,
            detail,
            Some(&statement),
        )
    }

    #[test]
    fn what_was_accepted_is_read_again_with_its_reason() {
        let (public, unowned) = (finding(FindingKind::Public), finding(FindingKind::Unowned));
        let mut baseline = Baseline::default();
        baseline.accept(&public, "since 2023");
        baseline.accept(&public, "the first reason stays");
        let text = baseline.to_text().expect("a text");
        assert_eq!(Baseline::parse(&text), Ok(baseline.clone()));
        assert_eq!(baseline.reason(&public), Some("since 2023"));
        assert_eq!(baseline.reason(&unowned), None);
        assert_eq!(baseline.outdated(&[unowned]), 1);
        assert_eq!(baseline.outdated(std::slice::from_ref(&public)), 0);
        let short = Baseline::of_fingerprints(&format!(" {},", public.fingerprint));
        assert_eq!(short.reason(&public), Some("in the baseline"));
    }

    #[test]
    fn a_baseline_that_cannot_be_read_says_what_to_do() {
        for (text, error) in [
            (
                r#"{"format_version": 2, "accepted": []}"#,
                "invalid baseline: got `format_version 2`, correct it as docs/audit.md says",
            ),
            (
                r#"{"format_version": 1}"#,
                "invalid baseline: got `missing field \'accepted\' at line 1 column 21`, correct it as docs/audit.md says",
            ),
            (
                r#"{"format_version": 1, "accepted": [{"fingerprint": "a", "reason": " "}]}"#,
                "no reason in the baseline: got an empty one for `a`, say why the finding is accepted",
            ),
        ] {
            let parsed = Baseline::parse(text).map_err(|error| error.to_string());
            assert_eq!(parsed, Err(error.to_owned()), "{text}");
        }
    }
}
