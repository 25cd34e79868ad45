//! Delivers requests as Lambda does: retries after an error, at times twice at once or once more after a success; and reads the
//! responses as CloudFormation does.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::delivery::Delivery;
use crate::fault_plan::FaultLevel;
use crate::random_stream::RandomStream;
use crate::request::Request;
use crate::response::{Response, SentResponse};
use crate::scenario::{NotPromised, Scenario};

/// How long after the request Lambda runs an asynchronous invocation, and each of the two retries of a failed one. The real second
/// retry comes later; then most requests have expired. Nothing waits for so long here, but the signature says so.
const RETRIES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_mins(1),
    Duration::from_secs(100),
];

impl Scenario<'_> {
    /// The response that CloudFormation gets in time, if any.
    pub async fn send(&self, request: &Request<'_>) -> Result<Option<Response>, NotPromised> {
        self.note(&format!(
            "{} {} {:?} {:?} before: {:?} ({})",
            request.kind,
            request.logical_id,
            request.physical_id,
            request.desired,
            request.previous,
            request.label
        ));
        self.begin_in_stack(request);
        let stream = RandomStream::RunsTwice(&request.label);
        let runs_twice = request.may_run_twice && self.random(stream).u8(..12) == 0;
        let responses = if runs_twice {
            self.deliver_twice(request).await
        } else {
            self.deliver(request).await
        };
        self.check_responses(request, &responses);
        self.check_consistency(request, &responses, runs_twice)?;
        let in_time = responses
            .into_iter()
            .find(|response| response.is_stored && response.at <= self.stops_waiting_at(request));
        if let Some(in_time) = &in_time {
            let mut received_at = self.received_at.lock().unwrap();
            received_at.insert(request.label.clone(), in_time.at);
        }
        Ok(in_time.map(|in_time| in_time.response))
    }

    /// CloudFormation sends the request, and waits for the response.
    fn begin_in_stack(&self, request: &Request<'_>) {
        let (logical_id, label, id) = (request.logical_id, &request.label, request.physical_id);
        let now = Instant::now();
        self.sent_at.lock().unwrap().insert(label.clone(), now);
        let until = self.stops_waiting_at(request);
        let mut layers = self.env.lambda_api.layers();
        layers
            .stack
            .begin(logical_id, label, request.kind, id, until);
    }

    /// When CloudFormation stops waiting for the response.
    pub fn stops_waiting_at(&self, request: &Request<'_>) -> Instant {
        let sent_at = *self.sent_at.lock().unwrap().get(&request.label).unwrap();
        sent_at + request.service_timeout.saturating_sub(request.age)
    }

    /// Lambda runs an event at least once: here in both execution environments at the same time.
    async fn deliver_twice(&self, request: &Request<'_>) -> Vec<SentResponse> {
        self.note("… in both execution environments at the same time");
        let in_environment = |environment| Request {
            environment,
            fault_level: FaultLevel::Mild,
            ..request.clone()
        };
        let (first, second) = (in_environment(0), in_environment(1));
        let (mut responses, mut others) = tokio::join!(self.deliver(&first), self.deliver(&second));
        responses.append(&mut others);
        responses
    }

    /// The responses of all deliveries that sent one.
    async fn deliver(&self, request: &Request<'_>) -> Vec<SentResponse> {
        let environment = &self.env.environments[request.environment];
        let event = request.event(self);
        let mut responses = Vec::new();
        for (number, delay) in RETRIES.into_iter().enumerate() {
            let clock = self.env.lambda_api.layers().stack.clock;
            let event = environment.presign(&event, request.age + delay, clock);
            if number > 0 {
                self.note("… redelivered");
                self.count("redeliveries");
            }
            let delivery = self.deliver_once(request, &event, number).await;
            let is_stored = delivery.stored.is_some();
            if let Some(received) = &delivery.stored {
                let mut layers = self.env.lambda_api.layers();
                layers
                    .stack
                    .receive(request.logical_id, &request.label, received);
            }
            let sent = delivery.stored.or(delivery.sent);
            responses.extend(sent.map(|response| SentResponse {
                at: Instant::now(),
                response,
                is_stored,
            }));
            let mut rng = self.random(RandomStream::RunsAgain(&request.label, number));
            if request.without_retries || delivery.is_complete && rng.u8(..24) > 0 {
                break;
            }
        }
        responses
    }

    async fn deliver_once(&self, request: &Request<'_>, event: &Value, number: usize) -> Delivery {
        let environment = &self.env.environments[request.environment];
        let plan = request.plan(self, number);
        let started = Instant::now();
        let delivery = environment.deliver(event, &plan).await;
        self.count("deliveries");
        for violation in &delivery.violations {
            self.violation(&format!("{}: {violation}", request.label));
        }
        self.record_unreceived(request, &delivery);
        if request.kind == "Create" && number == 0 && delivery.is_response_rejected {
            self.require_rolled_back(request).await;
        }
        let (name, stored) = (environment.name, &delivery.stored);
        self.note(&format!("{name} {} -> {stored:?}", request.kind));
        let is_expired = request.is_expired(self)
            || self.has_same_clock()
                && started > self.stops_waiting_at(request) + Duration::from_secs(1);
        self.check_calls(request, &delivery, is_expired);
        if stored.as_ref().is_some_and(|response| !response.is_failed) {
            self.check_polling(request, &plan, started);
        }
        delivery
    }

    /// Records a grant that was made by a delivery without a response that CloudFormation received.
    fn record_unreceived(&self, request: &Request<'_>, delivery: &Delivery) {
        let access_key = &self.env.environments[request.environment].access_key;
        let mut layers = self.env.lambda_api.layers();
        let additions = &layers.environment(access_key).additions;
        if !additions.is_empty() && delivery.stored.is_none() {
            let mut unreceived_grants = self.unreceived_grants.lock().unwrap();
            unreceived_grants.insert(request.label.clone());
        }
    }

    /// All responses to one request are the same, as far as that can be promised.
    fn check_consistency(
        &self,
        request: &Request<'_>,
        responses: &[SentResponse],
        runs_twice: bool,
    ) -> Result<(), NotPromised> {
        let first = responses.iter().position(|response| response.is_stored);
        let received = first.map(|first| &responses[first].response);
        self.note(&format!("CloudFormation receives {received:?}"));
        let after = &responses[first.unwrap_or_default()..];
        // A retry cannot know that the first delivery responded that it left nothing.
        let left_nothing = received.is_some_and(|received| received.physical_id == "never-created");
        let differs = |sent: &SentResponse| {
            let content = |response: &Response| (response.is_failed, response.physical_id.clone());
            let counts = left_nothing || sent.is_stored;
            counts && received.is_some_and(|received| content(received) != content(&sent.response))
        };
        let differ = after.iter().any(differs);
        if request.kind != "Delete" && differ && runs_twice {
            let mut handled_twice = self.handled_twice.lock().unwrap();
            handled_twice.insert(request.logical_id.to_owned());
            self.count("handled twice at the same time, with two different responses");
        }
        if request.kind != "Delete" && differ && left_nothing && !self.is_asked() {
            return Err(NotPromised(
                "an event was handled again with another response than CloudFormation had received",
            ));
        }
        let has_granted = self.unreceived_grants.lock().unwrap();
        let has_granted = has_granted.contains(&request.label);
        let is_read_denied = received.is_some_and(Response::is_read_denied);
        if has_granted && left_nothing && is_read_denied {
            return Err(NotPromised(
                "a Create had granted, its response was lost, and in the retry Lambda denied it to read the policy",
            ));
        }
        Ok(())
    }
}
