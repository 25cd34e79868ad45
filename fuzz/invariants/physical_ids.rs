//! Physical ids: one that names a statement is printed as it was written, and its Delete removes that and nothing else.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::resources::lifecycle;
use lambda_permission_provider::resources::operation::Mode;
use lambda_permission_provider::resources::physical_id::PhysicalId;
use serde_json::Map;

/// One text.
pub fn check(input: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(input).ok()?;
    let resource_type = if text.contains(":function:") {
        "Custom::FunctionPermission"
    } else {
        "Custom::LayerVersionPermission"
    };
    // Without properties, there is nothing but the id.
    let delete = Request {
        request_type: RequestType::Delete,
        resource_type: resource_type.to_owned(),
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1".to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: Some(text.to_owned().into()),
        properties: Map::new(),
        old_properties: None,
    };
    let id = PhysicalId::parse(delete.physical_id.as_ref());
    let Ok(operation) = lifecycle::operation(&delete) else {
        panic!("a Delete was rejected: {text}");
    };
    assert_eq!(operation.physical_id.as_ref(), text);
    assert_eq!(operation.orphaned, None);
    match id {
        PhysicalId::Granted { targets, sid } => {
            assert_eq!(format!("{targets}#{sid}"), text);
            let Some(spec) = operation.spec else {
                panic!("nothing is removed: {text}");
            };
            assert_eq!((operation.mode, &spec.targets), (Mode::Cleanup, &targets));
            let desired = spec.desired;
            assert_eq!((desired.statements.len(), desired.removals.len()), (0, 1));
            assert!(desired.removals.iter().all(|removal| *removal.sid() == sid));
        }
        PhysicalId::NeverCreated => {
            assert_eq!((text, operation.spec), ("never-created", None));
        }
        PhysicalId::Foreign => {
            let found = (operation.mode, operation.spec);
            assert_eq!(found, (Mode::CleanupOutOfOrder, None));
        }
    }
    Some(())
}
