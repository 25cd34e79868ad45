//! Starts the provider: configuration, clients and telemetry are made once, and each request of an event goes to the handler.

use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
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
use lambda_runtime::{
    Context, Diagnostic, Error, LambdaEvent, LambdaInvocation, Runtime, Service, service_fn,
};

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
    let not_started = |error: Error| ProcessEnd::NotStarted(telemetry::cause(error.as_ref()));
    // There is no event yet whose values a panic could show.
    let panicked = |panic: Box<dyn Any + Send>| {
        ProcessEnd::NotStarted(telemetry::panic_message(panic.as_ref()).to_owned())
    };
    // The same executable audits in a function of its own, whose role can only read.
    let is_audit = variable("_HANDLER").as_deref() == Some(scheduled::HANDLER);
    let start: LocalBoxFuture<_> = if is_audit {
        Box::pin(start_audit())
    } else {
        Box::pin(start())
    };
    let started = async { Ok(runtime(start.await?)) };
    let started = AssertUnwindSafe(started).catch_unwind().await;
    let runtime = started.map_err(panicked)?.map_err(not_started)?;
    let ended = runtime.run().await;
    ended.map_err(|error| ProcessEnd::RuntimeApi(telemetry::cause(error.as_ref())))
}

/// What handles the body of an event. Boxed, so that there is one loop for all.
type HandleEvent = Box<dyn Fn(Vec<u8>, Context) -> LocalBoxFuture<'static, Result<(), Diagnostic>>>;

/// The loop that handles the events that Lambda's Runtime API sends.
fn runtime(
    handle: HandleEvent,
) -> Runtime<impl Service<LambdaInvocation, Response = (), Error = Error>> {
    let body = Rc::new(Cell::default());
    let taken = Rc::clone(&body);
    let handle = move |event: LambdaEvent<()>| handle(body.take(), event.context);
    // An event that is not JSON gets a response too, so the runtime must not parse it.
    let take_body = move |mut invocation: LambdaInvocation| {
        taken.set(mem::replace(&mut invocation.body, "null".into()).into());
        invocation
    };
    Runtime::new(service_fn(handle)).layer(MapRequestLayer::new(take_body))
}

/// What is made once, and what handles the events with it.
async fn start() -> Result<HandleEvent, Error> {
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
    Ok(Box::new(move |body, context| {
        let handler = Rc::clone(&handler);
        Box::pin(async move { handle_event(&handler, body, &context).await })
    }))
}

/// Refreshes units, or handles the requests of CloudFormation.
async fn handle_event(
    handler: &Handler,
    body: Vec<u8>,
    context: &Context,
) -> Result<(), Diagnostic> {
    if refresh::is_requested(&body) {
        let refresh = Refresh::new(&handler.clients, &handler.config, context);
        // Boxed: requests of CloudFormation do not need it.
        Box::pin(refresh.run(context)).await;
        return Ok(());
    }
    let event = Event::parse(&body);
    drop(body);
    let mut result = Ok(());
    for (request, remaining) in event.requests() {
        let deadlines = Deadlines::first_of(remaining, context.deadline);
        // Boxed, so that what is boxed for each event stays small.
        let outcome = Box::pin(handler.handle(&request, context, deadlines)).await;
        result = result.and(outcome);
    }
    result
}

/// The same for the scheduled audit.
async fn start_audit() -> Result<HandleEvent, Error> {
    let http = Http::new(TlsConfig::from_env(variable)?)?;
    let config = aws::config::from_env(&http).await;
    let audit = Rc::new(ScheduledAudit::from_env(config, variable)?);
    Ok(Box::new(move |_, context| {
        let audit = Rc::clone(&audit);
        Box::pin(async move { Ok(audit.run(&context).await?) })
    }))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
