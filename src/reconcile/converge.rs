//! Reconciles one policy: reads it, plans the changes and writes them, until it is as desired.

use std::cell::Cell;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::drift::DriftCheck;
use super::error::ReconcileError;
use super::retry::{Attempts, Call, Retry};
use super::stack_check::StackCheck;
use super::status::ReconcileStatus;
use super::undo_log::{UndoLog, WriteIndex};
use crate::aws::clients::LambdaClients;
use crate::aws::error::ErrorKind;
use crate::aws::lambda::LambdaApi;
use crate::backoff::Backoff;
use crate::deadline::{CONSISTENCY_INTERVAL, CONSISTENCY_TIMEOUT};
use crate::policy::denied::Denied;
use crate::policy::desired::DesiredState;
use crate::policy::document::PolicyDocument;
use crate::policy::plan::{Change, Plan, plan};
use crate::policy::role::Role;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::resources::operation::Mode;

/// Reconciles policies with one set of credentials.
#[derive(Clone, Copy)]
pub(super) struct Converger<'a> {
    pub(super) clients: &'a LambdaClients,
    /// What the credentials are for.
    pub(super) targets: &'a TargetSet,
    pub(super) role: Option<&'a Role>,
    pub(super) mode: Mode,
    pub(super) denied: &'a Denied,
    pub(super) log: &'a UndoLog,
    /// The log of what this rolls back.
    pub(super) rolls_back: Option<&'a UndoLog>,
    /// Whether CloudFormation waits for what is written; none where that does not matter.
    pub(super) stack: Option<&'a StackCheck>,
    pub(super) status: &'a ReconcileStatus,
}

/// What one reading, with the writes that follow it, came to.
enum Pass {
    /// The policy is as desired.
    UpToDate(PolicyDocument),
    /// Something was written, and its new revision is not known.
    Rewritten,
    /// The same, of a write without a revision: a parallel one may have overwritten it.
    UnverifiedWrite,
    /// The reading may be older than what was written or read before.
    Stale,
}

