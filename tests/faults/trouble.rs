//! What goes wrong while one event is served: in which call, in which PUT, and how much time there is. Drawn from a seed.
//! Refuses to know how any of it is carried out.

use std::time::Duration;

use fastrand::Rng;

use crate::bucket::PutFault;

/// What one call to Lambda meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CallFault {
    /// Refused with this status and code, without effect.
    Refused(u16, &'static str),
    /// Throttled, and told when to come again.
    ThrottledUntil,
    /// Takes effect, and is answered by this status of the server.
    BrokenAfter(u16),
    /// The connection ends, without effect.
    ResetBefore,
    /// The connection ends after the effect.
    ResetAfter,
    /// The connection ends; the effect comes so many milliseconds later.
    ResetLate(u64),
    /// Answered after so many milliseconds.
    Slow(u64),
    /// Never answered, without effect.
    Hangs,
    /// Never answered, but with effect.
    HangsAfter,
    /// Never answered; the effect comes so many milliseconds later.
    HangsLate(u64),
    /// An addition without a revision is overwritten by another writer's: answered as usual, but without effect.
    Overwritten,
    /// A reading is answered as it stood when the event began.
    Stale,
    /// A reading is answered by a policy that is not JSON.
    Garbled,
    /// Another writer is quicker by a moment.
    Another(Move),
}

/// What another writer does to the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Move {
    /// Adds a statement of its own.
    Comes,
    /// Removes one of its own.
    Goes,
    /// Removes one of ours.
    TakesOurs,
    /// Adds something else under an id that may be wanted.
    Obstructs,
    /// Puts something else in the place of one of ours.
    Hijacks,
}

/// What one PUT of the answer meets, and whether CloudFormation has the answer then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PutTrouble {
    Refused(u16),
    /// S3's `RequestTimeout`, with the status 400.
    TooSlow,
    Lost {
        stored: bool,
    },
    Hangs {
        stored: bool,
    },
}

impl PutTrouble {
    pub fn fault(self) -> PutFault {
        match self {
            Self::Refused(status) => PutFault::Refused(status),
            Self::TooSlow => PutFault::RefusedAs(400, "RequestTimeout"),
            Self::Lost { .. } => PutFault::AcknowledgementLost,
            Self::Hangs { .. } => PutFault::Hangs,
        }
    }

    pub fn stored(self) -> bool {
        matches!(
            self,
            Self::Lost { stored: true } | Self::Hangs { stored: true }
        )
    }
}

/// How bad it may get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    /// Nothing goes wrong.
    Quiet,
    /// What passes, and so soon that the event still succeeds.
    Mild,
    /// Anything.
    Wild,
}

#[derive(Debug, Clone)]
pub struct Trouble {
    /// What each call meets, in order.
    pub calls: Vec<Option<CallFault>>,
    pub puts: Vec<PutTrouble>,
    /// The function's timeout.
    pub timeout: Duration,
    /// When the process dies.
    pub dies_after: Option<Duration>,
}

impl Trouble {
    pub fn draw(rng: &mut Rng, mood: Mood) -> Self {
        let millis = Duration::from_millis;
        match mood {
            Mood::Quiet => Self {
                calls: Vec::new(),
                puts: Vec::new(),
                timeout: millis(20_000),
                dies_after: None,
            },
            Mood::Mild => Self {
                calls: (0..8)
                    .map(|_| (rng.u8(..4) == 0).then(|| passing(rng)))
                    .collect(),
                puts: (0..rng.usize(..2))
                    .map(|_| PutTrouble::Refused(503))
                    .collect(),
                timeout: millis(8_000),
                dies_after: None,
            },
            Mood::Wild => Self {
                calls: wild_calls(rng),
                puts: wild_puts(rng),
                timeout: millis(match rng.u8(..20) {
                    0 => rng.u64(300..1_500),
                    1..=9 => 2_500,
                    10..=15 => 4_000,
                    _ => 7_000,
                }),
                dies_after: (rng.u8(..40) == 0).then(|| millis(rng.u64(5..500))),
            },
        }
    }

