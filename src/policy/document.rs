//! The policy of a target as it was read, with everything in it that is not ours left as it is.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::statement::Statement;
use super::statement_id::StatementId;
use super::target::PolicyTarget;
use crate::text::shown;

/// The most bytes of a policy, as Lambda documents it for functions.
///
/// Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
pub const MAX_POLICY_BYTES: usize = 20_480;

/// The statements of a policy, and the revision that a write can be made conditional on.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// The resource that it belongs to.
    pub target: PolicyTarget,
    /// The revision, or none where there is no policy yet.
    pub revision_id: Option<String>,
    statements: Vec<Value>,
    bytes: usize,
}

/// A text that is not the document of a policy.
#[derive(Debug, Error)]
pub enum MalformedPolicy {
    /// It is not JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It has no statements, and no list of them that is empty.
    #[error("no statements in it")]
    NoStatements,
}

impl PolicyDocument {
    /// The policy of a target without any statement.
    #[must_use]
    pub fn empty(target: PolicyTarget) -> Self {
        Self {
            target,
            revision_id: None,
            statements: Vec::new(),
            bytes: 0,
        }
    }

    /// Parses the document that Lambda returns. What other tools wrote is kept as it is, whatever its shape.
    ///
    /// # Errors
    /// If the document is not JSON, or no policy.
    pub fn parse(
        target: PolicyTarget,
        document: &str,
        revision_id: Option<String>,
    ) -> Result<Self, MalformedPolicy> {
        let mut policy: Value = serde_json::from_str(document)?;
        let statements = match policy.get_mut("Statement").map(Value::take) {
            Some(Value::Array(statements)) => statements,
            Some(single @ Value::Object(_)) => vec![single],
            // Read as a policy without statements, it would make a revoke of an existing statement succeed.
            Some(_) | None => return Err(MalformedPolicy::NoStatements),
        };
        Ok(Self {
            target,
            revision_id,
            statements,
            bytes: document.len(),
        })
    }

    /// The same statements in the policy of another target.
    #[cfg(test)]
    pub(crate) fn on(self, target: PolicyTarget) -> Self {
        Self { target, ..self }
    }

    /// The policy after a statement was added to it.
    #[must_use]
    pub fn with(mut self, statement: Value, revision_id: Option<String>) -> Self {
        self.bytes += statement.to_string().len() + 1;
        self.statements.push(statement);
        self.revision_id = revision_id;
        self
    }

    /// The policy after a statement was removed from it, whose revision Lambda does not return.
    #[must_use]
    pub fn without(mut self, sid: &StatementId) -> Self {
        self.statements.retain(|statement| !sid.is_of(statement));
        self.revision_id = None;
        self
    }

    /// The statement of this id.
    #[must_use]
    pub fn statement(&self, sid: &StatementId) -> Option<&Value> {
        self.statements
            .iter()
            .find(|statement| sid.is_of(statement))
    }

    /// Whether the policy contains `statement`.
    #[must_use]
    pub fn contains(&self, statement: &Statement) -> bool {
        let found = self.statement(&statement.sid);
        found.is_some_and(|found| statement.matches(found, &self.target))
    }

    /// Every statement, in the policy's order.
    pub fn statements(&self) -> impl Iterator<Item = &Value> {
        self.statements.iter()
    }

    /// What would make the policy smaller: the most statements that differ in their `SourceArn` only, and the one with a wildcard
    /// that would do for all of them; none where there are no two, or where that one would not name an account.
    #[must_use]
    pub fn common_source(&self) -> Option<String> {
        let mut groups: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for found in &self.statements {
            let Some(mut statement) = Statement::parse(found, &self.target) else {
                continue;
            };
            let Some(arn) = statement.conditions.source_arn.take() else {
                continue;
            };
            let Statement {
                principal,
                action,
                conditions,
                ..
            } = statement;
            let group = groups.entry((principal, action, conditions));
            group.or_default().push(arn);
        }
        let ((_, _, conditions), arns) = groups.into_iter().max_by_key(|(_, arns)| arns.len())?;
        let prefix = common_prefix(&arns).filter(|_| arns.len() > 1)?;
        let names_account = prefix
            .split(':')
            .nth(4)
            .is_some_and(|account| !account.is_empty());
        let is_confined = names_account || conditions.source_account.is_some();
        (is_confined && prefix.split(':').count() >= 6).then(|| {
            let number = arns.len();
            format!(
                "{number} statements differ in their `SourceArn` only: one with {} would do",
                shown(&format!("{prefix}*"))
            )
        })
    }

