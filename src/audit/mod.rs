//! Who can use the layers and functions of an account, which stack each grant belongs to, and what somebody should look at.
//! Reads only: the command-line program `lambda-permission-audit` and the scheduled function both run it.

pub mod access;
pub mod baseline;
pub mod finding;
mod findings;
mod limit;
pub mod owner;
pub mod report;
pub mod scheduled;
mod selection;
pub mod trusted;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use thiserror::Error;

use self::access::Access;
use self::baseline::Baseline;
use self::findings::Judge;
use self::owner::{Owner, Owners, possible_physical_ids};
use self::report::{AuditedPolicy, AuditedStatement, Counted, Report};
use self::trusted::Trusted;
use crate::aws::error::{ApiError, ErrorKind};
use crate::aws::stack_listing::ListedResource;
use crate::inventory::Region;
use crate::policy::arn::AccountId;
use crate::policy::document::PolicyDocument;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::text::shown;

/// How many calls are made at a time.
const CONCURRENCY: usize = 8;

/// An audit of one account.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The account.
    pub account: AccountId,
    /// The regions, in the order of the report.
    pub regions: Vec<Region>,
    /// What is looked at; everything where there is none.
    pub selection: Vec<TargetSet>,
    /// Whom statements may grant to; nothing is outside of none.
    pub trusted: Trusted,
    /// What is accepted.
    pub baseline: Baseline,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A call failed.
    #[error("{}, {}", .0.without_remedy(), remedy(.0.kind))]
    Api(#[from] ApiError),
    /// What was selected is not there.
    #[error(
        "no such {kind}: got {}, which is none of the {found} that exist, correct the ARN",
        shown(given)
    )]
    NoSuch {
        /// A layer, layer version or function.
        kind: &'static str,
        /// Its ARN.
        given: String,
        /// How many others were found.
        found: usize,
    },
}

/// What to do about a failed call, for whoever runs the audit.
fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AccessDenied => {
            "use credentials that are allowed to: docs/audit.md lists the permissions"
        }
        ErrorKind::Expired | ErrorKind::Unrecognized => {
            "use credentials that are valid, in a region that is enabled"
        }
        ErrorKind::StaleSignature => "set this machine's clock and try again",
        ErrorKind::Throttled | ErrorKind::Conflict => {
            "try again when fewer calls are made in the region"
        }
        ErrorKind::OutcomeUnknown | ErrorKind::NetworkFailure | ErrorKind::MalformedResponse => {
            "check the region and this machine's network path to AWS, and try again"
        }
        ErrorKind::Misconfigured => "correct the credentials and the region",
        ErrorKind::NotFound
        | ErrorKind::NotYetFound
        | ErrorKind::UnknownPrincipal
        | ErrorKind::PolicyTooLarge
        | ErrorKind::PublicAccessBlocked
        | ErrorKind::InvalidRequest => "correct what this message names",
    }
}

/// How far an audit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many are done.
    pub done: usize,
    /// Of how many.
    pub all: usize,
    /// What they are, such as `policies read`.
    pub what: &'static str,
}

impl Audit {
    /// Looks at everything that is selected, and tells `progress` how far it has come.
    ///
    /// # Errors
    /// If a call failed, or something that was selected does not exist. There is no report of a part.
    pub async fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<Report, AuditError> {
        let (mut counted, mut owners) = (Counted::default(), Owners::default());
        for region in &self.regions {
            counted.stacks += self.read_stacks(region, &mut owners, progress).await?;
        }
        let (mut targets, mut policies) = (Vec::new(), Vec::new());
        for region in &self.regions {
            let of_region = selection::targets(region, &self.selection, progress).await?;
            policies.extend(read_policies(region, &of_region, progress).await?);
            targets.extend(of_region);
        }
        counted.add(&targets);
        self.ask_for_owners(&policies, &mut owners, progress)
            .await?;
        for policy in &mut policies {
            policy.set_owners(&owners);
        }
        let missing = self.still_missing(&policies, &targets, &owners).await?;
        Ok(self.report(counted, policies, missing))
    }

    fn report(
        &self,
        counted: Counted,
        policies: Vec<AuditedPolicy>,
        missing: Vec<(PolicyTarget, Owner)>,
    ) -> Report {
        let judge = Judge {
            account: &self.account,
            trusted: &self.trusted,
            baseline: &self.baseline,
        };
        let findings = judge.findings(&policies, missing);
        // Of a part, the baseline may accept what was not looked at.
        let is_all = self.selection.is_empty();
        let outdated = is_all.then(|| self.baseline.outdated(&findings));
        Report {
            account: self.account.clone(),
            regions: self.regions.iter().map(|of| of.name.clone()).collect(),
            outdated: outdated.unwrap_or_default(),
            findings,
            counted,
            policies,
        }
    }

