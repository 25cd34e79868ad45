//! Starts the provider: configuration, clients and telemetry are made once, and each request of an event goes to the handler.

use std::any::Any;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::rc::Rc;

use futures_util::FutureExt;
use lambda_permission_provider::audit::scheduled::{self, ScheduledAudit};
use lambda_permission_provider::aws;
use lambda_permission_provider::aws::clients::LambdaClients;
use lambda_permission_provider::cloudformation::event::Event;
use lambda_permission_provider::cloudformation::send::ResponseSender;
use lambda_permission_provider::config::Config;
use lambda_permission_provider::deadline::Deadlines;
use lambda_permission_provider::handler::Handler;
use lambda_permission_provider::http::Http;
use lambda_permission_provider::refresh::{self, Refresh};
use lambda_permission_provider::telemetry::{self, ProcessEnd};
use lambda_permission_provider::tls::TlsConfig;
use lambda_runtime::tower::util::MapRequestLayer;
use lambda_runtime::{Error, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn};

fn main() -> ExitCode {
    telemetry::init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => {
            end.log();
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<(), ProcessEnd> {
    // The same executable audits in a function of its own, whose role can only read.
    if variable("_HANDLER").as_deref() == Some(scheduled::HANDLER) {
        until_end(start_audit()).await
    } else {
        until_end(start()).await
    }
}

/// Runs what `start` makes, for as long as Lambda's Runtime API sends events to it.
async fn until_end<S>(
    start: impl Future<Output = Result<Runtime<S>, Error>>,
) -> Result<(), ProcessEnd>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let not_started = |error: Error| ProcessEnd::NotStarted(telemetry::cause(error.as_ref()));
    // There is no event yet whose values a panic could show.
    let panicked = |panic: Box<dyn Any + Send>| {
        ProcessEnd::NotStarted(telemetry::panic_message(panic.as_ref()).to_owned())
    };
    let started = AssertUnwindSafe(start).catch_unwind().await;
    let runtime = started.map_err(panicked)?.map_err(not_started)?;
    let ended = runtime.run().await;
    ended.map_err(|error| ProcessEnd::RuntimeApi(telemetry::cause(error.as_ref())))
}

/// What is made once, and the loop that is to handle the events.
async fn start()
-> Result<Runtime<impl Service<LambdaInvocation, Response = (), Error = Error>>, Error> {
    let config = Config::from_env(variable);
    config.log_invalid();
    let http = Http::new(TlsConfig::from_env(variable)?)?;
    let clients = LambdaClients::new(aws::config::from_env(&http).await, http.clone());
    clients.preconnect().await;
    let handler = Rc::new(Handler {
        sender: ResponseSender::new(http),
        clients,
        config,
    });
    let body = Rc::default();
    let take_body = body_into(&body);
    let handle = move |LambdaEvent { context, .. }: LambdaEvent<()>| {
        let (handler, payload) = (Rc::clone(&handler), body.take());
        async move {
            if refresh::is_requested(&payload) {
                let Handler {
                    clients, config, ..
                } = &*handler;
                // Boxed: requests of CloudFormation do not need it.
                Box::pin(Refresh::new(clients, config, &context).run(&context)).await;
                return Ok(());
            }
            let event = Event::parse(&payload);
            drop(payload);
            let mut result = Ok(());
            for (request, remaining) in event.requests() {
                let deadlines = Deadlines::first_of(remaining, context.deadline);
                // Boxed: the future of the runtime, which is moved several times, stays small.
                let outcome = Box::pin(handler.handle(&request, &context, deadlines)).await;
                result = result.and(outcome);
            }
            result
        }
    };
    Ok(Runtime::new(service_fn(handle)).layer(MapRequestLayer::new(take_body)))
}

/// The same for the scheduled audit.
async fn start_audit()
-> Result<Runtime<impl Service<LambdaInvocation, Response = (), Error = Error>>, Error> {
    let http = Http::new(TlsConfig::from_env(variable)?)?;
    let config = aws::config::from_env(&http).await;
    let audit = Rc::new(ScheduledAudit::from_env(config, variable)?);
    let handle = move |event: LambdaEvent<()>| {
        let audit = Rc::clone(&audit);
        async move { audit.run(&event.context).await }
    };
    let take_body = body_into(&Rc::default());
    Ok(Runtime::new(service_fn(handle)).layer(MapRequestLayer::new(take_body)))
}

/// What moves the body of an invocation into `body`, and leaves one that the runtime can parse: an event that is not JSON gets a
/// response too.
fn body_into(
    body: &Rc<Cell<Vec<u8>>>,
) -> impl Fn(LambdaInvocation) -> LambdaInvocation + Clone + use<> {
    let body = Rc::clone(body);
    move |mut invocation| {
        body.set(std::mem::replace(&mut invocation.body, "null".into()).into());
        invocation
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
