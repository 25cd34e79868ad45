//! Reconciles the policies of a set, several at a time.

use std::future::ready;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::converge::Converger;
use super::error::ReconcileError;
use super::retry::Attempts;
use crate::aws::error::ErrorKind;
use crate::policy::document::PolicyDocument;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::resources::operation::{Membership, ReconcileSpec};

/// How many policies are reconciled at a time: enough to have a call ready whenever one may begin, even while some calls are
/// slow.
pub(super) const CONCURRENCY: usize = 8;

/// The time that a set of policies has.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimit {
    /// When a single policy, or the list of several, must have been reached; none where the caller ends the work.
    pub(super) reached_by: Option<Instant>,
    /// After which no policy of several is begun. Those that were begun are completed: none is left with half of a change.
    pub(super) begun_by: Instant,
}

impl TimeLimit {
    /// No policy of several is begun after `end`.
    pub(super) fn begun_by(end: Instant) -> Self {
        Self {
            reached_by: None,
            begun_by: end,
        }
    }

    /// The same, where the policies must be reached in this time, or by the end.
    pub(super) fn reached_in(self, time: Duration) -> Self {
        let soon = (Instant::now() + time).min(self.begun_by);
        Self {
            reached_by: Some(soon),
            ..self
        }
    }
}

impl Converger<'_> {
    /// Reconciles the policies of `spec`; that of the named target.
    pub(super) async fn converge_all(
        &self,
        spec: &ReconcileSpec,
        limit: TimeLimit,
    ) -> Result<Option<PolicyDocument>, ReconcileError> {
        if let TargetSet::One(target) = &spec.targets {
            let converged = self.converge(target, &spec.desired);
            return within(limit.reached_by, converged).await.map(Some);
        }
        let targets = within(limit.reached_by, self.list(spec)).await?;
        self.status.start(targets.len());
        let [inside, outside] = spec.partition(targets);
        let named = self.converge_each(spec, inside, limit).await?;
        // Only when all others have the grant.
        self.converge_each(spec, outside, limit).await?;
        Ok(named)
    }

    /// Reconciles these policies of `spec`; the policy of the named target, if it is one of them.
    async fn converge_each(
        &self,
        spec: &ReconcileSpec,
        targets: Vec<(PolicyTarget, Membership)>,
        limit: TimeLimit,
    ) -> Result<Option<PolicyDocument>, ReconcileError> {
        let (mut left, mut named, mut failure) = (targets.len(), None, None);
        let may_begin = || !self.status.is_aborted() && Instant::now() < limit.begun_by;
        let converge = async |(target, membership): (PolicyTarget, Membership)| {
            let desired = spec.desired_for(&target, membership);
            let result = self.converge(&target, &desired).await;
            (result, target)
        };
        let begun = stream::iter(targets).take_while(|_| ready(may_begin()));
        let mut converged = std::pin::pin!(begun.map(converge).buffer_unordered(CONCURRENCY));
        while let Some((result, target)) = converged.next().await {
            let is_named = spec.named.as_ref() == Some(&target);
            match result {
                Ok(policy) => named = named.or(is_named.then_some(policy)),
                // It was deleted since it was listed.
                Err(error) if is_not_found(&error) && !is_named => {}
                // The others complete what they have begun, so that it is known what to roll back.
                Err(error) => {
                    self.status.abort();
                    failure.get_or_insert(error);
                    continue;
                }
            }
            left -= 1;
            self.status.one_done();
        }
        let failure = failure.or((left > 0).then_some(ReconcileError::OutOfTime));
        failure.map_or(Ok(named), Err)
    }

    /// The targets of `spec`: the named one first, which may be too new to be listed. The others begin anywhere: if it always were
    /// the same one, a time too short for all of them would never be enough for the last.
    async fn list(&self, spec: &ReconcileSpec) -> Result<Vec<PolicyTarget>, ReconcileError> {
        let (mut others, mut marker) = (Vec::new(), None);
        let mut attempts = Attempts::default();
        loop {
            let page = match self.clients.get(self.role, self.targets).await {
                Ok(api) => api.list(&spec.targets, marker.clone()).await,
                Err(error) => Err(error),
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    let limiter = self.clients.limiter();
                    let pause = attempts.pause_after(error.into(), self.mode, limiter, self.status);
                    pause.await?;
                    continue;
                }
            };
            attempts = Attempts::default();
            let targets = page.targets.into_iter();
            others.extend(targets.filter(|target| Some(target) != spec.named.as_ref()));
            marker = page.next;
            if marker.is_none() {
                break;
            }
        }
        let first = fastrand::usize(..=others.len());
        others.rotate_left(first);
        Ok(spec.named.clone().into_iter().chain(others).collect())
    }
}

fn is_not_found(error: &ReconcileError) -> bool {
    matches!(error, ReconcileError::Api(error) if error.kind == ErrorKind::NotFound)
}

async fn within<T>(
    end: Option<Instant>,
    work: impl Future<Output = Result<T, ReconcileError>>,
) -> Result<T, ReconcileError> {
    match end {
        Some(end) => {
            let done = timeout_at(end, work).await;
            done.unwrap_or(Err(ReconcileError::Unreached))
        }
        None => work.await,
    }
}
