//! What an audit finds, and what to do about it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::owner::Owner;
use crate::policy::statement_id::StatementId;
use crate::policy::target::PolicyTarget;
use crate::text::shown;

/// The kinds of findings, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Everybody with an AWS account, or on the internet, may use it.
    Public,
    /// Somebody outside of the trusted accounts and organizations may use it.
    Outside,
    /// The statement is there with other content than its resource declares.
    Changed,
    /// A resource is there, and its statement is not.
    Missing,
    /// The stack that had the statement is gone.
    OwnerGone,
    /// No stack has the statement.
    Unowned,
}

/// The text is no kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no such finding: got {}, give {}", shown(.0), FindingKind::ALL.map(FindingKind::name).join(", "))]
pub struct ParseFindingKindError(String);

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Public,
        Self::Outside,
        Self::Changed,
        Self::Missing,
        Self::OwnerGone,
        Self::Unowned,
    ];

    /// As it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Outside => "OUTSIDE",
            Self::Changed => "CHANGED",
            Self::Missing => "MISSING",
            Self::OwnerGone => "OWNER GONE",
            Self::Unowned => "UNOWNED",
        }
    }

    /// The metric with the number of such findings.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Outside => "Outside",
            Self::Changed => "Changed",
            Self::Missing => "Missing",
            Self::OwnerGone => "OwnerGone",
            Self::Unowned => "Unowned",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FindingKind {
    type Err = ParseFindingKindError;

    /// The name in any case, with a space, `-` or `_` between its words.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.to_uppercase().replace(['-', '_'], " ");
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == name)
            .ok_or_else(|| ParseFindingKindError(text.to_owned()))
    }
}

/// Something about one statement that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Whose policy it is about.
    pub target: PolicyTarget,
    /// The id of the statement, or of the resource that lacks one.
    pub statement_id: String,
    /// The resource that has, had or should have the statement.
    pub owner: Option<Owner>,
    /// What was found.
    pub detail: String,
    /// What identifies the finding in a baseline, for as long as it stays the same.
    pub fingerprint: String,
    /// Why it is accepted, if a baseline says that it is.
    pub accepted: Option<String>,
}

