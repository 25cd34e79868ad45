//! Properties: every reason is one line, and the parsed properties are the same when they are written in the plainest spelling.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::policy::principal::{Principal, account_of_root_arn};
use lambda_permission_provider::policy::statement::Statement;
use lambda_permission_provider::policy::target::PolicyTarget;
use lambda_permission_provider::resources::layer_version_permission;
use lambda_permission_provider::resources::layer_version_permission::properties::{
    PROPERTIES, Properties,
};
use lambda_permission_provider::resources::layer_version_permission::versions::Versions;
use lambda_permission_provider::resources::principals::Principals;
use lambda_permission_provider::resources::property_reader::ValidationErrors;
use lambda_permission_provider::resources::resource::Resource;
use serde_json::{Map, Value, json};

use super::assert_one_line;
use super::events::check_request;

pub(super) const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/1";

/// The most bytes of a reason, whatever it quotes.
const MAX_BYTES: usize = 16 * 1024;

/// The properties of a resource, a JSON object.
pub fn check(input: &[u8]) -> Option<()> {
    let Value::Object(properties) = serde_json::from_slice(input).ok()? else {
        return None;
    };
    let declared = layer_version_permission::parse(&properties, STACK, "Share");
    match Properties::parse(&properties, STACK) {
        Ok(parsed) => {
            knows_every_name(&properties, &PROPERTIES);
            assert_eq!(
                Properties::parse(&plainest(&parsed), STACK).as_ref(),
                Ok(&parsed)
            );
            let Ok(resource) = declared else {
                panic!("parsed, but nothing is declared");
            };
            matches_its_own_json(&resource, &parsed.principals);
        }
        Err(errors) => {
            is_a_reason(&errors);
            assert_eq!(declared, Err(errors));
        }
    }
    check_request(&Request {
        request_type: RequestType::Create,
        resource_type: "Custom::LayerVersionPermission".to_owned(),
        stack_id: STACK.to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: None,
        properties,
        old_properties: None,
    });
    Some(())
}

/// What is wrong, what was got and what to do, on one line of bounded length.
pub(super) fn is_a_reason(errors: &ValidationErrors) {
    let reason = errors.to_string();
    assert!(reason.contains(": got "), "{reason}");
    assert_one_line(&reason);
    assert!(reason.len() <= MAX_BYTES, "{reason}");
}

/// A mistyped name is never ignored.
pub(super) fn knows_every_name(properties: &Map<String, Value>, known: &[&str]) {
    for name in properties.keys() {
        assert!(
            name.starts_with("Service") || known.contains(&name.as_str()),
            "{name}"
        );
    }
}

/// The same in the plainest spelling.
fn plainest(parsed: &Properties) -> Map<String, Value> {
    let mut plain = Map::new();
    let mut set = |name: &str, value: Value| drop(plain.insert(name.to_owned(), value));
    set("LayerVersionArn", parsed.layer_version.to_string().into());
    match &parsed.principals {
        Principals::One(Principal::Organization(id)) => {
            set("Principal", "*".into());
            set("OrganizationId", id.to_string().into());
        }
        Principals::One(principal) => set("Principal", principal.to_string().into()),
        Principals::List(principals) => {
            let each: Vec<String> = principals.iter().map(ToString::to_string).collect();
            set("Principals", json!(each));
        }
    }
    if let Versions::Range(range) = parsed.versions {
        let mut given = Map::new();
        for (name, number) in [("From", range.from), ("Newest", range.newest)] {
            given.extend(number.map(|number| (name.to_owned(), json!(number))));
        }
        let is_all = given.is_empty();
        set("Versions", if is_all { "All".into() } else { given.into() });
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

/// The statements of the resource, and of each unit one, for an account.
pub fn statements_of(resource: &Resource) -> Vec<Statement> {
    let account = "123123123123".parse().expect("an account");
    let units = resource.units().into_iter();
    let of_units = units.filter_map(|unit| unit.statement(&account));
    resource.statements().into_iter().chain(of_units).collect()
}

/// Every statement matches the JSON that Lambda writes for it, and no other principal's does; there is one for each principal.
fn matches_its_own_json(resource: &Resource, principals: &Principals) {
    let statements = statements_of(resource);
    let principals = match principals {
        Principals::One(_) => 1,
        Principals::List(principals) => principals.len(),
    };
    assert_eq!(statements.len(), principals);
    let target = resource.target.clone();
    let others = ["111122223333", "o-abcdefghij", "*"];
    let others = others.iter().filter_map(|text| text.parse().ok());
    let named = statements.iter().map(|each| each.principal.clone());
    let candidates: Vec<Principal> = others.chain(named).collect();
    for statement in &statements {
        let json = statement.to_json(&target);
        assert!(statement.sid.is_of(&json), "{json}");
        assert_eq!(
            principal_of(&json, &target),
            Some(statement.principal.clone())
        );
        for principal in &candidates {
            let candidate = Statement::layer_version(statement.sid.clone(), principal.clone());
            let is_same = candidate == *statement;
            assert_eq!(candidate.matches(&json, &target), is_same);
            assert_eq!(candidate.matches_in_any_partition(&json, &target), is_same);
        }
    }
}

/// Whom the JSON that Lambda writes grants `target` to.
fn principal_of(json: &Value, target: &PolicyTarget) -> Option<Principal> {
    let grants = json!({
        "Effect": "Allow",
        "Action": "lambda:GetLayerVersion",
        "Resource": target.to_string(),
    });
    let members = grants.as_object()?;
    assert!(members.iter().all(|(name, value)| json[name] == *value));
    let account = |root: &str| {
        assert!(root.starts_with(&format!("arn:{}:", target.location().partition())));
        account_of_root_arn(root).map(Principal::Account)
    };
    match (&json["Principal"], json.get("Condition")) {
        (Value::String(everybody), None) if everybody == "*" => Some(Principal::Everyone),
        (Value::String(everybody), Some(condition)) if everybody == "*" => {
            let id = condition["StringEquals"]["aws:PrincipalOrgID"].as_str()?;
            id.parse().map(Principal::Organization).ok()
        }
        (Value::Object(kinds), None) => account(kinds.get("AWS")?.as_str()?),
        _ => None,
    }
}
