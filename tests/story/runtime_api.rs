//! Plays Lambda's Runtime API: hands events to the executable and records what each came to.
//! Refuses to know what an event means.
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

use crate::server::{Asked, Reply, serve};

/// The account that the function runs in, and with it the account that a bare layer name means.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:layer-permission";

/// What the executable told Lambda about one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Ok,
    /// The error document: Lambda would run the event again.
    Err(Value),
}

struct Invocation {
    request_id: String,
    function_arn: String,
    deadline: SystemTime,
    event: Bytes,
}

#[derive(Clone)]
pub struct RuntimeApi {
    pub address: SocketAddr,
    /// The function that the next events are for.
    pub function_arn: String,
    events: mpsc::UnboundedSender<Invocation>,
    pending: Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>,
    invocations: Arc<AtomicUsize>,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (events, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let pending = Arc::new(Mutex::new(HashMap::new()));
        let state = (Arc::clone(&queue), Arc::clone(&pending));
        let address = serve(move |asked| answer(state.0.clone(), state.1.clone(), asked)).await;
        let invocations = Arc::default();
        Self {
            address,
            function_arn: FUNCTION_ARN.to_owned(),
            events,
            pending,
            invocations,
        }
    }

    /// Runs `event` in whatever executable asks next. Panics when it has not come to an end by its deadline.
    pub async fn invoke(&self, event: impl Into<Bytes>, timeout: Duration) -> Outcome {
        let outcome = self.run(event, timeout, Duration::ZERO).await;
        outcome.expect("the event comes to an end before the function's deadline")
    }

    /// The same, but nothing when it has not come to an end so long after its deadline: Lambda would end the process.
    pub async fn run(
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
        Some(outcome.expect("the executable is there until the event has come to an end"))
    }
}

type Queue = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>>;
type Pending = Arc<Mutex<HashMap<String, oneshot::Sender<Outcome>>>>;

async fn answer(queue: Queue, pending: Pending, asked: Asked) -> Reply {
    let path = asked
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
                Outcome::Err(serde_json::from_slice(&asked.body).unwrap()),
            );
            accepted()
        }
        _ => Reply::new(404, &[], format!("no such path: {path}")),
    }
}

async fn next(queue: &Queue) -> Reply {
    let Some(invocation) = queue.lock().await.recv().await else {
        return Reply::Hang;
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
    Reply::new(200, &headers, invocation.event)
}

fn end(pending: &Pending, request_id: &str, outcome: Outcome) {
    if let Some(ended) = pending.lock().unwrap().remove(request_id) {
        // Nobody listens any more when the deadline has passed; `invoke` has said so already.
        drop(ended.send(outcome));
    }
}

fn accepted() -> Reply {
    Reply::new(
        202,
        &[("Content-Type", "application/json")],
        r#"{"status":"OK"}"#,
    )
}
