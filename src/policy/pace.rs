//! Keeps the calls of one process below Lambda's rate, so that one event does not throttle itself, and lets others go first
//! where many processes want the same. Knows nothing of them but what Lambda answers.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::Backoff;

/// The time between two calls of many: eleven a second.
const INTERVAL: Duration = Duration::from_millis(91);

/// How many calls may begin at once after a rest: as many as most events need. No second holds more than 13 then, and Lambda
/// allows 15, for everything else that is going on in the region as well.
///
/// Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), "rest of the control
/// plane API requests".
const AT_ONCE: u32 = 3;

/// The pace of one process.
#[derive(Debug)]
pub(super) struct Pace {
    /// When the next call may begin, had each one waited its whole interval.
    next: Cell<Option<Instant>>,
    /// When a write that was throttled may be tried again at the earliest.
    next_try: Cell<Option<Instant>>,
    /// How crowded it is, as far as this process has met others.
    crowd: RefCell<Backoff>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            next: Cell::default(),
            next_try: Cell::default(),
            crowd: RefCell::new(Backoff::patient()),
        }
    }
}

impl Pace {
    /// Waits after Lambda has throttled a look at a policy, or another writer was quicker: longer each time, over events too.
    /// Who has looked at a policy writes to it before others look at it, or what he has seen would no longer be true.
    pub(super) async fn let_others_go_first(&self) {
        let pause = self.crowd.borrow_mut().pause();
        sleep(pause).await;
    }

    /// Notes that a look at a policy was not throttled.
    pub(super) fn got_through(&self) {
        self.crowd.borrow_mut().ease();
    }

    /// Waits after Lambda has throttled a write, which then was no call: shortly, for what was read for it is growing old. The
    /// writes of one process wait for each other.
    pub(super) async fn hurry(&self) {
        let taken = self.next.get();
        self.next
            .set(taken.and_then(|next| next.checked_sub(INTERVAL)));
        let now = Instant::now();
        let next_try = self.next_try.get().map_or(now, |next| next.max(now));
        let next_try = next_try + Backoff::eager().pause();
        self.next_try.set(Some(next_try));
        sleep_until(next_try).await;
    }

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

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_throttled_was_no_call_and_is_tried_again_soon() {
        let (pace, begin) = (Pace::default(), Instant::now());
        for _ in 0..AT_ONCE {
            pace.turn().await;
        }
        pace.hurry().await;
        let tried_again = begin.elapsed();
        pace.turn().await;
        assert_eq!(begin.elapsed(), tried_again);
        pace.turn().await;
        assert_eq!(begin.elapsed(), INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn writes_that_were_throttled_wait_for_each_other() {
        let (pace, begin) = (Pace::default(), Instant::now());
        tokio::join!(pace.hurry(), pace.hurry(), pace.hurry());
        let shortest = Duration::from_millis(25);
        assert!(begin.elapsed() >= 3 * shortest, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_meets_others_lets_them_go_first_longer_each_time_until_it_gets_through() {
        let pace = Pace::default();
        let pause = async || {
            let begin = Instant::now();
            pace.let_others_go_first().await;
            begin.elapsed().as_millis()
        };
        for most in [100, 200, 400, 800] {
            let pause = pause().await;
            assert!((most / 2..=most).contains(&pause), "{pause} of {most}");
        }
        pace.got_through();
        pace.got_through();
        assert!(pause().await <= 400);
    }
}
