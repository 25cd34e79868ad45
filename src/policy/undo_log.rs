//! What one operation has written so far, so that it can be rolled back and told.
//! Writes nothing itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::document::Policy;
use super::plan::Step;
use crate::permission::arn::LayerVersionArn;
use crate::permission::goal::{Denied, Goal, OnlyIf, Unwanted};
use crate::permission::statement::{Statement, StatementId};

mod readings;

pub(super) use readings::Added;

/// How many writes a reason tells one by one.
const MOST_TOLD: usize = 10;

/// The writes of one operation, and the revisions of the policies that it has seen. It outlives the operation: a deadline or a
/// panic may end that at any moment.
#[derive(Debug, Default)]
pub struct UndoLog {
    entries: RefCell<Vec<Entry>>,
    /// The revisions of each policy, the newest last.
    revisions: RefCell<Vec<(LayerVersionArn, String)>>,
    /// What a rollback does not put back, and why.
    not_restored: RefCell<Vec<(LayerVersionArn, Statement, String)>>,
    /// What a rollback did not remove, since there is another statement of that id.
    left_alone: RefCell<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    target: LayerVersionArn,
    step: Step,
    /// The revision that the policy had to have for the write, if it had any.
    condition: Option<String>,
    outcome: Outcome,
    /// Whether it is known that no parallel first write has overwritten this one.
    proven: bool,
    /// What Lambda says it has added, where that is not what was asked for.
    returned: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Lambda has not said that it was done: the write may take effect at any time.
    Unknown,
    Applied,
    /// It has no effect, and will have none.
    Rejected,
    /// It was the first of its policy, and a parallel first write has overwritten it.
    Overwritten,
    /// It had no answer, and is not there although the policy has changed since: it was refused, or removed again.
    Lost,
}

/// Which write is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write(usize);

impl UndoLog {
    /// Notes a write that is about to be made to `policy`.
    pub(super) fn begin(&self, policy: &Policy, step: &Step) -> Write {
        let mut entries = self.entries.borrow_mut();
        entries.push(Entry {
            target: policy.layer_version.clone(),
            step: step.clone(),
            condition: policy.revision_id.clone(),
            outcome: Outcome::Unknown,
            proven: policy.revision_id.is_some(),
            returned: None,
        });
        Write(entries.len() - 1)
    }

    /// Notes that a write took effect, after which the policy has `revision`, if that is known. One that was conditional
    /// proves the earlier ones too.
    pub(super) fn applied(&self, Write(index): Write, revision: Option<&String>) {
        let mut entries = self.entries.borrow_mut();
        let Some(entry) = entries.get_mut(index) else {
            return;
        };
        entry.outcome = Outcome::Applied;
        let (target, conditional) = (entry.target.clone(), entry.proven);
        if let Some(revision) = revision {
            self.see(&target, revision);
        }
        if conditional {
            let earlier = entries.iter_mut().take(index);
            earlier
                .filter(|entry| entry.target == target && entry.outcome == Outcome::Applied)
                .for_each(|entry| entry.proven = true);
        }
    }

