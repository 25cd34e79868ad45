//! The writes of one operation, so that they can be rolled back and reported.
//! Sends nothing itself.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

use serde_json::Value;

use super::write::{Outcome, Write};
use crate::policy::denied::Denied;
use crate::policy::desired::{DesiredState, Removal};
use crate::policy::document::PolicyDocument;
use crate::policy::plan::Change;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::target::PolicyTarget;

/// How many writes a reason contains one by one.
const MAX_REPORTED: usize = 10;

/// The writes of one operation, and the revisions of the policies that it has read. It outlives the operation, which a deadline or a
/// panic may end at any moment.
#[derive(Debug, Default)]
pub struct UndoLog {
    writes: RefCell<Vec<Write>>,
    /// When the last of them was begun.
    last_begun: Cell<Option<SystemTime>>,
    /// The revisions of each policy, the newest last.
    revisions: RefCell<Vec<(PolicyTarget, String)>>,
    /// What a rollback does not restore, and why.
    not_restored: RefCell<Vec<(PolicyTarget, Statement, String)>>,
    /// What a rollback did not remove, because another statement has the id.
    not_removed: RefCell<BTreeSet<String>>,
}

/// Which write of the log is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteIndex(usize);

impl UndoLog {
    /// Records a write that is about to be sent, under the revision of `policy`.
    pub(super) fn begin(&self, policy: &PolicyDocument, change: &Change) -> WriteIndex {
        self.last_begun.set(Some(SystemTime::now()));
        let mut writes = self.writes.borrow_mut();
        writes.push(Write::new(policy, change));
        WriteIndex(writes.len() - 1)
    }

    /// Records that a write took effect, after which the policy has `revision`, if that is known. One that was conditional
    /// proves the earlier ones too.
    pub(super) fn applied(&self, WriteIndex(index): WriteIndex, revision: Option<&String>) {
        let mut writes = self.writes.borrow_mut();
        let Some(write) = writes.get_mut(index) else {
            return;
        };
        write.outcome = Outcome::Applied;
        let (target, conditional) = (write.target.clone(), write.proven);
        if let Some(revision) = revision {
            self.record_revision(&target, revision);
        }
        if conditional {
            let earlier = writes.iter_mut().take(index);
            earlier
                .filter(|write| write.target == target && write.outcome == Outcome::Applied)
                .for_each(|write| write.proven = true);
        }
    }

    /// Records that Lambda returned `statement` as the added one, which is not what was requested.
    pub(super) fn returned(&self, WriteIndex(index): WriteIndex, statement: &Value) {
        if let Some(write) = self.writes.borrow_mut().get_mut(index) {
            write.returned = Some(statement.clone());
        }
    }

    /// Records that a write was rejected, and so has no effect.
    pub(super) fn rejected(&self, WriteIndex(index): WriteIndex) {
        if let Some(write) = self.writes.borrow_mut().get_mut(index) {
            write.outcome = Outcome::Rejected;
        }
    }

    /// Records that `revision` is the newest.
    pub(super) fn record_revision(&self, target: &PolicyTarget, revision: &str) {
        let mut revisions = self.revisions.borrow_mut();
        revisions.retain(|(of, known)| of != target || known != revision);
        revisions.push((target.clone(), revision.to_owned()));
    }

    /// The known revisions of the policy of `target`, the newest last.
    pub(super) fn revisions(&self, target: &PolicyTarget) -> Vec<String> {
        let revisions = self.revisions.borrow();
        let of_target = revisions.iter().filter(|(of, _)| of == target);
        of_target.map(|(_, revision)| revision.clone()).collect()
    }

    /// When the last write was begun.
    pub(super) fn last_begun(&self) -> Option<SystemTime> {
        self.last_begun.get()
    }

