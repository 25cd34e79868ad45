//! The trace of one scenario: events, calls, faults and responses in their order, printed when a guarantee does not hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Clones write to the same trace.
#[derive(Clone)]
pub struct Trace {
    entries: Arc<Mutex<Entries>>,
}

struct Entries {
    started: Instant,
    lines: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Trace {
    pub fn new() -> Self {
        let entries = Entries {
            started: Instant::now(),
            lines: Vec::new(),
            counts: BTreeMap::new(),
        };
        Self {
            entries: Arc::new(Mutex::new(entries)),
        }
    }

    pub fn note(&self, line: &str) {
        let mut entries = self.entries.lock().unwrap();
        let time = entries.started.elapsed().as_secs_f32();
        entries.lines.push(format!("{time:7.3} {line}"));
    }

    /// Counts one more occurrence of `kind`.
    pub fn count(&self, kind: &str) {
        let mut entries = self.entries.lock().unwrap();
        *entries.counts.entry(kind.to_owned()).or_default() += 1;
    }

    /// The lines and the counts; begins a new trace.
    pub fn take(&self) -> (Vec<String>, BTreeMap<String, usize>) {
        let mut entries = self.entries.lock().unwrap();
        entries.started = Instant::now();
        let counts = std::mem::take(&mut entries.counts);
        (std::mem::take(&mut entries.lines), counts)
    }
}
