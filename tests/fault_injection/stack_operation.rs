//! One operation on the stack: each resource is brought to its target, and if any fails, the stack is rolled back.

use fastrand::Rng;
use futures_util::future::join_all;

use crate::desired_state::DesiredState;
use crate::random_stream::RandomStream;
use crate::resource::{FOREIGN_ID, OperationResult, Resource};
use crate::resource_operations::OperationContext;
use crate::scenario::{NotPromised, Scenario};
use crate::scenario_kind::ScenarioKind;

/// The number of versions of a layer where `Versions: All` is to take long.
const MANY_VERSIONS: usize = 12;

/// A resource, by its index, and its target; none if it is removed.
type Target = (usize, Option<DesiredState>);

/// The results in the order of the operations, by the resource's index.
pub type Results = Vec<(usize, OperationResult)>;

impl Scenario<'_> {
    /// Creates or updates the stack, and rolls it back if a resource fails, or at times if another resource does.
    pub async fn operate_on_stack(
        &self,
        resources: &mut [Resource],
        number: usize,
    ) -> Result<(), NotPromised> {
        let mut rng = self.random(RandomStream::Operation(number));
        self.note(&format!("operation {number}"));
        self.change_guardrails(&mut rng, number).await;
        self.move_accounts_at_random(number);
        let has_published = self.publish_at_random(&mut rng, number);
        self.write_externally_at_random(&mut rng);
        let mut targets: Vec<Target> = Vec::new();
        for (index, resource) in resources.iter().enumerate() {
            targets.push((index, self.target(&mut rng, resource, has_published)));
        }
        rng.shuffle(&mut targets);
        let needs_both_environments = matches!(
            self.kind,
            ScenarioKind::DeleteDuringCreate | ScenarioKind::RollbackDuringUpdate
        );
        let in_pairs = rng.bool() && !needs_both_environments;
        let results = self
            .operate_on_resources(resources, &targets, in_pairs, number)
            .await?;
        let is_failed = results.iter().any(|(_, result)| result.is_failed());
        if is_failed || rng.u8(..7) == 0 {
            self.note("the stack is rolled back");
            self.count("stacks rolled back");
            self.roll_back(resources, results, number).await
        } else {
            self.clean_up(resources, results, number, &mut rng).await
        }
    }

    /// One resource after the other, or two at a time, each in an execution environment of its own.
    async fn operate_on_resources(
        &self,
        resources: &[Resource],
        targets: &[Target],
        in_pairs: bool,
        number: usize,
    ) -> Result<Results, NotPromised> {
        let mut results = Results::new();
        for chunk in targets.chunks(if in_pairs { 2 } else { 1 }) {
            let operate = |(environment, (index, target)): (usize, &Target)| {
                let (resource, target) = (&resources[*index], target.clone());
                let label = format!("{number}-{}", resource.logical_id);
                let is_alone = chunk.len() == 1;
                async move {
                    let context = OperationContext {
                        environment,
                        logical_id: resource.logical_id,
                        label: &label,
                        is_alone,
                    };
                    self.operate(context, resource, target.as_ref()).await
                }
            };
            let chunk_results = join_all(chunk.iter().enumerate().map(operate)).await;
            for ((index, _), result) in chunk.iter().zip(chunk_results) {
                results.push((*index, result?));
            }
        }
        Ok(results)
    }

    /// At times publishes a version, or many where a Create is to take long; returns whether it did.
    fn publish_at_random(&self, rng: &mut Rng, number: usize) -> bool {
        let is_many = self.kind == ScenarioKind::DeleteDuringCreate && rng.u8(..4) == 0;
        let is_one = number > 0 && rng.u8(..4) == 0;
        let before = self.versions().len();
        let versions = if is_many {
            MANY_VERSIONS
        } else {
            before + usize::from(is_one)
        };
        for _ in before..versions {
            self.publish();
        }
        self.versions().len() > before
    }

    /// What the user's template asks of a resource.
    fn target(
        &self,
        rng: &mut Rng,
        resource: &Resource,
        has_published: bool,
    ) -> Option<DesiredState> {
        let (logical_id, versions) = (resource.logical_id, self.versions().len() as u64);
        let Some(created) = &resource.created else {
            let target_type = resource.target_type;
            let desired = DesiredState::random(rng, logical_id, target_type, versions);
            return (rng.u8(..8) > 0).then(|| self.of_today(&desired));
        };
        let current = &created.desired;
        let mut changed = current.changed(rng, logical_id, versions);
        if self.is_denied(&changed) && rng.u8(..4) > 0 {
            self.remove_denied_principals(&mut changed);
        }
        // A template that refers to the layer by `!Ref` gets an Update when a version is published.
        let follows_versions = has_published && current.all_versions;
        let is_foreign = created.physical_id == FOREIGN_ID;
        if self.kind == ScenarioKind::ForeignPhysicalId && is_foreign && rng.bool() {
            return Some(self.of_today(&current.with_new_nonce()));
        }
        let target = match rng.u8(..8) {
            0..=2 if follows_versions => Some(current.with_new_nonce()),
            0 => None,
            1 | 2 => Some(current.clone()),
            _ if follows_versions && changed == *current => Some(current.with_new_nonce()),
            _ => Some(changed),
        };
        target.map(|target| self.following_accounts(target, current))
    }
}
