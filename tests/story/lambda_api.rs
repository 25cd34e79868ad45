//! Plays Lambda's layer policy API over HTTP, with the faults a test asks for, and records every call.
//! Refuses to know the rules of a policy: those stand in `layer_policies`.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html>

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::lambda_call::{Call, Operation, parse};
use crate::layer_policies::{LayerPolicies, Policy, Refusal};
use crate::recorded;
use crate::server::{Asked, Reply, serve};

/// What goes otherwise than usual in one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Refused, without effect.
    Refused(u16, &'static str, &'static str),
    /// Takes effect, but the connection ends without an answer.
    AnswerLost,
    /// Without effect and without an answer.
    Hangs,
    /// Answered as usual, but without effect.
    WriteLost,
    /// Answered as it stood before the last write.
    Stale,
    /// Answered with this text in the place of the policy.
    Garbled(&'static str),
    /// Another writer is quicker, by a moment: adds this statement.
    AnotherAdds(Value),
    /// Another writer is quicker, by a moment: removes the statement of this id.
    AnotherRemoves(&'static str),
}

#[derive(Default)]
pub struct State {
    pub policies: LayerPolicies,
    pub calls: Vec<Call>,
    faults: HashMap<Operation, VecDeque<Fault>>,
    lasting: HashMap<Operation, Fault>,
    /// What `Fault::Stale` answers.
    before_last_write: HashMap<String, Result<Policy, Refusal>>,
}

#[derive(Clone)]
pub struct LambdaApi {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl LambdaApi {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |asked| {
            let reply = shared.lock().unwrap().answer(&asked);
            async move { reply }
        })
        .await;
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next calls of `operation` meet these faults, one each, in order.
    pub fn next(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.state()
            .faults
            .entry(operation)
            .or_default()
            .extend(faults);
    }

    /// Every call of `operation` meets this fault.
    pub fn always(&self, operation: Operation, fault: Fault) {
        self.state().lasting.insert(operation, fault);
    }

    /// Ends what `always` began.
    pub fn heal(&self) {
        self.state().lasting.clear();
    }

    /// The calls since this was asked last, a line each.
    pub fn calls(&self) -> Vec<String> {
        self.state()
            .calls
            .drain(..)
            .map(|call| call.to_string())
            .collect()
    }
}

impl State {
    fn answer(&mut self, asked: &Asked) -> Reply {
        let mut call = parse(asked);
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let (status, reply) = self.meet(&call, &body);
        call.status = status;
        self.calls.push(call);
        reply
    }

    fn meet(&mut self, call: &Call, body: &Value) -> (Option<u16>, Reply) {
        let scripted = self
            .faults
            .get_mut(&call.operation)
            .and_then(VecDeque::pop_front);
        match scripted.or_else(|| self.lasting.get(&call.operation).cloned()) {
            Some(Fault::Refused(status, code, message)) => {
                refused(&Refusal::new(status, code, message))
            }
            Some(Fault::AnswerLost) => {
                self.perform(call, body);
                (None, Reply::Closed)
            }
            Some(Fault::Hangs) => (None, Reply::Hang),
            Some(Fault::WriteLost) => {
                let statements = self.policies.statements(&call.arn);
                let answer = self.perform(call, body);
                self.policies.publish(&call.arn);
                for statement in statements {
                    self.policies.put(&call.arn, statement);
                }
                answer
            }
            Some(Fault::Stale) => match self.before_last_write[&call.arn].clone() {
                Ok(policy) => policy_answer(&policy),
                Err(refusal) => refused(&refusal),
            },
            Some(Fault::Garbled(policy)) => {
                let body = json!({"Policy": policy, "RevisionId": "revision-1"});
                answered(200, &body.to_string())
            }
            Some(Fault::AnotherAdds(statement)) => {
                self.policies.put(&call.arn, statement);
                self.perform(call, body)
            }
            Some(Fault::AnotherRemoves(sid)) => {
                self.policies.take(&call.arn, sid);
                self.perform(call, body)
            }
            None => self.perform(call, body),
        }
    }

    fn perform(&mut self, call: &Call, body: &Value) -> (Option<u16>, Reply) {
        if call.operation != Operation::Get {
            self.before_last_write
                .insert(call.arn.clone(), self.policies.get(&call.arn));
        }
        let revision = call.revision.as_deref();
        match call.operation {
            Operation::Get => self
                .policies
                .get(&call.arn)
                .map(|policy| policy_answer(&policy)),
            Operation::Add => {
                self.policies
                    .add(&call.arn, body, revision)
                    .map(|(statement, revision)| {
                        let body =
                            json!({"Statement": statement.to_string(), "RevisionId": revision});
                        answered(
                            recorded::success("AddLayerVersionPermission"),
                            &body.to_string(),
                        )
                    })
            }
            Operation::Remove => self
                .policies
                .remove(&call.arn, call.sid.as_deref().unwrap(), revision)
                .map(|()| answered(recorded::success("RemoveLayerVersionPermission"), "")),
        }
        .unwrap_or_else(|refusal| refused(&refusal))
    }
}

fn policy_answer(policy: &Policy) -> (Option<u16>, Reply) {
    let body = json!({"Policy": policy.document(), "RevisionId": policy.revision});
    answered(
        recorded::success("GetLayerVersionPolicy"),
        &body.to_string(),
    )
}

fn answered(status: u16, body: &str) -> (Option<u16>, Reply) {
    (
        Some(status),
        Reply::new(
            status,
            &[("Content-Type", "application/json")],
            body.to_owned(),
        ),
    )
}

fn refused(refusal: &Refusal) -> (Option<u16>, Reply) {
    let body = json!({"Type": "User", "Message": refusal.message}).to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", refusal.code.as_str()),
    ];
    (
        Some(refusal.status),
        Reply::new(refusal.status, &headers, body),
    )
}
