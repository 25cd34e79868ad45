//! Events: every request with a URL gets a response, nothing is granted that the properties do not name, and a Delete removes what its
//! Create grants.

use std::collections::BTreeSet;

use lambda_permission_provider::cloudformation::event::Event;
use lambda_permission_provider::cloudformation::request::{Envelope, Request, RequestType};
use lambda_permission_provider::cloudformation::response::{MAX_BYTES, Response};
use lambda_permission_provider::deadline::Deadlines;
use lambda_permission_provider::policy::desired::Removal;
use lambda_permission_provider::policy::principal::Principal;
use lambda_permission_provider::policy::statement::Statement;
use lambda_permission_provider::policy::statement_list::is_member;
use lambda_permission_provider::policy::target::TargetSet;
use lambda_permission_provider::resources::lifecycle;
use lambda_permission_provider::resources::operation::{Mode, Operation, ReconcileSpec};
use lambda_permission_provider::resources::physical_id::PhysicalId;
use serde_json::Value;

use super::{assert_one_line, locations};

/// An event, which need not be JSON.
pub fn check(input: &[u8]) -> Option<()> {
    let parsed = Event::parse(input);
    is_parsed_as_json(input, &parsed);
    let event = &parsed.json;
    let envelope = Envelope::parse(event).ok()?;
    does_not_show_the_url(&envelope);
    ends_in_time(&envelope);
    has_a_response(&envelope);
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(envelope.stack_id, text("StackId"));
    assert_eq!(envelope.request_id, text("RequestId"));
    assert_eq!(envelope.logical_id, text("LogicalResourceId"));
    assert_eq!(
        envelope.physical_id.as_ref().map_or("", AsRef::as_ref),
        text("PhysicalResourceId")
    );
    if let Err(malformed) = parsed.check() {
        assert_one_line(&malformed.to_string());
        return Some(());
    }
    match Request::parse(&envelope, event) {
        Ok(request) => check_request(&request),
        Err(malformed) => {
            assert_ne!(text("RequestType"), "Delete", "a Delete was rejected");
            assert_one_line(&malformed.to_string());
        }
    }
    Some(())
}

/// What a JSON parser accepts is parsed alike; what it rejects is recorded.
fn is_parsed_as_json(input: &[u8], read: &Event) {
    let start = "\u{feff}".as_bytes();
    let json = serde_json::from_slice::<Value>(input.strip_prefix(start).unwrap_or(input));
    assert_eq!(read.malformed().is_empty(), json.is_ok());
    if let Ok(json) = json {
        assert_eq!(json, read.json);
        assert_eq!(read.check(), Ok(()));
    }
}

