//! What a reading of a policy says about the writes of an operation, and how far the reading can be trusted.

use std::collections::BTreeSet;

use super::undo_log::UndoLog;
use super::write::{Outcome, Write};
use crate::policy::document::PolicyDocument;
use crate::policy::plan::Change;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;

/// What a reading of the policy says about a desired statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// This operation has not added it, or it is still there, or this operation has removed it again.
    AsExpected,
    /// Its write was the first of the policy, and a parallel first write has overwritten it.
    Overwritten,
    /// Another writer has removed it.
    Removed,
}

/// Whether `policy` was read from a replica that is older than what was read before, or than a write that took effect. One
/// without a revision does not show it.
pub(super) fn is_outdated(log: &UndoLog, policy: &PolicyDocument) -> bool {
    let Some(revision) = &policy.revision_id else {
        return false;
    };
    let revisions = log.revisions(&policy.target);
    let is_older = revisions.last() != Some(revision) && revisions.contains(revision);
    let writes = log.writes();
    let mut applied = writes
        .iter()
        .filter(|write| write.is_applied_to(&policy.target));
    is_older || applied.any(|write| write.condition.as_ref() == Some(revision))
}

/// Whether `policy` lacks what this operation has certainly added, or still has what it has removed, as an older replica
/// does; another writer may also have changed it since.
pub(super) fn contradicts(log: &UndoLog, policy: &PolicyDocument) -> bool {
    let writes = log.writes();
    // A first write may have been overwritten, but only by what is in the policy then.
    let is_empty = policy.revision_id.is_none();
    let mut sids = BTreeSet::new();
    let applied = writes
        .iter()
        .rev()
        .filter(|write| write.is_applied_to(&policy.target));
    let mut last = applied.filter(|write| sids.insert(write.change.sid()));
    last.any(|write| (write.proven || is_empty) && !write.is_visible_in(policy))
}

/// Whether `policy` lacks what this operation has added or may have added, and `rollback` has not removed.
pub(super) fn misses_addition(log: &UndoLog, policy: &PolicyDocument, rollback: &UndoLog) -> bool {
    let target = &policy.target;
    log.effective().iter().any(|write| match &write.change {
        Change::Add(added) => {
            write.target == *target
                && matches!(write.outcome, Outcome::Applied | Outcome::Overwritten)
                && policy.statement(&added.sid).is_none()
                && !rollback.has_removed(target, &added.sid)
        }
        Change::Remove(_) => false,
    })
}

/// Records what `policy`, which is taken for the newest, says about the writes of unknown outcome. One that was conditional can no
/// longer take effect when the policy has another revision.
pub(super) fn observe(log: &UndoLog, policy: &PolicyDocument) {
    if let Some(revision) = &policy.revision_id {
        log.record_revision(&policy.target, revision);
    }
    let mut lost: BTreeSet<StatementId> = BTreeSet::new();
    let mut writes = log.writes_mut();
    let of_target = writes
        .iter_mut()
        .filter(|write| write.target == policy.target);
    for write in of_target {
        let is_visible = write.is_visible_in(policy);
        if write.outcome == Outcome::Unknown && is_visible {
            write.outcome = Outcome::Applied;
        } else if write.outcome == Outcome::Unknown && write.is_outdated_by(policy) {
            write.outcome = outcome_of_invisible(write, &lost);
        }
        if write.outcome == Outcome::Lost {
            lost.insert(write.change.sid().clone());
        }
        let is_applied = write.outcome == Outcome::Applied;
        write.proven |= is_applied && is_visible && policy.revision_id.is_some();
    }
}

/// The outcome of a write that is not in the policy and can no longer take effect. An addition is sent again once: one that is missing
/// a second time, among those of `lost`, is being removed by another writer.
fn outcome_of_invisible(write: &Write, lost: &BTreeSet<StatementId>) -> Outcome {
    match &write.change {
        Change::Add(added) if lost.contains(&added.sid) => Outcome::Applied,
        Change::Add(_) => Outcome::Lost,
        Change::Remove(_) => Outcome::Rejected,
    }
}

/// What `policy`, which is taken for the newest, says about `desired`, if this operation has added it.
pub(super) fn observed(log: &UndoLog, desired: &Statement, policy: &PolicyDocument) -> Observed {
    let mut writes = log.writes_mut();
    let last = writes
        .iter_mut()
        .rev()
        .find(|write| write.is_applied_to(&policy.target) && *write.change.sid() == desired.sid);
    let added =
        last.filter(|write| matches!(&write.change, Change::Add(added) if added == desired));
    match added {
        None => Observed::AsExpected,
        Some(_) if policy.contains(desired) => Observed::AsExpected,
        // Where there is no policy, nothing has overwritten it.
        Some(write) if !write.proven && policy.revision_id.is_some() => {
            write.outcome = Outcome::Overwritten;
            Observed::Overwritten
        }
        Some(_) => Observed::Removed,
    }
}

