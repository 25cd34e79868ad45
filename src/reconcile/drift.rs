//! What other writers have done since an operation read and wrote: nothing of theirs is overwritten or undone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::ReconcileError;
use super::observation::{
    Observed, contradicts, is_outdated, is_unchanged, misses_addition, observe, observed,
};
use super::status::{Overlap, ReconcileStatus};
use super::undo_log::UndoLog;
use crate::policy::desired::{DesiredState, Removal};
use crate::policy::document::PolicyDocument;
use crate::policy::statement::Statement;
use crate::resources::operation::Mode;

/// What an operation compares a reading with.
#[derive(Clone, Copy, Debug)]
pub(super) struct DriftCheck<'a> {
    pub(super) mode: Mode,
    /// What it has written itself.
    pub(super) log: &'a UndoLog,
    /// What it rolls back.
    pub(super) rolls_back: Option<&'a UndoLog>,
    pub(super) status: &'a ReconcileStatus,
}

impl DriftCheck<'_> {
    /// The logs that a reading says something about.
    fn logs(&self) -> impl Iterator<Item = &UndoLog> {
        std::iter::once(self.log).chain(self.rolls_back)
    }

    /// Whether `policy` may be older than what was written or read before.
    pub(super) fn is_stale(&self, policy: &PolicyDocument) -> bool {
        let misses = |rolled_back: &UndoLog| misses_addition(rolled_back, policy, self.log);
        self.logs().any(|log| is_outdated(log, policy))
            || contradicts(self.log, policy)
            || self.rolls_back.is_some_and(misses)
    }

    /// Records what `policy` says about earlier writes; the part of `desired` that is left to be done.
    ///
    /// # Errors
    /// If another writer has undone what this operation had done: it was revoked, or rolled back.
    pub(super) fn observe<'d>(
        &self,
        desired: &'d DesiredState,
        policy: &PolicyDocument,
    ) -> Result<Cow<'d, DesiredState>, ReconcileError> {
        let target = &policy.target;
        let restorable = self.rolls_back.map(|_| self.restorable(desired, policy));
        self.logs().for_each(|log| observe(log, policy));
        self.status.record_read(target);
        if let Some(overlap) = overlap(desired, policy).filter(|_| !self.log.has_begun(target)) {
            self.status.record_overlap(overlap);
        }
        let gives_way = self.status.overlap() != Some(Overlap::Certain);
        for statement in &desired.statements {
            if policy.contains(statement) && !self.log.has_added(target, statement) {
                self.status.record_existing();
            }
            let is_vacant = policy.statement(&statement.sid).is_none();
            if observed(self.log, statement, policy) == Observed::Removed
                && gives_way
                && (is_vacant || may_replace(desired, statement, policy))
            {
                return Err(ReconcileError::Revoked(statement.sid.clone()));
            }
        }
        if self.mode == Mode::Apply && gives_way {
            self.ensure_not_restored(desired, policy)?;
        }
        Ok(restorable.map_or(Cow::Borrowed(desired), Cow::Owned))
    }

    /// What this operation has removed is not there again.
    fn ensure_not_restored(
        &self,
        desired: &DesiredState,
        policy: &PolicyDocument,
    ) -> Result<(), ReconcileError> {
        let was_removed = |sid| self.log.has_removed(&policy.target, sid);
        let mut restored = desired.unwanted().filter(|removal| {
            let found = policy.statement(removal.sid());
            found.is_some_and(|found| removal.matches(found, &policy.target))
                && was_removed(removal.sid())
        });
        match restored.next() {
            Some(restored) => Err(ReconcileError::Restored(restored.sid().clone())),
            None => Ok(()),
        }
    }

    /// The part of a rollback that may be done: nothing is restored that another writer has removed or replaced since.
    fn restorable(&self, desired: &DesiredState, policy: &PolicyDocument) -> DesiredState {
        let target = &policy.target;
        // What the rollback has written itself is no change by another writer.
        let unchanged = self.log.has_begun(target)
            || self.rolls_back.is_some_and(|log| is_unchanged(log, policy));
        let mut restorable = desired.clone();
        restorable.statements.retain(|statement| {
            let is_ours = if policy.statement(&statement.sid).is_some() {
                policy.contains(statement) || may_replace(desired, statement, policy)
            } else {
                let is_replacement = desired.only_as_replacement.contains(&statement.sid);
                self.log.has_removed(target, &statement.sid) || unchanged && !is_replacement
            };
            if !is_ours {
                let why = "another writer has changed the policy since";
                self.log.not_restored(target, statement, why);
            }
            // Nor what an earlier reading has shown to be changed.
            !self.log.is_not_restored(target, statement)
        });
        restorable
    }
}

