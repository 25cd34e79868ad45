//! What follows a failed operation: which physical id the response has, and whether its writes are rolled back. One table, pure.
//!
//! CloudFormation deletes the resource of a failed Create by the id in the response. So the response to a Create has the id that it would have
//! created if anything may be left under it, and otherwise the one of a resource that was never created, whose Delete does nothing.

use crate::aws::error::ErrorKind;
use crate::resources::operation::Mode;

/// An operation that failed.
#[expect(clippy::struct_excessive_bools, reason = "the columns of a table")]
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedOperation {
    pub(super) mode: Mode,
    pub(super) cause: Cause,
    /// Whether it timed out with some of several policies done, which stay as they are.
    pub(super) is_unfinished: bool,
    /// Whether anything was written, or may have been.
    pub(super) has_written: bool,
    /// Whether a desired statement was there before: an earlier delivery of the event may have added it.
    pub(super) has_found_existing: bool,
    /// Whether every policy was read, so that nothing of an earlier delivery was missed.
    pub(super) has_read_all: bool,
    /// Whether CloudFormation no longer waits for the response: it deletes nothing on account of it.
    pub(super) is_abandoned: bool,
    /// Whether what was written may belong to the resource that another execution has completed.
    pub(super) is_of_another: bool,
    /// The last error, if no call has succeeded since.
    pub(super) last_error: Option<ErrorKind>,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A call failed for good.
    Api(ErrorKind),
    /// The operation itself gave up.
    Other,
    /// It panicked.
    Panicked,
    /// Its time was up.
    TimedOut,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Consequence {
    pub(super) physical_id: ResponseId,
    pub(super) roll_back: bool,
}

/// The id in the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseId {
    /// The one of the request; in a Create, the one of a resource that was never created.
    OfRequest,
    /// The one of a success; in an Update or Delete, the one of the request.
    OfSuccess,
}

impl FailedOperation {
    /// What follows.
    pub(super) fn consequence(self) -> Consequence {
        if self.mode != Mode::Apply {
            return Consequence {
                physical_id: ResponseId::OfRequest,
                roll_back: false,
            };
        }
        let may_be_left = self.is_abandoned
            || self.is_of_another
            || self.is_unfinished
            || self.has_found_existing
            || self.may_have_missed_statements();
        Consequence {
            physical_id: if may_be_left {
                ResponseId::OfSuccess
            } else {
                ResponseId::OfRequest
            },
            // Rolling back many policies would take as long again, and then nothing would ever be completed.
            roll_back: self.has_written
                && !self.is_of_another
                && (!self.is_unfinished || self.is_abandoned),
        }
    }

    /// Whether statements of an earlier delivery may be there that were not read. Where the Delete that follows could not read them
    /// either, it would only fail, and its stack would be stuck for nothing.
    fn may_have_missed_statements(self) -> bool {
        let error = match self.cause {
            Cause::Panicked => return false,
            Cause::Api(kind) => Some(kind),
            Cause::Other | Cause::TimedOut => self.last_error,
        };
        !self.has_read_all && error.is_none_or(a_delete_may_succeed_after)
    }
}

