//! The end of an operation on the stack: a rollback to the state before, or the cleanup of what was replaced or removed.

use fastrand::Rng;
use futures_util::future::join_all;

use crate::resource::{CreatedResource, OperationResult, Resource};
use crate::scenario::{NotPromised, Scenario};
use crate::stack_operation::Results;

/// What is not needed any more, by the resource's index.
type Unneeded = Vec<(usize, CreatedResource)>;

impl Scenario<'_> {
    /// Restores every resource, in reverse order, and then deletes what the operation had created.
    pub async fn roll_back(
        &self,
        resources: &mut [Resource],
        results: Results,
        number: usize,
    ) -> Result<(), NotPromised> {
        let mut unneeded = Unneeded::new();
        for (index, result) in results.into_iter().rev() {
            match result {
                OperationResult::Unchanged
                | OperationResult::DeletedEarly
                | OperationResult::Removed(_) => {}
                OperationResult::RolledBackEarly => {
                    if let Some(created) = &mut resources[index].created {
                        created.desired = self.of_today(&created.desired);
                    }
                }
                OperationResult::Created(created) | OperationResult::CreateFailed(created) => {
                    unneeded.push((index, created));
                }
                OperationResult::Updated { before, after }
                | OperationResult::UpdateFailed { before, after } => {
                    let replacement = self
                        .restore_resource(&mut resources[index], before, after, number)
                        .await?;
                    unneeded.extend(replacement.map(|replacement| (index, replacement)));
                }
            }
        }
        for (index, created) in unneeded {
            let logical_id = resources[index].logical_id;
            let label = format!("{number}-{logical_id}-rollback");
            self.delete(0, logical_id, &created, &label).await?;
        }
        Ok(())
    }

    /// Restores one resource; returns what the Update had replaced it by, if it had.
    async fn restore_resource(
        &self,
        resource: &mut Resource,
        before: CreatedResource,
        after: CreatedResource,
        number: usize,
    ) -> Result<Option<CreatedResource>, NotPromised> {
        let logical_id = resource.logical_id;
        let label = format!("{number}-{logical_id}");
        let before = CreatedResource {
            desired: self.of_today(&before.desired),
            ..before
        };
        let physical_id = self.restore(logical_id, &after, &before, &label).await?;
        let is_replaced = after.physical_id != physical_id;
        resource.created = Some(CreatedResource {
            physical_id,
            ..before
        });
        Ok(is_replaced.then_some(after))
    }

    /// Deletes what was replaced or removed, in any order.
    pub async fn clean_up(
        &self,
        resources: &mut [Resource],
        results: Results,
        number: usize,
        rng: &mut Rng,
    ) -> Result<(), NotPromised> {
        let mut unneeded = Unneeded::new();
        for (index, result) in results {
            match result {
                OperationResult::Created(created) => resources[index].created = Some(created),
                OperationResult::Updated { before, after } => {
                    if after.physical_id != before.physical_id {
                        unneeded.push((index, before));
                    }
                    resources[index].created = Some(after);
                }
                OperationResult::Removed(created) => {
                    resources[index].created = None;
                    unneeded.push((index, created));
                }
                OperationResult::Unchanged
                | OperationResult::CreateFailed(_)
                | OperationResult::UpdateFailed { .. }
                | OperationResult::DeletedEarly
                | OperationResult::RolledBackEarly => {}
            }
        }
        rng.shuffle(&mut unneeded);
        self.delete_in_pairs(resources, &unneeded, number).await
    }

    /// Two at a time, each in an execution environment of its own.
    async fn delete_in_pairs(
        &self,
        resources: &[Resource],
        unneeded: &Unneeded,
        number: usize,
    ) -> Result<(), NotPromised> {
        for pair in unneeded.chunks(2) {
            let delete = |(environment, (index, created)): (usize, &(usize, CreatedResource))| {
                let (logical_id, created) = (resources[*index].logical_id, created.clone());
                let label = format!("{number}-{logical_id}-clean-up");
                async move { self.delete(environment, logical_id, &created, &label).await }
            };
            for deleted in join_all(pair.iter().enumerate().map(delete)).await {
                deleted?;
            }
        }
        Ok(())
    }
}
