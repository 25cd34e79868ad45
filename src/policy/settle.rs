//! The loop for one policy: read it, plan the difference, apply it, until nothing is left to do.
//! Knows nothing of events, and of other policies.

use std::cell::Cell;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::course::Course;
use super::document::Policy;
use super::doors::Doors;
use super::failure::{Failure, Kind};
use super::interference::Known;
use super::lambda::Lambda;
use super::plan::{Conflict, Plan, Step, allow, plan};
use super::retry::{Retry, retry};
use super::undo_log::{UndoLog, Write};
use crate::backoff::Backoff;
use crate::permission::arn::{LayerArn, LayerVersionArn};
use crate::permission::goal::{Denied, Goal};
use crate::permission::intent::Purpose;
use crate::permission::role::Role;
use crate::permission::statement::StatementId;
use crate::text::{one_line, shown};

/// How long a reading is doubted that is older than what was written or seen before, as a copy that lags behind would give it.
const CONSISTENCY_TIMEOUT: Duration = Duration::from_secs(2);

/// How long until a doubted reading is made again.
const CONSISTENCY_INTERVAL: Duration = Duration::from_millis(250);

/// Why it could not be made true.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unreconciled {
    /// A statement is in the way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The policy does not have the revision that the resource demands.
    #[error(
        "policy changed: got revision {} where `RevisionId` demands {}, read the policy again and give its revision, or leave `RevisionId` out",
        shown(found),
        shown(demanded)
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
    /// A write without an answer may still take effect, and was looked for long enough.
    #[error("a write without an answer may still take effect")]
    Unanswered,
    /// There was no time for all versions of the layer.
    #[error("out of time")]
    OutOfTime,
    /// The guardrails do not allow what would have to be added.
    #[error("{0}")]
    Forbidden(String),
    /// What this request has added was removed meanwhile.
    #[error(
        "statement removed meanwhile: got the policy without `{0}`, which this request had added, deploy again if it is still to be granted"
    )]
    Revoked(StatementId),
    /// What this request has removed was put back meanwhile.
    #[error(
        "statement restored meanwhile: got `{0}` in the policy again, which this request had removed, deploy again if it is still to be changed"
    )]
    Restored(StatementId),
    /// Lambda has added something else than what was asked for.
    #[error(
        "statement not as requested: got `{}` from Lambda for `{asked}`, correct the ARN of the layer version or report this",
        one_line(&got.to_string())
    )]
    NotAsRequested {
        /// What Lambda says it has added.
        got: Value,
        /// What was asked for.
        asked: Value,
    },
    /// The work on another policy failed for good, and this one was left as it is.
    #[error("given up, since the work on another policy has failed")]
    GivenUp,
}

/// One piece of work on policies: by whom it is done, what for, who is denied, what has been written so far, and how it goes.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) doors: &'a Doors,
    pub(super) role: Option<&'a Role>,
    pub(super) purpose: Purpose,
    pub(super) denied: &'a Denied,
    pub(super) log: &'a UndoLog,
    /// What this rolls back.
    pub(super) undoes: Option<&'a UndoLog>,
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
    /// The reading may be older than what was written or seen before.
    Doubtful,
}

