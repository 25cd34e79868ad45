//! Pursues what an event asks for, until it is true, has failed or is out of time, and says what it came to.
//! What a failed grant has written is taken back. Knows nothing of how the answer gets to CloudFormation.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::cloudformation::request::Envelope;
use crate::cloudformation::response::Answer;
use crate::deadline::Deadline;
use crate::guard::{Stop, guard};
use crate::metrics::Tally;
use crate::permission::intent::{Intent, Purpose};
use crate::policy::course::{Course, Progress};
use crate::policy::doors::Doors;
use crate::policy::reconcile::{Attributes, Period, reconcile, take_back};
use crate::policy::settle::Unreconciled;
use crate::policy::undo_log::UndoLog;

/// The work on one event.
pub(crate) struct Pursuit<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) intent: Intent,
    pub(crate) doors: Doors,
    /// What has been written so far.
    pub(crate) log: UndoLog,
    /// How it goes.
    pub(crate) course: Course,
    /// When the event came in.
    pub(crate) arrival: Instant,
    /// Whether all work makes a panic.
    pub(crate) panic_drill: bool,
    /// Whether a guardrail refused what would have to be added.
    pub(crate) refused: Cell<bool>,
}

impl Pursuit<'_> {
    /// Does the work, and says how it ended.
    pub(crate) async fn run(&self, deadline: Deadline) -> Answer {
        let Self {
            envelope, intent, ..
        } = self;
        // A revoke is worth its time even when nobody waits for it any more.
        let until = envelope.waited_for_until.filter(|_| self.is_grant());
        if let Some(late) = until.and_then(|until| SystemTime::now().duration_since(until).ok()) {
            // Should it be heard all the same, the Delete that follows finds what an earlier delivery has made.
            let left = Some(intent.physical_id.clone());
            return Answer::failed(envelope, left, too_late(late));
        }
        let deadline = until.map_or(deadline, |until| deadline.no_later_than(until));
        // No version of many is left with half of a change: those that were begun in time are let come to their end.
        let end = if intent.is_for_all_versions() {
            deadline.undo
        } else {
            deadline.work
        };
        match guard(end, self.work(deadline.work)).await {
            Ok(found) => {
                let attributes = intent.attributes.iter().cloned().chain(found);
                Answer::success(intent.physical_id.clone(), attributes)
            }
            Err(stop) => {
                let forbidden = matches!(stop, Stop::Failed(Unreconciled::Forbidden(_)));
                self.refused.set(forbidden);
                self.stopped(&stop, deadline).await
            }
        }
    }

    async fn work(&self, end: Instant) -> Result<Attributes, Unreconciled> {
        let drilled = self.panic_drill && self.intent.goals.is_some();
        assert!(!drilled, "this is a drill");
        let arrival = self.arrival;
        let period = Period { arrival, end };
        reconcile(&self.doors, &self.intent, &self.log, &self.course, period).await
    }

    /// The answer to work that did not get done; what a grant has written of it is taken back.
    async fn stopped(&self, stop: &Stop<Unreconciled>, deadline: Deadline) -> Answer {
        let Self {
            envelope,
            log,
            course,
            ..
        } = self;
        let is_out_of_time = matches!(
            stop,
            Stop::OutOfTime | Stop::Failed(Unreconciled::OutOfTime)
        );
        let progress = course.progress().filter(|_| is_out_of_time);
        let reason = match progress {
            Some(progress) => unfinished(progress, course.last_failure()),
            None => stop.reason(course.last_failure()),
        };
        if !self.is_grant() {
            return Answer::failed(envelope, None, reason);
        }
        // What an earlier delivery of this event may have made goes with what CloudFormation deletes after a failed Create.
        let ended_by = match stop {
            Stop::Failed(Unreconciled::Call(failure)) => Some(failure.kind),
            Stop::Failed(_) | Stop::Panicked | Stop::OutOfTime => None,
        };
        let unseen = *stop != Stop::Panicked && course.is_in_the_dark(ended_by);
        let is_left = progress.is_some() || course.has_met() || unseen;
        let left = is_left.then(|| self.intent.physical_id.clone());
        // Rolling back many versions would take as long again, and then nothing would ever be done.
        if progress.is_some() || log.is_empty() {
            return Answer::failed(envelope, left, reason);
        }
        let writes = log.to_string();
        let undoing = take_back(&self.doors, &self.intent, log);
        match guard(deadline.undo, undoing).await {
            Ok(left_out) => {
                log.clear();
                Answer::failed(
                    envelope,
                    left,
                    format!("{reason} {}", undone(&writes, &left_out)),
                )
            }
            Err(stop) => {
                warn!(reason = stop.reason(None), writes = %log, "not taken back");
                // CloudFormation deletes what a failed Create answers, and with it what is left by then.
                let left = Some(self.intent.physical_id.clone());
                let reason = format!("{reason} (perhaps still done: {log})");
                Answer::failed(envelope, left, reason)
            }
        }
    }

    /// Takes back a grant that nobody could be told of: nobody would ever take it away.
    pub(crate) async fn take_back_unheard(&self, deadline: Deadline) {
        let Self { intent, log, .. } = self;
        if !self.is_grant() || log.is_empty() {
            return;
        }
        match guard(deadline.reply, take_back(&self.doors, intent, log)).await {
            Ok(_) => {
                info!(writes = %log, "taken back");
                log.clear();
            }
            Err(stop) => warn!(reason = stop.reason(None), writes = %log, "not taken back"),
        }
    }

    /// What it came to, in numbers.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            grants: self.log.grants(),
            revokes: self.log.revokes(),
            conflicts: self.course.conflicts(),
            refusals: usize::from(self.refused.get()),
            ..Tally::default()
        }
    }

    fn is_grant(&self) -> bool {
        self.intent.purpose == Purpose::Grant
    }
}

/// Of an event that was throttled or lost for so long that its stack has given up, and perhaps been deleted since.
fn too_late(late: Duration) -> String {
    let seconds = late.as_secs();
    format!(
        "event too late: got it {seconds} seconds after CloudFormation stopped waiting, deploy again"
    )
}

/// What was rolled back, and what of it was not.
fn undone(writes: &str, left_out: &[String]) -> String {
    match left_out {
        [] => format!("(taken back: {writes})"),
        left_out => format!("(taken back: {writes}; {})", left_out.join("; ")),
    }
}

/// What ran out of time among many versions, with what it was waiting for.
fn unfinished(progress: Progress, waiting_for: Option<String>) -> String {
    let waiting_for = waiting_for.map_or_else(String::new, |last| {
        format!(" (waiting for this to pass: {last})")
    });
    format!(
        "out of time: got {progress}, raise the function's timeout or, where nothing was rolled back, run it again and it goes on from there{waiting_for}"
    )
}
