//! What a request asks for: the desired state of policies, and what the response contains. Every resource type makes one.
//! No I/O.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

use thiserror::Error;

use super::location::{ProviderLocation, UnreachableTarget};
use super::property_reader::ValidationErrors;
use super::resource::{Resource, ReturnValues};
use crate::cloudformation::request::{PhysicalResourceId, Request};
use crate::policy::desired::{DesiredState, Removal};
use crate::policy::document::PolicyDocument;
use crate::policy::organization::{MemberAccount, UnitId};
use crate::policy::role::Role;
use crate::policy::statement_id::StatementId;
use crate::policy::statement_list::is_member;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::policy::unit_grant::UnitGrant;
use crate::policy::version_range::VersionRange;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// How the policies are reconciled: how patiently, and whether a failure is rolled back.
    pub mode: Mode,
    /// The desired state of the policies; none where nothing is to be done.
    pub spec: Option<ReconcileSpec>,
    /// What a failed Update may have left in other policies. It is cleaned up if possible: these may be policies that cannot even
    /// be read, which would be why the Update failed.
    pub orphaned: Option<ReconcileSpec>,
    /// The id in the response to a success.
    pub physical_id: PhysicalResourceId,
    /// Whether the resource has this id already: what it granted under it before is there, or was.
    pub keeps_id: bool,
    /// The resource whose return values are in the response to a success; none in a Delete.
    pub resource: Option<Resource>,
}

/// How the policies are reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Create or Update: a role that was created a moment ago is waited for, and a failure is rolled back.
    Apply,
    /// Delete.
    Cleanup,
    /// A Delete that may have overtaken its Create: what that may still grant is polled for.
    CleanupOutOfOrder,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Apply, Self::Cleanup, Self::CleanupOutOfOrder];
}

/// Why a request cannot be handled.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum OperationError {
    /// The Delete of the replaced resource that follows would remove the new statement too.
    #[error(
        "statement ID shared with the replaced resource: got `{0}` in both, give another `StatementId` or leave it out"
    )]
    SharedStatement(StatementId),
    /// The properties are invalid.
    #[error(transparent)]
    Invalid(#[from] ValidationErrors),
    /// The provider cannot reach the target.
    #[error(transparent)]
    Unreachable(#[from] UnreachableTarget),
}

impl Operation {
    /// A Delete of a resource that has granted nothing.
    #[must_use]
    pub fn nothing(request: &Request) -> Self {
        Self {
            mode: Mode::Cleanup,
            spec: None,
            orphaned: None,
            physical_id: request.physical_id.clone().unwrap_or_default(),
            keeps_id: true,
            resource: None,
        }
    }

    /// What `Fn::GetAtt` returns after a success; `policy` is the policy of the target that the resource names.
    #[must_use]
    pub fn return_values(&self, policy: Option<&PolicyDocument>) -> ReturnValues {
        let resource = self.resource.as_ref();
        resource.map_or_else(ReturnValues::new, |resource| {
            let spec = self.spec.as_ref();
            let statements = spec.map_or(&[][..], |spec| &spec.desired.statements);
            resource.return_values(&self.physical_id, statements, policy)
        })
    }

    /// The units whose accounts it grants to.
    #[must_use]
    pub fn units(&self) -> &[UnitGrant] {
        let spec = self.spec.as_ref();
        spec.map_or(&[], |spec| &spec.desired.units)
    }

    /// Grants to those of `accounts`, all of an organization, that are in the units.
    ///
    /// # Errors
    /// The first unit without any.
    pub fn expand(&mut self, accounts: &[MemberAccount]) -> Result<(), UnitId> {
        let Some(spec) = &mut self.spec else {
            return Ok(());
        };
        for unit in &mut spec.desired.units {
            let members = accounts.iter().filter_map(|account| {
                let path = account.path_to(&unit.unit)?;
                Some((path, unit.statement(&account.id)?))
            });
            let members: Vec<_> = members.collect();
            let (path, _) = members.first().ok_or_else(|| unit.unit.clone())?;
            unit.path = Some(path.clone());
            // A page may repeat an account of the one before.
            let statements = members.into_iter().map(|(_, statement)| statement);
            let statements: BTreeSet<_> = statements.collect();
            spec.desired.statements.extend(statements);
        }
        Ok(())
    }

    /// Whether it is about all versions of a layer.
    #[must_use]
    pub fn is_for_all_versions(&self) -> bool {
        let mut specs = self.spec.iter().chain(&self.orphaned);
        specs.any(|spec| matches!(spec.targets, TargetSet::AllVersions(_)))
    }

    /// The operation as far as a provider at `location` can do it. Where it cannot have granted anything, there is nothing to
    /// clean up.
    ///
    /// # Errors
    /// If it cannot reach what should be granted.
    pub fn at(mut self, location: &ProviderLocation) -> Result<Self, OperationError> {
        if let (Mode::Apply, Some(spec)) = (self.mode, &self.spec) {
            location.check(&spec.targets)?;
        }
        self.spec = self
            .spec
            .filter(|spec| location.may_have_granted(&spec.targets));
        // The Update that would have left something there was rejected.
        self.orphaned = self
            .orphaned
            .filter(|spec| location.check(&spec.targets).is_ok());
        Ok(self)
    }
}

/// Whether the grant is for one of several policies, and was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The grant is for it, and was as far as is known.
    Stays,
    /// An Update of the versions makes the grant be for it.
    Joins,
    /// The grant is not for it.
    Leaves {
        /// Whether it was before an Update of the versions.
        was: bool,
    },
}

