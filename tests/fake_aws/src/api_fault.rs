//! The faults that a test injects into the calls to Lambda and STS.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::api_call::{ApiCall, Operation};

/// What happens to one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Fails with this status, code and message, without effect.
    Rejected(u16, &'static str, &'static str),
    /// Takes effect, but the connection is closed without a response.
    ResponseLost,
    /// Without effect and without a response.
    NoResponse,
    /// Succeeds, but has no effect.
    WriteLost,
    /// Returns the state before the last write.
    StaleRead,
    /// Returns this text in the place of the policy document.
    MalformedPolicy(&'static str),
    /// Takes effect, and returns this status and body.
    RespondsWith(u16, &'static str),
    /// Returns this status and body, without effect.
    RespondsWithoutEffect(u16, &'static str),
    /// Adds another statement than the one in the request, and returns it.
    AddsOtherStatement(Value),
    /// Another writer adds this statement just before.
    ConcurrentAdd(Value),
    /// Another writer removes the statement of this id just before.
    ConcurrentRemove(&'static str),
    /// The layer version is deleted just before.
    VersionDeleted,
}

/// The faults to come: in every call of an operation, or only in those on one ARN.
#[derive(Default)]
pub struct Faults {
    next: HashMap<(Operation, Option<String>), VecDeque<Fault>>,
    lasting: HashMap<(Operation, Option<String>), Fault>,
}

impl Faults {
    /// The next calls meet these faults, one each, in order.
    pub fn inject(
        &mut self,
        operation: Operation,
        arn: Option<&str>,
        faults: impl IntoIterator<Item = Fault>,
    ) {
        let key = (operation, arn.map(str::to_owned));
        self.next.entry(key).or_default().extend(faults);
    }

    /// Every call meets this fault, until `clear`.
    pub fn inject_always(&mut self, operation: Operation, arn: Option<&str>, fault: Fault) {
        let key = (operation, arn.map(str::to_owned));
        self.lasting.insert(key, fault);
    }

    /// Ends what `inject_always` began.
    pub fn clear(&mut self) {
        self.lasting.clear();
    }

    /// The fault of `call`, if it meets one.
    pub fn take(&mut self, call: &ApiCall) -> Option<Fault> {
        let keys = [
            (call.operation, Some(call.arn.clone())),
            (call.operation, None),
        ];
        keys.iter()
            .find_map(|key| self.next.get_mut(key)?.pop_front())
            .or_else(|| keys.iter().find_map(|key| self.lasting.get(key).cloned()))
    }
}
