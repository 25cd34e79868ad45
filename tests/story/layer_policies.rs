//! The policies of layer versions, and the rules by which Lambda changes them.
//! Refuses to know how it is asked: HTTP, faults and records are its caller's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::recorded;

/// Lambda's limit for one policy, in bytes.
const POLICY_LIMIT: usize = 20_480;

#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    fn recorded(operation: &str, given: &str, replaced: &[(&str, &str)]) -> Self {
        let (status, code, message) = recorded::refusal(operation, given, replaced);
        Self {
            status,
            code,
            message,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Policy {
    pub statements: Vec<Value>,
    pub revision: String,
}

impl Policy {
    pub fn document(&self) -> String {
        json!({"Version": "2012-10-17", "Id": "default", "Statement": self.statements}).to_string()
    }
}

/// Part of a layer's versions, the newest first.
pub struct Page {
    /// ARN and number.
    pub versions: Vec<(String, u64)>,
    /// Where the next page begins, if there is one.
    pub next_marker: Option<String>,
}

/// By layer version ARN: the versions that exist, and the policy of those that have one.
#[derive(Default)]
pub struct LayerPolicies {
    versions: BTreeMap<String, Option<Policy>>,
    revisions: usize,
    /// The most versions on a page, where that is less than was asked for: Lambda promises no full pages.
    pub short_pages: Option<usize>,
    /// A version that is too new to be listed.
    pub unlisted: Option<String>,
    /// Room for more statements than Lambda has.
    pub more_room: usize,
}

/// The most versions on a page.
const PAGE: usize = 50;

const GET: &str = "GetLayerVersionPolicy";
const ADD: &str = "AddLayerVersionPermission";
const REMOVE: &str = "RemoveLayerVersionPermission";

impl LayerPolicies {
    pub fn publish(&mut self, arn: &str) {
        self.versions.insert(arn.to_owned(), None);
    }

    /// Takes the version away, and its policy with it.
    pub fn unpublish(&mut self, arn: &str) {
        self.versions.remove(arn);
    }

    /// Stores a statement word for word, whoever may have written it.
    pub fn put(&mut self, arn: &str, statement: Value) {
        let mut statements = self.statements(arn);
        statements.push(statement);
        self.store(arn, statements);
    }

    pub fn take(&mut self, arn: &str, sid: &str) {
        let mut statements = self.statements(arn);
        statements.retain(|statement| statement["Sid"] != sid);
        self.store(arn, statements);
    }

    pub fn statements(&self, arn: &str) -> Vec<Value> {
        self.policy(arn)
            .map(|policy| policy.statements.clone())
            .unwrap_or_default()
    }

    /// A layer that does not exist has no versions; that is no error.
    pub fn list(
        &self,
        layer: &str,
        marker: Option<&str>,
        most: Option<usize>,
    ) -> Result<Page, Refusal> {
        let most = most.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&most) {
            let message = format!("Value '{most}' at 'maxItems' failed to satisfy constraint");
            return Err(Refusal::new(400, "ValidationException", &message));
        }
        let below = marker.map_or(u64::MAX, |marker| {
            marker.trim_end_matches("/+==").parse().unwrap()
        });
        let number = |arn: &str| -> Option<u64> {
            let rest = arn.strip_prefix(layer)?.strip_prefix(':')?;
            rest.parse().ok()
        };
        let mut versions: Vec<(String, u64)> = self
            .versions
            .keys()
            .filter_map(|arn| Some((arn.clone(), number(arn)?)))
            .filter(|(arn, number)| *number < below && self.unlisted.as_ref() != Some(arn))
            .collect();
        versions.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let page = self.short_pages.unwrap_or(PAGE).min(most);
        let more = versions.len() > page;
        versions.truncate(page);
        let last = versions.last().map(|(_, number)| format!("{number}/+=="));
        Ok(Page {
            next_marker: last.filter(|_| more),
            versions,
        })
    }

    pub fn get(&self, arn: &str) -> Result<Policy, Refusal> {
        self.exists(GET, arn)?;
        self.policy(arn)
            .cloned()
            .ok_or_else(|| Refusal::recorded(GET, "no policy yet", &[]))
    }

    /// The statement as Lambda writes it, and the new revision.
    pub fn add(
        &mut self,
        arn: &str,
        asked: &Value,
        revision: Option<&str>,
    ) -> Result<(Value, String), Refusal> {
        let statement = statement(arn, asked)?;
        self.exists(ADD, arn)?;
        self.has_revision(ADD, arn, revision)?;
        let mut statements = self.statements(arn);
        let sid = statement["Sid"].as_str().unwrap();
        if statements.iter().any(|other| other["Sid"] == sid) {
            return Err(Refusal::recorded(
                ADD,
                "statement id s1 exists",
                &[("(s1)", &format!("({sid})"))],
            ));
        }
        statements.push(statement.clone());
        let size = Policy {
            statements: statements.clone(),
            revision: String::new(),
        }
        .document()
        .len();
        let limit = POLICY_LIMIT + self.more_room;
        if size > limit {
            let message =
                format!("The final policy size ({size}) is bigger than the limit ({limit}).");
            return Err(Refusal::new(400, "PolicyLengthExceededException", &message));
        }
        self.store(arn, statements);
        Ok((statement, self.policy(arn).unwrap().revision.clone()))
    }

    pub fn remove(&mut self, arn: &str, sid: &str, revision: Option<&str>) -> Result<(), Refusal> {
        self.exists(REMOVE, arn)?;
        self.has_revision(REMOVE, arn, revision)?;
        if self.policy(arn).is_none() {
            return Err(Refusal::recorded(GET, "no policy yet", &[]));
        }
        if !self
            .statements(arn)
            .iter()
            .any(|statement| statement["Sid"] == sid)
        {
            return Err(Refusal::recorded(
                REMOVE,
                "no such statement",
                &[("doesnotexist", sid)],
            ));
        }
        self.take(arn, sid);
        Ok(())
    }

    fn policy(&self, arn: &str) -> Option<&Policy> {
        self.versions.get(arn).and_then(Option::as_ref)
    }

    fn exists(&self, operation: &str, arn: &str) -> Result<(), Refusal> {
        if self.versions.contains_key(arn) {
            return Ok(());
        }
        Err(Refusal::recorded(
            operation,
            "no such version",
            &[("<arn>", arn)],
        ))
    }

    fn has_revision(
        &self,
        operation: &str,
        arn: &str,
        revision: Option<&str>,
    ) -> Result<(), Refusal> {
        let latest = self.policy(arn).map(|policy| policy.revision.as_str());
        if revision.is_none() || revision == latest {
            return Ok(());
        }
        Err(Refusal::recorded(operation, "stale RevisionId", &[]))
    }

    fn store(&mut self, arn: &str, statements: Vec<Value>) {
        self.revisions += 1;
        let revision = format!("revision-{}", self.revisions);
        let policy = (!statements.is_empty()).then_some(Policy {
            statements,
            revision,
        });
        *self
            .versions
            .get_mut(arn)
            .expect("the layer version exists") = policy;
    }
}

fn statement(arn: &str, asked: &Value) -> Result<Value, Refusal> {
    let action = asked["Action"].as_str().unwrap();
    if action != "lambda:GetLayerVersion" {
        return Err(Refusal::recorded(
            ADD,
            "Action \"*\"",
            &[("'*'", &format!("'{action}'"))],
        ));
    }
    let partition = arn.split(':').nth(1).unwrap();
    let principal = match asked["Principal"].as_str().unwrap() {
        "*" => json!("*"),
        root if root.starts_with("arn:") => json!({"AWS": root}),
        account => json!({"AWS": format!("arn:{partition}:iam::{account}:root")}),
    };
    let mut statement = json!({
        "Sid": asked["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": arn,
    });
    if let Some(organization) = asked.get("OrganizationId") {
        statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
    }
    Ok(statement)
}
