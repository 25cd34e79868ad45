//! The time of one request: when each part of the work has to end, and every duration of the crate in one table.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

// The function's deadline.

/// Kept free for the rollback, and again for the response; a quarter of the time each, where that is less.
const RESERVE: Duration = Duration::from_secs(5);
/// Kept free after the response: Lambda has to receive the result of the invocation before it would end the process.
const MARGIN: Duration = Duration::from_millis(200);
/// How long CloudFormation waits for a response where `ServiceTimeout` is not set.
///
/// Source: [AWS::CloudFormation::CustomResource](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html).
pub const DEFAULT_SERVICE_TIMEOUT: Duration = Duration::from_hours(1);

// Connections and calls.

/// For a connection with its TLS handshake.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a connection that is made ahead: a function that cannot reach Lambda starts no later than that, and a bucket that cannot be reached
/// delays no response longer.
pub(crate) const PRECONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For an unused connection: Lambda freezes the process between events, and the peer closes the connection meanwhile.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// For an unused connection to the bucket of the responses, which is expected to be open still.
///
/// Source: [a report](https://github.com/JuliaCloud/AWSCore.jl/issues/35) that S3 closes connections after about five seconds.
pub(crate) const BUCKET_IDLE_TIME: Duration = Duration::from_secs(4);
/// For one call of an AWS API: its outcome is unknown afterwards.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// For the credentials of an assumed role: no function runs longer, and STS issues none for less.
pub(crate) const SESSION_DURATION: Duration = Duration::from_mins(15);
/// For one attempt to send the response.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// For the first attempt where no time is left: Lambda may end the process later than it says.
pub(crate) const LAST_SEND_TIMEOUT: Duration = Duration::from_secs(1);

// Retries.

/// The first pause of a backoff at most; it doubles.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Between two calls of many: eleven a second, below the fifteen that Lambda allows.
pub(crate) const CALL_INTERVAL: Duration = Duration::from_millis(91);
/// For what takes a while to be known everywhere: the policy of a new role takes up to 12 seconds, and the first grant often
/// comes right after the role was created.
pub(crate) const IAM_PROPAGATION_TIMEOUT: Duration = Duration::from_secs(20);
/// For a function that a permission names, and that may be created at the same time.
pub(crate) const CREATION_TIMEOUT: Duration = Duration::from_secs(10);

// Consistency and order.

/// For a policy that seems older than what was written or read before, as a replica that lags behind returns it.
pub(crate) const CONSISTENCY_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two readings of such a policy.
pub(crate) const CONSISTENCY_INTERVAL: Duration = Duration::from_millis(250);
/// For an operation that may still be running when the one that undoes it begins: a Create that is deleted, an Update that is rolled
/// back, a write whose outcome is unknown.
pub(crate) const OUT_OF_ORDER_TIMEOUT: Duration = Duration::from_secs(10);
/// By how much the clocks of CloudFormation and of the function may differ unnoticed.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(2);
/// For the question whether CloudFormation still waits for a late request.
pub(crate) const STACK_CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks for a statement that may still be added.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// For reaching the policies in which a failed Update may have left statements.
pub(crate) const ORPHAN_CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// When each part of the work on a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The end of the work.
    pub work: Instant,
    /// The end of a rollback.
    pub rollback: Instant,
    /// The end of the attempts to send the response.
    pub response: Instant,
}

impl Deadlines {
    /// Divides the time until `deadline_ms`, the milliseconds since 1970 at which Lambda ends the function: of a short time, a
    /// quarter is for the rollback and a quarter for the response.
    #[must_use]
    pub fn at(deadline_ms: u64) -> Self {
        Self::first_of(1, deadline_ms)
    }

    /// The same for the first of `requests` that are handled one after the other until then: each has an equal part of the time.
    #[must_use]
    pub fn first_of(requests: usize, deadline_ms: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let left = Duration::from_millis(deadline_ms).saturating_sub(now.unwrap_or_default());
        Self::after(left / u32::try_from(requests).unwrap_or(u32::MAX).max(1))
    }

    /// The same, if the response is awaited until `end` only.
    #[must_use]
    pub fn no_later_than(self, end: SystemTime) -> Self {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let sooner = Self::after(left);
        if sooner.response < self.response {
            sooner
        } else {
            self
        }
    }

    fn after(left: Duration) -> Self {
        let left = left.saturating_sub(MARGIN);
        let reserve = RESERVE.min(left / 4);
        let response = Instant::now() + left;
        Self {
            work: response - reserve * 2,
            rollback: response - reserve,
            response,
        }
    }
}

