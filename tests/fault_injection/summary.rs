//! The summary of all scenarios that the test prints: how often each thing happened, and which seeds failed.

use std::collections::BTreeMap;

use crate::trace::Trace;

#[derive(Default)]
pub struct Summary {
    counts: BTreeMap<String, usize>,
    /// The seeds of what is not promised or is excused.
    seeds: BTreeMap<String, Vec<u64>>,
    /// By the kind of scenario.
    failed: BTreeMap<String, Vec<u64>>,
}

impl Summary {
    /// Adds a finished scenario; prints its trace if a guarantee was violated, or `prints_trace`.
    pub fn add(&mut self, seed: u64, violations: &[String], trace: &Trace, prints_trace: bool) {
        let (lines, counts) = trace.take();
        let kind = counts.keys().find_map(|name| name.strip_prefix("kind "));
        let kind = kind.unwrap_or_default().to_owned();
        for (name, number) in counts {
            if name.starts_with("excused") || name.starts_with("not promised") {
                self.seeds.entry(name.clone()).or_default().push(seed);
            }
            *self.counts.entry(name).or_default() += number;
        }
        if !violations.is_empty() || prints_trace {
            println!("seed {seed}: {violations:#?}\n{}\n", lines.join("\n"));
        }
        if !violations.is_empty() {
            self.failed.entry(kind).or_default().push(seed);
        }
    }

    pub fn print(&self) {
        for (name, number) in &self.counts {
            let seeds = self
                .seeds
                .get(name)
                .map_or_else(String::new, |seeds| format!(" (seeds {seeds:?})"));
            println!("{number:7} {name}{seeds}");
        }
    }

    /// The seeds that failed, by the kind of scenario.
    pub fn failed(&self) -> &BTreeMap<String, Vec<u64>> {
        &self.failed
    }
}
