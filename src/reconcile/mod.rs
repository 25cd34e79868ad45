//! The reconciler: brings the policies of an operation to their desired state, and rolls back what a failed one has written.
//! It knows policies by their [`PolicyTarget`](crate::policy::target::PolicyTarget), and nothing of requests and responses.

mod converge;
mod drift;
pub mod error;
mod failed_operation;
mod fan_out;
mod observation;
mod retry;
mod rollback;
mod stack_check;
pub mod status;
pub mod undo_log;
pub mod units;
mod write;

use std::cell::Cell;
use std::time::SystemTime;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use self::converge::Converger;
use self::error::ReconcileError;
use self::failed_operation::{Cause, FailedOperation, ResponseId};
use self::fan_out::TimeLimit;
use self::rollback::Rollback;
pub use self::stack_check::{Awaited, PendingRequest};
use self::stack_check::{StackCheck, Verdict};
use self::status::{Progress, ReconcileStatus};
use self::undo_log::UndoLog;
use crate::aws::clients::LambdaClients;
use crate::aws::stack_resource::ResourceState;
use crate::cloudformation::request::PhysicalResourceId;
use crate::deadline::{
    Deadlines, ORPHAN_CLEANUP_TIMEOUT, OUT_OF_ORDER_TIMEOUT, POLL_INTERVAL, RunError,
    STACK_CHECK_TIMEOUT, run_until,
};
use crate::policy::denied::Denied;
use crate::policy::document::PolicyDocument;
use crate::policy::plan::PlanError;
use crate::resources::operation::{Mode, Operation, ReconcileSpec};
use crate::resources::resource::ReturnValues;
use crate::telemetry::InvocationMetrics;

/// What is to be reconciled.
pub struct Work {
    /// The clients of the request.
    pub clients: LambdaClients,
    /// The operation.
    pub operation: Operation,
    /// The statements that must not be added.
    pub denied: Denied,
    /// When the event came in.
    pub arrival: Instant,
    /// When CloudFormation stops waiting, if that matters and is known.
    pub expires: Option<SystemTime>,
    /// What CloudFormation is asked about where it grants late; none for a Delete.
    pub pending: Option<PendingRequest>,
    /// Whether all work panics, so that an operator can see the response to a panic.
    pub simulate_panic: bool,
}

/// Reconciles one operation. What it has done outlives its work, which a deadline or a panic may end at any moment.
pub struct Reconciler {
    work: Work,
    log: UndoLog,
    status: ReconcileStatus,
    stack: StackCheck,
    /// Whether a guardrail has denied what would have had to be added.
    is_denied: Cell<bool>,
}

/// A successful operation, as the response reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The id of the resource.
    pub physical_id: PhysicalResourceId,
    /// What `Fn::GetAtt` returns.
    pub values: ReturnValues,
}

/// A failed operation, as the response reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why it failed, and what was rolled back.
    pub reason: String,
    /// The id in the response to a Create; none where the resource was never created.
    pub physical_id: Option<PhysicalResourceId>,
}

/// Whose what an operation has written is.
#[derive(Debug)]
enum Standing {
    /// Its own, as far as is known.
    Own,
    /// Nobody's: CloudFormation no longer waits, and has left the resource in this state.
    Abandoned(ResourceState),
    /// It may belong to the resource that another execution has completed under the same id.
    OfAnother,
}

impl Standing {
    fn abandoned(self) -> Option<ResourceState> {
        match self {
            Self::Abandoned(state) => Some(state),
            Self::Own | Self::OfAnother => None,
        }
    }
}

impl Reconciler {
    /// A reconciler that has done nothing yet.
    #[must_use]
    pub fn new(mut work: Work) -> Self {
        Self {
            stack: StackCheck::new(work.pending.take()),
            work,
            log: UndoLog::default(),
            status: ReconcileStatus::default(),
            is_denied: Cell::default(),
        }
    }

    /// Whether it is about organizational units, whose accounts have to be listed first.
    #[must_use]
    pub fn has_units(&self) -> bool {
        !self.work.operation.units().is_empty()
    }

    /// What is to be reconciled, before that has begun.
    pub(crate) fn work_mut(&mut self) -> &mut Work {
        &mut self.work
    }

