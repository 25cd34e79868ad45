//! What the work on one event has written so far, so that it can be taken back and told.
//! Writes nothing itself.

use std::cell::RefCell;
use std::fmt;

use super::plan::Step;
use crate::permission::arn::LayerVersionArn;
use crate::permission::goal::{Goal, Unwanted};
use crate::permission::statement::Statement;

/// The writes of one event, and the last thing that went wrong. It outlives the work: a deadline or a panic may end that
/// at any moment.
#[derive(Debug, Default)]
pub struct Journal {
    entries: RefCell<Vec<Entry>>,
    last_failure: RefCell<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    layer_version: LayerVersionArn,
    step: Step,
    /// Whether Lambda said that it was done. While it has not, the write may take effect at any time.
    done: bool,
}

impl Journal {
    /// Notes a write that is about to be made.
    pub(super) fn begin(&self, layer_version: &LayerVersionArn, step: &Step) {
        let (layer_version, step) = (layer_version.clone(), step.clone());
        self.entries.borrow_mut().push(Entry {
            layer_version,
            step,
            done: false,
        });
    }

    /// Notes that the write begun last was made.
    pub(super) fn done(&self) {
        if let Some(last) = self.entries.borrow_mut().last_mut() {
            last.done = true;
        }
    }

    /// Notes that the write begun last was refused, and so has no effect.
    pub(super) fn refused(&self) {
        self.entries.borrow_mut().pop();
    }

    /// Notes what went wrong, for the case that time runs out before it goes right.
    pub(super) fn failed(&self, failure: &dyn fmt::Display) {
        *self.last_failure.borrow_mut() = Some(failure.to_string());
    }

    /// Notes that Lambda answers again.
    pub(super) fn recovered(&self) {
        *self.last_failure.borrow_mut() = None;
    }

    /// What went wrong last, and has not passed.
    pub fn last_failure(&self) -> Option<String> {
        self.last_failure.borrow().clone()
    }

    /// The goals that undo what was written, the last write first.
    pub(super) fn reversal(&self) -> Vec<Goal> {
        let mut goals: Vec<Goal> = Vec::new();
        for Entry {
            layer_version,
            step,
            ..
        } in self.entries.borrow().iter().rev()
        {
            let known = goals
                .iter()
                .position(|goal| goal.layer_version == *layer_version);
            let index = known.unwrap_or_else(|| {
                goals.push(Goal::new(layer_version.clone()));
                goals.len() - 1
            });
            if let Some(goal) = goals.get_mut(index) {
                goal.reverse(step);
            }
        }
        goals
    }

    /// Whether `undoing`, which went through, leaves no doubt: every statement that was added was seen and removed, and every
    /// removal was answered.
    pub(super) fn is_undone_by(&self, undoing: &Self) -> bool {
        let undoing = undoing.entries.borrow();
        self.entries.borrow().iter().all(|entry| match &entry.step {
            Step::Add(added) => {
                let removal = Step::Remove(Unwanted::exactly(added.clone()));
                let is_removal = |undone: &Entry| undone.done && undone.step == removal;
                undoing.iter().any(is_removal)
            }
            Step::Remove(_) => entry.done,
        })
    }

    /// Whether nothing is known to have been written.
    pub(super) fn has_nothing_done(&self) -> bool {
        self.entries.borrow().iter().all(|entry| !entry.done)
    }

    /// Whether nothing was written, nor may have been.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
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

/// The writes in order, as a reason tells them.
impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.borrow().iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let doubt = if entry.done {
                ""
            } else {
                " (without an answer)"
            };
            write!(f, "{separator}{}{doubt}", entry.step)?;
        }
        Ok(())
    }
}
