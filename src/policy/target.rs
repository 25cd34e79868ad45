//! The resources whose policies hold the statements, and sets of them. The rest of the core knows a policy by its [`PolicyTarget`].

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::arn::{AccountId, LayerArn, LayerVersionArn};

/// A resource with a resource-based policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyTarget {
    /// A layer version.
    LayerVersion(LayerVersionArn),
}

impl PolicyTarget {
    /// The partition that its ARN names.
    #[must_use]
    pub fn partition(&self) -> &str {
        match self {
            Self::LayerVersion(version) => version.layer().partition(),
        }
    }

    /// The same resource in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        match self {
            Self::LayerVersion(version) => Self::LayerVersion(version.in_partition(partition)),
        }
    }

    /// What it is called beside other targets of the same resource, such as `version 3`.
    #[must_use]
    pub fn short_name(&self) -> String {
        match self {
            Self::LayerVersion(version) => format!("version {}", version.version()),
        }
    }
}

impl fmt::Display for PolicyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LayerVersion(version) => version.fmt(f),
        }
    }
}

/// The text is not the ARN of a resource with a policy.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not the ARN of a layer version")]
pub struct ParsePolicyTargetError;

impl FromStr for PolicyTarget {
    type Err = ParsePolicyTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.parse().map(Self::LayerVersion);
        version.map_err(|_| ParsePolicyTargetError)
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
    /// The partition that its ARN names.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.resource().partition()
    }

    /// The region of its ARN.
    #[must_use]
    pub fn region(&self) -> &str {
        self.resource().region()
    }

    /// The account of its ARN, which owns it.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        self.resource().account()
    }

    /// The same in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        match self {
            Self::One(target) => Self::One(target.in_partition(partition)),
            Self::AllVersions(layer) => Self::AllVersions(layer.in_partition(partition)),
        }
    }

    /// Whether both are about the same resource: one layer, whichever of its versions.
    #[must_use]
    pub fn has_resource_of(&self, other: &Self) -> bool {
        self.resource() == other.resource()
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

    /// The resource whose policies these are: a layer with all its versions.
    fn resource(&self) -> &LayerArn {
        match self {
            Self::One(PolicyTarget::LayerVersion(version)) => version.layer(),
            Self::AllVersions(layer) => layer,
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

/// The text names neither a layer nor a layer version.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("neither the ARN of a layer nor that of a layer version")]
pub struct ParseTargetSetError;

impl FromStr for TargetSet {
    type Err = ParseTargetSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = text.parse().map(Self::One);
        one.or_else(|_| text.parse().map(Self::AllVersions))
            .map_err(|_| ParseTargetSetError)
    }
}
