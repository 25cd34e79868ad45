//! ARNs of functions, each perhaps with a qualifier, parsed strictly and printed as they were written.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::arn::{MAX_NAME_LEN, ResourceLocation, is_word};

/// A function, or one of its aliases or versions: each of them has a policy of its own.
/// `arn:<partition>:lambda:<region>:<account>:function:<name>`, and perhaps `:` and a qualifier.
///
/// Source: [AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionArn {
    location: ResourceLocation,
    name: String,
    qualifier: Option<Qualifier>,
}

/// The name of an alias, or the number of a version: 1 to 128 letters, digits, `-` or `_`. `$LATEST` is none, for it has no policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qualifier(String);

/// The text is not a qualifier.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not 1 to 128 letters, digits, `-` or `_`")]
pub struct ParseQualifierError;

/// The text is not the ARN of a function.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `arn:<partition>:lambda:<region>:<account>:function:<name>`")]
pub struct ParseFunctionArnError;

impl FunctionArn {
    /// The function `name` (1 to 140 letters, digits, `-` or `_`) at `location`.
    ///
    /// # Errors
    /// If the name is not one of a function.
    pub fn new(location: ResourceLocation, name: &str) -> Result<Self, ParseFunctionArnError> {
        is_word(name, MAX_NAME_LEN)
            .then(|| Self {
                location,
                name: name.to_owned(),
                qualifier: None,
            })
            .ok_or(ParseFunctionArnError)
    }

    /// The same function with this qualifier, or without any.
    #[must_use]
    pub fn with_qualifier(self, qualifier: Option<Qualifier>) -> Self {
        Self { qualifier, ..self }
    }

    /// Where the function is.
    #[must_use]
    pub fn location(&self) -> &ResourceLocation {
        &self.location
    }

    /// The bare name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The qualifier.
    #[must_use]
    pub fn qualifier(&self) -> Option<&Qualifier> {
        self.qualifier.as_ref()
    }

    /// Whether both are the same function, whichever of its qualifiers they name.
    #[must_use]
    pub fn is_same_function(&self, other: &Self) -> bool {
        self.location == other.location && self.name == other.name
    }

    /// The same account, region, name and qualifier in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        Self {
            location: self.location.in_partition(partition),
            ..self.clone()
        }
    }
}

impl FromStr for FunctionArn {
    type Err = ParseFunctionArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One part more than there may be, and not one for each colon of a text of any length.
        let fields: Vec<&str> = text.splitn(9, ':').collect();
        let (
            [
                "arn",
                partition,
                "lambda",
                region,
                account,
                "function",
                name,
            ],
            qualifier,
        ) = (match &fields[..] {
            [arn @ .., qualifier] if fields.len() == 8 => (arn, Some(*qualifier)),
            arn => (arn, None),
        })
        else {
            return Err(ParseFunctionArnError);
        };
        let qualifier = qualifier.map(str::parse).transpose();
        let qualifier = qualifier.map_err(|ParseQualifierError| ParseFunctionArnError)?;
        let location = ResourceLocation::parse(partition, region, account);
        let function = Self::new(location.ok_or(ParseFunctionArnError)?, name)?;
        Ok(function.with_qualifier(qualifier))
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:function:{}", self.location, self.name)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Qualifier {
    type Err = ParseQualifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_word(text, 128)
            .then(|| Self(text.to_owned()))
            .ok_or(ParseQualifierError)
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_function_has_a_policy_and_so_has_each_qualifier() {
        let function: FunctionArn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
            .parse()
            .expect("an ARN");
        let alias: FunctionArn = format!("{function}:live").parse().expect("an ARN");
        assert_ne!(function, alias);
        assert!(function.is_same_function(&alias));
        assert_eq!(alias.name(), "my-function");
        assert_eq!(alias.location().region(), "eu-west-1");
        assert_eq!(alias.clone().with_qualifier(None), function);
        let qualifier = alias.qualifier().map(ToString::to_string);
        assert_eq!(qualifier.as_deref(), Some("live"));
    }

    #[test]
    fn a_text_that_is_not_exactly_a_function_is_rejected() {
        for text in [
            "",
            "my-function",
            "123456789012:function:my-function",
            "arn:aws:lambda:eu-west-1:123456789012:function:",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function:",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live:1",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function:$LATEST",
            "arn:aws:lambda:eu-west-1:123456789012:function:my function",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer",
            "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
            "arn:aws:lambda:eu-west-1:1234:function:my-function",
            "arn:aws:lambda::123456789012:function:my-function",
            "arn:gcp:lambda:eu-west-1:123456789012:function:my-function",
            "arn:aws:s3:eu-west-1:123456789012:function:my-function",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function#sid",
        ] {
            let parsed = text.parse::<FunctionArn>();
            assert_eq!(parsed, Err(ParseFunctionArnError), "{text}");
        }
        for (length, is_one) in [(140, true), (141, false)] {
            let name = "x".repeat(length);
            let arn = format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}");
            assert_eq!(arn.parse::<FunctionArn>().is_ok(), is_one);
        }
        for (length, is_one) in [(128, true), (129, false)] {
            assert_eq!("x".repeat(length).parse::<Qualifier>().is_ok(), is_one);
        }
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(name in "[a-zA-Z0-9_-]{1,140}", qualifier in "|:[a-zA-Z0-9_-]{1,128}") {
            let text = format!("arn:aws-cn:lambda:cn-north-1:123456789012:function:{name}{qualifier}");
            prop_assert_eq!(text.parse::<FunctionArn>().map(|arn| arn.to_string()), Ok(text));
        }

        #[test]
        fn no_text_panics_the_parser(text in ".*") {
            let _ = text.parse::<FunctionArn>();
        }
    }
}
