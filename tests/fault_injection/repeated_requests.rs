//! Requests that are repeated until they succeed, the last attempts without faults: a Delete, and the Update of a rollback.

use crate::fault_plan::FaultLevel;
use crate::guardrails::Guardrails;
use crate::random_stream::RandomStream;
use crate::request::Request;
use crate::resource::{CreatedResource, FOREIGN_ID};
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

/// How many attempts meet faults.
const ATTEMPTS_WITH_FAULTS: usize = 2;

/// How many attempts there are in all. One without faults should do, but this machine may be busy.
pub const MAX_ATTEMPTS: usize = 5;

fn fault_level(attempt: usize) -> FaultLevel {
    if attempt < ATTEMPTS_WITH_FAULTS {
        FaultLevel::Severe
    } else {
        FaultLevel::None
    }
}

impl Scenario<'_> {
    /// At times the first attempt meets only transient faults, for which it must not fail.
    pub fn fault_level(&self, attempt: usize, label: &str) -> FaultLevel {
        let kinds = [
            ScenarioKind::MalformedResponses,
            ScenarioKind::ExpiredSignatures,
        ];
        let of_six = if kinds.contains(&self.kind) { 4 } else { 1 };
        if attempt == 0 && self.random(RandomStream::TransientFaults(label)).u8(..6) < of_six {
            FaultLevel::Transient
        } else {
            fault_level(attempt)
        }
    }

    /// Deletes `resource`, again until it succeeds.
    pub async fn delete(
        &self,
        environment: usize,
        logical_id: &str,
        resource: &CreatedResource,
        label: &str,
    ) -> Result<(), NotPromised> {
        let id = &resource.physical_id;
        for attempt in 0..MAX_ATTEMPTS {
            let label = format!("{label}-delete-{}-{attempt}", id.replace(['#', ':'], "-"));
            let request = Request {
                environment,
                physical_id: Some(id),
                fault_level: self.fault_level(attempt, &label),
                ..Request::new("Delete", logical_id, &resource.desired, label.clone())
            };
            let response = self.send(&request).await?;
            let is_deleted = response.is_some_and(|response| !response.is_failed);
            let must_succeed = request.fault_level == FaultLevel::Transient;
            self.require(
                is_deleted || !must_succeed,
                &request,
                "failed for transient faults",
            );
            if is_deleted {
                // During its Create, statements may be added until the last poll of the Delete.
                if environment == 0 || !id.starts_with("invented") {
                    self.require_deleted(logical_id, resource, &label);
                }
                return Ok(());
            }
        }
        self.violation(&format!("{label}: the Delete of {id} fails without faults"));
        Ok(())
    }

    /// Rolls back from `after` to `before`, again until it succeeds. Returns the physical id that the resource has then.
    pub async fn restore(
        &self,
        logical_id: &str,
        after: &CreatedResource,
        before: &CreatedResource,
        label: &str,
    ) -> Result<String, NotPromised> {
        for attempt in 0..MAX_ATTEMPTS {
            if attempt >= ATTEMPTS_WITH_FAULTS {
                self.remove_conflicts();
                self.configure(Guardrails::open()).await;
            }
            let request = Request {
                physical_id: Some(&after.physical_id),
                previous: Some(&after.desired),
                fault_level: fault_level(attempt),
                ..Request::new(
                    "Update",
                    logical_id,
                    &before.desired,
                    format!("{label}-back-{attempt}"),
                )
            };
            let response = self.send(&request).await?;
            if let Some(response) = response.filter(|response| !response.is_failed) {
                self.check_restored_id(&response.physical_id, before, label);
                return Ok(response.physical_id);
            }
        }
        if before.physical_id == FOREIGN_ID {
            return Err(NotPromised(
                "a resource of another provider is not rolled back",
            ));
        }
        self.violation(&format!("{label}: the rollback fails without faults"));
        Ok(before.physical_id.clone())
    }

    fn check_restored_id(&self, found: &str, before: &CreatedResource, label: &str) {
        let expected = &before.physical_id;
        if found != expected && expected != FOREIGN_ID {
            self.violation(&format!("{label}: rolled back to {found}, not {expected}"));
        }
    }
}