/// The desired state of every policy in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileSpec {
    /// The policies.
    pub targets: TargetSet,
    /// The target that the resource names, which is in the set whether or not it is listed.
    pub named: Option<PolicyTarget>,
    /// The role to assume; none where the provider's own is used.
    pub role: Option<Role>,
    /// The desired state of each of them.
    pub desired: DesiredState,
    /// The desired state of all but the named one, where it differs.
    pub desired_elsewhere: Option<DesiredState>,
    /// Of all versions of a layer, those that the desired state is for. On the others, nothing of the resource should be.
    pub versions: VersionRange,
    /// Those that it was for before an Update, and the target that the resource named then.
    pub versions_before: Option<(VersionRange, PolicyTarget)>,
}

impl ReconcileSpec {
    /// The desired state of these policies, with the provider's own role.
    #[must_use]
    pub fn new(targets: TargetSet, desired: DesiredState) -> Self {
        let named = match &targets {
            TargetSet::One(target) => Some(target.clone()),
            TargetSet::AllVersions(_) => None,
        };
        Self {
            targets,
            named,
            role: None,
            desired,
            desired_elsewhere: None,
            versions: VersionRange::default(),
            versions_before: None,
        }
    }

    /// These targets, which are all that exist: first those that the grant is for, and then those that it is not for, so that it is
    /// nowhere removed before it is everywhere added. The named target is always one that it is for.
    #[must_use]
    pub fn partition(&self, targets: Vec<PolicyTarget>) -> [Vec<(PolicyTarget, Membership)>; 2] {
        let numbers: Vec<NonZeroU64> = targets.iter().filter_map(PolicyTarget::version).collect();
        let oldest_of = |range: VersionRange| range.oldest_of(numbers.iter().copied());
        let oldest = oldest_of(self.versions);
        let before = self.versions_before.as_ref();
        let before = before.map(|(range, named)| (oldest_of(*range), named));
        let is_in = |target: &PolicyTarget, oldest: Option<NonZeroU64>| {
            let version = target.version();
            version.is_none_or(|version| oldest.is_some_and(|oldest| version >= oldest))
        };
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for target in targets {
            let was = before.map(|(oldest, named)| *named == target || is_in(&target, oldest));
            if self.named.as_ref() != Some(&target) && !is_in(&target, oldest) {
                outside.push((
                    target,
                    Membership::Leaves {
                        was: was == Some(true),
                    },
                ));
            } else if was == Some(false) {
                inside.push((target, Membership::Joins));
            } else {
                inside.push((target, Membership::Stays));
            }
        }
        [inside, outside]
    }