    /// No answer gets through.
    pub fn cut_off(&mut self) {
        let lost = PutTrouble::Lost { stored: false };
        self.puts = vec![lost; 60];
        self.timeout = self.timeout.min(Duration::from_millis(2_500));
    }

    /// Whether the answer may take until after the deadline, when Lambda ends the process.
    pub fn may_overrun(&self) -> bool {
        let hangs = |put: &PutTrouble| matches!(put, PutTrouble::Hangs { .. });
        self.puts.iter().any(hangs) || self.timeout < Duration::from_secs(2)
    }
}

fn wild_calls(rng: &mut Rng) -> Vec<Option<CallFault>> {
    match rng.u8(..10) {
        0..=2 => Vec::new(),
        3..=6 => {
            let often = rng.u8(2..6);
            (0..16)
                .map(|_| (rng.u8(..often) == 0).then(|| anything(rng)))
                .collect()
        }
        // One thing some times in a row, or until the event ends.
        7..=8 => burst(rng, 6),
        _ => burst(rng, 60),
    }
}

fn burst(rng: &mut Rng, most: usize) -> Vec<Option<CallFault>> {
    let mut calls = vec![None; rng.usize(..6)];
    let fault = if rng.u8(..4) == 0 {
        anything(rng)
    } else {
        passing(rng)
    };
    let many = rng.usize(most / 2..=most);
    calls.extend(std::iter::repeat_n(Some(fault), many));
    calls
}

/// What is over with the next call.
fn passing(rng: &mut Rng) -> CallFault {
    match rng.u8(..13) {
        0 => CallFault::Refused(429, "TooManyRequestsException"),
        1 => CallFault::ThrottledUntil,
        2 => CallFault::Refused(500, "ServiceException"),
        3 => CallFault::Refused(503, "ServiceUnavailableException"),
        4 => CallFault::Refused(409, "ResourceConflictException"),
        5 => CallFault::BrokenAfter(500),
        6 => CallFault::ResetBefore,
        7 => CallFault::ResetAfter,
        8 => CallFault::Slow(rng.u64(20..400)),
        9 => CallFault::Overwritten,
        10 => CallFault::Refused(412, "PreconditionFailedException"),
        11 => CallFault::Another(Move::Goes),
        _ => CallFault::Another(Move::Comes),
    }
}

fn anything(rng: &mut Rng) -> CallFault {
    match rng.u8(..20) {
        0..=8 => passing(rng),
        9 => CallFault::Refused(400, "InvalidParameterValueException"),
        10 => CallFault::Refused(403, "AccessDeniedException"),
        11 => CallFault::Garbled,
        12..=13 => CallFault::Stale,
        14 => CallFault::ResetLate(rng.u64(20..700)),
        15 => CallFault::Hangs,
        16 => CallFault::HangsAfter,
        17 => CallFault::HangsLate(rng.u64(20..700)),
        18 => CallFault::Another([Move::TakesOurs, Move::Hijacks][rng.usize(..2)]),
        _ => CallFault::Another(Move::Obstructs),
    }
}

fn wild_puts(rng: &mut Rng) -> Vec<PutTrouble> {
    let many = match rng.u8(..20) {
        0..=14 => 0,
        15..=18 => rng.usize(1..4),
        _ => 30,
    };
    let mut put = || match rng.u8(..16) {
        0 => PutTrouble::Refused(500),
        1 => PutTrouble::Refused(307),
        2 => PutTrouble::TooSlow,
        3..=6 => PutTrouble::Refused(503),
        7 => PutTrouble::Refused(429),
        8..=9 => PutTrouble::Lost { stored: true },
        10..=11 => PutTrouble::Lost { stored: false },
        12 => PutTrouble::Hangs { stored: true },
        13 => PutTrouble::Hangs { stored: false },
        14 => PutTrouble::Refused(400),
        _ => PutTrouble::Refused(403),
    };
    (0..many).map(|_| put()).collect()
}
