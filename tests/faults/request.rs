//! Sends one request as CloudFormation and Lambda do: again after an error, at times twice at once; and hears the answer.
//! Refuses to know which request follows which, and what has to hold of an answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::play::{Play, Unpromised};
use crate::trouble::{CallFault, Mood, Trouble};
use crate::wanted::Wanted;

/// How often Lambda runs an event again that ended in an error.
const RETRIES: usize = 2;

/// How long CloudFormation waits where it does not stop soon.
const PATIENT: Duration = Duration::from_mins(2);

/// How long after its beginning a Delete that may overtake its Create looks again, at least.
const SOME_TIME: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub struct Request<'a> {
    pub kind: &'static str,
    pub logical: &'a str,
    pub id: Option<&'a str>,
    pub wanted: &'a Wanted,
    pub old: Option<&'a Wanted>,
    /// Names this request among all of the schedule; what goes wrong is drawn from it.
    pub label: String,
    pub mood: Mood,
    pub lane: usize,
    /// How long ago CloudFormation sent it, and how long it waits.
    pub ago: Duration,
    pub waits: Duration,
    /// Whether the other executable is free for the same event at the same time.
    pub may_be_twin: bool,
}

/// What CloudFormation was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub failed: bool,
    pub id: String,
    pub reason: String,
}

/// What one delivery came to.
pub struct Answer {
    at: Instant,
    pub told: Told,
    /// Whether it reached the bucket.
    pub is_heard: bool,
}

