//! Physical resource ids: what `Ref` returns, and what CloudFormation names a resource by when it updates or deletes it.
//! Knows nothing of whether the grant behind an id is there.

use std::fmt;

use crate::permission::scope::Scope;
use crate::permission::statement::StatementId;

/// A physical resource id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhysicalId {
    /// `<layer version ARN>#<statement id>`, or `<layer ARN>#<statement id>` of a grant for all versions.
    Granted {
        /// The policies that hold the statement.
        scope: Scope,
        /// The statement.
        sid: StatementId,
    },
    /// The id of a resource whose Create failed and left nothing: CloudFormation deletes it next, and nothing is done.
    NeverCreated,
    /// None, or one that this provider never answered: CloudFormation invents one when a Delete overtakes its Create.
    Unknown,
}

const NEVER_CREATED: &str = "never-created";

impl PhysicalId {
    /// Reads the id of a request, which may have none.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        match text {
            Some(NEVER_CREATED) => Self::NeverCreated,
            Some(text) => Self::granted(text).unwrap_or(Self::Unknown),
            None => Self::Unknown,
        }
    }

    fn granted(text: &str) -> Option<Self> {
        let (scope, sid) = text.split_once('#')?;
        Some(Self::Granted {
            scope: scope.parse().ok()?,
            sid: sid.parse().ok()?,
        })
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { scope, sid } => write!(f, "{scope}#{sid}"),
            // An answer needs an id that is not empty, and of an unknown one there is nothing to say.
            Self::NeverCreated | Self::Unknown => f.write_str(NEVER_CREATED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_never_answered_is_unknown() {
        for text in [
            "",
            "2026/11/21/[$LATEST]0123456789abcdef",
            "stack-Share-1A2B3C4D5E6F",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:#sid",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function#sid",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#a b",
        ] {
            assert_eq!(PhysicalId::read(Some(text)), PhysicalId::Unknown, "{text}");
        }
        assert_eq!(PhysicalId::read(None), PhysicalId::Unknown);
        assert_eq!(
            PhysicalId::read(Some("never-created")),
            PhysicalId::NeverCreated
        );
    }

    proptest! {
        #[test]
        fn reading_undoes_printing(sid in "[a-zA-Z0-9_-]{1,100}", version in "|:[1-9][0-9]{0,17}") {
            let text = format!("arn:aws:lambda:eu-west-1:123456789012:layer:my-layer{version}#{sid}");
            let id = PhysicalId::read(Some(&text));
            prop_assert_ne!(&id, &PhysicalId::Unknown);
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_panics_the_reader(text in ".*") {
            let _ = PhysicalId::read(Some(&text));
        }
    }
}
