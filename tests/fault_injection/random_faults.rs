//! Draws the faults of calls and PUTs at random, more of those that the scenario concentrates on.

use fastrand::Rng;

use crate::fault::{CallFault, Effect, ExternalWrite, MalformedBody, ResponseFault};
use crate::scenario_kind::ScenarioKind;

/// Any faults in the calls of one invocation: none, now and then, or the same one in a row.
pub fn random_calls(rng: &mut Rng, kind: ScenarioKind) -> Vec<Option<CallFault>> {
    match rng.u8(..10) {
        0..=2 => Vec::new(),
        3..=6 => {
            let one_in = rng.u8(2..6);
            (0..16)
                .map(|_| (rng.u8(..one_in) == 0).then(|| random_fault(rng, kind)))
                .collect()
        }
        7..=8 => burst(rng, 6, kind),
        // Mostly until the invocation ends.
        _ => burst(rng, 60, kind),
    }
}

/// The same fault in consecutive calls, at most so many.
fn burst(rng: &mut Rng, max: usize, kind: ScenarioKind) -> Vec<Option<CallFault>> {
    let mut calls = vec![None; rng.usize(..6)];
    let fault = if rng.u8(..4) == 0 {
        random_fault(rng, kind)
    } else {
        random_transient(rng, kind)
    };
    let number = rng.usize(max / 2..=max);
    calls.extend(std::iter::repeat_n(Some(fault), number));
    calls
}

/// A fault that a retry does not meet again; mostly of the kind that the scenario concentrates on.
pub fn random_transient(rng: &mut Rng, kind: ScenarioKind) -> CallFault {
    let of_kind = rng.u8(..4) > 0;
    if of_kind && kind == ScenarioKind::MalformedResponses {
        malformed(rng)
    } else if of_kind && kind == ScenarioKind::ExpiredSignatures {
        EXPIRED_SIGNATURE
    } else {
        transient(rng)
    }
}

const EXPIRED_SIGNATURE: CallFault = CallFault::Rejected(403, "InvalidSignatureException");

fn malformed(rng: &mut Rng) -> CallFault {
    let bodies = [
        MalformedBody::HtmlPage,
        MalformedBody::Truncated,
        MalformedBody::EmptyObject,
        MalformedBody::OtherJson,
        MalformedBody::MalformedInnerJson,
    ];
    let effects = [Effect::Applied, Effect::NotApplied];
    CallFault::Malformed(bodies[rng.usize(..5)], effects[rng.usize(..2)])
}

fn transient(rng: &mut Rng) -> CallFault {
    match rng.u8(..15) {
        0 => CallFault::Rejected(429, "TooManyRequestsException"),
        1 => CallFault::ThrottledWithRetryAfter,
        2 => CallFault::Rejected(500, "ServiceException"),
        3 => CallFault::Rejected(503, "ServiceUnavailableException"),
        4 => CallFault::Rejected(409, "ResourceConflictException"),
        5 => CallFault::FailsAfterEffect(500),
        6 => CallFault::ClosedBeforeEffect,
        7 => CallFault::ClosedAfterEffect,
        8 => CallFault::Delayed(rng.u64(20..400)),
        9 => CallFault::WriteLost,
        10 => CallFault::Rejected(412, "PreconditionFailedException"),
        11 => CallFault::ConcurrentWrite(ExternalWrite::RemovesOwn),
        12 => malformed(rng),
        13 => EXPIRED_SIGNATURE,
        _ => CallFault::ConcurrentWrite(ExternalWrite::AddsOwn),
    }
}

fn random_fault(rng: &mut Rng, kind: ScenarioKind) -> CallFault {
    let on_ours = [ExternalWrite::RemovesOurs, ExternalWrite::ReplacesOurs];
    match rng.u8(..20) {
        0..=9 => random_transient(rng, kind),
        10 => CallFault::Rejected(400, "InvalidParameterValueException"),
        11 => CallFault::Rejected(403, "AccessDeniedException"),
        12..=13 => CallFault::StaleRead,
        14 => CallFault::ClosedWithLateEffect(rng.u64(20..700)),
        15 => CallFault::NoResponse,
        16 => CallFault::NoResponseAfterEffect,
        17 => CallFault::NoResponseWithLateEffect(rng.u64(20..700)),
        18 => CallFault::ConcurrentWrite(on_ours[rng.usize(..2)]),
        _ => CallFault::ConcurrentWrite(ExternalWrite::TakesStatementId),
    }
}

/// Any faults in the PUTs of one response: mostly none, a few, or so many that every attempt fails.
pub fn random_puts(rng: &mut Rng) -> Vec<ResponseFault> {
    let number = match rng.u8(..20) {
        0..=14 => 0,
        15..=18 => rng.usize(1..4),
        _ => 30,
    };
    let mut put = || match rng.u8(..16) {
        0 => ResponseFault::Rejected(500),
        1 => ResponseFault::Rejected(307),
        2 => ResponseFault::RequestTimeout,
        3..=6 => ResponseFault::Rejected(503),
        7 => ResponseFault::Rejected(429),
        8..=9 => ResponseFault::AcknowledgementLost { stored: true },
        10..=11 => ResponseFault::AcknowledgementLost { stored: false },
        12 => ResponseFault::NoAcknowledgement { stored: true },
        13 => ResponseFault::NoAcknowledgement { stored: false },
        14 => ResponseFault::Rejected(400),
        _ => ResponseFault::Rejected(403),
    };
    (0..number).map(|_| put()).collect()
}
