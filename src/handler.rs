//! Serves one event of Lambda: whatever comes in, exactly one response goes out for each request in it.
//! Knows the order of things, and leaves each of them to its own module.

use std::cell::Cell;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::cloudformation::event::{Event, RawText};
use crate::cloudformation::reply::{Undelivered, reply};
use crate::cloudformation::request::{Envelope, Request};
use crate::cloudformation::response::{Answer, Status};
use crate::deadline::Deadline;
use crate::guard::{Stop, guard};
use crate::http::Http;
use crate::metrics::{self, Tally};
use crate::permission::intent::Intent;
use crate::policy::course::Course;
use crate::policy::doors::Doors;
use crate::policy::undo_log::UndoLog;
use crate::pursuit::Pursuit;
use crate::settings::{Refusal, Settings};

/// What one process keeps between events.
pub struct Handler {
    /// The client that delivers the answers.
    pub http: Http,
    /// The doors to Lambda.
    pub doors: Doors,
    /// What the operator allows.
    pub settings: Settings,
    /// Whether all work makes a panic, so that an operator can see one answered.
    pub panic_drill: bool,
}

/// Why nobody could be told.
#[derive(Debug, Error)]
enum Untold {
    #[error(transparent)]
    NotAllowed(#[from] Refusal),
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
}

/// Why a request is not worked on.
#[derive(Debug, Error)]
enum NotServed {
    /// It is not one that can be served.
    #[error("{0}")]
    Malformed(String),
    /// A guardrail does not allow it.
    #[error("{0}")]
    Refused(String),
}

impl Handler {
    /// Serves one event: a request, or a notification of SNS with requests in it, one after the other.
    ///
    /// # Errors
    /// If a response was not delivered: Lambda runs the event again then. A delivered response is never an error, whatever it
    /// says, and neither is an event that says nowhere to send one to, which another run would not change.
    pub async fn handle(&self, event: LambdaEvent<RawText>) -> Result<(), Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let event = Event::read(&payload.0);
        drop(payload);
        let Some(texts) = event.notified() else {
            return self
                .serve(&event, &context, Deadline::at(context.deadline))
                .await;
        };
        if texts.len() > MOST_RECORDS {
            let got = texts.len();
            error!(reason = %TooManyRecords { got }, "not answerable");
        }
        let texts = texts.get(..MOST_RECORDS).unwrap_or(&texts);
        let mut served = Ok(());
        for (done, text) in texts.iter().enumerate() {
            let left = texts.iter().skip(done).flatten().count();
            let deadline = Deadline::of_first(context.deadline, left.max(1));
            let request = Event::read(text.unwrap_or_default().as_bytes());
            served = served.and(self.serve(&request, &context, deadline).await);
        }
        served
    }

    /// Serves one request.
    async fn serve(
        &self,
        event: &Event,
        context: &Context,
        deadline: Deadline,
    ) -> Result<(), Diagnostic> {
        let started = Instant::now();
        let envelope = match Envelope::open(&event.json) {
            Ok(envelope) => envelope,
            Err(nobody) => {
                error!(reason = %nobody, "not answerable");
                metrics::emit(context, Tally::of_unanswerable(), started.elapsed());
                return Ok(());
            }
        };
        envelope.log(&event.json);
        for unreadable in event.unreadable().iter().take(MOST_UNREADABLE) {
            warn!(reason = %unreadable, "unreadable value");
        }
        // Boxed: it holds all that one event may wait for.
        let answered = Box::pin(self.answer(&envelope, event, context, deadline));
        let (tally, told) = answered.await;
        let served = told.or_else(|untold| self.untold(&untold));
        metrics::emit(context, tally, started.elapsed());
        served
    }

    /// Does what the request asks for and sends the response; what it came to, and whether the response was delivered.
    async fn answer(
        &self,
        envelope: &Envelope,
        event: &Event,
        context: &Context,
        deadline: Deadline,
    ) -> (Tally, Result<(), Untold>) {
        let started = Instant::now();
        let understood = async { self.understand(envelope, event, context, started) };
        let pursuit = guard(deadline.work, understood).await;
        let answer = match &pursuit {
            Ok(pursuit) => pursuit.run(deadline).await,
            Err(stop) => Answer::failed(envelope, None, stop.reason(None)),
        };
        answer.log(started.elapsed());
        let body = answer.body(envelope, &whereabouts(context));
        let told = self.tell(envelope, &body, deadline).await;
        if let (Ok(pursuit), Err(untold)) = (&pursuit, &told)
            && untold.is_certain()
        {
            pursuit.take_back_unheard(deadline).await;
        }
        (tally(&pursuit, &answer, &told), told)
    }

