//! How far a grant reaches: to the policy of one layer version, or to those of all versions of a layer.
//! Knows nothing of which versions there are.

use std::fmt;
use std::str::FromStr;

use super::arn::{LayerArn, LayerVersionArn};
use super::reading::Reading;
use crate::text::shown;

/// The policies that a grant is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// That of this layer version.
    This(LayerVersionArn),
    /// Those of every version of this layer, whichever there are when it is made true.
    All(LayerArn),
}

impl Scope {
    /// The layer that it is about.
    #[must_use]
    pub fn layer(&self) -> &LayerArn {
        match self {
            Self::This(layer_version) => layer_version.layer(),
            Self::All(layer) => layer,
        }
    }
}

impl Scope {
    /// The same in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        match self {
            Self::This(layer_version) => Self::This(layer_version.in_partition(partition)),
            Self::All(layer) => Self::All(layer.in_partition(partition)),
        }
    }

    /// Whether a policy may be in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::This(one), Self::This(other)) => one == other,
            (Self::This(_) | Self::All(_), Self::All(_)) | (Self::All(_), Self::This(_)) => {
                self.layer() == other.layer()
            }
        }
    }
}

/// The text names neither a layer nor a layer version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither the ARN of a layer nor that of a layer version")]
pub struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let this = text.parse().map(Self::This);
        this.or_else(|_| text.parse().map(Self::All))
            .map_err(|_| NotAScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::This(layer_version) => layer_version.fmt(f),
            Self::All(layer) => layer.fmt(f),
        }
    }
}

/// What `Versions` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// The grant is for the version that is named.
    #[default]
    This,
    /// The grant is for every version of that layer.
    All,
}

impl Reading<'_> {
    pub(super) fn versions(&mut self) -> Versions {
        match self.text("Versions").as_deref() {
            None | Some("This") => Versions::This,
            Some("All") => {
                if self.has("RevisionId") {
                    self.violations.add(|| {
                        "`RevisionId` goes with one version only: got it with `Versions: All`, leave one of the two out".into()
                    });
                }
                Versions::All
            }
            Some(other) => {
                let got = shown(other);
                self.violations.add(|| format!(
                    "`Versions` is neither `This` nor `All`: got {got}, give one of these or leave it out"
                ));
                Versions::This
            }
        }
    }
}
