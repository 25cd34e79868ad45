//! The S3 bucket behind CloudFormation's presigned response URLs: receives the responses, and checks each of them against the
//! rules of the protocol.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use hyper::body::Bytes;
use serde_json::Value;

use crate::http_server::{HttpRequest, HttpResponse, serve};
use crate::response_rules;

/// What happens to one PUT.
#[derive(Debug, Clone, Copy)]
pub enum PutFault {
    /// Fails with this status; the object is not stored.
    Rejected(u16),
    /// The same, after this time.
    RejectedAfter(Duration, u16),
    /// Fails with this status and this error code of S3; the object is not stored.
    RejectedWithCode(u16, &'static str),
    /// The connection is closed without a response: the client cannot know whether the object was stored.
    ConnectionClosed,
    /// The client gets no response.
    NoResponse,
}

/// One PUT that reached the bucket.
#[derive(Debug, Clone)]
pub struct Put {
    /// The body.
    pub body: Bytes,
    /// Whether the client got a success.
    pub acknowledged: bool,
}

/// What the bucket knows.
#[derive(Default)]
pub struct State {
    /// By request target, the events whose response belongs there.
    presigned: HashMap<String, Value>,
    puts: HashMap<String, Vec<Put>>,
    /// What happens to the next PUTs, one each.
    pub faults: VecDeque<PutFault>,
    /// How many requests asked for nothing, and were sent to make a connection.
    pub only_connected: usize,
    /// The rules of the protocol that were violated.
    pub violations: Vec<String>,
}

/// The bucket on a loopback port.
#[derive(Clone)]
pub struct ResponseBucket {
    /// Where it listens.
    pub address: SocketAddr,
    /// The scheme and host of the presigned URLs.
    pub origin: String,
    state: Arc<Mutex<State>>,
}

impl ResponseBucket {
    /// Starts the bucket.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |request| respond(Arc::clone(&shared), request)).await;
        let origin = format!("http://{address}");
        Self {
            address,
            origin,
            state,
        }
    }

    /// Responds to a request that another server received.
    pub fn handle(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = HttpResponse> + Send + use<> {
        respond(Arc::clone(&self.state), request)
    }

    /// What the bucket knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next PUTs meet these faults, one each, in order.
    pub fn inject(&self, faults: impl IntoIterator<Item = PutFault>) {
        self.state().faults.extend(faults);
    }

    /// Gives the event a URL of this bucket that is presigned now, and is valid for two hours.
    pub fn presign(&self, event: &mut Value) {
        self.presign_at(event, SystemTime::now());
    }

    /// The same, presigned at this time.
    ///
    /// # Panics
    /// The time is not one of our days.
    pub fn presign_at(&self, event: &mut Value, at: SystemTime) {
        let date = DateTime::from(at).fmt(Format::DateTime).unwrap();
        let date = date.replace(['-', ':'], "");
        let date = date.split(['.', 'Z']).next().unwrap();
        let parameters =
            format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}Z&X-Amz-Expires=7200");
        self.presign_with(event, &parameters);
    }

    /// The same, presigned by version 2 of the signature, which does not contain when that was.
    ///
    /// # Panics
    /// The clock is wrong.
    pub fn presign_undated(&self, event: &mut Value) {
        let expires = SystemTime::now() + Duration::from_hours(2);
        let expires = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let parameters = format!(
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires={}",
            expires.as_secs()
        );
        self.presign_with(event, &parameters);
    }

    /// Gives the event a URL of this bucket, presigned with these parameters.
    pub fn presign_with(&self, event: &mut Value, parameters: &str) {
        let text = |name: &str| event[name].as_str().unwrap_or("unknown").to_owned();
        let key = [
            text("StackId"),
            text("LogicalResourceId"),
            text("RequestId"),
        ]
        .join("|");
        event["ResponseURL"] = self.presigned_url(&key, parameters, event).into();
    }

    /// A URL of the object with this key, presigned with these parameters, for the response to `event`.
    #[must_use]
    pub fn presigned_url(&self, key: &str, parameters: &str, event: &Value) -> String {
        let mut state = self.state();
        let number = 1_763_733_825 + state.presigned.len();
        let target = format!(
            "/{}?{parameters}&Signature=SECRET%2B{number}%2FvjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
            key.replace(':', "%3A").replace('|', "%7C")
        );
        let url = format!("{}{target}", self.origin);
        state.presigned.insert(target, event.clone());
        url
    }

    /// The PUTs to the URL of this event since the last call.
    #[must_use]
    pub fn take_puts(&self, event: &Value) -> Vec<Put> {
        self.take_puts_to(event["ResponseURL"].as_str().unwrap())
    }

    /// The PUTs to this URL since the last call.
    #[must_use]
    pub fn take_puts_to(&self, url: &str) -> Vec<Put> {
        let target = url.trim_start_matches(&self.origin);
        self.state().puts.remove(target).unwrap_or_default()
    }
}

async fn respond(state: Arc<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    let (delay, response) = {
        let mut state = state.lock().unwrap();
        if request.only_connects() {
            state.only_connected += 1;
            return HttpResponse::new(403, &[], "");
        }
        (state.delay(), state.respond(&request))
    };
    tokio::time::sleep(delay).await;
    response
}

impl State {
    fn delay(&self) -> Duration {
        match self.faults.front() {
            Some(PutFault::RejectedAfter(delay, _)) => *delay,
            Some(_) | None => Duration::ZERO,
        }
    }

    fn respond(&mut self, request: &HttpRequest) -> HttpResponse {
        let Some(event) = self.presigned.get(&request.target) else {
            self.violations
                .push(format!("no such URL was presigned: {}", request.target));
            return HttpResponse::new(403, &[], "SignatureDoesNotMatch");
        };
        let violations = response_rules::violations(event, request);
        self.violations.extend(violations);
        let fault = self.faults.pop_front();
        let puts = self.puts.entry(request.target.clone()).or_default();
        if puts
            .last()
            .is_some_and(|earlier| earlier.body != request.body)
        {
            self.violations
                .push("the body is not that of the attempt before".to_owned());
        }
        puts.push(Put {
            body: request.body.clone(),
            acknowledged: fault.is_none(),
        });
        match fault {
            None => HttpResponse::new(200, &[("ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"")], ""),
            Some(PutFault::Rejected(status @ 307)) => {
                HttpResponse::new(status, &[("Location", "/elsewhere")], "")
            }
            Some(PutFault::Rejected(status) | PutFault::RejectedAfter(_, status)) => {
                HttpResponse::new(status, &[], "<Error/>")
            }
            Some(PutFault::RejectedWithCode(status, code)) => {
                let start = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
                let body = format!(
                    "{start}\n<Error><Code>{code}</Code><Message>Refused.</Message></Error>"
                );
                HttpResponse::new(status, &[("Content-Type", "application/xml")], body)
            }
            Some(PutFault::ConnectionClosed) => HttpResponse::ConnectionClosed,
            Some(PutFault::NoResponse) => HttpResponse::NoResponse,
        }
    }

    /// Drops the faults that no PUT has met yet.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// The query strings of the presigned URLs, which must not be logged.
    #[must_use]
    pub fn query_strings(&self) -> Vec<String> {
        self.presigned
            .keys()
            .filter_map(|target| target.split_once('?'))
            .map(|(_, query)| query.to_owned())
            .collect()
    }
}
