//! Asks CloudFormation whether it still waits for a grant that is late: where it has stopped waiting, nobody would ever revoke it.
//!
//! The Delete of a Create that may still be running polls for ten seconds for what that adds. What is written in that time after the
//! request was sent is found by every Delete, so nothing is asked about it.

use std::cell::Cell;
use std::time::SystemTime;

use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::error::ReconcileError;
use super::retry::{Call, Retry};
use crate::aws::clients::LambdaClients;
use crate::aws::error::ApiError;
use crate::aws::stack_resource::{ResourceState, StackResource};
use crate::backoff::Backoff;
use crate::deadline::{CLOCK_SKEW, OUT_OF_ORDER_TIMEOUT, STACK_CHECK_TIMEOUT};
use crate::resources::operation::Mode;

/// A Create or an Update that CloudFormation waits for, or has waited for.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    /// The ARN of the stack.
    pub stack_id: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Which status the resource has while CloudFormation waits.
    pub awaited: Awaited,
    /// When it was sent, if that is known.
    pub sent: Option<SystemTime>,
}

/// Which status a resource has while CloudFormation waits for the response to a request.
///
/// Source: [StackResourceDetail](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A Create.
    Creation,
    /// An Update, which may be the one of a rollback.
    Update,
}

impl Awaited {
    /// Whether CloudFormation waits for the response, if the resource is in `state`.
    #[must_use]
    pub fn is_awaited_in(self, state: &ResourceState) -> bool {
        let ResourceState::Exists { status, .. } = state else {
            return false;
        };
        match self {
            Self::Creation => status == "CREATE_IN_PROGRESS",
            Self::Update => matches!(
                status.as_str(),
                "UPDATE_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS"
            ),
        }
    }
}

impl PendingRequest {
    /// Whether what is written `now` may come too late for the Delete that polls for it.
    fn is_late(&self, now: SystemTime) -> bool {
        let Some(sent) = self.sent else {
            return true;
        };
        match now.duration_since(sent) {
            Ok(elapsed) => elapsed + CLOCK_SKEW >= OUT_OF_ORDER_TIMEOUT,
            // One of the two clocks is wrong.
            Err(ahead) => ahead.duration() > CLOCK_SKEW,
        }
    }
}

/// Whether CloudFormation still waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does, or there has not been enough time for it to stop.
    Awaited,
    /// It does not: the resource is in this state.
    Abandoned(ResourceState),
    /// It could not be asked.
    Unknown,
}

/// The check of one operation.
#[derive(Debug)]
pub(super) struct StackCheck {
    /// None where nothing is granted.
    pending: Option<PendingRequest>,
    /// The verdict before the first write.
    before: OnceCell<Verdict>,
    /// When CloudFormation is last known to have waited, by the clock of the function.
    awaited: Cell<SystemTime>,
    is_unknown: Cell<bool>,
}

impl StackCheck {
    pub(super) fn new(pending: Option<PendingRequest>) -> Self {
        Self {
            pending,
            before: OnceCell::new(),
            awaited: Cell::new(SystemTime::now()),
            is_unknown: Cell::default(),
        }
    }

    /// Allows a write, unless CloudFormation had stopped waiting before the first one.
    ///
    /// # Errors
    /// If it had.
    pub(super) async fn before_write(&self, clients: &LambdaClients) -> Result<(), ReconcileError> {
        let end = Instant::now() + STACK_CHECK_TIMEOUT;
        let verdict = self.before.get_or_init(|| self.verdict(clients, end)).await;
        match verdict {
            Verdict::Awaited | Verdict::Unknown => Ok(()),
            Verdict::Abandoned(state) => Err(self.abandoned(state.clone())),
        }
    }

    /// Whether CloudFormation waits, asked until `end` at most if the request is late.
    pub(super) async fn verdict(&self, clients: &LambdaClients, end: Instant) -> Verdict {
        match &self.pending {
            Some(pending) if pending.is_late(SystemTime::now()) => {
                self.verdict_now(clients, end).await
            }
            Some(_) | None => Verdict::Awaited,
        }
    }

    /// The same, asked however early it is.
    pub(super) async fn verdict_now(&self, clients: &LambdaClients, end: Instant) -> Verdict {
        let Some(pending) = &self.pending else {
            return Verdict::Awaited;
        };
        let resource = StackResource::parse(&pending.stack_id, &pending.logical_id);
        let asked_at = SystemTime::now();
        let asked = match &resource {
            // Boxed: no operation that is in time holds what a call needs.
            Some(resource) => Box::pin(ask(clients, resource, end)).await,
            None => Err("the event has no ARN of a stack".to_owned()),
        };
        match asked {
            Ok(state) if pending.awaited.is_awaited_in(&state) => {
                self.awaited.set(asked_at);
                Verdict::Awaited
            }
            Ok(state) => {
                warn!(state = %state, "stack no longer waits");
                Verdict::Abandoned(state)
            }
            Err(reason) => {
                info!(reason, "stack not asked");
                self.is_unknown.set(true);
                Verdict::Unknown
            }
        }
    }

