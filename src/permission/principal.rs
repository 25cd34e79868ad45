//! Who a layer version is shared with: an account, an organization or everybody.
//! Knows nothing of statements and their JSON.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::arn::{AccountId, is_partition};

/// Whom a statement grants to. An organization with an account number cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// One account, all of it.
    Account(AccountId),
    /// Every account of an organization.
    Organization(OrganizationId),
    /// Everybody with an AWS account.
    Everyone,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "{account}"),
            Self::Organization(organization) => write!(f, "{organization}"),
            Self::Everyone => f.write_str("*"),
        }
    }
}

/// A text that names no principal of a layer version.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not an account id of 12 digits, a root ARN, an organization's id or `*`")]
pub struct NotAPrincipal;

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if let Ok(organization) = text.parse() {
            return Ok(Self::Organization(organization));
        }
        let account = text.parse().ok().or_else(|| account_of_root_arn(text));
        account.map(Self::Account).ok_or(NotAPrincipal)
    }
}

/// An organization's id: `o-` and 10 to 32 lower-case letters or digits.
///
/// Source: [AddLayerVersionPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganizationId(String);

/// The text is not an organization's id.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `o-` and 10 to 32 lower-case letters or digits")]
pub struct NotAnOrganizationId;

impl FromStr for OrganizationId {
    type Err = NotAnOrganizationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tail = text.strip_prefix("o-").ok_or(NotAnOrganizationId)?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        ((10..=32).contains(&tail.len()) && tail.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
            .ok_or(NotAnOrganizationId)
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The account of `arn:<partition>:iam::<account>:root`, the long spelling of a whole account.
#[must_use]
pub fn account_of_root_arn(text: &str) -> Option<AccountId> {
    let fields: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "iam", "", account, "root"] = fields[..] else {
        return None;
    };
    is_partition(partition)
        .then(|| account.parse().ok())
        .flatten()
}

/// What the account id probably was of which YAML made this number of fewer than 12 digits, and how: an unquoted scalar
/// with a leading zero is read as an octal number, or loses its zero when it holds an 8 or a 9.
///
/// Source: [YAML 1.1, integers](https://yaml.org/type/int.html).
#[must_use]
pub fn account_before_yaml(text: &str) -> Option<(AccountId, &'static str)> {
    let digits = (1..12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| digits)?;
    let octal = format!("{number:o}");
    let (original, how) = if octal.len() < 12 {
        (octal, "as an octal number, for its leading zero")
    } else {
        (number.to_string(), "without its leading zero")
    };
    Some((format!("{original:0>12}").parse().ok()?, how))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_id_has_ten_to_thirty_two_characters() {
        for text in ["o-abcdefghij", "o-0123456789abcdefghijklmnopqrstuv"] {
            assert_eq!(
                text.parse::<OrganizationId>().map(|id| id.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "",
            "o-",
            "o-abcdefghi",
            "o-0123456789abcdefghijklmnopqrstuvw",
            "o-ABCDEFGHIJ",
            "r-abcdefghij",
        ] {
            assert_eq!(
                text.parse::<OrganizationId>(),
                Err(NotAnOrganizationId),
                "{text}"
            );
        }
    }

    #[test]
    fn a_root_arn_is_its_account() {
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"] {
            let account = account_of_root_arn(&format!("arn:{partition}:iam::123456789012:root"));
            assert_eq!(
                account.map(|id| id.to_string()).as_deref(),
                Some("123456789012")
            );
        }
        for text in [
            "arn:aws:iam::123456789012:user/somebody",
            "arn:aws:iam::123456789012:role/root",
            "arn:aws:sts::123456789012:root",
            "arn:gcp:iam::123456789012:root",
            "arn:aws-c\n:iam::123456789012:root",
            "arn:aws:iam::1234:root",
            "123456789012",
        ] {
            assert_eq!(account_of_root_arn(text), None, "{text}");
        }
    }

    #[test]
    fn what_yaml_made_of_an_account_id_is_undone() {
        for (got, original) in [
            ("1402433619", Some("012345670123")),
            ("511", Some("000000000777")),
            ("8589934591", Some("077777777777")),
            ("12345678901", Some("012345678901")),
            ("0", Some("000000000000")),
            ("123456789012", None),
            ("12345x", None),
            ("", None),
        ] {
            let account = account_before_yaml(got).map(|(id, _)| id.to_string());
            assert_eq!(account.as_deref(), original, "{got}");
        }
    }
}
