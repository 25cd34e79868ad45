//! Handles one request: parse → authorize → reconcile → respond. Whatever the event contains, a request gets exactly one response.

use std::pin::pin;

use lambda_runtime::{Context, Diagnostic};
use tokio::time::Instant;

use crate::aws::clients::LambdaClients;
use crate::cloudformation::event::Event;
use crate::cloudformation::request::{Envelope, Request, RequestType};
use crate::cloudformation::response::{Response, Status};
use crate::cloudformation::send::ResponseSender;
use crate::config::Config;
use crate::deadline::{Deadlines, RunError, run_until};
use crate::reconcile::units;
use crate::reconcile::{Awaited, Failure, PendingRequest, Reconciler, Success, Work};
use crate::resources::lifecycle;
use crate::resources::location::ProviderLocation;
use crate::resources::operation::Mode;
use crate::respond::{self, NotSent, Rejection};
use crate::telemetry::{InvocationMetrics, RequestScope, log_reference};

/// What one execution environment keeps between events.
pub struct Handler {
    /// What sends the responses.
    pub sender: ResponseSender,
    /// The clients of Lambda's API.
    pub clients: LambdaClients,
    /// The configuration.
    pub config: Config,
}

impl Handler {
    /// Handles one request of an event.
    ///
    /// # Errors
    /// If the response was not received: Lambda retries the event then. A response that was received is never an error, whatever it
    /// says, and neither is an event without a usable `ResponseURL`, which a retry would not change.
    pub async fn handle(
        &self,
        event: &Event,
        context: &Context,
        deadlines: Deadlines,
    ) -> Result<(), Diagnostic> {
        let arrival = Instant::now();
        let _lines_with_ids = RequestScope::enter(&context.request_id, &event.json);
        let envelope = match Envelope::parse(&event.json) {
            Ok(envelope) => envelope,
            Err(error) => {
                respond::without_url(&error, context, arrival);
                return Ok(());
            }
        };
        envelope.log(&event.json);
        event.log_malformed();
        let times = (arrival, deadlines.work);
        let prepared = self.reconciler(&envelope, event, context, times).await;
        let result = match &prepared {
            Ok(reconciler) => self.run(reconciler, &envelope, deadlines).await,
            Err(error) => Err(Rejection::failure(error)),
        };
        let response = response(&envelope, result);
        response.log(arrival.elapsed());
        let sent = self.respond(&envelope, &response, context, deadlines).await;
        if let (Ok(reconciler), Err(not_sent)) = (&prepared, &sent)
            && not_sent.is_certain()
        {
            reconciler.roll_back_unreceived(deadlines).await;
        }
        let metrics = metrics(&prepared, &response, &sent);
        let result = sent.or_else(NotSent::into_result);
        metrics.emit(context, arrival.elapsed());
        result
    }

    /// The reconciler of what the request asks for, with the accounts of its units listed until `end` at most.
    async fn reconciler(
        &self,
        envelope: &Envelope,
        event: &Event,
        context: &Context,
        (arrival, end): (Instant, Instant),
    ) -> Result<Reconciler, RunError<Rejection>> {
        let prepared = async { self.prepare(envelope, event, context, arrival) };
        match run_until(end, prepared).await {
            // Boxed: few requests name units.
            Ok(new) if new.has_units() => run_until(end, Box::pin(self.expand(new, end))).await,
            prepared => prepared,
        }
    }

