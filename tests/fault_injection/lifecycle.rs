//! The lifecycle of one stack with up to three resources on one layer and one function: some operations, and the deletion of the stack.

use crate::desired_state::{DesiredState, TargetType};
use crate::fault_plan::FaultLevel;
use crate::guardrails::Guardrails;
use crate::random_stream::RandomStream;
use crate::request::Request;
use crate::resource::{CreatedResource, FOREIGN_ID, Resource};
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

const LOGICAL_IDS: [&str; 3] = ["Alpha", "Beta", "Gamma"];

impl Scenario<'_> {
    pub async fn run_lifecycle(&self) -> Result<(), NotPromised> {
        let mut rng = self.random(RandomStream::Lifecycle);
        let number = rng.usize(1..=LOGICAL_IDS.len());
        let mut types = self.random(RandomStream::TargetTypes);
        let mut new = |logical_id: &&'static str| Resource {
            logical_id,
            target_type: TargetType::random(&mut types),
            created: None,
        };
        let mut resources: Vec<Resource> = LOGICAL_IDS[..number].iter().map(&mut new).collect();
        if self.kind == ScenarioKind::ForeignPhysicalId {
            self.import_foreign(&mut resources[0]);
        }
        // These kinds are about resources that an earlier operation has created.
        let needs_resources = [
            ScenarioKind::RollbackDuringUpdate,
            ScenarioKind::GuardrailChanges,
        ];
        let min = if needs_resources.contains(&self.kind) {
            3
        } else {
            1
        };
        for operation in 0..rng.usize(min..=4) {
            self.operate_on_stack(&mut resources, operation).await?;
            self.undo_interference(&mut resources, operation).await?;
            let when = format!("after operation {operation}");
            self.check_final_state(&resources, &when).await;
            if self.has_violations() {
                return Ok(());
            }
        }
        self.delete_stack(&mut resources).await
    }

    /// The resource was created by another provider behind the same `ServiceToken`.
    fn import_foreign(&self, resource: &mut Resource) {
        let mut rng = self.random(RandomStream::ForeignResource);
        let versions = self.versions();
        let number = versions.len() as u64;
        let target_type = resource.target_type;
        let desired = DesiredState::random(&mut rng, resource.logical_id, target_type, number);
        let mut layers = self.env.lambda_api.layers();
        // The other provider does not derive statement ids.
        if let Some(sid) = &desired.statement_id {
            for (arn, statement) in desired.statements(&self.layer, sid, &versions) {
                layers.policies.put_statement(&arn, statement);
                layers.take_snapshot(&arn);
            }
        }
        drop(layers);
        self.note(&format!("another provider has created {desired:?}"));
        resource.created = Some(CreatedResource {
            physical_id: FOREIGN_ID.to_owned(),
            desired,
        });
    }

    /// If another writer has changed statements of the provider, the user has them restored by Updates, which the provider must
    /// not fail.
    async fn undo_interference(
        &self,
        resources: &mut [Resource],
        operation: usize,
    ) -> Result<(), NotPromised> {
        if !self.take_interferences() {
            return Ok(());
        }
        self.count("restored after an external write");
        self.remove_conflicts();
        self.configure(Guardrails::open()).await;
        for resource in resources {
            let logical_id = resource.logical_id;
            if let Some(created) = &mut resource.created {
                let label = format!("{operation}-{logical_id}-nonce");
                self.update_nonce(logical_id, created, &label).await?;
            }
        }
        Ok(())
    }

    async fn update_nonce(
        &self,
        logical_id: &str,
        resource: &mut CreatedResource,
        label: &str,
    ) -> Result<(), NotPromised> {
        let desired = self.of_today(&resource.desired.with_new_nonce());
        let request = Request {
            physical_id: Some(&resource.physical_id),
            previous: Some(&resource.desired),
            fault_level: FaultLevel::None,
            ..Request::new("Update", logical_id, &desired, label.to_owned())
        };
        let response = self.send(&request).await?;
        let is_restored = response.is_some_and(|response| {
            !response.is_failed && response.physical_id == resource.physical_id
        });
        self.require(is_restored, &request, "restores nothing without faults");
        resource.desired = desired;
        Ok(())
    }

    async fn delete_stack(&self, resources: &mut [Resource]) -> Result<(), NotPromised> {
        let mut rng = self.random(RandomStream::DeletionOfStack);
        self.note("the stack is deleted");
        if rng.u8(..8) == 0 {
            self.unpublish();
        }
        self.write_externally_at_random(&mut rng);
        for resource in resources.iter_mut().rev() {
            if let Some(created) = resource.created.take() {
                self.delete(0, resource.logical_id, &created, "end").await?;
            }
        }
        self.remove_conflicts();
        self.check_final_state(resources, "at the end").await;
        Ok(())
    }
}
