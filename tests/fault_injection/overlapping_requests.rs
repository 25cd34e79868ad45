//! Two requests for one resource that run at the same time: a Delete during its Create, and a rollback during its Update, because
//! CloudFormation has stopped waiting for the first one.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::desired_state::DesiredState;
use crate::fault_plan::{FaultLevel, FaultPlan, LONG_TIMEOUT};
use crate::random_stream::RandomStream;
use crate::repeated_requests::MAX_ATTEMPTS;
use crate::request::Request;
use crate::resource::{CreatedResource, OperationResult};
use crate::resource_operations::OperationContext;
use crate::response::Response;
use crate::response_checks::{MIN_TIMEOUT_FOR_POLLING, POLLING_PERIOD};
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

impl Scenario<'_> {
    /// Whether CloudFormation stops waiting for this operation; mostly in scenarios of `kind`.
    pub fn ends_early(&self, label: &str, kind: ScenarioKind) -> bool {
        let of_16 = if self.kind == kind { 10 } else { 1 };
        self.random(RandomStream::EndsEarly(label)).u8(..16) < of_16
    }

    /// A Delete that arrives during the Create, with a physical id that CloudFormation makes up.
    pub async fn delete_during_create(
        &self,
        context: OperationContext<'_>,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let (logical_id, label) = (context.logical_id, context.label);
        let mut rng = self.random(RandomStream::Overlap(label));
        let (desired, fault_plan) = self.slow_create(&mut rng, logical_id, target);
        let pause = Duration::from_millis(rng.u64(..2_000));
        let started = self.begin_overlap("Delete during its Create");
        let create = Request {
            without_retries: true,
            timeout: Some(self.overlap_timeout()),
            fault_plan,
            fault_level: FaultLevel::Mild,
            ..Request::new("Create", logical_id, &desired, format!("{label}-overtaken"))
        };
        let resource = CreatedResource {
            physical_id: format!("invented-{logical_id}"),
            desired: desired.clone(),
        };
        let deletion = async {
            tokio::time::sleep(pause).await;
            self.delete(1, logical_id, &resource, label).await
        };
        let (created, deleted) = tokio::join!(self.send(&create), deletion);
        created?;
        deleted?;
        self.check_create_was_polled_for(started)?;
        self.require_deleted(logical_id, &resource, label);
        Ok(OperationResult::DeletedEarly)
    }

    /// The function's timeout where a Delete arrives during its Create: at times too short for the Delete to poll for ten seconds.
    pub fn overlap_timeout(&self) -> Duration {
        if self.random(RandomStream::OverlapTimeout).u8(..8) == 0 {
            Duration::from_secs(6)
        } else {
            LONG_TIMEOUT
        }
    }

    /// Mostly a Create that takes long.
    fn slow_create(
        &self,
        rng: &mut Rng,
        logical_id: &str,
        target: &DesiredState,
    ) -> (DesiredState, Option<FaultPlan>) {
        let accounts = ["111122223333", "444455556666", "777788889999"];
        let desired = match rng.u8(..4) {
            0 => target.clone(),
            1 => DesiredState {
                all_versions: false,
                is_list: true,
                principals: accounts.map(str::to_owned).to_vec(),
                ..target.clone()
            },
            _ => {
                let versions = self.versions().len() as u64;
                DesiredState::random_slow(rng, logical_id, target.target_type, versions)
            }
        };
        let fault_plan = (rng.u8(..4) > 0).then(|| FaultPlan::slow_writes(rng));
        (desired, fault_plan)
    }

    /// What a Delete removes is only promised if its Create has ended while the Delete had to poll.
    fn check_create_was_polled_for(&self, started: Instant) -> Result<(), NotPromised> {
        // A call may take effect after the function that made it has ended.
        if !self.had_time_to_poll() && self.added_after_last_poll(started) {
            return Err(NotPromised(
                "a Create ran for longer than a Timeout of less than 30 seconds let its Delete poll",
            ));
        }
        let mut layers = self.env.lambda_api.layers();
        let create = layers.environment(&self.env.environments[0].access_key);
        let additions = create.last_additions.values().copied();
        let last = additions.filter(|at| *at > started).max();
        drop(layers);
        if self.is_after_polling_period(last) && !self.is_asked() {
            return Err(NotPromised(
                "a Create wrote later than ten seconds after its out-of-order Delete",
            ));
        }
        Ok(())
    }

    /// An Update that is rolled back while it runs, because another resource has failed.
    pub async fn roll_back_during_update(
        &self,
        context: OperationContext<'_>,
        before: &CreatedResource,
        target: &DesiredState,
    ) -> Result<OperationResult, NotPromised> {
        let (logical_id, label) = (context.logical_id, context.label);
        let mut rng = self.random(RandomStream::Overlap(label));
        let pause = Duration::from_millis(rng.u64(50..3_000));
        let started = self.begin_overlap("rollback during its Update");
        let update = Request {
            physical_id: Some(&before.physical_id),
            previous: Some(&before.desired),
            without_retries: true,
            fault_plan: Some(FaultPlan::slow_writes(&mut rng)),
            ..Request::new("Update", logical_id, target, format!("{label}-given-up"))
        };
        let rollback = async {
            tokio::time::sleep(pause).await;
            let rolled_back = self.roll_back_running_update(context, before, target);
            rolled_back.await.map(|()| Instant::now())
        };
        let (updated, rolled_back) = tokio::join!(self.send(&update), rollback);
        let updated = updated?;
        let rolled_back = rolled_back?;
        // Where it can ask, it leaves to the rollback what that relies on.
        let took_back = |response: &Response| {
            let is_undone = response.reason.contains("concurrently: got");
            is_undone && response.reason.contains("(rolled back")
        };
        if updated.as_ref().is_some_and(took_back) && !self.is_asked() {
            return Err(NotPromised(
                "an Update rolled back what its stack's rollback relied on",
            ));
        }
        self.check_update_was_polled_for(started, rolled_back)?;
        Ok(OperationResult::RolledBackEarly)
    }

    /// What a rollback restores is only promised if its Update has ended while the rollback polled. It does not poll where it finds all
    /// that the Update would have made.
    fn check_update_was_polled_for(
        &self,
        started: Instant,
        rolled_back: Instant,
    ) -> Result<(), NotPromised> {
        let mut layers = self.env.lambda_api.layers();
        let update = layers.environment(&self.env.environments[0].access_key);
        let (last, has_late_duplicate) = (update.last_write, update.has_late_duplicate);
        drop(layers);
        if has_late_duplicate {
            return Err(NotPromised(
                "an addition without a response was repeated and rolled back, and the first one took effect after that",
            ));
        }
        let last = last.filter(|at| *at > started);
        let is_after =
            self.is_after_polling_period(last) || last.is_some_and(|last| last > rolled_back);
        if is_after && !(self.is_asked() && self.has_same_clock()) {
            return Err(NotPromised(
                "an Update wrote after its rollback was complete",
            ));
        }
        Ok(())
    }

    /// Rolls back to `before` while the Update to `target` may still be running. CloudFormation knows only the old physical id.
    async fn roll_back_running_update(
        &self,
        context: OperationContext<'_>,
        before: &CreatedResource,
        target: &DesiredState,
    ) -> Result<(), NotPromised> {
        let label = context.label;
        for attempt in 0..MAX_ATTEMPTS {
            if attempt > 0 {
                self.remove_conflicts();
            }
            let rollback = Request {
                environment: 1,
                physical_id: Some(&before.physical_id),
                previous: Some(target),
                fault_level: [FaultLevel::Transient, FaultLevel::None][attempt.min(1)],
                ..Request::new(
                    "Update",
                    context.logical_id,
                    &before.desired,
                    format!("{label}-back-beside-{attempt}"),
                )
            };
            let response = self.send(&rollback).await?;
            if let Some(response) = response.filter(|response| !response.is_failed) {
                let is_same = response.physical_id == before.physical_id;
                self.require(is_same, &rollback, "rolled back to another id");
                return Ok(());
            }
        }
        let violation = format!("{label}: the rollback during its Update fails without faults");
        self.violation(&violation);
        Ok(())
    }

    fn begin_overlap(&self, kind: &str) -> Instant {
        self.count(kind);
        self.last_poll.lock().unwrap().take();
        Instant::now()
    }

    fn had_time_to_poll(&self) -> bool {
        let poll = self.last_poll.lock().unwrap();
        poll.as_ref()
            .is_some_and(|poll| poll.timeout >= MIN_TIMEOUT_FOR_POLLING)
    }

    /// Whether the Create in the first execution environment added a statement after the Delete in the second one had read last.
    fn added_after_last_poll(&self, started: Instant) -> bool {
        let mut layers = self.env.lambda_api.layers();
        let create = layers.environment(&self.env.environments[0].access_key);
        let poll = self.last_poll.lock().unwrap();
        let last_read = |arn: &str| poll.as_ref()?.reads.get(arn).copied();
        let mut additions = create
            .last_additions
            .iter()
            .filter(|(_, at)| **at > started);
        additions.any(|(arn, at)| last_read(arn).is_none_or(|read| read < *at))
    }

    /// Whether the last write of the first request took effect when the second one need not poll any more.
    fn is_after_polling_period(&self, last: Option<Instant>) -> bool {
        let poll = self.last_poll.lock().unwrap();
        let end = poll.as_ref().map(|poll| poll.since + POLLING_PERIOD);
        matches!((last, end), (Some(last), Some(end)) if last > end)
    }
}
