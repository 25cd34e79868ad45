//! What a test lets go wrong in the calls to Lambda and STS, and in which of them.
//! Refuses to know how a fault is carried out.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::lambda_call::{Call, Operation};

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
    /// Takes effect, and is answered with this status and body.
    AnsweredBy(u16, &'static str),
    /// Answered with this status and body, without effect.
    AnsweredInsteadBy(u16, &'static str),
    /// An addition of another statement than the one that was asked for, which the answer shows.
    AddsInstead(Value),
    /// Another writer is quicker, by a moment: adds this statement.
    AnotherAdds(Value),
    /// Another writer is quicker, by a moment: removes the statement of this id.
    AnotherRemoves(&'static str),
    /// The layer version is deleted a moment before.
    VersionVanishes,
}

/// The faults to come: in every call of an operation, or only in those on one ARN.
#[derive(Default)]
pub struct Faults {
    next: HashMap<(Operation, Option<String>), VecDeque<Fault>>,
    lasting: HashMap<(Operation, Option<String>), Fault>,
}

impl Faults {
    pub fn next(
        &mut self,
        operation: Operation,
        arn: Option<&str>,
        faults: impl IntoIterator<Item = Fault>,
    ) {
        let meant = (operation, arn.map(str::to_owned));
        self.next.entry(meant).or_default().extend(faults);
    }

    pub fn always(&mut self, operation: Operation, arn: Option<&str>, fault: Fault) {
        let meant = (operation, arn.map(str::to_owned));
        self.lasting.insert(meant, fault);
    }

    pub fn heal(&mut self) {
        self.lasting.clear();
    }

    /// What `call` meets.
    pub fn met_by(&mut self, call: &Call) -> Option<Fault> {
        let meant = [
            (call.operation, Some(call.arn.clone())),
            (call.operation, None),
        ];
        meant
            .iter()
            .find_map(|meant| self.next.get_mut(meant)?.pop_front())
            .or_else(|| {
                meant
                    .iter()
                    .find_map(|meant| self.lasting.get(meant).cloned())
            })
    }
}
