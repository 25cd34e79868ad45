//! The rate limit of Lambda's control plane, which all its operations share.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Allows so many calls in any second.
pub struct RateLimit {
    per_second: usize,
    /// Whether a throttled response has a `Retry-After`.
    pub sends_retry_after: bool,
    allowed: VecDeque<Instant>,
}

impl RateLimit {
    /// Allows `per_second` calls in any second.
    #[must_use]
    pub fn new(per_second: usize, sends_retry_after: bool) -> Self {
        Self {
            per_second,
            sends_retry_after,
            allowed: VecDeque::new(),
        }
    }

    /// Whether a call is allowed at this time; it counts if it is.
    pub fn allows(&mut self, now: Instant) -> bool {
        let expired = |at: &Instant| now.duration_since(*at) >= Duration::from_secs(1);
        while self.allowed.front().is_some_and(expired) {
            self.allowed.pop_front();
        }
        let allows = self.allowed.len() < self.per_second;
        if allows {
            self.allowed.push_back(now);
        }
        allows
    }
}
