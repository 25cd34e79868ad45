//! Keeps the calls of one process below Lambda's rate (GCRA), so that one request does not throttle itself, and backs off where other
//! processes contend.

use std::cell::{Cell, RefCell};

use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::Backoff;
use crate::deadline::CALL_INTERVAL;

/// How many calls may begin at once after a pause: as many as most requests need. Any second has at most 13 calls then. Lambda allows
/// 15, for all other callers of the region as well.
///
/// Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), "rest of the control
/// plane API requests".
const BURST: u32 = 3;

/// The rate limiter of one process.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// When the next call may begin if each has waited its whole interval.
    next: Cell<Option<Instant>>,
    /// When a throttled write may be retried at the earliest.
    next_retry: Cell<Option<Instant>>,
    /// The backoff for contention with other processes, over all requests of this one.
    contention: RefCell<Backoff>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self {
            next: Cell::default(),
            next_retry: Cell::default(),
            contention: RefCell::new(Backoff::patient()),
        }
    }
}

impl RateLimiter {
    /// Waits after Lambda has throttled the reading of a policy, or another writer was quicker: longer each time. A writer that has
    /// read the policy should write before others read it, or its revision would be outdated.
    pub(crate) async fn back_off(&self) {
        let pause = self.contention.borrow_mut().pause();
        sleep(pause).await;
    }

    /// Notes that a policy was read without being throttled.
    pub(crate) fn read_succeeded(&self) {
        self.contention.borrow_mut().ease();
    }

    /// Waits after Lambda has throttled a write, which then does not count as a call: briefly, because its reading is growing old.
    /// The writes of one process wait for each other.
    pub(crate) async fn before_write_retry(&self) {
        let taken = self.next.get();
        self.next
            .set(taken.and_then(|next| next.checked_sub(CALL_INTERVAL)));
        let now = Instant::now();
        let next_retry = self.next_retry.get().map_or(now, |next| next.max(now));
        let next_retry = next_retry + Backoff::eager().pause();
        self.next_retry.set(Some(next_retry));
        sleep_until(next_retry).await;
    }

    /// Waits until the next call may begin.
    pub(crate) async fn acquire(&self) {
        let now = Instant::now();
        let next = self.next.get().map_or(now, |next| next.max(now));
        self.next.set(Some(next + CALL_INTERVAL));
        let start = next.checked_sub(CALL_INTERVAL * (BURST - 1)).unwrap_or(now);
        if start > now {
            sleep_until(start).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_thirteen_calls_and_a_few_do_not_wait() {
        let (limiter, begin) = (RateLimiter::default(), Instant::now());
        let mut starts = Vec::new();
        for rest in [0, 0, 0, 0, 0, 3, 0, 700] {
            tokio::time::sleep(Duration::from_millis(rest)).await;
            for _ in 0..25 {
                limiter.acquire().await;
                starts.push(begin.elapsed());
            }
        }
        assert_eq!(starts[2], Duration::ZERO);
        assert_eq!(starts[199].as_secs(), 18, "eleven a second");
        for (index, start) in starts.iter().enumerate() {
            let second = starts[index..]
                .iter()
                .take_while(|later| **later < *start + Duration::from_secs(1));
            assert!(second.count() <= 13, "{start:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_write_does_not_count_as_a_call_and_is_retried_soon() {
        let (limiter, begin) = (RateLimiter::default(), Instant::now());
        for _ in 0..BURST {
            limiter.acquire().await;
        }
        limiter.before_write_retry().await;
        let retried = begin.elapsed();
        limiter.acquire().await;
        assert_eq!(begin.elapsed(), retried);
        limiter.acquire().await;
        assert_eq!(begin.elapsed(), CALL_INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_writes_wait_for_each_other() {
        let (limiter, begin) = (RateLimiter::default(), Instant::now());
        tokio::join!(
            limiter.before_write_retry(),
            limiter.before_write_retry(),
            limiter.before_write_retry()
        );
        let shortest = Duration::from_millis(25);
        assert!(begin.elapsed() >= 3 * shortest, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_backoff_for_contention_grows_until_a_read_succeeds() {
        let limiter = RateLimiter::default();
        let pause = async || {
            let begin = Instant::now();
            limiter.back_off().await;
            begin.elapsed().as_millis()
        };
        for most in [100, 200, 400, 800] {
            let pause = pause().await;
            assert!((most / 2..=most).contains(&pause), "{pause} of {most}");
        }
        limiter.read_succeeded();
        limiter.read_succeeded();
        assert!(pause().await <= 400);
    }
}
