//! Sends one request as CloudFormation and Lambda do: again after an error, at times twice at once; and hears the answer.
//! Refuses to know which request follows which, and what has to hold of an answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::{CallFault, PutTrouble};
use crate::play::{Play, Unpromised};
use crate::theme::Theme;
use crate::trouble::{LONG, Mood, Trouble};
use crate::wanted::Wanted;

/// How often Lambda runs an event again that ended in an error.
const RETRIES: usize = 2;

/// How long CloudFormation waits where it does not stop soon.
const PATIENT: Duration = Duration::from_mins(2);

/// For how long after it has arrived a Delete that may overtake its Create looks again, and a rollback its Update.
pub const WATCHED: Duration = Duration::from_secs(10);

/// The shortest timeout that leaves time for it.
pub const WATCHFUL: Duration = Duration::from_secs(30);

/// Within what time an event ends that cannot succeed, where nothing keeps it from saying so.
pub const SOON: Duration = Duration::from_secs(12);

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
    /// What goes wrong at the first delivery, where it is not drawn.
    pub trouble: Option<Trouble>,
    pub lane: usize,
    /// How long ago CloudFormation sent it, and how long it waits.
    pub ago: Duration,
    pub waits: Duration,
    /// Whether it is over with its first delivery: Lambda's next one is a minute later, and this is about less than that.
    pub once: bool,
    /// Whether the other executable is free for the same event at the same time.
    pub may_be_twin: bool,
}

/// What CloudFormation was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub failed: bool,
    pub id: String,
    pub reason: String,
    /// The statement id that a template gets.
    pub sid: Option<String>,
}

/// What one delivery came to.
pub struct Answer {
    at: Instant,
    pub told: Told,
    /// Whether it reached the bucket.
    pub is_heard: bool,
}

impl Told {
    /// Whether it says that reading was refused for good: a Delete could not look either.
    fn could_not_look(&self) -> bool {
        let is_final = ["access denied", "refused by Lambda"]
            .iter()
            .any(|kind| self.reason.starts_with(kind));
        let is_of = |read| self.reason.contains(&format!("from `lambda:{read}`"));
        is_final
            && ["GetLayerVersionPolicy", "ListLayerVersions"]
                .into_iter()
                .any(is_of)
    }

    fn read(answer: &Value) -> Self {
        Self {
            failed: answer["Status"] == "FAILED",
            id: answer["PhysicalResourceId"].as_str().unwrap().to_owned(),
            reason: answer["Reason"].as_str().unwrap_or_default().to_owned(),
            sid: answer["Data"]["StatementId"].as_str().map(str::to_owned),
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
            trouble: None,
            lane: 0,
            ago: Duration::ZERO,
            waits: PATIENT,
            once: false,
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

    /// Whether the provider cannot know that its Create is over.
    pub fn is_early_delete(&self) -> bool {
        let unknown = |id: &str| !id.contains('#') && id != "never-created";
        self.kind == "Delete" && self.id.is_some_and(unknown)
    }

    fn trouble(&self, play: &Play, delivery: usize) -> Trouble {
        let mut rng = play.dice(&format!("{} {} {delivery}", self.label, self.lane));
        if let Some(trouble) = self.trouble.as_ref().filter(|_| delivery == 0) {
            return trouble.clone();
        }
        let mut trouble = Trouble::draw(&mut rng, self.mood, play.theme);
        if self.is_early_delete() {
            // It looks again for as long as it has time, and what was a moment ago is not what a Create does meanwhile.
            let shortest = if rng.u8(..8) == 0 {
                Duration::from_secs(6)
            } else {
                LONG
            };
            trouble.timeout = trouble.timeout.max(shortest);
            trouble
                .calls
                .retain(|fault| *fault != Some(CallFault::Stale));
        }
        let unheard = play.dice(&format!("unheard {}", self.label)).u8(..20) == 0;
        if unheard && self.kind != "Delete" && self.mood == Mood::Wild {
            trouble.cut_off();
        }
        let is_guarded = play.theme == Theme::Guardrails && self.mood == Mood::Wild;
        if is_guarded && self.kind == "Update" && rng.u8(..4) == 0 {
            trouble.puts = vec![PutTrouble::Refused(403)];
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
        let before = &answers[..heard.unwrap_or_default()];
        let has_granted = before.iter().any(|answer| !answer.told.failed);
        if has_granted && left_nothing && view.is_some_and(|view| view.told.could_not_look()) {
            return Err(Unpromised(
                "a Create that had granted was run again and refused a look",
            ));
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
            if self.is_impossible(request) {
                let refused = told.as_ref().is_none_or(|told| told.failed);
                self.must(
                    refused && delivered.calls == 0,
                    request,
                    "not refused before any call",
                );
            }
            if request.kind == "Delete" && request.id == Some("never-created") {
                self.must(
                    delivered.calls == 0,
                    request,
                    "called Lambda for what was never created",
                );
            }
            if told.as_ref().is_some_and(|told| !told.failed) {
                self.check_look(request, &trouble, begun);
            }
            answers.extend(meant.map(|told| Answer {
                at: Instant::now(),
                told,
                is_heard,
            }));
            // Lambda promises at least once, not exactly once.
            let mut rng = self.dice(&format!("once more {} {delivery}", request.label));
            if request.once || delivered.is_over && rng.u8(..24) > 0 {
                break;
            }
        }
        answers
    }
}
