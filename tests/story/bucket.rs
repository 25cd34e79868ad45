//! Plays the bucket behind the `ResponseURL`s: takes the answers, and checks each against CloudFormation's rules.
//! Refuses to know what the answer to an event should be.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html>

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use hyper::Method;
use hyper::body::Bytes;
use serde_json::Value;

use crate::server::{Asked, Reply, serve};

/// What goes otherwise than usual in one PUT.
#[derive(Debug, Clone, Copy)]
pub enum PutFault {
    /// Answered with this status, not stored.
    Refused(u16),
    /// The same, after this time.
    RefusedAfter(Duration, u16),
    /// Answered with this status and this code of S3, not stored.
    RefusedAs(u16, &'static str),
    /// The connection ends without an answer: nobody knows whether it was stored.
    AcknowledgementLost,
    Hangs,
}

#[derive(Debug, Clone)]
pub struct Put {
    pub body: Bytes,
    pub acknowledged: bool,
}

#[derive(Default)]
pub struct State {
    /// By request target, the events that are to be answered there.
    issued: HashMap<String, Value>,
    puts: HashMap<String, Vec<Put>>,
    /// What the next PUTs meet, one each.
    pub faults: VecDeque<PutFault>,
    /// Rules that an answer broke.
    pub broken: Vec<String>,
}

#[derive(Clone)]
pub struct Bucket {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Bucket {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |asked| {
            let (delay, reply) = {
                let mut state = shared.lock().unwrap();
                (state.delay(), state.answer(&asked))
            };
            async move {
                tokio::time::sleep(delay).await;
                reply
            }
        })
        .await;
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next PUTs meet these faults, one each, in order.
    pub fn next(&self, faults: impl IntoIterator<Item = PutFault>) {
        self.state().faults.extend(faults);
    }

    /// Puts a presigned URL of this bucket into the event, which is valid for two hours.
    pub fn issue(&self, event: &mut Value) {
        let expires = SystemTime::now() + Duration::from_hours(2);
        let expires = expires.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let signed = format!(
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires={}",
            expires.as_secs()
        );
        self.issue_signed(event, &signed);
    }

    /// Puts a URL of this bucket into the event, presigned with these parameters.
    pub fn issue_signed(&self, event: &mut Value, signed: &str) {
        let mut state = self.state();
        let text = |name: &str| event[name].as_str().unwrap_or("unknown").to_owned();
        let key = [
            text("StackId"),
            text("LogicalResourceId"),
            text("RequestId"),
        ]
        .join("|");
        let number = 1_763_733_825 + state.issued.len();
        let target = format!(
            "/{}?{signed}&Signature=SECRET%2B{number}%2FvjbyPxybdZaNmGa%2ByT272YEAiv4%3D",
            key.replace(':', "%3A").replace('|', "%7C")
        );
        event["ResponseURL"] = format!("http://{}{target}", self.address).into();
        state.issued.insert(target, event.clone());
    }

    /// The PUTs that reached the URL of this event, since this was asked last.
    pub fn puts(&self, event: &Value) -> Vec<Put> {
        let target = self.target(event);
        self.state().puts.remove(&target).unwrap_or_default()
    }

    fn target(&self, event: &Value) -> String {
        let url = event["ResponseURL"].as_str().unwrap();
        url.trim_start_matches(&format!("http://{}", self.address))
            .to_owned()
    }
}

impl State {
    fn delay(&self) -> Duration {
        match self.faults.front() {
            Some(PutFault::RefusedAfter(delay, _)) => *delay,
            Some(_) | None => Duration::ZERO,
        }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let Some(event) = self.issued.get(&asked.target) else {
            self.broken
                .push(format!("no such URL was issued: {}", asked.target));
            return Reply::new(403, &[], "SignatureDoesNotMatch");
        };
        let broken = broken_rules(event, asked);
        self.broken.extend(broken);
        let fault = self.faults.pop_front();
        let puts = self.puts.entry(asked.target.clone()).or_default();
        if puts
            .last()
            .is_some_and(|earlier| earlier.body != asked.body)
        {
            self.broken
                .push("the body is not that of the attempt before".to_owned());
        }
        puts.push(Put {
            body: asked.body.clone(),
            acknowledged: fault.is_none(),
        });
        match fault {
            None => Reply::new(200, &[("ETag", "\"d41d8cd98f00b204e9800998ecf8427e\"")], ""),
            Some(PutFault::Refused(status @ 307)) => {
                Reply::new(status, &[("Location", "/elsewhere")], "")
            }
            Some(PutFault::Refused(status) | PutFault::RefusedAfter(_, status)) => {
                Reply::new(status, &[], "<Error/>")
            }
            Some(PutFault::RefusedAs(status, code)) => {
                let start = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
                let body = format!(
                    "{start}\n<Error><Code>{code}</Code><Message>Refused.</Message></Error>"
                );
                Reply::new(status, &[("Content-Type", "application/xml")], body)
            }
            Some(PutFault::AcknowledgementLost) => Reply::Closed,
            Some(PutFault::Hangs) => Reply::Hang,
        }
    }

    /// Ends the faults that have not been met yet.
    pub fn forgive(&mut self) {
        self.faults.clear();
    }

    /// The secret part of every URL that was issued.
    pub fn queries(&self) -> Vec<String> {
        self.issued
            .keys()
            .filter_map(|target| target.split_once('?'))
            .map(|(_, query)| query.to_owned())
            .collect()
    }
}

fn broken_rules(event: &Value, asked: &Asked) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, said: &str| {
        if !holds {
            broken.push(format!("{said}: {}", String::from_utf8_lossy(&asked.body)));
        }
    };
    rule(asked.method == Method::PUT, "the method is PUT");
    rule(
        !asked.headers.contains_key("content-type"),
        "no Content-Type is sent: it would have to be signed",
    );
    let length = asked
        .headers
        .get("content-length")
        .and_then(|length| length.to_str().ok());
    rule(
        length == Some(&asked.body.len().to_string()),
        "Content-Length says how many bytes come",
    );
    rule(asked.body.len() <= 4096, "the body has at most 4096 bytes");
    rule(
        std::str::from_utf8(&asked.body).is_ok(),
        "the body is UTF-8",
    );
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    rule(body.is_object(), "the body is a JSON object");
    for name in ["StackId", "RequestId", "LogicalResourceId"] {
        rule(body[name].is_string(), "the ids of the request are there");
        rule(
            !event[name].is_string() || body[name] == event[name],
            "the ids of the request come back",
        );
    }
    let id = body["PhysicalResourceId"].as_str().unwrap_or_default();
    rule(
        (1..=1024).contains(&id.len()),
        "PhysicalResourceId is a text of 1 to 1024 bytes",
    );
    let failed = body["Status"] == "FAILED";
    rule(
        failed || body["Status"] == "SUCCESS",
        "Status is SUCCESS or FAILED",
    );
    let reason = body["Reason"].as_str().unwrap_or_default();
    rule(!failed || !reason.is_empty(), "FAILED has a Reason");
    rule(!reason.contains(['\n', '\r']), "Reason is one line");
    let keeps_id = event["RequestType"] == "Delete" || (event["RequestType"] == "Update" && failed);
    let known = event["PhysicalResourceId"].as_str().unwrap_or_default();
    rule(
        !keeps_id || known.is_empty() || id == known,
        "Delete and a failed Update keep the id",
    );
    broken
}
