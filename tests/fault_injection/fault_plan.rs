//! The faults of one invocation: of its calls, of the PUTs of its response, its timeout, and when its process crashes.

use std::time::Duration;

use fastrand::Rng;

use crate::fault::{CallFault, ResponseFault};
use crate::random_faults::{random_calls, random_puts, random_transient};
use crate::scenario_kind::ScenarioKind;

/// How severe the faults of an invocation may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultLevel {
    /// No faults.
    None,
    /// A few transient faults in a row, and a timeout that is long enough to retry until they pass.
    Transient,
    /// Transient faults that pass so soon that the event mostly succeeds.
    Mild,
    /// Any faults.
    Severe,
}

#[derive(Debug, Clone)]
pub struct FaultPlan {
    /// The faults of the calls, in order.
    pub calls: Vec<Option<CallFault>>,
    /// The faults of the first writes, in the place of those in `calls`.
    pub writes: Vec<Option<CallFault>>,
    /// The faults of the PUTs of the response, in order.
    pub puts: Vec<ResponseFault>,
    /// The function's timeout.
    pub timeout: Duration,
    /// When the process crashes.
    pub crash_after: Option<Duration>,
}

/// A timeout that leaves a Delete and a rollback more than the ten seconds for which they poll.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(40);

impl FaultPlan {
    pub fn random(rng: &mut Rng, level: FaultLevel, kind: ScenarioKind) -> Self {
        match level {
            FaultLevel::None => Self::without_faults(),
            FaultLevel::Transient => Self::transient(rng, kind),
            FaultLevel::Mild => Self::mild(rng, kind),
            FaultLevel::Severe => Self::severe(rng, kind),
        }
    }

    /// No faults, and a long timeout.
    pub fn without_faults() -> Self {
        Self {
            calls: Vec::new(),
            writes: Vec::new(),
            puts: Vec::new(),
            timeout: LONG_TIMEOUT,
            crash_after: None,
        }
    }

    /// Only the first writes have these faults.
    pub fn of_writes(writes: Vec<Option<CallFault>>) -> Self {
        Self {
            writes,
            ..Self::without_faults()
        }
    }

    /// Writes that take so long that another request arrives meanwhile.
    pub fn slow_writes(rng: &mut Rng) -> Self {
        let mut writes = vec![None; rng.usize(..3)];
        let one_second = Some(CallFault::Delayed(rng.u64(1_000..=1_500)));
        match rng.u8(..6) {
            0 => writes.clear(),
            1 => writes = vec![one_second; 40],
            2..=3 => writes.push(Some(CallFault::Delayed(rng.u64(1_500..9_000)))),
            4 => writes.push(Some(CallFault::NoResponseWithLateEffect(
                rng.u64(1_500..9_500),
            ))),
            _ => writes.push(Some(CallFault::ClosedWithLateEffect(rng.u64(1_000..9_500)))),
        }
        Self {
            crash_after: (rng.u8(..12) == 0).then(|| Duration::from_millis(rng.u64(300..2_500))),
            ..Self::of_writes(writes)
        }
    }

    fn transient(rng: &mut Rng, kind: ScenarioKind) -> Self {
        let mut calls = vec![None; rng.usize(..4)];
        let number = rng.usize(1..=3);
        calls.extend((0..number).map(|_| Some(random_transient(rng, kind))));
        Self {
            calls,
            ..Self::without_faults()
        }
    }

    fn mild(rng: &mut Rng, kind: ScenarioKind) -> Self {
        Self {
            calls: (0..8)
                .map(|_| (rng.u8(..4) == 0).then(|| random_transient(rng, kind)))
                .collect(),
            writes: Vec::new(),
            puts: (0..rng.usize(..2))
                .map(|_| ResponseFault::Rejected(503))
                .collect(),
            timeout: Duration::from_secs(8),
            crash_after: None,
        }
    }

    fn severe(rng: &mut Rng, kind: ScenarioKind) -> Self {
        let millis = Duration::from_millis;
        Self {
            calls: random_calls(rng, kind),
            writes: Vec::new(),
            puts: random_puts(rng),
            timeout: millis(match rng.u8(..20) {
                0 => rng.u64(300..1_500),
                1..=9 => 2_500,
                10..=15 => 4_000,
                _ => 7_000,
            }),
            crash_after: (rng.u8(..40) == 0).then(|| millis(rng.u64(5..500))),
        }
    }

    /// No response reaches CloudFormation.
    pub fn lose_every_response(&mut self) {
        self.puts = vec![ResponseFault::AcknowledgementLost { stored: false }; 60];
        self.timeout = self.timeout.min(Duration::from_millis(2_500));
    }

    /// Whether sending the response may last until after the deadline, when Lambda kills the process.
    pub fn may_exceed_deadline(&self) -> bool {
        let hangs =
            |fault: &ResponseFault| matches!(fault, ResponseFault::NoAcknowledgement { .. });
        self.puts.iter().any(hangs) || self.timeout < Duration::from_secs(2)
    }
}
