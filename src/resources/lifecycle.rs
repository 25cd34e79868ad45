//! What Create, Update and Delete of a resource ask for, whatever its type.

use serde_json::{Map, Value};

use super::function_permission;
use super::layer_version_permission;
use super::operation::{Mode, Operation, OperationError, ReconcileSpec};
use super::physical_id::PhysicalId;
use super::property_reader::{PropertyReader, ValidationErrors};
use super::resource::{Resource, ResourceType};
use super::role::read_role;
use crate::cloudformation::request::{PhysicalResourceId, Request, RequestType};
use crate::policy::desired::{DesiredState, Removal};
use crate::policy::statement_id::StatementId;
use crate::policy::target::TargetSet;

/// What `request` asks for.
///
/// # Errors
/// If it cannot be done. A Delete always can.
pub fn operation(request: &Request) -> Result<Operation, OperationError> {
    let mode = match (request.request_type, physical_id(request)) {
        (RequestType::Create | RequestType::Update, _) => return apply(request),
        (RequestType::Delete, PhysicalId::Granted { .. } | PhysicalId::NeverCreated) => {
            Mode::Cleanup
        }
        (RequestType::Delete, PhysicalId::Foreign) => Mode::CleanupOutOfOrder,
    };
    Ok(Operation {
        mode,
        spec: revoked_by_delete(request),
        ..Operation::nothing(request)
    })
}

/// What a Create or an Update asks for.
fn apply(request: &Request) -> Result<Operation, OperationError> {
    let resource = parse(request)?;
    let old = parse_old(request);
    let spec = grant(&resource);
    let physical_id = physical_id_after(request, &resource, &spec)?;
    let mut operation = Operation {
        mode: Mode::Apply,
        keeps_id: request.physical_id.as_ref() == Some(&physical_id),
        physical_id,
        ..Operation::nothing(request)
    };
    desire(&mut operation, request, spec, old.as_ref());
    operation.resource = Some(resource);
    Ok(operation)
}

/// Lets `operation` reconcile `spec`, and remove what was declared before as far as CloudFormation does not.
fn desire(
    operation: &mut Operation,
    request: &Request,
    mut spec: ReconcileSpec,
    old: Option<&Resource>,
) {
    // Our own write changed the revision that the resource was created with. Under the same id, a statement that is removed
    // has to be ours anyway, and a rollback must not fail for the revision that it brings back.
    let old_revision = old.and_then(|old| old.revision_id.as_ref());
    let is_used_up = operation.keeps_id || old_revision == spec.desired.revision_id.as_ref();
    spec.desired.revision_id = spec.desired.revision_id.filter(|_| !is_used_up);
    // Under another id, CloudFormation deletes the old grant itself when all else has succeeded; under the same id the old
    // content is removed now. In a rollback, that is what the failed Update may have left.
    if let Some(old) = old.filter(|_| operation.keeps_id) {
        let revoke = revoke(old);
        let moved = revoke.clone().in_partition_of(&spec);
        if moved.targets == spec.targets {
            spec.desired.removals = revoke.desired.removals;
            spec.versions_before = Some((old.versions, old.target.clone()));
        } else if moved.removed_statement_of(&spec).is_none() {
            operation.orphaned = Some(revoke);
        } else if physical_id(request) == PhysicalId::Foreign {
            spec.take_over(moved);
        }
        // Otherwise the Update was rejected for sharing a statement, and has left nothing.
    }
    operation.spec = Some(spec);
}