    /// Notes that what Lambda has added is not what was asked for, but `statement`.
    pub(super) fn added_instead(&self, Write(index): Write, statement: &Value) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(index) {
            entry.returned = Some(statement.clone());
        }
    }

    /// Notes that a write was refused, and so has no effect.
    pub(super) fn rejected(&self, Write(index): Write) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(index) {
            entry.outcome = Outcome::Rejected;
        }
    }

    /// Notes that `revision` is the newest.
    fn see(&self, target: &LayerVersionArn, revision: &str) {
        let mut revisions = self.revisions.borrow_mut();
        revisions.retain(|(of, seen)| of != target || seen != revision);
        revisions.push((target.clone(), revision.to_owned()));
    }

    /// Whether the last write to the statement of this id has removed it.
    pub(super) fn has_removed(&self, target: &LayerVersionArn, sid: &StatementId) -> bool {
        let entries = self.entries.borrow();
        let mut written = entries.iter().rev();
        let last = written.find(|entry| entry.is_applied_to(target) && entry.step.sid() == sid);
        last.is_some_and(|entry| matches!(entry.step, Step::Remove(_)))
    }

    /// Whether this write is among those that were made.
    pub(super) fn has_added(&self, target: &LayerVersionArn, statement: &Statement) -> bool {
        self.written().iter().any(|entry| {
            let added = matches!(&entry.step, Step::Add(added) if added == statement);
            added && entry.target == *target
        })
    }

    /// How many statements were added, and not removed in a rollback.
    pub fn grants(&self) -> usize {
        self.applied_by(|step| matches!(step, Step::Add(_)))
    }

    /// How many statements were removed, and not restored in a rollback.
    pub fn revokes(&self) -> usize {
        self.applied_by(|step| matches!(step, Step::Remove(_)))
    }

    fn applied_by(&self, is_meant: impl Fn(&Step) -> bool) -> usize {
        let entries = self.entries.borrow();
        let applied = entries
            .iter()
            .filter(|entry| entry.outcome == Outcome::Applied && is_meant(&entry.step));
        applied.count()
    }

    /// How many writes were begun.
    pub(super) fn begun(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether a write to this policy was begun.
    pub(super) fn has_begun(&self, target: &LayerVersionArn) -> bool {
        let entries = self.entries.borrow();
        entries.iter().any(|entry| entry.target == *target)
    }

    /// What undoes what was written, the policy of the last write first. Who is `denied` is not granted to again.
    pub(super) fn reversal(&self, denied: &Denied) -> Vec<(LayerVersionArn, Goal)> {
        let mut goals: Vec<(LayerVersionArn, Goal)> = Vec::new();
        for entry in self.written().iter().rev() {
            if let Some((statement, why)) = entry.denied(denied) {
                self.not_restored(&entry.target, &statement, why);
            }
            let known = goals.iter().position(|(about, _)| *about == entry.target);
            let index = known.unwrap_or_else(|| {
                goals.push((entry.target.clone(), Goal::default()));
                goals.len() - 1
            });
            if let Some((_, goal)) = goals.get_mut(index) {
                goal.reverse(entry, denied);
            }
        }
        goals
    }

    /// Whether nothing of what was written can still take effect, after a rollback that has found nothing left to do and
    /// wrote `undoing`. Otherwise it has to be looked for again.
    pub(super) fn is_undone_by(&self, undoing: &Self) -> bool {
        let undoing = undoing.written();
        self.written().iter().all(|entry| {
            let removes_it = |undone: &Entry| match (&entry.step, &undone.step) {
                (Step::Add(added), Step::Remove(removed)) => {
                    undone.is_applied_to(&entry.target) && added.sid == removed.sid
                }
                (Step::Add(_) | Step::Remove(_), Step::Add(_) | Step::Remove(_)) => false,
            };
            entry.outcome != Outcome::Unknown || undoing.iter().any(removes_it)
        })
    }

    /// Whether nothing is known to have been written.
    pub(super) fn has_nothing_applied(&self) -> bool {
        let written = self.written();
        written
            .iter()
            .all(|entry| entry.outcome != Outcome::Applied)
    }

    /// Notes that a statement is not put back, and why.
    pub(super) fn not_restored(&self, target: &LayerVersionArn, statement: &Statement, why: &str) {
        if !self.is_not_restored(target, statement) {
            let note = (target.clone(), statement.clone(), why.to_owned());
            self.not_restored.borrow_mut().push(note);
        }
    }

    /// Whether a statement is not put back.
    pub(super) fn is_not_restored(&self, target: &LayerVersionArn, statement: &Statement) -> bool {
        let notes = self.not_restored.borrow();
        notes
            .iter()
            .any(|(of, kept_out, _)| of == target && kept_out == statement)
    }

    /// Notes that a statement is not removed, since there is another one of its id.
    pub(super) fn left_alone(&self, unwanted: &Unwanted) {
        self.left_alone.borrow_mut().insert(unwanted.to_string());
    }

    /// What was not put back, with the reason, and what was not removed.
    pub fn left_out(&self) -> Vec<String> {
        let notes = self.not_restored.borrow();
        let kept_out = notes
            .iter()
            .map(|(_, statement, why)| format!("not put back: {statement}: {why}"));
        let left_alone = self.left_alone.borrow();
        let left_alone = left_alone
            .iter()
            .map(|removal| format!("left alone: what is there under the id of {removal}"));
        let unique: BTreeSet<String> = kept_out.chain(left_alone).collect();
        unique.into_iter().collect()
    }

    /// Forgets what was written: it has been rolled back.
    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
    }

    /// Whether nothing was written, nor may have been.
    pub fn is_empty(&self) -> bool {
        self.written().is_empty()
    }

    /// What was written, or may have been.
    fn written(&self) -> Vec<Entry> {
        let entries = self.entries.borrow();
        let written = entries
            .iter()
            .filter(|entry| entry.outcome != Outcome::Rejected);
        written.cloned().collect()
    }
}