/// Whether the policy contains a statement of the desired id that may be replaced.
fn may_replace(desired: &DesiredState, statement: &Statement, policy: &PolicyDocument) -> bool {
    let found = policy.statement(&statement.sid);
    let mut old = desired.unwanted();
    found.is_some_and(|found| {
        old.any(|old| *old.sid() == statement.sid && old.matches(found, &policy.target))
    })
}

/// Whether a change away from what is desired may still be about to be written, as when a rollback overtakes its Update: not
/// all that it would add is there, or something that it would remove still is.
fn overlap(desired: &DesiredState, policy: &PolicyDocument) -> Option<Overlap> {
    let replaced = desired.removals.iter().filter_map(Removal::statement);
    let replaced: BTreeSet<&Statement> = replaced.collect();
    let statements: BTreeSet<&Statement> = desired.statements.iter().collect();
    let is_there = |statement: &&&Statement| policy.contains(statement);
    // Which accounts of a unit it would grant to is not known.
    let mut units = desired.removals.iter().filter_map(Removal::unit);
    let drops_unit = units.any(|unit| !desired.has_unit(unit));
    let may_be_added = drops_unit || !replaced.difference(&statements).all(|old| is_there(&old));
    let may_be_removed = statements.difference(&replaced).any(|new| is_there(&new));
    let replaces_nothing = replaced.is_empty() && !drops_unit && !desired.joins;
    if replaces_nothing || !may_be_added && !may_be_removed {
        None
    } else if may_be_removed || statements.iter().all(|desired| is_there(&desired)) {
        Some(Overlap::Certain)
    } else {
        Some(Overlap::Possible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::conditions::Conditions;
    use crate::policy::plan::Change;
    use crate::policy::target::PolicyTarget;
    use crate::policy::unit_grant::UnitGrant;
    use serde_json::{Value, json};

    fn version(number: u64) -> PolicyTarget {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }

    /// From `<id>:<digit>`: the digit is repeated to the id of an account.
    fn statement(text: &str) -> Statement {
        let (sid, digit) = text.split_once(':').expect("an id and a digit");
        let account = digit.repeat(12).parse().expect("an account");
        Statement::layer_version(sid.parse().expect("a statement id"), account)
    }

    fn removal(text: &str) -> Removal {
        Removal::Exact(statement(text))
    }

    fn state(statements: &[&str], removals: &[&str]) -> DesiredState {
        DesiredState {
            statements: statements.iter().map(|text| statement(text)).collect(),
            removals: removals.iter().map(|text| removal(text)).collect(),
            ..DesiredState::default()
        }
    }

    /// The policy of version 1 at this revision, with these statements.
    fn policy(revision: &str, found: &[&str]) -> PolicyDocument {
        let written = |text: &&str| statement(text).to_json(&version(1));
        let statements: Vec<Value> = found.iter().map(written).collect();
        let document = json!({"Statement": statements}).to_string();
        PolicyDocument::parse(version(1), &document, Some(revision.to_owned())).expect("a policy")
    }

    /// Writes under revision `r1`, after which there is `r2`.
    fn log_of(changes: &[Change]) -> UndoLog {
        let log = UndoLog::default();
        for change in changes {
            let begun = log.begin(&policy("r1", &[]), change);
            log.applied(begun, Some(&"r2".to_owned()));
        }
        log
    }

    fn added(text: &str) -> UndoLog {
        log_of(&[Change::Add(statement(text))])
    }

    fn removed(text: &str) -> UndoLog {
        log_of(&[Change::Remove(removal(text))])
    }

    /// The check of a grant, or of the rollback of a log.
    fn check<'a>(
        log: &'a UndoLog,
        rolls_back: Option<&'a UndoLog>,
        status: &'a ReconcileStatus,
    ) -> DriftCheck<'a> {
        let mode = match rolls_back {
            Some(_) => Mode::Cleanup,
            None => Mode::Apply,
        };
        DriftCheck {
            mode,
            log,
            rolls_back,
            status,
        }
    }

    #[test]
    fn a_reading_is_stale_if_it_is_older_than_a_write_of_either_log() {
        let (nothing, something) = (UndoLog::default(), added("s1:1"));
        let none = PolicyDocument::empty(version(1));
        for (name, policy, is_stale) in [
            ("before the write", &policy("r1", &[]), true),
            ("after the write", &policy("r2", &["s1:1"]), false),
            ("without what was written", &policy("r3", &[]), true),
            (
                "after another write",
                &policy("r3", &["s1:1", "s2:2"]),
                false,
            ),
            ("the policy is gone", &none, true),
            ("another version", &PolicyDocument::empty(version(2)), false),
        ] {
            let status = ReconcileStatus::default();
            for (log, rolls_back, expected) in [
                (&nothing, None, false),
                (&nothing, Some(&nothing), false),
                (&something, None, is_stale),
                (&something, Some(&nothing), is_stale),
                (&nothing, Some(&something), is_stale),
            ] {
                let found = check(log, rolls_back, &status).is_stale(policy);
                assert_eq!(found, expected, "{name}: {log} {rolls_back:?}");
            }
        }
    }

    #[test]
    fn a_reading_reveals_to_both_logs_the_outcome_of_a_write() {
        let (log, rolls_back, status) = (
            UndoLog::default(),
            UndoLog::default(),
            ReconcileStatus::default(),
        );
        for log in [&log, &rolls_back] {
            log.begin(&policy("r1", &[]), &Change::Add(statement("s1:1")));
        }
        assert!(!status.has_read_all());
        let observed = check(&log, Some(&rolls_back), &status);
        assert!(
            observed
                .observe(&state(&[], &[]), &policy("r2", &["s1:1"]))
                .is_ok()
        );
        for log in [&log, &rolls_back] {
            assert_eq!(log.to_string(), "add `s1` for `111111111111`");
        }
        assert!(status.has_read_all(), "the policy was read");
    }

    #[test]
    fn an_update_of_the_versions_overlaps_while_not_all_of_it_is_there() {
        let desired = state(&["s1:1"], &["s1:1"]);
        let certain = Some(Overlap::Certain);
        for (name, desired, found, overlapping) in [
            ("it joins", desired.joining(), &[][..], None),
            (
                "it is about to leave",
                desired.joining(),
                &["s1:1"],
                certain,
            ),
            ("it leaves", desired.outside(true), &["s1:1"], None),
            ("it is about to join", desired.outside(true), &[], certain),
            ("it was not in the set", desired.outside(false), &[], None),
            ("it was left over", desired.outside(false), &["s1:1"], None),
        ] {
            assert_eq!(
                overlap(&desired, &policy("r1", found)),
                overlapping,
                "{name}"
            );
        }
    }

    #[test]
    fn an_update_overlaps_while_not_all_of_it_is_there() {
        const NONE: Option<Overlap> = None;
        const POSSIBLE: Option<Overlap> = Some(Overlap::Possible);
        const CERTAIN: Option<Overlap> = Some(Overlap::Certain);
        for (name, desired, removed, found, overlap) in [
            ("a Create", &["s1:1"][..], &[][..], &["s1:1"][..], NONE),
            ("not begun", &["s1:1"], &["s2:2"], &["s1:1"], CERTAIN),
            (
                "half done",
                &["s1:1"],
                &["s2:2"],
                &["s1:1", "s2:2"],
                CERTAIN,
            ),
            ("done", &["s1:1"], &["s2:2"], &["s2:2"], NONE),
            ("in between", &["s1:1"], &["s1:2"], &[], POSSIBLE),
            ("replaced", &["s1:1"], &["s1:2"], &["s1:2"], NONE),
            ("not replaced", &["s1:1"], &["s1:2"], &["s1:1"], CERTAIN),
            ("in part", &["s1:1"], &["s2:2", "s3:3"], &["s2:2"], POSSIBLE),
            (
                "one is missing",
                &["s1:1", "s2:2"],
                &["s3:3"],
                &["s1:1"],
                CERTAIN,
            ),
            (
                "one more, not begun",
                &["s1:1"],
                &["s1:1", "s2:2"],
                &["s1:1"],
                CERTAIN,
            ),
            (
                "one more, done",
                &["s1:1"],
                &["s1:1", "s2:2"],
                &["s1:1", "s2:2"],
                NONE,
            ),
            (
                "one less, not begun",
                &["s1:1", "s2:2"],
                &["s1:1"],
                &["s1:1", "s2:2"],
                CERTAIN,
            ),
            (
                "one less, done",
                &["s1:1", "s2:2"],
                &["s1:1"],
                &["s1:1"],
                NONE,
            ),
            ("nothing changes", &["s1:1"], &["s1:1"], &["s1:1"], NONE),
        ] {
            let (log, status) = (UndoLog::default(), ReconcileStatus::default());
            let state = state(desired, removed);
            let observed = check(&log, None, &status).observe(&state, &policy("r1", found));
            assert_eq!(observed.as_deref(), Ok(&state), "{name}");
            assert_eq!(status.overlap(), overlap, "{name}");
        }
    }

    #[test]
    fn a_removal_by_id_or_as_returned_is_no_overlap() {
        let sid = statement("s2:2").sid;
        let returned = statement("s2:2").to_json(&version(1));
        let returned = Removal::Verbatim(sid.clone(), returned);
        for removal in [returned, Removal::ById(sid)] {
            let (log, status) = (UndoLog::default(), ReconcileStatus::default());
            let mut state = state(&["s1:1"], &["s2:2"]);
            state.removals[0] = removal;
            let observed = check(&log, None, &status).observe(&state, &policy("r1", &["s1:1"]));
            assert!(observed.is_ok() && status.overlap().is_none(), "{state:?}");
        }
    }

    #[test]
    fn an_overlap_is_recorded_before_the_first_write_only() {
        let state = state(&["s1:1"], &["s2:2"]);
        for (number, has_overlap) in [(1, false), (2, true)] {
            let (log, status) = (UndoLog::default(), ReconcileStatus::default());
            log.begin(
                &PolicyDocument::empty(version(number)),
                &Change::Add(statement("s3:3")),
            );
            let observed = check(&log, None, &status).observe(&state, &policy("r1", &["s1:1"]));
            assert!(observed.is_ok());
            assert_eq!(status.overlap().is_some(), has_overlap, "wrote to {number}");
        }
    }

    #[test]
    fn a_statement_that_this_operation_has_not_added_was_existing() {
        let nothing = UndoLog::default();
        for (log, found, is_existing) in [
            (&nothing, &["s1:1"][..], true),
            (&nothing, &["s1:2"], false),
            (&nothing, &[], false),
            (&added("s1:1"), &["s1:1"], false),
            (&added("s2:2"), &["s1:1", "s2:2"], true),
        ] {
            let (status, state) = (ReconcileStatus::default(), state(&["s1:1"], &[]));
            let observed = check(log, None, &status).observe(&state, &policy("r2", found));
            assert!(observed.is_ok());
            assert_eq!(status.has_found_existing(), is_existing, "{log} {found:?}");
        }
    }

    #[test]
    fn an_addition_that_is_gone_was_revoked_unless_an_update_certainly_overlaps() {
        let revoked = || Err(ReconcileError::Revoked(statement("s1:1").sid));
        let state = state(&["s1:1"], &["s1:2"]);
        for (name, found, expected) in [
            ("it is there", &["s1:1"][..], Ok(())),
            ("it was removed", &["s2:1"], revoked()),
            ("what it had replaced is back", &["s1:2"], revoked()),
            ("another writer has its id", &["s1:3"], Ok(())),
        ] {
            let log = added("s1:1");
            for overlap in [None, Some(Overlap::Possible), Some(Overlap::Certain)] {
                let status = ReconcileStatus::default();
                if let Some(overlap) = overlap {
                    status.record_overlap(overlap);
                }
                let observed = check(&log, None, &status).observe(&state, &policy("r3", found));
                let gives_way = overlap != Some(Overlap::Certain);
                let expected = if gives_way { &expected } else { &Ok(()) };
                assert_eq!(&observed.map(drop), expected, "{name}, {overlap:?}");
            }
        }
    }

    #[test]
    fn a_removal_that_is_back_was_restored_which_stops_a_grant() {
        let restored = || Err(ReconcileError::Restored(statement("s2:2").sid));
        let nothing = UndoLog::default();
        let state = state(&["s1:1"], &["s2:2"]);
        for (name, log, found, expected) in [
            (
                "it is back",
                &removed("s2:2"),
                &["s1:1", "s2:2"][..],
                restored(),
            ),
            ("it stays away", &removed("s2:2"), &["s1:1"], Ok(())),
            (
                "another writer has its id",
                &removed("s2:2"),
                &["s1:1", "s2:3"],
                Ok(()),
            ),
            ("it was not removed", &nothing, &["s2:2"], Ok(())),
            (
                "another one was removed",
                &removed("s3:3"),
                &["s1:1", "s2:2"],
                Ok(()),
            ),
        ] {
            for (mode, overlap, stops) in [
                (Mode::Apply, None, true),
                (Mode::Apply, Some(Overlap::Possible), true),
                (Mode::Apply, Some(Overlap::Certain), false),
                (Mode::Cleanup, None, false),
                (Mode::CleanupOutOfOrder, None, false),
            ] {
                let status = ReconcileStatus::default();
                if let Some(overlap) = overlap {
                    status.record_overlap(overlap);
                }
                let check = DriftCheck {
                    mode,
                    ..check(log, None, &status)
                };
                let observed = check.observe(&state, &policy("r3", found));
                let expected = if stops { &expected } else { &Ok(()) };
                assert_eq!(
                    &observed.map(drop),
                    expected,
                    "{name}, {mode:?}, {overlap:?}"
                );
            }
        }
    }

    #[test]
    fn a_rollback_restores_what_no_other_writer_has_removed_or_replaced() {
        let nothing = UndoLog::default;
        for (name, log, is_replacement, found, is_restored) in [
            ("it is there", nothing(), true, &["s1:1"][..], true),
            (
                "what replaced it is there",
                nothing(),
                true,
                &["s1:2"],
                true,
            ),
            (
                "another writer has its id",
                nothing(),
                false,
                &["s1:3"],
                false,
            ),
            ("it was removed only", nothing(), false, &[], true),
            (
                "it was removed, and others wrote",
                nothing(),
                false,
                &["s9:9"],
                false,
            ),
            ("what replaced it is gone", nothing(), true, &[], false),
            (
                "the rollback has removed that",
                removed("s1:2"),
                true,
                &[],
                true,
            ),
            (
                "the rollback has removed another",
                removed("s2:2"),
                true,
                &[],
                false,
            ),
        ] {
            let mut state = state(&["s1:1"], &["s1:2"]);
            if is_replacement {
                state.only_as_replacement.insert(statement("s1:1").sid);
            }
            let (undone, status) = (UndoLog::default(), ReconcileStatus::default());
            observe(&undone, &policy("r3", &[]));
            let revision = if found == ["s9:9"] { "r4" } else { "r3" };
            let found = policy(revision, found);
            let observed = check(&log, Some(&undone), &status).observe(&state, &found);
            let restored = observed.expect(name).statements == state.statements;
            assert_eq!(restored, is_restored, "{name}");
            let why = "not restored: `s1` for `111111111111`: another writer has changed the policy since";
            let left_out: &[&str] = if is_restored { &[] } else { &[why] };
            assert_eq!(log.not_rolled_back(), left_out, "{name}");
            let update = check(&log, None, &status).observe(&state, &found);
            assert_eq!(update.as_deref(), Ok(&state), "{name}: all of an Update");
        }
    }

    #[test]
    fn a_rollback_does_not_restore_later_what_it_has_not_restored_once() {
        let (log, undone, status) = (
            UndoLog::default(),
            UndoLog::default(),
            ReconcileStatus::default(),
        );
        observe(&undone, &policy("r3", &[]));
        let check = check(&log, Some(&undone), &status);
        let state = state(&["s1:1"], &[]);
        for (revision, found) in [("r4", &["s9:9"][..]), ("r3", &[])] {
            let observed = check.observe(&state, &policy(revision, found));
            assert_eq!(observed.expect(revision).statements, [], "{revision}");
        }
    }

    #[test]
    fn an_update_that_drops_a_unit_cannot_know_what_an_overtaken_one_would_add() {
        let unit = |id: &str| UnitGrant {
            list: "s".parse().expect("a statement id"),
            unit: id.parse().expect("a unit"),
            of_url: None,
            action: "lambda:GetLayerVersion".into(),
            conditions: Conditions::default(),
            path: None,
        };
        let (kept, dropped) = (unit("ou-abcd-11111111"), unit("ou-abcd-22222222"));
        for (name, removed, found, expected) in [
            ("kept", &kept, &["s1:1"][..], None),
            ("dropped", &dropped, &["s1:1"], Some(Overlap::Certain)),
            (
                "dropped, and not all there",
                &dropped,
                &[],
                Some(Overlap::Possible),
            ),
        ] {
            let mut state = state(&["s1:1"], &[]);
            state.units = vec![kept.clone()];
            state.removals = vec![
                Removal::Exact(statement("s1:1")),
                Removal::Unit(removed.clone()),
            ];
            assert_eq!(overlap(&state, &policy("r1", found)), expected, "{name}");
        }
    }
}
