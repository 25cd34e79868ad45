//! Progress lines for work that takes more than a few seconds.

use std::time::{Duration, Instant};

use lambda_permission_provider::audit::Progress;

/// The time between two lines.
const INTERVAL: Duration = Duration::from_secs(3);

/// When the last line was printed.
pub struct ProgressLine {
    last: Instant,
}

impl ProgressLine {
    /// Begins now.
    pub fn start() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// Prints `progress` on stderr, if the last line is some time ago.
    pub fn report(&mut self, progress: Progress) {
        if self.last.elapsed() >= INTERVAL {
            self.last = Instant::now();
            let Progress { done, all, what } = progress;
            eprintln!("{done} of {all} {what}");
        }
    }
}
