//! Plays Lambda's layer API over HTTP, and STS beside it, with the faults a test asks for, and records every call.
//! Refuses to know the rules of a policy and of a role: those stand in `layer_policies` and `sts_api`.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html>

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lambda_answers::{
    added_answer, garbled_answer, page_answer, policy_answer, refused, removed_answer, throttled,
};
use crate::lambda_call::{Call, Credential, Operation, query_value};
use crate::lambda_faults::{Fault, Faults};
use crate::layer_policies::{LayerPolicies, Policy, Refusal};
use crate::server::{Asked, Reply, serve};
use crate::sts_api::{self, Roles};
use crate::throttle::Throttle;

/// How long after an unconditional write another one still overwrites it, where writers race.
const RACE: Duration = Duration::from_millis(20);

#[derive(Default)]
pub struct State {
    pub policies: LayerPolicies,
    pub roles: Roles,
    pub calls: Vec<Call>,
    pub faults: Faults,
    /// Refuses Lambda's calls beyond so many a second.
    pub throttle: Option<Throttle>,
    /// How long the calls of an operation take until they have an effect.
    pub slow: HashMap<Operation, Duration>,
    /// Whether an unconditional write loses the statements of those that were made since it began.
    pub writers_race: bool,
    /// The unconditional writes: the layer version and the statement id.
    unconditional: Vec<(String, String)>,
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
            let state = Arc::clone(&shared);
            async move { answer(&state, &asked).await }
        })
        .await;
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next calls of `operation` meet these faults, one each, in order.
    pub fn next(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.next(operation, None, faults);
    }

    /// Every call of `operation` meets this fault.
    pub fn always(&self, operation: Operation, fault: Fault) {
        self.state().faults.always(operation, None, fault);
    }

    /// Ends what `always` began.
    pub fn heal(&self) {
        self.state().faults.heal();
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

/// Answers one call. Of two unconditional writes that overlap, the later one takes effect on the policy as it was when it
/// began; neither is answered before the other one can have taken effect, so that a writer who reads back sees it.
async fn answer(state: &Mutex<State>, asked: &Asked) -> Reply {
    let (call, races, slow) = {
        let state = state.lock().unwrap();
        let account = state
            .roles
            .account(&Credential::of(asked).access_key, asked);
        let call = Call::parse(asked, &account);
        let unconditional = call.operation == Operation::Add && call.revision.is_none();
        let since = state.unconditional.len();
        let races = (state.writers_race && unconditional).then_some(since);
        let slow = state.slow.get(&call.operation).copied();
        (call, races, slow)
    };
    if let Some(slow) = slow {
        tokio::time::sleep(slow).await;
    }
    if let Some(since) = races {
        tokio::time::sleep(RACE).await;
        state.lock().unwrap().overwrite(&call, since);
    }
    let reply = {
        let mut state = state.lock().unwrap();
        let (status, reply) = state.admit(&call, asked);
        state.calls.push(Call { status, ..call });
        reply
    };
    if races.is_some() {
        tokio::time::sleep(RACE).await;
    }
    reply
}

impl State {
    fn overwrite(&mut self, call: &Call, since: usize) {
        for (arn, sid) in &self.unconditional[since..] {
            if *arn == call.arn {
                self.policies.take(arn, sid);
            }
        }
    }

    fn admit(&mut self, call: &Call, asked: &Asked) -> (Option<u16>, Reply) {
        if call.operation == Operation::Assume {
            self.roles.note(asked);
        } else if !self.roles.allows(&call.credential.access_key, &call.arn) {
            let message = format!("no session policy allows it on {}", call.arn);
            return refused(&Refusal::new(403, "AccessDeniedException", &message));
        } else if let Some(throttle) = &mut self.throttle
            && !throttle.admits(Instant::now())
        {
            return throttled(throttle.says_when);
        }
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        self.meet(call, &body)
    }

    fn meet(&mut self, call: &Call, body: &Value) -> (Option<u16>, Reply) {
        match self.faults.met_by(call) {
            Some(Fault::Refused(status, code, message)) => {
                let refusal = Refusal::new(status, code, message);
                if call.operation == Operation::Assume {
                    sts_api::refused(&refusal)
                } else {
                    refused(&refusal)
                }
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
            Some(Fault::Garbled(policy)) => garbled_answer(policy),
            Some(Fault::AnsweredBy(status, body_text)) => {
                self.perform(call, body);
                (Some(status), Reply::new(status, &[], body_text))
            }
            Some(Fault::AnsweredInsteadBy(status, body_text)) => {
                (Some(status), Reply::new(status, &[], body_text))
            }
            Some(Fault::AddsInstead(statement)) => {
                self.policies.put(&call.arn, statement.clone());
                let now = self.policies.get(&call.arn).ok().unwrap().revision;
                added_answer(&statement, &now)
            }
            Some(Fault::AnotherAdds(statement)) => {
                self.policies.put(&call.arn, statement);
                self.perform(call, body)
            }
            Some(Fault::AnotherRemoves(sid)) => {
                self.policies.take(&call.arn, sid);
                self.perform(call, body)
            }
            Some(Fault::VersionVanishes) => {
                self.policies.unpublish(&call.arn);
                self.perform(call, body)
            }
            None => self.perform(call, body),
        }
    }

    fn perform(&mut self, call: &Call, body: &Value) -> (Option<u16>, Reply) {
        if matches!(call.operation, Operation::Add | Operation::Remove) {
            self.before_last_write
                .insert(call.arn.clone(), self.policies.get(&call.arn));
        }
        let (arn, sid) = (&call.arn, call.sid.as_deref());
        let revision = call.revision.as_deref();
        let performed = match call.operation {
            Operation::Assume => return self.roles.assume(),
            Operation::List => self.list(call),
            Operation::Get => self.policies.get(arn).map(|policy| policy_answer(&policy)),
            Operation::Add => self.add(call, body),
            Operation::Remove => self
                .policies
                .remove(arn, sid.unwrap(), revision)
                .map(|()| removed_answer()),
        };
        performed.unwrap_or_else(|refusal| refused(&refusal))
    }

    fn list(&self, call: &Call) -> Result<(Option<u16>, Reply), Refusal> {
        let most = query_value(&call.target, "MaxItems").map(|most| most.parse().unwrap());
        let marker = query_value(&call.target, "Marker");
        let page = self.policies.list(&call.arn, marker.as_deref(), most)?;
        Ok(page_answer(&page))
    }

    fn add(&mut self, call: &Call, body: &Value) -> Result<(Option<u16>, Reply), Refusal> {
        let revision = call.revision.as_deref();
        let (statement, now) = self.policies.add(&call.arn, body, revision)?;
        if revision.is_none() {
            let sid = call.sid.clone().unwrap();
            self.unconditional.push((call.arn.clone(), sid));
        }
        Ok(added_answer(&statement, &now))
    }
}