impl UndoLog {
    /// What is told of what was written: a first write that was made again is told once.
    fn told(&self) -> Vec<Entry> {
        let mut written = self.written();
        let kept = written.clone();
        let is_made_again = |entry: &Entry| {
            let same = |other: &&Entry| other.target == entry.target && other.step == entry.step;
            entry.outcome.is_lost() && kept.iter().filter(same).count() > 1
        };
        written.retain(|entry| !is_made_again(entry));
        written
    }
}

impl Outcome {
    /// Whether it was made, and is not there for a reason that is not known for certain.
    fn is_lost(self) -> bool {
        matches!(self, Self::Overwritten | Self::Lost)
    }
}

impl Entry {
    /// The removed statement that is not to be put back, and why.
    fn denied<'a>(&self, denied: &'a Denied) -> Option<(Statement, &'a str)> {
        let statement = self.step.removed()?;
        let why = denied.get(&statement.principal)?;
        Some((statement, why))
    }

    fn is_applied_to(&self, target: &LayerVersionArn) -> bool {
        self.outcome == Outcome::Applied && self.target == *target
    }
}

impl Step {
    /// The statement that is removed, where it is known what it says.
    fn removed(&self) -> Option<Statement> {
        match self {
            Self::Remove(Unwanted {
                sid,
                only_if: OnlyIf::Grants(principal),
            }) => Some(Statement {
                sid: sid.clone(),
                principal: principal.clone(),
            }),
            Self::Add(_) | Self::Remove(_) => None,
        }
    }

    /// The id of the statement that it is about.
    pub(super) fn sid(&self) -> &StatementId {
        match self {
            Self::Add(statement) => &statement.sid,
            Self::Remove(unwanted) => &unwanted.sid,
        }
    }
}

impl Goal {
    /// Adds what undoes one write; those that were made later have been added before.
    fn reverse(&mut self, entry: &Entry, denied: &Denied) {
        match &entry.step {
            Step::Add(added) => {
                let unwanted = match &entry.returned {
                    Some(returned) => Unwanted {
                        sid: id_of(returned).unwrap_or_else(|| added.sid.clone()),
                        only_if: OnlyIf::Says(returned.clone()),
                    },
                    None => Unwanted::exactly(added.clone()),
                };
                // What was put in its place was there for certain: if it is no longer, somebody else has removed it.
                if entry.outcome == Outcome::Applied {
                    self.in_place_only.insert(added.sid.clone());
                }
                if !self.unwanted.contains(&unwanted) {
                    self.unwanted.push(unwanted);
                }
            }
            // What was removed by its id alone, or as it was found, is removed in a Delete or a rollback, which is never
            // rolled back itself.
            Step::Remove(_) => {
                let allowed = |removed: &Statement| !denied.contains_key(&removed.principal);
                let removed = entry.step.removed().filter(allowed);
                if let Some(removed) = removed.filter(|removed| !self.wanted.contains(removed)) {
                    self.wanted.push(removed);
                }
            }
        }
    }
}

fn id_of(statement: &Value) -> Option<StatementId> {
    statement.get("Sid")?.as_str()?.parse().ok()
}

