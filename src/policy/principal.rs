//! Principals of statements: an account, an organization or everybody.
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

/// The text names no principal.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not an account id of 12 digits, a root ARN, an organization's id or `*`")]
pub struct ParsePrincipalError;

impl FromStr for Principal {
    type Err = ParsePrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if let Ok(organization) = text.parse() {
            return Ok(Self::Organization(organization));
        }
        let account = text.parse().ok().or_else(|| account_of_root_arn(text));
        account.map(Self::Account).ok_or(ParsePrincipalError)
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
pub struct ParseOrganizationIdError;

impl FromStr for OrganizationId {
    type Err = ParseOrganizationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let tail = text.strip_prefix("o-").ok_or(ParseOrganizationIdError)?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        ((10..=32).contains(&tail.len()) && tail.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
            .ok_or(ParseOrganizationIdError)
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
    // One part more than there may be, and not one for each colon of a text of any length.
    let fields: Vec<&str> = text.splitn(7, ':').collect();
    let ["arn", partition, "iam", "", account, "root"] = fields[..] else {
        return None;
    };
    is_partition(partition)
        .then(|| account.parse().ok())
        .flatten()
}

/// What the account id probably was of which YAML, or what read it, made this number, and how. An unquoted account id with a
/// leading zero is read as an octal number, or loses its zero where it holds an 8 or a 9; and any of them becomes a
/// floating-point number (`8.8888888888E10`, `88888888888.0`) in tools that know no others.
///
/// Source: [YAML 1.1, integers](https://yaml.org/type/int.html), and
/// [YAML 1.2, core schema](https://yaml.org/spec/1.2.2/#1032-tag-resolution).
#[must_use]
pub fn account_before_yaml(text: &str) -> Option<(AccountId, &'static str)> {
    const OCTAL: &str = "as an octal number, for its leading zero";
    let is_number = |text: &str| {
        (1..12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let octal = text.strip_prefix("0o").filter(|octal| is_number(octal));
    let number: u64 = if is_number(text) {
        text.parse().ok()?
    } else if let Some(octal) = octal {
        u64::from_str_radix(octal, 8).ok()?
    } else {
        whole_number_of_float(text)?
    };
    let octal = format!("{number:o}");
    let (original, how) = if octal.len() < 12 {
        (octal, OCTAL)
    } else if is_number(text) {
        (number.to_string(), "without its leading zero")
    } else {
        (number.to_string(), "as a floating-point number")
    };
    Some((format!("{original:0>12}").parse().ok()?, how))
}

/// The number of at most 12 digits that a floating-point number such as `8.8888888888E10` stands for. Not that of one which
/// was rounded (`1.23457e+11`): it would be another account.
fn whole_number_of_float(text: &str) -> Option<u64> {
    let is_float = text.contains(['.', 'e', 'E'])
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || ".eE+".contains(c));
    let float: f64 = text.parse().ok().filter(|_| is_float)?;
    let number: u64 = (float.fract() == 0.0)
        .then(|| format!("{float:.0}").parse().ok())
        .flatten()?;
    let is_rounded = text.contains(['e', 'E']) && number.is_multiple_of(100_000);
    (!is_rounded).then_some(number)
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
                Err(ParseOrganizationIdError),
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
    fn an_account_id_that_yaml_read_as_a_number_is_recovered() {
        for (got, original) in [
            ("1402433619", Some("012345670123")),
            ("511", Some("000000000777")),
            ("8589934591", Some("077777777777")),
            ("12345678901", Some("012345678901")),
            ("0", Some("000000000000")),
            ("0o12345670123", Some("012345670123")),
            ("0o77777777777", Some("077777777777")),
            ("8.8888888888E10", Some("088888888888")),
            ("8.8888888888e+10", Some("088888888888")),
            ("8.8888888888e10", Some("088888888888")),
            ("88888888888e0", Some("088888888888")),
            ("88888888888.0", Some("088888888888")),
            ("88888888888.", Some("088888888888")),
            ("9.900112233E9", Some("009900112233")),
            ("1.402433619E9", Some("012345670123")),
            ("1.402433619e+09", Some("012345670123")),
            ("1402433619.0", Some("012345670123")),
            ("1.2345678909E10", Some("012345678909")),
            ("1.2345678900E10", Some("012345678900")),
            ("1.11122223333E11", Some("111122223333")),
            ("1.11122223333e+11", Some("111122223333")),
            ("111122223333.0", Some("111122223333")),
            // Rounded: which account it was cannot be known.
            ("1.23457e+11", None),
            ("8.88889E10", None),
            ("1e11", None),
            ("88888888888.5", None),
            ("1.402433619E-9", None),
            ("1.111222233334E12", None),
            ("1e400", None),
            ("-8.8888888888E10", None),
            ("NaN", None),
            ("inf", None),
            ("e10", None),
            (".", None),
            ("0o", None),
            ("0o8", None),
            ("0o100000000000", None),
            ("0o+7", None),
            ("0o777777777777777777777777", None),
            ("0x5396fe4b", None),
            ("1111-2222-3333", None),
            ("111_122_223_333", None),
            ("1:51:22", None),
            ("123456789012", None),
            ("1234567890123", None),
            ("0012345678901", None),
            ("12345x", None),
            ("", None),
        ] {
            let account = account_before_yaml(got).map(|(id, _)| id.to_string());
            assert_eq!(account.as_deref(), original, "{got}");
        }
    }
}
