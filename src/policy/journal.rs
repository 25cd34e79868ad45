//! What the work on one event has written so far, so that it can be taken back and told.
//! Writes nothing itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use super::plan::Step;
use crate::permission::arn::LayerVersionArn;
use crate::permission::goal::{Goal, Unwanted};
use crate::permission::statement::Statement;

/// How many writes a reason tells one by one.
const MOST_TOLD: usize = 10;

/// The writes of one event. It outlives the work: a deadline or a panic may end that at any moment.
#[derive(Debug, Default)]
pub struct Journal {
    entries: RefCell<Vec<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    layer_version: LayerVersionArn,
    step: Step,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Lambda has not said that it was done: the write may take effect at any time.
    Unknown,
    Done,
    /// Lambda has said that it was not.
    Refused,
}

/// Which write is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write(usize);

impl Journal {
    /// Notes a write that is about to be made.
    pub(super) fn begin(&self, layer_version: &LayerVersionArn, step: &Step) -> Write {
        let (layer_version, step) = (layer_version.clone(), step.clone());
        let mut entries = self.entries.borrow_mut();
        entries.push(Entry {
            layer_version,
            step,
            outcome: Outcome::Unknown,
        });
        Write(entries.len() - 1)
    }

    /// Notes that a write was made.
    pub(super) fn done(&self, write: Write) {
        self.end(write, Outcome::Done);
    }

    /// Notes that a write was refused, and so has no effect.
    pub(super) fn refused(&self, write: Write) {
        self.end(write, Outcome::Refused);
    }

    fn end(&self, Write(index): Write, outcome: Outcome) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(index) {
            entry.outcome = outcome;
        }
    }

    /// Whether this write is among those that were made.
    pub(super) fn has_added(&self, layer_version: &LayerVersionArn, statement: &Statement) -> bool {
        self.written().iter().any(|entry| {
            let added = matches!(&entry.step, Step::Add(added) if added == statement);
            added && entry.layer_version == *layer_version
        })
    }

    /// How many statements were added, and not taken back.
    pub fn grants(&self) -> usize {
        self.done_by(|step| matches!(step, Step::Add(_)))
    }

    /// How many statements were removed, and not put back.
    pub fn revokes(&self) -> usize {
        self.done_by(|step| matches!(step, Step::Remove(_)))
    }

    fn done_by(&self, is_meant: impl Fn(&Step) -> bool) -> usize {
        let entries = self.entries.borrow();
        let done = entries
            .iter()
            .filter(|entry| entry.outcome == Outcome::Done && is_meant(&entry.step));
        done.count()
    }

    /// What undoes what was written, the policy of the last write first.
    pub(super) fn reversal(&self) -> Vec<(LayerVersionArn, Goal)> {
        let mut goals: Vec<(LayerVersionArn, Goal)> = Vec::new();
        for Entry {
            layer_version,
            step,
            ..
        } in self.written().iter().rev()
        {
            let known = goals.iter().position(|(about, _)| about == layer_version);
            let index = known.unwrap_or_else(|| {
                goals.push((layer_version.clone(), Goal::default()));
                goals.len() - 1
            });
            if let Some((_, goal)) = goals.get_mut(index) {
                goal.reverse(step);
            }
        }
        goals
    }

    /// Whether `undoing`, which went through, leaves no doubt: every statement that was added was seen and removed, and every
    /// removal was answered.
    pub(super) fn is_undone_by(&self, undoing: &Self) -> bool {
        let undoing = undoing.written();
        self.written().iter().all(|entry| match &entry.step {
            Step::Add(added) => {
                let removal = Step::Remove(Unwanted::exactly(added.clone()));
                let is_removal = |undone: &Entry| {
                    undone.outcome == Outcome::Done
                        && undone.layer_version == entry.layer_version
                        && undone.step == removal
                };
                undoing.iter().any(is_removal)
            }
            Step::Remove(_) => entry.outcome == Outcome::Done,
        })
    }

    /// Whether nothing is known to have been written.
    pub(super) fn has_nothing_done(&self) -> bool {
        let written = self.written();
        written.iter().all(|entry| entry.outcome != Outcome::Done)
    }

    /// Forgets what was written: it has been taken back.
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
            .filter(|entry| entry.outcome != Outcome::Refused);
        written.cloned().collect()
    }
}

impl Goal {
    fn reverse(&mut self, step: &Step) {
        match step {
            Step::Add(added) => {
                let unwanted = Unwanted::exactly(added.clone());
                if !self.unwanted.contains(&unwanted) {
                    self.unwanted.push(unwanted);
                }
            }
            Step::Remove(Unwanted {
                sid,
                principal: Some(principal),
            }) => {
                let (sid, principal) = (sid.clone(), principal.clone());
                let statement = Statement { sid, principal };
                if !self.wanted.contains(&statement) {
                    self.wanted.push(statement);
                }
            }
            // What was removed by its id alone is removed in a Delete, which is never taken back.
            Step::Remove(Unwanted {
                principal: None, ..
            }) => {}
        }
    }
}

