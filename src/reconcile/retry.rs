//! Which failed calls are retried, for how long, and how: one table, and the one place that applies it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::ReconcileError;
use super::status::ReconcileStatus;
use crate::aws::error::ErrorKind;
use crate::aws::rate_limiter::RateLimiter;
use crate::backoff::Backoff;
use crate::deadline::{CREATION_TIMEOUT, IAM_PROPAGATION_TIMEOUT};
use crate::resources::operation::Mode;

/// What follows a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The policy is read again after a backoff, until the deadline.
    Reread,
    /// The same, after the backoff for contention with other processes.
    RereadAfterContention,
    /// The policy is read again after a backoff, for this long after the first failure of this kind.
    RereadFor(Duration),
    /// The same write is sent again: it was not done, so nothing has to be read.
    RepeatWrite,
    /// The operation fails.
    Fail,
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// It reads a policy or a list, or assumes a role.
    Read,
    /// It writes to a policy that was read before.
    Write,
}

impl Retry {
    /// What follows a call that failed as `kind`. The policy is read again before any write that is not the same one.
    pub(super) fn after(kind: ErrorKind, mode: Mode, call: Call) -> Self {
        match kind {
            ErrorKind::Throttled if call == Call::Write => Self::RepeatWrite,
            ErrorKind::Throttled | ErrorKind::Conflict => Self::RereadAfterContention,
            ErrorKind::OutcomeUnknown
            | ErrorKind::NetworkFailure
            | ErrorKind::MalformedResponse => Self::Reread,
            // A process that was frozen between two events signs with an old time; the next signature is fresh.
            ErrorKind::StaleSignature => Self::RereadFor(IAM_PROPAGATION_TIMEOUT),
            // A role whose revoke is denied is not new: it has had the time of a whole grant.
            ErrorKind::AccessDenied | ErrorKind::Unrecognized | ErrorKind::UnknownPrincipal => {
                match mode {
                    Mode::Apply => Self::RereadFor(IAM_PROPAGATION_TIMEOUT),
                    Mode::Cleanup | Mode::CleanupOutOfOrder => Self::Fail,
                }
            }
            // A function may be created beside the permission, which names it without a reference.
            ErrorKind::NotYetFound if mode == Mode::Apply => Self::RereadFor(CREATION_TIMEOUT),
            ErrorKind::NotFound
            | ErrorKind::NotYetFound
            | ErrorKind::Expired
            | ErrorKind::PolicyTooLarge
            | ErrorKind::PublicAccessBlocked
            | ErrorKind::Misconfigured
            | ErrorKind::InvalidRequest => Self::Fail,
        }
    }

    /// Whether there is another attempt, `elapsed` after the first failure of this kind.
    fn is_due(self, elapsed: Duration) -> bool {
        match self {
            Self::Reread | Self::RereadAfterContention | Self::RepeatWrite => true,
            Self::RereadFor(timeout) => elapsed < timeout,
            Self::Fail => false,
        }
    }
}

/// The attempts of one piece of work that begins with a reading.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// The kind of the last failure, and when the first of these in a row was.
    failing: Option<(ErrorKind, Instant)>,
    backoff: Backoff,
}

impl Attempts {
    /// Waits until the next attempt, after one that ended with `error`.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn pause_after(
        &mut self,
        error: ReconcileError,
        mode: Mode,
        limiter: &RateLimiter,
        status: &ReconcileStatus,
    ) -> Result<(), ReconcileError> {
        let ReconcileError::Api(error) = error else {
            return Err(error);
        };
        status.record_error(&error);
        let same = self.failing.filter(|(kind, _)| *kind == error.kind);
        let since = same.map_or_else(Instant::now, |(_, since)| since);
        self.failing = Some((error.kind, since));
        let retry = Retry::after(error.kind, mode, Call::Read);
        if !retry.is_due(since.elapsed()) {
            return Err(error.into());
        }
        if status.is_aborted() {
            return Err(ReconcileError::Aborted);
        }
        if retry == Retry::RereadAfterContention {
            limiter.back_off().await;
        } else {
            sleep(self.backoff.pause()).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_due_until_its_time_is_over() {
        const SECOND: Duration = Duration::from_secs(1);
        for (retry, at_once, later) in [
            (Retry::Reread, true, true),
            (Retry::RereadAfterContention, true, true),
            (Retry::RepeatWrite, true, true),
            (Retry::RereadFor(SECOND), true, false),
            (Retry::Fail, false, false),
        ] {
            assert_eq!(retry.is_due(Duration::ZERO), at_once, "{retry:?}");
            assert_eq!(retry.is_due(SECOND), later, "{retry:?}");
        }
    }

    #[test]
    fn each_cell_of_the_retry_table_is_as_written() {
        const CONTENTION: Retry = Retry::RereadAfterContention;
        const A_WHILE: Retry = Retry::RereadFor(IAM_PROPAGATION_TIMEOUT);
        let rows = [
            // kind, Apply, Cleanup
            (ErrorKind::NotFound, Retry::Fail, Retry::Fail),
            (
                ErrorKind::NotYetFound,
                Retry::RereadFor(CREATION_TIMEOUT),
                Retry::Fail,
            ),
            (ErrorKind::Conflict, CONTENTION, CONTENTION),
            (ErrorKind::AccessDenied, A_WHILE, Retry::Fail),
            (ErrorKind::Expired, Retry::Fail, Retry::Fail),
            (ErrorKind::Unrecognized, A_WHILE, Retry::Fail),
            (ErrorKind::StaleSignature, A_WHILE, A_WHILE),
            (ErrorKind::UnknownPrincipal, A_WHILE, Retry::Fail),
            (ErrorKind::PolicyTooLarge, Retry::Fail, Retry::Fail),
            (ErrorKind::PublicAccessBlocked, Retry::Fail, Retry::Fail),
            (ErrorKind::Throttled, CONTENTION, CONTENTION),
            (ErrorKind::OutcomeUnknown, Retry::Reread, Retry::Reread),
            (ErrorKind::NetworkFailure, Retry::Reread, Retry::Reread),
            (ErrorKind::Misconfigured, Retry::Fail, Retry::Fail),
            (ErrorKind::InvalidRequest, Retry::Fail, Retry::Fail),
            (ErrorKind::MalformedResponse, Retry::Reread, Retry::Reread),
        ];
        assert_eq!(rows.map(|(kind, _, _)| kind), ErrorKind::ALL);
        for (kind, apply, cleanup) in rows {
            for mode in Mode::ALL {
                let read = if mode == Mode::Apply { apply } else { cleanup };
                let write = if kind == ErrorKind::Throttled {
                    Retry::RepeatWrite
                } else {
                    read
                };
                assert_eq!(
                    Retry::after(kind, mode, Call::Read),
                    read,
                    "{kind:?} {mode:?}"
                );
                assert_eq!(
                    Retry::after(kind, mode, Call::Write),
                    write,
                    "{kind:?} {mode:?}"
                );
            }
        }
    }
}
