//! What readings of the policies say of what an operation has written, and how far each of them can be trusted.
//! Writes nothing itself.

use std::collections::BTreeSet;

use super::{Entry, Outcome, UndoLog};
use crate::permission::statement::{Statement, StatementId};
use crate::policy::document::Policy;
use crate::policy::plan::{Step, is_there};

/// What a reading of the policy says of a statement that this operation has added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Added {
    /// It was not added, or it is still there, or it was taken out again by this operation.
    AsExpected,
    /// It was the first of its policy, and a parallel first write has overwritten it.
    Overwritten,
    /// Somebody has removed it.
    Gone,
}

impl UndoLog {
    /// Whether `policy` was read from a copy that is older than what was seen before, or than a write that took effect. One
    /// without a revision cannot tell.
    pub(in crate::policy) fn is_outdated(&self, policy: &Policy) -> bool {
        let Some(revision) = &policy.revision_id else {
            return false;
        };
        let revisions = self.revisions.borrow();
        let mut of_target = revisions
            .iter()
            .filter(|(target, _)| *target == policy.layer_version)
            .map(|(_, seen)| seen);
        let newest = of_target.next_back();
        let is_older = newest != Some(revision) && of_target.any(|seen| seen == revision);
        let entries = self.entries.borrow();
        let mut applied = entries
            .iter()
            .filter(|entry| entry.is_applied_to(&policy.layer_version));
        is_older || applied.any(|entry| entry.condition.as_ref() == Some(revision))
    }

    /// Whether `policy` lacks what this operation has added for certain, or still has what it has removed, as a copy does that
    /// is older; somebody else may also have changed it since.
    pub(in crate::policy) fn contradicts(&self, policy: &Policy) -> bool {
        let entries = self.entries.borrow();
        // A first write may have been overwritten, but by what is there then.
        let is_none = policy.revision_id.is_none();
        let counts = |entry: &&Entry| {
            (entry.proven || is_none) && entry.is_applied_to(&policy.layer_version)
        };
        let mut sids = BTreeSet::new();
        let mut last = entries
            .iter()
            .rev()
            .filter(counts)
            .filter(|entry| sids.insert(entry.step.sid()));
        last.any(|entry| !entry.is_as_written_in(policy))
    }

    /// Whether `policy` lacks what this operation has added or may have added, and `undoing` has not removed.
    pub(in crate::policy) fn is_missed_in(&self, policy: &Policy, undoing: &Self) -> bool {
        let target = &policy.layer_version;
        self.written().iter().any(|entry| match &entry.step {
            Step::Add(added) => {
                entry.target == *target
                    && matches!(entry.outcome, Outcome::Applied | Outcome::Overwritten)
                    && policy.statement(&added.sid).is_none()
                    && !undoing.has_removed(target, &added.sid)
            }
            Step::Remove(_) => false,
        })
    }

    /// Learns from `policy`, which is taken for the newest, what came of the writes without an answer. One that was conditional can no
    /// longer take effect when the policy has another revision.
    pub(in crate::policy) fn observe(&self, policy: &Policy) {
        if let Some(revision) = &policy.revision_id {
            self.see(&policy.layer_version, revision);
        }
        let mut entries = self.entries.borrow_mut();
        let mut lost: BTreeSet<StatementId> = BTreeSet::new();
        let of_target = entries
            .iter_mut()
            .filter(|entry| entry.target == policy.layer_version);
        for entry in of_target {
            let is_as_written = entry.is_as_written_in(policy);
            if entry.outcome == Outcome::Unknown && is_as_written {
                entry.outcome = Outcome::Applied;
            } else if entry.outcome == Outcome::Unknown
                && entry.is_conditional_on_another_than(policy)
            {
                entry.outcome = entry.not_there(&lost);
            }
            if entry.outcome == Outcome::Lost {
                lost.insert(entry.step.sid().clone());
            }
            let is_applied = entry.outcome == Outcome::Applied;
            entry.proven |= is_applied && is_as_written && policy.revision_id.is_some();
        }
    }

    /// What `policy`, which is taken for the newest, says of `wanted`, if this operation has added it.
    pub(in crate::policy) fn judge(&self, wanted: &Statement, policy: &Policy) -> Added {
        let mut entries = self.entries.borrow_mut();
        let last = entries.iter_mut().rev().find(|entry| {
            entry.is_applied_to(&policy.layer_version) && *entry.step.sid() == wanted.sid
        });
        let added = last.filter(|entry| matches!(&entry.step, Step::Add(added) if added == wanted));
        match added {
            None => Added::AsExpected,
            Some(_) if is_there(wanted, policy) => Added::AsExpected,
            // Where there is no policy, nothing has overwritten it.
            Some(entry) if !entry.proven && policy.revision_id.is_some() => {
                entry.outcome = Outcome::Overwritten;
                Added::Overwritten
            }
            Some(_) => Added::Gone,
        }
    }