    /// What is to be pursued, or every reason why it will not be.
    fn understand<'a>(
        &self,
        envelope: &'a Envelope,
        event: &Event,
        context: &Context,
        arrival: Instant,
    ) -> Result<Pursuit<'a>, NotServed> {
        let malformed = |reason: &dyn std::error::Error| NotServed::Malformed(reason.to_string());
        envelope.check().map_err(|reason| malformed(&reason))?;
        event.check().map_err(|reason| malformed(&reason))?;
        let request = Request::parse(envelope, &event.json).map_err(|reason| malformed(&reason))?;
        let intent = Intent::of(&request).map_err(|reason| malformed(&reason))?;
        let intent = intent
            .within(&context.invoked_function_arn)
            .map_err(|reason| malformed(&reason))?;
        let allowed = self.settings.allow(intent, &envelope.response_url);
        Ok(Pursuit {
            envelope,
            intent: allowed.map_err(NotServed::Refused)?,
            doors: self
                .doors
                .of_function(&context.invoked_function_arn, &context.request_id),
            log: UndoLog::default(),
            course: Course::default(),
            arrival,
            panic_drill: self.panic_drill,
            refused: Cell::default(),
        })
    }

    async fn tell(
        &self,
        envelope: &Envelope,
        body: &[u8],
        deadline: Deadline,
    ) -> Result<(), Untold> {
        self.settings.may_answer(&envelope.response_url)?;
        Ok(reply(&self.http, &envelope.response_url, body, deadline.reply).await?)
    }

    /// Logs why a response did not arrive. It is an error only where another run of the event may help.
    fn untold(&self, untold: &Untold) -> Result<(), Diagnostic> {
        match untold {
            Untold::NotAllowed(refusal) => {
                let unreadable = self.settings.unreadable().iter();
                let refusals = std::iter::once(refusal).chain(unreadable);
                let reasons: Vec<String> = refusals.map(ToString::to_string).collect();
                error!(reason = reasons.join("; "), "response not sent");
                Ok(())
            }
            Untold::Undelivered(undelivered) => {
                error!(reason = %undelivered, "nobody could be told");
                Err(Diagnostic {
                    error_type: "Unanswered".to_owned(),
                    error_message: undelivered.to_string(),
                })
            }
        }
    }
}

/// How many records of a notification are served. SNS sends one.
const MOST_RECORDS: usize = 32;

/// A notification that SNS does not send.
#[derive(Debug, Error)]
#[error(
    "too many records in a notification: got {got}, send at most {MOST_RECORDS}: the others were not served"
)]
struct TooManyRecords {
    got: usize,
}

/// How many values that cannot be read are logged of one event.
const MOST_UNREADABLE: usize = 20;

impl Untold {
    /// Whether it is certain that nobody was told, even by an attempt that had no answer.
    fn is_certain(&self) -> bool {
        match self {
            Self::NotAllowed(_) => true,
            Self::Undelivered(undelivered) => undelivered.is_certain(),
        }
    }
}

/// What the event came to, in numbers.
fn tally(
    pursuit: &Result<Pursuit<'_>, Stop<NotServed>>,
    answer: &Answer,
    told: &Result<(), Untold>,
) -> Tally {
    let tally = match pursuit {
        Ok(pursuit) => pursuit.tally(),
        Err(stop) => Tally {
            refusals: usize::from(matches!(stop, Stop::Failed(NotServed::Refused(_)))),
            ..Tally::default()
        },
    };
    Tally {
        failures: usize::from(told.is_err() || answer.status == Status::Failed),
        unanswerable: usize::from(matches!(told, Err(Untold::NotAllowed(_)))),
        ..tally
    }
}

/// Where an operator finds the log of this event.
fn whereabouts(context: &Context) -> String {
    let (env, request) = (&context.env_config, &context.request_id);
    let (group, stream) = (&env.log_group, &env.log_stream);
    format!("log group `{group}`, log stream `{stream}`, request `{request}`")
}
