//! What a reading tells of what others have done since this operation read and wrote: nothing of theirs is fought over.
//! Plans and writes nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::course::{Awaited, Course};
use super::document::Policy;
use super::plan::is_there;
use super::settle::Unreconciled;
use super::undo_log::{Added, UndoLog};
use crate::permission::goal::{Goal, OnlyIf};
use crate::permission::intent::Purpose;
use crate::permission::statement::Statement;

/// What one operation compares a reading with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) purpose: Purpose,
    /// What it has written itself.
    pub(super) log: &'a UndoLog,
    /// What it rolls back.
    pub(super) undoes: Option<&'a UndoLog>,
    pub(super) course: &'a Course,
}

impl Known<'_> {
    /// The logs that a reading tells something.
    fn logs(&self) -> impl Iterator<Item = &UndoLog> {
        std::iter::once(self.log).chain(self.undoes)
    }

    /// Whether `policy` may be older than what was written or seen before.
    pub(super) fn is_doubtful(&self, policy: &Policy) -> bool {
        let is_old = |log: &UndoLog| log.is_outdated(policy);
        let is_missed = |undone: &UndoLog| undone.is_missed_in(policy, self.log);
        self.logs().any(is_old)
            || self.log.contradicts(policy)
            || self.undoes.is_some_and(is_missed)
    }

    /// Notes what `policy` tells of earlier writes, and gives what is left to be done of `goal`.
    ///
    /// # Errors
    /// If somebody has undone meanwhile what this operation had done: it was revoked, or rolled back.
    pub(super) fn learn<'g>(
        &self,
        goal: &'g Goal,
        policy: &Policy,
    ) -> Result<Cow<'g, Goal>, Unreconciled> {
        let target = &policy.layer_version;
        let restorable = self.undoes.map(|_| self.restorable(goal, policy));
        self.logs().for_each(|log| log.observe(policy));
        self.course.looked_at(target);
        if let Some(awaited) = goal.awaited(policy).filter(|_| !self.log.has_begun(target)) {
            self.course.awaits(awaited);
        }
        let gives_way = self.course.awaited() != Some(Awaited::Overtaken);
        for wanted in &goal.wanted {
            if is_there(wanted, policy) && !self.log.has_added(target, wanted) {
                self.course.met();
            }
            let is_vacant = policy.statement(&wanted.sid).is_none();
            if self.log.judge(wanted, policy) == Added::Gone
                && gives_way
                && (is_vacant || goal.replaces(wanted, policy))
            {
                return Err(Unreconciled::Revoked(wanted.sid.clone()));
            }
        }
        if self.purpose == Purpose::Grant && gives_way {
            self.ensure_not_restored(goal, policy)?;
        }
        Ok(restorable.map_or(Cow::Borrowed(goal), Cow::Owned))
    }

    /// What this operation has removed is not there again.
    fn ensure_not_restored(&self, goal: &Goal, policy: &Policy) -> Result<(), Unreconciled> {
        let is_back = |sid| self.log.has_removed(&policy.layer_version, sid);
        let mut found = goal.unwanted.iter().filter(|unwanted| {
            let found = policy.statement(&unwanted.sid);
            found.is_some_and(|found| unwanted.matches(found, policy)) && is_back(&unwanted.sid)
        });
        match found.next() {
            Some(restored) => Err(Unreconciled::Restored(restored.sid.clone())),
            None => Ok(()),
        }
    }

    /// Of a rollback, what may be put back: not what somebody else has removed or replaced meanwhile.
    fn restorable(&self, goal: &Goal, policy: &Policy) -> Goal {
        let target = &policy.layer_version;
        // What it has written itself is no change by somebody else.
        let is_as_left = self.log.has_begun(target)
            || self.undoes.is_some_and(|undone| undone.is_as_left(policy));
        let mut restorable = goal.clone();
        restorable.wanted.retain(|wanted| {
            let is_ours = match policy.statement(&wanted.sid) {
                Some(_) => is_there(wanted, policy) || goal.replaces(wanted, policy),
                None => {
                    self.log.has_removed(target, &wanted.sid)
                        || is_as_left && !goal.in_place_only.contains(&wanted.sid)
                }
            };
            if !is_ours {
                let why = "somebody else has changed the policy since";
                self.log.not_restored(target, wanted, why);
            }
            // Nor what an earlier reading has shown to be changed.
            !self.log.is_not_restored(target, wanted)
        });
        restorable
    }
}

impl Goal {
    /// Whether a statement of the wanted id is there that is to be replaced.
    fn replaces(&self, wanted: &Statement, policy: &Policy) -> bool {
        let found = policy.statement(&wanted.sid);
        let mut old = self.unwanted.iter().filter(|old| old.sid == wanted.sid);
        found.is_some_and(|found| old.any(|old| old.matches(found, policy)))
    }

