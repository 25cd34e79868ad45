//! Physical ids: one that grants something is printed as it was written, and its Delete takes away that and nothing else.

use lambda_permission_provider::cloudformation::physical_id::PhysicalId;
use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::permission::intent::{Intent, Purpose};
use serde_json::Map;

/// One text.
pub fn hold(input: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(input).ok()?;
    let id = PhysicalId::read(Some(text));
    // Without properties, an id is all there is to go by.
    let delete = Request {
        kind: RequestType::Delete,
        resource_type: "Custom::LayerVersionPermission".to_owned(),
        stack_id: "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1".to_owned(),
        logical_id: "Share".to_owned(),
        physical_id: Some(text.to_owned()),
        properties: Map::new(),
        old_properties: None,
    };
    let Ok(intent) = Intent::of(&delete) else {
        panic!("a Delete was refused: {text}");
    };
    assert_eq!(intent.physical_id, text);
    assert_eq!(intent.leftovers, None);
    match id {
        PhysicalId::Granted { scope, sid } => {
            assert_eq!(format!("{scope}#{sid}"), text);
            let Some(goals) = intent.goals else {
                panic!("nothing is taken away: {text}");
            };
            assert_eq!((intent.purpose, &goals.scope), (Purpose::Revoke, &scope));
            assert_eq!((goals.each.wanted.len(), goals.each.unwanted.len()), (0, 1));
            assert!(
                goals
                    .each
                    .unwanted
                    .iter()
                    .all(|unwanted| unwanted.sid == sid)
            );
        }
        PhysicalId::NeverCreated => {
            assert_eq!((text, intent.goals), ("never-created", None));
        }
        PhysicalId::Unknown => {
            assert_eq!((intent.purpose, intent.goals), (Purpose::RevokeEarly, None));
        }
    }
    Some(())
}