/// Whether `policy` is as this operation has last read or left it, as far as is known: a removal does not return its revision.
pub(super) fn is_unchanged(log: &UndoLog, policy: &PolicyDocument) -> bool {
    let revisions = log.revisions(&policy.target);
    let newest = revisions.last();
    let writes = log.writes();
    let mut applied = writes
        .iter()
        .filter(|write| write.is_applied_to(&policy.target));
    newest == policy.revision_id.as_ref() || applied.any(|write| write.condition.as_ref() == newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::undo_log::tests::{
        add, apply, apply_at, begin, policy, remove, statement, version,
    };

    #[test]
    fn a_reading_reveals_the_outcome_of_a_write_of_unknown_outcome() {
        for (name, condition, change, found, outcome) in [
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
            log.begin(&policy(condition, &[]), &change);
            observe(&log, &policy(Some("r0"), &[]).on(version(2)));
            assert_eq!(
                log.writes()[0].outcome,
                Outcome::Unknown,
                "{name}: another policy"
            );
            observe(&log, &found);
            assert_eq!(log.writes()[0].outcome, outcome, "{name}");
        }
    }

    #[test]
    fn an_addition_that_is_lost_twice_is_being_removed_by_another_writer() {
        let log = UndoLog::default();
        let judge = |revision: &str| observed(&log, &statement("s1"), &policy(Some(revision), &[]));
        for (written, found, judged) in [
            ("r1", "r2", Observed::AsExpected),
            ("r2", "r3", Observed::Removed),
        ] {
            log.begin(&policy(Some(written), &[]), &add("s1"));
            observe(&log, &policy(Some(found), &[]));
            assert_eq!(judge(found), judged);
        }
        assert_eq!(
            log.to_string(),
            "add `s1` for `*`",
            "the one that is taken for made"
        );
    }

    #[test]
    fn a_policy_is_unchanged_until_another_writer_changes_it() {
        let log = UndoLog::default();
        let is_unchanged_at = |revision: &str| is_unchanged(&log, &policy(Some(revision), &[]));
        observe(&log, &policy(Some("r1"), &[]));
        assert!(is_unchanged_at("r1") && !is_unchanged_at("r2"));
        apply_at(&log, "r1", &add("s1"), Some("r2"));
        assert!(is_unchanged_at("r2") && !is_unchanged_at("r3"));
        apply_at(&log, "r2", &remove("s1"), None);
        assert!(is_unchanged_at("r3"), "it may be our own");
        observe(&log, &policy(Some("r3"), &[]));
        assert!(is_unchanged_at("r3") && !is_unchanged_at("r4"));
    }

    #[test]
    fn a_reading_is_outdated_if_something_newer_was_read_or_written() {
        let log = UndoLog::default();
        let at = |revision: &str| policy(Some(revision), &[]);
        let is_outdated_at = |revision: &str| is_outdated(&log, &at(revision));
        assert!(!is_outdated_at("r1"));
        observe(&log, &at("r1"));
        assert!(!is_outdated_at("r1"));
        apply_at(&log, "r1", &remove("s1"), None);
        assert!(is_outdated_at("r1"), "a write has changed it");
        apply_at(&log, "r2", &add("s1"), Some("r3"));
        assert!(is_outdated_at("r2") && !is_outdated_at("r3") && !is_outdated_at("r4"));
        observe(&log, &at("r4"));
        assert!(is_outdated_at("r3"), "a newer one was seen");
        assert!(
            !is_outdated(&log, &at("r3").on(version(2))),
            "another policy"
        );
        assert!(
            !is_outdated(&log, &policy(None, &[])),
            "no policy has no age"
        );
        observe(&log, &at("r3"));
        assert!(
            !is_outdated_at("r3") && is_outdated_at("r4"),
            "it was accepted"
        );
        for revision in ["r3", "r4"] {
            observe(&log, &at(revision).on(version(2)));
        }
        observe(&log, &at("r3"));
        assert!(
            is_outdated(&log, &at("r3").on(version(2))),
            "of its own age"
        );
    }

    #[test]
    fn a_reading_without_a_certain_write_contradicts_the_log() {
        let log = UndoLog::default();
        let [with, without] = [
            policy(Some("r9"), &["s1", "s2"]),
            policy(Some("r9"), &["s2"]),
        ];
        let none = policy(None, &[]);
        assert!(!contradicts(&log, &none));
        begin(&log, &add("s1"));
        assert!(!contradicts(&log, &none), "of unknown outcome");
        apply(&log, &add("s1"));
        assert!(
            contradicts(&log, &none) && !contradicts(&log, &without),
            "it may have been overwritten"
        );
        apply_at(&log, "r1", &add("s2"), Some("r2"));
        assert!(
            contradicts(&log, &none) && contradicts(&log, &without) && !contradicts(&log, &with)
        );
        assert!(
            !contradicts(&log, &none.clone().on(version(2))),
            "another policy"
        );
        apply_at(&log, "r2", &remove("s1"), None);
        assert!(
            !contradicts(&log, &without) && contradicts(&log, &with),
            "the last write counts"
        );
    }

    #[test]
    fn a_first_addition_after_the_last_removal_is_no_contradiction() {
        let log = UndoLog::default();
        apply_at(&log, "r1", &remove("s1"), None);
        apply(&log, &add("s1"));
        assert!(!contradicts(&log, &policy(Some("r9"), &["s1"])));
        assert!(
            !contradicts(&log, &policy(Some("r9"), &["s2"])),
            "it may have been overwritten"
        );
        assert!(contradicts(&log, &policy(None, &[])));
    }

    #[test]
    fn a_rollback_misses_an_addition_until_it_has_removed_it() {
        let [here, gone] = [policy(Some("r9"), &["s1"]), policy(None, &[])];
        let (log, rollback) = (UndoLog::default(), UndoLog::default());
        begin(&log, &add("s1"));
        assert!(
            !misses_addition(&log, &gone, &rollback),
            "of unknown outcome"
        );
        apply(&log, &add("s1"));
        assert!(
            misses_addition(&log, &gone, &rollback) && !misses_addition(&log, &here, &rollback)
        );
        assert!(!misses_addition(
            &log,
            &gone.clone().on(version(2)),
            &rollback
        ));
        let other = policy(Some("r9"), &["s2"]);
        assert_eq!(
            observed(&log, &statement("s1"), &other),
            Observed::Overwritten
        );
        assert!(misses_addition(&log, &gone, &rollback), "overwritten");
        apply(&rollback, &remove("s1"));
        assert!(!misses_addition(&log, &gone, &rollback));
    }

    #[test]
    fn an_addition_that_is_not_in_the_policy_was_overwritten_or_removed() {
        let here = policy(Some("r9"), &["s1"]);
        let gone = policy(Some("r9"), &["s2"]);
        let none = policy(None, &[]);
        let judge =
            |log: &UndoLog, policy: &PolicyDocument| observed(log, &statement("s1"), policy);

        let log = UndoLog::default();
        assert_eq!(judge(&log, &gone), Observed::AsExpected, "never added");
        for _ in 0..2 {
            apply(&log, &add("s1"));
            assert_eq!(judge(&log, &here), Observed::AsExpected);
            assert_eq!(
                judge(&log, &none),
                Observed::Removed,
                "nothing has overwritten it"
            );
            observe(&log, &gone);
            assert_eq!(judge(&log, &gone), Observed::Overwritten);
            assert_eq!(
                judge(&log, &gone),
                Observed::AsExpected,
                "as if never added"
            );
            assert!(!log.is_empty(), "it may be there all the same");
        }
        apply(&log, &add("s1"));
        assert_eq!(log.to_string(), "add `s1` for `*`", "it is shown once");

        for by_reading in [true, false] {
            let log = UndoLog::default();
            apply(&log, &add("s1"));
            if by_reading {
                observe(&log, &policy(Some("r1"), &["s1"]));
            } else {
                apply_at(&log, "r1", &add("s2"), Some("r2"));
            }
            assert_eq!(
                judge(&log, &gone),
                Observed::Removed,
                "proven: {by_reading}"
            );
        }
        let log = UndoLog::default();
        apply(&log, &add("s1"));
        let elsewhere = policy(Some("r1"), &[]).on(version(2));
        log.applied(log.begin(&elsewhere, &add("s2")), None);
        let found = judge(&log, &gone);
        assert_eq!(
            found,
            Observed::Overwritten,
            "another policy proves nothing"
        );
        let log = UndoLog::default();
        apply_at(&log, "r1", &add("s1"), Some("r2"));
        assert_eq!(
            judge(&log, &gone),
            Observed::Removed,
            "it was conditional itself"
        );
        apply_at(&log, "r2", &remove("s1"), None);
        assert_eq!(
            judge(&log, &gone),
            Observed::AsExpected,
            "it was removed again"
        );
    }
}
