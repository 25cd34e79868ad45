//! Properties: every reason is one line, and what was understood is the same when it is written down plainly.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::permission::grant::Grant;
use lambda_permission_provider::permission::principal::Principal;
use lambda_permission_provider::permission::principals::Principals;
use lambda_permission_provider::permission::properties::{PROPERTIES, Properties};
use lambda_permission_provider::permission::scope::Versions;
use lambda_permission_provider::permission::statement::principal_of;
use serde_json::{Map, Value, json};

use super::assert_one_line;
use super::events::serve;

const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/1";

/// The most bytes of a reason, whatever it quotes.
const MOST_BYTES: usize = 16 * 1024;

/// The properties of a resource, a JSON object.
pub fn hold(input: &[u8]) -> Option<()> {
    let Value::Object(properties) = serde_json::from_slice(input).ok()? else {
        return None;
    };
    let declared = Grant::declared(&properties, STACK, "Share");
    match Properties::parse(&properties, STACK) {
        Ok(parsed) => {
            knows_every_name(&properties);
            assert_eq!(
                Properties::parse(&plainly(&parsed), STACK).as_ref(),
                Ok(&parsed)
            );
            let Ok(grant) = declared else {
                panic!("parsed, and yet nothing is declared");
            };
            is_read_back(&grant);
        }
        Err(violations) => {
            assert!(violations.to_string().contains(": got "), "{violations}");
            assert_one_line(&violations.to_string());
            assert!(violations.to_string().len() <= MOST_BYTES, "{violations}");
            assert_eq!(declared, Err(violations));
        }
    }
    serve(&Request {
        kind: RequestType::Create,
        resource_type: "Custom::LayerVersionPermission".to_owned(),
        stack_id: STACK.to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: None,
        properties,
        old_properties: None,
    });
    Some(())
}

/// A mistyped name is never passed over.
fn knows_every_name(properties: &Map<String, Value>) {
    for name in properties.keys() {
        assert!(
            name.starts_with("Service") || PROPERTIES.contains(&name.as_str()),
            "{name}"
        );
    }
}

/// The same in the plainest spelling.
fn plainly(parsed: &Properties) -> Map<String, Value> {
    let mut plain = Map::new();
    let mut set = |name: &str, value: Value| drop(plain.insert(name.to_owned(), value));
    set("LayerVersionArn", parsed.layer_version.to_string().into());
    match &parsed.principals {
        Principals::One(Principal::Organization(id)) => {
            set("Principal", "*".into());
            set("OrganizationId", id.to_string().into());
        }
        Principals::One(principal) => set("Principal", principal.to_string().into()),
        Principals::Each(principals) => {
            let each: Vec<String> = principals.iter().map(ToString::to_string).collect();
            set("Principals", json!(each));
        }
    }
    if parsed.versions == Versions::All {
        set("Versions", "All".into());
    }
    if let Some(sid) = &parsed.statement_id {
        set("StatementId", sid.to_string().into());
    }
    if let Some(revision_id) = &parsed.revision_id {
        set("RevisionId", revision_id.as_str().into());
    }
    if let Some(role) = &parsed.role {
        set("RoleArn", role.to_string().into());
        if let Some(external_id) = role.external_id() {
            set("ExternalId", external_id.into());
        }
    }
    plain
}

/// Every statement is what it was meant to be when it is read out of a policy, and there is one for each principal.
fn is_read_back(grant: &Grant) {
    let statements = grant.statements();
    let principals = match &grant.principals {
        Principals::One(_) => 1,
        Principals::Each(principals) => principals.len(),
    };
    assert_eq!(statements.len(), principals);
    for statement in statements {
        let written = statement.written(&grant.layer_version);
        assert!(statement.sid.names(&written), "{written}");
        assert_eq!(
            principal_of(&written, &grant.layer_version),
            Some(statement.principal)
        );
    }
}