    /// Whether `policy` is as this operation has seen or left it last, as far as can be told: a removal does not tell the revision
    /// that it made.
    pub(in crate::policy) fn is_as_left(&self, policy: &Policy) -> bool {
        let revisions = self.revisions.borrow();
        let mut of_target = revisions
            .iter()
            .filter(|(target, _)| *target == policy.layer_version);
        let newest = of_target.next_back().map(|(_, revision)| revision);
        let entries = self.entries.borrow();
        let mut applied = entries
            .iter()
            .filter(|entry| entry.is_applied_to(&policy.layer_version));
        newest == policy.revision_id.as_ref()
            || applied.any(|entry| entry.condition.as_ref() == newest)
    }
}

impl Entry {
    /// What came of this write without an answer, which is not there and can no longer come. An addition is made again once:
    /// what is not there a second time, among those of `lost`, is being removed by somebody.
    fn not_there(&self, lost: &BTreeSet<StatementId>) -> Outcome {
        match &self.step {
            Step::Add(added) if lost.contains(&added.sid) => Outcome::Applied,
            Step::Add(_) => Outcome::Lost,
            Step::Remove(_) => Outcome::Rejected,
        }
    }

    fn is_as_written_in(&self, policy: &Policy) -> bool {
        match &self.step {
            Step::Add(added) => is_there(added, policy),
            Step::Remove(removed) => policy.statement(&removed.sid).is_none(),
        }
    }

