//! Properties of function permissions: every reason is one line, every statement is recognized in the JSON that Lambda writes for it,
//! and nothing is granted on a function that the properties do not name.

use std::collections::BTreeSet;

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::policy::statement::Statement;
use lambda_permission_provider::policy::statement_list::is_member;
use lambda_permission_provider::resources::function_permission;
use lambda_permission_provider::resources::function_permission::properties::PROPERTIES;
use lambda_permission_provider::resources::resource::Resource;
use serde_json::{Map, Value};

use super::events::check_request;
use super::properties::{STACK, is_a_reason, knows_every_name, statements_of};

/// The properties of a resource, a JSON object.
pub fn check(input: &[u8]) -> Option<()> {
    let Value::Object(properties) = serde_json::from_slice(input).ok()? else {
        return None;
    };
    match function_permission::parse(&properties, STACK, "Share") {
        Ok(resource) => {
            knows_every_name(&properties, &PROPERTIES);
            is_on_the_named_function(&resource, &properties);
            statements_are_recognized(&resource);
            is_confined(&resource, &properties);
        }
        Err(errors) => is_a_reason(&errors),
    }
    check_request(&Request {
        request_type: RequestType::Create,
        resource_type: "Custom::FunctionPermission".to_owned(),
        stack_id: STACK.to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: None,
        properties,
        old_properties: None,
    });
    Some(())
}

fn is_on_the_named_function(resource: &Resource, properties: &Map<String, Value>) {
    let Some(function) = resource.targets.function() else {
        panic!("not on a function: {}", resource.targets);
    };
    let named = properties["FunctionName"].to_string();
    assert!(named.contains(function.name()), "{function} of {named}");
    let qualifier = function.qualifier().map(ToString::to_string);
    let given = properties.get("Qualifier").map(Value::to_string);
    let named = given.unwrap_or_default() + &named;
    assert!(qualifier.is_none_or(|qualifier| named.contains(&qualifier)));
}

/// Each statement is the one that its JSON says, and no other one of the resource; all have ids of their own.
fn statements_are_recognized(resource: &Resource) {
    let (statements, target) = (statements_of(resource), &resource.target);
    let ids: BTreeSet<_> = statements.iter().map(|statement| &statement.sid).collect();
    assert_eq!(ids.len(), resource.grants.len(), "an id twice or too long");
    for statement in &statements {
        let json = statement.to_json(target);
        assert_eq!(Statement::parse(&json, target).as_ref(), Some(statement));
        for other in &statements {
            assert_eq!(other.matches(&json, target), other == statement, "{other}");
        }
        assert_eq!(is_member(&resource.sid, statement), resource.is_list());
    }
}

/// No condition that the properties give is lost: a grant must never be wider than it was meant to be.
fn is_confined(resource: &Resource, properties: &Map<String, Value>) {
    for statement in statements_of(resource) {
        let json = statement.to_json(&resource.target).to_string();
        for (property, key) in [
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("SourceArn", "AWS:SourceArn"),
            ("SourceArns", "AWS:SourceArn"),
            ("SourceAccount", "AWS:SourceAccount"),
            ("SourceAccounts", "AWS:SourceAccount"),
            ("EventSourceToken", "lambda:EventSourceToken"),
        ] {
            let has_condition = json.contains(&format!("\"{key}\""));
            assert!(
                has_condition || !properties.contains_key(property),
                "{property}: {json}"
            );
        }
        let is_url = properties.contains_key("FunctionUrlAuthType");
        let confined = json.contains("\"lambda:FunctionUrlAuthType\"")
            || json.contains("\"lambda:InvokedViaFunctionUrl\"");
        assert!(confined || !is_url, "{json}");
    }
}
