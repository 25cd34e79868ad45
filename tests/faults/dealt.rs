//! What one executable meets while it serves an event, and what it has read and written.
//! Refuses to know what becomes of a call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crate::fault::CallFault;
use crate::guardrails::Guardrails;
use crate::lambda_call::Operation;
use crate::trouble::Trouble;

/// What one executable is dealt for one event, and what it did.
#[derive(Default)]
pub struct Dealt {
    faults: VecDeque<Option<CallFault>>,
    /// What the next writes meet.
    writes: VecDeque<Option<CallFault>>,
    pub calls: usize,
    /// Effects that are still to come.
    pub to_come: usize,
    /// When the event began.
    pub began: Option<Instant>,
    /// What the executable must not add.
    pub guardrails: Option<Guardrails>,
    /// When each policy was read last.
    pub read: BTreeMap<String, Instant>,
    /// When something was last added to each policy.
    pub added: BTreeMap<String, Instant>,
    /// When something was last written to any policy.
    pub written: Option<Instant>,
    /// Whether another writer has replaced what the event had just added without a revision.
    pub hijacked: bool,
    /// Whether an addition was written as another statement.
    pub otherwise: bool,
    /// The additions that took effect: the layer version and the statement id.
    pub additions: BTreeSet<(String, String)>,
    /// Whether an addition without an answer took effect after the same one had, when it was made again.
    pub repeated_late: bool,
}

impl Dealt {
    /// An event begins, which meets `trouble`.
    pub fn begin(&mut self, trouble: &Trouble, guardrails: &Guardrails) {
        self.faults = trouble.calls.iter().copied().collect();
        self.writes = trouble.writes.iter().copied().collect();
        self.calls = 0;
        self.began = Some(Instant::now());
        self.guardrails = Some(guardrails.clone());
        self.hijacked = false;
        self.otherwise = false;
        self.additions.clear();
        self.repeated_late = false;
    }

    /// What the next call meets.
    pub fn next(&mut self, operation: Operation) -> Option<CallFault> {
        let writes = matches!(operation, Operation::Add | Operation::Remove);
        let queue = if writes && !self.writes.is_empty() {
            &mut self.writes
        } else {
            &mut self.faults
        };
        queue.pop_front().flatten()
    }
}
