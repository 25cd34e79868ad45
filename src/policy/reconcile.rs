//! The loop that makes it true: read the policy, plan the difference, apply it, until nothing is left to do.
//! Knows nothing of events and answers.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::document::Policy;
use super::failure::{Failure, Kind};
use super::journal::Journal;
use super::lambda::Lambda;
use super::plan::{Conflict, Plan, Step, plan};
use crate::backoff::Backoff;
use crate::permission::goal::Goal;
use crate::permission::intent::{Intent, Purpose};
use crate::permission::statement::Statement;

/// How long a denied call is repeated for a grant: the policy of a role takes up to 12 seconds to be effective
/// everywhere, and the first grant often comes right after the role was made.
const ROLE_PATIENCE: Duration = Duration::from_secs(20);

/// How long a Create that a Delete has overtaken is expected to go on.
const OVERTAKEN_PATIENCE: Duration = Duration::from_secs(10);

/// How long what a failed Update may have left is tried to be cleared away.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(5);

/// How often a statement that may still come is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why it could not be made true.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unreconciled {
    /// A statement is in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The policy does not have the revision that the resource demands.
    #[error(
        "policy changed: got revision `{found}` where `RevisionId` demands `{demanded}`, read the policy again and give its revision, or leave `RevisionId` out"
    )]
    Revision {
        /// The revision that the policy has.
        found: String,
        /// The one that it should have.
        demanded: String,
    },
    /// A call failed for good.
    #[error(transparent)]
    Call(#[from] Failure),
}

/// What `Fn::GetAtt` returns of the policy, by name.
pub type Attributes = Vec<(&'static str, String)>;

/// Makes every goal of `intent` true, and notes each write in `journal`. What may pass (throttling, conflicts, outages) is
/// waited out without limit: the caller stops the work at `end`.
///
/// # Errors
/// What cannot pass.
pub async fn reconcile(
    lambda: &Lambda,
    intent: &Intent,
    journal: &Journal,
    end: Instant,
) -> Result<Attributes, Unreconciled> {
    let mut attributes = Attributes::new();
    for goal in &intent.goals {
        let watched_until = (Instant::now() + OVERTAKEN_PATIENCE).min(end);
        loop {
            let policy = settle(lambda, goal, intent.purpose, journal).await?;
            attributes.extend(attributes_of(goal, &policy));
            match intent.purpose {
                // The whole time, even after a removal: the Create may read back what it wrote, and write it again.
                // The last look needs some time of its own.
                Purpose::RevokeEarly if Instant::now() + LOOK_AGAIN * 2 < watched_until => {
                    sleep(LOOK_AGAIN).await;
                }
                Purpose::Grant | Purpose::Revoke | Purpose::RevokeEarly => break,
            }
        }
    }
    for goal in &intent.leftovers {
        clear(lambda, goal, end).await;
    }
    Ok(attributes)
}

/// Clears away what may have been left, if that is possible soon: what is wanted is true already, and stays so.
async fn clear(lambda: &Lambda, goal: &Goal, end: Instant) {
    let soon = (Instant::now() + LEFTOVER_PATIENCE).min(end);
    let clearing = Journal::default();
    let cleared = timeout_at(soon, settle(lambda, goal, Purpose::Revoke, &clearing)).await;
    let why = match cleared {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_elapsed) => clearing.last_failure(),
    };
    warn!(layer_version = %goal.layer_version, why, "not cleared");
}

/// The wanted statements, of several a list, and the revision, as Lambda has them.
fn attributes_of(goal: &Goal, policy: &Policy) -> Attributes {
    let found = |wanted: &Statement| policy.statement(&wanted.sid).cloned();
    let mut statements: Vec<Value> = goal.wanted.iter().filter_map(found).collect();
    let statement = match statements.len() {
        0 => return Attributes::new(),
        1 => statements.swap_remove(0),
        _ => Value::Array(statements),
    };
    let revision_id = policy.revision_id.clone().map(|id| ("RevisionId", id));
    let statement = ("Statement", statement.to_string());
    std::iter::once(statement).chain(revision_id).collect()
}

