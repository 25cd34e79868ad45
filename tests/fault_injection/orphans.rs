//! Statements of ours that must not be left behind: by a Delete that succeeded, by a Create whose response was rejected; and
//! those that a rollback has logged as left.

use serde_json::Value;

use crate::final_state::LOG_DELAY;
use crate::request::Request;
use crate::resource::CreatedResource;
use crate::scenario::Scenario;
use crate::statement_forms::normalized;

/// What the log says of statements that could not be cleaned up.
pub struct LoggedOrphan {
    logical_id: String,
    /// The layer version, or the layer.
    arn: String,
}

impl LoggedOrphan {
    pub fn covers(&self, arn: &str, statement: &Value) -> bool {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        arn.starts_with(&self.arn) && sid.contains(&self.logical_id)
    }
}

impl Scenario<'_> {
    /// After a successful Delete, none of the resource's statements is there.
    pub fn require_deleted(&self, logical_id: &str, resource: &CreatedResource, label: &str) {
        let (id, desired) = (&resource.physical_id, &resource.desired);
        if id == "never-created" || desired.mismatched.is_some() {
            return;
        }
        let sid = self.statement_id_of(logical_id, id, desired);
        let sid = sid.unwrap_or_default();
        let removals = desired.statements(&self.layer, &sid, &self.versions());
        let layers = self.env.lambda_api.layers();
        let left = removals.into_iter().find(|(arn, removal)| {
            let statements = layers.policies.statements(arn);
            statements.iter().any(|found| normalized(found) == *removal)
        });
        drop(layers);
        if let Some((arn, statement)) = left {
            let sid = &statement["Sid"];
            self.violation(&format!("{label}: SUCCESS, but {sid} is left on {arn}"));
        }
    }

    /// After a Create whose response was certainly not received, none of its statements is there, unless the log says so.
    pub async fn require_rolled_back(&self, request: &Request<'_>) {
        let left = self.statements_of(request.logical_id);
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(LOG_DELAY).await;
        let log = self.env.environments[request.environment].log();
        if log.iter().any(|line| line.contains("\"rollback failed\"")) {
            return;
        }
        for left in left {
            let label = &request.label;
            self.violation(&format!("{label}: response rejected, but left is {left}"));
        }
    }

    /// The statements of the resource `logical_id` in all policies.
    pub fn statements_of(&self, logical_id: &str) -> Vec<Value> {
        let layers = self.env.lambda_api.layers();
        let mut statements = Vec::new();
        for arn in self.policy_arns() {
            let external = layers.external_writer.statements(&arn);
            let is_ours = |found: &Value| {
                let sid = found["Sid"].as_str().unwrap_or_default();
                sid.contains(logical_id) && !external.contains(found)
            };
            let found = layers.policies.statements(&arn);
            statements.extend(found.into_iter().filter(is_ours));
        }
        statements
    }

    /// A rollback that cannot clean up what a failed Update has left logs it and succeeds all the same: otherwise the stack could
    /// not be rolled back.
    pub fn logged_orphans(&self) -> Vec<LoggedOrphan> {
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let mut orphans = Vec::new();
        for environment in &self.env.environments {
            for line in environment.log() {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["message"] == "orphan cleanup failed" {
                    orphans.push(LoggedOrphan {
                        logical_id: text(&line, "logical_id"),
                        arn: text(&line, "resource"),
                    });
                }
            }
        }
        orphans
    }
}
