//! One schedule: a world of its own, drawn from a seed, and what was found broken in it.
//! Refuses to know what is promised of a policy, and what CloudFormation does.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::time::Instant;

use fastrand::Rng;

use crate::control_plane::ControlPlane;
use crate::lane::Lane;
use crate::record::Record;
use crate::trouble::Move;

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
}

/// Something happened after which nobody can promise anything; the schedule ends there.
#[derive(Debug)]
pub struct Unpromised(pub &'static str);

pub struct Play<'a> {
    pub bench: &'a Bench,
    pub layer: String,
    pub stack_id: String,
    seed: u64,
    pub versions: Mutex<Vec<u64>>,
    /// The derived statement ids, by what they depend on.
    pub sids: Mutex<BTreeMap<String, String>>,
    /// When each request was sent.
    pub sent: Mutex<BTreeMap<String, Instant>>,
    /// When the first Delete that succeeded had read each policy last, since this was set back.
    pub last_look: Mutex<Option<BTreeMap<String, Instant>>>,
    broken: Mutex<BTreeSet<String>>,
}

impl<'a> Play<'a> {
    pub fn new(bench: &'a Bench, seed: u64) -> Self {
        let layer = format!("arn:aws:lambda:eu-west-1:123456789012:layer:layer-{seed}");
        let stack = "arn:aws:cloudformation:eu-west-1:123456789012:stack";
        let play = Self {
            bench,
            layer,
            stack_id: format!("{stack}/stack-{seed}/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f"),
            seed,
            versions: Mutex::default(),
            sids: Mutex::default(),
            sent: Mutex::default(),
            last_look: Mutex::default(),
            broken: Mutex::default(),
        };
        bench.control_plane.layers().reset();
        bench.lanes.iter().for_each(Lane::forget_log);
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
        self.broken.lock().unwrap().iter().cloned().collect()
    }

    pub fn is_broken(&self) -> bool {
        !self.broken.lock().unwrap().is_empty()
    }
}
