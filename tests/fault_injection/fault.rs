//! The faults of one call to Lambda's API, and of one PUT of a response.

use fake_aws::response_bucket::PutFault;

/// What happens to one call of Lambda's API.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CallFault {
    /// Fails with this status and code, without effect.
    Rejected(u16, &'static str),
    /// Throttled, with a `Retry-After` header.
    ThrottledWithRetryAfter,
    /// Takes effect, but fails with this status.
    FailsAfterEffect(u16),
    /// The connection is closed, without effect.
    ClosedBeforeEffect,
    /// The connection is closed after the effect.
    ClosedAfterEffect,
    /// The connection is closed, and the call takes effect so many milliseconds later.
    ClosedWithLateEffect(u64),
    /// Takes effect and gets its response after so many milliseconds.
    Delayed(u64),
    /// No response, without effect.
    NoResponse,
    /// No response, but with effect.
    NoResponseAfterEffect,
    /// No response, and the call takes effect so many milliseconds later.
    NoResponseWithLateEffect(u64),
    /// An addition without a revision gets the usual response, but another writer's addition has overwritten it.
    WriteLost,
    /// A read returns a policy that is a moment old, but not older than the invocation.
    StaleRead,
    /// A success whose body is malformed; a write takes effect or not.
    Malformed(MalformedBody, Effect),
    /// An addition stores another form of the statement than was requested, and returns that.
    StatementAltered(Alteration),
    /// An addition gets the usual response, but another writer has replaced the statement by then.
    StatementReplaced,
    /// Another writer changes the policy just before the call.
    ConcurrentWrite(ExternalWrite),
}

/// The body of a malformed response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MalformedBody {
    /// A proxy's HTML page.
    HtmlPage,
    /// The first half of the response.
    Truncated,
    /// An object without any field.
    EmptyObject,
    /// JSON of another service.
    OtherJson,
    /// The response, but the policy or the statement in it is no JSON.
    MalformedInnerJson,
}

/// Whether a write with a malformed response has taken effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    Applied,
    NotApplied,
}

/// How a stored statement differs from the requested one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alteration {
    /// The account's id in the place of the ARN of its root, which is the same to IAM.
    BareAccountId,
    /// Lists of one element in the place of single values, which are the same to IAM.
    SingleElementLists,
    /// Another grant.
    OtherGrant,
}

/// What another writer does to a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExternalWrite {
    /// Adds a statement of its own.
    AddsOwn,
    /// Removes a statement of its own.
    RemovesOwn,
    /// Removes a statement of the provider.
    RemovesOurs,
    /// Adds another statement under a statement id that the provider may need.
    TakesStatementId,
    /// Replaces a statement of the provider by another one.
    ReplacesOurs,
}

/// What happens to one PUT of a response, and whether CloudFormation gets the response all the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ResponseFault {
    Rejected(u16),
    /// S3's `RequestTimeout`, with the status 400.
    RequestTimeout,
    AcknowledgementLost {
        stored: bool,
    },
    NoAcknowledgement {
        stored: bool,
    },
}

impl ResponseFault {
    pub fn put_fault(self) -> PutFault {
        match self {
            Self::Rejected(status) => PutFault::Rejected(status),
            Self::RequestTimeout => PutFault::RejectedWithCode(400, "RequestTimeout"),
            Self::AcknowledgementLost { .. } => PutFault::ConnectionClosed,
            Self::NoAcknowledgement { .. } => PutFault::NoResponse,
        }
    }

    pub fn is_stored(self) -> bool {
        matches!(
            self,
            Self::AcknowledgementLost { stored: true } | Self::NoAcknowledgement { stored: true }
        )
    }
}