impl Told {
    fn read(answer: &Value) -> Self {
        Self {
            failed: answer["Status"] == "FAILED",
            id: answer["PhysicalResourceId"].as_str().unwrap().to_owned(),
            reason: answer["Reason"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl<'a> Request<'a> {
    pub fn new(kind: &'static str, logical: &'a str, wanted: &'a Wanted, label: String) -> Self {
        Self {
            kind,
            logical,
            id: None,
            wanted,
            old: None,
            label,
            mood: Mood::Wild,
            lane: 0,
            ago: Duration::ZERO,
            waits: PATIENT,
            may_be_twin: false,
        }
    }

    fn event(&self, play: &Play) -> Value {
        let properties = |wanted: &Wanted| wanted.properties(&play.layer, self.waits.as_secs());
        let mut event = json!({
            "RequestType": self.kind,
            "ServiceToken": crate::runtime_api::FUNCTION_ARN,
            "StackId": play.stack_id,
            "RequestId": self.label,
            "LogicalResourceId": self.logical,
            "ResourceType": "Custom::LayerVersionPermission",
            "ResourceProperties": properties(self.wanted),
        });
        if let Some(id) = self.id {
            event["PhysicalResourceId"] = id.into();
        }
        if let Some(old) = self.old {
            event["OldResourceProperties"] = properties(old);
        }
        event
    }

    fn is_early_delete(&self) -> bool {
        self.kind == "Delete" && self.id.is_some_and(|id| id.starts_with("invented"))
    }

    fn trouble(&self, play: &Play, delivery: usize) -> Trouble {
        let mut rng = play.dice(&format!("{} {} {delivery}", self.label, self.lane));
        let mut trouble = Trouble::draw(&mut rng, self.mood);
        if self.is_early_delete() {
            // It looks again for as long as it has time, and what was a moment ago is not what a Create does meanwhile.
            trouble.timeout = trouble
                .timeout
                .clamp(Duration::from_secs(6), Duration::from_secs(9));
            trouble
                .calls
                .retain(|fault| *fault != Some(CallFault::Stale));
        }
        if self.label.ends_with("-overtaken") {
            let first = CallFault::Slow(rng.u64(1..1_300));
            trouble.calls.insert(0, Some(first));
        }
        let unheard = play.dice(&format!("unheard {}", self.label)).u8(..20) == 0;
        if unheard && self.kind != "Delete" && self.mood == Mood::Wild {
            trouble.cut_off();
        }
        trouble
    }

    /// Whether nobody waits for the answer any more.
    fn is_late(&self) -> bool {
        self.kind != "Delete" && self.ago > self.waits + Duration::from_secs(1)
    }
}

impl Play<'_> {
    /// What CloudFormation was told, if anything.
    pub async fn serve(&self, request: &Request<'_>) -> Result<Option<Told>, Unpromised> {
        let (kind, logical, label) = (request.kind, request.logical, &request.label);
        let (id, wanted, old) = (request.id, request.wanted, request.old);
        self.note(&format!(
            "{kind} {logical} {id:?} {wanted:?} before: {old:?} ({label})"
        ));
        let twins = request.may_be_twin && self.dice(&format!("twins {label}")).u8(..12) == 0;
        let answers = if twins {
            self.note("… on two executables at the same time");
            let mild = |lane| Request {
                lane,
                mood: Mood::Mild,
                ..request.clone()
            };
            let (one, two) = (mild(0), mild(1));
            let (mut one, mut two) = tokio::join!(self.deliver(&one), self.deliver(&two));
            one.append(&mut two);
            one
        } else {
            self.deliver(request).await
        };
        self.check_all(request, &answers);
        let heard = answers.iter().position(|answer| answer.is_heard);
        let view = heard.map(|first| &answers[first]);
        self.note(&format!(
            "CloudFormation hears {:?}",
            view.map(|view| &view.told)
        ));
        // Whoever runs an event a second time cannot know that the first time was answered as having left nothing.
        let left_nothing = view.is_some_and(|view| view.told.id == "never-created");
        let differs = |answer: &Answer| {
            let of = |told: &Told| (told.failed, told.id.clone());
            let counts = left_nothing || answer.is_heard;
            counts && view.is_some_and(|view| of(&view.told) != of(&answer.told))
        };
        let differ = answers.iter().skip(heard.unwrap_or_default()).any(differs);
        if kind != "Delete" && differ && (twins || left_nothing) {
            return Err(Unpromised("one event was answered in two ways"));
        }
        let in_time = answers
            .into_iter()
            .find(|answer| answer.is_heard && answer.at <= self.given_up(request));
        Ok(in_time.map(|answer| answer.told))
    }

    fn given_up(&self, request: &Request<'_>) -> Instant {
        let begun = *self.sent.lock().unwrap().get(&request.label).unwrap();
        begun + request.waits.saturating_sub(request.ago)
    }

    /// The answers of all deliveries that came to one.
    async fn deliver(&self, request: &Request<'_>) -> Vec<Answer> {
        let lane = &self.bench.lanes[request.lane];
        let event = lane.issue(&request.event(self), request.ago);
        self.sent
            .lock()
            .unwrap()
            .insert(request.label.clone(), Instant::now());
        let kind = request.kind;
        let mut answers = Vec::new();
        for delivery in 0..=RETRIES {
            let trouble = request.trouble(self, delivery);
            if delivery > 0 {
                self.note("… again");
                self.count("redelivered");
            }
            let begun = Instant::now();
            let delivered = lane.deliver(&event, &trouble).await;
            self.count("deliveries");
            for broken in &delivered.broken {
                self.broken(&format!("{}: {broken}", request.label));
            }
            if kind == "Create" && delivery == 0 && delivered.is_refused {
                self.must_be_taken_back(request).await;
            }
            let (is_heard, meant) = (delivered.stored.is_some(), delivered.meant);
            let meant = delivered.stored.or(meant).as_ref().map(Told::read);
            let told = meant.clone().filter(|_| is_heard);
            self.note(&format!("{} {} -> {told:?}", lane.name, request.kind));
            let too_late =
                request.is_late() || begun > self.given_up(request) + Duration::from_secs(1);
            if too_late && request.kind != "Delete" {
                let refused = told.as_ref().is_none_or(|told| told.failed);
                self.must(
                    refused && delivered.calls == 0,
                    request,
                    "granted, though it came too late",
                );
            }
            if request.kind == "Delete" && request.id == Some("never-created") {
                self.must(
                    delivered.calls == 0,
                    request,
                    "called Lambda for what was never created",
                );
            }
            if kind == "Delete" && told.as_ref().is_some_and(|told| !told.failed) {
                let read = self
                    .bench
                    .control_plane
                    .layers()
                    .dealt(&lane.key)
                    .read
                    .clone();
                let last = read.values().max().copied();
                let looked_long = last.is_some_and(|last| last > begun + SOME_TIME);
                let undisturbed = trouble.calls.iter().all(Option::is_none);
                let waited = looked_long || !(undisturbed && request.is_early_delete());
                self.must(
                    waited,
                    request,
                    "did not look again for a Create that may be running",
                );
                self.last_look.lock().unwrap().get_or_insert(read);
            }
            answers.extend(meant.map(|told| Answer {
                at: Instant::now(),
                told,
                is_heard,
            }));
            // Lambda promises at least once, not exactly once.
            let mut rng = self.dice(&format!("once more {} {delivery}", request.label));
            if delivered.is_over && rng.u8(..24) > 0 {
                break;
            }
        }
        answers
    }
}
