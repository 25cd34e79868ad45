//! The resources of the scenario's stack as CloudFormation knows them, which it says where the provider asks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use fake_aws::api_call::ApiCall;
use fake_aws::cloudformation_api::{Resource, Stacks, error_response};
use fake_aws::lambda_responses::ApiResponse;
use fake_aws::policies::ApiError;

use crate::response::Response;

/// A resource, by the request that was sent for it last.
#[derive(Debug)]
struct ResourceState {
    /// What identifies the request.
    label: String,
    /// `CREATE`, `UPDATE` or `DELETE`.
    operation: String,
    physical_id: Option<String>,
    /// Until when CloudFormation waits for the response.
    until: Instant,
    /// The response that it received while it waited.
    is_failed: Option<bool>,
    /// Since when it has its status.
    since: SystemTime,
}

/// CloudFormation's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// By how many seconds it is ahead of the function's.
    pub ahead: i64,
}

impl Clock {
    /// What it shows at this time of the function's clock.
    pub fn shows(self, at: SystemTime) -> SystemTime {
        let difference = Duration::from_secs(self.ahead.unsigned_abs());
        if self.ahead < 0 {
            at - difference
        } else {
            at + difference
        }
    }
}

/// The stack.
#[derive(Debug, Default)]
pub struct StackState {
    pub clock: Clock,
    resources: BTreeMap<String, ResourceState>,
    /// Whether the provider's role may not ask.
    pub is_denied: bool,
    /// How often it was asked.
    pub questions: usize,
}

impl StackState {
    /// CloudFormation sends a request, and waits for the response to it until then.
    pub fn begin(
        &mut self,
        logical_id: &str,
        label: &str,
        kind: &str,
        id: Option<&str>,
        until: Instant,
    ) {
        let state = ResourceState {
            label: label.to_owned(),
            operation: kind.to_uppercase(),
            physical_id: id.map(str::to_owned),
            until,
            is_failed: None,
            since: SystemTime::now(),
        };
        self.resources.insert(logical_id.to_owned(), state);
    }

    /// CloudFormation receives a response, to which it listens if it still waits and it is the first one.
    pub fn receive(&mut self, logical_id: &str, label: &str, response: &Response) {
        let resource = self.resources.get_mut(logical_id);
        let waits = |state: &&mut ResourceState| {
            state.label == label && state.is_failed.is_none() && Instant::now() <= state.until
        };
        if let Some(state) = resource.filter(waits) {
            state.is_failed = Some(response.is_failed);
            state.since = SystemTime::now();
            state.physical_id = Some(response.physical_id.clone());
        }
    }

    /// What CloudFormation responds to a question about a resource.
    pub fn describe(&mut self, call: &ApiCall) -> ApiResponse {
        self.questions += 1;
        if self.is_denied {
            return error_response(&ApiError::new(403, "AccessDenied", "not authorized"));
        }
        let mut stacks = Stacks::default();
        for (logical_id, state) in &self.resources {
            let result = match state.is_failed {
                Some(false) => "COMPLETE",
                None if Instant::now() <= state.until => "IN_PROGRESS",
                Some(true) | None => "FAILED",
            };
            let status = format!("{}_{result}", state.operation);
            let resource = Resource {
                status,
                physical_id: state.physical_id.clone(),
                since: self.clock.shows(state.since),
            };
            stacks.set(&call.arn, logical_id, resource);
        }
        stacks.describe(call)
    }
}