    fn is_conditional_on_another_than(&self, policy: &Policy) -> bool {
        match (&self.condition, &policy.revision_id) {
            (Some(demanded), Some(found)) => demanded != found,
            (Some(_) | None, Some(_) | None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::undo_log::tests::{
        add, apply, apply_at, begin, policy, remove, statement, version,
    };

    #[test]
    fn a_reading_tells_what_came_of_a_write_without_an_answer() {
        for (name, condition, step, found, outcome) in [
            (
                "it is there",
                Some("r1"),
                add("s1"),
                policy(Some("r2"), &["s1"]),
                Outcome::Applied,
            ),
            (
                "it can no longer come",
                Some("r1"),
                add("s1"),
                policy(Some("r2"), &[]),
                Outcome::Lost,
            ),
            (
                "it may still come",
                Some("r1"),
                add("s1"),
                policy(Some("r1"), &[]),
                Outcome::Unknown,
            ),
            (
                "there is no policy",
                Some("r1"),
                add("s1"),
                policy(None, &[]),
                Outcome::Unknown,
            ),
            (
                "it was unconditional",
                None,
                add("s1"),
                policy(Some("r2"), &[]),
                Outcome::Unknown,
            ),
            (
                "unconditional, and there",
                None,
                add("s1"),
                policy(Some("r2"), &["s1"]),
                Outcome::Applied,
            ),
            (
                "it is gone",
                Some("r1"),
                remove("s1"),
                policy(Some("r2"), &[]),
                Outcome::Applied,
            ),
            (
                "it stays",
                Some("r1"),
                remove("s1"),
                policy(Some("r2"), &["s1"]),
                Outcome::Rejected,
            ),
            (
                "it may still go",
                Some("r1"),
                remove("s1"),
                policy(Some("r1"), &["s1"]),
                Outcome::Unknown,
            ),
        ] {
            let log = UndoLog::default();
            log.begin(&policy(condition, &[]), &step);
            log.observe(&policy(Some("r0"), &[]).on(version(2)));
            assert_eq!(
                log.entries.borrow()[0].outcome,
                Outcome::Unknown,
                "{name}: another policy"
            );
            log.observe(&found);
            assert_eq!(log.entries.borrow()[0].outcome, outcome, "{name}");
        }
    }

    #[test]
    fn an_addition_that_is_lost_twice_is_being_removed() {
        let log = UndoLog::default();
        let judge = |revision: &str| log.judge(&statement("s1"), &policy(Some(revision), &[]));
        for (written, found, judged) in [("r1", "r2", Added::AsExpected), ("r2", "r3", Added::Gone)]
        {
            log.begin(&policy(Some(written), &[]), &add("s1"));
            log.observe(&policy(Some(found), &[]));
            assert_eq!(judge(found), judged);
        }
        assert_eq!(
            log.to_string(),
            "add `s1` for `*`",
            "the one that is taken for made"
        );
    }

    #[test]
    fn a_policy_is_as_it_was_left_until_somebody_else_has_written() {
        let log = UndoLog::default();
        let is_as_left = |revision: &str| log.is_as_left(&policy(Some(revision), &[]));
        log.observe(&policy(Some("r1"), &[]));
        assert!(is_as_left("r1") && !is_as_left("r2"));
        apply_at(&log, "r1", &add("s1"), Some("r2"));
        assert!(is_as_left("r2") && !is_as_left("r3"));
        apply_at(&log, "r2", &remove("s1"), None);
        assert!(is_as_left("r3"), "it may be our own");
        log.observe(&policy(Some("r3"), &[]));
        assert!(is_as_left("r3") && !is_as_left("r4"));
    }

    #[test]
    fn a_reading_is_outdated_if_something_newer_was_seen_or_written() {
        let log = UndoLog::default();
        let at = |revision: &str| policy(Some(revision), &[]);
        let is_outdated = |revision: &str| log.is_outdated(&at(revision));
        assert!(!is_outdated("r1"));
        log.observe(&at("r1"));
        assert!(!is_outdated("r1"));
        apply_at(&log, "r1", &remove("s1"), None);
        assert!(is_outdated("r1"), "a write has changed it");
        apply_at(&log, "r2", &add("s1"), Some("r3"));
        assert!(is_outdated("r2") && !is_outdated("r3") && !is_outdated("r4"));
        log.observe(&at("r4"));
        assert!(is_outdated("r3"), "a newer one was seen");
        assert!(!log.is_outdated(&at("r3").on(version(2))), "another policy");
        assert!(!log.is_outdated(&policy(None, &[])), "no policy has no age");
        log.observe(&at("r3"));
        assert!(!is_outdated("r3") && is_outdated("r4"), "it was believed");
        for revision in ["r3", "r4"] {
            log.observe(&at(revision).on(version(2)));
        }
        log.observe(&at("r3"));
        assert!(log.is_outdated(&at("r3").on(version(2))), "of its own age");
    }

    #[test]
    fn a_reading_without_what_was_written_for_certain_contradicts_the_log() {
        let log = UndoLog::default();
        let [with, without] = [
            policy(Some("r9"), &["s1", "s2"]),
            policy(Some("r9"), &["s2"]),
        ];
        let none = policy(None, &[]);
        assert!(!log.contradicts(&none));
        begin(&log, &add("s1"));
        assert!(!log.contradicts(&none), "without an answer");
        apply(&log, &add("s1"));
        assert!(
            log.contradicts(&none) && !log.contradicts(&without),
            "it may have been overwritten"
        );
        apply_at(&log, "r1", &add("s2"), Some("r2"));
        assert!(log.contradicts(&none) && log.contradicts(&without) && !log.contradicts(&with));
        assert!(
            !log.contradicts(&none.clone().on(version(2))),
            "another policy"
        );
        apply_at(&log, "r2", &remove("s1"), None);
        assert!(
            !log.contradicts(&without) && log.contradicts(&with),
            "the last write counts"
        );
    }

    #[test]
    fn a_rollback_misses_what_was_added_until_it_has_removed_it() {
        let [here, gone] = [policy(Some("r9"), &["s1"]), policy(None, &[])];
        let (log, undoing) = (UndoLog::default(), UndoLog::default());
        begin(&log, &add("s1"));
        assert!(!log.is_missed_in(&gone, &undoing), "without an answer");
        apply(&log, &add("s1"));
        assert!(log.is_missed_in(&gone, &undoing) && !log.is_missed_in(&here, &undoing));
        assert!(!log.is_missed_in(&gone.clone().on(version(2)), &undoing));
        let other = policy(Some("r9"), &["s2"]);
        assert_eq!(log.judge(&statement("s1"), &other), Added::Overwritten);
        assert!(log.is_missed_in(&gone, &undoing), "overwritten");
        apply(&undoing, &remove("s1"));
        assert!(!log.is_missed_in(&gone, &undoing));
    }

    #[test]
    fn what_was_added_and_is_not_there_was_overwritten_or_removed() {
        let here = policy(Some("r9"), &["s1"]);
        let gone = policy(Some("r9"), &["s2"]);
        let none = policy(None, &[]);
        let judge = |log: &UndoLog, policy: &Policy| log.judge(&statement("s1"), policy);

        let log = UndoLog::default();
        assert_eq!(judge(&log, &gone), Added::AsExpected, "never added");
        for _ in 0..2 {
            apply(&log, &add("s1"));
            assert_eq!(judge(&log, &here), Added::AsExpected);
            assert_eq!(
                judge(&log, &none),
                Added::Gone,
                "nothing has overwritten it"
            );
            log.observe(&gone);
            assert_eq!(judge(&log, &gone), Added::Overwritten);
            assert_eq!(judge(&log, &gone), Added::AsExpected, "as if never added");
            assert!(!log.is_empty(), "it may be there all the same");
        }
        apply(&log, &add("s1"));
        assert_eq!(log.to_string(), "add `s1` for `*`", "it is told once");

        for by_reading in [true, false] {
            let log = UndoLog::default();
            apply(&log, &add("s1"));
            if by_reading {
                log.observe(&policy(Some("r1"), &["s1"]));
            } else {
                apply_at(&log, "r1", &add("s2"), Some("r2"));
            }
            assert_eq!(judge(&log, &gone), Added::Gone, "proven: {by_reading}");
        }
        let log = UndoLog::default();
        apply(&log, &add("s1"));
        let elsewhere = policy(Some("r1"), &[]).on(version(2));
        log.applied(log.begin(&elsewhere, &add("s2")), None);
        let found = judge(&log, &gone);
        assert_eq!(found, Added::Overwritten, "another policy proves nothing");
        let log = UndoLog::default();
        apply_at(&log, "r1", &add("s1"), Some("r2"));
        assert_eq!(judge(&log, &gone), Added::Gone, "it was conditional itself");
        apply_at(&log, "r2", &remove("s1"), None);
        assert_eq!(
            judge(&log, &gone),
            Added::AsExpected,
            "it was removed again"
        );
    }
}
