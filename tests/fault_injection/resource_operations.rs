//! What an operation on the stack does with one resource: chooses the request, and sends it once.

use std::time::Duration;

use crate::desired_state::DesiredState;
use crate::random_stream::RandomStream;
use crate::request::Request;
use crate::resource::{CreatedResource, FOREIGN_ID, OperationResult, Resource};
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

/// Which resource is operated on, and how.
#[derive(Clone, Copy)]
pub struct OperationContext<'a> {
    /// The index of the execution environment.
    pub environment: usize,
    pub logical_id: &'static str,
    /// Identifies the operation in the scenario.
    pub label: &'a str,
    /// Whether no other resource is operated on at the same time.
    pub is_alone: bool,
}

impl Scenario<'_> {
    /// Brings `resource` to its target, as far as the first attempt does.
    pub async fn operate(
        &self,
        context: OperationContext<'_>,
        resource: &Resource,
        target: Option<&DesiredState>,
    ) -> Result<OperationResult, NotPromised> {
        match (&resource.created, target) {
            (None, None) => Ok(OperationResult::Unchanged),
            (Some(created), None) => Ok(OperationResult::Removed(created.clone())),
            (None, Some(target)) => self.create_perhaps_early_deleted(context, target).await,
            (Some(created), Some(target)) if created.desired == *target => {
                Ok(OperationResult::Unchanged)
            }
            (Some(created), Some(target)) => {
                let is_rolled_back_early = context.is_alone
                    && !self.is_denied(&created.desired)
                    && created.physical_id != FOREIGN_ID
                    && self.ends_early(context.label, ScenarioKind::RollbackDuringUpdate);
                if is_rolled_back_early {
                    self.roll_back_during_update(context, created, target).await
                } else {
                    self.update(context, created, target).await
                }
            }
        }
    }

    async fn create_perhaps_early_deleted(
        &self,
        context: OperationContext<'_>,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let stream = RandomStream::CreateAfterDelete(context.label);
        if context.is_alone && self.random(stream).u8(..16) == 0 {
            return self.create_after_delete(context, target).await;
        }
        let is_deleted_early = context.is_alone
            && !self.is_denied(target)
            && self.ends_early(context.label, ScenarioKind::DeleteDuringCreate);
        if is_deleted_early {
            return self.delete_during_create(context, target).await;
        }
        self.create(context, target).await
    }

    /// At times CloudFormation waits for less than the function's timeout, or an Update has expired when it is delivered.
    pub fn with_random_service_timeout<'a>(&self, mut request: Request<'a>) -> Request<'a> {
        let mut rng = self.random(RandomStream::ServiceTimeout(&request.label));
        match rng.u8(..16) {
            0 => request.service_timeout = Duration::from_secs(3),
            1 if request.kind == "Update" => {
                request.age = request.service_timeout + Duration::from_secs(9);
            }
            _ => {}
        }
        request
    }

    async fn update(
        &self,
        context: OperationContext<'_>,
        created: &CreatedResource,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let (label, before) = (context.label, created.clone());
        let attempted = self.perhaps_mismatched(target, label);
        let request = self.with_random_service_timeout(Request {
            environment: context.environment,
            physical_id: Some(&created.physical_id),
            previous: Some(&created.desired),
            may_run_twice: context.is_alone,
            ..Request::new(
                "Update",
                context.logical_id,
                &attempted,
                format!("{label}-update"),
            )
        });
        let response = self.send(&request).await?;
        let updated = response.filter(|response| !response.is_failed);
        let is_updated = updated.is_some();
        let after = CreatedResource {
            physical_id: updated.map_or_else(
                || before.physical_id.clone(),
                |response| response.physical_id,
            ),
            desired: attempted,
        };
        Ok(if is_updated {
            OperationResult::Updated { before, after }
        } else {
            OperationResult::UpdateFailed { before, after }
        })
    }
}
