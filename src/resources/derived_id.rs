//! What a statement id says that was derived, and not chosen: which resource has the statement, and what it declares.

use super::{function_permission, layer_version_permission};
use crate::policy::statement::Statement;
use crate::policy::target::{PolicyTarget, TargetSet};

/// Whether the resource `logical_id` of the stack `stack_id`, which grants in `targets`, may declare `statement` under its own id:
/// a derived id depends on whom it grants to. A chosen one says nothing.
#[must_use]
pub fn may_declare(
    statement: &Statement,
    targets: &TargetSet,
    stack_id: &str,
    logical_id: &str,
) -> bool {
    statement.sid.derived_part().is_none()
        || match targets {
            TargetSet::One(PolicyTarget::Function(_)) => {
                function_permission::derives(statement, stack_id, logical_id)
            }
            TargetSet::One(PolicyTarget::LayerVersion(_)) => {
                layer_version_permission::derives(statement, stack_id, logical_id, false)
            }
            TargetSet::AllVersions(_) => {
                layer_version_permission::derives(statement, stack_id, logical_id, true)
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::resource::Resource;
    use serde_json::{Value, json};

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";

    fn layer(properties: &Value) -> Resource {
        let properties = properties.as_object().expect("an object");
        layer_version_permission::parse(properties, STACK, "Share").expect("a resource")
    }

    fn function(changes: &Value) -> Resource {
        let mut properties = json!({"FunctionName": "my-function"});
        let map = properties.as_object_mut().expect("an object");
        map.extend(changes.as_object().expect("an object").clone());
        function_permission::parse(map, STACK, "Share").expect("a resource")
    }

    fn may_declare_its_own(resource: &Resource) -> bool {
        let mut statements = resource.statements().into_iter();
        statements.all(|statement| may_declare(&statement, &resource.targets, STACK, "Share"))
    }

    #[test]
    fn a_resource_declares_what_its_derived_id_was_made_of_and_nothing_else() {
        let version = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let resources = [
            layer(&json!({"LayerVersionArn": version, "Principal": "111122223333"})),
            layer(
                &json!({"LayerVersionArn": version, "Principal": "*", "OrganizationId": "o-abcdefghij"}),
            ),
            layer(&json!({"LayerVersionArn": version, "Principal": "*", "Versions": "All"})),
            function(&json!({"Principal": "111122223333"})),
            function(&json!({"Principal": "*", "PrincipalOrgID": "o-abcdefghij"})),
            function(
                &json!({"Principal": "arn:aws:iam::111122223333:role/r", "PrincipalOrgID": "o-abcdefghij"}),
            ),
            function(
                &json!({"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "111122223333"}),
            ),
            function(
                &json!({"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "secret"}),
            ),
            function(
                &json!({"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}),
            ),
            function(
                &json!({"Principal": "*", "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": "true"}),
            ),
        ];
        for resource in &resources {
            assert!(resource.is_derived, "{resource:?}");
            assert!(may_declare_its_own(resource), "{resource:?}");
            let declares = |statement: &Statement, logical_id: &str| {
                may_declare(statement, &resource.targets, STACK, logical_id)
            };
            for mut statement in resource.statements() {
                assert!(!declares(&statement, "Other"), "{statement}");
                statement.principal = "777788889999".parse().expect("a principal");
                assert!(!declares(&statement, "Share"), "{statement}");
            }
        }
    }

    #[test]
    fn a_chosen_id_may_declare_anything() {
        let chosen = function(&json!({"Principal": "111122223333", "StatementId": "partner"}));
        assert!(may_declare_its_own(&chosen));
        for mut statement in chosen.statements() {
            statement.principal = "777788889999".parse().expect("a principal");
            assert!(may_declare(&statement, &chosen.targets, STACK, "Share"));
        }
    }
}