    /// Every write that was begun.
    pub(super) fn writes(&self) -> Ref<'_, Vec<Write>> {
        self.writes.borrow()
    }

    pub(super) fn writes_mut(&self) -> RefMut<'_, Vec<Write>> {
        self.writes.borrow_mut()
    }

    /// Whether the last write to the statement of this id has removed it.
    pub(super) fn has_removed(&self, target: &PolicyTarget, sid: &StatementId) -> bool {
        let writes = self.writes();
        let mut latest = writes.iter().rev();
        let last = latest.find(|write| write.is_applied_to(target) && write.change.sid() == sid);
        last.is_some_and(|write| matches!(write.change, Change::Remove(_)))
    }

    /// Whether `statement` was added, or may have been.
    pub(super) fn has_added(&self, target: &PolicyTarget, statement: &Statement) -> bool {
        self.effective().iter().any(|write| {
            let added = matches!(&write.change, Change::Add(added) if added == statement);
            added && write.target == *target
        })
    }

    /// How many statements were added, and not removed in a rollback.
    pub fn grants(&self) -> usize {
        self.count_applied(|change| matches!(change, Change::Add(_)))
    }

    /// How many statements were removed, and not restored in a rollback.
    pub fn revokes(&self) -> usize {
        self.count_applied(|change| matches!(change, Change::Remove(_)))
    }

    fn count_applied(&self, is_counted: impl Fn(&Change) -> bool) -> usize {
        let writes = self.writes();
        let applied = writes
            .iter()
            .filter(|write| write.outcome == Outcome::Applied && is_counted(&write.change));
        applied.count()
    }

    /// How many writes were begun.
    pub(super) fn len(&self) -> usize {
        self.writes().len()
    }

    /// Whether a write to this policy was begun.
    pub(super) fn has_begun(&self, target: &PolicyTarget) -> bool {
        self.writes().iter().any(|write| write.target == *target)
    }

    /// The desired states that undo the writes, that of the last write first. What is `denied` is not restored.
    pub(super) fn reversal(&self, denied: &Denied) -> Vec<(PolicyTarget, DesiredState)> {
        let mut states: Vec<(PolicyTarget, DesiredState)> = Vec::new();
        for write in self.effective().iter().rev() {
            if let Some((statement, why)) = denied_restoration(write, denied) {
                self.not_restored(&write.target, statement, why);
            }
            let known = states
                .iter()
                .position(|(target, _)| *target == write.target);
            let index = known.unwrap_or_else(|| {
                states.push((write.target.clone(), DesiredState::default()));
                states.len() - 1
            });
            if let Some((_, desired)) = states.get_mut(index) {
                undo(desired, write, denied);
            }
        }
        states
    }

    /// Whether none of the writes can still take effect, after a rollback that has found nothing left to do and
    /// wrote `rollback`. Otherwise the policies have to be read again.
    pub(super) fn is_undone_by(&self, rollback: &Self) -> bool {
        let rollback = rollback.effective();
        self.effective().iter().all(|write| {
            let removes_it = |undone: &Write| match (&write.change, &undone.change) {
                (Change::Add(added), Change::Remove(removed)) => {
                    undone.is_applied_to(&write.target) && added.sid == *removed.sid()
                }
                (Change::Add(_) | Change::Remove(_), Change::Add(_) | Change::Remove(_)) => false,
            };
            write.outcome != Outcome::Unknown || rollback.iter().any(removes_it)
        })
    }

    /// Whether no write is known to have taken effect.
    pub(super) fn has_nothing_applied(&self) -> bool {
        let writes = self.writes();
        writes.iter().all(|write| write.outcome != Outcome::Applied)
    }

    /// Records that a statement is not restored, and why.
    pub(super) fn not_restored(&self, target: &PolicyTarget, statement: &Statement, why: &str) {
        if !self.is_not_restored(target, statement) {
            let note = (target.clone(), statement.clone(), why.to_owned());
            self.not_restored.borrow_mut().push(note);
        }
    }

    /// Whether a statement is not restored.
    pub(super) fn is_not_restored(&self, target: &PolicyTarget, statement: &Statement) -> bool {
        let notes = self.not_restored.borrow();
        notes
            .iter()
            .any(|(of, not_restored, _)| of == target && not_restored == statement)
    }

    /// Records that a statement is not removed, because another one has its id.
    pub(super) fn not_removed(&self, removal: &Removal) {
        self.not_removed.borrow_mut().insert(removal.to_string());
    }

    /// What was not rolled back: what was not restored, with the reason, and what was not removed.
    pub fn not_rolled_back(&self) -> Vec<String> {
        let notes = self.not_restored.borrow();
        let not_restored = notes
            .iter()
            .map(|(_, statement, why)| format!("not restored: {statement}: {why}"));
        let not_removed = self.not_removed.borrow();
        let not_removed = not_removed
            .iter()
            .map(|removal| format!("not removed: another statement has the id of {removal}"));
        let unique: BTreeSet<String> = not_restored.chain(not_removed).collect();
        unique.into_iter().collect()
    }

    /// Forgets the writes, which have been rolled back.
    pub fn clear(&self) {
        self.writes.borrow_mut().clear();
    }

    /// Whether nothing was written, nor may have been.
    pub fn is_empty(&self) -> bool {
        self.effective().is_empty()
    }

    /// The writes that took effect, or may have.
    pub(super) fn effective(&self) -> Vec<Write> {
        let writes = self.writes();
        let effective = writes
            .iter()
            .filter(|write| write.outcome != Outcome::Rejected);
        effective.cloned().collect()
    }

    /// The writes that a reason reports: a lost one that was sent again is reported once.
    fn reported(&self) -> Vec<Write> {
        let mut writes = self.effective();
        let all = writes.clone();
        let is_repeated = |write: &Write| {
            let same =
                |other: &&Write| other.target == write.target && other.change == write.change;
            write.outcome.is_lost() && all.iter().filter(same).count() > 1
        };
        writes.retain(|write| !is_repeated(write));
        writes
    }
}

