//! Starts the provider: clients and logging are made once, and each event goes to the handler.
//! Knows nothing of what an event says.

use lambda_permission_provider::aws;
use lambda_permission_provider::handler::Handler;
use lambda_permission_provider::http::Http;
use lambda_permission_provider::policy::doors::Doors;
use lambda_permission_provider::settings::Settings;
use lambda_permission_provider::trust::Trust;
use lambda_runtime::{Error, service_fn};
use tracing::{Level, error};

/// The environment variable that makes all work panic, so that an operator can see a panic answered.
const PANIC_DRILL: &str = "PANIC_DRILL";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log_json_lines();
    let http = Http::new(Trust::read(|name| std::env::var(name).ok())?)?;
    let doors = Doors::new(aws::config(&http).await);
    doors.connect(&http).await;
    let panic_drill = std::env::var(PANIC_DRILL).is_ok_and(|value| value == "1");
    let handler = Handler {
        http,
        doors,
        settings: Settings::read(|name| std::env::var(name).ok()),
        panic_drill,
    };
    // Boxed: unboxed, the type of all that one event may wait for is too deep for the compiler.
    lambda_runtime::run(service_fn(|event| Box::pin(handler.handle(event)))).await
}

/// One JSON object a line. The dependencies' lines are left out: what they say of an event is said here in its own words, and
/// at finer levels they show credentials and URLs, so no variable can switch them on.
fn log_json_lines() {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;

    let targets = Targets::new().with_target("lambda_permission_provider", Level::INFO);
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
    let lines = lines
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "panicked");
    }));
}