/// The id that the resource has when `spec` is reconciled, which `resource` declares. When it changes, CloudFormation deletes the
/// resource of the old id by its old properties: that must not remove what was just granted.
fn physical_id_after(
    request: &Request,
    resource: &Resource,
    spec: &ReconcileSpec,
) -> Result<PhysicalResourceId, OperationError> {
    let id = PhysicalResourceId::from(resource.physical_id());
    let current = request.physical_id.as_ref();
    let current = current.filter(|current| **current != id);
    let Some((current, old)) = current.zip(request.old_properties.as_ref()) else {
        return Ok(id);
    };
    let revoked = revoked_by_delete(&Request {
        properties: old.clone(),
        ..request.clone()
    });
    let moved = revoked.clone().map(|old| old.in_partition_of(spec));
    let shared = moved.as_ref();
    let shared = shared.and_then(|old| old.removed_statement_of(spec));
    let is_foreign = physical_id(request) == PhysicalId::Foreign;
    match shared {
        // The resource was created by another provider, and keeps the id that it has from there.
        Some(_) if is_foreign => Ok(current.clone()),
        Some(shared) if moved == revoked => Err(OperationError::SharedStatement(shared)),
        // What is shared in another partition cannot be reached, which is the reason of the response then.
        Some(_) | None => Ok(id),
    }
}

/// What a Delete of the id of this request with its properties revokes, if anything.
fn revoked_by_delete(request: &Request) -> Option<ReconcileSpec> {
    match physical_id(request) {
        PhysicalId::NeverCreated => None,
        PhysicalId::Granted { targets, sid } => Some(revoke_by_id(request, targets, sid)),
        PhysicalId::Foreign => parse(request).ok().as_ref().map(revoke),
    }
}

/// The spec by which the statement that the id names is gone, if it contains what the properties declare; by the id alone, if they
/// are invalid.
fn revoke_by_id(request: &Request, targets: TargetSet, sid: StatementId) -> ReconcileSpec {
    let Ok(declared) = parse(request) else {
        let role = read_role(&mut PropertyReader::new(&request.properties), None);
        let desired = DesiredState {
            removals: vec![Removal::ById(sid)],
            ..DesiredState::default()
        };
        return ReconcileSpec {
            role: role.filter(|role| role.account() == targets.location().account()),
            ..ReconcileSpec::new(targets, desired)
        };
    };
    let list = derived_list_removal(&declared).filter(|list| *list.sid() == sid);
    let mut spec = revoke(&Resource { sid, ..declared });
    spec.desired.removals.extend(list);
    if spec.targets == targets {
        return spec;
    }
    // The properties name other policies than the id does.
    ReconcileSpec {
        role: spec.role,
        ..ReconcileSpec::new(targets, spec.desired)
    }
}

/// What the physical id of `request` says. One that a resource of another type would have was never issued for this one.
fn physical_id(request: &Request) -> PhysicalId {
    let id = PhysicalId::parse(request.physical_id.as_ref());
    let is_function = ResourceType::of(&request.resource_type) == ResourceType::FunctionPermission;
    let is_of_other_type = matches!(&id, PhysicalId::Granted { targets, .. } if targets.function().is_some() != is_function);
    if is_of_other_type {
        PhysicalId::Foreign
    } else {
        id
    }
}

fn parse(request: &Request) -> Result<Resource, ValidationErrors> {
    parse_properties(request, &request.properties)
}

/// What the resource declared before an Update.
fn parse_old(request: &Request) -> Option<Resource> {
    parse_properties(request, request.old_properties.as_ref()?).ok()
}

fn parse_properties(
    request: &Request,
    properties: &Map<String, Value>,
) -> Result<Resource, ValidationErrors> {
    let parse = match ResourceType::of(&request.resource_type) {
        ResourceType::LayerVersionPermission => layer_version_permission::parse,
        ResourceType::FunctionPermission => function_permission::parse,
    };
    parse(properties, &request.stack_id, &request.logical_id)
}

/// The spec by which the statements of `resource` are there.
fn grant(resource: &Resource) -> ReconcileSpec {
    let units = resource.units();
    let desired = DesiredState {
        statements: resource.statements(),
        // An account may have left since an earlier event.
        leftovers: units.iter().cloned().map(Removal::Unit).collect(),
        units,
        revision_id: resource.revision_id.clone(),
        ..DesiredState::default()
    };
    spec(resource, desired)
}

