//! What goes wrong while one event is served: in which call, in which PUT, and how much time there is. Drawn from a seed.
//! Refuses to know how any of it is carried out.

use std::time::Duration;

use fastrand::Rng;

use crate::fault::{CallFault, Effect, Move, PutTrouble, Shape};
use crate::theme::Theme;

/// How bad it may get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    /// Nothing goes wrong.
    Quiet,
    /// A few times something goes wrong that passes, and there is time enough for it to pass.
    Passing,
    /// What passes, and so soon that the event mostly succeeds.
    Mild,
    /// Anything.
    Wild,
}

#[derive(Debug, Clone)]
pub struct Trouble {
    /// What each call meets, in order.
    pub calls: Vec<Option<CallFault>>,
    /// What each write meets before it meets what any call does.
    pub writes: Vec<Option<CallFault>>,
    pub puts: Vec<PutTrouble>,
    /// The function's timeout.
    pub timeout: Duration,
    /// When the process dies.
    pub dies_after: Option<Duration>,
}

/// A timeout that leaves a Delete and a rollback the ten seconds in which they look again, and more.
pub const LONG: Duration = Duration::from_secs(40);

impl Trouble {
    pub fn draw(rng: &mut Rng, mood: Mood, theme: Theme) -> Self {
        let millis = Duration::from_millis;
        match mood {
            Mood::Quiet => Self::none(),
            Mood::Passing => {
                let mut calls = vec![None; rng.usize(..4)];
                let many = rng.usize(1..=3);
                calls.extend((0..many).map(|_| Some(passing_of(rng, theme))));
                Self {
                    calls,
                    ..Self::none()
                }
            }
            Mood::Mild => Self {
                calls: (0..8)
                    .map(|_| (rng.u8(..4) == 0).then(|| passing_of(rng, theme)))
                    .collect(),
                writes: Vec::new(),
                puts: (0..rng.usize(..2))
                    .map(|_| PutTrouble::Refused(503))
                    .collect(),
                timeout: millis(8_000),
                dies_after: None,
            },
            Mood::Wild => Self {
                calls: wild_calls(rng, theme),
                writes: Vec::new(),
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

    /// Nothing, and time enough.
    pub fn none() -> Self {
        Self {
            calls: Vec::new(),
            writes: Vec::new(),
            puts: Vec::new(),
            timeout: LONG,
            dies_after: None,
        }
    }

    /// Only these writes are not as they should be.
    pub fn of_writes(writes: Vec<Option<CallFault>>) -> Self {
        Self {
            writes,
            ..Self::none()
        }
    }

    /// Writes that take so long that something else comes in between.
    pub fn slow_writes(rng: &mut Rng) -> Self {
        let mut writes = vec![None; rng.usize(..3)];
        let second = Some(CallFault::Slow(rng.u64(1_000..=1_500)));
        match rng.u8(..6) {
            0 => writes.clear(),
            1 => writes = vec![second; 40],
            2..=3 => writes.push(Some(CallFault::Slow(rng.u64(1_500..9_000)))),
            4 => writes.push(Some(CallFault::HangsLate(rng.u64(1_500..9_500)))),
            _ => writes.push(Some(CallFault::ResetLate(rng.u64(1_000..9_500)))),
        }
        Self {
            dies_after: (rng.u8(..12) == 0).then(|| Duration::from_millis(rng.u64(300..2_500))),
            ..Self::of_writes(writes)
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

fn wild_calls(rng: &mut Rng, theme: Theme) -> Vec<Option<CallFault>> {
    match rng.u8(..10) {
        0..=2 => Vec::new(),
        3..=6 => {
            let often = rng.u8(2..6);
            (0..16)
                .map(|_| (rng.u8(..often) == 0).then(|| anything(rng, theme)))
                .collect()
        }
        // One thing some times in a row, or until the event ends.
        7..=8 => burst(rng, 6, theme),
        _ => burst(rng, 60, theme),
    }
}

fn burst(rng: &mut Rng, most: usize, theme: Theme) -> Vec<Option<CallFault>> {
    let mut calls = vec![None; rng.usize(..6)];
    let fault = if rng.u8(..4) == 0 {
        anything(rng, theme)
    } else {
        passing_of(rng, theme)
    };
    let many = rng.usize(most / 2..=most);
    calls.extend(std::iter::repeat_n(Some(fault), many));
    calls
}

/// What is over with the next call; mostly what the schedule is about.
fn passing_of(rng: &mut Rng, theme: Theme) -> CallFault {
    let often = rng.u8(..4) > 0;
    if often && theme == Theme::Unreadable {
        unreadable(rng)
    } else if often && theme == Theme::Signatures {
        OLD_SIGNATURE
    } else {
        passing(rng)
    }
}

const OLD_SIGNATURE: CallFault = CallFault::Refused(403, "InvalidSignatureException");

fn unreadable(rng: &mut Rng) -> CallFault {
    let shapes = [
        Shape::Page,
        Shape::Half,
        Shape::Empty,
        Shape::Other,
        Shape::Inner,
    ];
    let effects = [Effect::Done, Effect::NotDone];
    CallFault::Unreadable(shapes[rng.usize(..5)], effects[rng.usize(..2)])
}

/// What is over with the next call.
fn passing(rng: &mut Rng) -> CallFault {
    match rng.u8(..15) {
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
        12 => unreadable(rng),
        13 => OLD_SIGNATURE,
        _ => CallFault::Another(Move::Comes),
    }
}

fn anything(rng: &mut Rng, theme: Theme) -> CallFault {
    match rng.u8(..20) {
        0..=9 => passing_of(rng, theme),
        10 => CallFault::Refused(400, "InvalidParameterValueException"),
        11 => CallFault::Refused(403, "AccessDeniedException"),
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
