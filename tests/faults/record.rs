//! The record of one schedule: events, calls, faults and answers in their order, printed when something is not as promised.
//! Refuses to judge.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Clones write into the same record.
#[derive(Clone)]
pub struct Record {
    pages: Arc<Mutex<Pages>>,
}

struct Pages {
    begun: Instant,
    lines: Vec<String>,
    counts: BTreeMap<String, usize>,
}

impl Record {
    pub fn new() -> Self {
        let pages = Pages {
            begun: Instant::now(),
            lines: Vec::new(),
            counts: BTreeMap::new(),
        };
        Self {
            pages: Arc::new(Mutex::new(pages)),
        }
    }

    pub fn note(&self, line: &str) {
        let mut pages = self.pages.lock().unwrap();
        let at = pages.begun.elapsed().as_secs_f32();
        pages.lines.push(format!("{at:7.3} {line}"));
    }

    /// Notes that something of this kind happened once more.
    pub fn count(&self, kind: &str) {
        let mut pages = self.pages.lock().unwrap();
        *pages.counts.entry(kind.to_owned()).or_default() += 1;
    }

    /// The lines, and how often what happened; begins a new record.
    pub fn take(&self) -> (Vec<String>, BTreeMap<String, usize>) {
        let mut pages = self.pages.lock().unwrap();
        pages.begun = Instant::now();
        let counts = std::mem::take(&mut pages.counts);
        (std::mem::take(&mut pages.lines), counts)
    }
}
