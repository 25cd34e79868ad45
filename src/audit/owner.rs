//! Which resource of which stack has a statement. No I/O.

use std::collections::BTreeMap;
use std::fmt;

use super::access::Access;
use crate::aws::stack_listing::ListedResource;
use crate::cloudformation::request::PhysicalResourceId;
use crate::policy::statement_id::StatementId;
use crate::policy::statement_list::is_member;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::resources::derived_id::may_declare;
use crate::resources::physical_id::PhysicalId;

/// The type whose physical id is the statement id alone.
const NATIVE_FUNCTION_PERMISSION: &str = "AWS::Lambda::Permission";

/// The type whose physical id is as the provider's.
const NATIVE_LAYER_PERMISSION: &str = "AWS::Lambda::LayerVersionPermission";

/// A resource of a stack that has a statement, or should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The resource.
    pub resource: ListedResource,
    /// The statement, or the list of statements, if the physical id says in which policies it is.
    pub grant: Option<Grant>,
}

/// What a physical id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The policies.
    pub targets: TargetSet,
    /// The statement id of the resource.
    pub sid: StatementId,
}

impl Owner {
    /// The resource, if it is of a type that has statements.
    #[must_use]
    pub fn new(resource: ListedResource) -> Option<Self> {
        let id = PhysicalResourceId::from(resource.physical_id.clone());
        let is_native = resource.resource_type == NATIVE_FUNCTION_PERMISSION;
        let grant = match PhysicalId::parse(Some(&id)) {
            PhysicalId::Granted { targets, sid } if !is_native => Some(Grant { targets, sid }),
            PhysicalId::Granted { .. } | PhysicalId::NeverCreated | PhysicalId::Foreign => None,
        };
        (grant.is_some() || is_native).then_some(Self { resource, grant })
    }

    /// Whether its stack has it still.
    #[must_use]
    pub fn is_living(&self) -> bool {
        !matches!(
            self.resource.status.as_str(),
            "DELETE_COMPLETE" | "DELETE_SKIPPED"
        )
    }

    /// Whether nothing is being changed about it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_living() && self.resource.status.ends_with("_COMPLETE")
    }

    /// Whether it may have written the statement as it is.
    #[must_use]
    pub fn may_have_written(&self, access: &Access) -> bool {
        let Some(statement) = &access.parsed else {
            return false;
        };
        let Some(Grant { targets, sid }) = &self.grant else {
            return true;
        };
        let resource = &self.resource;
        let is_native = resource.resource_type == NATIVE_LAYER_PERMISSION;
        if statement.sid == *sid {
            is_native || may_declare(statement, targets, &resource.stack_id, &resource.logical_id)
        } else {
            is_member(sid, statement)
        }
    }

    /// Whether the statement has the id of the resource, or of one of its statements.
    #[must_use]
    pub fn has(&self, access: &Access) -> bool {
        let Some(Grant { sid, .. }) = &self.grant else {
            let id = self.resource.physical_id.rsplit('|').next();
            return id == Some(&access.statement_id);
        };
        let is_own = sid.as_ref() == access.statement_id;
        let parsed = access.parsed.as_ref();
        // Of a list, whose entries nobody else's derived id has.
        let begins_alike = || {
            let found: Option<StatementId> = access.statement_id.parse().ok();
            let part = found.and_then(|found| found.derived_part());
            part.as_ref() == Some(sid)
        };
        is_own || parsed.is_some_and(|parsed| is_member(sid, parsed)) || begins_alike()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stack = self.resource.stack_id.split('/').nth(1);
        let stack = stack.unwrap_or(&self.resource.stack_id);
        write!(f, "{} of stack {stack}", self.resource.logical_id)
    }
}

/// The resources with statements of many stacks, by what they grant in.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    by_target: BTreeMap<String, Vec<Owner>>,
    /// Those whose physical id is a statement id alone.
    by_sid: BTreeMap<String, Owner>,
}

impl Owners {
    /// Adds resources. Those that have no statements are left out.
    pub fn extend(&mut self, resources: Vec<ListedResource>) {
        for resource in resources {
            self.add(resource);
        }
    }