impl Work<'_> {
    /// What each reading is compared with.
    fn known(&self) -> Known<'_> {
        Known {
            purpose: self.purpose,
            log: self.log,
            undoes: self.undoes,
            course: self.course,
        }
    }

    /// Reads, plans and applies until the policy of `layer_version` is as the goal says; gives the policy.
    pub(super) async fn settle(
        &self,
        layer_version: &LayerVersionArn,
        goal: &Goal,
    ) -> Result<Policy, Unreconciled> {
        let mut backoff = Backoff::default();
        let (mut read_back, doubted_since) = (false, Cell::new(None::<Instant>));
        loop {
            let round = async |lambda: &Lambda| {
                let policy = self.read(lambda, layer_version).await?;
                let since = doubted_since.get().unwrap_or_else(Instant::now);
                if self.known().is_doubtful(&policy) && since.elapsed() < CONSISTENCY_TIMEOUT {
                    doubted_since.set(Some(since));
                    return Ok(Round::Doubtful);
                }
                doubted_since.set(None);
                self.round(lambda, policy, goal).await
            };
            match self.patiently(layer_version.layer(), round).await? {
                Round::Settled(policy) => return Ok(policy),
                Round::Doubtful => sleep(CONSISTENCY_INTERVAL).await,
                Round::WrittenUnconditionally if read_back => sleep(backoff.pause()).await,
                Round::WrittenUnconditionally => read_back = true,
                Round::Written => {}
            }
        }
    }

    /// Tries again for as long as what failed may pass.
    pub(super) async fn patiently<T>(
        &self,
        layer: &LayerArn,
        attempt: impl AsyncFn(&Lambda) -> Result<T, Unreconciled>,
    ) -> Result<T, Unreconciled> {
        let mut failing: Option<(Kind, Instant)> = None;
        let mut backoff = Backoff::default();
        loop {
            let attempted = match self.doors.open(self.role, layer).await {
                Ok(lambda) => attempt(&lambda).await,
                Err(failure) => Err(failure.into()),
            };
            let failure = match attempted {
                Err(Unreconciled::Call(failure)) => failure,
                other => return other,
            };
            self.course.failed(&failure);
            let since = match failing {
                Some((kind, since)) if kind == failure.kind => since,
                Some(_) | None => Instant::now(),
            };
            failing = Some((failure.kind, since));
            let again = retry(failure.kind, self.purpose);
            if !again.is_due(since.elapsed()) {
                return Err(failure.into());
            }
            if self.course.is_given_up() {
                return Err(Unreconciled::GivenUp);
            }
            if again == Retry::AfterOthers {
                self.doors.pace().let_others_go_first().await;
            } else {
                sleep(backoff.pause()).await;
            }
        }
    }

    async fn read(
        &self,
        lambda: &Lambda,
        layer_version: &LayerVersionArn,
    ) -> Result<Policy, Unreconciled> {
        let pace = self.doors.pace();
        let read = async || Ok(lambda.policy(layer_version).await?);
        let policy = self
            .unthrottled(read, async || pace.let_others_go_first().await)
            .await?;
        pace.got_through();
        Ok(policy)
    }

    /// Plans and applies the difference between `policy`, which was just read, and the goal.
    async fn round(
        &self,
        lambda: &Lambda,
        policy: Policy,
        goal: &Goal,
    ) -> Result<Round, Unreconciled> {
        let known = self.known();
        let goal = &*known.learn(goal, &policy)?;
        let plan = plan(goal, &policy)?;
        info!(resource = %policy.layer_version, plan = %plan, "planned");
        let Plan { steps, spared } = plan;
        for statement in spared {
            let reason = "another grant has its id";
            warn!(resource = %policy.layer_version, %statement, reason, "not removed");
            self.log.left_alone(&statement);
        }
        allow(&steps, self.denied).map_err(Unreconciled::Forbidden)?;
        if !steps.is_empty() && self.log.has_nothing_applied() {
            demand_revision(goal, &policy)?;
        }
        self.apply_all(lambda, goal, steps, policy).await
    }

    async fn apply_all(
        &self,
        lambda: &Lambda,
        goal: &Goal,
        steps: Vec<Step>,
        mut policy: Policy,
    ) -> Result<Round, Unreconciled> {
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
        let write = async || {
            if self.course.is_given_up() {
                return Err(Unreconciled::GivenUp);
            }
            let begun = self.log.begin(policy, step);
            let written = match step {
                Step::Add(statement) => lambda.add(statement, policy).await,
                Step::Remove(unwanted) => lambda.remove(&unwanted.sid, policy).await,
            };
            match &written {
                Ok(after) => {
                    self.log.applied(begun, after.revision_id.as_ref());
                    self.ensure_as_requested(begun, step, after)?;
                }
                // It may have been done all the same: the note stays.
                Err(failure) if failure.kind == Kind::Unavailable => {}
                Err(failure) => {
                    self.log.rejected(begun);
                    if failure.kind == Kind::Changed {
                        self.course.conflict();
                    }
                }
            }
            written.map_err(|failure| failure.about(step, goal, policy).into())
        };
        self.unthrottled(write, async || self.doors.pace().hurry().await)
            .await
    }

    /// What Lambda says it has added is what was asked for, or it is noted for the rollback.
    fn ensure_as_requested(
        &self,
        begun: Write,
        step: &Step,
        after: &Policy,
    ) -> Result<(), Unreconciled> {
        let (Step::Add(asked), Some(got)) = (step, after.statements().last()) else {
            return Ok(());
        };
        if asked.is(got, &after.layer_version) {
            return Ok(());
        }
        self.log.added_instead(begun, got);
        Err(Unreconciled::NotAsRequested {
            got: got.clone(),
            asked: asked.written(&after.layer_version),
        })
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
                Err(error) => return Err(error),
                Ok(done) => {
                    self.course.recovered();
                    return Ok(done);
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
