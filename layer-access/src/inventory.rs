//! The versions of the account's layers, and their policies. Reads only.

use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::{Stream, StreamExt, stream};
use lambda_permission_provider::aws::error::{ApiError, ErrorKind};
use lambda_permission_provider::aws::lambda::LambdaApi;
use lambda_permission_provider::backoff::Backoff;
use lambda_permission_provider::policy::arn::{AccountId, LayerArn, LayerVersionArn};
use lambda_permission_provider::policy::document::PolicyDocument;
use lambda_permission_provider::policy::target::{PolicyTarget, TargetSet};
use tokio::time::{Instant, sleep};

/// How long a call is retried that was throttled or had no response: a person waits for it.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// How many policies are read at a time.
const CONCURRENCY: usize = 8;

/// The layers of one account.
#[derive(Clone, Debug)]
pub struct Inventory {
    api: LambdaApi,
}

impl Inventory {
    /// Those of `account`, whose credentials `config` has.
    #[must_use]
    pub fn new(account: AccountId, config: &SdkConfig) -> Self {
        Self {
            api: LambdaApi::new(config).for_account(Some(account)),
        }
    }

    /// The versions of `layer`, the newest first. A layer that does not exist has none.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn versions(&self, layer: &LayerArn) -> Result<Vec<LayerVersionArn>, ApiError> {
        let set = TargetSet::AllVersions(layer.clone());
        let (mut versions, mut marker) = (Vec::new(), None);
        loop {
            let list = async || self.api.list(&set, marker.clone()).await;
            let page = retry(list, |error| is_retryable(error.kind)).await?;
            let targets = page.targets.into_iter();
            versions.extend(targets.filter_map(|target| match target {
                PolicyTarget::LayerVersion(version) => Some(version),
                PolicyTarget::Function(_) => None,
            }));
            marker = page.next;
            if marker.is_none() {
                return Ok(versions);
            }
        }
    }

    /// The policy of each of `versions`, in their order; an error where Lambda did not return it. A version that was deleted since
    /// it was listed has an empty one.
    pub fn policies(
        &self,
        versions: Vec<LayerVersionArn>,
    ) -> impl Stream<Item = Result<(LayerVersionArn, PolicyDocument), ApiError>> {
        let policy = async |version: LayerVersionArn| {
            let target = PolicyTarget::LayerVersion(version.clone());
            let read = async || self.api.get_policy(&target).await;
            let policy = retry(read, |error| is_retryable(error.kind)).await?;
            Ok((version, policy))
        };
        stream::iter(versions).map(policy).buffered(CONCURRENCY)
    }
}

/// Whether the same call may succeed a moment later. A read can be repeated whether or not it was done.
fn is_retryable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Throttled | ErrorKind::OutcomeUnknown | ErrorKind::NetworkFailure
    )
}

/// Retries `call` after the errors that are retryable, until the timeout.
async fn retry<T, E>(
    call: impl AsyncFn() -> Result<T, E>,
    is_retryable: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let (began, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        match call().await {
            Err(error) if is_retryable(&error) && began.elapsed() < RETRY_TIMEOUT => {
                sleep(backoff.pause()).await;
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    async fn call(outcome: impl AsyncFn() -> Result<(), ErrorKind>) -> Result<(), ErrorKind> {
        retry(outcome, |kind| is_retryable(*kind)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_or_unanswered_call_is_retried_for_half_a_minute_and_no_other_is() {
        for kind in ErrorKind::ALL {
            let is_retried = [
                ErrorKind::Throttled,
                ErrorKind::OutcomeUnknown,
                ErrorKind::NetworkFailure,
            ]
            .contains(&kind);
            let calls = Cell::new(0);
            let passes = call(async || {
                calls.set(calls.get() + 1);
                (calls.get() > 3).then_some(()).ok_or(kind)
            });
            let (expected, expected_calls) = if is_retried {
                (Ok(()), 4)
            } else {
                (Err(kind), 1)
            };
            assert_eq!(passes.await, expected, "{kind:?}");
            assert_eq!(calls.get(), expected_calls, "{kind:?}");
            let began = Instant::now();
            assert_eq!(call(async || Err(kind)).await, Err(kind));
            let seconds = began.elapsed().as_secs();
            let range = if is_retried { 30..36 } else { 0..1 };
            assert!(range.contains(&seconds), "{kind:?}: {seconds}");
        }
    }
}
