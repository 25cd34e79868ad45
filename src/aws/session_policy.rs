//! The session policy of an assumed role: of all that the role is allowed to do, what a request needs.

use serde_json::json;

use super::{function_policy, layer_version_policy};
use crate::policy::target::{PolicyTarget, TargetSet};

/// The policy of a session for the accounts of the organization, which are no resources.
pub(super) const LISTING_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"organizations:ListAccounts","Resource":"*"}]}"#;

/// The policy of a session for `targets`: the actions of the provider on their resource.
pub(super) fn session_policy(targets: &TargetSet) -> String {
    let (actions, resource): (&[&str], String) = match targets {
        TargetSet::One(PolicyTarget::LayerVersion(version)) => {
            (&layer_version_policy::ACTIONS, version.layer().to_string())
        }
        TargetSet::AllVersions(layer) => (&layer_version_policy::ACTIONS, layer.to_string()),
        TargetSet::One(PolicyTarget::Function(function)) => {
            let function = function.clone().with_qualifier(None);
            (&function_policy::ACTIONS, function.to_string())
        }
    };
    let statement = json!({
        "Effect": "Allow",
        "Action": actions,
        "Resource": [resource, format!("{resource}:*")],
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_longest_session_policy_is_within_the_limit_of_sts() {
        let name = "x".repeat(140);
        for kind in ["layer", "function"] {
            let arn =
                format!("arn:aws-us-gov:lambda:us-gov-northwest-1:123456789012:{kind}:{name}");
            let policy = session_policy(&arn.parse().expect("targets"));
            assert!(policy.len() < 2048, "{policy}");
        }
    }

    #[test]
    fn a_session_is_for_a_layer_with_all_its_versions_or_a_function_with_all_its_qualifiers() {
        let start = "arn:aws:lambda:eu-west-1:123456789012";
        for (resource, qualified) in [
            (format!("{start}:layer:my-layer"), [":1", ":2"]),
            (format!("{start}:function:my-function"), [":live", ":2"]),
        ] {
            let policy = |end: &str| {
                let targets = format!("{resource}{end}").parse().expect("targets");
                session_policy(&targets)
            };
            assert_eq!(policy(""), policy(qualified[0]));
            assert_eq!(policy(""), policy(qualified[1]));
            assert_ne!(policy(""), policy("2"));
        }
    }

    #[test]
    fn a_session_has_the_actions_of_its_kind_of_target_only() {
        for (arn, actions) in [
            (
                "arn:aws:lambda:eu-west-1:123456789012:layer:x:1",
                json!(layer_version_policy::ACTIONS),
            ),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:x:live",
                json!(function_policy::ACTIONS),
            ),
        ] {
            let policy = session_policy(&arn.parse().expect("targets"));
            let policy: Value = serde_json::from_str(&policy).expect("JSON");
            assert_eq!(policy["Statement"][0]["Action"], actions, "{arn}");
        }
    }
}
