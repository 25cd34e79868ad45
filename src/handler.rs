//! The story of one event: whatever comes in, exactly one answer goes out.
//! Knows the order of things, and leaves each of them to its own room.

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;
use tracing::error;

use crate::cloudformation::reply::{Undelivered, reply};
use crate::cloudformation::request::{Envelope, Request};
use crate::cloudformation::response::{Answer, Status};
use crate::deadline::Deadline;
use crate::guard::guard;
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
        let understood = async { self.understand(&envelope, &payload, &context, started) };
        let pursuit = guard(deadline.work, understood).await;
        let answer = match &pursuit {
            Ok(pursuit) => pursuit.run(deadline).await,
            Err(stop) => Answer::failed(&envelope, None, stop.reason(None)),
        };
        answer.log(started.elapsed());
        let body = answer.body(&envelope, &whereabouts(&context));
        let told = self.tell(&envelope, &body, deadline).await;
        if let (Ok(pursuit), Err(untold)) = (&pursuit, &told)
            && untold.is_certain()
        {
            pursuit.take_back_unheard(deadline).await;
        }
        let tally = pursuit.map_or_else(|_| Tally::default(), |pursuit| pursuit.tally());
        let failed = told.is_err() || answer.status == Status::Failed;
        metrics::emit(&context, tally, failed, started.elapsed());
        told.map_err(|reason| untold(&reason))
    }

    /// What is to be pursued, or every reason why it will not be.
    fn understand<'a>(
        &self,
        envelope: &'a Envelope,
        payload: &Value,
        context: &Context,
        arrival: Instant,
    ) -> Result<Pursuit<'a>, String> {
        let request =
            Request::parse(envelope, payload).map_err(|malformed| malformed.to_string())?;
        let intent = Intent::of(&request).map_err(|no_intent| no_intent.to_string())?;
        let intent = intent
            .within(&context.invoked_function_arn)
            .map_err(|out_of_reach| out_of_reach.to_string())?;
        Ok(Pursuit {
            envelope,
            intent: self.settings.allow(intent, &envelope.response_url)?,
            doors: self
                .doors
                .of_function(&context.invoked_function_arn, &context.request_id),
            log: UndoLog::default(),
            course: Course::default(),
            arrival,
            panic_drill: self.panic_drill,
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
}

impl Untold {
    /// Whether it is certain that nobody was told, even by an attempt that had no answer.
    fn is_certain(&self) -> bool {
        match self {
            Self::NotAllowed(_) => true,
            Self::Undelivered(undelivered) => undelivered.is_certain(),
        }
    }
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