impl Converger<'_> {
    /// Reconciles the policy of `target`; the policy as it is then.
    pub(super) async fn converge(
        &self,
        target: &PolicyTarget,
        desired: &DesiredState,
    ) -> Result<PolicyDocument, ReconcileError> {
        let (mut attempts, mut backoff) = (Attempts::default(), Backoff::default());
        let (mut is_read_back, stale_since) = (false, Cell::new(None::<Instant>));
        loop {
            let pass = match self.reconcile_once(target, desired, &stale_since).await {
                Ok(pass) => pass,
                Err(error) => {
                    let limiter = self.clients.limiter();
                    let pause = attempts.pause_after(error, self.mode, limiter, self.status);
                    pause.await?;
                    continue;
                }
            };
            attempts = Attempts::default();
            match pass {
                Pass::UpToDate(policy) => return Ok(policy),
                Pass::Stale => sleep(CONSISTENCY_INTERVAL).await,
                Pass::UnverifiedWrite if is_read_back => sleep(backoff.pause()).await,
                Pass::UnverifiedWrite => is_read_back = true,
                Pass::Rewritten => {}
            }
        }
    }

    /// Reads the policy, and writes the changes for as long as the revision of each write is known.
    async fn reconcile_once(
        &self,
        target: &PolicyTarget,
        desired: &DesiredState,
        stale_since: &Cell<Option<Instant>>,
    ) -> Result<Pass, ReconcileError> {
        let api = self.clients.get(self.role, self.targets).await?;
        let mut policy = api.get_policy(target).await?;
        self.clients.limiter().read_succeeded();
        self.status.clear_error();
        if self.is_stale(&policy, stale_since) {
            return Ok(Pass::Stale);
        }
        let desired = desired.resolve(&policy);
        let desired = self.drift_check().observe(&desired, &policy)?;
        let mut changes = self.plan(&desired, &policy)?.into_iter().peekable();
        while let Some(change) = changes.next() {
            if let Some(stack) = self.stack {
                stack.before_write(self.clients).await?;
            }
            let was_conditional = policy.revision_id.is_some();
            policy = self.write(&api, &desired, &change, &policy).await?;
            let (is_last, is_known) = (changes.peek().is_none(), policy.revision_id.is_some());
            // A write that is conditional on the revision of the one before proves that too.
            if !was_conditional && (is_last || !is_known) {
                return Ok(Pass::UnverifiedWrite);
            }
            // A removal does not return the new revision, which the next write and the return values need.
            if !is_known && (!is_last || !desired.statements.is_empty()) {
                return Ok(Pass::Rewritten);
            }
        }
        Ok(Pass::UpToDate(policy))
    }

    fn drift_check(&self) -> DriftCheck<'_> {
        DriftCheck {
            mode: self.mode,
            log: self.log,
            rolls_back: self.rolls_back,
            status: self.status,
        }
    }

    /// Whether the reading is not to be trusted yet.
    fn is_stale(&self, policy: &PolicyDocument, since: &Cell<Option<Instant>>) -> bool {
        let first = since.get().unwrap_or_else(Instant::now);
        let is_stale = self.drift_check().is_stale(policy) && first.elapsed() < CONSISTENCY_TIMEOUT;
        since.set(is_stale.then_some(first));
        is_stale
    }

    /// The changes to `policy`.
    fn plan(
        &self,
        desired: &DesiredState,
        policy: &PolicyDocument,
    ) -> Result<Vec<Change>, ReconcileError> {
        let plan = plan(desired, policy, self.denied)?;
        info!(resource = %policy.target, changes = %plan, "planned");
        let Plan { changes, not_owned } = plan;
        for removal in not_owned {
            let reason = "another statement has its id";
            warn!(resource = %policy.target, statement = %removal, reason, "statement not owned, skipped");
            self.log.not_removed(&removal);
        }
        if !changes.is_empty() && self.log.has_nothing_applied() {
            ensure_revision(desired, policy)?;
        }
        Ok(changes)
    }

    /// Sends one write under the revision of `policy`; the policy as it is then. A throttled write is sent again: nothing was done, so
    /// nothing has to be read again.
    async fn write(
        &self,
        api: &LambdaApi,
        desired: &DesiredState,
        change: &Change,
        policy: &PolicyDocument,
    ) -> Result<PolicyDocument, ReconcileError> {
        loop {
            if self.status.is_aborted() {
                return Err(ReconcileError::Aborted);
            }
            let write = self.log.begin(policy, change);
            let written = match change {
                Change::Add(statement) => api.add(statement, policy).await,
                Change::Remove(removal) => api.remove(removal.sid(), policy).await,
            };
            let error = match written {
                Ok(policy) => {
                    self.log.applied(write, policy.revision_id.as_ref());
                    self.ensure_as_requested(write, change, &policy)?;
                    self.status.clear_error();
                    return Ok(policy);
                }
                Err(error) => error,
            };
            // A write of unknown outcome may have been done: it stays in the log.
            if error.kind != ErrorKind::OutcomeUnknown {
                self.log.rejected(write);
            }
            if error.kind == ErrorKind::Conflict {
                self.status.record_conflict();
            }
            if Retry::after(error.kind, self.mode, Call::Write) != Retry::RepeatWrite {
                return Err(error.with_details(change, desired, policy).into());
            }
            self.status.record_error(&error);
            self.clients.limiter().before_write_retry().await;
        }
    }

    /// The statement that Lambda returned as added is the requested one; else it is recorded for the rollback.
    fn ensure_as_requested(
        &self,
        write: WriteIndex,
        change: &Change,
        policy: &PolicyDocument,
    ) -> Result<(), ReconcileError> {
        let (Change::Add(requested), Some(got)) = (change, policy.statements().last()) else {
            return Ok(());
        };
        if requested.matches(got, &policy.target) {
            return Ok(());
        }
        self.log.returned(write, got);
        Err(ReconcileError::NotAsRequested {
            got: got.clone(),
            requested: requested.to_json(&policy.target),
        })
    }
}

/// The first write of a resource that requires a revision is only made to that revision.
fn ensure_revision(desired: &DesiredState, policy: &PolicyDocument) -> Result<(), ReconcileError> {
    match &desired.revision_id {
        Some(required) if policy.revision_id.as_ref() != Some(required) => {
            let found = policy.revision_id.clone();
            Err(ReconcileError::RevisionMismatch {
                found: found.unwrap_or_else(|| "none".to_owned()),
                required: required.clone(),
            })
        }
        _ => Ok(()),
    }
}
