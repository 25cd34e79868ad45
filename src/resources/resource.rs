//! A resource as its properties declare it, whatever its type: the policies, the statements and their ids.

use std::borrow::Cow;

use serde_json::Value;

use super::physical_id::PhysicalId;
use crate::cloudformation::request::PhysicalResourceId;
use crate::policy::conditions::Conditions;
use crate::policy::document::PolicyDocument;
use crate::policy::organization::Grantee;
use crate::policy::role::Role;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::statement_list::{Entry, member_id};
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::policy::unit_grant::UnitGrant;
use crate::policy::url_statement::UrlStatement;
use crate::policy::version_range::VersionRange;

/// What `Fn::GetAtt` returns, by name.
pub type ReturnValues = Vec<(&'static str, String)>;

/// The resource types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// `Custom::LayerVersionPermission`.
    LayerVersionPermission,
    /// `Custom::FunctionPermission`.
    FunctionPermission,
}

impl ResourceType {
    /// The type of this name. A name that is none of another type is a layer version permission, as
    /// `AWS::CloudFormation::CustomResource` is.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "Custom::FunctionPermission" => Self::FunctionPermission,
            _ => Self::LayerVersionPermission,
        }
    }

    /// The names of what `Fn::GetAtt` returns.
    #[must_use]
    pub fn return_values(self) -> [&'static str; 6] {
        let arn = match self {
            Self::LayerVersionPermission => "LayerVersionArn",
            Self::FunctionPermission => "FunctionArn",
        };
        [
            "Id",
            arn,
            "StatementId",
            "StatementIds",
            "Statement",
            "RevisionId",
        ]
    }
}

/// What a resource declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type.
    pub resource_type: ResourceType,
    /// The target that it names.
    pub target: PolicyTarget,
    /// The policies that it grants in.
    pub targets: TargetSet,
    /// Of all versions of a layer, those that it grants in.
    pub versions: VersionRange,
    /// The statement id of the resource.
    pub sid: StatementId,
    /// Whether that id is derived, and so no other resource has it.
    pub is_derived: bool,
    /// What it grants.
    pub grants: Vec<Grant>,
    /// The revision that the policy must have before the first write.
    pub revision_id: Option<String>,
    /// The role to assume.
    pub role: Option<Role>,
}

/// One statement that a resource declares, without its id, or those for the accounts of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The entry that it is for, where the resource has a list.
    pub entry: Option<Entry>,
    /// Which statement of a function URL it is, where the resource has both.
    pub of_url: Option<UrlStatement>,
    /// Whom it grants to.
    pub grantee: Grantee,
    /// What it allows.
    pub action: Cow<'static, str>,
    /// What it demands besides the principal.
    pub conditions: Conditions,
}

impl Resource {
    /// The statements that should be in the policies, but for those of units.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let statement = |grant: &Grant| {
            let Grantee::Principal(principal) = &grant.grantee else {
                return None;
            };
            Some(Statement {
                sid: member_id(&self.sid, grant.entry.as_ref(), grant.of_url)?,
                principal: principal.clone(),
                action: grant.action.clone(),
                conditions: grant.conditions.clone(),
            })
        };
        self.grants.iter().filter_map(statement).collect()
    }

    /// What it grants to the accounts of units.
    #[must_use]
    pub fn units(&self) -> Vec<UnitGrant> {
        let unit = |grant: &Grant| {
            let Grantee::Unit(unit) = &grant.grantee else {
                return None;
            };
            Some(UnitGrant {
                list: self.sid.clone(),
                unit: unit.clone(),
                of_url: grant.of_url,
                action: grant.action.clone(),
                conditions: grant.conditions.clone(),
                path: None,
            })
        };
        self.grants.iter().filter_map(unit).collect()
    }

    /// Whether it has several statements, or may have: their ids are made of its own.
    #[must_use]
    pub fn is_list(&self) -> bool {
        let mut grants = self.grants.iter();
        let is_unit = |grant: &Grant| matches!(grant.grantee, Grantee::Unit(_));
        grants.any(|grant| grant.entry.is_some() || grant.of_url.is_some() || is_unit(grant))
    }

    /// Its physical id.
    #[must_use]
    pub fn physical_id(&self) -> PhysicalId {
        PhysicalId::Granted {
            targets: self.targets.clone(),
            sid: self.sid.clone(),
        }
    }

    /// What `Fn::GetAtt` returns, after a success that left `policy`, the policy of the target that it names, with `statements`: of
    /// several, a list.
    #[must_use]
    pub fn return_values(
        &self,
        physical_id: &PhysicalResourceId,
        statements: &[Statement],
        policy: Option<&PolicyDocument>,
    ) -> ReturnValues {
        let sids = statements.iter().map(|desired| desired.sid.as_ref());
        let sids: Vec<&str> = sids.collect();
        let id = match self.resource_type {
            ResourceType::LayerVersionPermission => physical_id.to_string(),
            // As AWS::Lambda::Permission returns it.
            ResourceType::FunctionPermission => self.sid.to_string(),
        };
        let values = [
            Some(id),
            Some(self.target.to_string()),
            Some(self.sid.to_string()),
            Some(sids.join(",")),
            policy.and_then(|policy| json_of(statements, policy)),
            policy.and_then(|policy| policy.revision_id.clone()),
        ];
        let values = self.resource_type.return_values().into_iter().zip(values);
        values
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// The statements as Lambda returned them.
fn json_of(statements: &[Statement], policy: &PolicyDocument) -> Option<String> {
    let found = |desired: &Statement| policy.statement(&desired.sid).cloned();
    let mut found: Vec<Value> = statements.iter().filter_map(found).collect();
    match found.len() {
        0 => None,
        1 => Some(found.swap_remove(0).to_string()),
        _ => Some(Value::Array(found).to_string()),
    }
}
