//! A resource of any type, and what `Fn::GetAtt` returns of it.

use super::layer_version_permission::LayerVersionPermission;
use super::spec::ReturnValues;
use crate::cloudformation::request::PhysicalResourceId;
use crate::policy::document::PolicyDocument;

/// A resource as its properties declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `Custom::LayerVersionPermission`.
    LayerVersionPermission(LayerVersionPermission),
}

impl Resource {
    /// What `Fn::GetAtt` returns of the resource; `policy` is the policy of the target that it names.
    #[must_use]
    pub fn return_values(
        &self,
        physical_id: &PhysicalResourceId,
        policy: Option<&PolicyDocument>,
    ) -> ReturnValues {
        match self {
            Self::LayerVersionPermission(resource) => resource.return_values(physical_id, policy),
        }
    }
}
