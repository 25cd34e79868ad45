//! Starts the provider: clients and logging are made once, and each event goes to the handler.
//! Knows nothing of what an event says.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::rc::Rc;

use futures_util::FutureExt;
use lambda_permission_provider::aws;
use lambda_permission_provider::cloudformation::event::RawText;
use lambda_permission_provider::handler::Handler;
use lambda_permission_provider::http::Http;
use lambda_permission_provider::policy::doors::Doors;
use lambda_permission_provider::settings::Settings;
use lambda_permission_provider::telemetry::{self, Ended};
use lambda_permission_provider::trust::Trust;
use lambda_runtime::tower::util::MapRequestLayer;
use lambda_runtime::{Error, LambdaInvocation, Runtime, Service, service_fn};

/// The environment variable that makes all work panic, so that an operator can see a panic answered.
const PANIC_DRILL: &str = "SIMULATE_PANIC";

fn main() -> ExitCode {
    telemetry::begin();
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(ended) => {
            ended.log();
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Ended> {
    let starting = |error: Error| Ended::Starting(telemetry::cause(error.as_ref()));
    // There is no event yet whose values a panic could show.
    let panicked = |panic: Box<dyn Any + Send>| {
        Ended::Starting(telemetry::panic_message(panic.as_ref()).to_owned())
    };
    let started = AssertUnwindSafe(start()).catch_unwind().await;
    let runtime = started.map_err(panicked)?.map_err(starting)?;
    let served = runtime.run().await;
    served.map_err(|error| Ended::Serving(telemetry::cause(error.as_ref())))
}

/// What is made once, and the loop that is to serve the events.
async fn start()
-> Result<Runtime<impl Service<LambdaInvocation, Response = (), Error = Error>>, Error> {
    let settings = Settings::read(variable);
    settings.log_unreadable();
    let http = Http::new(Trust::read(variable)?)?;
    let doors = Doors::new(aws::config(&http).await);
    doors.connect(&http).await;
    let handler = Rc::new(Handler {
        http,
        doors,
        settings,
        panic_drill: variable(PANIC_DRILL).is_some_and(|value| value == "1"),
    });
    let serve = move |event| {
        let handler = Rc::clone(&handler);
        // Boxed: unboxed, the type of all that one event may wait for is too deep for the compiler.
        Box::pin(async move { handler.handle(event).await })
    };
    // An event that is no JSON has to be answered too, so the runtime is not to parse it.
    Ok(Runtime::new(service_fn(serve)).layer(MapRequestLayer::new(RawText::wrap)))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
