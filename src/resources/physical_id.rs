//! The physical ids of all resource types: `<ARN>#<statement id>`, where the ARN is that of a layer version, of a layer for all its
//! versions, or of a function.

use std::fmt;

use crate::cloudformation::request::PhysicalResourceId;
use crate::policy::statement_id::StatementId;
use crate::policy::target::TargetSet;

/// What a physical id says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhysicalId {
    /// The statement, or the list of statements, of a resource.
    Granted {
        /// The policies that contain the statement.
        targets: TargetSet,
        /// The statement id of the resource.
        sid: StatementId,
    },
    /// The id of a resource whose Create failed and left nothing: CloudFormation deletes it next, and nothing is to be done.
    NeverCreated,
    /// None, or one that this provider never issued: CloudFormation invents one when a Delete overtakes its Create.
    Foreign,
}

impl PhysicalId {
    /// Parses the id of a request, which may have none.
    #[must_use]
    pub fn parse(id: Option<&PhysicalResourceId>) -> Self {
        match id {
            Some(id) if *id == PhysicalResourceId::default() => Self::NeverCreated,
            Some(id) => Self::granted(id.as_ref()).unwrap_or(Self::Foreign),
            None => Self::Foreign,
        }
    }

    fn granted(text: &str) -> Option<Self> {
        let (targets, sid) = text.split_once('#')?;
        Some(Self::Granted {
            targets: targets.parse().ok()?,
            sid: sid.parse().ok()?,
        })
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { targets, sid } => write!(f, "{targets}#{sid}"),
            // A response needs an id that is not empty.
            Self::NeverCreated | Self::Foreign => PhysicalResourceId::default().fmt(f),
        }
    }
}

impl From<PhysicalId> for PhysicalResourceId {
    fn from(id: PhysicalId) -> Self {
        Self::from(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> PhysicalId {
        PhysicalId::parse(Some(&text.to_owned().into()))
    }

    #[test]
    fn an_id_that_was_never_issued_is_foreign() {
        for text in [
            "",
            "2026/11/21/[$LATEST]0123456789abcdef",
            "stack-Share-1A2B3C4D5E6F",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:#sid",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function:$LATEST#sid",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#a b",
        ] {
            assert_eq!(parse(text), PhysicalId::Foreign, "{text}");
        }
        assert_eq!(PhysicalId::parse(None), PhysicalId::Foreign);
        assert_eq!(parse("never-created"), PhysicalId::NeverCreated);
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(sid in "[a-zA-Z0-9_-]{1,100}", name in "layer:x(:[1-9][0-9]{0,17})?|function:x(:[a-zA-Z0-9_-]{1,128})?") {
            let text = format!("arn:aws:lambda:eu-west-1:123456789012:{name}#{sid}");
            let id = parse(&text);
            prop_assert_ne!(&id, &PhysicalId::Foreign);
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_panics_the_parser(text in ".*") {
            let _ = parse(&text);
        }
    }
}
