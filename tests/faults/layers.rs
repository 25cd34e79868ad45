//! The layers of one schedule: the policies with all that happens to them, and when each executable read and wrote what.
//! Refuses to know HTTP; the rules of a policy stand in `layer_policies`, and what is served otherwise in `otherwise`.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::another_writer::AnotherWriter;
use crate::dealt::Dealt;
use crate::fault::{CallFault, Move};
use crate::guardrails::Guardrails;
use crate::lambda_answers::{
    Answered, added_answer, page_answer, policy_answer, refused, removed_answer,
};
use crate::lambda_call::{Call, Operation, query_value};
use crate::layer_policies::{LayerPolicies, Policy, Refusal};
use crate::record::Record;
use crate::trouble::Trouble;

/// A write that carried no revision.
pub struct Race {
    arn: String,
    sid: String,
    /// Whether it has been answered, and so is not overwritten any more.
    pub over: bool,
}

/// What a reading was answered from some time on.
type Seen = (Instant, Result<Policy, Refusal>);

pub struct Layers {
    pub policies: LayerPolicies,
    pub another: AnotherWriter,
    dealt: BTreeMap<String, Dealt>,
    /// What the policy of each layer version looked like after each change.
    pub seen: BTreeMap<String, Vec<Seen>>,
    pub races: Vec<Race>,
    /// What no executable may ever ask for, and one has.
    pub broken: Vec<String>,
    pub record: Record,
}

impl Layers {
    pub fn new(record: Record) -> Self {
        Self {
            policies: LayerPolicies::default(),
            another: AnotherWriter::default(),
            dealt: BTreeMap::new(),
            seen: BTreeMap::new(),
            races: Vec::new(),
            broken: Vec::new(),
            record,
        }
    }

    /// A world without layers and without another writer.
    pub fn reset(&mut self) {
        *self = Self::new(self.record.clone());
    }

    pub fn publish(&mut self, arn: &str) {
        self.policies.publish(arn);
        self.seen.insert(arn.to_owned(), Vec::new());
        self.keep(arn);
    }

    pub fn unpublish(&mut self, arn: &str) {
        self.policies.unpublish(arn);
        self.another.forget(arn);
        self.seen.remove(arn);
    }

    /// Deals `trouble` to the executable that signs with `key`, for the event that begins now.
    pub fn deal(&mut self, key: &str, trouble: &Trouble, guardrails: &Guardrails) {
        self.dealt(key).begin(trouble, guardrails);
    }

    /// Whoever is refused by the guardrails of an executable is never added by it.
    pub fn guard(&mut self, call: &Call, body: &Value) {
        let key = &call.credential.access_key;
        let guardrails = self.dealt(key).guardrails.clone();
        let refused = guardrails.is_some_and(|guardrails| guardrails.refuses_body(body));
        if call.operation == Operation::Add && refused {
            self.broken
                .push(format!("added, though the guardrails refuse it: {body}"));
        }
    }

    pub fn dealt(&mut self, key: &str) -> &mut Dealt {
        self.dealt.entry(key.to_owned()).or_default()
    }

    /// Of two unconditional writes that overlap, the later one takes effect on the policy as it was when it began.
    pub fn overwrite(&mut self, call: &Call, since: usize) {
        let since = since.min(self.races.len());
        let lost = self.races[since..].iter();
        let lost = lost.filter(|race| race.arn == call.arn && !race.over);
        let lost: Vec<String> = lost.map(|race| race.sid.clone()).collect();
        for sid in lost {
            self.policies.delete_statement(&call.arn, &sid);
            self.record.note(&format!("    {sid} is overwritten"));
            self.record.count("Race");
        }
        self.keep(&call.arn);
    }

    /// Notes an unconditional write that was made; gives its number.
    pub fn race(&mut self, call: &Call) -> usize {
        self.races.push(Race {
            arn: call.arn.clone(),
            sid: call.sid.clone().unwrap_or_default(),
            over: false,
        });
        self.races.len() - 1
    }

    pub fn another_acts(&mut self, arn: &str, action: Move, sid: Option<&str>) {
        if self.seen.contains_key(arn) {
            let did = self.another.act(&mut self.policies, arn, action, sid);
            self.keep(arn);
            self.record.note(&format!("    {did} on {arn}"));
        }
    }

    pub fn perform(&mut self, call: &Call, body: &Value) -> Answered {
        let (arn, revision) = (&call.arn, call.revision.as_deref());
        let sid = call.sid.as_deref().unwrap_or_default();
        let performed = match call.operation {
            Operation::Assume => unreachable!("no resource names a role"),
            Operation::List => self.list(call),
            Operation::Get => self.policies.get(arn).map(|policy| policy_answer(&policy)),
            Operation::Add => self
                .policies
                .add(arn, body, revision)
                .map(|(statement, now)| added_answer(&statement, &now)),
            Operation::Remove => self
                .policies
                .remove(arn, sid, revision)
                .map(|()| removed_answer()),
        };
        let now = Instant::now();
        let dealt = self
            .dealt
            .entry(call.credential.access_key.clone())
            .or_default();
        match call.operation {
            Operation::Get | Operation::List => {
                dealt.read.insert(arn.clone(), now);
            }
            Operation::Add | Operation::Remove if performed.is_ok() => {
                dealt.written = Some(now);
                if call.operation == Operation::Add {
                    dealt.added.insert(arn.clone(), now);
                    dealt
                        .additions
                        .extend(call.sid.clone().map(|sid| (arn.clone(), sid)));
                }
                self.keep(arn);
            }
            Operation::Add | Operation::Remove | Operation::Assume => {}
        }
        performed.unwrap_or_else(|refusal| refused(&refusal))
    }

    fn list(&self, call: &Call) -> Result<Answered, Refusal> {
        let most = query_value(&call.target, "MaxItems").map(|most| most.parse().unwrap());
        let marker = query_value(&call.target, "Marker");
        let page = self.policies.list(&call.arn, marker.as_deref(), most)?;
        Ok(page_answer(&page))
    }

    /// Keeps what the policy of `arn` looks like now, if there is such a layer version.
    pub fn keep(&mut self, arn: &str) {
        let now = (Instant::now(), self.policies.get(arn));
        if let Some(seen) = self.seen.get_mut(arn) {
            seen.push(now);
        }
    }

    pub fn note(&self, call: &Call, status: Option<u16>, fault: Option<CallFault>) {
        let lane = &call.credential.access_key[4..5];
        let place = call
            .arn
            .rsplit_once("layer:")
            .map_or("", |(_, place)| place);
        let call = Call {
            status,
            ..call.clone()
        };
        let met = fault.map_or_else(String::new, |fault| format!("  <- {fault:?}"));
        self.record.note(&format!("  {lane} {place} {call}{met}"));
        self.record.count("calls");
        if let Some(fault) = fault {
            let kind = format!("{fault:?}").replace(|c: char| c.is_ascii_digit(), "");
            self.record.count(&format!("call {kind}"));
        }
    }
}
