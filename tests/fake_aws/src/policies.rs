//! The policies of layer versions and functions, as they are stored. The rules by which Lambda changes them stand in
//! `layer_policies` and `function_policies`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

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
}

/// The policy of one layer version or function.
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

/// By ARN: the layer versions, the functions and their qualifiers that exist, and the policy of those that have one.
#[derive(Default)]
pub struct Policies {
    pub(crate) by_arn: BTreeMap<String, Option<Policy>>,
    revisions: usize,
    /// The most versions on a page, where that is less than `MaxItems`: Lambda does not guarantee full pages.
    pub max_page_size: Option<usize>,
    /// A version that is not listed yet.
    pub unlisted: Option<String>,
    /// How many bytes a policy can have beyond Lambda's limit.
    pub extra_policy_size: usize,
    /// The principals that no function can be granted to.
    pub unknown_principals: BTreeSet<String>,
    /// Whether nothing can be added to the policy of a function that has a statement of a deleted principal.
    pub rejects_deleted_principals: bool,
}

impl Policies {
    /// A new layer version, function, alias or version of a function, without a policy.
    pub fn publish(&mut self, arn: &str) {
        self.by_arn.insert(arn.to_owned(), None);
    }

    /// Deletes it, and its policy with it.
    pub fn unpublish(&mut self, arn: &str) {
        self.by_arn.remove(arn);
    }

    /// Whether it exists.
    #[must_use]
    pub fn exists(&self, arn: &str) -> bool {
        self.by_arn.contains_key(arn)
    }

    /// Deletes a role or a user: IAM shows `unique_id` in its place from now on.
    pub fn delete_principal(&mut self, arn: &str, unique_id: &str) {
        let statements = self.by_arn.values_mut().flatten();
        let statements = statements.flat_map(|policy| &mut policy.statements);
        for statement in statements.filter(|statement| statement["Principal"]["AWS"] == arn) {
            statement["Principal"]["AWS"] = unique_id.into();
        }
        self.unknown_principals.insert(arn.to_owned());
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

    /// The policy, if there is one.
    #[must_use]
    pub fn policy(&self, arn: &str) -> Option<&Policy> {
        self.by_arn.get(arn).and_then(Option::as_ref)
    }

    /// Whether `revision` is given, and not that of the policy.
    pub(crate) fn is_stale(&self, arn: &str, revision: Option<&str>) -> bool {
        let latest = self.policy(arn).map(|policy| policy.revision.as_str());
        revision.is_some() && revision != latest
    }

    /// Adds a statement, if the policy is not too large with it; the new revision.
    pub(crate) fn add_statement(
        &mut self,
        arn: &str,
        statement: Value,
    ) -> Result<String, ApiError> {
        let mut statements = self.statements(arn);
        statements.push(statement);
        let size = Policy {
            statements: statements.clone(),
            revision: String::new(),
        };
        let size = size.document().len();
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
        Ok(self.policy(arn).unwrap().revision.clone())
    }

    fn store(&mut self, arn: &str, statements: Vec<Value>) {
        self.revisions += 1;
        let revision = format!("revision-{}", self.revisions);
        let policy = (!statements.is_empty()).then_some(Policy {
            statements,
            revision,
        });
        *self.by_arn.get_mut(arn).expect("the resource exists") = policy;
    }
}