    /// The desired state of the policy of `target`.
    #[must_use]
    pub fn desired_for(
        &self,
        target: &PolicyTarget,
        membership: Membership,
    ) -> Cow<'_, DesiredState> {
        let is_named = self.named.as_ref() == Some(target);
        let elsewhere = self.desired_elsewhere.as_ref().filter(|_| !is_named);
        let desired = elsewhere.unwrap_or(&self.desired);
        match membership {
            Membership::Stays => Cow::Borrowed(desired),
            Membership::Joins => Cow::Owned(desired.joining()),
            Membership::Leaves { was } => Cow::Owned(desired.outside(was)),
        }
    }

    /// The same in the partition of `other`, if both are about the same resource otherwise: Lambda knows what is of the own account by
    /// its name, so that a wrong partition in its ARN makes no difference.
    #[must_use]
    pub fn in_partition_of(mut self, other: &Self) -> Self {
        let moved = self
            .targets
            .in_partition(other.targets.location().partition());
        if moved.has_resource_of(&other.targets) {
            self.targets = moved;
        }
        self
    }

    /// A statement that `new` desires and that is removed by these removals.
    #[must_use]
    pub fn removed_statement_of(&self, new: &Self) -> Option<StatementId> {
        if !self.targets.overlaps(&new.targets) {
            return None;
        }
        let removals = &self.desired.removals;
        let units: Vec<&UnitGrant> = removals.iter().filter_map(Removal::unit).collect();
        let removed = removals.iter().filter(|removal| removal.unit().is_none());
        let removed: BTreeSet<&StatementId> = removed.map(Removal::sid).collect();
        let lists: Vec<&StatementId> = removals.iter().filter_map(by_id).collect();
        let statements = new.desired.statements.iter();
        let mut shared = statements.filter(|statement| {
            let is_in = |list: &&StatementId| is_member(list, statement);
            removed.contains(&statement.sid) || lists.iter().any(is_in)
        });
        let statement = shared.next().map(|statement| &statement.sid);
        let mut new_units = new.desired.units.iter();
        let unit = new_units.find(|new| {
            lists.contains(&&new.list) || units.iter().any(|unit| unit.has_ids_of(new))
        });
        statement.or(unit.map(|unit| &unit.list)).cloned()
    }

    /// Takes over what `old` removes, in some of whose policies these statements are desired: with all versions of the layer where either
    /// is for all.
    pub(super) fn take_over(&mut self, old: Self) {
        if matches!(self.targets, TargetSet::One(_)) {
            self.desired_elsewhere = Some(old.desired.clone());
            self.targets = old.targets;
        }
        self.desired.removals = old.desired.removals;
    }
}

