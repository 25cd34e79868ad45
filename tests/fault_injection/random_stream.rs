//! The streams of random numbers of a scenario. What is drawn from one stream does not depend on what was drawn from another: a
//! scenario stays the same, however long the provider takes.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use fastrand::Rng;

/// What random numbers are drawn for. Most streams belong to one operation or request, by its label.
#[derive(Clone, Copy)]
pub enum RandomStream<'a> {
    ScenarioKind,
    FirstVersions,
    /// Whether the provider may not ask CloudFormation.
    StackDenied,
    /// By how much CloudFormation's clock differs.
    Clock,
    Lifecycle,
    /// Which resources are about the layer, and which about the function.
    TargetTypes,
    ForeignResource,
    Operation(usize),
    /// Where the accounts of the organization are before an operation.
    Organization(usize),
    DeletionOfStack,
    /// Whether a Create or Update is delivered twice at the same time.
    RunsTwice(&'a str),
    /// Whether an event is delivered once more after a success.
    RunsAgain(&'a str, usize),
    ServiceTimeout(&'a str),
    /// Whether the first attempt meets transient faults only.
    TransientFaults(&'a str),
    /// By label, execution environment and number of the delivery.
    FaultPlan(&'a str, usize, usize),
    /// Whether every response to a request is lost.
    LostResponses(&'a str),
    MismatchedArn(&'a str),
    FirstAdditionFault(&'a str),
    /// Whether a Create is delivered after the Delete.
    CreateAfterDelete(&'a str),
    /// Whether CloudFormation stops waiting for an operation.
    EndsEarly(&'a str),
    /// Whether the function has little time where two requests overlap.
    OverlapTimeout,
    /// How two requests overlap.
    Overlap(&'a str),
}

impl RandomStream<'_> {
    pub fn rng(self, seed: u64) -> Rng {
        let mut hasher = DefaultHasher::new();
        (seed, self.to_string()).hash(&mut hasher);
        Rng::with_seed(hasher.finish())
    }
}

/// The names that are hashed with the seed. They must stay as they are, whatever the streams are called: other names would give
/// every seed another scenario, and the seeds in reports would mean nothing.
impl fmt::Display for RandomStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScenarioKind => f.write_str("theme"),
            Self::OverlapTimeout => f.write_str("overlap timeout"),
            Self::StackDenied => f.write_str("stack denied"),
            Self::Clock => f.write_str("clock"),
            Self::FirstVersions => f.write_str("layer"),
            Self::Lifecycle => f.write_str("life"),
            Self::TargetTypes => f.write_str("target types"),
            Self::ForeignResource => f.write_str("taken over"),
            Self::Operation(number) => write!(f, "operation {number}"),
            Self::Organization(number) => write!(f, "organization {number}"),
            Self::DeletionOfStack => f.write_str("end"),
            Self::RunsTwice(label) => write!(f, "twins {label}"),
            Self::RunsAgain(label, delivery) => write!(f, "once more {label} {delivery}"),
            Self::ServiceTimeout(label) => write!(f, "patience {label}"),
            Self::TransientFaults(label) => write!(f, "passing {label}"),
            Self::FaultPlan(label, environment, delivery) => {
                write!(f, "{label} {environment} {delivery}")
            }
            Self::LostResponses(label) => write!(f, "unheard {label}"),
            Self::MismatchedArn(label) => write!(f, "place {label}"),
            Self::FirstAdditionFault(label) => write!(f, "tampered {label}"),
            Self::CreateAfterDelete(label) => write!(f, "late {label}"),
            Self::EndsEarly(label) => write!(f, "given up {label}"),
            Self::Overlap(label) => write!(f, "beside {label}"),
        }
    }
}
