//! What policies are to hold and what not, as far as one resource is concerned.
//! Knows nothing of how it came to be wanted, or of what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

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
    /// Of the wanted ids, those that are wanted only in place of an unwanted statement of the same id: a rollback does not
    /// restore what somebody else has removed or replaced meanwhile.
    pub in_place_only: BTreeSet<StatementId>,
}

/// The principals that the guardrails deny, and why: none is added to a policy, not even in a rollback. What is there
/// already may stay.
pub type Denied = BTreeMap<Principal, String>;

/// A statement that is to be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwanted {
    /// Its id.
    pub sid: StatementId,
    /// What it has to say. A statement of this id that says something else is somebody else's and stays.
    pub only_if: OnlyIf,
}

/// What a statement has to say to be the one that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnlyIf {
    /// That it grants to this principal, and nothing else.
    Grants(Principal),
    /// Exactly this: what Lambda answered to the request that added it.
    Says(Value),
    /// Anything, in a list too: the properties that declared it can no longer be read, or the id is derived and no other
    /// resource has it.
    Anything,
}

impl Unwanted {
    /// Exactly this statement.
    #[must_use]
    pub fn exactly(statement: Statement) -> Self {
        Self {
            sid: statement.sid,
            only_if: OnlyIf::Grants(statement.principal),
        }
    }

    /// Whom it has to grant to, if that is known.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match &self.only_if {
            OnlyIf::Grants(principal) => Some(principal),
            OnlyIf::Says(_) | OnlyIf::Anything => None,
        }
    }

    /// Whatever goes by this id.
    #[must_use]
    pub fn by_id(sid: StatementId) -> Self {
        Self {
            sid,
            only_if: OnlyIf::Anything,
        }
    }
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.only_if {
            OnlyIf::Grants(principal) => write!(f, "`{}` for `{principal}`", self.sid),
            OnlyIf::Says(_) | OnlyIf::Anything => write!(f, "`{}`", self.sid),
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
    /// What all but the one of the named version are to hold instead, if that is something else.
    pub others: Option<Goal>,
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
            others: None,
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

    /// The same, in the partition of `other` if that is about the same layer otherwise: Lambda knows a layer of the own account
    /// by its name, so that a wrong partition in its ARN makes no difference.
    #[must_use]
    pub fn placed_like(mut self, other: &Self) -> Self {
        let partition = other.scope.layer().partition();
        let placed = self.scope.in_partition(partition);
        if placed.layer() == other.scope.layer() {
            self.scope = placed;
        }
        self
    }

    /// A statement that `wanted` needs and that goes with these.
    #[must_use]
    pub fn shared_with(&self, wanted: &Self) -> Option<StatementId> {
        if !self.scope.overlaps(&wanted.scope) {
            return None;
        }
        let ids: BTreeSet<&StatementId> = self.each.unwanted.iter().map(|old| &old.sid).collect();
        let by_id = |old: &&Unwanted| old.only_if == OnlyIf::Anything;
        let lists: Vec<&Unwanted> = self.each.unwanted.iter().filter(by_id).collect();
        let goes = |statement: &&Statement| {
            let of_list = |old: &&Unwanted| old.sid.of_each(&statement.principal);
            ids.contains(&statement.sid)
                || lists
                    .iter()
                    .any(|old| of_list(old).as_ref() == Some(&statement.sid))
        };
        let shared = wanted.each.wanted.iter().find(goes);
        shared.map(|statement| statement.sid.clone())
    }

    /// Takes the place of `old`, some of whose policies these are: with all versions of the layer where either is for all.
    pub(super) fn take_over(&mut self, old: Self) {
        if matches!(self.scope, Scope::This(_)) {
            self.others = Some(old.each.clone());
            self.scope = old.scope;
        }
        self.each.unwanted = old.each.unwanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

    /// A statement for account 111122223333.
    fn statement(sid: &str) -> Statement {
        Statement {
            sid: sid.parse().expect("a statement id"),
            principal: "111122223333".parse().expect("an account"),
        }
    }

    /// The goals of version 1, or of all versions.
    fn goals(end: &str, wanted: &[&str], unwanted: &[Unwanted]) -> Goals {
        let scope = format!("{LAYER}{end}").parse().expect("a scope");
        let each = Goal {
            wanted: wanted.iter().map(|sid| statement(sid)).collect(),
            unwanted: unwanted.to_vec(),
            ..Goal::default()
        };
        Goals {
            each,
            ..Goals::new(scope)
        }
    }

    #[test]
    fn a_statement_is_shared_by_its_id_or_as_one_of_a_list_that_goes_by_its_id() {
        let by_id = |sid: &str| Unwanted::by_id(sid.parse().expect("a statement id"));
        let exactly = |sid: &str| Unwanted::exactly(statement(sid));
        for (unwanted, wanted, shared) in [
            (exactly("team"), "team", true),
            (exactly("team"), "team-111122223333", false),
            (by_id("team"), "team", true),
            (by_id("team"), "team-111122223333", true),
            (by_id("team"), "team-444455556666", false),
            (by_id("team"), "other-111122223333", false),
        ] {
            let old = goals(":1", &[], &[unwanted.clone(), exactly("last")]);
            let new = goals(":1", &["first", wanted], &[]);
            let found = old.shared_with(&new);
            assert_eq!(found, shared.then(|| statement(wanted).sid), "{unwanted:?}");
            let elsewhere = goals(":2", &["first", wanted], &[]);
            assert_eq!(old.shared_with(&elsewhere), None, "another version");
        }
    }

    #[test]
    fn what_takes_over_is_about_all_versions_and_wants_its_own_in_the_one_that_it_names() {
        let old = [Unwanted::exactly(statement("sid"))];
        for (new_end, old_end, others) in [(":1", "", true), ("", ":1", false)] {
            let replaced = goals(old_end, &[], &old);
            let mut new = goals(new_end, &["sid"], &[]);
            let named = new.named.clone();
            new.take_over(replaced.clone());
            let expected = Goals {
                named,
                others: others.then_some(replaced.each),
                ..goals("", &["sid"], &old)
            };
            assert_eq!(new, expected, "`{new_end}` takes over `{old_end}`");
        }
    }
}
