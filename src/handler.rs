//! The story of one event: whatever comes in, exactly one answer goes out.
//! Knows the order of things, and leaves each of them to its own room.

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::cloudformation::reply::reply;
use crate::cloudformation::request::{Envelope, Request};
use crate::cloudformation::response::Answer;
use crate::deadline::Deadline;
use crate::guard::{Stop, guard};
use crate::http::Http;
use crate::permission::intent::{Intent, Purpose};
use crate::policy::journal::Journal;
use crate::policy::lambda::Lambda;
use crate::policy::reconcile::{reconcile, take_back};

/// What one process keeps between events.
pub struct Handler {
    /// The client that delivers the answers.
    pub http: Http,
    /// The door to Lambda.
    pub lambda: Lambda,
    /// Whether all work makes a panic, so that an operator can see one answered.
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
        envelope.log(&payload);
        let lambda = self.lambda.of_function(&context.invoked_function_arn);
        let answer = self.answer(&envelope, &payload, &lambda, deadline).await;
        answer.log(started.elapsed());
        let body = answer.body(&envelope, &whereabouts(&context));
        let delivered = reply(&self.http, &envelope.response_url, &body, deadline.reply).await;
        delivered.map_err(|undelivered| untold(&undelivered))
    }

    async fn answer(
        &self,
        envelope: &Envelope,
        payload: &Value,
        lambda: &Lambda,
        deadline: Deadline,
    ) -> Answer {
        let understood = guard(deadline.work, async { understand(envelope, payload) }).await;
        let intent = match understood {
            Ok(intent) => intent,
            Err(stop) => return Answer::failed(envelope, None, stop.reason(None)),
        };
        let journal = Journal::default();
        let work = async {
            let drilled = self.panic_drill && !intent.goals.is_empty();
            assert!(!drilled, "this is a drill");
            reconcile(lambda, &intent, &journal, deadline.work).await
        };
        match guard(deadline.work, work).await {
            Ok(found) => Answer::success(
                intent.physical_id,
                intent.attributes.into_iter().chain(found),
            ),
            Err(stop) if intent.purpose == Purpose::Grant && !journal.is_empty() => {
                let reason = stop.reason(journal.last_failure());
                let undone = guard(deadline.undo, take_back(lambda, &journal)).await;
                failed_grant(envelope, intent, &journal, undone, &reason)
            }
            Err(stop) => Answer::failed(envelope, None, stop.reason(journal.last_failure())),
        }
    }
}

/// The answer to a grant that failed after something was written.
fn failed_grant(
    envelope: &Envelope,
    intent: Intent,
    journal: &Journal,
    undone: Result<(), Stop>,
    reason: &str,
) -> Answer {
    let Err(stop) = undone else {
        return Answer::failed(envelope, None, format!("{reason} (taken back: {journal})"));
    };
    warn!(reason = stop.reason(None), "not taken back");
    // CloudFormation deletes what a failed Create answers, and with it what is left by then.
    let reason = format!("{reason} (perhaps still done: {journal})");
    Answer::failed(envelope, Some(intent.physical_id), reason)
}

fn understand(envelope: &Envelope, payload: &Value) -> Result<Intent, String> {
    let request = Request::parse(envelope, payload).map_err(|malformed| malformed.to_string())?;
    Intent::of(&request).map_err(|no_intent| no_intent.to_string())
}

/// Where an operator finds the log of this event.
fn whereabouts(context: &Context) -> String {
    let (env, request) = (&context.env_config, &context.request_id);
    let (group, stream) = (&env.log_group, &env.log_stream);
    format!("log group `{group}`, log stream `{stream}`, request `{request}`")
}

fn untold(reason: &dyn std::error::Error) -> Diagnostic {
    error!(reason = %reason, "nobody could be told");
    Diagnostic {
        error_type: "Unanswered".to_owned(),
        error_message: reason.to_string(),
    }
}
