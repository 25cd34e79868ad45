//! The resources whose policies hold the statements, and sets of them. The rest of the core knows a policy by its [`PolicyTarget`].

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use thiserror::Error;

use super::arn::{LayerArn, LayerVersionArn, ResourceLocation};
use super::function_arn::FunctionArn;

/// A resource with a resource-based policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyTarget {
    /// A layer version.
    LayerVersion(LayerVersionArn),
    /// A function, an alias or a version of one.
    Function(FunctionArn),
}

impl PolicyTarget {
    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &ResourceLocation {
        match self {
            Self::LayerVersion(version) => version.layer().location(),
            Self::Function(function) => function.location(),
        }
    }

    /// The number of the version, of a layer version.
    #[must_use]
    pub fn version(&self) -> Option<NonZeroU64> {
        match self {
            Self::LayerVersion(version) => NonZeroU64::new(version.version()),
            Self::Function(_) => None,
        }
    }

    /// The same resource in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        match self {
            Self::LayerVersion(version) => Self::LayerVersion(version.in_partition(partition)),
            Self::Function(function) => Self::Function(function.in_partition(partition)),
        }
    }

    /// What a resource of this kind is called.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LayerVersion(_) => "layer version",
            Self::Function(_) => "function",
        }
    }

    /// What it is called beside other targets of the same resource, such as `version 3`.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self {
            Self::LayerVersion(version) => format!("version {}", version.version()),
            Self::Function(function) => function.to_string(),
        }
    }
}

impl fmt::Display for PolicyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LayerVersion(version) => version.fmt(f),
            Self::Function(function) => function.fmt(f),
        }
    }
}

/// The text is not the ARN of a resource with a policy.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not the ARN of a layer version or of a function")]
pub struct ParsePolicyTargetError;

impl FromStr for PolicyTarget {
    type Err = ParsePolicyTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.parse().map(Self::LayerVersion);
        version
            .or_else(|_| text.parse().map(Self::Function))
            .map_err(|_| ParsePolicyTargetError)
    }
}

/// The policies that a resource of a stack grants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSet {
    /// One policy.
    One(PolicyTarget),
    /// Those of every version of this layer that exists at the time.
    AllVersions(LayerArn),
}

impl TargetSet {
    /// Where they are.
    #[must_use]
    pub fn location(&self) -> &ResourceLocation {
        match self {
            Self::One(target) => target.location(),
            Self::AllVersions(layer) => layer.location(),
        }
    }

    /// The function whose policy it is, if it is one.
    #[must_use]
    pub fn function(&self) -> Option<&FunctionArn> {
        match self {
            Self::One(PolicyTarget::Function(function)) => Some(function),
            Self::One(PolicyTarget::LayerVersion(_)) | Self::AllVersions(_) => None,
        }
    }

    /// The same in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        match self {
            Self::One(target) => Self::One(target.in_partition(partition)),
            Self::AllVersions(layer) => Self::AllVersions(layer.in_partition(partition)),
        }
    }

    /// Whether both are about the same resource: one layer, whichever of its versions, or one function, whichever of its
    /// qualifiers.
    #[must_use]
    pub fn has_resource_of(&self, other: &Self) -> bool {
        match (self.function(), other.function()) {
            (Some(function), Some(other)) => function.is_same_function(other),
            (None, None) => self.layer() == other.layer(),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Whether a policy may be in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(other)) => one == other,
            (Self::One(_) | Self::AllVersions(_), Self::AllVersions(_))
            | (Self::AllVersions(_), Self::One(_)) => self.has_resource_of(other),
        }
    }

    /// The layer with all its versions, if they are policies of one.
    fn layer(&self) -> Option<&LayerArn> {
        match self {
            Self::One(PolicyTarget::LayerVersion(version)) => Some(version.layer()),
            Self::AllVersions(layer) => Some(layer),
            Self::One(PolicyTarget::Function(_)) => None,
        }
    }
}

impl fmt::Display for TargetSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(target) => target.fmt(f),
            Self::AllVersions(layer) => layer.fmt(f),
        }
    }
}

/// The text names no resource with policies.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not the ARN of a layer, a layer version or a function")]
pub struct ParseTargetSetError;

impl FromStr for TargetSet {
    type Err = ParseTargetSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = text.parse().map(Self::One);
        one.or_else(|_| text.parse().map(Self::AllVersions))
            .map_err(|_| ParseTargetSetError)
    }
}