/// The removed statement that must not be restored, and why.
fn denied_restoration<'a>(
    write: &'a Write,
    denied: &'a Denied,
) -> Option<(&'a Statement, &'a str)> {
    let statement = removed_statement(&write.change)?;
    Some((statement, denied.reason(statement)?))
}

/// The statement that is removed, where it is known.
fn removed_statement(change: &Change) -> Option<&Statement> {
    match change {
        Change::Remove(removal) => removal.statement(),
        Change::Add(_) => None,
    }
}

/// Adds to `desired` what undoes one write; those that were made later have been added before.
fn undo(desired: &mut DesiredState, write: &Write, denied: &Denied) {
    match &write.change {
        Change::Add(added) => {
            let removal = match &write.returned {
                Some(returned) => {
                    let sid = sid_of(returned).unwrap_or_else(|| added.sid.clone());
                    Removal::Verbatim(sid, returned.clone())
                }
                None => Removal::Exact(added.clone()),
            };
            // The replacement was there for certain: if it no longer is, another writer has removed it.
            if write.outcome == Outcome::Applied {
                desired.only_as_replacement.insert(added.sid.clone());
            }
            if !desired.removals.contains(&removal) {
                desired.removals.push(removal);
            }
        }
        // What is removed by its id alone, or as Lambda returned it, is removed in a Delete or a rollback, which is never
        // rolled back itself.
        Change::Remove(_) => {
            let is_allowed = |removed: &&Statement| denied.reason(removed).is_none();
            let removed = removed_statement(&write.change).filter(is_allowed);
            if let Some(removed) = removed.filter(|removed| !desired.statements.contains(removed)) {
                desired.statements.push(removed.clone());
            }
        }
    }
}

fn sid_of(statement: &Value) -> Option<StatementId> {
    statement.get("Sid")?.as_str()?.parse().ok()
}

