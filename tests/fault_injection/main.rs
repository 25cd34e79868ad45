//! Fault injection: the provider's executable runs through seeded scenarios in which everything fails that can, and each of its
//! guarantees is checked. A failed scenario is printed with its trace; `SEED` runs it again alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected"
)]

// Faults, and the API that injects them.
mod environment_state;
mod external_writer;
mod fault;
mod fault_plan;
mod faulty_calls;
mod faulty_lambda_api;
mod layers;
mod malformed_responses;
mod mismatched_arn;
mod random_faults;
mod statement_forms;

// The scenario: what CloudFormation, the user and others do.
mod create;
mod delivery;
mod desired_state;
mod execution_environment;
mod external_changes;
mod guardrails;
mod lifecycle;
mod overlapping_requests;
mod random_stream;
mod repeated_requests;
mod request;
mod request_delivery;
mod resource;
mod resource_operations;
mod response;
mod scenario;
mod scenario_kind;
mod stack_completion;
mod stack_operation;
mod stack_state;
mod test_env;

// The guarantees.
mod final_state;
mod organization;
mod orphans;
mod response_checks;

// The results.
mod summary;
mod trace;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::guardrails::Guardrails;
use crate::scenario::{NotPromised, Scenario};
use crate::summary::Summary;
use crate::test_env::TestEnv;

/// The number of scenarios where `N` is not given.
const SCENARIOS: u64 = 200;

/// How many scenarios run at a time. They wait more than they compute.
const CONCURRENCY: u64 = 80;

/// The longest that a scenario can take.
const SCENARIO_TIMEOUT: Duration = Duration::from_mins(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guarantees_hold_under_injected_faults() {
    let seeds: VecDeque<u64> = match number("SEED") {
        Some(seed) => VecDeque::from([seed]),
        None => (1..=number("N").unwrap_or(SCENARIOS)).collect(),
    };
    let (scenarios, started) = (seeds.len() as u64, Instant::now());
    let (seeds, summary) = (Mutex::new(seeds), Mutex::new(Summary::default()));
    join_all((0..scenarios.min(CONCURRENCY)).map(|_| run_scenarios(&seeds, &summary))).await;
    let summary = summary.into_inner().unwrap();
    summary.print();
    let (failed, seconds) = (summary.failed(), started.elapsed().as_secs());
    let failures: usize = failed.values().map(Vec::len).sum();
    println!("{scenarios} scenarios in {seconds} s, {failures} failed");
    assert!(failed.is_empty(), "run these again by SEED=…: {failed:?}");
}

/// The number in an environment variable.
fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}

/// Runs one scenario after the other in an environment of its own.
async fn run_scenarios(seeds: &Mutex<VecDeque<u64>>, summary: &Mutex<Summary>) {
    let prints_trace = number("SEED").is_some();
    let mut env = TestEnv::start().await;
    loop {
        let next = seeds.lock().unwrap().pop_front();
        let Some(seed) = next else { break };
        let violations = run_scenario(&env, seed).await;
        summary
            .lock()
            .unwrap()
            .add(seed, &violations, &env.trace, prints_trace);
        if !violations.is_empty() {
            env = TestEnv::start().await;
        }
    }
}

/// The guarantees that were violated.
async fn run_scenario(env: &TestEnv, seed: u64) -> Vec<String> {
    env.configure(&Guardrails::open()).await;
    let scenario = Scenario::new(env, seed);
    let lifecycle = AssertUnwindSafe(scenario.run_lifecycle()).catch_unwind();
    match tokio::time::timeout(SCENARIO_TIMEOUT, lifecycle).await {
        Ok(Ok(Ok(()))) => scenario.count("scenarios completed"),
        Ok(Ok(Err(NotPromised(what)))) => scenario.count(&format!("not promised: {what}")),
        Ok(Err(_panic)) => scenario.violation("the test panicked"),
        Err(_elapsed) => scenario.violation("the scenario timed out"),
    }
    scenario.violations()
}
