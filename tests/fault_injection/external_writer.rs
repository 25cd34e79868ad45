//! Another writer of the same policies, whose statements come and go; it knows which of them have to be in the policies.

use std::collections::BTreeMap;

use fake_aws::policies::Policies;
use serde_json::{Value, json};

use crate::fault::ExternalWrite;

#[derive(Default)]
pub struct ExternalWriter {
    /// By layer version ARN, in the policy's order.
    statements: BTreeMap<String, Vec<Value>>,
    added: usize,
    /// How often it has changed statements or taken statement ids of the provider, since this was reset.
    pub interferences: usize,
}

impl ExternalWriter {
    /// Changes the policy of `arn`, and returns a line for the trace. `sid` is a statement id that the provider may need.
    pub fn write(
        &mut self,
        policies: &mut Policies,
        arn: &str,
        write: ExternalWrite,
        sid: Option<&str>,
    ) -> String {
        match write {
            ExternalWrite::AddsOwn => self.add_own(policies, arn),
            ExternalWrite::RemovesOwn => self.remove_own(policies, arn),
            ExternalWrite::RemovesOurs => match self.find_ours(policies, arn) {
                Some(sid) => self.remove_ours(policies, arn, &sid),
                None => "the external writer finds no statement of ours".to_owned(),
            },
            ExternalWrite::TakesStatementId => self.take_statement_id(policies, arn, sid),
            ExternalWrite::ReplacesOurs => match self.find_ours(policies, arn) {
                Some(sid) => {
                    self.remove_ours(policies, arn, &sid);
                    self.take_statement_id(policies, arn, Some(&sid));
                    format!("the external writer replaces our {sid}")
                }
                None => "the external writer finds no statement of ours".to_owned(),
            },
        }
    }

    fn add_own(&mut self, policies: &mut Policies, arn: &str) -> String {
        self.added += 1;
        let statement = foreign_statement(arn, self.added);
        self.own(arn).push(statement.clone());
        policies.put_statement(arn, statement);
        format!("the external writer adds foreign-{}", self.added)
    }

    fn remove_own(&mut self, policies: &mut Policies, arn: &str) -> String {
        let own = self.own(arn);
        if own.is_empty() {
            return "the external writer has nothing to remove".to_owned();
        }
        let removed = own.remove(0);
        let sid = removed["Sid"].as_str().unwrap();
        policies.delete_statement(arn, sid);
        format!("the external writer removes {sid}")
    }

    fn find_ours(&mut self, policies: &Policies, arn: &str) -> Option<String> {
        let own = self.own(arn);
        let statements = policies.statements(arn);
        let ours = statements.iter().find(|found| !own.contains(found))?;
        Some(ours["Sid"].as_str().unwrap().to_owned())
    }

    fn remove_ours(&mut self, policies: &mut Policies, arn: &str, sid: &str) -> String {
        self.interferences += 1;
        policies.delete_statement(arn, sid);
        format!("the external writer removes our {sid}")
    }

    fn take_statement_id(
        &mut self,
        policies: &mut Policies,
        arn: &str,
        sid: Option<&str>,
    ) -> String {
        let statements = policies.statements(arn);
        let is_free = |sid: &&str| statements.iter().all(|found| found["Sid"] != *sid);
        let Some(sid) = sid.filter(is_free) else {
            return "the external writer does nothing".to_owned();
        };
        self.interferences += 1;
        let mut statement = foreign_statement(arn, 0);
        statement["Sid"] = sid.into();
        self.own(arn).push(statement.clone());
        policies.put_statement(arn, statement);
        format!("the external writer takes the statement id {sid}")
    }

    fn own(&mut self, arn: &str) -> &mut Vec<Value> {
        self.statements.entry(arn.to_owned()).or_default()
    }

    /// Removes what it has put under statement ids that are not its own; returns those statements that somebody else has removed.
    pub fn release_statement_ids(&mut self, policies: &mut Policies) -> Vec<Value> {
        let mut lost = Vec::new();
        for (arn, own) in &mut self.statements {
            let found = policies.statements(arn);
            own.retain(|statement| {
                let sid = statement["Sid"].as_str().unwrap();
                let stays = sid.starts_with("foreign-");
                if !stays && found.contains(statement) {
                    policies.delete_statement(arn, sid);
                } else if !stays {
                    lost.push(statement.clone());
                }
                stays
            });
        }
        lost
    }

    /// Whether it holds statement ids that are not its own.
    pub fn holds_statement_ids(&self) -> bool {
        let is_own = |statement: &Value| statement["Sid"].as_str().unwrap().starts_with("foreign-");
        !self.statements.values().flatten().all(is_own)
    }

    /// The layer version is deleted, and its policy with it.
    pub fn forget(&mut self, arn: &str) {
        self.statements.remove(arn);
    }

    /// What has to be in the policy of `arn`.
    pub fn statements(&self, arn: &str) -> &[Value] {
        self.statements.get(arn).map_or(&[], Vec::as_slice)
    }
}

/// A statement as other tools and people write them, in one of several forms.
fn foreign_statement(arn: &str, number: usize) -> Value {
    let mut statement = json!({
        "Sid": format!("foreign-{number}"),
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "lambda:GetLayerVersion",
        "Resource": arn,
    });
    match number % 4 {
        0 => statement["Condition"] = json!({"StringLike": {"aws:PrincipalArn": "*é*"}}),
        1 => statement["Principal"] = json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}),
        2 => statement["Effect"] = "Deny".into(),
        _ => {}
    }
    statement
}
