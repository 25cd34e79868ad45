//! Progress lines for work that takes more than a few seconds.

use std::time::{Duration, Instant};

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(3);

/// The progress of one piece of work.
pub struct Progress {
    last: Instant,
}

impl Progress {
    /// Begins now.
    pub fn start() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// Prints on stderr that `done` of `all` are done, if the last line is some time ago.
    pub fn report(&mut self, done: usize, all: usize, what: &str) {
        if self.last.elapsed() >= INTERVAL {
            self.last = Instant::now();
            eprintln!("{done} of {all} {what}");
        }
    }
}
