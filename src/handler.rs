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
use crate::policy::doors::Doors;
use crate::policy::journal::Journal;
use crate::policy::reconcile::{reconcile, take_back};
use crate::settings::Settings;

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
        let doors = self.doors.of_function(&context.invoked_function_arn);
        let answer = self.answer(&envelope, &payload, &doors, deadline).await;
        answer.log(started.elapsed());
        let may_answer = self.settings.may_answer(&envelope.response_url);
        may_answer.map_err(|refusal| untold(&refusal))?;
        let body = answer.body(&envelope, &whereabouts(&context));
        let delivered = reply(&self.http, &envelope.response_url, &body, deadline.reply).await;
        delivered.map_err(|undelivered| untold(&undelivered))
    }

    async fn answer(
        &self,
        envelope: &Envelope,
        payload: &Value,
        doors: &Doors,
        deadline: Deadline,
    ) -> Answer {
        let understood = async { self.understand(envelope, payload) };
        let intent = match guard(deadline.work, understood).await {
            Ok(intent) => intent,
            Err(stop) => return Answer::failed(envelope, None, stop.reason(None)),
        };
        let journal = Journal::default();
        let work = async {
            let drilled = self.panic_drill && intent.goals.is_some();
            assert!(!drilled, "this is a drill");
            reconcile(doors, &intent, &journal, deadline.work).await
        };
        let stop = match guard(deadline.work, work).await {
            Ok(found) => {
                let attributes = intent.attributes.into_iter().chain(found);
                return Answer::success(intent.physical_id, attributes);
            }
            Err(stop) => stop,
        };
        let goes_on = stop == Stop::OutOfTime && journal.progress().is_some();
        let reason = why(stop, &journal);
        if intent.purpose != Purpose::Grant || (journal.is_empty() && !goes_on) {
            Answer::failed(envelope, None, reason)
        } else if goes_on {
            // Taking back would take as long again, and then nothing would ever be done.
            Answer::failed(envelope, Some(intent.physical_id), reason)
        } else {
            let undone = guard(deadline.undo, take_back(doors, &intent, &journal)).await;
            failed_grant(envelope, intent, &journal, undone, &reason)
        }
    }

    fn understand(&self, envelope: &Envelope, payload: &Value) -> Result<Intent, String> {
        let request =
            Request::parse(envelope, payload).map_err(|malformed| malformed.to_string())?;
        let intent = Intent::of(&request).map_err(|no_intent| no_intent.to_string())?;
        self.settings.may_pursue(&intent, &envelope.response_url)?;
        Ok(intent)
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

/// The reason of a failure, with what is known of how far the work has come.
fn why(stop: Stop, journal: &Journal) -> String {
    let waiting_for = journal.last_failure();
    let Some(progress) = journal.progress().filter(|_| stop == Stop::OutOfTime) else {
        return stop.reason(waiting_for);
    };
    let waiting_for = waiting_for.map_or_else(String::new, |last| {
        format!(" (waiting for this to pass: {last})")
    });
    format!(
        "out of time: got {progress}, raise the function's timeout or deploy again, it goes on from there{waiting_for}"
    )
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
