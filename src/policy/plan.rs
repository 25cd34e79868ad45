//! The difference between what a policy holds and what it is to hold, as the steps that settle it. Pure.
//! Calls nobody, and touches no statement that the goal does not name.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::document::Policy;
use crate::permission::intent::{Goal, Unwanted};
use crate::permission::statement::{Statement, principal_of};

/// The steps from what is to what should be: what is wanted comes first, so that access never lapses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// Statements that bear an unwanted id but say something else: somebody else's, and left alone.
    pub spared: Vec<Unwanted>,
}

/// One write to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The statement is added.
    Add(Statement),
    /// The statement is removed.
    Remove(Unwanted),
}

/// A wanted id is taken by a statement that says something else.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "statement id taken: got `{found}` in the policy, choose another `StatementId` or remove that statement"
)]
pub struct Conflict {
    found: Value,
}

/// The steps that make `policy` hold what `goal` says. An empty plan means that it does already.
///
/// # Errors
/// If a wanted id is taken by a statement that `goal` does not name: nothing is to be done then.
pub fn plan(goal: &Goal, policy: &Policy) -> Result<Plan, Conflict> {
    let mut plan = Plan::default();
    let mut replacements = Vec::new();
    for wanted in &goal.wanted {
        let Some(found) = policy.statement(&wanted.sid) else {
            plan.steps.push(Step::Add(wanted.clone()));
            continue;
        };
        let found_principal = principal_of(found, &goal.layer_version);
        if found_principal.as_ref() == Some(&wanted.principal) {
            continue;
        }
        let old = goal
            .unwanted
            .iter()
            .find(|old| old.sid == wanted.sid && old.matches(found, goal));
        let old = old.ok_or_else(|| Conflict {
            found: found.clone(),
        })?;
        replacements.extend([Step::Remove(old.clone()), Step::Add(wanted.clone())]);
    }
    plan.steps.extend(replacements);
    for unwanted in &goal.unwanted {
        let wanted = goal.wanted.iter().any(|wanted| wanted.sid == unwanted.sid);
        match policy.statement(&unwanted.sid) {
            Some(found) if !wanted && unwanted.matches(found, goal) => {
                plan.steps.push(Step::Remove(unwanted.clone()));
            }
            Some(_) if !wanted => plan.spared.push(unwanted.clone()),
            Some(_) | None => {}
        }
    }
    Ok(plan)
}

impl Unwanted {
    fn matches(&self, found: &Value, goal: &Goal) -> bool {
        let principal = self.principal.as_ref();
        principal.is_none_or(|principal| {
            principal_of(found, &goal.layer_version).as_ref() == Some(principal)
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(ToString::to_string);
        let spared = self
            .spared
            .iter()
            .map(|unwanted| format!("leave `{}`, which is not {unwanted}", unwanted.sid));
        let lines: Vec<String> = steps.chain(spared).collect();
        f.write_str(if lines.is_empty() {
            "nothing to do"
        } else {
            ""
        })?;
        f.write_str(&lines.join("; "))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(statement) => write!(f, "add {statement}"),
            Self::Remove(unwanted) => write!(f, "remove {unwanted}"),
        }
    }
}
