//! How long to wait before something is tried again: longer each time, and at random, so that many who wait get out of
//! each other's way.

use std::time::Duration;

/// The first pause at most, which doubles each time.
const FIRST: Duration = Duration::from_millis(100);

/// How often it doubles: the longest pause is 3.2 seconds.
const DOUBLINGS: u32 = 5;

/// The pauses of one task.
#[derive(Debug, Default)]
pub struct Backoff {
    pauses: u32,
}

impl Backoff {
    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let most = FIRST * 2_u32.pow(self.pauses.min(DOUBLINGS));
        self.pauses += 1;
        most.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_half_to_the_whole_of_what_it_may_be_and_grows_to_some_seconds() {
        let mut backoff = Backoff::default();
        for most in [100, 200, 400, 800, 1600, 3200, 3200, 3200] {
            let most = Duration::from_millis(most);
            let pause = backoff.pause();
            assert!((most / 2..=most).contains(&pause), "{pause:?} of {most:?}");
        }
    }
}