    /// How many statements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The size of the document in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What all of `texts` begin with.
fn common_prefix(texts: &[String]) -> Option<&str> {
    let (first, others) = texts.split_first()?;
    let is_common = |end: usize| {
        let prefix = first.get(..end);
        prefix.is_some_and(|prefix| others.iter().all(|text| text.starts_with(prefix)))
    };
    let end = (0..=first.len()).rev().find(|end| is_common(*end))?;
    first.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target() -> PolicyTarget {
        "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("an ARN")
    }

    fn read(document: &str) -> PolicyDocument {
        PolicyDocument::parse(target(), document, None).expect("a policy")
    }

    #[test]
    fn statements_of_any_shape_are_found_by_their_id() {
        let sid = "s1".parse().expect("a statement id");
        for document in [
            r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s0"},{"Sid":"s1","Principal":{"AWS":["AIDA"]}}]}"#,
            r#"{"Statement":{"Sid":"s1","Effect":"Deny","Unknown":{}}}"#,
            r#"{"Statement":["text",{},{"Sid":1},{"Sid":"s1"}]}"#,
        ] {
            assert!(read(document).statement(&sid).is_some(), "{document}");
        }
        let empty = read(r#"{"Statement":[]}"#);
        assert!(empty.statement(&sid).is_none() && empty.is_empty());
        for document in [
            "{}",
            "[]",
            "null",
            "7",
            r#""text""#,
            r#"{"Statement":"s1"}"#,
            r#"{"Statement":null}"#,
            r#"{"Statement":3}"#,
            r#"{"statement":[{"Sid":"s1"}]}"#,
            r#"{"message":"service busy"}"#,
            r#"{"Policy":{"Statement":[]}}"#,
            "not JSON",
        ] {
            assert!(
                PolicyDocument::parse(target(), document, None).is_err(),
                "{document}"
            );
        }
    }

    #[test]
    fn a_policy_follows_what_is_written_to_it() {
        let (ours, other) = (r#"{"Sid":"s1"}"#, r#"{"Sid":"s2"}"#);
        let revision = || Some("r".to_owned());
        let document = |statements: &[&str]| {
            let document = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
            PolicyDocument::parse(target(), &document, revision()).expect("a policy")
        };
        let added = serde_json::from_str(ours).expect("a statement");
        let with = document(&[other]).with(added, revision());
        assert_eq!(with, document(&[other, ours]));
        assert_eq!((with.len(), with.is_empty()), (2, false));
        assert_eq!(
            with.bytes(),
            r#"{"Statement":[,]}"#.len() + ours.len() + other.len()
        );
        let without = with.without(&"s1".parse().expect("a statement id"));
        assert_eq!(without.revision_id, None);
        assert!(without.statements().eq(document(&[other]).statements()));
    }

    /// The policy of a function with a statement for each of these services, source ARNs and source accounts.
    fn of_sources(sources: &[(&str, &str, Option<&str>)]) -> PolicyDocument {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function";
        let statement =
            |(number, (service, source, account)): (usize, &(&str, &str, Option<&str>))| {
                let mut condition = json!({"ArnLike": {"AWS:SourceArn": source}});
                if let Some(account) = account {
                    condition["StringEquals"] = json!({"AWS:SourceAccount": account});
                }
                json!({
                    "Sid": format!("s{number}"),
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "lambda:InvokeFunction",
                    "Resource": arn,
                    "Condition": condition,
                })
            };
        let statements: Vec<Value> = sources.iter().enumerate().map(statement).collect();
        let document = json!({"Statement": statements}).to_string();
        let target = arn.parse().expect("an ARN");
        PolicyDocument::parse(target, &document, None).expect("a policy")
    }

    #[test]
    fn statements_that_differ_in_their_source_only_have_one_with_a_wildcard() {
        let rule = |name: &str| format!("arn:aws:events:eu-west-1:123456789012:rule/{name}");
        let rules = [rule("my-a"), rule("my-b"), rule("my-"), rule("other")];
        let events = |number: usize| ("events.amazonaws.com", rules[number].as_str(), None);
        let bucket = |name, account| ("s3.amazonaws.com", name, account);
        let hint = |number: usize, pattern: &str| {
            Some(format!(
                "{number} statements differ in their `SourceArn` only: one with `{pattern}` would do"
            ))
        };
        for (sources, expected) in [
            (vec![], None),
            (vec![events(0)], None),
            (vec![events(0), events(1)], hint(2, &rule("my-*"))),
            (
                vec![events(0), events(1), events(2)],
                hint(3, &rule("my-*")),
            ),
            (vec![events(0), events(3)], hint(2, &rule("*"))),
            (vec![events(0), bucket("arn:aws:s3:::a", None)], None),
            (
                vec![events(0), events(1), bucket("arn:aws:s3:::a", None)],
                hint(2, &rule("my-*")),
            ),
            // Everybody may have a bucket of such a name.
            (
                vec![
                    bucket("arn:aws:s3:::my-a", None),
                    bucket("arn:aws:s3:::my-b", None),
                ],
                None,
            ),
            (
                vec![
                    bucket("arn:aws:s3:::my-a", Some("123456789012")),
                    bucket("arn:aws:s3:::my-b", Some("123456789012")),
                ],
                hint(2, "arn:aws:s3:::my-*"),
            ),
            (
                vec![
                    bucket("arn:aws:s3:::my-a", Some("123456789012")),
                    bucket("arn:aws:s3:::my-b", Some("111122223333")),
                ],
                None,
            ),
            (
                vec![
                    (
                        "events.amazonaws.com",
                        "arn:aws:events:eu-west-1:123456789012:rule/a",
                        None,
                    ),
                    (
                        "events.amazonaws.com",
                        "arn:aws:events:eu-west-2:123456789012:rule/a",
                        None,
                    ),
                ],
                None,
            ),
        ] {
            assert_eq!(
                of_sources(&sources).common_source(),
                expected,
                "{sources:?}"
            );
        }
    }
}