/// Takes back what `journal` holds. A write that had no answer may take effect at any time: its statement is looked for
/// again and again, until the caller stops it.
///
/// # Errors
/// What cannot pass.
pub async fn take_back(lambda: &Lambda, journal: &Journal) -> Result<(), Unreconciled> {
    let undoing = Journal::default();
    loop {
        for goal in journal.reversal() {
            settle(lambda, &goal, Purpose::Revoke, &undoing).await?;
        }
        if journal.is_undone_by(&undoing) {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Reads, plans and applies until the policy is as the goal says; gives the policy.
async fn settle(
    lambda: &Lambda,
    goal: &Goal,
    purpose: Purpose,
    journal: &Journal,
) -> Result<Policy, Unreconciled> {
    let started = Instant::now();
    let mut backoff = Backoff::default();
    let mut read_back = false;
    loop {
        let failure = match round(lambda, goal, journal).await {
            Ok(Round::Settled(policy)) => return Ok(policy),
            Ok(Round::Unverified) if !read_back => {
                read_back = true;
                continue;
            }
            Ok(Round::Unverified) => {
                sleep(backoff.pause()).await;
                continue;
            }
            Err(Unreconciled::Call(failure)) => failure,
            Err(error) => return Err(error),
        };
        let passes = match failure.kind {
            Kind::Changed | Kind::Throttled | Kind::Unavailable => true,
            Kind::Denied => purpose == Purpose::Grant && started.elapsed() < ROLE_PATIENCE,
            Kind::NotFound | Kind::Full | Kind::Refused | Kind::Unreadable => false,
        };
        if !passes {
            return Err(Unreconciled::Call(failure));
        }
        journal.failed(&failure);
        sleep(backoff.pause()).await;
    }
}

/// What one round came to.
enum Round {
    /// The policy is as the goal says.
    Settled(Policy),
    /// It has to be read again before anything is known of it.
    Unverified,
}

async fn round(lambda: &Lambda, goal: &Goal, journal: &Journal) -> Result<Round, Unreconciled> {
    let mut policy =
        unthrottled(async || lambda.policy(&goal.layer_version).await, journal).await?;
    let plan = plan(goal, &policy)?;
    info!(layer_version = %goal.layer_version, plan = %plan, "planned");
    let Plan { steps, spared } = plan;
    for spared in spared {
        warn!(layer_version = %goal.layer_version, "not removed: another grant has the id of {spared}");
    }
    if !steps.is_empty() && journal.has_nothing_done() {
        demand_revision(goal, &policy)?;
    }
    let mut steps = steps.into_iter().peekable();
    while let Some(step) = steps.next() {
        let conditional = policy.revision_id.is_some();
        let written = apply(lambda, goal, &step, &policy, journal).await;
        policy = written.map_err(|failure| failure.about(goal, &policy))?;
        // A write that carried no revision may have been overwritten, and a removal does not tell the new revision, which
        // the next write and the template ask for.
        let needed = steps.peek().is_some() || !goal.wanted.is_empty();
        if !conditional || (policy.revision_id.is_none() && needed) {
            return Ok(Round::Unverified);
        }
    }
    Ok(Round::Settled(policy))
}

/// The first write of a resource that demands a revision happens only under that revision.
fn demand_revision(goal: &Goal, policy: &Policy) -> Result<(), Unreconciled> {
    match &goal.revision_id {
        Some(demanded) if policy.revision_id.as_ref() != Some(demanded) => {
            Err(Unreconciled::Revision {
                found: policy
                    .revision_id
                    .clone()
                    .unwrap_or_else(|| "none".to_owned()),
                demanded: demanded.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Makes one write under the revision of `policy`; gives the policy as it is then.
async fn apply(
    lambda: &Lambda,
    goal: &Goal,
    step: &Step,
    policy: &Policy,
    journal: &Journal,
) -> Result<Policy, Failure> {
    let layer_version = &goal.layer_version;
    let write = async || {
        journal.begin(layer_version, step);
        let written = match step {
            Step::Add(statement) => lambda.add(layer_version, statement, policy).await,
            Step::Remove(unwanted) => lambda.remove(layer_version, &unwanted.sid, policy).await,
        };
        match &written {
            Ok(_) => journal.done(),
            // It may have been done all the same: the note stays.
            Err(failure) if failure.kind == Kind::Unavailable => {}
            Err(_) => journal.refused(),
        }
        written
    };
    unthrottled(write, journal).await
}

/// Repeats a call for as long as it is throttled: nothing was done, so nothing need be read again.
async fn unthrottled<T>(
    call: impl AsyncFn() -> Result<T, Failure>,
    journal: &Journal,
) -> Result<T, Failure> {
    let mut backoff = Backoff::default();
    loop {
        match call().await {
            Err(failure) if failure.kind == Kind::Throttled => {
                journal.failed(&failure);
                sleep(backoff.pause()).await;
            }
            other => {
                journal.recovered();
                return other;
            }
        }
    }
}