/// Why a piece of work has no result.
#[derive(Debug, PartialEq, Eq)]
pub enum RunError<E> {
    /// It failed.
    Failed(E),
    /// It panicked.
    Panicked,
    /// Its time was up.
    TimedOut,
}

impl<E: Display> RunError<E> {
    /// The reason that a person reads; `last_error` is what was being retried when the time was up.
    #[must_use]
    pub fn reason(&self, last_error: Option<String>) -> String {
        match (self, last_error) {
            (Self::Failed(error), _) => error.to_string(),
            (Self::Panicked, _) => {
                "internal error: got a panic, report it with the function's log".to_owned()
            }
            (Self::TimedOut, Some(last)) => format!("timed out while retrying: {last}"),
            (Self::TimedOut, None) => {
                "timed out: got no response from Lambda before the function's deadline, raise \
                 the function's timeout or check its network path to Lambda's API"
                    .to_owned()
            }
        }
    }
}

/// Runs `work` until `end`.
///
/// # Errors
/// If it failed, panicked or was cancelled at `end`.
pub async fn run_until<T, E>(
    end: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, RunError<E>> {
    match timeout_at(end, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(RunError::Failed(error)),
        Ok(Err(_panic)) => Err(RunError::Panicked),
        Err(_elapsed) => Err(RunError::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long from now, as Lambda gives it.
    fn deadline_ms(left: Duration) -> u64 {
        let deadline = SystemTime::now() + left;
        let since = deadline.duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(since.as_millis()).expect("before the year 500 million")
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_time_keeps_five_seconds_each_for_the_rollback_and_the_response() {
        let (now, deadlines) = (
            Instant::now(),
            Deadlines::after(Duration::from_millis(60_200)),
        );
        let seconds = |end: Instant| (end - now).as_secs();
        assert_eq!(
            [deadlines.work, deadlines.rollback, deadlines.response].map(seconds),
            [50, 55, 60]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_time_is_divided_by_quarters_and_none_is_none() {
        let (now, deadlines) = (
            Instant::now(),
            Deadlines::after(Duration::from_millis(2_200)),
        );
        let millis = |end: Instant| (end - now).as_millis();
        assert_eq!(
            [deadlines.work, deadlines.rollback, deadlines.response].map(millis),
            [1000, 1500, 2000]
        );
        let later = Deadlines::after(Duration::from_mins(1));
        let soon = SystemTime::now() + Duration::from_millis(2_200);
        let sooner = later.no_later_than(soon);
        assert!((990..=1000).contains(&millis(sooner.work)), "{sooner:?}");
        let much_later = SystemTime::now() + Duration::from_mins(2);
        assert_eq!(sooner.no_later_than(much_later), sooner);
        let third = Deadlines::first_of(3, deadline_ms(Duration::from_secs(30)));
        assert!(
            (9_700..=9_800).contains(&millis(third.response)),
            "{third:?}"
        );
        let past = Deadlines::at(0);
        assert_eq!(
            [past.work, past.rollback, past.response].map(millis),
            [0, 0, 0]
        );
    }

    #[expect(clippy::unused_async, reason = "the work is a future")]
    async fn panics() -> Result<(), String> {
        panic!("a test")
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_by_its_result_by_a_panic_or_at_its_deadline() {
        let end = Instant::now() + Duration::from_secs(1);
        assert_eq!(run_until(end, async { Ok::<_, String>(7) }).await, Ok(7));
        let failed = run_until(end, async { Err::<(), _>("reason") }).await;
        assert_eq!(failed, Err(RunError::Failed("reason")));
        let panicked = run_until(end, panics()).await;
        assert_eq!(panicked, Err(RunError::Panicked));
        let hangs = run_until(end, std::future::pending::<Result<(), String>>()).await;
        assert_eq!(hangs, Err(RunError::TimedOut));
    }

    #[test]
    fn a_run_error_says_why() {
        for (error, last_error, reason) in [
            (
                RunError::Failed("its own reason"),
                Some("ignored".into()),
                "its own reason",
            ),
            (
                RunError::Panicked,
                None,
                "internal error: got a panic, report it with the function's log",
            ),
            (
                RunError::TimedOut,
                Some("throttled by Lambda: got …".into()),
                "timed out while retrying: throttled by Lambda: got …",
            ),
            (
                RunError::TimedOut,
                None,
                "timed out: got no response from Lambda before the function's deadline, raise the function's timeout \
                 or check its network path to Lambda's API",
            ),
        ] {
            assert_eq!(error.reason(last_error), reason);
        }
    }
}