impl Finding {
    /// A finding about a statement that was found, or about one that was not.
    #[must_use]
    pub fn new(
        kind: FindingKind,
        target: PolicyTarget,
        statement_id: String,
        owner: Option<Owner>,
        detail: String,
        statement: Option<&Value>,
    ) -> Self {
        let missing = owner.as_ref().filter(|_| statement.is_none());
        let missing = missing.map(|owner| owner.resource.physical_id.as_str());
        Self {
            fingerprint: fingerprint(kind, &target, &statement_id, statement, missing),
            kind,
            target,
            statement_id,
            owner,
            detail,
            accepted: None,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        let remove = self.removal();
        match self.kind {
            FindingKind::Public => {
                "grant it to accounts or to an organization instead, or accept it in the baseline"
                    .into()
            }
            FindingKind::Outside => "remove it, or trust the account or the organization".into(),
            FindingKind::Changed => {
                format!("{remove}, then deploy its stack with another `Nonce`")
            }
            FindingKind::Missing => "deploy its stack with another `Nonce`".into(),
            FindingKind::OwnerGone => remove,
            FindingKind::Unowned => format!("declare it in a stack, or {remove}"),
        }
    }

    /// How the statement is removed.
    fn removal(&self) -> String {
        let Ok(sid) = self.statement_id.parse::<StatementId>() else {
            return "remove it".to_owned();
        };
        let region = self.target.location().region();
        match &self.target {
            PolicyTarget::LayerVersion(version) => format!(
                "remove it with `aws lambda remove-layer-version-permission --region {region} --layer-name {} \
                 --version-number {} --statement-id {sid}`",
                version.layer(),
                version.version()
            ),
            PolicyTarget::Function(function) => {
                let qualifier = function.qualifier();
                let qualifier = qualifier.map(|qualifier| format!(" --qualifier {qualifier}"));
                format!(
                    "remove it with `aws lambda remove-permission --region {region} --function-name {}{} --statement-id {sid}`",
                    function.clone().with_qualifier(None),
                    qualifier.unwrap_or_default()
                )
            }
        }
    }
}

/// A hash of what a finding is about: the same statement on all versions of a layer has the same one.
fn fingerprint(
    kind: FindingKind,
    target: &PolicyTarget,
    statement_id: &str,
    statement: Option<&Value>,
    missing: Option<&str>,
) -> String {
    let resource = match target {
        PolicyTarget::LayerVersion(version) => version.layer().to_string(),
        PolicyTarget::Function(function) => function.to_string(),
    };
    let mut statement = statement.cloned();
    if let Some(statement) = statement.as_mut().and_then(Value::as_object_mut) {
        statement.remove("Resource");
    }
    let parts = json!([kind.name(), resource, statement_id, statement, missing]);
    let hash = BASE32_NOPAD.encode(&Sha256::digest(parts.to_string()));
    hash.chars().take(16).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools";
    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f:live";

    fn finding(kind: FindingKind, target: &str, statement: Option<&Value>) -> Finding {
        let target = target.parse().expect("an ARN");
        Finding::new(kind, target, "s1".into(), None, String::new(), statement)
    }

    #[test]
    fn each_kind_has_a_name_that_is_read_in_any_case() {
        for kind in FindingKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            let other = kind.name().to_lowercase().replace(' ', "-");
            assert_eq!(other.parse(), Ok(kind));
        }
        let error = "DRIFT"
            .parse::<FindingKind>()
            .map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("no such finding: got `DRIFT`, give PUBLIC, OUTSIDE, CHANGED, MISSING, OWNER GONE, UNOWNED".to_owned())
        );
    }

    #[test]
    fn each_kind_has_a_remedy() {
        let statement = json!({});
        let remedy = |kind, target| finding(kind, target, Some(&statement)).remedy();
        let version = format!("{LAYER}:3");
        let of_version = "remove it with `aws lambda remove-layer-version-permission --region eu-west-1 --layer-name \
             arn:aws:lambda:eu-west-1:123456789012:layer:tools --version-number 3 --statement-id s1`";
        let of_alias = "remove it with `aws lambda remove-permission --region eu-west-1 --function-name \
             arn:aws:lambda:eu-west-1:123456789012:function:f --qualifier live --statement-id s1`";
        assert_eq!(remedy(FindingKind::OwnerGone, &version), of_version);
        assert_eq!(
            remedy(FindingKind::Unowned, FUNCTION),
            format!("declare it in a stack, or {of_alias}")
        );
        assert_eq!(
            remedy(FindingKind::Changed, FUNCTION),
            format!("{of_alias}, then deploy its stack with another `Nonce`")
        );
        assert_eq!(
            remedy(FindingKind::Missing, FUNCTION),
            "deploy its stack with another `Nonce`"
        );
        assert_eq!(
            remedy(FindingKind::Outside, FUNCTION),
            "remove it, or trust the account or the organization"
        );
        assert_eq!(
            remedy(FindingKind::Public, FUNCTION),
            "grant it to accounts or to an organization instead, or accept it in the baseline"
        );
    }

    #[test]
    fn a_fingerprint_is_that_of_the_statement_on_any_version_of_the_layer() {
        let fingerprint = |kind, target: &str, statement: &Value| {
            finding(kind, target, Some(statement)).fingerprint
        };
        let (first, second) = (format!("{LAYER}:1"), format!("{LAYER}:2"));
        let of =
            |version: &str, principal: &str| json!({"Principal": principal, "Resource": version});
        let one = fingerprint(FindingKind::Public, &first, &of(&first, "*"));
        assert_eq!(
            one,
            fingerprint(FindingKind::Public, &second, &of(&second, "*"))
        );
        for other in [
            fingerprint(FindingKind::Unowned, &first, &of(&first, "*")),
            fingerprint(FindingKind::Public, &first, &of(&first, "111122223333")),
            fingerprint(FindingKind::Public, FUNCTION, &of(&first, "*")),
            finding(FindingKind::Public, &first, None).fingerprint,
        ] {
            assert_ne!(one, other);
        }
        // It is in baselines, so it never changes between releases.
        assert_eq!(one, "2v3wb6gaxsjgm4n7");
    }
}