    /// Adds the resources of all stacks of a region to `owners`; how many stacks there are.
    async fn read_stacks(
        &self,
        region: &Region,
        owners: &mut Owners,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<usize, AuditError> {
        let stacks = region.stacks().await?;
        let all = stacks.len();
        let read = async |stack: String| region.resources(&stack).await;
        let add = |resources| owners.extend(resources);
        read_each(stacks, "stacks read", progress, read, add).await?;
        Ok(all)
    }

    /// Asks CloudFormation for the owners of the statements that no living stack had when the stacks were read: one may be gone, or
    /// new. The resources of each stack that it returns are added, so that it is asked once for each.
    async fn ask_for_owners(
        &self,
        policies: &[AuditedPolicy],
        owners: &mut Owners,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), AuditError> {
        let statements = policies.iter().flat_map(|policy| {
            let statements = policy.statements.iter();
            statements.map(|statement| (&policy.target, &statement.access))
        });
        let unknown = statements.filter(|(target, access)| owners.of(target, access).is_none());
        let unknown: Vec<_> = unknown.collect();
        let (all, mut asked) = (unknown.len(), BTreeSet::new());
        for (done, (target, access)) in unknown.into_iter().enumerate() {
            for id in possible_physical_ids(target, access) {
                if owners.of(target, access).is_none() && asked.insert(id.clone()) {
                    owners.extend(self.resources_beside(target, &id).await?);
                }
            }
            let (done, what) = (done + 1, "owners asked for");
            progress(Progress { done, all, what });
        }
        Ok(())
    }

    /// The resources of the stack with this physical id, in the region of the target or in any other: a provider may grant in
    /// another region than its stack's.
    async fn resources_beside(
        &self,
        target: &PolicyTarget,
        id: &str,
    ) -> Result<Vec<ListedResource>, AuditError> {
        let is_own = |region: &&Region| region.name == target.location().region();
        let (own, others): (Vec<_>, Vec<_>) = self.regions.iter().partition(is_own);
        for region in own.into_iter().chain(others) {
            let beside = region.resources_beside(id).await?;
            if !beside.is_empty() {
                return Ok(beside);
            }
        }
        Ok(Vec::new())
    }

    /// The policies that lack the statement of a resource, which its stack still has when it is asked again.
    async fn still_missing(
        &self,
        policies: &[AuditedPolicy],
        targets: &[PolicyTarget],
        owners: &Owners,
    ) -> Result<Vec<(PolicyTarget, Owner)>, AuditError> {
        let (mut missing, mut having) = (Vec::new(), BTreeMap::new());
        for (target, owner) in findings::missing(policies, targets, owners) {
            let id = owner.resource.physical_id.clone();
            let has_it = if let Some(has_it) = having.get(&id) {
                *has_it
            } else {
                let now = self.resources_beside(&target, &id).await?;
                now.contains(&owner.resource)
            };
            having.insert(id, has_it);
            if has_it {
                missing.push((target, owner));
            }
        }
        Ok(missing)
    }
}

/// The policies of `targets` that have statements.
async fn read_policies(
    region: &Region,
    targets: &[PolicyTarget],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<AuditedPolicy>, AuditError> {
    let mut policies = Vec::new();
    let read = async |target: &PolicyTarget| region.policy(target).await;
    let add = |policy: PolicyDocument| {
        let statements = policy.statements().map(|statement| AuditedStatement {
            access: Access::new(statement, &policy.target),
            owner: None,
        });
        let statements: Vec<_> = statements.collect();
        if !statements.is_empty() {
            let target = policy.target.clone();
            policies.push(AuditedPolicy { target, statements });
        }
    };
    read_each(targets, "policies read", progress, read, add).await?;
    Ok(policies)
}

/// Makes a call for each of `items`, several at a time, and gives the results to `add` in their order.
async fn read_each<T, R, F>(
    items: impl IntoIterator<Item = T>,
    what: &'static str,
    progress: &mut dyn FnMut(Progress),
    call: impl Fn(T) -> F,
    mut add: impl FnMut(R),
) -> Result<(), AuditError>
where
    F: Future<Output = Result<R, ApiError>>,
{
    let items: Vec<T> = items.into_iter().collect();
    let all = items.len();
    let results = stream::iter(items).map(call).buffered(CONCURRENCY);
    let mut results = std::pin::pin!(results.enumerate());
    while let Some((done, result)) = results.next().await {
        add(result?);
        let done = done + 1;
        progress(Progress { done, all, what });
    }
    Ok(())
}
