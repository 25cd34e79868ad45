//! `Custom::LayerVersionPermission`: what a resource declares.

pub mod principals;
pub mod properties;
pub mod versions;

use std::borrow::Cow;

use serde_json::{Map, Value};

use self::properties::Properties;
use self::versions::Versions;
use super::property_reader::ValidationErrors;
use super::resource::{Grant, Resource, ResourceType};
use crate::policy::conditions::Conditions;
use crate::policy::organization::Grantee;
use crate::policy::statement::GET_LAYER_VERSION;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::statement_list::Entry;
use crate::policy::target::{PolicyTarget, TargetSet};
use crate::policy::version_range::VersionRange;
use crate::resources::principals::Principals;

/// What the resource `logical_id` of the stack `stack_id` declares by `properties`.
///
/// # Errors
/// If the properties are invalid.
pub fn parse(
    properties: &Map<String, Value>,
    stack_id: &str,
    logical_id: &str,
) -> Result<Resource, ValidationErrors> {
    let properties = Properties::parse(properties, stack_id)?;
    let granted_to = match &properties.principals {
        Principals::One(principal) => principal.to_string(),
        // The list may change without replacing the resource.
        Principals::List(_) => "Principals".to_owned(),
    };
    let is_for_all = properties.versions != Versions::This;
    let derived = || derive(stack_id, logical_id, &granted_to, is_for_all);
    let target = PolicyTarget::LayerVersion(properties.layer_version.clone());
    Ok(Resource {
        resource_type: ResourceType::LayerVersionPermission,
        targets: match properties.versions {
            Versions::This => TargetSet::One(target.clone()),
            Versions::Range(_) => TargetSet::AllVersions(properties.layer_version.layer().clone()),
        },
        versions: match properties.versions {
            Versions::This => VersionRange::default(),
            Versions::Range(range) => range,
        },
        target,
        is_derived: properties.statement_id.is_none(),
        sid: properties.statement_id.unwrap_or_else(derived),
        grants: grants(properties.principals),
        revision_id: properties.revision_id,
        role: properties.role,
    })
}

fn derive(stack_id: &str, logical_id: &str, granted_to: &str, is_for_all: bool) -> StatementId {
    let parts = [stack_id, logical_id, granted_to, "All"];
    // The statement of one version and that of all versions differ: one is removed after the other was added.
    let parts = if is_for_all {
        &parts
    } else {
        parts.get(..3).unwrap_or(&parts)
    };
    StatementId::derive(logical_id, parts)
}

/// Whether the resource would derive the id of `statement`, if it declares that one alone, for one version or for all.
pub(super) fn derives(
    statement: &Statement,
    stack_id: &str,
    logical_id: &str,
    is_for_all: bool,
) -> bool {
    let principal = statement.principal.to_string();
    derive(stack_id, logical_id, &principal, is_for_all) == statement.sid
}

fn grants(principals: Principals) -> Vec<Grant> {
    let grant = |grantee: Grantee, entry: Option<Entry>| Grant {
        entry,
        of_url: None,
        grantee,
        action: Cow::Borrowed(GET_LAYER_VERSION),
        conditions: Conditions::default(),
    };
    match principals {
        Principals::One(principal) => vec![grant(Grantee::Principal(principal), None)],
        Principals::List(grantees) => {
            let grantees = grantees.into_iter();
            let entry = |grantee: &Grantee| match grantee {
                Grantee::Principal(principal) => Some(Entry::Principal(principal.clone())),
                Grantee::Unit(_) => None,
            };
            grantees
                .map(|grantee| grant(grantee.clone(), entry(&grantee)))
                .collect()
        }
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
        let grant = parse(properties, stack, logical_id).expect("a grant");
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
            parse(properties, STACK, "Share").expect("a grant")
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
