//! What policies are to hold and what not, as far as one resource is concerned.
//! Knows nothing of how it came to be wanted, or of what is there.

use std::collections::BTreeMap;
use std::fmt;

use super::arn::LayerVersionArn;
use super::grant::Grant;
use super::principal::Principal;
use super::role::Role;
use super::scope::Scope;
use super::statement::{Statement, StatementId};

/// What one policy is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// The statements that are to be there.
    pub wanted: Vec<Statement>,
    /// The statements that are to be gone. One whose id is also wanted may be replaced.
    pub unwanted: Vec<Unwanted>,
    /// The revision that the policy must have for the first write.
    pub revision_id: Option<String>,
    /// Who must not be added, and why: what is there already may stay.
    pub forbidden: BTreeMap<Principal, String>,
}

/// A statement that is to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwanted {
    /// Its id.
    pub sid: StatementId,
    /// What it says. A statement of this id that says something else is somebody else's and stays. Nothing where whatever
    /// goes by this id is meant, in a list too: the properties that declared it can no longer be read, or the id is derived
    /// and no other resource has it.
    pub principal: Option<Principal>,
}

impl Unwanted {
    /// Exactly this statement.
    #[must_use]
    pub fn exactly(statement: Statement) -> Self {
        Self {
            sid: statement.sid,
            principal: Some(statement.principal),
        }
    }
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.principal {
            Some(principal) => write!(f, "`{}` for `{principal}`", self.sid),
            None => write!(f, "`{}`", self.sid),
        }
    }
}

/// The same goal for every policy in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goals {
    /// The policies.
    pub scope: Scope,
    /// The layer version that the resource names, which is in the scope whether or not it is listed.
    pub named: Option<LayerVersionArn>,
    /// The role to do it by; none where it is the provider's own.
    pub role: Option<Role>,
    /// What each of them is to hold.
    pub each: Goal,
}

impl Goals {
    /// Nothing wanted and nothing unwanted yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let named = match &scope {
            Scope::This(layer_version) => Some(layer_version.clone()),
            Scope::All(_) => None,
        };
        Self {
            scope,
            named,
            role: None,
            each: Goal::default(),
        }
    }

    /// What `grant` declares is to be there.
    #[must_use]
    pub fn with_grant(grant: &Grant) -> Self {
        let each = Goal {
            wanted: grant.statements(),
            revision_id: grant.revision_id.clone(),
            ..Goal::default()
        };
        Self {
            named: Some(grant.layer_version.clone()),
            role: grant.role.clone(),
            each,
            ..Self::new(grant.scope())
        }
    }

    /// What `grant` declares is to be gone.
    #[must_use]
    pub fn without_grant(grant: &Grant) -> Self {
        let unwanted = grant.statements().into_iter().map(Unwanted::exactly);
        let each = Goal {
            unwanted: unwanted.collect(),
            ..Goal::default()
        };
        Self {
            each,
            ..Self::with_grant(grant)
        }
    }
}
