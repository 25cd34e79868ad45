//! The two statements that a function URL needs.

use super::conditions::Conditions;
use super::statement::{INVOKE_FUNCTION_URL, Statement};

/// Which of the two statements of a function URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UrlStatement {
    /// The one that lets a request in.
    Url,
    /// The one that lets that request invoke the function.
    Invoke,
}

impl UrlStatement {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Url, Self::Invoke];

    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Invoke => "invoke",
        }
    }

    /// Which one a statement may be.
    pub(super) fn of(statement: &Statement) -> Option<Self> {
        let Conditions {
            function_url_auth_type,
            invoked_via_function_url,
            ..
        } = &statement.conditions;
        if function_url_auth_type.is_some() && statement.action == INVOKE_FUNCTION_URL {
            Some(Self::Url)
        } else {
            invoked_via_function_url.then_some(Self::Invoke)
        }
    }
}