    /// Reconciles the operation. If it fails, what it has written is rolled back.
    ///
    /// # Errors
    /// If it failed, for any reason.
    pub async fn run(&self, deadlines: Deadlines) -> Result<Success, Failure> {
        let (operation, expires) = (&self.work.operation, self.work.expires);
        let deadlines = expires.map_or(deadlines, |at| deadlines.no_later_than(at));
        // No policy of many is left with half of a change: those that were begun in time are completed.
        let end = if operation.is_for_all_versions() {
            deadlines.rollback
        } else {
            deadlines.work
        };
        // Boxed: it holds all that the operation may wait for.
        let reconciled = Box::pin(self.reconcile(deadlines.work));
        let error = match run_until(end, reconciled).await {
            Ok(policy) => match self.abandoned(deadlines.rollback).await {
                None => match self.look_again(policy, deadlines.work).await {
                    Ok(policy) => {
                        return Ok(Success {
                            physical_id: operation.physical_id.clone(),
                            values: operation.return_values(policy.as_ref()),
                        });
                    }
                    Err(error) => error,
                },
                Some(abandoned) => RunError::Failed(abandoned),
            },
            Err(error) => error,
        };
        Err(self.fail(&error, deadlines).await)
    }

    /// The policy after one more look, if the writes of another execution had to be polled for and CloudFormation was asked after that:
    /// what is written between the last look and the response is not found, so nothing else may happen in between.
    async fn look_again(
        &self,
        policy: Option<PolicyDocument>,
        end: Instant,
    ) -> Result<Option<PolicyDocument>, RunError<ReconcileError>> {
        let has_polled = self.work.operation.mode == Mode::Apply && self.status.overlap().is_some();
        if !has_polled || self.log.is_empty() || Instant::now() + POLL_INTERVAL * 2 >= end {
            return Ok(policy);
        }
        run_until(end, Box::pin(self.reconcile(end))).await
    }

    /// Why the writes must not stay although all of them succeeded, asked until `end` at most.
    async fn abandoned(&self, end: Instant) -> Option<ReconcileError> {
        let abandoned = self.standing(end, false).await.abandoned();
        abandoned.map(|state| self.stack.abandoned(state))
    }

    /// Whose what was written is, asked until `end` at most: if the request is late, or however early it is.
    async fn standing(&self, end: Instant, is_asked_early: bool) -> Standing {
        if self.log.is_empty() {
            return Standing::Own;
        }
        let end = end.min(Instant::now() + STACK_CHECK_TIMEOUT);
        let clients = &self.work.clients;
        let verdict = if is_asked_early {
            self.stack.verdict_now(clients, end).await
        } else {
            self.stack.verdict(clients, end).await
        };
        match verdict {
            Verdict::Abandoned(state) => {
                let (id, awaited) = (&self.work.operation.physical_id, self.stack.awaited());
                let written = self.log.last_begun();
                if written.is_some_and(|at| state.may_own(id.as_ref(), awaited, at)) {
                    Standing::OfAnother
                } else {
                    Standing::Abandoned(state)
                }
            }
            Verdict::Awaited | Verdict::Unknown => Standing::Own,
        }
    }

    /// Reconciles all policies, until nothing is left to be done; the policy of the named target.
    ///
    /// What an overtaken operation may still write is polled for, until a pass that began ten seconds after the arrival has found
    /// nothing.
    async fn reconcile(&self, end: Instant) -> Result<Option<PolicyDocument>, ReconcileError> {
        let Some(spec) = &self.work.operation.spec else {
            return Ok(None);
        };
        assert!(!self.work.simulate_panic, "simulated");
        let (orphan_log, mut reconciled) = (UndoLog::default(), None);
        loop {
            let (began, writes) = (Instant::now(), self.log.len() + orphan_log.len());
            let pass = async {
                let main = Converger {
                    stack: Some(&self.stack),
                    ..self.converger(spec, self.work.operation.mode, &self.log)
                };
                let policy = main.converge_all(spec, TimeLimit::begun_by(end)).await?;
                let Some(orphaned) = &self.work.operation.orphaned else {
                    return Ok((policy, true));
                };
                // These writes are never rolled back: what is desired is there already, and stays.
                let cleanup = self.converger(orphaned, Mode::Cleanup, &orphan_log);
                let limit = TimeLimit::begun_by(end).reached_in(ORPHAN_CLEANUP_TIMEOUT);
                let cleaned = cleanup.converge_all(orphaned, limit).await;
                Ok((policy, self.is_cleaned(orphaned, cleaned)?))
            };
            let (policy, is_clean) = match (Box::pin(pass).await, reconciled) {
                // All was reconciled once; there is no time for another pass.
                (Err(ReconcileError::OutOfTime), Some(policy)) => return Ok(policy),
                (pass, _) => pass?,
            };
            let found_nothing = writes == self.log.len() + orphan_log.len();
            if !is_clean || self.is_over(began, found_nothing, end) {
                return Ok(policy);
            }
            reconciled = Some(policy);
            sleep(POLL_INTERVAL).await;
        }
    }

