//! One schedule: a world of its own, drawn from a seed, and what was found broken in it.
//! Refuses to know what is promised of a policy, and what CloudFormation does.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::control_plane::ControlPlane;
use crate::fault::Move;
use crate::guardrails::Guardrails;
use crate::lane::Lane;
use crate::record::Record;
use crate::theme::Theme;

/// Two executables before one control plane.
pub struct Bench {
    pub control_plane: ControlPlane,
    pub lanes: [Lane; 2],
    pub record: Record,
}

impl Bench {
    pub async fn start() -> Self {
        let record = Record::new();
        let control_plane = ControlPlane::start(record.clone()).await;
        let lanes = [
            Lane::start('A', &control_plane, &record).await,
            Lane::start('B', &control_plane, &record).await,
        ];
        Self {
            control_plane,
            lanes,
            record,
        }
    }

    /// Both executables have these guardrails from now on.
    pub async fn configure(&self, guardrails: &Guardrails) {
        for lane in &self.lanes {
            lane.configure(guardrails).await;
        }
    }
}

/// Something happened after which nobody can promise anything; the schedule ends there.
#[derive(Debug)]
pub struct Unpromised(pub &'static str);

/// What a delivery looked at that succeeded.
pub struct Look {
    /// When the event arrived.
    pub since: Instant,
    pub timeout: Duration,
    /// When it read each policy last.
    pub read: BTreeMap<String, Instant>,
}

pub struct Play<'a> {
    pub bench: &'a Bench,
    pub layer: String,
    pub stack_id: String,
    seed: u64,
    pub theme: Theme,
    pub guardrails: Mutex<Guardrails>,
    pub versions: Mutex<Vec<u64>>,
    /// The derived statement ids, by what they depend on.
    pub sids: Mutex<BTreeMap<String, String>>,
    /// When each request was sent.
    pub sent: Mutex<BTreeMap<String, Instant>>,
    /// The first delivery on the second executable that CloudFormation heard to have succeeded, since this was set back.
    pub last_look: Mutex<Option<Look>>,
    broken: Mutex<BTreeSet<String>>,
}

impl<'a> Play<'a> {
    pub fn new(bench: &'a Bench, seed: u64) -> Self {
        let layer = format!("arn:aws:lambda:eu-west-1:123456789012:layer:layer-{seed}");
        let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack";
        let mut play = Self {
            bench,
            layer,
            stack_id: format!("{stack}/stack-{seed}/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f"),
            seed,
            theme: Theme::Mixed,
            guardrails: Mutex::new(Guardrails::open()),
            versions: Mutex::default(),
            sids: Mutex::default(),
            sent: Mutex::default(),
            last_look: Mutex::default(),
            broken: Mutex::default(),
        };
        bench.control_plane.layers().reset();
        bench.lanes.iter().for_each(Lane::forget_log);
        play.theme = Theme::draw(&mut play.dice("theme"));
        play.note(&format!("theme {:?}", play.theme));
        play.count(&format!("theme {:?}", play.theme));
        let mut rng = play.dice("layer");
        for _ in 0..rng.usize(1..=3) {
            play.publish();
        }
        for number in play.versions() {
            for _ in 0..rng.usize(..3) {
                play.another_acts(number, Move::Comes);
            }
        }
        play
    }

    /// Random numbers that depend on the seed and on `what` they are for, and not on what was drawn before: a schedule stays
    /// the same, however fast the executables are.
    pub fn dice(&self, what: &str) -> Rng {
        let mut hasher = DefaultHasher::new();
        (self.seed, what).hash(&mut hasher);
        Rng::with_seed(hasher.finish())
    }

    pub fn publish(&self) {
        let mut versions = self.versions.lock().unwrap();
        let number = versions.last().unwrap_or(&0) + 1;
        versions.push(number);
        let arn = format!("{}:{number}", self.layer);
        self.bench.control_plane.layers().publish(&arn);
        self.note(&format!("version {number} is published"));
    }

    pub fn versions(&self) -> Vec<u64> {
        self.versions.lock().unwrap().clone()
    }

    pub fn another_acts(&self, version: u64, action: Move) {
        let arn = format!("{}:{version}", self.layer);
        let mut layers = self.bench.control_plane.layers();
        layers.another_acts(&arn, action, None);
    }

    pub fn note(&self, line: &str) {
        self.bench.record.note(line);
    }

    pub fn count(&self, what: &str) {
        self.bench.record.count(what);
    }

    /// Notes a promise that was not kept.
    pub fn broken(&self, what: &str) {
        self.note(&format!("BROKEN {what}"));
        self.broken.lock().unwrap().insert(what.to_owned());
    }

    pub fn all_broken(&self) -> Vec<String> {
        let broken = self.broken.lock().unwrap();
        let layers = self.bench.control_plane.layers();
        broken.iter().chain(&layers.broken).cloned().collect()
    }

    pub fn is_broken(&self) -> bool {
        !self.all_broken().is_empty()
    }
}
