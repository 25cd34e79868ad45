//! What has to hold of the answers to one request: which ids they may bear, and that nothing is done where nothing is to be done.
//! Refuses to know how they were heard.

use std::time::Instant;

use crate::play::{Look, Play};
use crate::request::{Answer, Request, Told, WATCHED, WATCHFUL};
use crate::stack::FOREIGN_ID;
use crate::trouble::Trouble;

impl Play<'_> {
    /// The rules for all answers to one request.
    pub fn check_all(&self, request: &Request<'_>, answers: &[Answer]) {
        for told in answers.iter().map(|answer| &answer.told) {
            let expected = self.expected_id(request, told);
            let holds = match (request.kind, told.failed) {
                ("Create", true) if request.wanted.misplaced.is_some() => {
                    told.id == "never-created"
                }
                ("Create", true) => told.id == "never-created" || expected,
                ("Update", false) => expected || self.keeps_a_foreign_id(request, told),
                ("Create", false) => expected,
                _ => Some(told.id.as_str()) == request.id,
            };
            self.must(holds, request, &format!("answered the id {}", told.id));
            let cut = !told.failed || !told.reason.contains("panic");
            self.must(cut, request, "panicked");
        }
    }

    /// Whether a resource that another implementation has made stays known by its id.
    fn keeps_a_foreign_id(&self, request: &Request<'_>, told: &Told) -> bool {
        let kept = Some(told.id.as_str()) == request.id && told.id == FOREIGN_ID;
        let is_derived = kept && request.wanted.sid.is_none();
        if let Some(sid) = told.sid.as_ref().filter(|_| is_derived) {
            let key = format!("{} {}", request.logical, request.wanted.derived_from());
            let mut sids = self.sids.lock().unwrap();
            sids.entry(key).or_insert_with(|| sid.clone());
        }
        kept
    }

    /// Whether the id is the one that this resource has to have; a derived one is learned when it is first seen.
    fn expected_id(&self, request: &Request<'_>, told: &Told) -> bool {
        let Some((_, sid)) = told.id.split_once('#') else {
            return false;
        };
        let (logical, wanted) = (request.logical, request.wanted);
        let of_resource = if let Some(given) = &wanted.sid {
            given == sid
        } else {
            let tail = sid.strip_prefix(&format!("{logical}-"));
            let base32 = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
            let derived = tail.is_some_and(|tail| tail.len() == 16 && tail.chars().all(base32));
            let mut sids = self.sids.lock().unwrap();
            let key = format!("{logical} {}", wanted.derived_from());
            let other = sids
                .iter()
                .any(|(from, known)| *from != key && known == sid);
            derived && !other && sids.entry(key).or_insert_with(|| sid.to_owned()) == sid
        };
        of_resource && told.id == wanted.id(&self.layer, sid)
    }

    pub fn must(&self, holds: bool, request: &Request<'_>, what: &str) {
        if !holds {
            self.broken(&format!("{}: {what}", request.label));
        }
    }

    /// A Delete that succeeded has looked for as long as its Create may still be running.
    pub fn check_look(&self, request: &Request<'_>, trouble: &Trouble, since: Instant) {
        let lane = &self.bench.lanes[request.lane];
        let read = self
            .bench
            .control_plane
            .layers()
            .dealt(&lane.key)
            .read
            .clone();
        let last = read.values().max().copied();
        let looked_long = last.is_some_and(|last| last > since + WATCHED);
        // Where nothing can have been granted, there is nothing to look for.
        let is_placed = request.wanted.misplaced.is_none();
        let has_time = trouble.timeout >= WATCHFUL && request.is_early_delete() && is_placed;
        self.must(
            looked_long || !has_time,
            request,
            "did not look again for a Create that may be running",
        );
        if request.lane == 1 {
            let timeout = trouble.timeout;
            let look = Look {
                since,
                timeout,
                read,
            };
            self.last_look.lock().unwrap().get_or_insert(look);
        }
    }

    /// Whether what is asked for is refused without a look at what is there.
    pub fn is_impossible(&self, request: &Request<'_>) -> bool {
        let is_create = request.kind == "Create";
        let is_misplaced = request.wanted.misplaced.is_some();
        is_misplaced && request.kind != "Delete" || is_create && self.refuses(request.wanted)
    }
}
