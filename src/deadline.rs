//! How the time of one event is shared out: to the work, to taking it back, and to the answer.
//! Stops nothing itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The most that is kept free for taking back, and again for the answer.
const MOST_RESERVE: Duration = Duration::from_secs(5);

/// What Lambda needs to take our word after the answer, before it would end the process.
const MARGIN: Duration = Duration::from_millis(200);

/// When each part of an event's time ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When the work stops.
    pub work: Instant,
    /// When taking it back stops.
    pub undo: Instant,
    /// When the answer must have been delivered.
    pub reply: Instant,
}

impl Deadline {
    /// Shares out what is left until `deadline_ms`, the milliseconds since 1970 at which Lambda ends the function: of a
    /// short time, a quarter is for taking back and a quarter for the answer.
    #[must_use]
    pub fn at(deadline_ms: u64) -> Self {
        Self::of_first(deadline_ms, 1)
    }

    /// The same for the first of `events` that are served one after the other until then: an equal part of the time is its own.
    #[must_use]
    pub fn of_first(deadline_ms: u64, events: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let left = Duration::from_millis(deadline_ms).saturating_sub(now.unwrap_or_default());
        Self::after(left / u32::try_from(events).unwrap_or(u32::MAX).max(1))
    }

    /// The same, if the answer is only waited for until `end`.
    #[must_use]
    pub fn no_later_than(self, end: SystemTime) -> Self {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let sooner = Self::after(left);
        if sooner.reply < self.reply {
            sooner
        } else {
            self
        }
    }

    fn after(left: Duration) -> Self {
        let left = left.saturating_sub(MARGIN);
        let reserve = MOST_RESERVE.min(left / 4);
        let reply = Instant::now() + left;
        Self {
            work: reply - reserve * 2,
            undo: reply - reserve,
            reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long from now, as Lambda tells it.
    fn deadline_ms(left: Duration) -> u64 {
        let deadline = SystemTime::now() + left;
        let since = deadline.duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(since.as_millis()).expect("before the year 500 million")
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_time_keeps_five_seconds_each_for_taking_back_and_for_the_answer() {
        let (now, deadline) = (
            Instant::now(),
            Deadline::after(Duration::from_millis(60_200)),
        );
        let seconds = |end: Instant| (end - now).as_secs();
        assert_eq!(
            [deadline.work, deadline.undo, deadline.reply].map(seconds),
            [50, 55, 60]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_time_is_shared_by_quarters_and_none_is_none() {
        let (now, deadline) = (
            Instant::now(),
            Deadline::after(Duration::from_millis(2_200)),
        );
        let millis = |end: Instant| (end - now).as_millis();
        assert_eq!(
            [deadline.work, deadline.undo, deadline.reply].map(millis),
            [1000, 1500, 2000]
        );
        let later = Deadline::after(Duration::from_mins(1));
        let soon = SystemTime::now() + Duration::from_millis(2_200);
        let sooner = later.no_later_than(soon);
        assert!((990..=1000).contains(&millis(sooner.work)), "{sooner:?}");
        let much_later = SystemTime::now() + Duration::from_mins(2);
        assert_eq!(sooner.no_later_than(much_later), sooner);
        let third = Deadline::of_first(deadline_ms(Duration::from_secs(30)), 3);
        assert!((9_700..=9_800).contains(&millis(third.reply)), "{third:?}");
        let past = Deadline::at(0);
        assert_eq!([past.work, past.undo, past.reply].map(millis), [0, 0, 0]);
    }
}
