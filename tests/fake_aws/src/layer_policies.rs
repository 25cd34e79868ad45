//! The policies of layer versions, and the rules by which Lambda changes them. HTTP and faults are the caller's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::recorded_responses;

/// Lambda's limit for one policy, in bytes.
const POLICY_LIMIT: usize = 20_480;

/// Why Lambda or STS rejects a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl ApiError {
    /// With these parts.
    #[must_use]
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    fn recorded(operation: &str, given: &str, replaced: &[(&str, &str)]) -> Self {
        let (status, code, message) = recorded_responses::error(operation, given, replaced);
        Self {
            status,
            code,
            message,
        }
    }
}

/// The policy of one layer version.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The statements in their order.
    pub statements: Vec<Value>,
    /// The `RevisionId`.
    pub revision: String,
}

impl Policy {
    /// The policy document.
    #[must_use]
    pub fn document(&self) -> String {
        json!({"Version": "2012-10-17", "Id": "default", "Statement": self.statements}).to_string()
    }
}

/// One page of a layer's versions, the newest first.
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
    /// The most versions on a page, where that is less than `MaxItems`: Lambda does not guarantee full pages.
    pub max_page_size: Option<usize>,
    /// A version that is not listed yet.
    pub unlisted: Option<String>,
    /// How many bytes a policy can have beyond Lambda's limit.
    pub extra_policy_size: usize,
}

/// The most versions on a page.
const PAGE: usize = 50;

const GET: &str = "GetLayerVersionPolicy";
const ADD: &str = "AddLayerVersionPermission";
const REMOVE: &str = "RemoveLayerVersionPermission";

impl LayerPolicies {
    /// A new layer version, without a policy.
    pub fn publish(&mut self, arn: &str) {
        self.versions.insert(arn.to_owned(), None);
    }

    /// Deletes the version, and its policy with it.
    pub fn unpublish(&mut self, arn: &str) {
        self.versions.remove(arn);
    }

    /// Stores a statement as it is, whoever wrote it.
    pub fn put_statement(&mut self, arn: &str, statement: Value) {
        let mut statements = self.statements(arn);
        statements.push(statement);
        self.store(arn, statements);
    }

    /// Deletes the statements of this id, if there are any.
    pub fn delete_statement(&mut self, arn: &str, sid: &str) {
        let mut statements = self.statements(arn);
        statements.retain(|statement| statement["Sid"] != sid);
        self.store(arn, statements);
    }

    /// The statements in their order.
    #[must_use]
    pub fn statements(&self, arn: &str) -> Vec<Value> {
        self.policy(arn)
            .map(|policy| policy.statements.clone())
            .unwrap_or_default()
    }

    /// One page of the layer's versions. A layer that does not exist has none.
    ///
    /// # Errors
    /// As Lambda's.
    pub fn list(
        &self,
        layer: &str,
        marker: Option<&str>,
        max_items: Option<usize>,
    ) -> Result<Page, ApiError> {
        let max_items = max_items.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&max_items) {
            let message = format!("Value '{max_items}' at 'maxItems' failed to satisfy constraint");
            return Err(ApiError::new(400, "ValidationException", &message));
        }
        let below = marker.map_or(u64::MAX, |marker| {
            marker.trim_end_matches("/+==").parse().unwrap()
        });
        let prefix = format!("{layer}:");
        let mut versions: Vec<(String, u64)> = self
            .versions
            .range(prefix.clone()..)
            .map_while(|(arn, _)| Some((arn.clone(), arn.strip_prefix(&prefix)?.parse().unwrap())))
            .filter(|(arn, number)| *number < below && self.unlisted.as_ref() != Some(arn))
            .collect();
        versions.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let page = self.max_page_size.unwrap_or(PAGE).min(max_items);
        let more = versions.len() > page;
        versions.truncate(page);
        let last = versions.last().map(|(_, number)| format!("{number}/+=="));
        Ok(Page {
            next_marker: last.filter(|_| more),
            versions,
        })
    }

    /// The policy.
    ///
    /// # Errors
    /// As Lambda's.
    pub fn get(&self, arn: &str) -> Result<Policy, ApiError> {
        self.exists(GET, arn)?;
        self.policy(arn)
            .cloned()
            .ok_or_else(|| ApiError::recorded(GET, "no policy yet", &[]))
    }

    /// Adds a statement; returns it as Lambda writes it, with the new revision.
    ///
    /// # Errors
    /// As Lambda's.
    pub fn add(
        &mut self,
        arn: &str,
        request: &Value,
        revision: Option<&str>,
    ) -> Result<(Value, String), ApiError> {
        let statement = statement(arn, request)?;
        self.exists(ADD, arn)?;
        self.has_revision(ADD, arn, revision)?;
        let mut statements = self.statements(arn);
        let sid = statement["Sid"].as_str().unwrap();
        if statements.iter().any(|other| other["Sid"] == sid) {
            return Err(ApiError::recorded(
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
        let limit = POLICY_LIMIT + self.extra_policy_size;
        if size > limit {
            let message =
                format!("The final policy size ({size}) is bigger than the limit ({limit}).");
            return Err(ApiError::new(
                400,
                "PolicyLengthExceededException",
                &message,
            ));
        }
        self.store(arn, statements);
        Ok((statement, self.policy(arn).unwrap().revision.clone()))
    }

    /// Removes a statement.
    ///
    /// # Errors
    /// As Lambda's.
    pub fn remove(&mut self, arn: &str, sid: &str, revision: Option<&str>) -> Result<(), ApiError> {
        self.exists(REMOVE, arn)?;
        self.has_revision(REMOVE, arn, revision)?;
        if self.policy(arn).is_none() {
            return Err(ApiError::recorded(GET, "no policy yet", &[]));
        }
        if !self
            .statements(arn)
            .iter()
            .any(|statement| statement["Sid"] == sid)
        {
            return Err(ApiError::recorded(
                REMOVE,
                "no such statement",
                &[("doesnotexist", sid)],
            ));
        }
        self.delete_statement(arn, sid);
        Ok(())
    }

    fn policy(&self, arn: &str) -> Option<&Policy> {
        self.versions.get(arn).and_then(Option::as_ref)
    }

    fn exists(&self, operation: &str, arn: &str) -> Result<(), ApiError> {
        if self.versions.contains_key(arn) {
            return Ok(());
        }
        Err(ApiError::recorded(
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
    ) -> Result<(), ApiError> {
        let latest = self.policy(arn).map(|policy| policy.revision.as_str());
        if revision.is_none() || revision == latest {
            return Ok(());
        }
        Err(ApiError::recorded(operation, "stale RevisionId", &[]))
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

fn statement(arn: &str, request: &Value) -> Result<Value, ApiError> {
    let action = request["Action"].as_str().unwrap();
    if action != "lambda:GetLayerVersion" {
        return Err(ApiError::recorded(
            ADD,
            "Action \"*\"",
            &[("'*'", &format!("'{action}'"))],
        ));
    }
    let partition = arn.split(':').nth(1).unwrap();
    let principal = match request["Principal"].as_str().unwrap() {
        "*" => json!("*"),
        root if root.starts_with("arn:") => json!({"AWS": root}),
        account => json!({"AWS": format!("arn:{partition}:iam::{account}:root")}),
    };
    let mut statement = json!({
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": arn,
    });
    if let Some(organization) = request.get("OrganizationId") {
        statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
    }
    Ok(statement)
}
