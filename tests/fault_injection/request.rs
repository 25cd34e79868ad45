//! One request of CloudFormation: its event, how long CloudFormation waits for the response, and the faults it meets.

use std::time::Duration;

use fake_aws::runtime_api::FUNCTION_ARN;
use serde_json::{Value, json};

use crate::desired_state::DesiredState;
use crate::fault::{CallFault, ResponseFault};
use crate::fault_plan::{FaultLevel, FaultPlan};
use crate::random_stream::RandomStream;
use crate::scenario::Scenario;
use crate::scenario_kind::ScenarioKind;

/// The `ServiceTimeout` where it is not to be exceeded.
const LONG_SERVICE_TIMEOUT: Duration = Duration::from_mins(2);

/// The seconds of the property `ServiceTimeout` where the clocks differ, so that it does not matter.
const CLOCKS_DIFFER_SERVICE_TIMEOUT: u64 = 3600;

#[derive(Clone)]
pub struct Request<'a> {
    /// The `RequestType`.
    pub kind: &'static str,
    pub logical_id: &'a str,
    pub physical_id: Option<&'a str>,
    pub desired: &'a DesiredState,
    /// What an Update changes.
    pub previous: Option<&'a DesiredState>,
    /// Identifies this request in the scenario; its random numbers depend on it.
    pub label: String,
    pub fault_level: FaultLevel,
    /// The faults of the first delivery, where they are not random.
    pub fault_plan: Option<FaultPlan>,
    /// The index of the execution environment.
    pub environment: usize,
    /// The function's timeout, where it is not random.
    pub timeout: Option<Duration>,
    /// How long ago CloudFormation sent it.
    pub age: Duration,
    /// How long CloudFormation waits for the response.
    pub service_timeout: Duration,
    /// Whether the scenario ends before Lambda's first retry, which comes after a minute.
    pub without_retries: bool,
    /// Whether the other execution environment is idle, so that Lambda may run the event there at the same time.
    pub may_run_twice: bool,
}

impl<'a> Request<'a> {
    pub fn new(
        kind: &'static str,
        logical_id: &'a str,
        desired: &'a DesiredState,
        label: String,
    ) -> Self {
        Self {
            kind,
            logical_id,
            physical_id: None,
            desired,
            previous: None,
            label,
            fault_level: FaultLevel::Severe,
            fault_plan: None,
            environment: 0,
            timeout: None,
            age: Duration::ZERO,
            service_timeout: LONG_SERVICE_TIMEOUT,
            without_retries: false,
            may_run_twice: false,
        }
    }

    pub fn event(&self, scenario: &Scenario) -> Value {
        // A clock that differs by minutes says nothing about a shorter one.
        let service_timeout = if scenario.has_same_clock() {
            self.service_timeout.as_secs()
        } else {
            CLOCKS_DIFFER_SERVICE_TIMEOUT
        };
        let properties =
            |desired: &DesiredState| desired.properties(&scenario.layer, service_timeout);
        let mut event = json!({
            "RequestType": self.kind,
            "ServiceToken": FUNCTION_ARN,
            "StackId": scenario.stack_id,
            "RequestId": self.label,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.desired.target_type.resource_type(),
            "ResourceProperties": properties(self.desired),
        });
        if let Some(physical_id) = self.physical_id {
            event["PhysicalResourceId"] = physical_id.into();
        }
        if let Some(previous) = self.previous {
            event["OldResourceProperties"] = properties(previous);
        }
        event
    }

    /// Whether it is a Delete whose Create may still be running.
    pub fn is_out_of_order_delete(&self) -> bool {
        let is_unknown = |id: &str| !id.contains('#') && id != "never-created";
        self.kind == "Delete" && self.physical_id.is_some_and(is_unknown)
    }

    /// Whether nothing can be granted, so that it fails without any call.
    pub fn is_invalid(&self, scenario: &Scenario) -> bool {
        let is_mismatched = self.desired.mismatched.is_some();
        is_mismatched && self.kind != "Delete"
            || self.kind == "Create" && scenario.is_denied(self.desired)
    }

    /// Whether CloudFormation has stopped waiting for the response already.
    pub fn is_expired(&self, scenario: &Scenario) -> bool {
        scenario.has_same_clock()
            && self.kind != "Delete"
            && self.age > self.service_timeout + Duration::from_secs(1)
    }

    /// The faults of this delivery.
    pub fn plan(&self, scenario: &Scenario, delivery: usize) -> FaultPlan {
        let label = self.label.as_str();
        let stream = RandomStream::FaultPlan(label, self.environment, delivery);
        let mut rng = scenario.random(stream);
        if let Some(plan) = self.fault_plan.as_ref().filter(|_| delivery == 0) {
            let timeout = self.timeout.unwrap_or(plan.timeout);
            return FaultPlan {
                timeout,
                ..plan.clone()
            };
        }
        let mut plan = FaultPlan::random(&mut rng, self.fault_level, scenario.kind);
        if self.is_out_of_order_delete() {
            // It polls for as long as it has time; a stale read would hide what the Create adds meanwhile.
            plan.timeout = plan.timeout.max(scenario.overlap_timeout());
            plan.calls
                .retain(|fault| *fault != Some(CallFault::StaleRead));
        }
        let is_severe = self.fault_level == FaultLevel::Severe;
        let stream = RandomStream::LostResponses(label);
        plan.timeout = self.timeout.unwrap_or(plan.timeout);
        let loses_responses = scenario.random(stream).u8(..20) == 0;
        if loses_responses && self.kind != "Delete" && is_severe {
            plan.lose_every_response();
        }
        let is_of_guardrails = scenario.kind == ScenarioKind::GuardrailChanges && is_severe;
        if is_of_guardrails && self.kind == "Update" && rng.u8(..4) == 0 {
            plan.puts = vec![ResponseFault::Rejected(403)];
        }
        plan
    }
}
