//! A resource of the template as CloudFormation knows it, and the result of one operation on it.

use crate::desired_state::{DesiredState, TargetType};

/// What another provider has returned as a physical id: the name of its log stream.
pub const FOREIGN_ID: &str = "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef";

/// One resource of the template.
pub struct Resource {
    pub logical_id: &'static str,
    pub target_type: TargetType,
    pub created: Option<CreatedResource>,
}

/// A resource that exists for CloudFormation.
#[derive(Debug, Clone)]
pub struct CreatedResource {
    pub physical_id: String,
    pub desired: DesiredState,
}

/// The result of one operation on one resource.
pub enum OperationResult {
    Unchanged,
    Created(CreatedResource),
    /// With the physical id and the properties that the rollback deletes.
    CreateFailed(CreatedResource),
    /// Deleted before its Create ended.
    DeletedEarly,
    /// Rolled back before its Update ended.
    RolledBackEarly,
    Updated {
        before: CreatedResource,
        after: CreatedResource,
    },
    /// With what it would have been, under the same physical id.
    UpdateFailed {
        before: CreatedResource,
        after: CreatedResource,
    },
    /// To be deleted in the cleanup.
    Removed(CreatedResource),
}

impl OperationResult {
    /// Whether the stack is rolled back for it.
    pub fn is_failed(&self) -> bool {
        match self {
            Self::CreateFailed(_)
            | Self::UpdateFailed { .. }
            | Self::DeletedEarly
            | Self::RolledBackEarly => true,
            Self::Unchanged | Self::Created(_) | Self::Updated { .. } | Self::Removed(_) => false,
        }
    }
}