    /// The error of an operation that CloudFormation does not wait for any more.
    pub(super) fn abandoned(&self, state: ResourceState) -> ReconcileError {
        let logical_id = self
            .pending
            .as_ref()
            .map(|pending| pending.logical_id.clone());
        ReconcileError::Abandoned {
            logical_id: logical_id.unwrap_or_default(),
            state,
        }
    }

    /// When CloudFormation is last known to have waited: the response to the question, or to the request, came later.
    pub(super) fn awaited(&self) -> SystemTime {
        self.awaited.get()
    }

    /// Whether CloudFormation could not be asked.
    pub(super) fn is_unknown(&self) -> bool {
        self.is_unknown.get()
    }
}

/// Asks until there is a response, or for as long as another attempt may help.
async fn ask(
    clients: &LambdaClients,
    resource: &StackResource,
    end: Instant,
) -> Result<ResourceState, String> {
    if !clients.is_of_account(resource.account()) {
        return Err(format!(
            "the stack is one of account {}",
            resource.account()
        ));
    }
    let (mut backoff, mut last) = (Backoff::default(), None::<ApiError>);
    let attempts = async {
        loop {
            match clients.describe_stack_resource(resource).await {
                Ok(state) => return Ok(state),
                Err(error)
                    if Retry::after(error.kind, Mode::Cleanup, Call::Read) == Retry::Fail =>
                {
                    return Err(error.without_remedy());
                }
                Err(error) => last = Some(error),
            }
            sleep(backoff.pause()).await;
        }
    };
    let asked = timeout_at(end, attempts).await;
    asked.unwrap_or_else(|_elapsed| {
        let reason = last.map(|error| error.without_remedy());
        Err(reason.unwrap_or_else(|| "got no response from CloudFormation".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sent(ago: Option<i64>) -> (PendingRequest, SystemTime) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
        let before = |ago: i64| {
            let offset = Duration::from_millis(ago.unsigned_abs());
            if ago < 0 { now + offset } else { now - offset }
        };
        let pending = PendingRequest {
            stack_id: "stack".to_owned(),
            logical_id: "Share".to_owned(),
            awaited: Awaited::Creation,
            sent: ago.map(before),
        };
        (pending, now)
    }

    #[test]
    fn each_status_says_whether_cloudformation_waits() {
        for (status, creation, update) in [
            ("CREATE_IN_PROGRESS", true, false),
            ("CREATE_FAILED", false, false),
            ("CREATE_COMPLETE", false, false),
            ("UPDATE_IN_PROGRESS", false, true),
            ("UPDATE_FAILED", false, false),
            ("UPDATE_COMPLETE", false, false),
            ("UPDATE_ROLLBACK_IN_PROGRESS", false, true),
            ("UPDATE_ROLLBACK_COMPLETE", false, false),
            ("UPDATE_ROLLBACK_FAILED", false, false),
            ("ROLLBACK_IN_PROGRESS", false, false),
            ("ROLLBACK_COMPLETE", false, false),
            ("IMPORT_IN_PROGRESS", false, false),
            ("DELETE_IN_PROGRESS", false, false),
            ("DELETE_FAILED", false, false),
            ("DELETE_COMPLETE", false, false),
            ("DELETE_SKIPPED", false, false),
        ] {
            let state = ResourceState::Exists {
                status: status.to_owned(),
                physical_id: None,
                since: None,
            };
            let awaited = [Awaited::Creation, Awaited::Update].map(|of| of.is_awaited_in(&state));
            assert_eq!(awaited, [creation, update], "{status}");
        }
        assert!(!Awaited::Creation.is_awaited_in(&ResourceState::Missing));
    }

    #[test]
    fn a_request_is_late_before_its_delete_stops_polling_or_if_the_clocks_differ() {
        for (ago_ms, is_late) in [
            (Some(0), false),
            (Some(7_999), false),
            (Some(8_000), true),
            (Some(3_600_000), true),
            (Some(-2_000), false),
            (Some(-2_001), true),
            (None, true),
        ] {
            let (pending, now) = sent(ago_ms);
            assert_eq!(pending.is_late(now), is_late, "{ago_ms:?}");
        }
    }
}