/// Whether a Delete that follows may be able to read the policy where this error kept a Create from it.
fn a_delete_may_succeed_after(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Conflict
        | ErrorKind::StaleSignature
        | ErrorKind::Throttled
        | ErrorKind::OutcomeUnknown
        | ErrorKind::MalformedResponse => true,
        ErrorKind::NotFound
        | ErrorKind::NotYetFound
        | ErrorKind::AccessDenied
        | ErrorKind::Expired
        | ErrorKind::Unrecognized
        | ErrorKind::UnknownPrincipal
        | ErrorKind::PolicyTooLarge
        | ErrorKind::PublicAccessBlocked
        | ErrorKind::NetworkFailure
        | ErrorKind::Misconfigured
        | ErrorKind::InvalidRequest => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResponseId::{OfRequest, OfSuccess};

    /// A Create that failed after it had read everything, and written nothing.
    const CREATE: FailedOperation = FailedOperation {
        mode: Mode::Apply,
        cause: Cause::Other,
        is_unfinished: false,
        has_written: false,
        has_found_existing: false,
        has_read_all: true,
        is_abandoned: false,
        is_of_another: false,
        last_error: None,
    };

    const UNREAD: FailedOperation = FailedOperation {
        has_read_all: false,
        ..CREATE
    };

    fn consequence(failed: FailedOperation) -> (ResponseId, bool) {
        let Consequence {
            physical_id,
            roll_back,
        } = failed.consequence();
        (physical_id, roll_back)
    }

    /// The same for each combination of the facts that decide nothing else in a cell.
    fn for_each_cause(check: impl Fn(Cause)) {
        let errors = ErrorKind::ALL.map(Cause::Api);
        let others = [Cause::Other, Cause::Panicked, Cause::TimedOut];
        errors.into_iter().chain(others).for_each(check);
    }

    #[test]
    fn a_failed_create_is_rolled_back_and_never_created_unless_something_may_be_left() {
        for (written, existing, unfinished, expected) in [
            (false, false, false, (OfRequest, false)),
            (true, false, false, (OfRequest, true)),
            (false, true, false, (OfSuccess, false)),
            (true, true, false, (OfSuccess, true)),
            (false, false, true, (OfSuccess, false)),
            (true, false, true, (OfSuccess, false)),
            (false, true, true, (OfSuccess, false)),
            (true, true, true, (OfSuccess, false)),
        ] {
            for_each_cause(|cause| {
                let failed = FailedOperation {
                    cause,
                    has_written: written,
                    has_found_existing: existing,
                    is_unfinished: unfinished,
                    ..CREATE
                };
                assert_eq!(consequence(failed), expected, "{failed:?}");
            });
        }
    }

    #[test]
    fn what_cloudformation_no_longer_waits_for_is_rolled_back_and_keeps_its_id() {
        for (has_written, is_unfinished) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            for_each_cause(|cause| {
                let failed = FailedOperation {
                    cause,
                    has_written,
                    is_unfinished,
                    is_abandoned: true,
                    ..CREATE
                };
                assert_eq!(consequence(failed), (OfSuccess, has_written), "{failed:?}");
            });
        }
    }

    #[test]
    fn what_may_belong_to_a_living_resource_is_not_rolled_back() {
        for is_unfinished in [false, true] {
            for_each_cause(|cause| {
                let failed = FailedOperation {
                    cause,
                    has_written: true,
                    is_unfinished,
                    is_of_another: true,
                    ..CREATE
                };
                assert_eq!(consequence(failed), (OfSuccess, false), "{failed:?}");
            });
        }
    }

    #[test]
    fn a_create_that_could_not_read_keeps_its_id_if_the_delete_may_be_able_to() {
        for (kind, id) in [
            (ErrorKind::NotFound, OfRequest),
            (ErrorKind::NotYetFound, OfRequest),
            (ErrorKind::Conflict, OfSuccess),
            (ErrorKind::AccessDenied, OfRequest),
            (ErrorKind::Expired, OfRequest),
            (ErrorKind::Unrecognized, OfRequest),
            (ErrorKind::StaleSignature, OfSuccess),
            (ErrorKind::UnknownPrincipal, OfRequest),
            (ErrorKind::PolicyTooLarge, OfRequest),
            (ErrorKind::PublicAccessBlocked, OfRequest),
            (ErrorKind::Throttled, OfSuccess),
            (ErrorKind::OutcomeUnknown, OfSuccess),
            (ErrorKind::NetworkFailure, OfRequest),
            (ErrorKind::Misconfigured, OfRequest),
            (ErrorKind::InvalidRequest, OfRequest),
            (ErrorKind::MalformedResponse, OfSuccess),
        ] {
            for (cause, last_error) in [
                (Cause::Api(kind), None),
                (Cause::Api(kind), Some(ErrorKind::Throttled)),
                (Cause::Api(kind), Some(ErrorKind::AccessDenied)),
                (Cause::Other, Some(kind)),
                (Cause::TimedOut, Some(kind)),
            ] {
                let failed = FailedOperation {
                    cause,
                    last_error,
                    ..UNREAD
                };
                assert_eq!(consequence(failed), (id, false), "{failed:?}");
            }
        }
    }

    #[test]
    fn a_create_that_could_not_read_and_met_no_error_keeps_its_id_unless_it_panicked() {
        for (cause, id) in [
            (Cause::Other, OfSuccess),
            (Cause::TimedOut, OfSuccess),
            (Cause::Panicked, OfRequest),
        ] {
            let failed = FailedOperation { cause, ..UNREAD };
            assert_eq!(consequence(failed), (id, false), "{failed:?}");
        }
    }

    #[test]
    fn a_failed_delete_keeps_its_id_and_is_never_rolled_back() {
        for mode in [Mode::Cleanup, Mode::CleanupOutOfOrder] {
            for_each_cause(|cause| {
                for flags in 0..64_u8 {
                    let flag = |bit: u8| flags & (1 << bit) != 0;
                    let failed = FailedOperation {
                        mode,
                        cause,
                        is_unfinished: flag(0),
                        has_written: flag(1),
                        has_found_existing: flag(2),
                        has_read_all: flag(3),
                        is_abandoned: flag(4),
                        is_of_another: flag(5),
                        last_error: None,
                    };
                    assert_eq!(consequence(failed), (OfRequest, false), "{failed:?}");
                }
            });
        }
    }
}
