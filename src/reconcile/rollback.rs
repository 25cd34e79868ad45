//! Rolls back the writes of a failed operation.

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::converge::Converger;
use super::error::ReconcileError;
use super::fan_out::CONCURRENCY;
use super::status::ReconcileStatus;
use super::undo_log::UndoLog;
use crate::aws::clients::LambdaClients;
use crate::deadline::{OUT_OF_ORDER_TIMEOUT, POLL_INTERVAL, RunError};
use crate::policy::denied::Denied;
use crate::policy::desired::DesiredState;
use crate::policy::target::PolicyTarget;
use crate::resources::operation::{Mode, ReconcileSpec};

/// The rollback of what `log` contains.
pub(super) struct Rollback<'a> {
    pub(super) clients: &'a LambdaClients,
    /// The spec that was reconciled; none where nothing was written.
    pub(super) spec: Option<&'a ReconcileSpec>,
    /// The statements that must not be restored.
    pub(super) denied: &'a Denied,
    pub(super) log: &'a UndoLog,
    /// Whether what was removed is restored: not for a resource that is gone.
    pub(super) restores: bool,
}

impl Rollback<'_> {
    /// Undoes the writes; what was not undone, each with the reason. A write of unknown outcome may take effect at any time: its
    /// statement is polled for, for ten seconds.
    pub(super) async fn undo(&self) -> Result<Vec<String>, ReconcileError> {
        let Some(spec) = self.spec else {
            return Ok(Vec::new());
        };
        let (log, status) = (UndoLog::default(), ReconcileStatus::default());
        let began = Instant::now();
        let converger = Converger {
            clients: self.clients,
            targets: &spec.targets,
            role: spec.role.as_ref(),
            mode: Mode::Cleanup,
            denied: self.denied,
            log: &log,
            rolls_back: Some(self.log),
            stack: None,
            status: &status,
        };
        loop {
            let undone = stream::iter(self.reversal())
                .map(async |(target, desired)| converger.converge(&target, &desired).await.err())
                .buffer_unordered(CONCURRENCY)
                .collect::<Vec<_>>();
            // One policy that cannot be rolled back keeps none of the others from it.
            let error = undone.await.into_iter().flatten().next();
            error.map_or(Ok(()), Err)?;
            let is_over = began.elapsed() >= OUT_OF_ORDER_TIMEOUT;
            if self.log.is_undone_by(&log) {
                return Ok([self.log.not_rolled_back(), log.not_rolled_back()].concat());
            }
            if is_over {
                return Err(ReconcileError::OutcomeUnknown);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// The desired state of each policy.
    fn reversal(&self) -> Vec<(PolicyTarget, DesiredState)> {
        let mut states = self.log.reversal(self.denied);
        if !self.restores {
            for (_, state) in &mut states {
                state.statements.clear();
            }
        }
        states
    }

    /// Forgets the writes if they were undone; `writes` is how the log showed them before.
    ///
    /// # Errors
    /// If they may still be in effect.
    pub(super) fn finish(
        &self,
        undone: Result<Vec<String>, RunError<ReconcileError>>,
        writes: &str,
    ) -> Result<String, String> {
        match undone {
            Ok(left) => {
                self.log.clear();
                let outcome = [vec![format!("rolled back: {writes}")], left].concat();
                Ok(outcome.join("; "))
            }
            Err(error) => {
                warn!(reason = error.reason(None), writes = %self.log, "rollback failed");
                Err(format!("may still be in effect: {}", self.log))
            }
        }
    }
}
