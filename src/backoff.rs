//! Exponential backoff with jitter.

use std::time::Duration;

use crate::deadline::FIRST_PAUSE;

/// The pauses of one sequence of attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pauses: u32,
    first: Duration,
    doublings: u32,
}

impl Default for Backoff {
    /// Pauses that grow from a tenth of a second to 3.2 seconds.
    fn default() -> Self {
        Self::new(FIRST_PAUSE, 5)
    }
}

impl Backoff {
    /// Pauses that stay as short as 50 milliseconds, for a write whose reading is growing old.
    #[must_use]
    pub fn eager() -> Self {
        Self::new(FIRST_PAUSE / 2, 0)
    }

    /// Pauses that grow from a tenth of a second to 12.8 seconds, for what loses nothing by waiting.
    #[must_use]
    pub fn patient() -> Self {
        Self::new(FIRST_PAUSE, 7)
    }

    fn new(first: Duration, doublings: u32) -> Self {
        Self {
            pauses: 0,
            first,
            doublings,
        }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let most = self.first * 2_u32.pow(self.pauses);
        self.pauses = (self.pauses + 1).min(self.doublings);
        most.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Makes the next pause half as long, after a success.
    pub fn ease(&mut self) {
        self.pauses = self.pauses.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_has_jitter_and_grows_to_its_limit() {
        for (mut backoff, pauses) in [
            (
                Backoff::default(),
                [100, 200, 400, 800, 1600, 3200, 3200, 3200, 3200],
            ),
            (Backoff::eager(), [50; 9]),
            (
                Backoff::patient(),
                [100, 200, 400, 800, 1600, 3200, 6400, 12800, 12800],
            ),
        ] {
            for most in pauses {
                let most = Duration::from_millis(most);
                let pause = backoff.pause();
                assert!((most / 2..=most).contains(&pause), "{pause:?} of {most:?}");
            }
        }
    }

    #[test]
    fn a_success_makes_the_next_pause_shorter() {
        let mut backoff = Backoff::default();
        backoff.ease();
        for _ in 0..20 {
            backoff.pause();
        }
        backoff.ease();
        backoff.ease();
        assert!(backoff.pause() <= Duration::from_millis(800));
    }
}
