//! One scenario: a layer, a function and a stack of its own, random numbers drawn from a seed, and the guarantees that were violated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::desired_state::TargetType;
use crate::execution_environment::ExecutionEnvironment;
use crate::fault::ExternalWrite;
use crate::guardrails::Guardrails;
use crate::random_stream::RandomStream;
use crate::scenario_kind::ScenarioKind;
use crate::stack_state::{Clock, StackState};
use crate::test_env::TestEnv;

/// Something happened after which the provider promises nothing; the scenario ends there.
#[derive(Debug)]
pub struct NotPromised(pub &'static str);

/// The reads of a successful delivery.
pub struct Poll {
    /// When the event arrived.
    pub since: Instant,
    /// The function's timeout.
    pub timeout: Duration,
    /// When each policy was last read.
    pub reads: BTreeMap<String, Instant>,
}

pub struct Scenario<'a> {
    pub env: &'a TestEnv,
    pub layer: String,
    pub stack_id: String,
    seed: u64,
    pub kind: ScenarioKind,
    pub guardrails: Mutex<Guardrails>,
    versions: Mutex<Vec<u64>>,
    /// The derived statement ids, by what they depend on.
    pub derived_statement_ids: Mutex<BTreeMap<String, String>>,
    /// When each request was sent, by its label.
    pub sent_at: Mutex<BTreeMap<String, Instant>>,
    /// When CloudFormation received the response to each request, by its label.
    pub received_at: Mutex<BTreeMap<String, Instant>>,
    /// The labels of requests whose grant was made by a delivery without a response that CloudFormation received.
    pub unreceived_grants: Mutex<BTreeSet<String>>,
    /// The logical ids of resources whose request was handled twice at the same time, with two different responses.
    pub handled_twice: Mutex<BTreeSet<String>>,
    /// Of the first successful delivery in the second execution environment, since this was reset.
    pub last_poll: Mutex<Option<Poll>>,
    violations: Mutex<BTreeSet<String>>,
}

/// The account of the function.
const ACCOUNT: &str = "123456789012";

/// The account of the stack: that of the function, or the one in `STACK_ACCOUNT`.
fn stack_account() -> String {
    let given = std::env::var("STACK_ACCOUNT").ok();
    given
        .filter(|given| !given.is_empty())
        .unwrap_or_else(|| ACCOUNT.to_owned())
}

impl<'a> Scenario<'a> {
    pub fn new(env: &'a TestEnv, seed: u64) -> Self {
        let layer = format!("arn:aws:lambda:eu-west-1:123456789012:layer:layer-{seed}");
        let account = stack_account();
        let stack = format!("arn:aws:cloudformation:eu-west-1:{account}:stack");
        let mut scenario = Self {
            env,
            layer,
            stack_id: format!("{stack}/stack-{seed}/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f"),
            seed,
            kind: ScenarioKind::Mixed,
            guardrails: Mutex::new(Guardrails::open()),
            versions: Mutex::default(),
            derived_statement_ids: Mutex::default(),
            sent_at: Mutex::default(),
            received_at: Mutex::default(),
            unreceived_grants: Mutex::default(),
            handled_twice: Mutex::default(),
            last_poll: Mutex::default(),
            violations: Mutex::default(),
        };
        env.lambda_api.layers().reset();
        env.environments
            .iter()
            .for_each(ExecutionEnvironment::clear_log);
        let mut rng = scenario.random(RandomStream::StackDenied);
        env.lambda_api.layers().stack.is_denied = rng.u8(..32) == 0;
        let mut rng = scenario.random(RandomStream::Clock);
        if rng.u8(..16) == 0 {
            let seconds = rng.i64(-300..=300);
            env.lambda_api.layers().stack.clock = Clock { ahead: seconds };
            scenario.note(&format!("CloudFormation's clock is {seconds} s ahead"));
            scenario.count("CloudFormation's clock differs by minutes");
        }
        scenario.kind = ScenarioKind::random(&mut scenario.random(RandomStream::ScenarioKind));
        scenario.note(&format!("kind {:?}", scenario.kind));
        scenario.count(&format!("kind {:?}", scenario.kind));
        scenario.publish_first_versions();
        scenario
    }

    /// Whether the provider can tell that a grant is late, and ask if the stack waits for it.
    pub fn is_asked(&self) -> bool {
        let layers = self.env.lambda_api.layers();
        let StackState {
            is_denied, clock, ..
        } = layers.stack;
        stack_account() == ACCOUNT && !is_denied && clock.ahead <= 0
    }

    /// Whether it knows besides when the resource was complete.
    pub fn has_same_clock(&self) -> bool {
        self.env.lambda_api.layers().stack.clock == Clock::default()
    }

    fn publish_first_versions(&self) {
        let mut rng = self.random(RandomStream::FirstVersions);
        for _ in 0..rng.usize(1..=3) {
            self.publish();
        }
        for arn in self.policy_arns() {
            for _ in 0..rng.usize(..3) {
                self.write_externally(&arn, ExternalWrite::AddsOwn);
            }
        }
    }

    pub fn random(&self, stream: RandomStream<'_>) -> Rng {
        stream.rng(self.seed)
    }

    pub fn publish(&self) {
        let mut versions = self.versions.lock().unwrap();
        let number = versions.last().unwrap_or(&0) + 1;
        versions.push(number);
        for resource in self.resource_arns() {
            let arn = format!("{resource}:{number}");
            self.env.lambda_api.layers().publish(&arn);
        }
        self.note(&format!("version {number} is published"));
    }

    /// Deletes the first version of the layer and of the function, and its policy with it.
    pub fn unpublish(&self) {
        let number = self.versions.lock().unwrap().remove(0);
        for resource in self.resource_arns() {
            let arn = format!("{resource}:{number}");
            self.env.lambda_api.layers().unpublish(&arn);
        }
        self.note(&format!("version {number} is deleted"));
    }

    /// The layer and the function.
    fn resource_arns(&self) -> [String; 2] {
        TargetType::ALL.map(|target_type| target_type.arn_of(&self.layer))
    }

    /// The versions of both, each of which has a policy of its own.
    pub fn policy_arns(&self) -> Vec<String> {
        let versions = self.versions();
        let of = |resource: String| {
            let versions = versions.iter();
            versions.map(move |number| format!("{resource}:{number}"))
        };
        self.resource_arns().into_iter().flat_map(of).collect()
    }

    pub fn versions(&self) -> Vec<u64> {
        self.versions.lock().unwrap().clone()
    }

    pub fn note(&self, line: &str) {
        self.env.trace.note(line);
    }

    pub fn count(&self, kind: &str) {
        self.env.trace.count(kind);
    }

    /// Keeps a guarantee that was violated.
    pub fn violation(&self, violation: &str) {
        self.note(&format!("VIOLATION {violation}"));
        self.violations.lock().unwrap().insert(violation.to_owned());
    }

    pub fn violations(&self) -> Vec<String> {
        let violations = self.violations.lock().unwrap();
        let layers = self.env.lambda_api.layers();
        violations
            .iter()
            .chain(&layers.violations)
            .cloned()
            .collect()
    }

    pub fn has_violations(&self) -> bool {
        !self.violations().is_empty()
    }
}
