//! The story of one event: whatever comes in, exactly one answer goes out.
//! Knows the order of things, and leaves each of them to its own room.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

use crate::cloudformation::physical_id::PhysicalId;
use crate::cloudformation::reply::reply;
use crate::cloudformation::request::{Envelope, Request};
use crate::cloudformation::response::Answer;
use crate::deadline::Deadline;
use crate::http::Http;
use crate::permission::intent::{Intent, Purpose};
use crate::policy::journal::Journal;
use crate::policy::lambda::Lambda;
use crate::policy::reconcile::{reconcile, take_back};

/// What one process keeps between events: its clients, and whether it is being drilled.
pub struct Handler {
    /// The client that delivers the answers.
    pub http: Http,
    /// The door to Lambda.
    pub lambda: Lambda,
    /// Whether the work on every event panics, as an operator's drill.
    pub panic_drill: bool,
}

impl Handler {
    /// Serves one event.
    ///
    /// # Errors
    /// If nobody could be told how it ended: Lambda runs the event again then. A delivered answer is never an error,
    /// whatever it says.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<(), Diagnostic> {
        let started = Instant::now();
        let LambdaEvent { payload, context } = event;
        let deadline = Deadline::at(context.deadline);
        let envelope = Envelope::open(&payload).map_err(|nobody| untold(&nobody))?;
        let answer = self.answer(&envelope, &payload, &context, deadline).await;
        let Answer {
            status,
            reason,
            physical_id,
            ..
        } = &answer;
        info!(
            ?status,
            physical_id,
            reason,
            duration_ms = millis(started),
            "answering"
        );
        let body = answer.body(&envelope, &whereabouts(&context));
        let delivered = reply(&self.http, &envelope.response_url, &body, deadline.reply).await;
        delivered.map_err(|undelivered| untold(&undelivered))
    }

    async fn answer(
        &self,
        envelope: &Envelope,
        payload: &Value,
        context: &Context,
        deadline: Deadline,
    ) -> Answer {
        let own_id = || {
            envelope
                .physical_id
                .clone()
                .unwrap_or_else(|| PhysicalId::NeverCreated.to_string())
        };
        let intent = match guard(deadline.work, async { self.understand(envelope, payload) }).await
        {
            Ok(intent) => intent,
            Err(stop) => return Answer::failed(own_id(), stop.reason(None)),
        };
        let (lambda, journal) = (
            self.lambda.of_function(&context.invoked_function_arn),
            Journal::default(),
        );
        let Err(stop) = guard(
            deadline.work,
            reconcile(&lambda, &intent, &journal, deadline.work),
        )
        .await
        else {
            return Answer::success(intent.physical_id, intent.attributes);
        };
        let reason = stop.reason(journal.last_failure());
        if intent.purpose != Purpose::Grant || journal.is_empty() {
            return Answer::failed(own_id(), reason);
        }
        match guard(deadline.undo, async {
            Ok::<_, String>(take_back(&lambda, &journal).await)
        })
        .await
        {
            Ok(left) if left.is_empty() => Answer::failed(
                own_id(),
                format!("{reason} (done and taken back: {journal})"),
            ),
            // CloudFormation deletes what a failed Create answers, and with it what may be left.
            _ => {
                let id = envelope.physical_id.clone().unwrap_or(intent.physical_id);
                Answer::failed(
                    id,
                    format!("{reason} (done and perhaps still there: {journal})"),
                )
            }
        }
    }

    fn understand(&self, envelope: &Envelope, payload: &Value) -> Result<Intent, String> {
        let request =
            Request::parse(envelope, payload).map_err(|malformed| malformed.to_string())?;
        let Request {
            kind,
            stack_id,
            logical_id,
            physical_id,
            ..
        } = &request;
        info!(request_type = ?kind, stack_id, logical_id, physical_id, "received");
        assert!(!self.panic_drill, "this is a drill");
        Intent::of(&request).map_err(|no_intent| no_intent.to_string())
    }
}

/// Why the work on an event stopped.
enum Stop {
    Failed(String),
    Panicked,
    OutOfTime,
}

impl Stop {
    fn reason(self, last_failure: Option<String>) -> String {
        match (self, last_failure) {
            (Self::Failed(reason), _) => reason,
            (Self::Panicked, _) => "defect in the provider: got a panic, see its log and report it".to_owned(),
            (Self::OutOfTime, Some(last)) => format!("out of time: got no further than {last}"),
            (Self::OutOfTime, None) => {
                "out of time: got no answer from Lambda before the function's deadline, raise its timeout or check its way \
                 to Lambda's API"
                    .to_owned()
            }
        }
    }
}

/// Runs `work` until `end`, and turns a panic into an error: an event must be answered in any case.
async fn guard<T, E: ToString>(
    end: Instant,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Stop> {
    match timeout_at(end, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(error))) => Err(Stop::Failed(error.to_string())),
        Ok(Err(_panic)) => Err(Stop::Panicked),
        Err(_elapsed) => Err(Stop::OutOfTime),
    }
}

/// Milliseconds since `started`.
fn millis(started: Instant) -> u64 {
    started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}

/// Where an operator finds the log of this event.
fn whereabouts(context: &Context) -> String {
    let (env, request) = (&context.env_config, &context.request_id);
    format!(
        "log group `{}`, log stream `{}`, request `{request}`",
        env.log_group, env.log_stream
    )
}

fn untold(reason: &dyn std::error::Error) -> Diagnostic {
    error!(reason = %reason, "nobody could be told");
    Diagnostic {
        error_type: "Unanswered".to_owned(),
        error_message: reason.to_string(),
    }
}
