//! Calls that are answered, but not as usual: in vain, by an old policy, by what cannot be read, or with another statement.
//! Refuses to know which call it is that meets it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Effect, Form, Move, Shape};
use crate::lambda_answers::{Answered, added_answer, policy_answer, refused};
use crate::lambda_call::{Call, Operation};
use crate::layers::Layers;
use crate::wording;

/// How old a stale reading is at most.
const STALE: Duration = Duration::from_millis(1_500);

impl Layers {
    /// As usual, but another writer's unconditional write takes the place of an unconditional addition.
    pub fn perform_in_vain(&mut self, call: &Call, body: &Value) -> Answered {
        let answered = self.perform(call, body);
        let added = call.operation == Operation::Add && answered.0 == Some(201);
        if added && call.revision.is_none() {
            self.policies
                .delete_statement(&call.arn, call.sid.as_deref().unwrap());
            self.another_acts(&call.arn, Move::Comes, None);
        }
        answered
    }

    /// A reading as it would have been answered a moment ago, but not before the event began.
    pub fn stale(&mut self, call: &Call, body: &Value) -> Answered {
        let began = self.dealt(&call.credential.access_key).began;
        let then = Instant::now().checked_sub(STALE).max(began);
        let seen = self
            .seen
            .get(&call.arn)
            .filter(|_| call.operation == Operation::Get);
        let seen = seen.and_then(|seen| seen.iter().rfind(|(at, _)| Some(*at) <= then));
        match seen.cloned() {
            Some((_, Ok(policy))) => policy_answer(&policy),
            Some((_, Err(refusal))) => refused(&refusal),
            None => self.perform(call, body),
        }
    }

    /// A success that cannot be read.
    pub fn unreadable(
        &mut self,
        call: &Call,
        body: &Value,
        shape: Shape,
        effect: Effect,
    ) -> Answered {
        let writes = matches!(call.operation, Operation::Add | Operation::Remove);
        if writes && effect == Effect::Done {
            let answered = self.perform(call, body);
            if answered.0.is_none_or(|status| status >= 300) {
                return answered;
            }
        }
        wording::unreadable(call.operation, shape)
    }

    /// An addition that is written in other words than were asked for.
    pub fn written_otherwise(&mut self, call: &Call, body: &Value, form: Form) -> Answered {
        let answered = self.perform(call, body);
        if call.operation != Operation::Add || answered.0 != Some(201) {
            return answered;
        }
        let sid = call.sid.as_deref().unwrap();
        let there = self.policies.statements(&call.arn);
        let asked = there.iter().find(|found| found["Sid"] == sid).unwrap();
        let written = wording::written_as(asked, form);
        self.dealt(&call.credential.access_key).otherwise = true;
        self.policies.delete_statement(&call.arn, sid);
        self.policies.put_statement(&call.arn, written.clone());
        self.keep(&call.arn);
        let now = self.policies.get(&call.arn).unwrap();
        added_answer(&written, &now.revision)
    }

    /// As usual, but what was added is replaced before anybody reads it.
    pub fn hijacked(&mut self, call: &Call, body: &Value) -> Answered {
        let answered = self.perform(call, body);
        if call.operation == Operation::Add && answered.0 == Some(201) {
            let sid = call.sid.as_deref();
            self.policies.delete_statement(&call.arn, sid.unwrap());
            self.another_acts(&call.arn, Move::Obstructs, sid);
            let unread = call.revision.is_none();
            self.dealt(&call.credential.access_key).hijacked |= unread;
        }
        answered
    }
}
