//! The IAM role that the provider assumes to change the policy of another account's resource.

use std::fmt;

use super::arn::AccountId;
use super::principal::{iam_arn, is_iam_name};

/// A role to assume, with the external id that its trust policy may ask for. That id is a secret: where several accounts share
/// one provider, it is what keeps them from each other's roles. So it is never printed, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Role {
    arn: String,
    account: AccountId,
    external_id: Option<String>,
}

impl Role {
    /// A role by its ARN, `arn:<partition>:iam::<account>:role/<path and name>`, of at most 2048 characters.
    ///
    /// Source: [IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html) and
    /// [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    #[must_use]
    pub fn parse(arn: &str, external_id: Option<String>) -> Option<Self> {
        let parts = iam_arn(arn).filter(|parts| parts.service == "iam")?;
        let name = parts.name.strip_prefix("role/")?;
        is_iam_name(name).then(|| Self {
            arn: arn.to_owned(),
            account: parts.account,
            external_id,
        })
    }

    /// The account that the role is one of.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The external id to assume it with.
    #[must_use]
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut role = f.debug_struct("Role");
        role.field("arn", &self.arn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_exactly_the_arn_of_a_role_is_rejected() {
        let long = format!("arn:aws:iam::123456789012:role/{}", "x".repeat(2048));
        let colons = format!("arn:aws:iam::123456789012:role/share{}", ":".repeat(5000));
        for text in [
            "arn:aws:iam::123456789012:role/share:1",
            "arn:aws:iam::123456789012:user/share",
            "arn:aws:iam:eu-west-1:123456789012:role/share",
            "arn:aws-:iam::123456789012:role/share",
            long.as_str(),
            colons.as_str(),
        ] {
            assert_eq!(Role::parse(text, None), None, "{text}");
        }
    }
}