/// The spec by which they are gone.
fn revoke(resource: &Resource) -> ReconcileSpec {
    let removals = resource.statements().into_iter().map(Removal::Exact);
    let removals = removals.chain(resource.units().into_iter().map(Removal::Unit));
    let desired = DesiredState {
        removals: removals.collect(),
        ..DesiredState::default()
    };
    spec(resource, desired)
}

fn spec(resource: &Resource, desired: DesiredState) -> ReconcileSpec {
    ReconcileSpec {
        named: Some(resource.target.clone()),
        role: resource.role.clone(),
        versions: resource.versions,
        ..ReconcileSpec::new(resource.targets.clone(), desired)
    }
}

/// For a list under a derived id: besides what is declared, every statement of that id, since no other resource has it. A list that
/// was declared in between may have left some that this one does not name.
fn derived_list_removal(resource: &Resource) -> Option<Removal> {
    (resource.is_list() && resource.is_derived).then(|| Removal::ById(resource.sid.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::request::Envelope;
    use crate::policy::version_range::VersionRange;
    use crate::resources::location::ProviderLocation;
    use serde_json::json;
    use std::num::NonZeroU64;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

    /// A grant of version 1 to an account, with these changes; without what is null in them.
    fn properties(changes: &Value) -> Value {
        let mut properties = json!({
            "LayerVersionArn": format!("{LAYER}:1"),
            "Principal": "111122223333",
            "StatementId": "sid",
        });
        let map = properties.as_object_mut().expect("an object");
        map.extend(changes.as_object().expect("an object").clone());
        map.retain(|_, value| !value.is_null());
        properties
    }

    fn request(kind: &str, id: &str, new: &Value, old: &Value) -> Request {
        let event = json!({
            "RequestType": kind,
            "ResponseURL": "https://host/",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::LayerVersionPermission",
            "PhysicalResourceId": id,
            "ResourceProperties": properties(new),
            "OldResourceProperties": properties(old),
        });
        let envelope = Envelope::parse(&event).expect("an envelope");
        Request::parse(&envelope, &event).expect("a request")
    }

    fn parsed(kind: &str, id: &str, new: &Value, old: &Value) -> Result<Operation, OperationError> {
        operation(&request(kind, id, new, old))
    }

    /// The specs as `<version or All>: + <desired> - <removed>`.
    fn specs(operation: &Operation) -> Vec<String> {
        let text = |spec: &ReconcileSpec| {
            let desired = spec.desired.statements.iter();
            let desired = desired.map(|desired| format!(" + {desired}"));
            let removals = spec.desired.removals.iter();
            let removals = removals.map(|removal| format!(" - {removal}"));
            let changes: String = desired.chain(removals).collect();
            match &spec.targets {
                TargetSet::One(target) => {
                    format!("{}:{changes}", target.short_name().replace("version ", ""))
                }
                TargetSet::AllVersions(_) => format!("All:{changes}"),
            }
        };
        let orphaned = operation.orphaned.iter();
        let orphaned = orphaned.map(|spec| format!("orphaned {}", text(spec)));
        operation.spec.iter().map(text).chain(orphaned).collect()
    }

    #[test]
    fn an_update_removes_what_was_declared_before_only_under_the_same_id() {
        let other = json!({"Principal": "444455556666"});
        let version_2 = json!({"LayerVersionArn": format!("{LAYER}:2")});
        let id = format!("{LAYER}:1#sid");
        for (name, id, new, old, expected) in [
            (
                "another principal, same id",
                id.as_str(),
                &other,
                &json!({}),
                vec!["1: + `sid` for `444455556666` - `sid` for `111122223333`"],
            ),
            (
                "another version: the old one is left to CloudFormation's Delete",
                id.as_str(),
                &version_2,
                &json!({}),
                vec!["2: + `sid` for `111122223333`"],
            ),
            (
                "rollback of a failed Update to another version: what it may have left goes",
                id.as_str(),
                &json!({}),
                &version_2,
                vec![
                    "1: + `sid` for `111122223333`",
                    "orphaned 2: - `sid` for `111122223333`",
                ],
            ),
            (
                "rollback of an Update that had succeeded",
                &format!("{LAYER}:2#sid"),
                &json!({}),
                &version_2,
                vec!["1: + `sid` for `111122223333`"],
            ),
            (
                "old properties that do not parse",
                id.as_str(),
                &json!({}),
                &json!({"Principal": ""}),
                vec!["1: + `sid` for `111122223333`"],
            ),
        ] {
            let operation = parsed("Update", id, new, old).expect(name);
            assert_eq!(specs(&operation), expected, "{name}");
        }
    }

    #[test]
    fn a_grant_for_all_versions_is_about_the_layer() {
        let all = json!({"Versions": "All"});
        let next = json!({"Versions": "All", "LayerVersionArn": format!("{LAYER}:2")});
        let derived = json!({"Versions": "All", "StatementId": "derived"});
        let (layer, version) = (format!("{LAYER}#sid"), format!("{LAYER}:1#sid"));
        for (name, kind, id, new, old, expected) in [
            (
                "publish",
                "Update",
                &layer,
                &next,
                &all,
                vec!["All: + `sid` for `111122223333` - `sid` for `111122223333`"],
            ),
            (
                "delete",
                "Delete",
                &layer,
                &all,
                &json!({}),
                vec!["All: - `sid` for `111122223333`"],
            ),
            (
                "delete what came before",
                "Delete",
                &version,
                &all,
                &json!({}),
                vec!["1: - `sid` for `111122223333`"],
            ),
            (
                "from one version",
                "Update",
                &version,
                &derived,
                &json!({}),
                vec!["All: + `derived` for `111122223333`"],
            ),
            (
                "rollback to one version",
                "Update",
                &version,
                &json!({}),
                &derived,
                vec![
                    "1: + `sid` for `111122223333`",
                    "orphaned All: - `derived` for `111122223333`",
                ],
            ),
            (
                "rollback of what was rejected",
                "Update",
                &version,
                &json!({}),
                &all,
                vec!["1: + `sid` for `111122223333`"],
            ),
        ] {
            let operation = parsed(kind, id, new, old).expect(name);
            assert_eq!(specs(&operation), expected, "{name}");
        }
        for (id, new, old) in [(&version, &all, &json!({})), (&layer, &json!({}), &all)] {
            assert_eq!(
                parsed("Update", id, new, old)
                    .expect_err("shared")
                    .to_string(),
                "statement ID shared with the replaced resource: got `sid` in both, give another `StatementId` or leave it \
                 out"
            );
        }
    }

    #[test]
    fn a_resource_does_not_share_a_statement_with_the_one_that_it_replaces() {
        let list = json!({"Principal": null, "Principals": "111122223333", "StatementId": "team"});
        let one = json!({"StatementId": "team-111122223333"});
        let shared = parsed("Update", &format!("{LAYER}:1#team"), &one, &list);
        assert_eq!(
            shared.expect_err("shared").to_string(),
            "statement ID shared with the replaced resource: got `team-111122223333` in both, give another `StatementId` or \
             leave it out"
        );
    }

    #[test]
    fn a_delete_of_a_list_under_a_derived_id_removes_every_statement_of_that_id() {
        let list = json!({"Principal": null, "StatementId": null, "Principals": "111122223333"});
        let created = parsed("Create", "", &list, &list).expect("an operation");
        for (id, number) in [
            (created.physical_id, 2),
            (format!("{LAYER}:1#another").into(), 1),
        ] {
            let deleted = parsed("Delete", id.as_ref(), &list, &list).expect("an operation");
            let spec = deleted.spec.expect("a spec");
            let removals = spec.desired.removals.iter();
            let exact = removals
                .clone()
                .filter(|removal| removal.statement().is_some());
            assert_eq!((exact.count(), removals.count()), (1, number));
        }
    }

    #[test]
    fn the_role_of_properties_that_cannot_be_read_is_used_if_it_can_be_read_itself() {
        let role = "arn:aws:iam::123456789012:role/share";
        let foreign = "arn:aws:iam::111122223333:role/share";
        for (properties, found) in [
            (json!({"RoleArn": role}), Some(role)),
            (json!({"RoleArn": role, "Principal": ""}), Some(role)),
            (json!({"RoleArn": foreign, "Principal": ""}), None),
            (json!({"RoleArn": "share", "Principal": ""}), None),
        ] {
            let operation = parsed("Delete", &format!("{LAYER}:1#sid"), &properties, &json!({}));
            let spec = operation.expect("an operation").spec.expect("a spec");
            assert_eq!(
                spec.role.map(|role| role.to_string()).as_deref(),
                found,
                "{properties}"
            );
        }
    }

    #[test]
    fn a_list_keeps_its_id_when_it_changes() {
        let list = |principals: &str| json!({"Principal": null, "Principals": principals});
        let (new, old) = (list("111122223333,*"), list("111122223333,444455556666"));
        let id = format!("{LAYER}:1#sid");
        let operation = parsed("Update", &id, &new, &old).expect("an operation");
        assert_eq!(
            specs(&operation),
            [
                "1: + `sid-111122223333` for `111122223333` + `sid-public` for `*` - `sid-111122223333` for \
                 `111122223333` - `sid-444455556666` for `444455556666`"
            ]
        );
        assert!(
            operation
                .return_values(None)
                .contains(&("StatementIds", "sid-111122223333,sid-public".into()))
        );
    }

    #[test]
    fn a_revision_is_required_for_another_id_until_it_was_used() {
        let (r1, r2) = (json!({"RevisionId": "r1"}), json!({"RevisionId": "r2"}));
        let (same, other) = (format!("{LAYER}:1#sid"), format!("{LAYER}:2#sid"));
        for (kind, id, new, old, demanded) in [
            ("Create", "", &r1, &json!({}), Some("r1")),
            ("Update", &other, &r2, &r1, Some("r2")),
            ("Update", &other, &r1, &r1, None),
            ("Update", &same, &r2, &r1, None),
            ("Update", &same, &r1, &json!({}), None),
        ] {
            let operation = parsed(kind, id, new, old).expect("an operation");
            let demand = operation
                .spec
                .as_ref()
                .and_then(|spec| spec.desired.revision_id.as_deref());
            assert_eq!(demand, demanded, "{kind} {id} {new} {old}");
        }
    }

    #[test]
    fn a_grant_for_all_versions_shares_its_statement_with_any_version_of_the_same_layer_only() {
        let other = LAYER.replace("my-layer", "other");
        for (layer, is_shared) in [(LAYER, true), (other.as_str(), false)] {
            let all = json!({"Versions": "All", "LayerVersionArn": format!("{layer}:2")});
            let operation = parsed("Update", &format!("{LAYER}:1#sid"), &all, &json!({}));
            assert_eq!(operation.is_err(), is_shared, "{layer}");
        }
    }

    #[test]
    fn an_update_of_the_versions_in_place_knows_which_they_were() {
        let old = json!({"Versions": {"Newest": 2}});
        let new = json!({"Versions": "All", "LayerVersionArn": format!("{LAYER}:2")});
        let before = |new: &Value| {
            let id = format!("{LAYER}#sid");
            let operation = parsed("Update", &id, new, &old).expect("an operation");
            operation.spec.expect("a spec").versions_before
        };
        let newest = NonZeroU64::new(2);
        let range = VersionRange {
            newest,
            ..VersionRange::default()
        };
        let named = format!("{LAYER}:1").parse().expect("a target");
        assert_eq!(before(&new), Some((range, named)));
        let replaced = json!({"Versions": "All", "StatementId": "other"});
        assert_eq!(before(&replaced), None);
    }

    #[test]
    fn orphans_of_all_versions_make_a_rollback_one_for_all_versions() {
        let version = format!("{LAYER}:1#sid");
        let (all, one) = (json!({"Versions": "All"}), json!({}));
        let derived = json!({"Versions": "All", "StatementId": "derived"});
        for (name, new, old, for_all) in [
            ("one version", &one, &one, false),
            ("all versions", &all, &all, true),
            ("a rollback from all versions", &one, &derived, true),
        ] {
            let id = if *new == all {
                format!("{LAYER}#sid")
            } else {
                version.clone()
            };
            let operation = parsed("Update", &id, new, old).expect(name);
            assert_eq!(operation.is_for_all_versions(), for_all, "{name}");
        }
    }

    #[test]
    fn only_a_list_under_a_derived_id_is_removed_by_its_id_too() {
        for (changes, by_id) in [
            (json!({"StatementId": null}), false),
            (
                json!({"StatementId": null, "Principal": null, "Principals": "*"}),
                true,
            ),
            (json!({"Principal": null, "Principals": "*"}), false),
        ] {
            let created = parsed("Create", "", &changes, &changes).expect("an operation");
            let id = created.physical_id;
            let spec = parsed("Delete", id.as_ref(), &changes, &changes)
                .expect("an operation")
                .spec;
            let removals = spec.expect("a spec").desired.removals;
            let mut removals = removals.iter();
            let found = removals.any(|removal| removal.statement().is_none());
            assert_eq!(found, by_id, "{changes}");
        }
    }

    #[test]
    fn the_spec_for_all_versions_names_the_version_of_the_resource() {
        let next = json!({"Versions": "All", "LayerVersionArn": format!("{LAYER}:2")});
        let operation = parsed("Create", "", &next, &next).expect("an operation");
        let named = operation.spec.and_then(|spec| spec.named);
        assert_eq!(
            named.map(|named| named.to_string()),
            Some(format!("{LAYER}:2"))
        );
    }

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";

    #[test]
    fn an_unreachable_grant_is_rejected_and_a_delete_revokes_what_may_have_been_granted() {
        for (partition, region, account, is_granted, is_revoked) in [
            ("aws", "eu-west-1", "123456789012", true, true),
            ("aws", "us-east-1", "210987654321", true, true),
            ("aws-cn", "eu-west-1", "123456789012", false, true),
            ("aws-cn", "eu-west-1", "210987654321", false, false),
            ("aws-cn", "cn-north-1", "123456789012", false, false),
        ] {
            let layer = format!("arn:{partition}:lambda:{region}:{account}:layer:my-layer");
            let properties = json!({"LayerVersionArn": format!("{layer}:1")});
            let within = |kind: &str, id: &str| {
                let operation = parsed(kind, id, &properties, &properties).expect("an operation");
                (
                    operation.clone(),
                    operation.at(&ProviderLocation::parse(FUNCTION)),
                )
            };
            for (kind, id) in [("Create", ""), ("Update", &format!("{layer}:1#sid"))] {
                let (granted, found) = within(kind, id);
                assert_eq!(found.ok(), is_granted.then_some(granted), "{kind} {layer}");
            }
            for id in [&format!("{layer}:1#sid"), "sharing-Share-1A2B"] {
                let (mut revoked, found) = within("Delete", id);
                revoked.spec = revoked.spec.filter(|_| is_revoked);
                assert_eq!(found, Ok(revoked), "{id} {layer}");
            }
        }
    }

    #[test]
    fn orphans_of_a_failed_update_are_cleaned_up_where_it_could_write() {
        for (partition, is_cleared) in [("aws", true), ("aws-cn", false)] {
            let layer = LAYER.replace("arn:aws:", &format!("arn:{partition}:"));
            let old = json!({"LayerVersionArn": format!("{layer}:2")});
            let operation = parsed("Update", &format!("{LAYER}:1#sid"), &json!({}), &old);
            let mut operation = operation.expect("an operation");
            assert!(operation.orphaned.is_some(), "{layer}");
            let found = operation.clone().at(&ProviderLocation::parse(FUNCTION));
            operation.orphaned = operation.orphaned.filter(|_| is_cleared);
            assert_eq!(found, Ok(operation), "{layer}");
        }
    }

    #[test]
    fn a_delete_requires_no_revision() {
        let properties = json!({"RevisionId": "r1"});
        for id in [format!("{LAYER}:1#sid"), "sharing-Share-1A2B".to_owned()] {
            let operation = parsed("Delete", &id, &properties, &json!({})).expect("an operation");
            let demanded = operation.spec.expect("a spec").desired.revision_id;
            assert_eq!(demanded, None, "{id}");
        }
    }

    #[test]
    fn a_delete_uses_the_role_of_the_properties_for_what_another_id_names_too() {
        let role = "arn:aws:iam::123456789012:role/share";
        let operation = parsed(
            "Delete",
            &format!("{LAYER}:7#sid"),
            &json!({"RoleArn": role}),
            &json!({}),
        );
        let spec = operation.expect("an operation").spec.expect("a spec");
        assert_eq!(
            spec.role.map(|role| role.to_string()).as_deref(),
            Some(role)
        );
    }

    #[test]
    fn a_delete_removes_what_its_id_names_if_it_contains_what_the_properties_declare() {
        for (name, id, properties, mode, expected) in [
            (
                "ours",
                format!("{LAYER}:7#other"),
                json!({}),
                Mode::Cleanup,
                vec!["7: - `other` for `111122223333`"],
            ),
            (
                "by the id alone",
                format!("{LAYER}:7#other"),
                json!({"Principal": ""}),
                Mode::Cleanup,
                vec!["7: - `other`"],
            ),
            (
                "an invented id",
                "sharing-Share-1A2B".to_owned(),
                json!({}),
                Mode::CleanupOutOfOrder,
                vec!["1: - `sid` for `111122223333`"],
            ),
            (
                "an invented id and nothing to go by",
                "sharing-Share-1A2B".to_owned(),
                json!({"Principal": ""}),
                Mode::CleanupOutOfOrder,
                vec![],
            ),
            (
                "never created",
                "never-created".to_owned(),
                json!({}),
                Mode::Cleanup,
                vec![],
            ),
        ] {
            let operation = parsed("Delete", &id, &properties, &json!({})).expect(name);
            assert_eq!(
                (operation.mode, specs(&operation)),
                (mode, expected.into_iter().map(str::to_owned).collect()),
                "{name}"
            );
            assert_eq!(operation.physical_id, id.into(), "{name}");
        }
    }

    #[test]
    fn an_update_removes_the_units_that_it_drops_and_who_has_left_those_that_it_keeps() {
        let id = format!("{LAYER}:1#sid");
        let (one, other) = ("ou-abcd-11111111", "ou-abcd-22222222");
        let list = |units: &[&str]| json!({"Principal": null, "Principals": units});
        let (old, new) = (list(&[one, other, "111122223333"]), list(&[one]));
        let update = parsed("Update", &id, &new, &old).expect("an operation");
        let expected = "1: - `sid-111122223333` for `111122223333` - `sid` for `ou-abcd-11111111` - `sid` for `ou-abcd-22222222`";
        assert_eq!(specs(&update), [expected]);
        let desired = update.spec.expect("a spec").desired;
        let shown = |units: Vec<String>| units.join(", ");
        let units = desired.units.iter().map(ToString::to_string).collect();
        assert_eq!(shown(units), "`sid` for `ou-abcd-11111111`");
        let leftovers = desired.leftovers.iter().map(ToString::to_string).collect();
        assert_eq!(shown(leftovers), "`sid` for `ou-abcd-11111111`");
    }
}
