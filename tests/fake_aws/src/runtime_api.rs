//! Lambda's Runtime API: gives events to the function's process and records the outcome of each invocation.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::http_server::{HttpRequest, HttpResponse, serve};

/// The function's ARN. Its account is the one that a bare layer name belongs to.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:layer-permission";

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With a response.
    Ok,
    /// With this error document: Lambda would retry the event.
    Err(Value),
}

struct Invocation {
    request_id: String,
    function_arn: String,
    deadline: SystemTime,
    event: Bytes,
}

/// The API on a loopback port.
#[derive(Clone)]
pub struct RuntimeApi {
    /// Where it listens.
    pub address: SocketAddr,
    /// The ARN that the next events are invoked by.
    pub function_arn: String,
    events: mpsc::UnboundedSender<Invocation>,
    pending: Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>,
    invocations: Arc<AtomicUsize>,
}

impl RuntimeApi {
    /// Starts the API.
    pub async fn start() -> Self {
        let (events, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let pending = Arc::new(Mutex::new(HashMap::new()));
        let state = (Arc::clone(&queue), Arc::clone(&pending));
        let address =
            serve(move |request| respond(state.0.clone(), state.1.clone(), request)).await;
        let invocations = Arc::default();
        Self {
            address,
            function_arn: FUNCTION_ARN.to_owned(),
            events,
            pending,
            invocations,
        }
    }

    /// Runs `event` in the process that asks for the next one.
    ///
    /// # Panics
    /// The invocation has not ended by its deadline.
    pub async fn invoke(&self, event: impl Into<Bytes>, timeout: Duration) -> Outcome {
        let outcome = self.try_invoke(event, timeout, Duration::ZERO).await;
        outcome.expect("the invocation ends before the function's deadline")
    }

    /// The same, but returns `None` if the invocation has not ended `grace` after its deadline: Lambda would end the process.
    pub async fn try_invoke(
        &self,
        event: impl Into<Bytes>,
        timeout: Duration,
        grace: Duration,
    ) -> Option<Outcome> {
        let event = event.into();
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("00000000-0000-4000-8000-{number:012}");
        let (ended, end) = oneshot::channel();
        self.pending
            .lock()
            .unwrap()
            .insert(request_id.clone(), ended);
        let deadline = SystemTime::now() + timeout;
        self.events
            .send(Invocation {
                request_id,
                function_arn: self.function_arn.clone(),
                deadline,
                event,
            })
            .unwrap();
        let outcome = tokio::time::timeout(timeout + grace, end).await.ok()?;
        Some(outcome.expect("the process lives until the invocation has ended"))
    }
}

type Queue = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>>;
type Pending = Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>;

async fn respond(queue: Queue, pending: Pending, request: HttpRequest) -> HttpResponse {
    let path = request
        .target
        .strip_prefix("/2018-06-01/runtime/")
        .expect("a Runtime API path");
    match path.split('/').collect::<Vec<_>>()[..] {
        ["invocation", "next"] => next(&queue).await,
        ["invocation", id, "response"] => {
            end(&pending, id, Outcome::Ok);
            accepted()
        }
        ["invocation", id, "error"] => {
            end(
                &pending,
                id,
                Outcome::Err(serde_json::from_slice(&request.body).unwrap()),
            );
            accepted()
        }
        _ => HttpResponse::new(404, &[], format!("no such path: {path}")),
    }
}

async fn next(queue: &Queue) -> HttpResponse {
    let Some(invocation) = queue.lock().await.recv().await else {
        return HttpResponse::NoResponse;
    };
    let deadline = invocation
        .deadline
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
        .to_string();
    let headers = [
        ("Content-Type", "application/json"),
        (
            "Lambda-Runtime-Aws-Request-Id",
            invocation.request_id.as_str(),
        ),
        ("Lambda-Runtime-Deadline-Ms", deadline.as_str()),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            invocation.function_arn.as_str(),
        ),
        (
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        ),
    ];
    HttpResponse::new(200, &headers, invocation.event)
}

fn end(pending: &Pending, request_id: &str, outcome: Outcome) {
    if let Some(ended) = pending.lock().unwrap().remove(request_id) {
        // The receiver is gone if the deadline has passed, which `invoke` has reported already.
        drop(ended.send(outcome));
    }
}

fn accepted() -> HttpResponse {
    HttpResponse::new(
        202,
        &[("Content-Type", "application/json")],
        r#"{"status":"OK"}"#,
    )
}
