//! What has to stand in every policy when CloudFormation has come to rest: what is wanted, word for word, what others wrote,
//! byte for byte, and nothing else.
//! Refuses to know how it came there.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::play::Play;
use crate::request::Request;
use crate::stack::Resource;
use crate::wanted::Wanted;
use crate::wording::as_lambda_writes;

/// How long a line of the log takes to be here at most.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

impl Play<'_> {
    /// Compares every policy with what `resources` and the other writer want.
    pub async fn check(&self, resources: &[Resource], when: &str) {
        if !self.compare(resources, when).is_empty() {
            // What the log says of it may still be on its way.
            tokio::time::sleep(ON_ITS_WAY).await;
        }
        for broken in self.compare(resources, when) {
            self.broken(&broken);
        }
    }

    fn compare(&self, resources: &[Resource], when: &str) -> Vec<String> {
        let mut wanted: Vec<(String, Value)> = Vec::new();
        for resource in resources {
            let Some(known) = &resource.known else {
                continue;
            };
            if let Some(sid) = self.sid_of(resource.logical, &known.id, &known.wanted) {
                wanted.extend(known.wanted.statements(&self.layer, &sid, &self.versions()));
            }
        }
        let uncleared = self.uncleared();
        let layers = self.bench.control_plane.layers();
        let mut broken = Vec::new();
        for number in self.versions() {
            let arn = format!("{}:{number}", self.layer);
            let ours = |statement: &Value| {
                wanted
                    .iter()
                    .any(|(at, ours)| *at == arn && *ours == as_lambda_writes(statement))
            };
            let found = layers.policies.statements(&arn);
            let (found_ours, others): (Vec<Value>, Vec<Value>) = found.into_iter().partition(ours);
            for (_, missing) in wanted.iter().filter(|(at, _)| *at == arn) {
                let times = found_ours.iter();
                let times = times.filter(|found| as_lambda_writes(found) == *missing);
                let times = times.count();
                if times != 1 {
                    broken.push(format!("{when}: {times} times there is {missing}"));
                }
            }
            let foreign = layers.another.statements(&arn);
            for left in others.iter().filter(|other| !foreign.contains(other)) {
                let is_known = |(logical, scope): &(String, String)| {
                    let sid = left["Sid"].as_str().unwrap_or_default();
                    arn.starts_with(scope.as_str()) && sid.contains(logical.as_str())
                };
                if uncleared.iter().any(is_known) {
                    self.bench
                        .record
                        .count("EXCUSED left by a rollback that said so");
                } else {
                    broken.push(format!("{when}: left is {left}"));
                }
            }
            let text = |statements: &[Value]| -> Vec<String> {
                let known = statements
                    .iter()
                    .filter(|statement| foreign.contains(statement));
                known.map(Value::to_string).collect()
            };
            if text(&others) != text(foreign) {
                broken.push(format!(
                    "{when}: of others is {others:?} instead of {foreign:?}"
                ));
            }
        }
        broken
    }

    /// After a Delete was answered SUCCESS, none of the statements that it is about may be there.
    pub fn must_be_gone(&self, logical: &str, id: &str, wanted: &Wanted, label: &str) {
        let sid = self.sid_of(logical, id, wanted).unwrap_or_default();
        if id == "never-created" || wanted.misplaced.is_some() {
            return;
        }
        let layers = self.bench.control_plane.layers();
        let unwanted = wanted.statements(&self.layer, &sid, &self.versions());
        let left = unwanted.into_iter().find(|(arn, statement)| {
            let there = layers.policies.statements(arn);
            there
                .iter()
                .any(|there| as_lambda_writes(there) == *statement)
        });
        drop(layers);
        if let Some((arn, statement)) = left {
            let sid = &statement["Sid"];
            self.broken(&format!(
                "{label}: SUCCESS, and {sid} is still there on {arn}"
            ));
        }
    }

    /// The statement id of a resource; nothing where it is derived, and no answer has named it yet.
    fn sid_of(&self, logical: &str, id: &str, wanted: &Wanted) -> Option<String> {
        let known = || {
            let known = self.sids.lock().unwrap();
            let key = format!("{logical} {}", wanted.derived_from());
            known.get(&key).cloned()
        };
        let named = id.split_once('#').map(|(_, sid)| sid.to_owned());
        named.or_else(|| wanted.sid.clone()).or_else(known)
    }

    /// Whether the Create on the first executable added something after the Delete on the second one had looked last.
    pub fn written_after_the_last_look(&self, since: Instant) -> bool {
        let mut layers = self.bench.control_plane.layers();
        let [create, _] = &self.bench.lanes;
        let added = layers.dealt(&create.key).added.clone();
        let look = self.last_look.lock().unwrap();
        let read = |arn: &str| look.as_ref()?.read.get(arn).copied();
        let mut added = added.iter().filter(|(_, at)| **at > since);
        added.any(|(arn, at)| read(arn).is_none_or(|read| read < *at))
    }

    /// Whether another writer has touched what is ours, since this was asked last.
    pub fn has_meddled(&self) -> bool {
        std::mem::take(&mut self.bench.control_plane.layers().another.meddled) > 0
    }

    /// The user removes what is in the way.
    pub fn clear_the_way(&self) {
        let mut layers = self.bench.control_plane.layers();
        let layers = &mut *layers;
        let lost = layers.another.clear_the_way(&mut layers.policies);
        for number in self.versions() {
            layers.keep(&format!("{}:{number}", self.layer));
        }
        layers.record.note("the user clears the way");
        for lost in lost {
            self.broken(&format!("another's statement is gone: {lost}"));
        }
    }

    /// A layer version is deleted, and with it all that it grants.
    pub fn unpublish(&self) {
        let gone = self.versions.lock().unwrap().remove(0);
        let arn = format!("{}:{gone}", self.layer);
        self.bench.control_plane.layers().unpublish(&arn);
        self.note(&format!("version {gone} is deleted"));
    }

    /// Where a rollback could not clear away what a failed Update had left, as far as it says so in its log. It is not made to
    /// fail for that: the stack would be stuck.
    fn uncleared(&self) -> Vec<(String, String)> {
        let mut uncleared = Vec::new();
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        for lane in &self.bench.lanes {
            let mut logical = String::new();
            for line in lane.log() {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                match line["message"].as_str() {
                    Some("received") => logical = text(&line, "logical_id"),
                    Some("not cleared") => {
                        uncleared.push((logical.clone(), text(&line, "resource")));
                    }
                    _ => {}
                }
            }
        }
        uncleared
    }

    /// After a Create of which it is certain that nobody was told, nothing of it may be there, unless the log says so.
    pub async fn must_be_taken_back(&self, request: &Request<'_>) {
        let left = self.left_of(request.logical);
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(ON_ITS_WAY).await;
        let log = self.bench.lanes[request.lane].log();
        if log.iter().any(|line| line.contains("\"not taken back\"")) {
            return;
        }
        for left in left {
            let label = &request.label;
            self.broken(&format!("{label}: nobody was told, and left is {left}"));
        }
    }

    /// What is there of the resource `logical`.
    fn left_of(&self, logical: &str) -> Vec<Value> {
        let layers = self.bench.control_plane.layers();
        let mut left = Vec::new();
        for number in self.versions() {
            let arn = format!("{}:{number}", self.layer);
            let foreign = layers.another.statements(&arn);
            left.extend(
                layers
                    .policies
                    .statements(&arn)
                    .into_iter()
                    .filter(|found| {
                        let sid = found["Sid"].as_str().unwrap_or_default();
                        sid.contains(logical) && !foreign.contains(found)
                    }),
            );
        }
        left
    }
}
