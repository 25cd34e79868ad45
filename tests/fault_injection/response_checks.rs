//! What must hold for every response: its physical id, no calls where nothing can be granted, and that a Delete whose Create may
//! still be running polls for long enough.

use std::time::{Duration, Instant};

use crate::delivery::Delivery;
use crate::fault_plan::FaultPlan;
use crate::request::Request;
use crate::resource::FOREIGN_ID;
use crate::response::{Response, SentResponse};
use crate::scenario::{Poll, Scenario};

/// For how long after its arrival an out-of-order Delete polls for what its Create adds, and a rollback for what its Update does.
pub const POLLING_PERIOD: Duration = Duration::from_secs(10);

/// The minimum timeout that leaves time for it.
pub const MIN_TIMEOUT_FOR_POLLING: Duration = Duration::from_secs(30);

impl Scenario<'_> {
    /// Checks all responses to one request.
    pub fn check_responses(&self, request: &Request<'_>, responses: &[SentResponse]) {
        for response in responses.iter().map(|sent| &sent.response) {
            let is_expected = self.has_expected_id(request, response);
            let is_never_created = response.physical_id == "never-created";
            let is_kept = Some(response.physical_id.as_str()) == request.physical_id;
            let is_mismatched = request.desired.mismatched.is_some();
            let is_valid = match (request.kind, response.is_failed) {
                ("Create", true) => is_never_created || is_expected && !is_mismatched,
                ("Update", false) => is_expected || self.keeps_foreign_id(request, response),
                ("Create", false) => is_expected,
                _ => is_kept,
            };
            let id = &response.physical_id;
            self.require(is_valid, request, &format!("responded with the id {id}"));
            let has_panicked = response.is_failed && response.reason.contains("panic");
            self.require(!has_panicked, request, "panicked");
        }
    }

    /// Whether a resource of another provider keeps its physical id.
    fn keeps_foreign_id(&self, request: &Request<'_>, response: &Response) -> bool {
        let is_kept = Some(response.physical_id.as_str()) == request.physical_id
            && response.physical_id == FOREIGN_ID;
        let is_derived = is_kept && request.desired.statement_id.is_none();
        if let Some(sid) = response.statement_id.as_ref().filter(|_| is_derived) {
            let derivation = request.desired.derivation_key();
            let key = format!("{} {derivation}", request.logical_id);
            let mut derived = self.derived_statement_ids.lock().unwrap();
            derived.entry(key).or_insert_with(|| sid.clone());
        }
        is_kept
    }

    /// Whether the physical id is that of this resource; a derived statement id is learned from the first response with it.
    fn has_expected_id(&self, request: &Request<'_>, response: &Response) -> bool {
        let Some((_, sid)) = response.physical_id.split_once('#') else {
            return false;
        };
        let is_of_resource = match &request.desired.statement_id {
            Some(given) => given == sid,
            None => self.is_derived(request, sid),
        };
        is_of_resource && response.physical_id == request.desired.physical_id(&self.layer, sid)
    }

    /// Whether `sid` has the form of a derived statement id, the same as before, and not that of another derivation.
    fn is_derived(&self, request: &Request<'_>, sid: &str) -> bool {
        let suffix = sid.strip_prefix(&format!("{}-", request.logical_id));
        let is_base32 = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
        let is_well_formed =
            suffix.is_some_and(|suffix| suffix.len() == 16 && suffix.chars().all(is_base32));
        let derivation = request.desired.derivation_key();
        let key = format!("{} {derivation}", request.logical_id);
        let mut derived = self.derived_statement_ids.lock().unwrap();
        let is_of_another = derived
            .iter()
            .any(|(other, known)| *other != key && known == sid);
        is_well_formed
            && !is_of_another
            && derived.entry(key).or_insert_with(|| sid.to_owned()) == sid
    }

    pub fn require(&self, holds: bool, request: &Request<'_>, violation: &str) {
        if !holds {
            self.violation(&format!("{}: {violation}", request.label));
        }
    }

    /// A request that is expired, invalid or about nothing makes no calls, and does not succeed in granting.
    pub fn check_calls(&self, request: &Request<'_>, delivery: &Delivery, is_expired: bool) {
        let response = delivery.stored.as_ref();
        let is_rejected = response.is_none_or(|response| response.is_failed) && delivery.calls == 0;
        let is_delete = request.kind == "Delete";
        if is_expired && !is_delete {
            self.require(is_rejected, request, "granted, though it had expired");
        }
        if request.is_invalid(self) {
            self.require(is_rejected, request, "not rejected before any call");
        }
        if is_delete && request.physical_id == Some("never-created") {
            let has_called = delivery.calls > 0;
            self.require(!has_called, request, "called Lambda for `never-created`");
        }
    }

    /// A successful Delete whose Create may still be running has polled for as long as it had to.
    pub fn check_polling(&self, request: &Request<'_>, plan: &FaultPlan, since: Instant) {
        let environment = &self.env.environments[request.environment];
        let mut layers = self.env.lambda_api.layers();
        let reads = layers
            .environment(&environment.access_key)
            .last_reads
            .clone();
        drop(layers);
        let last = reads.values().max().copied();
        let polled_long_enough = last.is_some_and(|last| last > since + POLLING_PERIOD);
        // A mismatched layer cannot have a grant to poll for.
        let must_poll = plan.timeout >= MIN_TIMEOUT_FOR_POLLING
            && request.is_out_of_order_delete()
            && request.desired.mismatched.is_none();
        self.require(
            polled_long_enough || !must_poll,
            request,
            "did not poll for a Create that may be running",
        );
        if request.environment == 1 {
            let timeout = plan.timeout;
            let poll = Poll {
                since,
                timeout,
                reads,
            };
            self.last_poll.lock().unwrap().get_or_insert(poll);
        }
    }
}
