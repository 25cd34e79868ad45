//! The loop for one policy: read it, plan the difference, apply it, until nothing is left to do.
//! Knows nothing of events, and of other policies.

use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::course::Course;
use super::document::Policy;
use super::doors::Doors;
use super::failure::{Failure, Kind};
use super::journal::Journal;
use super::lambda::Lambda;
use super::plan::{Conflict, Plan, Step, is_there, plan};
use crate::backoff::Backoff;
use crate::permission::arn::LayerVersionArn;
use crate::permission::goal::Goal;
use crate::permission::intent::Purpose;
use crate::permission::role::Role;
use crate::permission::statement::Statement;

/// How long a denied call is repeated for a grant: the policy of a role takes up to 12 seconds to be effective
/// everywhere, and the first grant often comes right after the role was made.
const ROLE_PATIENCE: Duration = Duration::from_secs(20);

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
    /// There was no time for all versions of the layer.
    #[error("out of time")]
    OutOfTime,
    /// The guardrails do not allow what would have to be added.
    #[error("{0}")]
    Forbidden(String),
    /// The work on another policy failed for good, and this one was left as it is.
    #[error("given up, since the work on another policy has failed")]
    GivenUp,
}

/// One piece of work on policies: by whom it is done, what for, what has been written so far, and how it goes.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) doors: &'a Doors,
    pub(super) role: Option<&'a Role>,
    pub(super) purpose: Purpose,
    pub(super) journal: &'a Journal,
    pub(super) course: &'a Course,
}

/// What one round came to.
enum Round {
    /// The policy is as the goal says.
    Settled(Policy),
    /// Something was written, and the policy has to be read again before more is known of it.
    Written,
    /// The same, of a write that carried no revision: it may have been overwritten.
    WrittenUnconditionally,
}

impl Work<'_> {
    /// Reads, plans and applies until the policy of `layer_version` is as the goal says; gives the policy.
    pub(super) async fn settle(
        &self,
        layer_version: &LayerVersionArn,
        goal: &Goal,
    ) -> Result<Policy, Unreconciled> {
        let mut backoff = Backoff::default();
        let mut read_back = false;
        loop {
            match self
                .patiently(async |lambda| self.round(lambda, layer_version, goal).await)
                .await?
            {
                Round::Settled(policy) => return Ok(policy),
                Round::WrittenUnconditionally if read_back => sleep(backoff.pause()).await,
                Round::WrittenUnconditionally => read_back = true,
                Round::Written => {}
            }
        }
    }

    /// Tries again for as long as what failed may pass.
    pub(super) async fn patiently<T>(
        &self,
        attempt: impl AsyncFn(&Lambda) -> Result<T, Unreconciled>,
    ) -> Result<T, Unreconciled> {
        let mut denied_since = None;
        let mut backoff = Backoff::default();
        loop {
            let attempted = match self.doors.open(self.role).await {
                Ok(lambda) => attempt(&lambda).await,
                Err(failure) => Err(failure.into()),
            };
            let failure = match attempted {
                Err(Unreconciled::Call(failure)) => failure,
                other => return other,
            };
            let passes = match failure.kind {
                Kind::Changed | Kind::Throttled | Kind::Unavailable | Kind::Unreachable => true,
                Kind::Denied if self.purpose == Purpose::Grant => {
                    let since = *denied_since.get_or_insert_with(Instant::now);
                    since.elapsed() < ROLE_PATIENCE
                }
                Kind::Denied | Kind::NotFound | Kind::Full | Kind::Refused | Kind::Unreadable => {
                    false
                }
            };
            if !passes {
                return Err(failure.into());
            }
            if self.course.is_given_up() {
                return Err(Unreconciled::GivenUp);
            }
            self.course.failed(&failure);
            if failure.kind == Kind::Changed {
                self.doors.pace().let_others_go_first().await;
            } else {
                sleep(backoff.pause()).await;
            }
        }
    }

    async fn round(
        &self,
        lambda: &Lambda,
        layer_version: &LayerVersionArn,
        goal: &Goal,
    ) -> Result<Round, Unreconciled> {
        let read = async || Ok(lambda.policy(layer_version).await?);
        let pace = self.doors.pace();
        let mut policy = self
            .unthrottled(read, async || pace.let_others_go_first().await)
            .await?;
        pace.got_through();
        self.course.looked_at(layer_version);
        let met = |wanted: &Statement| is_there(wanted, &policy);
        let is_new = |wanted: &&Statement| !self.journal.has_added(layer_version, wanted);
        if goal.wanted.iter().filter(is_new).any(met) {
            self.course.met();
        }
        let plan = plan(goal, &policy)?;
        info!(resource = %layer_version, plan = %plan, "planned");
        let Plan { steps, spared } = plan;
        for statement in spared {
            let reason = "another grant has its id";
            warn!(resource = %layer_version, %statement, reason, "not removed");
        }
        goal.allow(&steps).map_err(Unreconciled::Forbidden)?;
        if !steps.is_empty() && self.journal.has_nothing_done() {
            demand_revision(goal, &policy)?;
        }
        let mut steps = steps.into_iter().peekable();
        while let Some(step) = steps.next() {
            let conditional = policy.revision_id.is_some();
            policy = self.apply(lambda, goal, &step, &policy).await?;
            // A write that is conditional on the revision of the one before proves that too.
            if !conditional && (steps.peek().is_none() || policy.revision_id.is_none()) {
                return Ok(Round::WrittenUnconditionally);
            }
            // A removal does not tell the new revision, which the next write and the template ask for.
            let needed = steps.peek().is_some() || !goal.wanted.is_empty();
            if policy.revision_id.is_none() && needed {
                return Ok(Round::Written);
            }
        }
        Ok(Round::Settled(policy))
    }

    /// Makes one write under the revision of `policy`; gives the policy as it is then.
    async fn apply(
        &self,
        lambda: &Lambda,
        goal: &Goal,
        step: &Step,
        policy: &Policy,
    ) -> Result<Policy, Unreconciled> {
        let journal = self.journal;
        let write = async || {
            if self.course.is_given_up() {
                return Err(Unreconciled::GivenUp);
            }
            let begun = journal.begin(&policy.layer_version, step);
            let written = match step {
                Step::Add(statement) => lambda.add(statement, policy).await,
                Step::Remove(unwanted) => lambda.remove(&unwanted.sid, policy).await,
            };
            match &written {
                Ok(_) => journal.done(begun),
                // It may have been done all the same: the note stays.
                Err(failure) if failure.kind == Kind::Unavailable => {}
                Err(failure) => {
                    journal.refused(begun);
                    if failure.kind == Kind::Changed {
                        self.course.conflict();
                    }
                }
            }
            written.map_err(|failure| failure.about(goal, policy).into())
        };
        self.unthrottled(write, async || self.doors.pace().hurry().await)
            .await
    }

    /// Repeats a call for as long as it is throttled: nothing was done, so nothing need be read again.
    async fn unthrottled<T>(
        &self,
        call: impl AsyncFn() -> Result<T, Unreconciled>,
        wait: impl AsyncFn(),
    ) -> Result<T, Unreconciled> {
        loop {
            match call().await {
                Err(Unreconciled::Call(failure)) if failure.kind == Kind::Throttled => {
                    self.course.failed(&failure);
                    wait().await;
                }
                other => {
                    self.course.recovered();
                    return other;
                }
            }
        }
    }
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
