//! Runs a piece of work so that it always ends: by its result, by a panic or by its deadline.
//! Knows nothing of what the work is.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

/// Why a piece of work did not get done.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop<E> {
    /// It failed for this reason.
    Failed(E),
    /// It panicked.
    Panicked,
    /// Its time was up.
    OutOfTime,
}

impl<E: Display> Stop<E> {
    /// The reason as a person reads it; of work that ran out of time, `last_failure` is what it was waiting out.
    #[must_use]
    pub fn reason(&self, last_failure: Option<String>) -> String {
        match (self, last_failure) {
            (Self::Failed(reason), _) => reason.to_string(),
            (Self::Panicked, _) => {
                "defect in the provider: got a panic, report it with the function's log".to_owned()
            }
            (Self::OutOfTime, Some(last)) => {
                format!("out of time while waiting for this to pass: {last}")
            }
            (Self::OutOfTime, None) => {
                "out of time: got no answer from Lambda before the function's \
                 deadline, raise the function's timeout or check its way to Lambda's API"
                    .to_owned()
            }
        }
    }
}

/// Runs `work` until `end`.
///
/// # Errors
/// If it failed, panicked or was stopped at `end`.
pub async fn guard<T, E>(
    end: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Stop<E>> {
    match timeout_at(end, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(Stop::Failed(error)),
        Ok(Err(_panic)) => Err(Stop::Panicked),
        Err(_elapsed) => Err(Stop::OutOfTime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[expect(clippy::unused_async, reason = "the work that is guarded is a future")]
    async fn panics() -> Result<(), String> {
        panic!("a test")
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_by_its_result_by_a_panic_or_by_its_deadline() {
        let end = Instant::now() + Duration::from_secs(1);
        assert_eq!(guard(end, async { Ok::<_, String>(7) }).await, Ok(7));
        let failed = guard(end, async { Err::<(), _>("reason") }).await;
        assert_eq!(failed, Err(Stop::Failed("reason")));
        let panicked = guard(end, panics()).await;
        assert_eq!(panicked, Err(Stop::Panicked));
        let hangs = guard(end, std::future::pending::<Result<(), String>>()).await;
        assert_eq!(hangs, Err(Stop::OutOfTime));
    }

    #[test]
    fn a_stop_says_why() {
        for (stop, last_failure, reason) in [
            (
                Stop::Failed("its own reason"),
                Some("ignored".into()),
                "its own reason",
            ),
            (
                Stop::Panicked,
                None,
                "defect in the provider: got a panic, report it with the function's log",
            ),
            (
                Stop::OutOfTime,
                Some("throttled by Lambda: got …".into()),
                "out of time while waiting for this to pass: throttled by Lambda: got …",
            ),
            (
                Stop::OutOfTime,
                None,
                "out of time: got no answer from Lambda before the function's deadline, raise the \
                 function's timeout or check its way to Lambda's API",
            ),
        ] {
            assert_eq!(stop.reason(last_failure), reason);
        }
    }
}
