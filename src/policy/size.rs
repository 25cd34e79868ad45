//! Whether the statements for the accounts of units fit into a policy. That is known before the first of them is written, so that
//! none of them is where all of them are too many.

use std::collections::BTreeSet;

use thiserror::Error;

use super::desired::DesiredState;
use super::document::{MAX_POLICY_BYTES, PolicyDocument};
use super::statement::Statement;
use crate::text::joined;

/// The size of a policy without statements, as Lambda writes it: `{"Version":"2012-10-17","Id":"default","Statement":[]}`.
const EMPTY_POLICY_BYTES: usize = 53;

/// How many units a reason names.
const MAX_REPORTED: usize = 5;

/// The policy has no space for the statements of all accounts of some units.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "policy size limit exceeded: got {wanted} accounts in {units}, of which {fit} fit beside {others} other statements in \
     {MAX_POLICY_BYTES} bytes, grant to the organization and let a service control policy narrow that to the unit \
     (docs/organizations.md)"
)]
pub struct TooManyAccounts {
    /// How many statements there should be for accounts of units.
    wanted: usize,
    units: String,
    /// How many of them fit.
    fit: usize,
    /// How many statements the policy has that this resource does not desire.
    others: usize,
}

/// Checks that `policy` has space for what is `added` to it, if some of that is for units. Additions come before removals, so it has to
/// have space for both.
///
/// # Errors
/// If it does not.
pub(crate) fn ensure_fits(
    added: &BTreeSet<&Statement>,
    desired: &DesiredState,
    policy: &PolicyDocument,
) -> Result<(), TooManyAccounts> {
    if desired.units.is_empty() {
        return Ok(());
    }
    let mut bytes = policy.bytes().max(EMPTY_POLICY_BYTES);
    let (mut wanted, mut fit, mut ours) = (0, 0, 0);
    for statement in &desired.statements {
        if added.contains(statement) {
            bytes += statement.to_json(&policy.target).to_string().len() + 1;
        } else {
            ours += 1;
        }
        if desired.units.iter().any(|unit| unit.has(statement)) {
            wanted += 1;
            fit += usize::from(bytes <= MAX_POLICY_BYTES);
        }
    }
    if bytes <= MAX_POLICY_BYTES {
        return Ok(());
    }
    let units: BTreeSet<String> = desired
        .units
        .iter()
        .map(|of| format!("`{}`", of.unit))
        .collect();
    let mut units: Vec<String> = units.into_iter().collect();
    let more = units.len().saturating_sub(MAX_REPORTED);
    units.truncate(MAX_REPORTED);
    Err(TooManyAccounts {
        wanted,
        units: joined(&units, ", ", more),
        fit,
        others: policy.len().saturating_sub(ours),
    })
}