    /// Whether a change away from what is wanted may still be about to be written, as when a rollback overtakes its Update: not
    /// all that it would add is there, or something that it would remove still is.
    fn awaited(&self, policy: &Policy) -> Option<Awaited> {
        let replaced = self.unwanted.iter().filter_map(|old| match &old.only_if {
            OnlyIf::Grants(principal) => Some(Statement {
                sid: old.sid.clone(),
                principal: principal.clone(),
            }),
            OnlyIf::Says(_) | OnlyIf::Anything => None,
        });
        let replaced: BTreeSet<Statement> = replaced.collect();
        let wanted: BTreeSet<Statement> = self.wanted.iter().cloned().collect();
        let is_there = |statement: &&Statement| is_there(statement, policy);
        let may_come = !replaced.difference(&wanted).all(|old| is_there(&old));
        let may_go = wanted.difference(&replaced).any(|new| is_there(&new));
        if replaced.is_empty() || !may_come && !may_go {
            None
        } else if may_go || wanted.iter().all(|wanted| is_there(&wanted)) {
            Some(Awaited::Overtaken)
        } else {
            Some(Awaited::Perhaps)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::arn::LayerVersionArn;
    use crate::permission::goal::Unwanted;
    use crate::policy::plan::Step;
    use serde_json::{Value, json};

    fn version(number: u64) -> LayerVersionArn {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }

    /// From `<id>:<digit>`: the digit is repeated to the id of an account.
    fn statement(text: &str) -> Statement {
        let (sid, digit) = text.split_once(':').expect("an id and a digit");
        Statement {
            sid: sid.parse().expect("a statement id"),
            principal: digit.repeat(12).parse().expect("an account"),
        }
    }

    fn unwanted(text: &str) -> Unwanted {
        Unwanted::exactly(statement(text))
    }

    fn goal(wanted: &[&str], gone: &[&str]) -> Goal {
        Goal {
            wanted: wanted.iter().map(|text| statement(text)).collect(),
            unwanted: gone.iter().map(|text| unwanted(text)).collect(),
            ..Goal::default()
        }
    }

    /// The policy of version 1 at this revision, with these statements.
    fn policy(revision: &str, found: &[&str]) -> Policy {
        let written = |text: &&str| statement(text).written(&version(1));
        let statements: Vec<Value> = found.iter().map(written).collect();
        let document = json!({"Statement": statements}).to_string();
        Policy::read(version(1), &document, Some(revision.to_owned())).expect("a policy")
    }

    /// Writes under revision `r1`, after which there is `r2`.
    fn log_of(steps: &[Step]) -> UndoLog {
        let log = UndoLog::default();
        for step in steps {
            let begun = log.begin(&policy("r1", &[]), step);
            log.applied(begun, Some(&"r2".to_owned()));
        }
        log
    }

    fn added(text: &str) -> UndoLog {
        log_of(&[Step::Add(statement(text))])
    }

    fn removed(text: &str) -> UndoLog {
        log_of(&[Step::Remove(unwanted(text))])
    }

    /// One grant, or one rollback of what `undoes` holds, of which nothing is known but its log.
    fn known<'a>(log: &'a UndoLog, undoes: Option<&'a UndoLog>, course: &'a Course) -> Known<'a> {
        let purpose = match undoes {
            Some(_) => Purpose::Revoke,
            None => Purpose::Grant,
        };
        Known {
            purpose,
            log,
            undoes,
            course,
        }
    }

    #[test]
    fn a_reading_is_doubtful_if_it_is_older_than_what_either_log_holds() {
        let (nothing, something) = (UndoLog::default(), added("s1:1"));
        let none = Policy::none(version(1));
        for (name, policy, is_doubtful) in [
            ("before the write", &policy("r1", &[]), true),
            ("after the write", &policy("r2", &["s1:1"]), false),
            ("without what was written", &policy("r3", &[]), true),
            (
                "after another write",
                &policy("r3", &["s1:1", "s2:2"]),
                false,
            ),
            ("the policy is gone", &none, true),
            ("another version", &Policy::none(version(2)), false),
        ] {
            let course = Course::default();
            for (log, undoes, expected) in [
                (&nothing, None, false),
                (&nothing, Some(&nothing), false),
                (&something, None, is_doubtful),
                (&something, Some(&nothing), is_doubtful),
                (&nothing, Some(&something), is_doubtful),
            ] {
                let found = known(log, undoes, &course).is_doubtful(policy);
                assert_eq!(found, expected, "{name}: {log} {undoes:?}");
            }
        }
    }

