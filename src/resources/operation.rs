//! What a request asks for: the desired state of policies, and what the response contains. Every resource type makes one.
//! No I/O.

use thiserror::Error;

use super::location::{ProviderLocation, UnreachableTarget};
use super::property_reader::ValidationErrors;
use super::resource::Resource;
use super::spec::{ReconcileSpec, ReturnValues};
use crate::cloudformation::request::{PhysicalResourceId, Request};
use crate::policy::document::PolicyDocument;
use crate::policy::statement_id::StatementId;
use crate::policy::target::TargetSet;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// How the policies are reconciled: how patiently, and whether a failure is rolled back.
    pub mode: Mode,
    /// The desired state of the policies; none where nothing is to be done.
    pub spec: Option<ReconcileSpec>,
    /// What a failed Update may have left in other policies. It is cleaned up if possible: these may be policies that cannot even
    /// be read, which would be why the Update failed.
    pub orphaned: Option<ReconcileSpec>,
    /// The id in the response to a success.
    pub physical_id: PhysicalResourceId,
    /// Whether the resource has this id already: what it granted under it before is there, or was.
    pub keeps_id: bool,
    /// The resource whose return values are in the response to a success; none in a Delete.
    pub resource: Option<Resource>,
}

/// How the policies are reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Create or Update: a role that was created a moment ago is waited for, and a failure is rolled back.
    Apply,
    /// Delete.
    Cleanup,
    /// A Delete that may have overtaken its Create: what that may still grant is polled for.
    CleanupOutOfOrder,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Apply, Self::Cleanup, Self::CleanupOutOfOrder];
}

/// Why a request cannot be handled.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum OperationError {
    /// The resource type has no implementation in this version.
    #[error(
        "unsupported resource type: got `{0}`, use `Custom::LayerVersionPermission` for layers"
    )]
    UnsupportedResourceType(String),
    /// The Delete of the replaced resource that follows would remove the new statement too.
    #[error(
        "statement ID shared with the replaced resource: got `{0}` in both, give another `StatementId` or leave it out"
    )]
    SharedStatement(StatementId),
    /// The properties are invalid.
    #[error(transparent)]
    Invalid(#[from] ValidationErrors),
    /// The provider cannot reach the target.
    #[error(transparent)]
    Unreachable(#[from] UnreachableTarget),
}

impl Operation {
    /// A Delete of a resource that has granted nothing.
    #[must_use]
    pub fn nothing(request: &Request) -> Self {
        Self {
            mode: Mode::Cleanup,
            spec: None,
            orphaned: None,
            physical_id: request.physical_id.clone().unwrap_or_default(),
            keeps_id: true,
            resource: None,
        }
    }

    /// What `Fn::GetAtt` returns after a success; `policy` is the policy of the target that the resource names.
    #[must_use]
    pub fn return_values(&self, policy: Option<&PolicyDocument>) -> ReturnValues {
        let resource = self.resource.as_ref();
        resource.map_or_else(ReturnValues::new, |resource| {
            resource.return_values(&self.physical_id, policy)
        })
    }

    /// Whether it is about all versions of a layer.
    #[must_use]
    pub fn is_for_all_versions(&self) -> bool {
        let mut specs = self.spec.iter().chain(&self.orphaned);
        specs.any(|spec| matches!(spec.targets, TargetSet::AllVersions(_)))
    }

    /// The operation as far as a provider at `location` can do it. Where it cannot have granted anything, there is nothing to
    /// clean up.
    ///
    /// # Errors
    /// If it cannot reach what should be granted.
    pub fn at(mut self, location: &ProviderLocation) -> Result<Self, OperationError> {
        if let (Mode::Apply, Some(spec)) = (self.mode, &self.spec) {
            location.check(&spec.targets)?;
        }
        self.spec = self
            .spec
            .filter(|spec| location.may_have_granted(&spec.targets));
        // The Update that would have left something there was rejected.
        self.orphaned = self
            .orphaned
            .filter(|spec| location.check(&spec.targets).is_ok());
        Ok(self)
    }
}
