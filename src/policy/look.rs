//! Looks at what there is, for who only wants to know: the versions of a layer, and their policies.
//! Writes nothing, and decides nothing of what it finds.

use std::time::Duration;

use aws_config::SdkConfig;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::document::Policy;
use super::failure::{Failure, Kind};
use super::lambda::Lambda;
use super::versions::AT_A_TIME;
use crate::backoff::Backoff;
use crate::permission::arn::{AccountId, LayerArn, LayerVersionArn};

/// How long a call is repeated that was throttled or had no answer: a person waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The eyes of one account.
#[derive(Clone, Debug)]
pub struct Look {
    lambda: Lambda,
}

impl Look {
    /// Those of `account`, whose credentials `config` has.
    #[must_use]
    pub fn of_account(account: AccountId, config: &SdkConfig) -> Self {
        Self {
            lambda: Lambda::new(config).of_account(Some(account)),
        }
    }

    /// The versions of `layer`, the newest first. A layer that is not there has none.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn versions(&self, layer: &LayerArn) -> Result<Vec<LayerVersionArn>, Failure> {
        let (mut versions, mut marker) = (Vec::new(), None);
        loop {
            let page = patiently(async || self.lambda.versions(layer, marker.clone()).await);
            let page = page.await?;
            versions.extend(page.versions);
            marker = page.next;
            if marker.is_none() {
                return Ok(versions);
            }
        }
    }

    /// The policy of each of `versions`, in their order; a failure where Lambda did not return it. One that was deleted since
    /// it was listed has an empty one.
    pub fn policies(
        &self,
        versions: Vec<LayerVersionArn>,
    ) -> impl Stream<Item = Result<Policy, Failure>> {
        let policy = async |version| patiently(async || self.lambda.policy(&version).await).await;
        stream::iter(versions).map(policy).buffered(AT_A_TIME)
    }
}

/// Tries again for as long as what failed may pass.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
    let (began, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        match call().await {
            Err(Failure {
                kind: Kind::Throttled | Kind::Unavailable | Kind::Unreachable,
                ..
            }) if began.elapsed() < PATIENCE => sleep(backoff.pause()).await,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn failure(kind: Kind) -> Failure {
        Failure::of_call(kind, "lambda:Any", &"arn", None, "code", "message")
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_for_half_a_minute_and_nothing_else_is() {
        for kind in [Kind::Throttled, Kind::Unavailable, Kind::Unreachable] {
            let (calls, began) = (Cell::new(0), Instant::now());
            let passes = patiently(async || {
                calls.set(calls.get() + 1);
                (calls.get() > 3).then_some(()).ok_or(failure(kind))
            });
            assert_eq!(passes.await, Ok(()), "{kind:?}");
            assert_eq!(calls.get(), 4, "{kind:?}");
            let stays = patiently(async || Err::<(), _>(failure(kind)));
            assert_eq!(stays.await, Err(failure(kind)), "{kind:?}");
            let seconds = began.elapsed().as_secs();
            assert!((30..36).contains(&seconds), "{kind:?}: {seconds}");
        }
        for kind in [Kind::Denied, Kind::Refused, Kind::Unreadable] {
            let began = Instant::now();
            let failed = patiently(async || Err::<(), _>(failure(kind)));
            assert_eq!(failed.await, Err(failure(kind)), "{kind:?}");
            assert_eq!(began.elapsed(), Duration::ZERO, "{kind:?}");
        }
    }
}
