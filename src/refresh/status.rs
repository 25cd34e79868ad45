//! What a refresh has seen and done, and what keeps it from being complete.

use std::cell::Cell;

use lambda_runtime::Context;
use tracing::{info, warn};

use crate::telemetry::emit_metrics;

/// The metrics: the statements that were added and removed, and what keeps a refresh from being complete.
pub const METRICS: [(&str, &str); 3] = [
    ("UnitGrants", "Count"),
    ("UnitRevokes", "Count"),
    ("UnitProblems", "Count"),
];

/// The status of one refresh. It outlives the work, which a deadline may end at any moment.
#[derive(Debug, Default)]
pub(super) struct RefreshStatus {
    /// How many accounts the organization has.
    pub(super) accounts: Cell<usize>,
    /// How many resources of how many are done.
    pub(super) progress: Cell<(usize, usize)>,
    policies: Cell<usize>,
    added: Cell<usize>,
    removed: Cell<usize>,
    problems: Cell<usize>,
}

impl RefreshStatus {
    /// Logs and counts what keeps the refresh from being complete.
    pub(super) fn report(&self, reason: &str) {
        warn!(reason, "refresh incomplete");
        add_one(&self.problems);
    }

    /// Counts a policy with statements of units.
    pub(super) fn policy_read(&self) {
        add_one(&self.policies);
    }

    /// Counts a statement that was added.
    pub(super) fn statement_added(&self) {
        add_one(&self.added);
    }

    /// Counts a statement that was removed.
    pub(super) fn statement_removed(&self) {
        add_one(&self.removed);
    }

    /// Logs what the refresh came to, and writes its metrics.
    pub(super) fn finish(&self, context: &Context) {
        let (accounts, policies) = (self.accounts.get(), self.policies.get());
        let (added, removed) = (self.added.get(), self.removed.get());
        let problems = self.problems.get();
        info!(
            accounts,
            policies, added, removed, problems, "refresh finished"
        );
        let values = [added, removed, problems].map(|of| u64::try_from(of).unwrap_or(u64::MAX));
        emit_metrics(context, METRICS.iter().zip(values));
    }
}

fn add_one(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}
