//! The fault bench: the real executable lives through seeded schedules in which everything goes wrong that can, and what is
//! promised is checked after each of them. A seed that fails is printed with its whole story, and runs again alone by `SEED`.
//! Refuses to know the code inside, as the story does, whose fakes it uses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as expected; the fakes are part of the tests"
)]

// The fakes of AWS, by the names that these modules know them by.
mod bucket {
    pub use fake_aws::response_bucket::{Put, PutFault, ResponseBucket as Bucket};
}
mod events {
    pub use fake_aws::statements::{account_statement, organization_statement, public_statement};
}
mod lambda_answers {
    pub use fake_aws::lambda_responses::{
        ApiResponse as Answered, added_response as added_answer, error_response as refused,
        page_response as page_answer, policy_response as policy_answer,
        removed_response as removed_answer, throttled_response as throttled,
    };
}
mod lambda_call {
    pub use fake_aws::api_call::{
        ApiCall as Call, CredentialScope as Credential, Operation, query_value,
    };
}
mod layer_policies {
    pub use fake_aws::layer_policies::{ApiError as Refusal, LayerPolicies, Policy};
}
mod server {
    pub use fake_aws::http_server::{HttpRequest as Asked, HttpResponse as Reply, serve};
}
use fake_aws::{function_process, runtime_api};

// What goes wrong.
mod another_writer;
mod control_plane;
mod dealt;
mod fault;
mod layers;
mod misplaced;
mod otherwise;
mod trouble;
mod wording;

// What is played, and where.
mod create;
mod guardrails;
mod lane;
mod life;
mod overlap;
mod play;
mod record;
mod request;
mod stack;
mod theme;
mod wanted;

// What has to hold.
mod answers;
mod at_rest;

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::guardrails::Guardrails;
use crate::play::{Bench, Play, Unpromised};
use crate::record::Record;

/// How many schedules run where `N` does not say otherwise.
const SCHEDULES: u64 = 200;

/// How many run at a time. They wait more than they compute.
const AT_A_TIME: u64 = 80;

/// The longest that a schedule can take, if nothing is stuck.
const LONGEST: Duration = Duration::from_mins(10);

/// What all schedules came to.
#[derive(Default)]
struct Sum {
    counts: BTreeMap<String, usize>,
    /// Where something happened that nobody can promise anything about, or that is let pass.
    seeds: BTreeMap<String, Vec<u64>>,
    /// By what they were about.
    failed: BTreeMap<String, Vec<u64>>,
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {value}")),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_the_promises_are_kept() {
    let seeds: VecDeque<u64> = match number("SEED") {
        Some(seed) => VecDeque::from([seed]),
        None => (1..=number("N").unwrap_or(SCHEDULES)).collect(),
    };
    let (many, began) = (seeds.len() as u64, Instant::now());
    let (seeds, sum) = (Mutex::new(seeds), Mutex::new(Sum::default()));
    join_all((0..many.min(AT_A_TIME)).map(|_| work(&seeds, &sum))).await;
    let sum = sum.into_inner().unwrap();
    for (what, times) in &sum.counts {
        let seeds = sum
            .seeds
            .get(what)
            .map_or_else(String::new, |seeds| format!(" (seeds {seeds:?})"));
        println!("{times:7} {what}{seeds}");
    }
    let (failed, took) = (sum.failed, began.elapsed().as_secs());
    let number: usize = failed.values().map(Vec::len).sum();
    println!("{many} schedules in {took} s, {number} of them failed");
    assert!(failed.is_empty(), "run these again by SEED=…: {failed:?}");
}

/// Plays one schedule after the other on executables of its own.
async fn work(seeds: &Mutex<VecDeque<u64>>, sum: &Mutex<Sum>) {
    let mut bench = Bench::start().await;
    loop {
        let next = seeds.lock().unwrap().pop_front();
        let Some(seed) = next else { break };
        let broken = play(&bench, seed).await;
        sum.lock().unwrap().add(seed, &broken, &bench.record);
        if !broken.is_empty() {
            bench = Bench::start().await;
        }
    }
}

impl Sum {
    fn add(&mut self, seed: u64, broken: &[String], record: &Record) {
        let (story, counts) = record.take();
        let theme = counts.keys().find_map(|what| what.strip_prefix("theme "));
        let theme = theme.unwrap_or_default().to_owned();
        for (what, times) in counts {
            if what.starts_with("EXCUSED") || what.starts_with("UNPROMISED") {
                self.seeds.entry(what.clone()).or_default().push(seed);
            }
            *self.counts.entry(what).or_default() += times;
        }
        if !broken.is_empty() || number("SEED").is_some() {
            println!("seed {seed}: {broken:#?}\n{}\n", story.join("\n"));
        }
        if !broken.is_empty() {
            self.failed.entry(theme).or_default().push(seed);
        }
    }
}

/// What is not as promised.
async fn play(bench: &Bench, seed: u64) -> Vec<String> {
    bench.configure(&Guardrails::open()).await;
    let play = Play::new(bench, seed);
    let life = AssertUnwindSafe(play.life()).catch_unwind();
    match tokio::time::timeout(LONGEST, life).await {
        Ok(Ok(Ok(()))) => play.count("lived to the end"),
        Ok(Ok(Err(Unpromised(why)))) => play.count(&format!("UNPROMISED {why}")),
        Ok(Err(_panic)) => play.broken("the bench panicked"),
        Err(_elapsed) => play.broken("stuck"),
    }
    play.all_broken()
}
