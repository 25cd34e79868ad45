//! What must not be added to a policy.

use std::collections::BTreeMap;

use super::statement::Statement;
use super::unit_grant::UnitGrant;

/// The statements that the guardrails deny, and why: none is added to a policy, not even in a rollback. One that is there already
/// may stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    statements: BTreeMap<Statement, String>,
    units: Vec<(UnitGrant, String)>,
}

impl Denied {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The statements that are denied one by one, and why.
    pub fn statements(&self) -> impl Iterator<Item = (&Statement, &str)> {
        let statements = self.statements.iter();
        statements.map(|(statement, reason)| (statement, reason.as_str()))
    }

    /// Denies the statements of `unit` for this reason, whichever accounts are in it.
    pub fn deny_unit(&mut self, unit: UnitGrant, reason: String) {
        self.units.push((unit, reason));
    }

    /// Why `statement` is denied, if it is.
    #[must_use]
    pub fn reason(&self, statement: &Statement) -> Option<&str> {
        let of_unit = || self.units.iter().find(|(unit, _)| unit.has(statement));
        let reason = self.statements.get(statement);
        let reason = reason.or_else(|| of_unit().map(|(_, reason)| reason));
        reason.map(String::as_str)
    }
}

impl FromIterator<(Statement, String)> for Denied {
    fn from_iter<I: IntoIterator<Item = (Statement, String)>>(denied: I) -> Self {
        Self {
            statements: denied.into_iter().collect(),
            units: Vec::new(),
        }
    }
}
