//! A Create, with what only a Create meets: a mismatched layer ARN, a first addition that is altered or replaced, a stack that has
//! been deleted.

use std::time::{Duration, Instant};

use crate::desired_state::DesiredState;
use crate::fault::{Alteration, CallFault};
use crate::fault_plan::{FaultLevel, FaultPlan};
use crate::mismatched_arn::mismatched_layer_arn;
use crate::random_stream::RandomStream;
use crate::request::Request;
use crate::resource::{CreatedResource, OperationResult};
use crate::resource_operations::OperationContext;
use crate::response::Response;
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

/// How soon a Create responds whose first addition is not stored as requested.
const PROMPT: Duration = Duration::from_secs(12);

impl Scenario<'_> {
    pub async fn create(
        &self,
        context: OperationContext<'_>,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let desired = self.perhaps_mismatched(target, context.label);
        let request = self.create_request(context, &desired);
        let started = Instant::now();
        let interferences = self.interferences();
        let response = self.send(&request).await?;
        let is_undisturbed = self.interferences() == interferences;
        self.check_create(&request, response.as_ref(), started, is_undisturbed);
        let is_failed = response.as_ref().is_none_or(|response| response.is_failed);
        let physical_id = match response {
            Some(response) => response.physical_id,
            // CloudFormation makes one up.
            None => format!("invented-{}", context.logical_id),
        };
        let resource = CreatedResource {
            physical_id,
            desired,
        };
        Ok(if is_failed {
            OperationResult::CreateFailed(resource)
        } else {
            OperationResult::Created(resource)
        })
    }

    fn create_request<'a>(
        &self,
        context: OperationContext<'a>,
        desired: &'a DesiredState,
    ) -> Request<'a> {
        let label = context.label;
        let request = Request {
            environment: context.environment,
            may_run_twice: context.is_alone,
            ..Request::new(
                "Create",
                context.logical_id,
                desired,
                format!("{label}-create"),
            )
        };
        match self.first_addition_fault(label) {
            Some(fault) => Request {
                may_run_twice: false,
                fault_plan: Some(FaultPlan::of_writes(vec![Some(fault)])),
                ..request
            },
            None if self.fault_level(0, label) == FaultLevel::Transient => Request {
                may_run_twice: false,
                fault_level: FaultLevel::Transient,
                ..request
            },
            None => self.with_random_service_timeout(request),
        }
    }

    /// How often the external writer has changed statements or taken statement ids of the provider.
    fn interferences(&self) -> usize {
        let layers = self.env.lambda_api.layers();
        layers.external_writer.interferences
    }

    /// A Create that is delivered after its stack was deleted.
    pub async fn create_after_delete(
        &self,
        context: OperationContext<'_>,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let (logical_id, label) = (context.logical_id, context.label);
        let create = Request::new("Create", logical_id, target, format!("{label}-overtaken"));
        let expired = Request {
            age: create.service_timeout + Duration::from_secs(9),
            ..create
        };
        let resource = CreatedResource {
            physical_id: format!("invented-{logical_id}"),
            desired: target.clone(),
        };
        self.delete(1, logical_id, &resource, label).await?;
        self.send(&expired).await?;
        if !self.has_same_clock() && !self.statements_of(logical_id).is_empty() {
            return Err(NotPromised(
                "CloudFormation's clock was ahead, so that a Create after its Delete seemed in time",
            ));
        }
        Ok(OperationResult::DeletedEarly)
    }

    /// The same, at times for a layer ARN that no endpoint accepts.
    pub fn perhaps_mismatched(&self, desired: &DesiredState, label: &str) -> DesiredState {
        let mut rng = self.random(RandomStream::MismatchedArn(label));
        let is_of_kind = self.kind == ScenarioKind::MismatchedArns;
        let of_24 = if is_of_kind { 12 } else { 1 };
        let (_, name) = self.layer.rsplit_once(':').unwrap();
        let is_mismatched = rng.u8(..24) < of_24;
        DesiredState {
            mismatched: is_mismatched.then(|| {
                let layer = mismatched_layer_arn(&mut rng, name);
                desired.target_type.arn_of(&layer)
            }),
            ..desired.clone()
        }
    }

    /// In some kinds of scenarios, the first addition of a Create is mostly not stored as requested.
    fn first_addition_fault(&self, label: &str) -> Option<CallFault> {
        let mut rng = self.random(RandomStream::FirstAdditionFault(label));
        let alterations = [
            Alteration::BareAccountId,
            Alteration::SingleElementLists,
            Alteration::OtherGrant,
        ];
        let has_fault = rng.u8(..4) > 0;
        let alteration = alterations[rng.usize(..3)];
        let fault = if self.kind == ScenarioKind::ReplacedStatements {
            CallFault::StatementReplaced
        } else if self.kind == ScenarioKind::AlteredStatements {
            CallFault::StatementAltered(alteration)
        } else {
            return None;
        };
        has_fault.then_some(fault)
    }

    /// A Create whose first addition is not stored as requested responds promptly; transient faults alone do not make it fail.
    fn check_create(
        &self,
        request: &Request<'_>,
        response: Option<&Response>,
        started: Instant,
        is_undisturbed: bool,
    ) {
        let is_failed = response.is_none_or(|response| response.is_failed);
        let first_fault = request.fault_plan.as_ref().and_then(|plan| plan.writes[0]);
        let (is_valid, violation) = if let Some(fault) = first_fault {
            let layers = self.env.lambda_api.layers();
            // Lambda may still get to know one, so it is waited for.
            let waits = !layers.policies.unknown_principals.is_empty();
            drop(layers);
            // Not when the last of several deliveries ended.
            let received_at = self.received_at.lock().unwrap();
            let received_at = received_at.get(&request.label).copied();
            let received_at = received_at.unwrap_or_else(Instant::now);
            let is_prompt = waits || received_at.duration_since(started) < PROMPT;
            self.require(is_prompt, request, "did not respond promptly");
            self.check_first_addition(request, fault, is_failed)
        } else if request.fault_level == FaultLevel::Transient {
            let layers = self.env.lambda_api.layers();
            let has_conflict = !is_undisturbed
                || layers.external_writer.holds_statement_ids()
                || !layers.policies.unknown_principals.is_empty();
            drop(layers);
            let may_fail = has_conflict || request.is_invalid(self);
            (!is_failed || may_fail, "failed for transient faults")
        } else {
            return;
        };
        self.require(is_valid, request, violation);
    }

    fn check_first_addition(
        &self,
        request: &Request<'_>,
        fault: CallFault,
        is_failed: bool,
    ) -> (bool, &'static str) {
        let mut layers = self.env.lambda_api.layers();
        let access_key = &self.env.environments[request.environment].access_key;
        let environment = layers.environment(access_key);
        if fault == CallFault::StatementReplaced {
            let is_valid = is_failed || !environment.is_statement_replaced;
            (is_valid, "succeeded with a statement of another writer")
        } else if fault == CallFault::StatementAltered(Alteration::OtherGrant) {
            let is_valid = is_failed || !environment.is_statement_altered;
            (is_valid, "succeeded with another grant than was requested")
        } else {
            // The provider may accept another form of the same grant.
            (true, "")
        }
    }
}
