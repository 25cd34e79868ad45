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

/// The most calls that arrived within any one second.
pub fn most_in_a_second(arrivals: impl IntoIterator<Item = Instant>) -> usize {
    let mut arrivals: Vec<Instant> = arrivals.into_iter().collect();
    arrivals.sort();
    let within = |first: usize| {
        let end = arrivals[first] + Duration::from_secs(1);
        arrivals[first..]
            .iter()
            .take_while(|arrival| **arrival < end)
            .count()
    };
    (0..arrivals.len()).map(within).max().unwrap_or_default()
}