/// The writes in order, as a reason tells them, or how many there are where they are too many to read.
impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.written();
        let policies: BTreeSet<_> = written.iter().map(|entry| &entry.layer_version).collect();
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
                write!(f, " on version {}", entry.layer_version.version())?;
            }
            if entry.outcome == Outcome::Unknown {
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

    fn version(number: u64) -> LayerVersionArn {
        let arn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:{number}");
        arn.parse().expect("an ARN")
    }

    fn add(sid: &str) -> Step {
        Step::Add(Statement {
            sid: sid.parse().expect("a statement id"),
            principal: Principal::Everyone,
        })
    }

    #[test]
    fn a_journal_tells_what_was_written_and_what_may_have_been() {
        let journal = Journal::default();
        let first = journal.begin(&version(1), &add("s1"));
        let second = journal.begin(&version(1), &add("s2"));
        journal.begin(&version(1), &add("s3"));
        journal.refused(second);
        journal.done(first);
        assert_eq!(
            journal.to_string(),
            "add `s1` for `*`; add `s3` for `*` (without an answer)"
        );
        let fourth = journal.begin(&version(2), &add("s1"));
        journal.done(fourth);
        assert_eq!(
            journal.to_string(),
            "add `s1` for `*` on version 1; add `s3` for `*` on version 1 (without an answer); add `s1` for `*` on version 2"
        );
        for _ in 0..8 {
            journal.begin(&version(2), &add("s4"));
        }
        assert_eq!(journal.to_string(), "11 writes to 2 policies");
    }

    #[test]
    fn what_was_added_to_each_version_has_to_be_removed_from_it() {
        let (journal, undoing) = (Journal::default(), Journal::default());
        for number in [1, 2] {
            let write = journal.begin(&version(number), &add("s1"));
            journal.done(write);
        }
        let [second, first] = &journal.reversal()[..] else {
            panic!("a goal for each version")
        };
        assert_eq!((second.0.version(), first.0.version()), (2, 1));
        for ((about, goal), undone) in [(first, false), (second, true)] {
            let removal = Step::Remove(goal.unwanted[0].clone());
            let write = undoing.begin(about, &removal);
            assert!(!journal.is_undone_by(&undoing));
            undoing.done(write);
            assert_eq!(journal.is_undone_by(&undoing), undone);
        }
    }

    fn remove(sid: &str, principal: Option<Principal>) -> Step {
        let sid = sid.parse().expect("a statement id");
        Step::Remove(Unwanted { sid, principal })
    }

    fn write(journal: &Journal, step: &Step) -> Write {
        journal.begin(&version(1), step)
    }

    #[test]
    fn what_has_no_answer_may_have_been_written_and_what_is_refused_was_not() {
        let journal = Journal::default();
        let told = |journal: &Journal| (journal.is_empty(), journal.has_nothing_done());
        assert_eq!(told(&journal), (true, true));
        let begun = write(&journal, &add("s1"));
        assert_eq!(told(&journal), (false, true));
        journal.refused(begun);
        assert_eq!(told(&journal), (true, true));
        journal.done(write(&journal, &add("s1")));
        assert_eq!(told(&journal), (false, false));
        journal.clear();
        assert_eq!(told(&journal), (true, true));
    }

    #[test]
    fn what_was_done_is_counted_by_its_kind() {
        let journal = Journal::default();
        for sid in ["s1", "s2", "s3"] {
            journal.done(write(&journal, &add(sid)));
        }
        for sid in ["s4", "s5"] {
            journal.done(write(&journal, &remove(sid, None)));
        }
        write(&journal, &remove("s6", None));
        journal.refused(write(&journal, &add("s7")));
        assert_eq!((journal.grants(), journal.revokes()), (3, 2));
    }

    #[test]
    fn what_was_removed_is_put_back_once_and_what_went_by_its_id_alone_is_not() {
        let journal = Journal::default();
        let gone = remove("s1", Some(Principal::Everyone));
        for step in [&gone, &gone, &add("s2"), &add("s2"), &remove("s3", None)] {
            write(&journal, step);
        }
        let [(_, goal)] = &journal.reversal()[..] else {
            panic!("one goal")
        };
        let ids = |sids: Vec<String>| sids.join(",");
        let wanted = goal.wanted.iter().map(ToString::to_string);
        let unwanted = goal.unwanted.iter().map(ToString::to_string);
        assert_eq!(ids(wanted.collect()), "`s1` for `*`");
        assert_eq!(ids(unwanted.collect()), "`s2` for `*`");
    }

    #[test]
    fn only_a_removal_that_was_answered_leaves_no_doubt() {
        let (journal, undoing) = (Journal::default(), Journal::default());
        let begun = write(&journal, &remove("s1", Some(Principal::Everyone)));
        assert!(!journal.is_undone_by(&undoing));
        journal.done(begun);
        assert!(journal.is_undone_by(&undoing));
        journal.done(write(&journal, &add("s2")));
        undoing.done(write(&undoing, &remove("s3", Some(Principal::Everyone))));
        assert!(!journal.is_undone_by(&undoing), "another statement");
        undoing.done(write(&undoing, &remove("s2", Some(Principal::Everyone))));
        assert!(journal.is_undone_by(&undoing));
    }

    #[test]
    fn ten_writes_are_told_one_by_one_and_more_by_their_number() {
        let journal = Journal::default();
        for _ in 0..MOST_TOLD {
            write(&journal, &add("s1"));
        }
        assert_eq!(journal.to_string().split("; ").count(), MOST_TOLD);
        write(&journal, &add("s1"));
        assert_eq!(journal.to_string(), "11 writes to one policy");
    }

    #[test]
    fn what_was_added_is_known_by_its_version_and_its_statement() {
        let journal = Journal::default();
        let (added, other) = (add("s1"), add("s2"));
        write(&journal, &added);
        write(&journal, &remove("s2", Some(Principal::Everyone)));
        for (number, step, has_added) in [(1, &added, true), (2, &added, false), (1, &other, false)]
        {
            let Step::Add(statement) = step else {
                panic!("an addition")
            };
            assert_eq!(journal.has_added(&version(number), statement), has_added);
        }
    }
}
