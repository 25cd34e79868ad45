//! `Custom::LayerVersionPermission`: the statements that a resource declares, its ids and its return values.

pub mod lifecycle;
pub mod physical_id;
pub mod principals;
pub mod properties;

use serde_json::{Map, Value};

use self::physical_id::PhysicalId;
use self::principals::Principals;
use self::properties::{Properties, Versions};
use super::property_reader::ValidationErrors;
use crate::cloudformation::request::PhysicalResourceId;
use crate::policy::arn::LayerVersionArn;
use crate::policy::document::PolicyDocument;
use crate::policy::principal::Principal;
use crate::policy::role::Role;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::target::{PolicyTarget, TargetSet};

/// What `Fn::GetAtt` returns, by name.
pub const RETURN_VALUES: [&str; 6] = [
    "Id",
    "LayerVersionArn",
    "StatementId",
    "StatementIds",
    "Statement",
    "RevisionId",
];

/// What a resource declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerVersionPermission {
    /// The layer version that it names.
    pub layer_version: LayerVersionArn,
    /// Whether it is for that version alone or for every version of its layer.
    pub versions: Versions,
    /// The statement id of the resource.
    pub sid: StatementId,
    /// Whether that id is derived, and so no other resource has it.
    pub is_derived: bool,
    /// Whom it grants to.
    pub principals: Principals,
    /// The revision that the policy must have before the first write.
    pub revision_id: Option<String>,
    /// The role to assume.
    pub role: Option<Role>,
}

impl LayerVersionPermission {
    /// What the resource `logical_id` of the stack `stack_id` declares by `properties`.
    ///
    /// # Errors
    /// If the properties are invalid.
    pub fn parse(
        properties: &Map<String, Value>,
        stack_id: &str,
        logical_id: &str,
    ) -> Result<Self, ValidationErrors> {
        let properties = Properties::parse(properties, stack_id)?;
        let granted_to = match &properties.principals {
            Principals::One(principal) => principal.to_string(),
            // The list may change without replacing the resource.
            Principals::List(_) => "Principals".to_owned(),
        };
        let parts = [stack_id, logical_id, &granted_to, "All"];
        let parts = match properties.versions {
            Versions::This => parts.get(..3).unwrap_or(&parts),
            // The statement of one version and that of all versions differ: one is removed after the other was added.
            Versions::All => &parts,
        };
        let derived = || StatementId::derive(logical_id, parts);
        Ok(Self {
            is_derived: properties.statement_id.is_none(),
            sid: properties.statement_id.unwrap_or_else(derived),
            layer_version: properties.layer_version,
            versions: properties.versions,
            principals: properties.principals,
            revision_id: properties.revision_id,
            role: properties.role,
        })
    }

