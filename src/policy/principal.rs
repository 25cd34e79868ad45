//! Principals of statements: an account, an organization, everybody, a service of AWS, or a role or user.
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
    /// A service of AWS.
    Service(ServicePrincipal),
    /// One role, user or session of an account.
    Identity(IdentityArn),
}

impl Principal {
    /// How Lambda's API takes it: the principal, and the organization where that is everybody in one.
    #[must_use]
    pub fn parameters(&self) -> (String, Option<&OrganizationId>) {
        match self {
            Self::Organization(organization) => ("*".to_owned(), Some(organization)),
            Self::Account(_) | Self::Everyone | Self::Service(_) | Self::Identity(_) => {
                (self.to_string(), None)
            }
        }
    }

    /// The account that it is, or is in, if it is in one.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Identity(identity) => Some(identity.account()),
            Self::Organization(_) | Self::Everyone | Self::Service(_) => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "{account}"),
            Self::Organization(organization) => write!(f, "{organization}"),
            Self::Everyone => f.write_str("*"),
            Self::Service(service) => write!(f, "{service}"),
            Self::Identity(identity) => write!(f, "{identity}"),
        }
    }
}

/// The text names no principal.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "not an account id of 12 digits, an ARN of IAM, an organization's id, a service's domain name or `*`"
)]
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
        if let Some(account) = text.parse().ok().or_else(|| account_of_root_arn(text)) {
            return Ok(Self::Account(account));
        }
        let service = text.parse().map(Self::Service);
        service
            .or_else(|_| text.parse().map(Self::Identity))
            .map_err(|ParseIdentityArnError| ParsePrincipalError)
    }
}

/// The domain name of a service of AWS, such as `events.amazonaws.com`: at least three labels in lower case, the last of them of
/// letters.
///
/// Source: [AWS service principals](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePrincipal(String);

/// The text is not the domain name of a service.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not a domain name of three labels or more")]
pub struct ParseServicePrincipalError;

impl FromStr for ServicePrincipal {
    type Err = ParseServicePrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(allowed);
        let is_top = |label: &str| label.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_name = text.len() <= MAX_DOMAIN_LEN
            && text.split('.').count() >= 3
            && text.split('.').all(is_label)
            && text.rsplit('.').next().is_some_and(is_top);
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or(ParseServicePrincipalError)
    }
}

impl fmt::Display for ServicePrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most characters of a domain name.
const MAX_DOMAIN_LEN: usize = 253;

/// The ARN of a role, a user, or a session of one: `arn:<partition>:iam::<account>:role/…` or `…:user/…`, or
/// `arn:<partition>:sts::<account>:assumed-role/…` or `…:federated-user/…`, of at most 2048 characters.
///
/// Source: [IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityArn {
    text: String,
    account: AccountId,
}

/// The text is not the ARN of a role, a user or a session.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not the ARN of a role, a user or a session")]
pub struct ParseIdentityArnError;

impl IdentityArn {
    /// The account that it is in.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// Whether `unique_id` has the form of the id by which IAM shows a deleted identity of this kind: `AROA…` for a role, `AIDA…`
    /// for a user.
    ///
    /// Source: [IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes).
    #[must_use]
    pub fn may_have_been(&self, unique_id: &str) -> bool {
        let prefix = if self.text.contains(":role/") {
            "AROA"
        } else if self.text.contains(":user/") {
            "AIDA"
        } else {
            return false;
        };
        unique_id.starts_with(prefix) && is_unique_id(unique_id)
    }
}

impl FromStr for IdentityArn {
    type Err = ParseIdentityArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let arn = iam_arn(text).ok_or(ParseIdentityArnError)?;
        let kinds: &[&str] = match arn.service {
            "iam" => &["role/", "user/"],
            _ => &["assumed-role/", "federated-user/"],
        };
        let name = kinds.iter().find_map(|kind| arn.name.strip_prefix(kind));
        name.is_some_and(is_iam_name)
            .then(|| Self {
                text: text.to_owned(),
                account: arn.account,
            })
            .ok_or(ParseIdentityArnError)
    }
}

