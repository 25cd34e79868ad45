//! What a scenario concentrates on, in addition to the faults that every scenario has. Drawn from the seed.

use fastrand::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioKind {
    /// A little of everything.
    Mixed,
    /// Stacks that are deleted while a Create is still running.
    DeleteDuringCreate,
    /// Stacks that are rolled back while an Update is still running.
    RollbackDuringUpdate,
    /// Guardrails that are tightened after resources were created.
    GuardrailChanges,
    /// A resource that another provider created behind the same `ServiceToken`.
    ForeignPhysicalId,
    /// Malformed responses of Lambda.
    MalformedResponses,
    /// Signatures that Lambda rejects as expired.
    ExpiredSignatures,
    /// Layer ARNs whose partition is not that of their region, or not the function's.
    MismatchedArns,
    /// Another writer who replaces an added statement before it is read back.
    ReplacedStatements,
    /// Additions that are stored in another form than was requested.
    AlteredStatements,
}

impl ScenarioKind {
    pub fn random(rng: &mut Rng) -> Self {
        match rng.u8(..24) {
            0..=7 => Self::Mixed,
            8..=9 => Self::DeleteDuringCreate,
            10..=12 => Self::RollbackDuringUpdate,
            13..=15 => Self::GuardrailChanges,
            16 => Self::ForeignPhysicalId,
            17..=18 => Self::MalformedResponses,
            19 => Self::ExpiredSignatures,
            20..=21 => Self::MismatchedArns,
            22 => Self::ReplacedStatements,
            _ => Self::AlteredStatements,
        }
    }
}
