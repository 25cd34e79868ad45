//! What every policy must hold after an operation: exactly the desired statements, and the statements of others byte for byte.

use std::time::Duration;

use serde_json::Value;

use crate::desired_state::DesiredState;
use crate::resource::Resource;
use crate::scenario::Scenario;
use crate::statement_forms::normalized;

/// How long it takes at most until a line of the log can be read.
pub const LOG_DELAY: Duration = Duration::from_millis(500);

/// A statement and its layer version.
type Placed = (String, Value);

impl Scenario<'_> {
    /// Compares every policy with what the resources and the external writer need.
    pub async fn check_final_state(&self, resources: &[Resource], when: &str) {
        if !self.final_state_violations(resources, when).is_empty() {
            // The log may say which statements are excused.
            tokio::time::sleep(LOG_DELAY).await;
        }
        for violation in self.final_state_violations(resources, when) {
            self.violation(&violation);
        }
    }

    fn final_state_violations(&self, resources: &[Resource], when: &str) -> Vec<String> {
        let desired = self.desired_statements(resources);
        let logged_orphans = self.logged_orphans();
        let layers = self.env.lambda_api.layers();
        let mut violations = Vec::new();
        for arn in self.policy_arns() {
            let desired: Vec<&Value> = desired
                .iter()
                .filter(|(at, _)| *at == arn)
                .map(|(_, statement)| statement)
                .collect();
            let is_desired = |found: &Value| desired.contains(&&normalized(found));
            let found = layers.policies.statements(&arn);
            let (ours, others): (Vec<Value>, Vec<Value>) = found.into_iter().partition(is_desired);
            let (disturbed, desired): (Vec<&Value>, Vec<&Value>) = desired
                .into_iter()
                .partition(|statement| self.is_of_two_executions(statement));
            if !check_desired(&disturbed, &ours).is_empty() {
                self.count("excused: one of two executions at the same time was rolled back, and CloudFormation heard that the other one succeeded");
            }
            violations.extend(check_desired(&desired, &ours));
            let external = layers.external_writer.statements(&arn);
            for orphan in others.iter().filter(|other| !external.contains(other)) {
                if self.is_of_two_executions(orphan) {
                    self.count("excused: one of two executions at the same time has granted, and CloudFormation heard that the other one failed");
                } else if logged_orphans
                    .iter()
                    .any(|logged| logged.covers(&arn, orphan))
                {
                    self.count("excused: a rollback could not reach what a failed Update had left");
                } else {
                    violations.push(format!("left over: {orphan}"));
                }
            }
            violations.extend(check_external(external, &others));
        }
        violations
            .into_iter()
            .map(|violation| format!("{when}: {violation}"))
            .collect()
    }

    /// Whether a statement is of a resource whose request was handled twice at the same time, with two different responses.
    fn is_of_two_executions(&self, statement: &Value) -> bool {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        let handled_twice = self.handled_twice.lock().unwrap();
        handled_twice
            .iter()
            .any(|logical_id| sid.contains(logical_id))
    }

    fn desired_statements(&self, resources: &[Resource]) -> Vec<Placed> {
        let mut statements = Vec::new();
        for resource in resources {
            let Some(created) = &resource.created else {
                continue;
            };
            let (id, desired) = (&created.physical_id, &created.desired);
            if let Some(sid) = self.statement_id_of(resource.logical_id, id, desired) {
                statements.extend(desired.statements(&self.layer, &sid, &self.versions()));
            }
        }
        statements
    }

    /// The statement id of a resource; none where it is derived, and no response has contained it yet.
    pub fn statement_id_of(
        &self,
        logical_id: &str,
        physical_id: &str,
        desired: &DesiredState,
    ) -> Option<String> {
        let derived = || {
            let derived = self.derived_statement_ids.lock().unwrap();
            let key = format!("{logical_id} {}", desired.derivation_key());
            derived.get(&key).cloned()
        };
        let from_id = physical_id.split_once('#').map(|(_, sid)| sid.to_owned());
        from_id
            .or_else(|| desired.statement_id.clone())
            .or_else(derived)
    }
}

/// Each desired statement is there exactly once.
fn check_desired(desired: &[&Value], found: &[Value]) -> Vec<String> {
    let mut violations = Vec::new();
    for statement in desired {
        let matches = |found: &&Value| normalized(found) == **statement;
        let number = found.iter().filter(matches).count();
        if number != 1 {
            violations.push(format!("{number} times instead of once: {statement}"));
        }
    }
    violations
}

/// The external statements are there in their order, byte for byte.
fn check_external(external: &[Value], others: &[Value]) -> Option<String> {
    let text = |statements: &[Value]| -> Vec<String> {
        let known = statements
            .iter()
            .filter(|statement| external.contains(statement));
        known.map(Value::to_string).collect()
    };
    (text(others) != text(external))
        .then(|| format!("of others there is {others:?} instead of {external:?}"))
}