impl fmt::Display for IdentityArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether `text` is the unique id of a role or a user, which stands in a policy for one that was deleted.
#[must_use]
pub fn is_unique_id(text: &str) -> bool {
    let tail = text
        .strip_prefix("AROA")
        .or_else(|| text.strip_prefix("AIDA"));
    tail.is_some_and(|tail| {
        (12..=124).contains(&tail.len())
            && tail
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
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
    let arn = iam_arn(text)?;
    (arn.service == "iam" && arn.name == "root").then_some(arn.account)
}

/// An ARN of IAM or STS, in parts.
pub(super) struct IamArn<'a> {
    pub(super) service: &'a str,
    pub(super) account: AccountId,
    /// What follows the account, such as `role/share`.
    pub(super) name: &'a str,
}

/// The parts of `arn:<partition>:<iam or sts>::<account>:<name>`, a text of at most 2048 characters.
pub(super) fn iam_arn(text: &str) -> Option<IamArn<'_>> {
    // One part more than there may be, and not one for each colon of a text of any length.
    let fields: Vec<&str> = text.splitn(7, ':').collect();
    let [
        "arn",
        partition,
        service @ ("iam" | "sts"),
        "",
        account,
        name,
    ] = fields[..]
    else {
        return None;
    };
    (text.len() <= 2048 && is_partition(partition)).then_some(())?;
    Some(IamArn {
        service,
        account: account.parse().ok()?,
        name,
    })
}

/// Whether `text` is the name of a role, a user or a session, perhaps with a path.
pub(super) fn is_iam_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c);
    !text.is_empty() && text.chars().all(allowed)
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
    fn a_service_is_a_domain_name_of_three_labels_or_more() {
        for text in [
            "events.amazonaws.com",
            "alexa-appkit.amazon.com",
            "logs.eu-west-1.amazonaws.com",
            "logs.cn-north-1.amazonaws.com.cn",
            "s3.c2s.ic.gov",
        ] {
            let service = Principal::Service(ServicePrincipal(text.to_owned()));
            assert_eq!(text.parse(), Ok(service), "{text}");
        }
        let long = format!("{}.amazonaws.com", "x".repeat(240));
        for text in [
            "events",
            "events.amazonaws",
            "Events.amazonaws.com",
            "events..com",
            ".amazonaws.com",
            "events.amazonaws.com.",
            "events.amazonaws.com/x",
            "events amazonaws.com.x",
            "10.0.0.1",
            "8.8888888888.1",
            long.as_str(),
        ] {
            assert_eq!(
                text.parse::<Principal>(),
                Err(ParsePrincipalError),
                "{text}"
            );
        }
    }

    #[test]
    fn an_identity_is_a_role_a_user_or_a_session_of_an_account() {
        for text in [
            "arn:aws:iam::123456789012:role/my-role",
            "arn:aws-cn:iam::123456789012:user/a/path/User@+=,._-",
            "arn:aws:sts::123456789012:assumed-role/my-role/session",
            "arn:aws:sts::123456789012:federated-user/somebody",
        ] {
            let principal: Principal = text.parse().expect(text);
            assert_eq!(principal.to_string(), text);
            let account = principal.account().map(ToString::to_string);
            assert_eq!(account.as_deref(), Some("123456789012"));
            assert!(matches!(principal, Principal::Identity(_)), "{text}");
        }
        let long = format!("arn:aws:iam::123456789012:role/{}", "x".repeat(2048));
        for text in [
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:group/my-group",
            "arn:aws:iam::123456789012:assumed-role/my-role/session",
            "arn:aws:sts::123456789012:role/my-role",
            "arn:aws:iam::1234:role/my-role",
            "arn:aws:iam:eu-west-1:123456789012:role/my-role",
            "arn:gcp:iam::123456789012:role/my-role",
            "arn:aws:iam::123456789012:role/my role",
            "arn:aws:iam::123456789012:role/*:x",
            "arn:aws:lambda:eu-west-1:123456789012:function:my-function",
            long.as_str(),
        ] {
            assert_eq!(
                text.parse::<Principal>(),
                Err(ParsePrincipalError),
                "{text}"
            );
        }
    }

    #[test]
    fn a_deleted_identity_is_shown_by_a_unique_id_of_its_kind() {
        let [role, user, session] = [
            "arn:aws:iam::123456789012:role/user/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:sts::123456789012:assumed-role/x/y",
        ]
        .map(|text| text.parse::<IdentityArn>().expect("an identity"));
        for (unique_id, of_role, of_user) in [
            ("AROACKCEVSQ6C2EXAMPLE", true, false),
            ("AIDACKCEVSQ6C2EXAMPLE", false, true),
            ("AROA", false, false),
            ("AROACKCEVSQ6C2EXAMPLe", false, false),
            ("AKIACKCEVSQ6C2EXAMPLE", false, false),
            ("arn:aws:iam::123456789012:role/x", false, false),
        ] {
            assert_eq!(role.may_have_been(unique_id), of_role, "{unique_id}");
            assert_eq!(user.may_have_been(unique_id), of_user, "{unique_id}");
            assert!(!session.may_have_been(unique_id), "{unique_id}");
            assert_eq!(is_unique_id(unique_id), of_role || of_user, "{unique_id}");
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