/// Whatever the ids are, they fit into a response, or it says that they are too long.
fn has_a_response(envelope: &Envelope) {
    let fits = envelope.check();
    if let Err(too_long) = &fits {
        assert_one_line(&too_long.to_string());
    }
    let body = Response::failed(envelope, None, "why".to_owned()).body(envelope, "log");
    assert!(body.len() <= MAX_BYTES, "{} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(body["Reason"], "why");
    if fits.is_ok() {
        assert_eq!(body["StackId"], *envelope.stack_id);
        assert_eq!(body["RequestId"], *envelope.request_id);
        assert_eq!(body["LogicalResourceId"], *envelope.logical_id);
    }
}

/// However long CloudFormation waits, the response is sent before Lambda ends the function.
fn ends_in_time(envelope: &Envelope) {
    let ends = Deadlines::at(0);
    let sooner = envelope.expires.map(|end| ends.no_later_than(end));
    assert!(sooner.is_none_or(|sooner| sooner.response <= ends.response));
}

/// Nothing of the URL but its scheme and host is ever shown.
fn does_not_show_the_url(envelope: &Envelope) {
    let shown = envelope.response_url.to_string();
    let host = shown
        .split_once("://")
        .and_then(|(_, rest)| rest.strip_suffix("?***"));
    assert!(
        host.is_some_and(|host| !host.contains(['/', '@', '?', '#'])),
        "{shown}"
    );
    assert!(format!("{envelope:?}").contains(&format!("response_url: {shown},")));
}

/// The invariants of a valid request.
pub fn check_request(request: &Request) {
    match (request.request_type, lifecycle::operation(request)) {
        (RequestType::Delete, Ok(operation)) => check_delete(request, &operation),
        (RequestType::Delete, Err(rejected)) => panic!("a Delete was rejected: {rejected}"),
        (RequestType::Create | RequestType::Update, Ok(operation)) => {
            check_grant(request, &operation);
        }
        (RequestType::Create | RequestType::Update, Err(rejected)) => {
            assert_one_line(&rejected.to_string());
        }
    }
}

fn check_delete(request: &Request, operation: &Operation) {
    let spec = operation.spec.iter().chain(&operation.orphaned);
    assert!(operation.mode != Mode::Apply);
    assert!(
        spec.clone().all(|spec| spec.desired.statements.is_empty()),
        "a Delete grants"
    );
    let expected = request.physical_id.clone().unwrap_or_default();
    assert_eq!(operation.physical_id, expected);
}

fn check_grant(request: &Request, operation: &Operation) {
    let Some(spec) = &operation.spec else {
        panic!("nothing is granted");
    };
    assert!(operation.mode == Mode::Apply && !spec.desired.statements.is_empty());
    let ids: BTreeSet<_> = spec
        .desired
        .statements
        .iter()
        .map(|statement| &statement.sid)
        .collect();
    assert_eq!(ids.len(), spec.desired.statements.len(), "an id twice");
    for statement in &spec.desired.statements {
        assert!(
            is_named(&statement.principal, request),
            "not requested: {statement}"
        );
    }
    if let Some(orphaned) = &operation.orphaned {
        let meets = orphaned.targets == spec.targets
            || orphaned.targets.has_resource_of(&spec.targets)
                && !matches!(
                    (&orphaned.targets, &spec.targets),
                    (TargetSet::One(_), TargetSet::One(_))
                );
        let removes = orphaned
            .desired
            .removals
            .iter()
            .any(|removal| ids.contains(removal.sid()));
        assert!(!(meets && removes), "what is granted is cleaned up");
    }
    match PhysicalId::parse(Some(&operation.physical_id)) {
        PhysicalId::Granted { targets, .. } => {
            assert_eq!(targets, spec.targets);
            is_deleted(request, operation, spec);
        }
        PhysicalId::Foreign => keeps_foreign_id(request, operation, spec),
        PhysicalId::NeverCreated => panic!("the id of a resource that was never created"),
    }
    locations::check(request);
}

/// A resource that another provider created keeps its id in an Update, in which all that the old properties declare is removed too.
fn keeps_foreign_id(request: &Request, operation: &Operation, spec: &ReconcileSpec) {
    assert_eq!(request.request_type, RequestType::Update);
    assert!(operation.keeps_id);
    assert_eq!(request.physical_id.as_ref(), Some(&operation.physical_id));
    let create = Request {
        request_type: RequestType::Create,
        physical_id: None,
        old_properties: None,
        ..request.clone()
    };
    let declared = lifecycle::operation(&create).map(|operation| operation.spec);
    let Ok(Some(declared)) = declared else {
        panic!("an Update grants what a Create does not: {declared:?}");
    };
    assert_eq!(spec.desired.statements, declared.desired.statements);
    let is_for_all = matches!(spec.targets, TargetSet::AllVersions(_))
        && spec.targets.has_resource_of(&declared.targets);
    assert!(is_for_all || spec.targets == declared.targets);
    is_deleted(request, operation, &declared);
}

/// Whether the properties name `principal`. A mistake must never make a grant wider, least of all public.
fn is_named(principal: &Principal, request: &Request) -> bool {
    let value = |name: &str| request.properties.get(name).map(Value::to_string);
    let names = |name: &str, text: &str| value(name).is_some_and(|value| value.contains(text));
    let organization = match request.resource_type.as_str() {
        "Custom::FunctionPermission" => "PrincipalOrgID",
        _ => "OrganizationId",
    };
    let has_organization = request.properties.contains_key(organization);
    match principal {
        Principal::Everyone => {
            !has_organization
                && (value("Principal").as_deref() == Some("\"*\"") || names("Principals", "*"))
        }
        Principal::Organization(id) => {
            let id = id.to_string();
            names(organization, &id) || names("Principals", &id)
        }
        Principal::Account(id) => {
            let id = id.to_string();
            names("Principal", &id) || names("Principals", &id)
        }
        Principal::Service(_) | Principal::Identity(_) => {
            let name = principal.to_string();
            names("Principal", &name) || names("Principals", &name)
        }
    }
}

/// A Delete removes exactly what is granted, by the id in the response or, when it overtakes that, without one; and an Update that
/// changes nothing is the same grant.
pub(super) fn is_deleted(request: &Request, operation: &Operation, granted: &ReconcileSpec) {
    let id = Some(operation.physical_id.clone());
    let mode = match PhysicalId::parse(id.as_ref()) {
        PhysicalId::Granted { .. } | PhysicalId::NeverCreated => Mode::Cleanup,
        PhysicalId::Foreign => Mode::CleanupOutOfOrder,
    };
    for (physical_id, mode) in [
        (id.clone(), mode),
        (None, Mode::CleanupOutOfOrder),
        (
            Some("stack-Share-1A2B3C".to_owned().into()),
            Mode::CleanupOutOfOrder,
        ),
    ] {
        let delete = Request {
            request_type: RequestType::Delete,
            physical_id,
            old_properties: None,
            ..request.clone()
        };
        let deleted =
            lifecycle::operation(&delete).map(|operation| (operation.mode, operation.spec));
        let Ok((found, Some(deleted))) = deleted else {
            panic!("nothing is removed: {deleted:?}");
        };
        assert_eq!(
            (found, &deleted.targets, &deleted.role),
            (mode, &granted.targets, &granted.role)
        );
        for statement in &granted.desired.statements {
            let is_removed = deleted
                .desired
                .removals
                .iter()
                .any(|removal| removes(statement, removal));
            assert!(is_removed, "not removed: {statement}");
        }
        for removal in &deleted.desired.removals {
            let ours = granted
                .desired
                .statements
                .iter()
                .any(|statement| removes(statement, removal));
            assert!(ours, "not granted: {removal}");
        }
    }
    let update = Request {
        request_type: RequestType::Update,
        physical_id: id,
        old_properties: Some(request.properties.clone()),
        ..request.clone()
    };
    let Ok(same) = lifecycle::operation(&update) else {
        panic!("an Update that changes nothing was rejected");
    };
    let spec = same.spec.as_ref().map(|spec| &spec.desired.statements);
    assert_eq!(
        (same.physical_id, spec),
        (
            operation.physical_id.clone(),
            Some(&granted.desired.statements)
        )
    );
}

/// Whether `removal` removes `statement`: exactly, or as one of a list by its id.
fn removes(statement: &Statement, removal: &Removal) -> bool {
    *removal == Removal::Exact(statement.clone())
        || removal.statement().is_none() && is_member(removal.sid(), statement)
}