/// The writes in order, as a reason contains them, or their number where they are too many to read.
impl fmt::Display for UndoLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writes = self.reported();
        let policies: BTreeSet<_> = writes.iter().map(|write| &write.target).collect();
        if writes.len() > MAX_REPORTED {
            let (writes, policies) = (writes.len(), policies.len());
            let policies = if policies == 1 {
                "one policy".to_owned()
            } else {
                format!("{policies} policies")
            };
            return write!(f, "{writes} writes to {policies}");
        }
        for (index, write) in writes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", write.change)?;
            if policies.len() > 1 {
                write!(f, " on {}", write.target.short_name())?;
            }
            if matches!(write.outcome, Outcome::Unknown | Outcome::Lost) {
                f.write_str(" (outcome unknown)")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::policy::principal::Principal;
    use serde_json::json;

    pub(in crate::reconcile) fn version(number: u64) -> PolicyTarget {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }

    pub(in crate::reconcile) fn statement(sid: &str) -> Statement {
        Statement::layer_version(sid.parse().expect("a statement id"), Principal::Everyone)
    }

    pub(in crate::reconcile) fn add(sid: &str) -> Change {
        Change::Add(statement(sid))
    }

    pub(in crate::reconcile) fn remove(sid: &str) -> Change {
        Change::Remove(Removal::Exact(statement(sid)))
    }

    fn remove_by_id(sid: &str) -> Change {
        Change::Remove(Removal::ById(sid.parse().expect("a statement id")))
    }

    /// The policy of version 1 at this revision, with these statements; no revision, no policy.
    pub(in crate::reconcile) fn policy(revision: Option<&str>, sids: &[&str]) -> PolicyDocument {
        let Some(revision) = revision else {
            return PolicyDocument::empty(version(1));
        };
        let written = |sid: &&str| statement(sid).to_json(&version(1));
        let statements: Vec<Value> = sids.iter().map(written).collect();
        let document = json!({"Statement": statements}).to_string();
        PolicyDocument::parse(version(1), &document, Some(revision.to_owned())).expect("a policy")
    }

    /// A write to version 1 that was made unconditionally.
    pub(in crate::reconcile) fn begin(log: &UndoLog, change: &Change) -> WriteIndex {
        log.begin(&PolicyDocument::empty(version(1)), change)
    }

    pub(in crate::reconcile) fn apply(log: &UndoLog, change: &Change) {
        log.applied(begin(log, change), None);
    }

    pub(in crate::reconcile) fn apply_at(
        log: &UndoLog,
        revision: &str,
        change: &Change,
        next: Option<&str>,
    ) {
        let begun = log.begin(&policy(Some(revision), &[]), change);
        log.applied(begun, next.map(str::to_owned).as_ref());
    }

    #[test]
    fn a_log_shows_the_writes_and_those_whose_outcome_is_unknown() {
        let log = UndoLog::default();
        let first = begin(&log, &add("s1"));
        let second = begin(&log, &add("s2"));
        begin(&log, &add("s3"));
        log.rejected(second);
        log.applied(first, None);
        assert_eq!(
            log.to_string(),
            "add `s1` for `*`; add `s3` for `*` (outcome unknown)"
        );
        let fourth = log.begin(&PolicyDocument::empty(version(2)), &add("s1"));
        log.applied(fourth, None);
        assert_eq!(
            log.to_string(),
            "add `s1` for `*` on version 1; add `s3` for `*` on version 1 (outcome unknown); add `s1` for `*` on version 2"
        );
        for _ in 0..8 {
            log.begin(&PolicyDocument::empty(version(2)), &add("s4"));
        }
        assert_eq!(log.to_string(), "11 writes to 2 policies");
    }

    #[test]
    fn a_rollback_begins_with_the_last_written_policy() {
        let log = UndoLog::default();
        for number in [1, 2] {
            let write = log.begin(&PolicyDocument::empty(version(number)), &add("s1"));
            log.applied(write, None);
        }
        let [second, first] = &log.reversal(&Denied::new())[..] else {
            panic!("a desired state for each version")
        };
        assert_eq!(
            (second.0.clone(), first.0.clone()),
            (version(2), version(1))
        );
    }

    #[test]
    fn a_write_of_unknown_outcome_is_effective_and_a_rejected_one_is_not() {
        let log = UndoLog::default();
        let shown = |log: &UndoLog| (log.is_empty(), log.has_nothing_applied(), log.len());
        assert_eq!(shown(&log), (true, true, 0));
        assert!(!log.has_begun(&version(1)));
        let begun = begin(&log, &add("s1"));
        assert_eq!(shown(&log), (false, true, 1));
        log.rejected(begun);
        assert_eq!(shown(&log), (true, true, 1));
        apply(&log, &add("s1"));
        assert_eq!(shown(&log), (false, false, 2));
        assert!(log.has_begun(&version(1)) && !log.has_begun(&version(2)));
        log.clear();
        assert_eq!(shown(&log), (true, true, 0));
    }

    #[test]
    fn applied_writes_are_counted_by_kind() {
        let log = UndoLog::default();
        for sid in ["s1", "s2", "s3"] {
            apply(&log, &add(sid));
        }
        for sid in ["s4", "s5"] {
            apply(&log, &remove_by_id(sid));
        }
        begin(&log, &remove_by_id("s6"));
        log.rejected(begin(&log, &add("s7")));
        assert_eq!((log.grants(), log.revokes()), (3, 2));
    }

    /// The reversal of version 1: what is put back, what is removed, and what is put back in place only.
    fn reversal(log: &UndoLog, denied: &Denied) -> [String; 3] {
        let [(_, desired)] = &log.reversal(denied)[..] else {
            panic!("one desired state")
        };
        let joined = |all: Vec<String>| all.join(",");
        [
            joined(desired.statements.iter().map(ToString::to_string).collect()),
            joined(desired.removals.iter().map(ToString::to_string).collect()),
            joined(
                desired
                    .only_as_replacement
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
        ]
    }

    #[test]
    fn a_rollback_restores_a_removed_statement_once_and_none_that_was_removed_by_id() {
        let log = UndoLog::default();
        for change in [
            &remove("s1"),
            &remove("s1"),
            &add("s2"),
            &add("s2"),
            &remove_by_id("s3"),
        ] {
            begin(&log, change);
        }
        assert_eq!(
            reversal(&log, &Denied::new()),
            ["`s1` for `*`", "`s2` for `*`", ""]
        );
    }

    #[test]
    fn a_rollback_does_not_restore_a_denied_statement() {
        let log = UndoLog::default();
        apply(&log, &remove("s1"));
        apply(&log, &add("s2"));
        let denied = Denied::from_iter([(statement("s1"), "not allowed".to_owned())]);
        assert_eq!(reversal(&log, &denied), ["", "`s2` for `*`", "s2"]);
        assert_eq!(
            log.not_rolled_back(),
            ["not restored: `s1` for `*`: not allowed"]
        );
    }

    #[test]
    fn statements_that_are_not_rolled_back_are_reported_once() {
        let log = UndoLog::default();
        for why in ["changed", "reported already"] {
            log.not_restored(&version(1), &statement("s1"), why);
        }
        for (number, sid, expected) in [(1, "s1", true), (1, "s2", false), (2, "s1", false)] {
            let is_not_restored = log.is_not_restored(&version(number), &statement(sid));
            assert_eq!(is_not_restored, expected, "{number} {sid}");
        }
        for _ in 0..2 {
            log.not_removed(&Removal::Exact(statement("s2")));
        }
        assert_eq!(
            log.not_rolled_back(),
            [
                "not removed: another statement has the id of `s2` for `*`",
                "not restored: `s1` for `*`: changed",
            ]
        );
    }

    #[test]
    fn a_rollback_restores_a_statement_only_in_place_of_its_replacement() {
        for (applied, in_place_only) in [(true, "s1"), (false, "")] {
            let log = UndoLog::default();
            apply(&log, &remove("s1"));
            let replaced = begin(&log, &add("s1"));
            if applied {
                log.applied(replaced, None);
            }
            let [_, _, found] = reversal(&log, &Denied::new());
            assert_eq!(found, in_place_only, "{applied}");
        }
    }

    #[test]
    fn a_rollback_removes_what_lambda_returned_as_added() {
        for (instead, sid) in [
            (json!({"Sid": "other", "Effect": "Allow"}), "other"),
            (json!({"Sid": "not an id", "Effect": "Allow"}), "s1"),
            (json!({"Effect": "Allow"}), "s1"),
        ] {
            let log = UndoLog::default();
            let begun = begin(&log, &add("s1"));
            log.applied(begun, None);
            log.returned(begun, &instead);
            let [(_, desired)] = &log.reversal(&Denied::new())[..] else {
                panic!("one desired state")
            };
            let removal = Removal::Verbatim(sid.parse().expect("a statement id"), instead);
            assert_eq!(desired.removals, [removal]);
        }
    }

    #[test]
    fn a_rollback_is_over_when_no_write_can_take_effect_any_more() {
        let log = UndoLog::default();
        let rollback = UndoLog::default();
        let unknown = begin(&log, &add("s1"));
        assert!(
            !log.is_undone_by(&rollback),
            "it may take effect at any time"
        );
        apply(&rollback, &remove("s2"));
        assert!(!log.is_undone_by(&rollback), "another statement");
        begin(&rollback, &remove("s1"));
        assert!(
            !log.is_undone_by(&rollback),
            "the outcome of its removal is unknown"
        );
        apply(&rollback, &remove("s1"));
        assert!(
            log.is_undone_by(&rollback),
            "it took effect and was removed"
        );
        log.rejected(unknown);
        assert!(
            log.is_undone_by(&UndoLog::default()),
            "it will not take effect"
        );
        let applied = begin(&log, &add("s1"));
        log.applied(applied, None);
        assert!(
            log.is_undone_by(&UndoLog::default()),
            "nothing is left to be done"
        );
        begin(&log, &remove("s3"));
        assert!(
            !log.is_undone_by(&UndoLog::default()),
            "a removal of unknown outcome"
        );
    }

    #[test]
    fn ten_writes_are_reported_one_by_one_and_more_by_their_number() {
        let log = UndoLog::default();
        for _ in 0..MAX_REPORTED {
            begin(&log, &add("s1"));
        }
        assert_eq!(log.to_string().split("; ").count(), MAX_REPORTED);
        begin(&log, &add("s1"));
        assert_eq!(log.to_string(), "11 writes to one policy");
    }

    #[test]
    fn a_write_is_found_by_its_target_and_statement() {
        let log = UndoLog::default();
        begin(&log, &add("s1"));
        apply(&log, &remove("s2"));
        for (number, sid, has_added) in [(1, "s1", true), (2, "s1", false), (1, "s2", false)] {
            assert_eq!(log.has_added(&version(number), &statement(sid)), has_added);
        }
        for (number, sid, has_removed) in [(1, "s2", true), (2, "s2", false), (1, "s1", false)] {
            let sid = statement(sid).sid;
            assert_eq!(log.has_removed(&version(number), &sid), has_removed);
        }
        apply(&log, &add("s2"));
        assert!(!log.has_removed(&version(1), &statement("s2").sid));
    }
}
