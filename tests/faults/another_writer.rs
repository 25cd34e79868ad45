//! Another writer of the same policies: its statements come and go, and it remembers which of them have to be there.
//! Refuses to know when it is its turn.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::Move;
use crate::layer_policies::LayerPolicies;

#[derive(Default)]
pub struct AnotherWriter {
    /// By layer version ARN, in the policy's order.
    statements: BTreeMap<String, Vec<Value>>,
    written: usize,
    /// How often it has touched what is ours, since this was set back.
    pub meddled: usize,
}

impl AnotherWriter {
    /// Does it in the policy of `arn`, and says what it did. `sid` is one that may be ours.
    pub fn act(
        &mut self,
        policies: &mut LayerPolicies,
        arn: &str,
        action: Move,
        sid: Option<&str>,
    ) -> String {
        let there = policies.statements(arn);
        let own = self.statements.entry(arn.to_owned()).or_default();
        match action {
            Move::Comes => {
                self.written += 1;
                let statement = shaped(arn, self.written);
                own.push(statement.clone());
                policies.put_statement(arn, statement);
                format!("another writer adds foreign-{}", self.written)
            }
            Move::Goes if !own.is_empty() => {
                let gone = own.remove(0);
                let sid = gone["Sid"].as_str().unwrap();
                policies.delete_statement(arn, sid);
                format!("another writer removes {sid}")
            }
            Move::TakesOurs => match there.iter().find(|statement| !own.contains(statement)) {
                Some(ours) => {
                    self.meddled += 1;
                    let sid = ours["Sid"].as_str().unwrap();
                    policies.delete_statement(arn, sid);
                    format!("another writer removes our {sid}")
                }
                None => "another writer finds nothing of ours".to_owned(),
            },
            Move::Obstructs => match sid {
                Some(sid) if there.iter().all(|statement| statement["Sid"] != sid) => {
                    self.meddled += 1;
                    let mut statement = shaped(arn, 0);
                    statement["Sid"] = sid.into();
                    own.push(statement.clone());
                    policies.put_statement(arn, statement);
                    format!("another writer takes the id {sid}")
                }
                _ => "another writer does nothing".to_owned(),
            },
            Move::Hijacks => match there.iter().find(|statement| !own.contains(statement)) {
                Some(ours) => {
                    let sid = ours["Sid"].as_str().map(str::to_owned);
                    self.act(policies, arn, Move::TakesOurs, None);
                    self.act(policies, arn, Move::Obstructs, sid.as_deref());
                    format!("another writer replaces our {}", sid.unwrap_or_default())
                }
                None => "another writer finds nothing of ours".to_owned(),
            },
            Move::Goes => "another writer has nothing to remove".to_owned(),
        }
    }

    /// Removes what it has put under ids that are not its own; gives those that somebody else has removed.
    pub fn clear_the_way(&mut self, policies: &mut LayerPolicies) -> Vec<Value> {
        let mut lost = Vec::new();
        for (arn, own) in &mut self.statements {
            let there = policies.statements(arn);
            own.retain(|statement| {
                let sid = statement["Sid"].as_str().unwrap();
                let stays = sid.starts_with("foreign-");
                if !stays && there.contains(statement) {
                    policies.delete_statement(arn, sid);
                } else if !stays {
                    lost.push(statement.clone());
                }
                stays
            });
        }
        lost
    }

    /// Whether something of its own stands under an id that is not its own.
    pub fn obstructs(&self) -> bool {
        let own = |statement: &Value| statement["Sid"].as_str().unwrap().starts_with("foreign-");
        !self.statements.values().flatten().all(own)
    }

    /// The layer version is gone, and with it what stood in its policy.
    pub fn forget(&mut self, arn: &str) {
        self.statements.remove(arn);
    }

    /// What has to stand in the policy of `arn`.
    pub fn statements(&self, arn: &str) -> &[Value] {
        self.statements.get(arn).map_or(&[], Vec::as_slice)
    }
}

/// A statement as other tools and people write them, in one of several shapes.
fn shaped(arn: &str, number: usize) -> Value {
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
