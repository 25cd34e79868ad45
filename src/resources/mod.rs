//! Resource types: a request of CloudFormation becomes an [`Operation`], without any I/O.
//! Only the folder of a resource type knows its properties and ids.

pub mod layer_version_permission;
pub mod location;
pub mod operation;
pub mod property_reader;
mod role;

use self::layer_version_permission::lifecycle;
use self::operation::{Operation, OperationError};
use crate::cloudformation::request::{Request, RequestType};

/// The resource type of the policies of functions, which is reserved.
const FUNCTION_PERMISSION: &str = "Custom::FunctionPermission";

/// What `request` asks for. A resource type that has no implementation of its own is a layer version permission.
///
/// # Errors
/// If it cannot be done. A Delete always can.
pub fn operation(request: &Request) -> Result<Operation, OperationError> {
    match (request.resource_type.as_str(), request.request_type) {
        (FUNCTION_PERMISSION, RequestType::Create | RequestType::Update) => Err(
            OperationError::UnsupportedResourceType(request.resource_type.clone()),
        ),
        (FUNCTION_PERMISSION, RequestType::Delete) => Ok(Operation::nothing(request)),
        _ => lifecycle::operation(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::request::Envelope;
    use crate::resources::operation::Mode;
    use serde_json::json;

    fn function_permission(request_type: &str, id: &str) -> Result<Operation, OperationError> {
        let event = json!({
            "RequestType": request_type,
            "ResponseURL": "https://host/",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::FunctionPermission",
            "PhysicalResourceId": id,
            "ResourceProperties": {},
        });
        let envelope = Envelope::parse(&event).expect("an envelope");
        operation(&Request::parse(&envelope, &event).expect("a request"))
    }

    #[test]
    fn a_function_permission_is_rejected_and_its_delete_does_nothing() {
        for request_type in ["Create", "Update"] {
            let rejected = function_permission(request_type, "").expect_err("unsupported");
            assert_eq!(
                rejected.to_string(),
                "unsupported resource type: got `Custom::FunctionPermission`, use `Custom::LayerVersionPermission` for layers"
            );
        }
        let granted = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#sid";
        for id in ["", "sharing-Share-1A2B", granted] {
            let delete = function_permission("Delete", id).expect("an operation");
            assert_eq!((delete.mode, delete.spec), (Mode::Cleanup, None), "{id:?}");
        }
    }
}
