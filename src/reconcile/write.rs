//! One write to a policy, and what came of it.

use serde_json::Value;

use crate::policy::document::PolicyDocument;
use crate::policy::plan::Change;
use crate::policy::target::PolicyTarget;

/// A write that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) target: PolicyTarget,
    pub(super) change: Change,
    /// The revision that the policy had to have for the write, if it had any.
    pub(super) condition: Option<String>,
    pub(super) outcome: Outcome,
    /// Whether it is known that no parallel first write has overwritten this one.
    pub(super) proven: bool,
    /// What Lambda returned as the added statement, where it is not the one that was requested.
    pub(super) returned: Option<Value>,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Lambda has not said that it was done: it may take effect at any time.
    Unknown,
    /// It was done.
    Applied,
    /// It has no effect, and will have none.
    Rejected,
    /// It was the first of its policy, and a parallel first write has overwritten it.
    Overwritten,
    /// Its outcome was unknown, and it is not in the policy although that has changed since: it was rejected, or undone.
    Lost,
}

impl Outcome {
    /// Whether it was sent, and is not in the policy for a reason that is not known for certain.
    pub(super) fn is_lost(self) -> bool {
        matches!(self, Self::Overwritten | Self::Lost)
    }
}

impl Write {
    /// A write that is about to be sent, under the revision of `policy`.
    pub(super) fn new(policy: &PolicyDocument, change: &Change) -> Self {
        Self {
            target: policy.target.clone(),
            change: change.clone(),
            condition: policy.revision_id.clone(),
            outcome: Outcome::Unknown,
            proven: policy.revision_id.is_some(),
            returned: None,
        }
    }

    pub(super) fn is_applied_to(&self, target: &PolicyTarget) -> bool {
        self.outcome == Outcome::Applied && self.target == *target
    }

    /// Whether `policy` is as after this write, as far as its statement is concerned.
    pub(super) fn is_visible_in(&self, policy: &PolicyDocument) -> bool {
        match &self.change {
            Change::Add(added) => policy.contains(added),
            Change::Remove(removed) => policy.statement(removed.sid()).is_none(),
        }
    }

    /// Whether it was conditional on another revision than that of `policy`, and so can no longer take effect.
    pub(super) fn is_outdated_by(&self, policy: &PolicyDocument) -> bool {
        match (&self.condition, &policy.revision_id) {
            (Some(required), Some(found)) => required != found,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}