    #[test]
    fn a_reading_tells_both_logs_what_came_of_a_write_without_an_answer() {
        let (log, undoes, course) = (UndoLog::default(), UndoLog::default(), Course::default());
        for log in [&log, &undoes] {
            log.begin(&policy("r1", &[]), &Step::Add(statement("s1:1")));
        }
        assert!(course.is_in_the_dark(None));
        let learned = known(&log, Some(&undoes), &course);
        assert!(
            learned
                .learn(&goal(&[], &[]), &policy("r2", &["s1:1"]))
                .is_ok()
        );
        for log in [&log, &undoes] {
            assert_eq!(log.to_string(), "add `s1` for `111111111111`");
        }
        assert!(!course.is_in_the_dark(None), "the policy was read");
    }

    #[test]
    fn an_update_is_awaited_while_not_all_of_it_is_there() {
        const NO: Option<Awaited> = None;
        const PERHAPS: Option<Awaited> = Some(Awaited::Perhaps);
        const OVERTAKEN: Option<Awaited> = Some(Awaited::Overtaken);
        for (name, wanted, gone, found, awaited) in [
            ("a Create", &["s1:1"][..], &[][..], &["s1:1"][..], NO),
            ("not begun", &["s1:1"], &["s2:2"], &["s1:1"], OVERTAKEN),
            (
                "half done",
                &["s1:1"],
                &["s2:2"],
                &["s1:1", "s2:2"],
                OVERTAKEN,
            ),
            ("done", &["s1:1"], &["s2:2"], &["s2:2"], NO),
            ("in between", &["s1:1"], &["s1:2"], &[], PERHAPS),
            ("replaced", &["s1:1"], &["s1:2"], &["s1:2"], NO),
            ("not replaced", &["s1:1"], &["s1:2"], &["s1:1"], OVERTAKEN),
            ("in part", &["s1:1"], &["s2:2", "s3:3"], &["s2:2"], PERHAPS),
            (
                "one is missing",
                &["s1:1", "s2:2"],
                &["s3:3"],
                &["s1:1"],
                OVERTAKEN,
            ),
            (
                "one more, not begun",
                &["s1:1"],
                &["s1:1", "s2:2"],
                &["s1:1"],
                OVERTAKEN,
            ),
            (
                "one more, done",
                &["s1:1"],
                &["s1:1", "s2:2"],
                &["s1:1", "s2:2"],
                NO,
            ),
            (
                "one less, not begun",
                &["s1:1", "s2:2"],
                &["s1:1"],
                &["s1:1", "s2:2"],
                OVERTAKEN,
            ),
            (
                "one less, done",
                &["s1:1", "s2:2"],
                &["s1:1"],
                &["s1:1"],
                NO,
            ),
            ("nothing changes", &["s1:1"], &["s1:1"], &["s1:1"], NO),
        ] {
            let (log, course) = (UndoLog::default(), Course::default());
            let goal = goal(wanted, gone);
            let learned = known(&log, None, &course).learn(&goal, &policy("r1", found));
            assert_eq!(learned.as_deref(), Ok(&goal), "{name}");
            assert_eq!(course.awaited(), awaited, "{name}");
        }
    }

    #[test]
    fn what_is_named_by_its_id_alone_or_as_it_was_found_is_no_update() {
        let said = OnlyIf::Says(statement("s2:2").written(&version(1)));
        for only_if in [said, OnlyIf::Anything] {
            let (log, course) = (UndoLog::default(), Course::default());
            let mut goal = goal(&["s1:1"], &["s2:2"]);
            goal.unwanted[0].only_if = only_if;
            let learned = known(&log, None, &course).learn(&goal, &policy("r1", &["s1:1"]));
            assert!(learned.is_ok() && course.awaited().is_none(), "{goal:?}");
        }
    }

    #[test]
    fn an_update_is_awaited_before_the_first_write_only() {
        let goal = goal(&["s1:1"], &["s2:2"]);
        for (number, is_awaited) in [(1, false), (2, true)] {
            let (log, course) = (UndoLog::default(), Course::default());
            log.begin(
                &Policy::none(version(number)),
                &Step::Add(statement("s3:3")),
            );
            let learned = known(&log, None, &course).learn(&goal, &policy("r1", &["s1:1"]));
            assert!(learned.is_ok());
            assert_eq!(course.awaited().is_some(), is_awaited, "wrote to {number}");
        }
    }

    #[test]
    fn what_is_there_without_having_been_added_by_this_operation_was_met() {
        let nothing = UndoLog::default();
        for (log, found, is_met) in [
            (&nothing, &["s1:1"][..], true),
            (&nothing, &["s1:2"], false),
            (&nothing, &[], false),
            (&added("s1:1"), &["s1:1"], false),
            (&added("s2:2"), &["s1:1", "s2:2"], true),
        ] {
            let (course, goal) = (Course::default(), goal(&["s1:1"], &[]));
            let learned = known(log, None, &course).learn(&goal, &policy("r2", found));
            assert!(learned.is_ok());
            assert_eq!(course.has_met(), is_met, "{log} {found:?}");
        }
    }

