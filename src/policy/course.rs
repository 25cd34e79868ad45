//! How the work on one event goes: how far it has come, what it has met, and what it is waiting for.
//! Knows nothing of what was written, which stands in the undo log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use super::failure::{Failure, Kind};
use crate::permission::arn::LayerVersionArn;

/// The course of the work on one event. It outlives the work: a deadline or a panic may end that at any moment.
#[derive(Debug, Default)]
pub struct Course {
    progress: Cell<Option<Progress>>,
    last_failure: RefCell<Option<Failure>>,
    conflicts: Cell<usize>,
    is_given_up: Cell<bool>,
    seen: RefCell<BTreeSet<LayerVersionArn>>,
    has_met: Cell<bool>,
    awaited: Cell<Option<Awaited>>,
}

/// Why another event may still be about to write what this one replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Awaited {
    /// Some of what is replaced is not there. That may have other reasons, so this event gives way to whoever undoes it.
    Perhaps,
    /// What this event wants is there already, as it is when it rolls back an Update that is still running: it does not give way.
    Overtaken,
}

/// How far the work on the versions of a layer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    done: usize,
    all: usize,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} versions done", self.done, self.all)
    }
}

impl Course {
    /// Notes that the policies of `all` layer versions are to be worked on.
    pub(super) fn expect(&self, all: usize) {
        self.progress.set(Some(Progress { done: 0, all }));
    }

    /// Notes that the policy of one more layer version is as it should be.
    pub(super) fn settled(&self) {
        let one_more = |Progress { done, all }| Progress {
            done: done + 1,
            all,
        };
        self.progress.set(self.progress.get().map(one_more));
    }

    /// How far it has come, where there are several layer versions to work on and some are left.
    pub fn progress(&self) -> Option<Progress> {
        self.progress
            .get()
            .filter(|progress| progress.done < progress.all)
    }

    /// Notes what went wrong, for the case that time runs out before it goes right.
    pub(super) fn failed(&self, failure: &Failure) {
        *self.last_failure.borrow_mut() = Some(failure.clone());
    }

    /// Notes that Lambda answers again.
    pub(super) fn recovered(&self) {
        *self.last_failure.borrow_mut() = None;
    }

    /// What went wrong last, and has not passed.
    pub fn last_failure(&self) -> Option<String> {
        let last = self.last_failure.borrow();
        last.as_ref().map(ToString::to_string)
    }

    /// Notes that another writer was quicker.
    pub(super) fn conflict(&self) {
        self.conflicts.set(self.conflicts.get() + 1);
    }

    /// How many writes met a policy that another writer had changed.
    pub fn conflicts(&self) -> usize {
        self.conflicts.get()
    }

    /// Lets no more writes begin: the work has failed, and only what has begun is waited for.
    pub(super) fn give_up(&self) {
        self.is_given_up.set(true);
    }

    /// Whether no more writes are to begin.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.get()
    }

    /// Notes that a wanted statement was there before this work wrote it.
    pub(super) fn met(&self) {
        self.has_met.set(true);
    }

    /// Whether a wanted statement was there before this work wrote it: an earlier delivery of the event may have.
    pub fn has_met(&self) -> bool {
        self.has_met.get()
    }

    /// Notes that another event may still be about to write what this one replaces.
    pub(super) fn awaits(&self, awaited: Awaited) {
        self.awaited.set(self.awaited.get().max(Some(awaited)));
    }

    /// Whether another event may still be about to write what this one replaces, and why.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        self.awaited.get()
    }

    /// Notes that the policy of `layer_version` was read.
    pub(super) fn looked_at(&self, layer_version: &LayerVersionArn) {
        self.seen.borrow_mut().insert(layer_version.clone());
    }

    /// Whether what an earlier delivery of the event has made may be there without having been seen: not every policy was
    /// read. Where a Delete could not look either, its stack would be stuck for nothing: `ended_by` is the failure that ended the
    /// work; otherwise it is the last one, which has not passed.
    pub fn is_in_the_dark(&self, ended_by: Option<Kind>) -> bool {
        let last = self.last_failure.borrow();
        let kind = ended_by.or(last.as_ref().map(|failure| failure.kind));
        let all = self.progress.get().map_or(1, |progress| progress.all);
        self.seen.borrow().len() < all && kind.is_none_or(Kind::may_pass_for_a_delete)
    }
}

