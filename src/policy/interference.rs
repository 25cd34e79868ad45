//! What a reading tells of what others have done since this operation read and wrote: nothing of theirs is fought over.
//! Plans and writes nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::Policy;
use super::plan::is_there;
use super::settle::{Unreconciled, Work};
use super::undo_log::{Added, UndoLog};
use crate::permission::goal::{Goal, OnlyIf};
use crate::permission::intent::Purpose;
use crate::permission::statement::Statement;

impl Work<'_> {
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
        self.logs().for_each(|log| log.observe(policy));
        self.course.looked_at(target);
        if !self.log.has_begun(target) && goal.awaits(policy) {
            self.course.awaits();
        }
        // A rollback does not give way to its Update: that one gives way when it finds what was undone.
        let gives_way = !self.course.is_awaiting();
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
        Ok(match self.undoes {
            Some(_) => Cow::Owned(self.restorable(goal, policy)),
            None => Cow::Borrowed(goal),
        })
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
        let mut restorable = goal.clone();
        restorable.wanted.retain(|wanted| {
            let is_ours = match policy.statement(&wanted.sid) {
                Some(_) => is_there(wanted, policy) || goal.replaces(wanted, policy),
                None => {
                    !goal.in_place_only.contains(&wanted.sid)
                        || self.log.has_removed(target, &wanted.sid)
                }
            };
            if !is_ours {
                let why = "somebody else has removed or replaced it meanwhile";
                self.log.not_restored(wanted, why);
            }
            is_ours
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

    /// Whether a change away from what is wanted may still be about to be written: not all that it would add is there, or
    /// something that it would remove still is. That is so of a rollback that overtakes its Update.
    fn awaits(&self, policy: &Policy) -> bool {
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
        !replaced.is_empty() && (may_come || may_go)
    }
}