    /// The statements that should be in the policies.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let in_list = |principal: &Principal| {
            let (sid, principal) = (self.sid.in_list(principal)?, principal.clone());
            Some(Statement { sid, principal })
        };
        match &self.principals {
            Principals::One(principal) => vec![Statement {
                sid: self.sid.clone(),
                principal: principal.clone(),
            }],
            Principals::List(principals) => principals.iter().filter_map(in_list).collect(),
        }
    }

    /// The physical id of the resource.
    #[must_use]
    pub fn physical_id(&self) -> PhysicalId {
        PhysicalId::Granted {
            targets: self.targets(),
            sid: self.sid.clone(),
        }
    }

    /// What `Fn::GetAtt` returns, after a success that left `policy`: of several statements, a list.
    #[must_use]
    pub fn return_values(
        &self,
        physical_id: &PhysicalResourceId,
        policy: Option<&PolicyDocument>,
    ) -> Vec<(&'static str, String)> {
        let statements = self.statements();
        let sids: Vec<&str> = statements
            .iter()
            .map(|desired| desired.sid.as_ref())
            .collect();
        let values = [
            ("Id", Some(physical_id.to_string())),
            ("LayerVersionArn", Some(self.layer_version.to_string())),
            ("StatementId", Some(self.sid.to_string())),
            ("StatementIds", Some(sids.join(","))),
            (
                "Statement",
                policy.and_then(|policy| json_of(&statements, policy)),
            ),
            (
                "RevisionId",
                policy.and_then(|policy| policy.revision_id.clone()),
            ),
        ];
        let values = values.into_iter();
        values
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The policies that it grants in.
    fn targets(&self) -> TargetSet {
        match self.versions {
            Versions::This => TargetSet::One(self.target()),
            Versions::All => TargetSet::AllVersions(self.layer_version.layer().clone()),
        }
    }

    /// The policy of the layer version that it names.
    fn target(&self) -> PolicyTarget {
        PolicyTarget::LayerVersion(self.layer_version.clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";

    fn sid(changes: &Value, stack: &str, logical_id: &str) -> String {
        let mut properties = json!({
            "LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
            "Principal": "111122223333",
        });
        for (name, value) in changes.as_object().expect("an object") {
            properties[name] = value.clone();
        }
        let properties = properties.as_object().expect("an object");
        let grant = LayerVersionPermission::parse(properties, stack, logical_id).expect("a grant");
        grant.sid.to_string()
    }

    #[test]
    fn a_given_statement_id_is_taken_as_it_is() {
        assert_eq!(
            sid(&json!({"StatementId": "engineering-org"}), STACK, "Share"),
            "engineering-org"
        );
    }

    #[test]
    fn a_derived_statement_id_never_changes_between_releases() {
        assert_eq!(sid(&json!({}), STACK, "Share"), "Share-ukb5vbeuhscn5xae");
        let long = "ShareTheObservabilityLayerWithEverybody";
        assert_eq!(
            sid(&json!({}), STACK, long),
            "ShareTheObservabilityLay-2trgopmhpv4xieh7"
        );
    }

    #[test]
    fn a_derived_statement_id_is_another_one_for_another_resource_or_principal() {
        let here = sid(&json!({}), STACK, "Share");
        assert_ne!(
            here,
            sid(
                &json!({}),
                "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/2",
                "Share"
            )
        );
        assert_ne!(here, sid(&json!({}), STACK, "Shares"));
        assert_ne!(
            here,
            sid(&json!({"Principal": "444455556666"}), STACK, "Share")
        );
        assert_ne!(here, sid(&json!({"Versions": "All"}), STACK, "Share"));
    }

    #[test]
    fn a_derived_statement_id_is_the_same_for_another_spelling_or_a_nonce() {
        let here = sid(&json!({}), STACK, "Share");
        assert_eq!(
            here,
            sid(
                &json!({"Principal": "arn:aws:iam::111122223333:root"}),
                STACK,
                "Share"
            )
        );
        assert_eq!(
            here,
            sid(
                &json!({"Nonce": "2", "Action": "lambda:GetLayerVersion"}),
                STACK,
                "Share"
            )
        );
    }

    #[test]
    fn a_list_has_a_statement_for_each_principal_under_an_id_that_the_list_does_not_change() {
        let declared = |principals: &Value, sid: Option<&str>| {
            let mut properties = json!({
                "LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
                "Principals": principals,
            });
            if let Some(sid) = sid {
                properties["StatementId"] = sid.into();
            }
            let properties = properties.as_object().expect("an object");
            LayerVersionPermission::parse(properties, STACK, "Share").expect("a grant")
        };
        let grant = declared(&json!(["*", "o-abcdefghij", "111122223333"]), Some("team"));
        let statements: Vec<String> = grant.statements().iter().map(ToString::to_string).collect();
        assert_eq!(
            statements,
            [
                "`team-111122223333` for `111122223333`",
                "`team-o-abcdefghij` for `o-abcdefghij`",
                "`team-public` for `*`",
            ]
        );
        let derived = declared(&json!("*"), None);
        assert_eq!(derived.sid, declared(&json!("111122223333"), None).sid);
        assert_ne!(
            derived.sid.to_string(),
            sid(&json!({"Principal": "*"}), STACK, "Share")
        );
    }

    proptest! {
        #[test]
        fn any_derived_statement_id_is_a_statement_id(stack in ".*", logical_id in ".*") {
            let sid = sid(&json!({}), &stack, &logical_id);
            prop_assert_eq!(sid.parse::<StatementId>().map(|id| id.to_string()), Ok(sid));
        }
    }
}