fn by_id(removal: &Removal) -> Option<&StatementId> {
    match removal {
        Removal::ById(sid) => Some(sid),
        Removal::Exact(_) | Removal::Verbatim(..) | Removal::Unit(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::statement::Statement;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

    /// A statement for account 111122223333.
    fn statement(sid: &str) -> Statement {
        let account = "111122223333".parse().expect("an account");
        Statement::layer_version(sid.parse().expect("a statement id"), account)
    }

    /// The spec of version 1, or of all versions.
    fn spec(end: &str, statements: &[&str], removals: &[Removal]) -> ReconcileSpec {
        let targets = format!("{LAYER}{end}").parse().expect("targets");
        let desired = DesiredState {
            statements: statements.iter().map(|sid| statement(sid)).collect(),
            removals: removals.to_vec(),
            ..DesiredState::default()
        };
        ReconcileSpec::new(targets, desired)
    }

    #[test]
    fn a_removed_statement_is_found_by_its_id_or_as_one_of_a_list() {
        let by_id = |sid: &str| Removal::ById(sid.parse().expect("a statement id"));
        let exact = |sid: &str| Removal::Exact(statement(sid));
        for (removal, desired, is_removed) in [
            (exact("team"), "team", true),
            (exact("team"), "team-111122223333", false),
            (by_id("team"), "team", true),
            (by_id("team"), "team-111122223333", true),
            (by_id("team"), "team-444455556666", false),
            (by_id("team"), "other-111122223333", false),
        ] {
            let old = spec(":1", &[], &[removal.clone(), exact("last")]);
            let new = spec(":1", &["first", desired], &[]);
            let found = old.removed_statement_of(&new);
            let expected = is_removed.then(|| statement(desired).sid);
            assert_eq!(found, expected, "{removal:?}");
            let elsewhere = spec(":2", &["first", desired], &[]);
            assert_eq!(
                old.removed_statement_of(&elsewhere),
                None,
                "another version"
            );
        }
    }

    #[test]
    fn a_spec_that_takes_over_is_for_all_versions_and_desires_its_own_in_the_named_one() {
        let old = [Removal::Exact(statement("sid"))];
        for (new_end, old_end, elsewhere) in [(":1", "", true), ("", ":1", false)] {
            let replaced = spec(old_end, &[], &old);
            let mut new = spec(new_end, &["sid"], &[]);
            let named = new.named.clone();
            new.take_over(replaced.clone());
            let expected = ReconcileSpec {
                named,
                desired_elsewhere: elsewhere.then_some(replaced.desired),
                ..spec("", &["sid"], &old)
            };
            assert_eq!(new, expected, "`{new_end}` takes over `{old_end}`");
        }
    }

    #[test]
    fn an_update_of_the_versions_adds_before_it_removes_and_knows_what_was_in_the_set() {
        let version = |number: u64| -> PolicyTarget {
            format!("{LAYER}:{number}").parse().expect("a target")
        };
        let range = |from: u64, newest: u64| VersionRange {
            from: NonZeroU64::new(from),
            newest: NonZeroU64::new(newest),
        };
        let (stays, joins) = (Membership::Stays, Membership::Joins);
        let leaves = |was| Membership::Leaves { was };
        for (name, before, now, inside, outside) in [
            (
                "a Create",
                None,
                range(3, 0),
                &[(4, stays), (3, stays)][..],
                &[(2, leaves(false)), (1, leaves(false))][..],
            ),
            (
                "all",
                None,
                range(0, 0),
                &[(4, stays), (3, stays), (2, stays), (1, stays)],
                &[],
            ),
            (
                "the named one is none of the newest",
                None,
                range(0, 1),
                &[(4, stays), (3, stays)],
                &[(2, leaves(false)), (1, leaves(false))],
            ),
            (
                "narrowed",
                Some((range(2, 0), 3)),
                range(0, 2),
                &[(4, stays), (3, stays)],
                &[(2, leaves(true)), (1, leaves(false))],
            ),
            (
                "widened",
                Some((range(0, 1), 3)),
                range(2, 0),
                &[(4, stays), (3, stays), (2, joins)],
                &[(1, leaves(false))],
            ),
            (
                "another one was named",
                Some((range(0, 1), 1)),
                range(0, 1),
                &[(4, stays), (3, joins)],
                &[(2, leaves(false)), (1, leaves(true))],
            ),
        ] {
            let mut spec = spec("", &["sid"], &[]);
            (spec.named, spec.versions) = (Some(version(3)), now);
            spec.versions_before = before.map(|(range, named)| (range, version(named)));
            let [found_inside, found_outside] =
                spec.partition((1..=4).rev().map(version).collect());
            let expected = |each: &[(u64, Membership)]| -> Vec<(PolicyTarget, Membership)> {
                each.iter()
                    .map(|(number, membership)| (version(*number), *membership))
                    .collect()
            };
            assert_eq!(found_inside, expected(inside), "{name}");
            assert_eq!(found_outside, expected(outside), "{name}");
        }
    }

    #[test]
    fn the_named_target_has_the_desired_state_and_all_others_the_one_for_elsewhere() {
        let mut all = spec("", &["sid"], &[]);
        let version = |number: u64| format!("{LAYER}:{number}").parse().expect("a target");
        all.named = Some(version(1));
        let desired = |all: &ReconcileSpec, number: u64| {
            let desired = all.desired_for(&version(number), Membership::Stays);
            desired.into_owned()
        };
        assert_eq!(desired(&all, 2), all.desired);
        let elsewhere = spec("", &["other"], &[]).desired;
        all.desired_elsewhere = Some(elsewhere.clone());
        assert_eq!(desired(&all, 1), all.desired);
        assert_eq!(desired(&all, 2), elsewhere);
    }

    /// The ids of the desired statements.
    fn sids(operation: &Operation) -> Vec<String> {
        let spec = operation.spec.as_ref().expect("a spec");
        let statements = spec.desired.statements.iter();
        statements
            .map(|statement| statement.sid.to_string())
            .collect()
    }

    fn unit(id: &str) -> UnitGrant {
        UnitGrant {
            list: "team".parse().expect("a statement id"),
            unit: id.parse().expect("a unit"),
            of_url: None,
            action: "lambda:GetLayerVersion".into(),
            conditions: crate::policy::conditions::Conditions::default(),
            path: None,
        }
    }

    fn account(path: &str) -> MemberAccount {
        let path = format!("o-abc1234567/r-abcd/{path}/");
        path.parse().expect("a path")
    }

    #[test]
    fn a_unit_stands_for_the_accounts_in_it_and_in_units_in_it_each_of_them_once() {
        let of_units = |ids: &[&str]| {
            let mut spec = spec(":1", &[], &[]);
            spec.desired.units = ids.iter().map(|id| unit(id)).collect();
            Operation {
                mode: Mode::Apply,
                spec: Some(spec),
                orphaned: None,
                physical_id: PhysicalResourceId::default(),
                keeps_id: false,
                resource: None,
            }
        };
        let (outer, inner, other) = ("ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333");
        let accounts = [
            account(&format!("{outer}/111111111111")),
            account(&format!("{outer}/{inner}/222222222222")),
            account(&format!("{outer}/{inner}/222222222222")),
            account(&format!("{other}/333333333333")),
            account("444444444444"),
        ];
        for (ids, expected) in [
            (
                &[outer][..],
                &["11111111-111111111111", "11111111-222222222222"][..],
            ),
            (&[inner], &["22222222-222222222222"]),
            (
                &[outer, inner],
                &[
                    "11111111-111111111111",
                    "11111111-222222222222",
                    "22222222-222222222222",
                ],
            ),
        ] {
            let mut operation = of_units(ids);
            assert_eq!(operation.expand(&accounts), Ok(()));
            let expected = expected.iter().map(|of| format!("team-{of}"));
            assert!(sids(&operation).into_iter().eq(expected), "{ids:?}");
            assert!(operation.units().iter().all(|unit| unit.path.is_some()));
        }
        let empty = "ou-abcd-44444444";
        let mut operation = of_units(&[outer, empty]);
        assert_eq!(operation.expand(&accounts), Err(unit(empty).unit));
    }

    #[test]
    fn the_accounts_of_a_unit_are_shared_by_what_removes_them() {
        let of_unit = |list: &str, id: &str| UnitGrant {
            list: list.parse().expect("a statement id"),
            ..unit(id)
        };
        let (one, other) = ("ou-abcd-11111111", "ou-abcd-22222222");
        for (removal, desired, is_shared) in [
            (
                Removal::Unit(of_unit("team", one)),
                of_unit("team", one),
                true,
            ),
            (
                Removal::Unit(of_unit("team", one)),
                of_unit("team", other),
                false,
            ),
            (
                Removal::Unit(of_unit("team", one)),
                of_unit("other", one),
                false,
            ),
            (
                Removal::ById("team".parse().expect("an id")),
                of_unit("team", one),
                true,
            ),
            (
                Removal::ById("tea".parse().expect("an id")),
                of_unit("team", one),
                false,
            ),
        ] {
            let old = spec(":1", &[], std::slice::from_ref(&removal));
            let mut new = spec("", &[], &[]);
            new.desired.units = vec![desired];
            assert_eq!(
                old.removed_statement_of(&new).is_some(),
                is_shared,
                "{removal:?}"
            );
        }
        // The statement with the id of the whole list is not one of a unit.
        let old = spec(":1", &[], &[Removal::Unit(of_unit("team", one))]);
        assert_eq!(old.removed_statement_of(&spec("", &["team"], &[])), None);
    }

    #[test]
    fn a_version_that_joins_or_leaves_the_set_has_no_account_that_has_left_a_unit() {
        let mut spec = spec("", &[], &[]);
        let (kept, dropped) = (unit("ou-abcd-11111111"), unit("ou-abcd-22222222"));
        spec.desired.leftovers = vec![Removal::Unit(kept.clone())];
        spec.desired.removals = vec![Removal::Unit(dropped.clone())];
        let target = format!("{LAYER}:1").parse().expect("a target");
        for membership in [Membership::Joins, Membership::Leaves { was: false }] {
            let desired = spec.desired_for(&target, membership);
            let units: Vec<_> = desired.unwanted().filter_map(Removal::unit).collect();
            assert!(
                units.contains(&&kept) && units.contains(&&dropped),
                "{membership:?}"
            );
            assert_eq!(desired.removals, [], "nothing is expected there");
        }
    }
}