    /// What was done, in numbers.
    pub(crate) fn metrics(&self) -> InvocationMetrics {
        InvocationMetrics {
            grants: self.log.grants(),
            revokes: self.log.revokes(),
            conflicts: self.status.conflicts(),
            refusals: usize::from(self.is_denied.get()),
            unverified: usize::from(self.stack.is_unknown()),
            ..InvocationMetrics::default()
        }
    }

    /// Whether nothing is to be polled for after a pass that began at `began`.
    fn is_over(&self, began: Instant, found_nothing: bool, end: Instant) -> bool {
        let may_be_overtaken = match self.work.operation.mode {
            // The whole time, even after a removal: the Create may read its write back, and send it again.
            Mode::CleanupOutOfOrder => true,
            Mode::Apply => self.status.overlap().is_some(),
            Mode::Cleanup => false,
        };
        let is_late = found_nothing && began >= self.work.arrival + OUT_OF_ORDER_TIMEOUT;
        // The last pass needs some time of its own.
        let has_time = Instant::now() + POLL_INTERVAL * 2 < end;
        !may_be_overtaken || is_late || !has_time
    }

    /// Whether the policies in which a failed Update may have left statements could be cleaned up. That they could not is no error.
    fn is_cleaned(
        &self,
        orphaned: &ReconcileSpec,
        cleaned: Result<Option<PolicyDocument>, ReconcileError>,
    ) -> Result<bool, ReconcileError> {
        let reason = match cleaned {
            Ok(_) => return Ok(true),
            // They were reached, and there are more of them than time.
            Err(ReconcileError::OutOfTime) => return Err(ReconcileError::OutOfTime),
            Err(ReconcileError::Unreached) => self.status.last_error(),
            Err(error) => Some(error.to_string()),
        };
        warn!(resource = %orphaned.targets, reason, "orphan cleanup failed");
        Ok(false)
    }

