//! Which failed calls are made again, for how long, and how: one table for all of them.
//! Waits for nothing itself.

use std::time::Duration;

use super::failure::Kind;
use crate::permission::intent::Purpose;

/// How long something is waited for that takes a while to be known everywhere: the policy of a new role takes up to 12
/// seconds, and the first grant often comes right after the role was made.
pub(super) const PROPAGATION_TIMEOUT: Duration = Duration::from_secs(20);

/// What is done about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// It is tried again after a pause, until the caller stops it.
    UntilDeadline,
    /// The same, after other writers were let go first.
    AfterOthers,
    /// It is tried again after a pause, for so long after it first failed this way.
    For(Duration),
    /// It would fail again.
    Never,
}

impl Retry {
    /// Whether it is tried again of what has failed this way for `time`.
    pub(super) fn is_due(self, time: Duration) -> bool {
        match self {
            Self::UntilDeadline | Self::AfterOthers => true,
            Self::For(timeout) => time < timeout,
            Self::Never => false,
        }
    }
}

/// What is done about a call that failed as `kind` in work for `purpose`. The policy is read again before any write.
pub(super) fn retry(kind: Kind, purpose: Purpose) -> Retry {
    match kind {
        Kind::Changed => Retry::AfterOthers,
        Kind::Throttled | Kind::Unavailable | Kind::Unreachable | Kind::Unreadable => {
            Retry::UntilDeadline
        }
        // A process that was frozen between two events signs with the time of its thawing; the next signature is fresh.
        Kind::StaleSignature => Retry::For(PROPAGATION_TIMEOUT),
        // Who is denied a revoke stays denied: its role has had the time of a whole grant.
        Kind::Denied | Kind::Unrecognized | Kind::UnknownPrincipal => match purpose {
            Purpose::Grant => Retry::For(PROPAGATION_TIMEOUT),
            Purpose::Revoke | Purpose::RevokeEarly => Retry::Never,
        },
        Kind::NotFound | Kind::Expired | Kind::Full | Kind::Misconfigured | Kind::Refused => {
            Retry::Never
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_due_until_its_time_is_over() {
        const SECOND: Duration = Duration::from_secs(1);
        for (retry, at_once, later) in [
            (Retry::UntilDeadline, true, true),
            (Retry::AfterOthers, true, true),
            (Retry::For(SECOND), true, false),
            (Retry::Never, false, false),
        ] {
            assert_eq!(retry.is_due(Duration::ZERO), at_once, "{retry:?}");
            assert_eq!(retry.is_due(SECOND), later, "{retry:?}");
        }
    }

    #[test]
    fn each_kind_is_retried_as_its_row_says() {
        const A_WHILE: Retry = Retry::For(PROPAGATION_TIMEOUT);
        for (kind, grant, revoke) in [
            (Kind::NotFound, Retry::Never, Retry::Never),
            (Kind::Changed, Retry::AfterOthers, Retry::AfterOthers),
            (Kind::Denied, A_WHILE, Retry::Never),
            (Kind::Expired, Retry::Never, Retry::Never),
            (Kind::Unrecognized, A_WHILE, Retry::Never),
            (Kind::StaleSignature, A_WHILE, A_WHILE),
            (Kind::UnknownPrincipal, A_WHILE, Retry::Never),
            (Kind::Full, Retry::Never, Retry::Never),
            (Kind::Throttled, Retry::UntilDeadline, Retry::UntilDeadline),
            (
                Kind::Unavailable,
                Retry::UntilDeadline,
                Retry::UntilDeadline,
            ),
            (
                Kind::Unreachable,
                Retry::UntilDeadline,
                Retry::UntilDeadline,
            ),
            (Kind::Misconfigured, Retry::Never, Retry::Never),
            (Kind::Refused, Retry::Never, Retry::Never),
            (Kind::Unreadable, Retry::UntilDeadline, Retry::UntilDeadline),
        ] {
            assert_eq!(retry(kind, Purpose::Grant), grant, "{kind:?}");
            for purpose in [Purpose::Revoke, Purpose::RevokeEarly] {
                assert_eq!(retry(kind, purpose), revoke, "{kind:?} {purpose:?}");
            }
        }
    }
}
