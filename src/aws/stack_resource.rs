//! A resource as its stack knows it: which one it is, and in which state. No I/O.

use std::fmt;
use std::time::SystemTime;

use crate::deadline::CLOCK_SKEW;

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackResource {
    /// The ARN of the stack, which no other stack ever has: a stack of the same name that is created later has another one.
    pub stack_id: String,
    /// The resource's name in the template.
    pub logical_id: String,
    region: String,
    account: String,
}

impl StackResource {
    /// The resource `logical_id` of the stack with this ARN.
    #[must_use]
    pub fn parse(stack_id: &str, logical_id: &str) -> Option<Self> {
        let fields: Vec<&str> = stack_id.splitn(6, ':').collect();
        let ["arn", _, "cloudformation", region, account, stack] = fields[..] else {
            return None;
        };
        let is_complete = stack.starts_with("stack/") && !region.is_empty();
        (is_complete && !logical_id.is_empty()).then(|| Self {
            stack_id: stack_id.to_owned(),
            logical_id: logical_id.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// The region of the stack.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account of the stack.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl fmt::Display for StackResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.logical_id, self.stack_id)
    }
}

/// The state of a resource in its stack.
///
/// Source: [StackResourceDetail](https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDetail.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceState {
    /// The stack has it, with this status, such as `CREATE_IN_PROGRESS`, and this physical id.
    Exists {
        /// CloudFormation's `ResourceStatus`.
        status: String,
        /// The id, which CloudFormation knows once the resource was created.
        physical_id: Option<String>,
        /// Since when it has the status.
        since: Option<SystemTime>,
    },
    /// There is no such stack, or it has no such resource.
    Missing,
}

impl ResourceState {
    /// Whether the resource is gone, or will be: nothing is ever restored for it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Exists { status, .. } => status.starts_with("DELETE_"),
            Self::Missing => true,
        }
    }

    /// Whether it lives under `id`, after a Create or an Update that another execution has completed, so that what was written under
    /// that id until `last_write` may belong to it. A resource that was complete before has got what it needs from others, or is
    /// rolled back. It was not complete at `awaited`: if it seems so, the clocks differ, and say nothing about the write.
    #[must_use]
    pub fn may_own(&self, id: &str, awaited: SystemTime, last_write: SystemTime) -> bool {
        match self {
            Self::Exists {
                status,
                physical_id,
                since,
            } => {
                let is_complete = matches!(status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE");
                let was_complete = since.is_some_and(|since| {
                    since + CLOCK_SKEW >= awaited && last_write >= since + CLOCK_SKEW
                });
                is_complete && !was_complete && physical_id.as_deref() == Some(id)
            }
            Self::Missing => false,
        }
    }
}

impl fmt::Display for ResourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists { status, .. } => f.write_str(status),
            Self::Missing => f.write_str("no such stack or resource"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f";

    fn state(status: &str) -> ResourceState {
        ResourceState::Exists {
            status: status.to_owned(),
            physical_id: Some("id".to_owned()),
            since: Some(SystemTime::UNIX_EPOCH),
        }
    }

    #[test]
    fn a_stack_is_read_from_its_arn() {
        let resource = StackResource::parse(STACK, "Share").expect("a resource");
        assert_eq!(
            (resource.region(), resource.account()),
            ("eu-west-1", "123456789012")
        );
        assert_eq!(resource.to_string(), format!("Share of {STACK}"));
        for (stack_id, logical_id) in [
            (STACK, ""),
            ("", "Share"),
            ("sharing", "Share"),
            (&STACK.replace("eu-west-1", ""), "Share"),
            (&STACK.replace("cloudformation", "lambda"), "Share"),
            (&STACK.replace("stack/", "stackset/"), "Share"),
        ] {
            assert_eq!(
                StackResource::parse(stack_id, logical_id),
                None,
                "{stack_id}"
            );
        }
    }

    #[test]
    fn a_resource_is_gone_if_it_is_deleted_or_will_be() {
        for (status, is_gone) in [
            ("CREATE_FAILED", false),
            ("UPDATE_COMPLETE", false),
            ("ROLLBACK_IN_PROGRESS", false),
            ("DELETE_IN_PROGRESS", true),
            ("DELETE_FAILED", true),
            ("DELETE_COMPLETE", true),
            ("DELETE_SKIPPED", true),
        ] {
            assert_eq!(state(status).is_gone(), is_gone, "{status}");
        }
        assert!(ResourceState::Missing.is_gone());
    }

    #[test]
    fn a_grant_may_belong_to_the_resource_that_was_completed_with_its_id() {
        let now = SystemTime::UNIX_EPOCH;
        for (status, may_own) in [
            ("CREATE_COMPLETE", true),
            ("UPDATE_COMPLETE", true),
            ("UPDATE_ROLLBACK_COMPLETE", false),
            ("UPDATE_FAILED", false),
            ("DELETE_COMPLETE", false),
        ] {
            assert_eq!(state(status).may_own("id", now, now), may_own, "{status}");
            assert!(!state(status).may_own("other", now, now), "{status}");
        }
        assert!(!ResourceState::Missing.may_own("id", now, now));
    }

    #[test]
    fn a_grant_that_was_written_after_the_resource_was_complete_does_not_belong_to_it() {
        let completed = SystemTime::UNIX_EPOCH;
        for (after_ms, may_own) in [(0, true), (1_999, true), (2_000, false), (60_000, false)] {
            let written = completed + Duration::from_millis(after_ms);
            let may_belong = state("UPDATE_COMPLETE").may_own("id", completed, written);
            assert_eq!(may_belong, may_own, "{after_ms}");
        }
        let undated = ResourceState::Exists {
            status: "UPDATE_COMPLETE".to_owned(),
            physical_id: Some("id".to_owned()),
            since: None,
        };
        assert!(undated.may_own("id", completed, completed));
    }

    #[test]
    fn a_resource_that_seems_complete_before_it_was_awaited_shows_that_the_clocks_differ() {
        let completed = SystemTime::UNIX_EPOCH;
        let written = completed + Duration::from_mins(5);
        for (awaited_ms, may_own) in [(0, false), (2_000, false), (2_001, true), (180_000, true)] {
            let awaited = completed + Duration::from_millis(awaited_ms);
            let may_belong = state("UPDATE_COMPLETE").may_own("id", awaited, written);
            assert_eq!(may_belong, may_own, "{awaited_ms}");
        }
    }
}
