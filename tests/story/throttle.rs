//! Admits so many calls in any second, as Lambda's control plane does for all its operations together.
//! Refuses to know what is called.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub struct Throttle {
    per_second: usize,
    /// Whether the refusal says when to come again.
    pub says_when: bool,
    admitted: VecDeque<Instant>,
}

impl Throttle {
    pub fn new(per_second: usize, says_when: bool) -> Self {
        Self {
            per_second,
            says_when,
            admitted: VecDeque::new(),
        }
    }

    pub fn admits(&mut self, now: Instant) -> bool {
        let past = |at: &Instant| now.duration_since(*at) >= Duration::from_secs(1);
        while self.admitted.front().is_some_and(past) {
            self.admitted.pop_front();
        }
        let admits = self.admitted.len() < self.per_second;
        if admits {
            self.admitted.push_back(now);
        }
        admits
    }
}
