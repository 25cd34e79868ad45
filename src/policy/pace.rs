//! Keeps the calls of one process below Lambda's rate, so that one event does not throttle itself.
//! Knows nothing of other processes: what they add up to, Lambda throttles, and that is waited out elsewhere.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time between two calls of many: eleven a second.
const INTERVAL: Duration = Duration::from_millis(91);

/// How many calls may begin at once after a rest: as many as most events need. No second holds more than 13 then, and Lambda
/// allows 15, for everything else that is going on in the region as well.
///
/// Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), "rest of the control
/// plane API requests".
const AT_ONCE: u32 = 3;

/// When the next call may begin, had each one waited its whole interval.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Cell<Option<Instant>>,
}

impl Pace {
    /// Waits until one more call may begin.
    pub(super) async fn turn(&self) {
        let now = Instant::now();
        let next = self.next.get().map_or(now, |next| next.max(now));
        self.next.set(Some(next + INTERVAL));
        let start = next.checked_sub(INTERVAL * (AT_ONCE - 1)).unwrap_or(now);
        if start > now {
            sleep_until(start).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_thirteen_calls_and_a_few_do_not_wait() {
        let (pace, begin) = (Pace::default(), Instant::now());
        let mut starts = Vec::new();
        for rest in [0, 0, 0, 0, 0, 3, 0, 700] {
            tokio::time::sleep(Duration::from_millis(rest)).await;
            for _ in 0..25 {
                pace.turn().await;
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
}