    fn add(&mut self, resource: ListedResource) {
        let Some(owner) = Owner::new(resource) else {
            return;
        };
        if let Some(grant) = &owner.grant {
            let owners = self.by_target.entry(grant.targets.to_string()).or_default();
            owners.push(owner);
        } else {
            let id = owner.resource.physical_id.rsplit('|').next();
            let id = id.unwrap_or_default().to_owned();
            self.by_sid.insert(id, owner);
        }
    }

    /// The resource that has the statement of `target`; a living one, if there are several.
    #[must_use]
    pub fn of(&self, target: &PolicyTarget, access: &Access) -> Option<&Owner> {
        let of_policy = self.granting_in(target);
        let mut having: Vec<&Owner> = of_policy.filter(|owner| owner.has(access)).collect();
        // The one that may have written it comes before one with a similar id.
        having.sort_by_key(|owner| (!owner.is_living(), !owner.may_have_written(access)));
        let native = || match target {
            PolicyTarget::Function(_) => self.by_sid.get(&access.statement_id),
            PolicyTarget::LayerVersion(_) => None,
        };
        having.first().copied().or_else(native)
    }

    /// The resources that grant in the policy of `target`.
    pub fn granting_in(&self, target: &PolicyTarget) -> impl Iterator<Item = &Owner> {
        let layer = match target {
            PolicyTarget::LayerVersion(version) => Some(version.layer().to_string()),
            PolicyTarget::Function(_) => None,
        };
        let keys = [Some(target.to_string()), layer].into_iter().flatten();
        keys.filter_map(|key| self.by_target.get(&key)).flatten()
    }
}

