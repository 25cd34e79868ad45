//! Brings the statements of units in one policy after the other up to date.

use std::collections::BTreeSet;
use std::fmt::Display;

use tokio::time::sleep;
use tracing::info;

use super::ledger::{Ledger, UnitEntry};
use super::sources::Source;
use super::status::RefreshStatus;
use crate::aws::error::{ApiError, ErrorKind};
use crate::backoff::Backoff;
use crate::guardrails::Guardrails;
use crate::inventory::Region;
use crate::policy::document::PolicyDocument;
use crate::policy::function_arn::FunctionArn;
use crate::policy::organization::{MemberAccount, UnitId};
use crate::policy::size::ensure_fits;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::target::{PolicyTarget, TargetSet};

/// What all policies are compared with.
pub(super) struct Policies<'a> {
    pub(super) region: &'a Region,
    pub(super) guardrails: &'a Guardrails,
    /// The provider's own function.
    pub(super) function: &'a FunctionArn,
    /// All active ones of the organization.
    pub(super) accounts: &'a [MemberAccount],
    /// The statement ids of all resources.
    pub(super) lists: &'a BTreeSet<StatementId>,
    pub(super) status: &'a RefreshStatus,
}

/// What is to be written, additions first.
#[derive(Debug, Default)]
struct Changes {
    added: Vec<Statement>,
    removed: Vec<Statement>,
}

impl Policies<'_> {
    /// Brings the policies of `source` up to date.
    pub(super) async fn refresh(&self, source: &Source) {
        let targets = &source.targets;
        if targets.location().account() != self.function.location().account() {
            // A stack does not say which role its resource has.
            info!(resource = %targets, "resource skipped");
            return;
        }
        let policies = match targets {
            TargetSet::One(target) => Ok(vec![target.clone()]),
            TargetSet::AllVersions(layer) => self.region.versions(layer).await,
        };
        match policies {
            Ok(policies) => {
                for target in policies {
                    self.refresh_policy(&target, source).await;
                }
            }
            Err(error) => self.report(targets, &error.without_remedy()),
        }
    }

    fn report(&self, target: &dyn Display, reason: &str) {
        self.status.report(&format!("{reason} (`{target}`)"));
    }

    async fn refresh_policy(&self, target: &PolicyTarget, source: &Source) {
        let mut doubtful = None;
        loop {
            let policy = match self.region.policy(target).await {
                Ok(policy) => policy,
                Err(error) => return self.report(target, &error.without_remedy()),
            };
            let ledger = Ledger::read(&policy, source.list.as_ref(), self.accounts);
            let is_first = doubtful.is_none();
            // What the first reading has shown: accounts that join would make those that are gone a smaller part.
            let doubtful = doubtful.get_or_insert_with(|| self.doubtful(target, source, &ledger));
            let changes = self.changes(&policy, &ledger, doubtful, is_first);
            if changes.added.is_empty() && changes.removed.is_empty() {
                return;
            }
            // A conflict too: if that is a stack that drops the unit, it must not be worked against.
            if let Err(error) = self.write(policy, changes).await {
                return self.report(target, &error.without_remedy());
            }
        }
    }

    /// The units whose accounts are not removed.
    fn doubtful(
        &self,
        target: &PolicyTarget,
        source: &Source,
        ledger: &Ledger,
    ) -> BTreeSet<UnitId> {
        let mut doubtful = BTreeSet::new();
        if !ledger.entries.is_empty() {
            self.status.policy_read();
        }
        for entry in ledger.entries.iter().filter(|entry| entry.is_doubtful()) {
            let (gone, granted) = (entry.gone().count(), entry.granted.len());
            let unit = &entry.grant.unit;
            if doubtful.insert(unit.clone()) {
                self.report(target, &format!(
                    "too many accounts gone: got {gone} of {granted} no longer in `{unit}`, deploy the stack with another `Nonce` if that is right"
                ));
            }
        }
        for (list, unit) in &ledger.unknown {
            // What looks like a unit may be the end of the id of another resource; and of policies that the operator names, nothing
            // says whose their statements are.
            let longer = list.with_suffix(unit);
            let is_other = longer.is_some_and(|longer| self.lists.contains(&longer));
            if source.list.is_some() && !is_other {
                self.report(target, &format!(
                    "no account in the organizational unit: got none in `ou-…-{unit}`, drop the unit from `{list}` if it is gone"
                ));
            }
        }
        doubtful
    }

    /// What is to be written, as far as it is allowed and fits; what is not is reported if this is the first reading.
    fn changes(
        &self,
        policy: &PolicyDocument,
        ledger: &Ledger,
        doubtful: &BTreeSet<UnitId>,
        is_first: bool,
    ) -> Changes {
        let (mut changes, mut seen) = (Changes::default(), BTreeSet::new());
        for entry in &ledger.entries {
            let mut missing = entry.missing(policy);
            missing.retain(|statement| seen.insert(statement.sid.clone()));
            match self.refusal(&missing, entry, policy) {
                Some(reason) if is_first => self.report(&policy.target, &reason),
                Some(_) => {}
                None => changes.added.extend(missing),
            }
            if !doubtful.contains(&entry.grant.unit) {
                changes.removed.extend(entry.leaving());
            }
        }
        changes
    }

    /// Why the missing statements of `entry` are not added, if they are not.
    fn refusal(
        &self,
        missing: &[Statement],
        entry: &UnitEntry,
        policy: &PolicyDocument,
    ) -> Option<String> {
        if missing.is_empty() {
            return None;
        }
        let function = self.function;
        let denied = self
            .guardrails
            .check_unit(&entry.grant, &policy.target, function);
        let too_many = || ensure_fits(&missing.iter().collect(), &entry.desired(), policy).err();
        denied.or_else(|| too_many().map(|error| error.to_string()))
    }

    /// Writes the changes under the revision of `policy`, until that of a write is not known.
    async fn write(&self, mut policy: PolicyDocument, changes: Changes) -> Result<(), ApiError> {
        let api = self.region.lambda();
        for statement in &changes.added {
            if policy.revision_id.is_some() {
                policy = unless_throttled(async || api.add(statement, &policy).await).await?;
                self.status.statement_added();
            }
        }
        for statement in &changes.removed {
            if policy.revision_id.is_some() {
                policy =
                    unless_throttled(async || api.remove(&statement.sid, &policy).await).await?;
                self.status.statement_removed();
            }
        }
        Ok(())
    }
}

/// The result of `write`, which is repeated while it is throttled: nothing was done then.
async fn unless_throttled<T>(write: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let mut backoff = Backoff::patient();
    loop {
        match write().await {
            Err(error) if error.kind == ErrorKind::Throttled => sleep(backoff.pause()).await,
            written => return written,
        }
    }
}
