//! Which statements somebody should look at. No I/O.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::access::Access;
use super::baseline::Baseline;
use super::finding::{Finding, FindingKind};
use super::owner::{Owner, Owners};
use super::report::{AuditedPolicy, AuditedStatement};
use super::trusted::Trusted;
use crate::policy::arn::AccountId;
use crate::policy::statement_id::StatementId;
use crate::policy::target::{PolicyTarget, TargetSet};

/// What decides about statements.
pub(super) struct Judge<'a> {
    pub(super) account: &'a AccountId,
    pub(super) trusted: &'a Trusted,
    pub(super) baseline: &'a Baseline,
}

impl Judge<'_> {
    /// The findings about `policies`, and about those that lack the statement of a resource: the most urgent first.
    pub(super) fn findings(
        &self,
        policies: &[AuditedPolicy],
        missing: Vec<(PolicyTarget, Owner)>,
    ) -> Vec<Finding> {
        let found = policies.iter().flat_map(|policy| {
            let statements = policy.statements.iter();
            statements.flat_map(|statement| self.of_statement(&policy.target, statement))
        });
        let missing = missing.into_iter().map(|(target, owner)| {
            let sid = owner.grant.as_ref().map(|grant| grant.sid.to_string());
            let detail = "its stack has the resource, the policy has no statement of it";
            Finding::new(
                FindingKind::Missing,
                target,
                sid.unwrap_or_default(),
                Some(owner),
                detail.to_owned(),
                None,
            )
        });
        let mut findings: Vec<Finding> = found.chain(missing).collect();
        for finding in &mut findings {
            finding.accepted = self.baseline.reason(finding).map(str::to_owned);
        }
        findings.sort_by_key(|finding| finding.kind);
        findings
    }

    fn of_statement(&self, target: &PolicyTarget, statement: &AuditedStatement) -> Vec<Finding> {
        let AuditedStatement { access, owner } = statement;
        let found = [self.reach(access), self.ownership(access, owner.as_ref())];
        let found = found.into_iter().flatten();
        found
            .map(|(kind, detail)| {
                let sid = access.statement_id.clone();
                let (target, owner) = (target.clone(), owner.clone());
                Finding::new(kind, target, sid, owner, detail, Some(&access.statement))
            })
            .collect()
    }

    /// What there is to say about whom a statement grants to.
    fn reach(&self, access: &Access) -> Option<(FindingKind, String)> {
        if access.is_public {
            return Some((FindingKind::Public, "everybody can use it".to_owned()));
        }
        let trusted = self.trusted.clone().with_account(self.account.clone());
        let is_outside = !self.trusted.is_empty() && access.is_outside(&trusted);
        is_outside.then(|| {
            let who = access.who();
            let who = who.unwrap_or_else(|| "whoever the statement names".to_owned());
            (FindingKind::Outside, format!("{who} is not trusted"))
        })
    }

    /// What there is to say about whose a statement is.
    fn ownership(&self, access: &Access, owner: Option<&Owner>) -> Option<(FindingKind, String)> {
        let Some(owner) = owner else {
            let account = self.account;
            let sid = access.parsed.as_ref().map(|statement| &statement.sid);
            let hint = match sid.and_then(StatementId::derived_part) {
                Some(_) => ", its id is like one of a stack of another account or region",
                None => "",
            };
            let detail = format!("no stack of account {account} has it{hint}");
            return Some((FindingKind::Unowned, detail));
        };
        if !owner.is_living() {
            let (stack, status) = (&owner.resource.stack_id, &owner.resource.status);
            let detail = format!("{owner} is {status} ({stack})");
            return Some((FindingKind::OwnerGone, detail));
        }
        let why = if access.is_for_deleted_principal() {
            "its role or user was deleted"
        } else if owner.may_have_written(access) {
            return None;
        } else {
            "it is not what the resource writes"
        };
        Some((FindingKind::Changed, format!("{owner} has it, and {why}")))
    }
}

/// The policies of `targets` that lack any statement of a resource that grants in them.
pub(super) fn missing(
    policies: &[AuditedPolicy],
    targets: &[PolicyTarget],
    owners: &Owners,
) -> Vec<(PolicyTarget, Owner)> {
    let statements: BTreeMap<&PolicyTarget, &[AuditedStatement]> = policies
        .iter()
        .map(|policy| (&policy.target, &policy.statements[..]))
        .collect();
    let mut missing = Vec::new();
    let mut oldest = BTreeMap::new();
    for target in targets {
        let of_target = statements.get(target).copied().unwrap_or_default();
        for owner in owners
            .granting_in(target)
            .filter(|owner| owner.is_complete())
        {
            let has_statement = of_target.iter().any(|found| owner.has(&found.access));
            if has_statement {
                continue;
            }
            let id = owner.resource.physical_id.clone();
            let oldest = oldest
                .entry(id)
                .or_insert_with(|| oldest_of(owner, policies));
            if target
                .version()
                .zip(*oldest)
                .is_none_or(|(version, oldest)| version > oldest)
            {
                missing.push((target.clone(), owner.clone()));
            }
        }
    }
    missing
}

/// The oldest version that has a statement of `owner`, if that grants on many: older ones may not be in its `Versions`, which no physical
/// id says.
fn oldest_of(owner: &Owner, policies: &[AuditedPolicy]) -> Option<NonZeroU64> {
    let grant = owner.grant.as_ref()?;
    if matches!(grant.targets, TargetSet::One(_)) {
        return None;
    }
    let of_layer = policies.iter().filter(|policy| {
        let one = TargetSet::One(policy.target.clone());
        grant.targets.overlaps(&one)
    });
    let having = of_layer.filter(|policy| {
        let mut statements = policy.statements.iter();
        statements.any(|found| owner.has(&found.access))
    });
    having.filter_map(|policy| policy.target.version()).min()
}