/// The physical ids that the resource of a statement may have, the most likely one first. Of a list, they are made of the id of each
/// list that the statement may be in.
#[must_use]
pub fn possible_physical_ids(target: &PolicyTarget, access: &Access) -> Vec<String> {
    let Ok(sid) = access.statement_id.parse::<StatementId>() else {
        return Vec::new();
    };
    let lists = access.parsed.iter().flat_map(|statement| {
        let dashes = sid.as_ref().match_indices('-');
        let prefixes = dashes.filter_map(|(at, _)| sid.as_ref().get(..at)?.parse().ok());
        prefixes.filter(|list| is_member(list, statement))
    });
    let sids: Vec<StatementId> = std::iter::once(sid.clone()).chain(lists).collect();
    let of = |arn: String| sids.iter().map(move |sid| format!("{arn}#{sid}"));
    let ids = of(target.to_string());
    match target {
        PolicyTarget::LayerVersion(version) => ids.chain(of(version.layer().to_string())).collect(),
        PolicyTarget::Function(_) => ids.chain([sid.to_string()]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/1";
    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools";
    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";

    fn resource(logical_id: &str, physical_id: &str, status: &str) -> ListedResource {
        ListedResource {
            stack_id: STACK.to_owned(),
            logical_id: logical_id.to_owned(),
            resource_type: "Custom::LayerVersionPermission".to_owned(),
            physical_id: physical_id.to_owned(),
            status: status.to_owned(),
        }
    }

    fn native(logical_id: &str, physical_id: &str) -> ListedResource {
        ListedResource {
            resource_type: NATIVE_FUNCTION_PERMISSION.to_owned(),
            ..resource(logical_id, physical_id, "CREATE_COMPLETE")
        }
    }

    fn owners(resources: Vec<ListedResource>) -> Owners {
        let mut owners = Owners::default();
        owners.extend(resources);
        owners
    }

    fn access(target: &str, sid: &str, principal: &Value) -> (PolicyTarget, Access) {
        let action = if target.contains(":function:") {
            "lambda:InvokeFunction"
        } else {
            "lambda:GetLayerVersion"
        };
        let statement = json!({
            "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": target,
        });
        let target = target.parse().expect("an ARN");
        let access = Access::new(&statement, &target);
        (target, access)
    }

    fn account(id: &str) -> Value {
        json!({"AWS": format!("arn:aws:iam::{id}:root")})
    }

    /// The logical id of the owner, and whether it may have written the statement.
    fn owner_of(
        owners: &Owners,
        (target, access): &(PolicyTarget, Access),
    ) -> Option<(String, bool)> {
        let owner = owners.of(target, access)?;
        Some((
            owner.resource.logical_id.clone(),
            owner.may_have_written(access),
        ))
    }

    #[test]
    fn a_statement_belongs_to_the_resource_of_its_policy_and_id() {
        let complete = "CREATE_COMPLETE";
        let owners = owners(vec![
            resource("One", &format!("{LAYER}:1#one"), complete),
            resource("All", &format!("{LAYER}#all"), complete),
            resource("List", &format!("{LAYER}:1#list"), complete),
            resource(
                "Derived",
                &format!("{LAYER}:1#Share-ukb5vbeuhscn5xae"),
                complete,
            ),
            resource("Function", &format!("{FUNCTION}:live#one"), complete),
            native("Native", "sharing-Native-1A2B3C"),
            resource("Other", "something-else", complete),
        ]);
        let partner = account("111122223333");
        let version = |number: u64| format!("{LAYER}:{number}");
        let owned = |logical_id: &str, declared: bool| Some((logical_id.to_owned(), declared));
        for (target, sid, expected) in [
            (version(1), "one", owned("One", true)),
            (version(2), "one", None),
            (version(2), "all", owned("All", true)),
            (version(1), "list-111122223333", owned("List", true)),
            (version(1), "list-444455556666", None),
            (
                version(1),
                "Share-ukb5vbeuhscn5xae-111122223333",
                owned("Derived", true),
            ),
            (
                version(1),
                "Share-ukb5vbeuhscn5xae-444455556666",
                owned("Derived", false),
            ),
            (
                version(1),
                "Share-ukb5vbeuhscn5xae",
                owned("Derived", false),
            ),
            (format!("{FUNCTION}:live"), "one", owned("Function", true)),
            (FUNCTION.to_owned(), "one", None),
            (
                FUNCTION.to_owned(),
                "sharing-Native-1A2B3C",
                owned("Native", true),
            ),
            (version(1), "sharing-Native-1A2B3C", None),
        ] {
            let found = access(&target, sid, &partner);
            assert_eq!(owner_of(&owners, &found), expected, "{target} {sid}");
        }
    }

    #[test]
    fn a_living_resource_comes_before_a_deleted_one() {
        let id = format!("{LAYER}:1#one");
        let found = access(&format!("{LAYER}:1"), "one", &account("111122223333"));
        let gone = || resource("Gone", &id, "DELETE_COMPLETE");
        let living = || resource("Living", &id, "UPDATE_FAILED");
        for resources in [vec![gone(), living()], vec![living(), gone()]] {
            let owners = owners(resources);
            assert_eq!(owner_of(&owners, &found), Some(("Living".to_owned(), true)));
        }
        let owners = owners(vec![gone()]);
        let gone = owners.of(&found.0, &found.1).expect("an owner");
        assert!(!gone.is_living() && !gone.is_complete());
    }

    #[test]
    fn a_statement_of_a_form_that_is_never_written_is_changed() {
        let owners = owners(vec![resource(
            "One",
            &format!("{LAYER}:1#one"),
            "CREATE_COMPLETE",
        )]);
        let found = access(
            &format!("{LAYER}:1"),
            "one",
            &json!({"AWS": ["111122223333", "*"]}),
        );
        assert_eq!(owner_of(&owners, &found), Some(("One".to_owned(), false)));
    }

    #[test]
    fn the_possible_ids_are_those_of_the_version_and_of_the_layer_and_of_lists() {
        let ids = |target: &str, sid| {
            let (target, access) = access(target, sid, &account("111122223333"));
            possible_physical_ids(&target, &access)
        };
        let version = format!("{LAYER}:1");
        assert_eq!(
            ids(&version, "my-list-111122223333"),
            [
                format!("{LAYER}:1#my-list-111122223333"),
                format!("{LAYER}:1#my-list"),
                format!("{LAYER}#my-list-111122223333"),
                format!("{LAYER}#my-list"),
            ]
        );
        assert_eq!(
            ids(&version, "a-b"),
            [format!("{LAYER}:1#a-b"), format!("{LAYER}#a-b")]
        );
        assert_eq!(
            ids(FUNCTION, "one"),
            [format!("{FUNCTION}#one"), "one".to_owned()]
        );
        assert!(ids(&version, "not an id").is_empty());
    }
}
