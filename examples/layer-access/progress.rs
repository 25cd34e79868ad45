//! Tells a person who waits how far it is. Says nothing of what is soon done.

use std::time::{Duration, Instant};

/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(3);

/// How far it is.
pub struct Progress {
    last: Instant,
}

impl Progress {
    /// From now on.
    pub fn begin() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// Says on stderr that `done` of `all` are done, if nothing was said for some time.
    pub fn tell(&mut self, done: usize, all: usize, what: &str) {
        if self.last.elapsed() >= SILENCE {
            self.last = Instant::now();
            eprintln!("{done} of {all} {what}");
        }
    }
}
