//! What a schedule is about, besides everything else that goes wrong in it. Drawn from the seed.
//! Refuses to know how any of it is played.

use fastrand::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// A little of everything.
    Mixed,
    /// Stacks that are deleted while their Create runs.
    DeleteBesideCreate,
    /// Updates that are given up and rolled back while they run.
    RollbackBesideUpdate,
    /// Guardrails that are tightened when the resources are there already.
    Guardrails,
    /// A resource that another implementation has made.
    TakenOver,
    /// Responses of Lambda that cannot be read.
    Unreadable,
    /// Signatures that Lambda takes for old.
    Signatures,
    /// Partitions and regions that do not belong together.
    Misplaced,
    /// Another writer who replaces a statement before it is read back.
    Hijacked,
    /// Additions that are written in other words than were asked for.
    WrittenOtherwise,
}

impl Theme {
    pub fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..24) {
            0..=7 => Self::Mixed,
            8..=9 => Self::DeleteBesideCreate,
            10..=12 => Self::RollbackBesideUpdate,
            13..=15 => Self::Guardrails,
            16 => Self::TakenOver,
            17..=18 => Self::Unreadable,
            19 => Self::Signatures,
            20..=21 => Self::Misplaced,
            22 => Self::Hijacked,
            _ => Self::WrittenOtherwise,
        }
    }
}
