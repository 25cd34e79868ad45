//! The desired state of one policy, as far as one resource of a stack is concerned.
//! Knows nothing of the request behind it, or of what the policy contains.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::document::PolicyDocument;
use super::statement::Statement;
use super::statement_id::StatementId;
use super::target::PolicyTarget;
use super::unit_grant::UnitGrant;

/// What one policy should contain, and what it should not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredState {
    /// The statements that should be in the policy.
    pub statements: Vec<Statement>,
    /// The units whose accounts' statements are among them, once these were listed.
    pub units: Vec<UnitGrant>,
    /// The statements that should not, but are expected to be there. One whose id is also desired may be replaced.
    pub removals: Vec<Removal>,
    /// The statements that should not, and are not expected to be there: an earlier event may have left them when the policy was in
    /// the set that the resource grants in.
    pub leftovers: Vec<Removal>,
    /// Whether an Update adds the policy to the set that the resource grants in: nothing of the resource is expected in it.
    pub joins: bool,
    /// The revision that the policy must have before the first write.
    pub revision_id: Option<String>,
    /// Of the desired ids, those that are desired only in place of a statement that is removed: a rollback does not restore what
    /// another writer has removed or replaced since.
    pub only_as_replacement: BTreeSet<StatementId>,
}

impl DesiredState {
    /// All statements that should not be in the policy.
    pub fn unwanted(&self) -> impl Iterator<Item = &Removal> {
        self.removals.iter().chain(&self.leftovers)
    }

    /// The state of a policy that an Update adds to the set.
    #[must_use]
    pub fn joining(&self) -> Self {
        Self {
            removals: Vec::new(),
            leftovers: self.unwanted().cloned().collect(),
            joins: true,
            ..self.clone()
        }
    }

    /// The state of a policy that is not in the set. What is removed is expected there only if it `was` in the set before.
    #[must_use]
    pub fn outside(&self, was: bool) -> Self {
        let declared = self.statements.iter().cloned().map(Removal::Exact);
        let declared = declared.filter(|removal| !self.removals.contains(removal));
        let (mut removals, mut leftovers) = (self.removals.clone(), self.leftovers.clone());
        if !was {
            leftovers.append(&mut removals);
        }
        leftovers.extend(declared);
        Self {
            removals,
            leftovers,
            ..Self::default()
        }
    }

    /// Whether the accounts of `unit` are granted the same.
    #[must_use]
    pub fn has_unit(&self, unit: &UnitGrant) -> bool {
        let mut units = self.units.iter();
        units.any(|desired| desired.grants_same(unit))
    }

    /// The same for `policy`, which tells which accounts of the units that are removed were granted to.
    #[must_use]
    pub fn resolve(&self, policy: &PolicyDocument) -> Cow<'_, Self> {
        if self.unwanted().all(|removal| removal.unit().is_none()) {
            return Cow::Borrowed(self);
        }
        let mut resolved = self.clone();
        for removals in [&mut resolved.removals, &mut resolved.leftovers] {
            let units = removals.iter().filter_map(Removal::unit);
            let found = units.flat_map(|unit| unit.found_in(policy));
            let found: Vec<Removal> = found.map(Removal::Exact).collect();
            removals.extend(found);
        }
        Cow::Owned(resolved)
    }
}

/// A statement that should not be in the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// This statement. Another one of its id is not owned, and stays.
    Exact(Statement),
    /// The statement of this id, if it is word for word the one that Lambda returned.
    Verbatim(StatementId, Value),
    /// Whatever has this id, or an id of a list of this id: the properties that declared it cannot be read any more, or the id is
    /// derived and no other resource has it.
    ById(StatementId),
    /// The statements of all accounts of a unit that the policy contains.
    Unit(UnitGrant),
}

impl Removal {
    /// The id of the statement, or of the resource whose statements it means.
    #[must_use]
    pub fn sid(&self) -> &StatementId {
        match self {
            Self::Exact(statement) => &statement.sid,
            Self::Verbatim(sid, _) | Self::ById(sid) => sid,
            Self::Unit(unit) => &unit.list,
        }
    }

    /// The statement, where it is known.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Exact(statement) => Some(statement),
            Self::Verbatim(..) | Self::ById(_) | Self::Unit(_) => None,
        }
    }

    /// The unit, where its accounts' statements are meant.
    #[must_use]
    pub fn unit(&self) -> Option<&UnitGrant> {
        match self {
            Self::Unit(unit) => Some(unit),
            Self::Exact(_) | Self::Verbatim(..) | Self::ById(_) => None,
        }
    }

    /// The removal of `found`, which has this id in the policy of `target`, if it is the statement to remove. The one of a deleted
    /// principal is removed as it was found: it cannot be restored.
    #[must_use]
    pub fn of_found(&self, found: &Value, target: &PolicyTarget) -> Option<Self> {
        let is_dead = self
            .statement()
            .is_some_and(|statement| statement.matches_deleted_principal(found, target));
        if is_dead {
            return Some(Self::Verbatim(self.sid().clone(), found.clone()));
        }
        self.matches(found, target).then(|| self.clone())
    }

    /// Whether `found`, which has this id in the policy of `target`, is the statement to remove.
    #[must_use]
    pub fn matches(&self, found: &Value, target: &PolicyTarget) -> bool {
        match self {
            Self::Exact(statement) => {
                statement.matches_in_any_partition(found, target)
                    || statement.matches_deleted_principal(found, target)
            }
            Self::Verbatim(_, as_read) => found == as_read,
            Self::ById(_) => true,
            // Each of its statements is a removal of its own.
            Self::Unit(_) => false,
        }
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(statement) => statement.fmt(f),
            Self::Verbatim(sid, _) | Self::ById(sid) => write!(f, "`{sid}`"),
            Self::Unit(unit) => unit.fmt(f),
        }
    }
}
