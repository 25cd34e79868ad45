//! What Lambda's API knows of one execution environment: the faults that its next calls meet, and what its calls have read and
//! written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use fake_aws::api_call::Operation;

use crate::fault::CallFault;
use crate::fault_plan::FaultPlan;
use crate::guardrails::Guardrails;

#[derive(Default)]
pub struct EnvironmentState {
    call_faults: VecDeque<Option<CallFault>>,
    /// The faults of the next writes.
    write_faults: VecDeque<Option<CallFault>>,
    /// How many calls the invocation has made.
    pub calls: usize,
    /// How many calls have not taken effect yet.
    pub pending_effects: usize,
    /// When the invocation began.
    pub invoked_at: Option<Instant>,
    /// Which principals the invocation must not add.
    pub guardrails: Option<Guardrails>,
    /// When each policy was last read.
    pub last_reads: BTreeMap<String, Instant>,
    /// When a statement was last added to each policy.
    pub last_additions: BTreeMap<String, Instant>,
    /// When any policy was last written.
    pub last_write: Option<Instant>,
    /// Whether another writer has replaced a statement that the invocation had just added without a revision.
    pub is_statement_replaced: bool,
    /// Whether an addition was stored in another form.
    pub is_statement_altered: bool,
    /// The additions that took effect: the ARN and the statement id.
    pub additions: BTreeSet<(String, String)>,
    /// Whether an addition without a response took effect after its retry had.
    pub has_late_duplicate: bool,
}

impl EnvironmentState {
    /// An invocation begins, whose faults are those of `plan`.
    pub fn begin_invocation(&mut self, plan: &FaultPlan, guardrails: &Guardrails) {
        self.call_faults = plan.calls.iter().copied().collect();
        self.write_faults = plan.writes.iter().copied().collect();
        self.calls = 0;
        self.invoked_at = Some(Instant::now());
        self.guardrails = Some(guardrails.clone());
        self.is_statement_replaced = false;
        self.is_statement_altered = false;
        self.additions.clear();
        self.has_late_duplicate = false;
    }

    /// The fault of the next call.
    pub fn next_fault(&mut self, operation: Operation) -> Option<CallFault> {
        let is_write = matches!(operation, Operation::Add | Operation::Remove);
        let queue = if is_write && !self.write_faults.is_empty() {
            &mut self.write_faults
        } else {
            &mut self.call_faults
        };
        queue.pop_front().flatten()
    }
}