    /// The reconciler of what the request asks for, as far as the guardrails allow it.
    fn prepare(
        &self,
        envelope: &Envelope,
        event: &Event,
        context: &Context,
        arrival: Instant,
    ) -> Result<Reconciler, Rejection> {
        envelope.check().map_err(Rejection::invalid)?;
        event.check().map_err(Rejection::invalid)?;
        let request = Request::parse(envelope, &event.json).map_err(Rejection::invalid)?;
        let operation = lifecycle::operation(&request).map_err(Rejection::invalid)?;
        let location = ProviderLocation::parse(&context.invoked_function_arn);
        let operation = operation.at(&location).map_err(Rejection::invalid)?;
        let guardrails = &self.config.guardrails;
        let own_function = location.function();
        let url = &envelope.response_url;
        let denied = guardrails.authorize(&operation, url, own_function.as_ref());
        let denied = denied.map_err(Rejection::denied)?;
        // A revoke is worth its time even when CloudFormation no longer waits for it.
        let expires = envelope.expires.filter(|_| operation.mode == Mode::Apply);
        expires.map_or(Ok(()), |expires| Rejection::if_expired(expires, &operation))?;
        let account = location.account();
        let clients = self.clients.for_request(account, &context.request_id);
        Ok(Reconciler::new(Work {
            clients,
            operation,
            denied,
            arrival,
            expires,
            pending: pending(envelope, &request),
            simulate_panic: self.config.simulate_panic,
        }))
    }

    /// The same with the accounts of its units, as far as the guardrails allow these.
    async fn expand(
        &self,
        mut reconciler: Reconciler,
        end: Instant,
    ) -> Result<Reconciler, Rejection> {
        let role = self.config.organizations_role.as_ref();
        let work = reconciler.work_mut();
        let expanded = units::expand(&mut work.operation, &work.clients, role, end).await;
        expanded.map_err(|error| Rejection::without_accounts(&error, &work.operation))?;
        let guardrails = &self.config.guardrails;
        let authorized = guardrails.authorize_units(&work.operation, &mut work.denied);
        authorized.map_err(Rejection::denied)?;
        Ok(reconciler)
    }

    async fn run(
        &self,
        reconciler: &Reconciler,
        envelope: &Envelope,
        deadlines: Deadlines,
    ) -> Result<Success, Failure> {
        let (url, work) = (&envelope.response_url, pin!(reconciler.run(deadlines)));
        // A Delete revokes even if there is no response.
        if respond::check_url(url, &self.config.guardrails).is_err() {
            return work.await;
        }
        self.sender.connect_during(url, deadlines.work, work).await
    }

    async fn respond(
        &self,
        envelope: &Envelope,
        response: &Response,
        context: &Context,
        deadlines: Deadlines,
    ) -> Result<(), NotSent> {
        let (url, guardrails) = (&envelope.response_url, &self.config.guardrails);
        let body = response.body(envelope, &log_reference(context));
        respond::check_url(url, guardrails)?;
        Ok(self.sender.send(url, &body, deadlines.response).await?)
    }
}

/// What CloudFormation is asked about where a grant is late.
fn pending(envelope: &Envelope, request: &Request) -> Option<PendingRequest> {
    let awaited = match request.request_type {
        RequestType::Create => Awaited::Creation,
        RequestType::Update => Awaited::Update,
        RequestType::Delete => return None,
    };
    // No stack of CloudFormation has sent what is not signed.
    envelope.is_signed.then(|| PendingRequest {
        stack_id: envelope.stack_id.clone(),
        logical_id: envelope.logical_id.clone(),
        awaited,
        sent: envelope.sent,
    })
}

fn response(envelope: &Envelope, result: Result<Success, Failure>) -> Response {
    match result {
        Ok(success) => Response::success(success.physical_id, success.values),
        Err(failure) => Response::failed(envelope, failure.physical_id, failure.reason),
    }
}

/// What the request came to, in numbers.
fn metrics(
    prepared: &Result<Reconciler, RunError<Rejection>>,
    response: &Response,
    sent: &Result<(), NotSent>,
) -> InvocationMetrics {
    let metrics = match prepared {
        Ok(reconciler) => reconciler.metrics(),
        Err(error) => Rejection::metrics(error),
    };
    InvocationMetrics {
        failures: usize::from(sent.is_err() || response.status == Status::Failed),
        unanswerable: usize::from(matches!(sent, Err(NotSent::NotAllowed(_)))),
        ..metrics
    }
}