    #[test]
    fn what_was_added_and_is_gone_was_revoked_unless_an_update_is_awaited() {
        let revoked = || Err(Unreconciled::Revoked(statement("s1:1").sid));
        let goal = goal(&["s1:1"], &["s1:2"]);
        for (name, found, expected) in [
            ("it is there", &["s1:1"][..], Ok(())),
            ("it was removed", &["s2:1"], revoked()),
            ("what it had replaced is back", &["s1:2"], revoked()),
            ("somebody else has its id", &["s1:3"], Ok(())),
        ] {
            let log = added("s1:1");
            for awaited in [None, Some(Awaited::Perhaps), Some(Awaited::Overtaken)] {
                let course = Course::default();
                if let Some(awaited) = awaited {
                    course.awaits(awaited);
                }
                let learned = known(&log, None, &course).learn(&goal, &policy("r3", found));
                let gives_way = awaited != Some(Awaited::Overtaken);
                let expected = if gives_way { &expected } else { &Ok(()) };
                assert_eq!(&learned.map(drop), expected, "{name}, {awaited:?}");
            }
        }
    }

    #[test]
    fn what_was_removed_and_is_back_was_restored_which_stops_a_grant() {
        let restored = || Err(Unreconciled::Restored(statement("s2:2").sid));
        let nothing = UndoLog::default();
        let goal = goal(&["s1:1"], &["s2:2"]);
        for (name, log, found, expected) in [
            (
                "it is back",
                &removed("s2:2"),
                &["s1:1", "s2:2"][..],
                restored(),
            ),
            ("it stays away", &removed("s2:2"), &["s1:1"], Ok(())),
            (
                "somebody else has its id",
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
            for (purpose, awaited, stops) in [
                (Purpose::Grant, None, true),
                (Purpose::Grant, Some(Awaited::Perhaps), true),
                (Purpose::Grant, Some(Awaited::Overtaken), false),
                (Purpose::Revoke, None, false),
                (Purpose::RevokeEarly, None, false),
            ] {
                let course = Course::default();
                if let Some(awaited) = awaited {
                    course.awaits(awaited);
                }
                let known = Known {
                    purpose,
                    ..known(log, None, &course)
                };
                let learned = known.learn(&goal, &policy("r3", found));
                let expected = if stops { &expected } else { &Ok(()) };
                assert_eq!(
                    &learned.map(drop),
                    expected,
                    "{name}, {purpose:?}, {awaited:?}"
                );
            }
        }
    }

    #[test]
    fn a_rollback_restores_what_nobody_else_has_removed_or_replaced() {
        let nothing = UndoLog::default;
        for (name, log, in_place_only, found, is_restored) in [
            ("it is there", nothing(), true, &["s1:1"][..], true),
            (
                "what replaced it is there",
                nothing(),
                true,
                &["s1:2"],
                true,
            ),
            (
                "somebody else has its id",
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
            let mut goal = goal(&["s1:1"], &["s1:2"]);
            if in_place_only {
                goal.in_place_only.insert(statement("s1:1").sid);
            }
            let (undone, course) = (UndoLog::default(), Course::default());
            undone.observe(&policy("r3", &[]));
            let revision = if found == ["s9:9"] { "r4" } else { "r3" };
            let found = policy(revision, found);
            let learned = known(&log, Some(&undone), &course).learn(&goal, &found);
            let restored = learned.expect(name).wanted == goal.wanted;
            assert_eq!(restored, is_restored, "{name}");
            let why =
                "not put back: `s1` for `111111111111`: somebody else has changed the policy since";
            let left_out: &[&str] = if is_restored { &[] } else { &[why] };
            assert_eq!(log.left_out(), left_out, "{name}");
            let update = known(&log, None, &course).learn(&goal, &found);
            assert_eq!(update.as_deref(), Ok(&goal), "{name}: all of an Update");
        }
    }

    #[test]
    fn what_was_not_restored_once_is_not_restored_later() {
        let (log, undone, course) = (UndoLog::default(), UndoLog::default(), Course::default());
        undone.observe(&policy("r3", &[]));
        let known = known(&log, Some(&undone), &course);
        let goal = goal(&["s1:1"], &[]);
        for (revision, found) in [("r4", &["s9:9"][..]), ("r3", &[])] {
            let learned = known.learn(&goal, &policy(revision, found));
            assert_eq!(learned.expect(revision).wanted, [], "{revision}");
        }
    }
}