    fn converger<'a>(
        &'a self,
        spec: &'a ReconcileSpec,
        mode: Mode,
        log: &'a UndoLog,
    ) -> Converger<'a> {
        Converger {
            clients: &self.work.clients,
            targets: &spec.targets,
            role: spec.role.as_ref(),
            mode,
            denied: &self.work.denied,
            log,
            rolls_back: None,
            stack: None,
            status: &self.status,
        }
    }

    /// Rolls back an operation that failed, and says what the response contains.
    async fn fail(&self, error: &RunError<ReconcileError>, deadlines: Deadlines) -> Failure {
        self.is_denied.set(matches!(
            error,
            RunError::Failed(ReconcileError::Plan(PlanError::Denied(_)))
        ));
        let unfinished = self.unfinished(error);
        let reason = match unfinished {
            Some(progress) => unfinished_reason(progress, self.status.last_error()),
            None => error.reason(self.status.last_error()),
        };
        let standing = self.standing_after(error, deadlines).await;
        let failed = self.failed_operation(error, unfinished, &standing);
        let consequence = failed.consequence();
        let of_success = || Some(self.work.operation.physical_id.clone());
        let physical_id = match consequence.physical_id {
            ResponseId::OfRequest => None,
            ResponseId::OfSuccess => of_success(),
        };
        if !consequence.roll_back {
            return Failure {
                reason,
                physical_id,
            };
        }
        let abandoned = standing.abandoned();
        let (rollback, writes) = (self.rollback(abandoned.as_ref()), self.log.to_string());
        // Nobody waits for the response then.
        let end = match abandoned {
            Some(_) => deadlines.response,
            None => deadlines.rollback,
        };
        let undone = run_until(end, rollback.undo()).await;
        let (outcome, physical_id) = match rollback.finish(undone, &writes) {
            Ok(rolled_back) => (rolled_back, physical_id),
            Err(left) => (left, of_success()),
        };
        Failure {
            reason: format!("{reason} ({outcome})"),
            physical_id,
        }
    }

    /// Whose what was written is after a failure. Who has undone a write may be the rollback of its stack, which relies on the others.
    async fn standing_after(
        &self,
        error: &RunError<ReconcileError>,
        deadlines: Deadlines,
    ) -> Standing {
        let is_undone = matches!(
            error,
            RunError::Failed(ReconcileError::Revoked(_) | ReconcileError::Restored(_))
        );
        match error {
            RunError::Failed(ReconcileError::Abandoned { state, .. }) => {
                Standing::Abandoned(state.clone())
            }
            // Half of the time is for the rollback itself, or for the response.
            RunError::Failed(_) | RunError::Panicked | RunError::TimedOut => {
                let has_time = Instant::now() < deadlines.rollback;
                let end = if has_time {
                    deadlines.rollback
                } else {
                    deadlines.response
                };
                self.standing(halfway_to(end), is_undone).await
            }
        }
    }

    /// How far an operation on several policies has come that timed out.
    fn unfinished(&self, error: &RunError<ReconcileError>) -> Option<Progress> {
        let timed_out = matches!(
            error,
            RunError::TimedOut | RunError::Failed(ReconcileError::OutOfTime)
        );
        self.status.progress().filter(|_| timed_out)
    }

    fn failed_operation(
        &self,
        error: &RunError<ReconcileError>,
        unfinished: Option<Progress>,
        standing: &Standing,
    ) -> FailedOperation {
        FailedOperation {
            mode: self.work.operation.mode,
            cause: match error {
                RunError::Failed(ReconcileError::Api(error)) => Cause::Api(error.kind),
                RunError::Failed(_) => Cause::Other,
                RunError::Panicked => Cause::Panicked,
                RunError::TimedOut => Cause::TimedOut,
            },
            is_unfinished: unfinished.is_some(),
            has_written: !self.log.is_empty(),
            has_found_existing: self.status.has_found_existing(),
            has_read_all: self.status.has_read_all(),
            is_abandoned: matches!(standing, Standing::Abandoned(_)),
            is_of_another: matches!(standing, Standing::OfAnother),
            last_error: self.status.last_error_kind(),
        }
    }

    /// Rolls back a grant whose response was certainly not received: nothing would ever revoke it.
    pub async fn roll_back_unreceived(&self, deadlines: Deadlines) {
        if self.work.operation.mode != Mode::Apply || self.log.is_empty() {
            return;
        }
        let standing = self.standing(halfway_to(deadlines.response), false).await;
        if matches!(standing, Standing::OfAnother) {
            return;
        }
        let abandoned = standing.abandoned();
        let (rollback, writes) = (self.rollback(abandoned.as_ref()), self.log.to_string());
        let undone = run_until(deadlines.response, rollback.undo()).await;
        if rollback.finish(undone, &writes).is_ok() {
            info!(writes, "rolled back");
        }
    }

    /// The rollback, where CloudFormation waits or has left the resource in the state `abandoned`.
    fn rollback(&self, abandoned: Option<&ResourceState>) -> Rollback<'_> {
        Rollback {
            clients: &self.work.clients,
            spec: self.work.operation.spec.as_ref(),
            denied: &self.work.denied,
            log: &self.log,
            restores: !abandoned.is_some_and(ResourceState::is_gone),
        }
    }
}

fn halfway_to(end: Instant) -> Instant {
    let now = Instant::now();
    now + end.saturating_duration_since(now) / 2
}

/// The reason of an operation that timed out with some of several policies done, and what it was retrying.
fn unfinished_reason(progress: Progress, last_error: Option<String>) -> String {
    let retrying = last_error.map_or_else(String::new, |last| format!(" (retrying: {last})"));
    format!(
        "timed out: got {progress}, raise the function's timeout or, where nothing was rolled back, deploy again to do the rest{retrying}"
    )
}