/// The writes in order, as a reason tells them, or how many there are where they are too many to read.
impl fmt::Display for UndoLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.told();
        let policies: BTreeSet<_> = written.iter().map(|entry| &entry.target).collect();
        if written.len() > MOST_TOLD {
            let (writes, policies) = (written.len(), policies.len());
            let policies = if policies == 1 {
                "one policy".to_owned()
            } else {
                format!("{policies} policies")
            };
            return write!(f, "{writes} writes to {policies}");
        }
        for (index, entry) in written.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", entry.step)?;
            if policies.len() > 1 {
                write!(f, " on version {}", entry.target.version())?;
            }
            if matches!(entry.outcome, Outcome::Unknown | Outcome::Lost) {
                f.write_str(" (without an answer)")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::principal::Principal;
    use serde_json::json;

    pub(super) fn version(number: u64) -> LayerVersionArn {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }

    pub(super) fn statement(sid: &str) -> Statement {
        Statement {
            sid: sid.parse().expect("a statement id"),
            principal: Principal::Everyone,
        }
    }

    pub(super) fn add(sid: &str) -> Step {
        Step::Add(statement(sid))
    }

    pub(super) fn remove(sid: &str) -> Step {
        Step::Remove(Unwanted::exactly(statement(sid)))
    }

    fn remove_by_id(sid: &str) -> Step {
        Step::Remove(Unwanted::by_id(sid.parse().expect("a statement id")))
    }

    /// The policy of version 1 at this revision, with these statements; no revision, no policy.
    pub(super) fn policy(revision: Option<&str>, sids: &[&str]) -> Policy {
        let Some(revision) = revision else {
            return Policy::none(version(1));
        };
        let written = |sid: &&str| statement(sid).written(&version(1));
        let statements: Vec<Value> = sids.iter().map(written).collect();
        let document = json!({"Statement": statements}).to_string();
        Policy::read(version(1), &document, Some(revision.to_owned())).expect("a policy")
    }

    /// A write to version 1 that was made unconditionally.
    pub(super) fn begin(log: &UndoLog, step: &Step) -> Write {
        log.begin(&Policy::none(version(1)), step)
    }

    pub(super) fn apply(log: &UndoLog, step: &Step) {
        log.applied(begin(log, step), None);
    }

    pub(super) fn apply_at(log: &UndoLog, revision: &str, step: &Step, next: Option<&str>) {
        let begun = log.begin(&policy(Some(revision), &[]), step);
        log.applied(begun, next.map(str::to_owned).as_ref());
    }

    #[test]
    fn a_log_tells_what_was_written_and_what_may_have_been() {
        let log = UndoLog::default();
        let first = begin(&log, &add("s1"));
        let second = begin(&log, &add("s2"));
        begin(&log, &add("s3"));
        log.rejected(second);
        log.applied(first, None);
        assert_eq!(
            log.to_string(),
            "add `s1` for `*`; add `s3` for `*` (without an answer)"
        );
        let fourth = log.begin(&Policy::none(version(2)), &add("s1"));
        log.applied(fourth, None);
        assert_eq!(
            log.to_string(),
            "add `s1` for `*` on version 1; add `s3` for `*` on version 1 (without an answer); add `s1` for `*` on version 2"
        );
        for _ in 0..8 {
            log.begin(&Policy::none(version(2)), &add("s4"));
        }
        assert_eq!(log.to_string(), "11 writes to 2 policies");
    }

    #[test]
    fn each_version_is_rolled_back_the_last_one_first() {
        let log = UndoLog::default();
        for number in [1, 2] {
            let write = log.begin(&Policy::none(version(number)), &add("s1"));
            log.applied(write, None);
        }
        let [second, first] = &log.reversal(&Denied::new())[..] else {
            panic!("a goal for each version")
        };
        assert_eq!((second.0.version(), first.0.version()), (2, 1));
    }

    #[test]
    fn what_has_no_answer_may_have_been_written_and_what_is_rejected_was_not() {
        let log = UndoLog::default();
        let told = |log: &UndoLog| (log.is_empty(), log.has_nothing_applied(), log.begun());
        assert_eq!(told(&log), (true, true, 0));
        assert!(!log.has_begun(&version(1)));
        let begun = begin(&log, &add("s1"));
        assert_eq!(told(&log), (false, true, 1));
        log.rejected(begun);
        assert_eq!(told(&log), (true, true, 1));
        apply(&log, &add("s1"));
        assert_eq!(told(&log), (false, false, 2));
        assert!(log.has_begun(&version(1)) && !log.has_begun(&version(2)));
        log.clear();
        assert_eq!(told(&log), (true, true, 0));
    }

    #[test]
    fn what_was_applied_is_counted_by_its_kind() {
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
        let [(_, goal)] = &log.reversal(denied)[..] else {
            panic!("one goal")
        };
        let joined = |all: Vec<String>| all.join(",");
        [
            joined(goal.wanted.iter().map(ToString::to_string).collect()),
            joined(goal.unwanted.iter().map(ToString::to_string).collect()),
            joined(goal.in_place_only.iter().map(ToString::to_string).collect()),
        ]
    }

    #[test]
    fn what_was_removed_is_restored_once_and_what_went_by_its_id_alone_is_not() {
        let log = UndoLog::default();
        for step in [
            &remove("s1"),
            &remove("s1"),
            &add("s2"),
            &add("s2"),
            &remove_by_id("s3"),
        ] {
            begin(&log, step);
        }
        assert_eq!(
            reversal(&log, &Denied::new()),
            ["`s1` for `*`", "`s2` for `*`", ""]
        );
    }

    #[test]
    fn a_denied_principal_is_not_restored() {
        let log = UndoLog::default();
        apply(&log, &remove("s1"));
        apply(&log, &add("s2"));
        let denied = Denied::from([(Principal::Everyone, "not allowed".to_owned())]);
        assert_eq!(reversal(&log, &denied), ["", "`s2` for `*`", "s2"]);
        assert_eq!(log.left_out(), ["not put back: `s1` for `*`: not allowed"]);
    }

    #[test]
    fn what_is_not_restored_and_what_is_left_alone_is_told_once_by_version_and_statement() {
        let log = UndoLog::default();
        for why in ["changed", "told already"] {
            log.not_restored(&version(1), &statement("s1"), why);
        }
        for (number, sid, expected) in [(1, "s1", true), (1, "s2", false), (2, "s1", false)] {
            let is_kept_out = log.is_not_restored(&version(number), &statement(sid));
            assert_eq!(is_kept_out, expected, "{number} {sid}");
        }
        for _ in 0..2 {
            log.left_alone(&Unwanted::exactly(statement("s2")));
        }
        assert_eq!(
            log.left_out(),
            [
                "left alone: what is there under the id of `s2` for `*`",
                "not put back: `s1` for `*`: changed",
            ]
        );
    }

    #[test]
    fn what_was_replaced_for_certain_is_restored_in_its_place_only() {
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
    fn what_lambda_has_added_instead_is_removed_as_lambda_says_it() {
        for (instead, sid) in [
            (json!({"Sid": "other", "Effect": "Allow"}), "other"),
            (json!({"Sid": "not an id", "Effect": "Allow"}), "s1"),
            (json!({"Effect": "Allow"}), "s1"),
        ] {
            let log = UndoLog::default();
            let begun = begin(&log, &add("s1"));
            log.applied(begun, None);
            log.added_instead(begun, &instead);
            let [(_, goal)] = &log.reversal(&Denied::new())[..] else {
                panic!("one goal")
            };
            let unwanted = Unwanted {
                sid: sid.parse().expect("a statement id"),
                only_if: OnlyIf::Says(instead),
            };
            assert_eq!(goal.unwanted, [unwanted]);
        }
    }

    #[test]
    fn a_rollback_is_over_when_no_write_can_take_effect_any_more() {
        let log = UndoLog::default();
        let undoing = UndoLog::default();
        let unanswered = begin(&log, &add("s1"));
        assert!(!log.is_undone_by(&undoing), "it may come at any time");
        apply(&undoing, &remove("s2"));
        assert!(!log.is_undone_by(&undoing), "another statement");
        begin(&undoing, &remove("s1"));
        assert!(!log.is_undone_by(&undoing), "removed without an answer");
        apply(&undoing, &remove("s1"));
        assert!(log.is_undone_by(&undoing), "it came and was removed");
        log.rejected(unanswered);
        assert!(log.is_undone_by(&UndoLog::default()), "it will not come");
        let answered = begin(&log, &add("s1"));
        log.applied(answered, None);
        assert!(
            log.is_undone_by(&UndoLog::default()),
            "nothing is left to be done"
        );
        begin(&log, &remove("s3"));
        assert!(
            !log.is_undone_by(&UndoLog::default()),
            "a removal without an answer"
        );
    }

    #[test]
    fn ten_writes_are_told_one_by_one_and_more_by_their_number() {
        let log = UndoLog::default();
        for _ in 0..MOST_TOLD {
            begin(&log, &add("s1"));
        }
        assert_eq!(log.to_string().split("; ").count(), MOST_TOLD);
        begin(&log, &add("s1"));
        assert_eq!(log.to_string(), "11 writes to one policy");
    }

    #[test]
    fn what_was_written_is_known_by_its_version_and_its_statement() {
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