impl Kind {
    /// Whether a Delete that follows may be able to look where this failure kept a Create from it.
    fn may_pass_for_a_delete(self) -> bool {
        match self {
            Self::Changed
            | Self::StaleSignature
            | Self::Throttled
            | Self::Unavailable
            | Self::Unreadable => true,
            Self::NotFound
            | Self::Denied
            | Self::Expired
            | Self::Unrecognized
            | Self::UnknownPrincipal
            | Self::Full
            | Self::Unreachable
            | Self::Misconfigured
            | Self::Refused => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_until_all_versions_are_done() {
        let course = Course::default();
        let told = || course.progress().map(|progress| progress.to_string());
        course.settled();
        assert_eq!(told(), None, "of one policy there is none");
        course.expect(3);
        for done in 0..3 {
            assert_eq!(told(), Some(format!("{done} of 3 versions done")));
            course.settled();
        }
        assert_eq!(told(), None);
    }

    #[test]
    fn what_is_noted_is_told_and_nothing_else() {
        let course = Course::default();
        let told = || (course.conflicts(), course.is_given_up(), course.has_met());
        assert_eq!(told(), (0, false, false));
        course.conflict();
        course.conflict();
        assert_eq!(told(), (2, false, false));
        course.give_up();
        assert_eq!(told(), (2, true, false));
        course.met();
        assert_eq!(told(), (2, true, true));
    }

    #[test]
    fn the_last_failure_is_told_until_it_has_passed() {
        let course = Course::default();
        assert_eq!(course.last_failure(), None);
        let failure =
            |code: &str| Failure::of_call(Kind::of(code, 503), "action", &"arn", None, code, "m");
        course.failed(&failure("First"));
        course.failed(&failure("Second"));
        let told = course.last_failure();
        assert_eq!(told, Some(failure("Second").to_string()));
        course.recovered();
        assert_eq!(course.last_failure(), None);
    }

    #[test]
    fn what_was_not_looked_at_is_in_the_dark_unless_it_cannot_be() {
        for (kind, is_dark) in [
            (None, true),
            (Some(Kind::Unavailable), true),
            (Some(Kind::Changed), true),
            (Some(Kind::StaleSignature), true),
            (Some(Kind::Throttled), true),
            (Some(Kind::Unreadable), true),
            (Some(Kind::Denied), false),
            (Some(Kind::Expired), false),
            (Some(Kind::Unrecognized), false),
            (Some(Kind::Unreachable), false),
            (Some(Kind::Misconfigured), false),
            (Some(Kind::Refused), false),
        ] {
            let course = Course::default();
            if let Some(kind) = kind {
                let failure = Failure::of_call(kind, "action", &"arn", None, "Code", "m");
                course.failed(&failure);
            }
            assert_eq!(course.is_in_the_dark(None), is_dark, "{kind:?}");
            course.looked_at(&version(1));
            assert!(!course.is_in_the_dark(None), "{kind:?}");
            course.expect(2);
            course.looked_at(&version(1));
            assert_eq!(course.is_in_the_dark(None), is_dark, "{kind:?}, one of two");
            course.looked_at(&version(2));
            assert!(!course.is_in_the_dark(None), "{kind:?}, both");
        }
    }

    #[test]
    fn the_failure_that_ended_the_work_counts_although_others_have_passed() {
        let course = Course::default();
        course.expect(2);
        course.looked_at(&version(1));
        assert!(course.is_in_the_dark(None) && course.is_in_the_dark(Some(Kind::Throttled)));
        assert!(!course.is_in_the_dark(Some(Kind::Denied)));
    }

    #[test]
    fn the_surer_reason_to_wait_counts() {
        let course = Course::default();
        assert_eq!(course.awaited(), None);
        for (noted, awaited) in [
            (Awaited::Perhaps, Awaited::Perhaps),
            (Awaited::Overtaken, Awaited::Overtaken),
            (Awaited::Perhaps, Awaited::Overtaken),
        ] {
            course.awaits(noted);
            assert_eq!(course.awaited(), Some(awaited));
        }
    }

    fn version(number: u64) -> LayerVersionArn {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }
}
