//! The status of one operation: its progress, what it has met, and what it is retrying.
//! What was written stands in the undo log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use crate::aws::error::{ApiError, ErrorKind};
use crate::policy::target::PolicyTarget;

/// The status of one operation. It outlives the work, which a deadline or a panic may end at any moment.
#[derive(Debug, Default)]
pub struct ReconcileStatus {
    progress: Cell<Option<Progress>>,
    last_error: RefCell<Option<ApiError>>,
    conflicts: Cell<usize>,
    is_aborted: Cell<bool>,
    read: RefCell<BTreeSet<PolicyTarget>>,
    has_found_existing: Cell<bool>,
    overlap: Cell<Option<Overlap>>,
}

/// Why another operation may still be about to write what this one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Overlap {
    /// Some of what is replaced is not there. That may have other reasons, so this operation gives way to who undoes it.
    Possible,
    /// What this operation desires is there already, as when it rolls back an Update that is still running: it does not give way.
    Certain,
}

/// How many of several policies are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    done: usize,
    total: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} policies done", self.done, self.total)
    }
}

impl ReconcileStatus {
    /// Records that there are `total` policies of a set to reconcile.
    pub(super) fn start(&self, total: usize) {
        self.progress.set(Some(Progress { done: 0, total }));
    }

    /// Records that one more policy is as desired.
    pub(super) fn one_done(&self) {
        let one_more = |Progress { done, total }| Progress {
            done: done + 1,
            total,
        };
        self.progress.set(self.progress.get().map(one_more));
    }

    /// The progress, where there is a set of policies and some of them are left.
    pub fn progress(&self) -> Option<Progress> {
        self.progress
            .get()
            .filter(|progress| progress.done < progress.total)
    }

    /// Records an error that is retried.
    pub(super) fn record_error(&self, error: &ApiError) {
        *self.last_error.borrow_mut() = Some(error.clone());
    }

    /// Records that a call succeeded again.
    pub(super) fn clear_error(&self) {
        *self.last_error.borrow_mut() = None;
    }

    /// The last error, if no call has succeeded since.
    pub fn last_error(&self) -> Option<String> {
        let last = self.last_error.borrow();
        last.as_ref().map(ToString::to_string)
    }

    /// The kind of the last error, if no call has succeeded since.
    pub(super) fn last_error_kind(&self) -> Option<ErrorKind> {
        self.last_error.borrow().as_ref().map(|error| error.kind)
    }

    /// Records that another writer has changed a policy between reading and writing.
    pub(super) fn record_conflict(&self) {
        self.conflicts.set(self.conflicts.get() + 1);
    }

    /// How often that was.
    pub fn conflicts(&self) -> usize {
        self.conflicts.get()
    }

    /// Lets no more writes begin: the operation has failed, and only what has begun is completed.
    pub(super) fn abort(&self) {
        self.is_aborted.set(true);
    }

    /// Whether no more writes may begin.
    pub(super) fn is_aborted(&self) -> bool {
        self.is_aborted.get()
    }

    /// Records that a desired statement was there before this operation added it.
    pub(super) fn record_existing(&self) {
        self.has_found_existing.set(true);
    }

    /// Whether one was: an earlier delivery of the event may have added it.
    pub(super) fn has_found_existing(&self) -> bool {
        self.has_found_existing.get()
    }

    /// Records that another operation may still be about to write what this one replaces.
    pub(super) fn record_overlap(&self, overlap: Overlap) {
        self.overlap.set(self.overlap.get().max(Some(overlap)));
    }

    /// Whether another operation may, and why.
    pub(super) fn overlap(&self) -> Option<Overlap> {
        self.overlap.get()
    }

    /// Records that the policy of `target` was read.
    pub(super) fn record_read(&self, target: &PolicyTarget) {
        self.read.borrow_mut().insert(target.clone());
    }

    /// Whether every policy was read.
    pub(super) fn has_read_all(&self) -> bool {
        let all = self.progress.get().map_or(1, |progress| progress.total);
        self.read.borrow().len() >= all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::ApiCall;

    fn error(code: &str) -> ApiError {
        let call = ApiCall {
            action: "lambda:GetLayerVersionPolicy",
            resource: &"arn",
            resource_type: "layer version",
            role: None,
        };
        ApiError::new(ErrorKind::from_code(code, 503), &call, code, "m")
    }

    #[test]
    fn progress_is_reported_until_all_policies_are_done() {
        let status = ReconcileStatus::default();
        let progress = || status.progress().map(|progress| progress.to_string());
        status.one_done();
        assert_eq!(progress(), None, "there is none for one policy");
        status.start(3);
        for done in 0..3 {
            assert_eq!(progress(), Some(format!("{done} of 3 policies done")));
            status.one_done();
        }
        assert_eq!(progress(), None);
    }

    #[test]
    fn only_recorded_facts_are_returned() {
        let status = ReconcileStatus::default();
        let recorded = || {
            let flags = (status.is_aborted(), status.has_found_existing());
            (status.conflicts(), flags)
        };
        assert_eq!(recorded(), (0, (false, false)));
        status.record_conflict();
        status.record_conflict();
        assert_eq!(recorded(), (2, (false, false)));
        status.abort();
        assert_eq!(recorded(), (2, (true, false)));
        status.record_existing();
        assert_eq!(recorded(), (2, (true, true)));
    }

    #[test]
    fn the_last_error_is_kept_until_a_call_succeeds() {
        let status = ReconcileStatus::default();
        assert_eq!(
            (status.last_error(), status.last_error_kind()),
            (None, None)
        );
        status.record_error(&error("First"));
        status.record_error(&error("Second"));
        assert_eq!(status.last_error(), Some(error("Second").to_string()));
        assert_eq!(status.last_error_kind(), Some(ErrorKind::OutcomeUnknown));
        status.clear_error();
        assert_eq!(
            (status.last_error(), status.last_error_kind()),
            (None, None)
        );
    }

    #[test]
    fn all_policies_were_read_when_each_of_them_was() {
        let status = ReconcileStatus::default();
        assert!(!status.has_read_all(), "one policy, not read");
        status.record_read(&version(1));
        assert!(status.has_read_all());
        status.start(2);
        status.record_read(&version(1));
        assert!(!status.has_read_all(), "one of two");
        status.record_read(&version(2));
        assert!(status.has_read_all());
    }

    #[test]
    fn the_more_certain_overlap_counts() {
        let status = ReconcileStatus::default();
        assert_eq!(status.overlap(), None);
        for (recorded, overlap) in [
            (Overlap::Possible, Overlap::Possible),
            (Overlap::Certain, Overlap::Certain),
            (Overlap::Possible, Overlap::Certain),
        ] {
            status.record_overlap(recorded);
            assert_eq!(status.overlap(), Some(overlap));
        }
    }

    fn version(number: u64) -> PolicyTarget {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }
}
