//! All that can go wrong in a call to Lambda, and in a PUT of the response.
//! Refuses to know when it happens, and how it is carried out.

use crate::bucket::PutFault;

/// What one call to Lambda meets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CallFault {
    /// Refused with this status and code, without effect.
    Refused(u16, &'static str),
    /// Throttled, and told when to come again.
    ThrottledUntil,
    /// Takes effect, and is answered by this status of the server.
    BrokenAfter(u16),
    /// The connection ends, without effect.
    ResetBefore,
    /// The connection ends after the effect.
    ResetAfter,
    /// The connection ends; the effect comes so many milliseconds later.
    ResetLate(u64),
    /// Answered after so many milliseconds, with its effect.
    Slow(u64),
    /// Never answered, without effect.
    Hangs,
    /// Never answered, but with effect.
    HangsAfter,
    /// Never answered; the effect comes so many milliseconds later.
    HangsLate(u64),
    /// An addition without a revision is overwritten by another writer's: answered as usual, but without effect.
    Overwritten,
    /// A reading is answered as it stood a moment ago, if the event had begun by then.
    Stale,
    /// Answered as a success, by what cannot be read as the response; a write with or without its effect.
    Unreadable(Shape, Effect),
    /// An addition is written in other words than were asked for, and the response says so.
    WrittenOtherwise(Form),
    /// An addition is answered as usual, but another writer has put something else in its place by then.
    Hijacked,
    /// Another writer is quicker by a moment.
    Another(Move),
}

/// What stands in the place of a response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A proxy's page.
    Page,
    /// The first half of the response.
    Half,
    /// An object without any field.
    Empty,
    /// JSON of something else.
    Other,
    /// The response, where the policy or the statement in it is no JSON.
    Inner,
}

/// Whether a write whose response cannot be read has taken effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    Done,
    NotDone,
}

/// How an addition is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// The account's id, where Lambda writes the ARN of its root; for IAM it is the same.
    BareAccount,
    /// Lists of one element, where Lambda writes single values; for IAM it is the same.
    Lists,
    /// Another grant.
    Another,
}

/// What another writer does to the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Move {
    /// Adds a statement of its own.
    Comes,
    /// Removes one of its own.
    Goes,
    /// Removes one of ours.
    TakesOurs,
    /// Adds something else under an id that may be wanted.
    Obstructs,
    /// Puts something else in the place of one of ours.
    Hijacks,
}

/// What one PUT of the answer meets, and whether CloudFormation has the answer then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PutTrouble {
    Refused(u16),
    /// S3's `RequestTimeout`, with the status 400.
    TooSlow,
    Lost {
        stored: bool,
    },
    Hangs {
        stored: bool,
    },
}

impl PutTrouble {
    pub fn fault(self) -> PutFault {
        match self {
            Self::Refused(status) => PutFault::Rejected(status),
            Self::TooSlow => PutFault::RejectedWithCode(400, "RequestTimeout"),
            Self::Lost { .. } => PutFault::ConnectionClosed,
            Self::Hangs { .. } => PutFault::NoResponse,
        }
    }

    pub fn stored(self) -> bool {
        matches!(
            self,
            Self::Lost { stored: true } | Self::Hangs { stored: true }
        )
    }
}
