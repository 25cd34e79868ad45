//! The accounts of an organization and the organizational units that they are in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::arn::AccountId;
use super::principal::{OrganizationId, ParsePrincipalError, Principal};

/// The id of an organizational unit: `ou-`, 4 to 32 lower-case letters or digits (those of the root), `-`, and 8 to 32 more.
///
/// Source: [OrganizationalUnit](https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(String);

/// The text is not the id of an organizational unit.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `ou-`, 4 to 32 lower-case letters or digits, `-` and 8 to 32 more")]
pub struct ParseUnitIdError;

impl UnitId {
    /// What follows the part of the root. In one organization, no other unit has it.
    #[must_use]
    pub fn last_part(&self) -> &str {
        self.0.rsplit('-').next().unwrap_or_default()
    }
}

/// Whether `text` can be the last part of the id of a unit.
pub(super) fn is_last_part(text: &str) -> bool {
    is_part(text, 8)
}

fn is_part(text: &str, min: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (min..=32).contains(&text.len()) && text.bytes().all(allowed)
}

impl FromStr for UnitId {
    type Err = ParseUnitIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .strip_prefix("ou-")
            .and_then(|tail| tail.split_once('-'));
        parts
            .filter(|(root, last)| is_part(root, 4) && is_last_part(last))
            .map(|_| Self(text.to_owned()))
            .ok_or(ParseUnitIdError)
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a resource may grant to: a principal of a statement, or a unit, which stands for the accounts in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// A principal.
    Principal(Principal),
    /// Every account of an organizational unit and of the units in it.
    Unit(UnitId),
}

impl FromStr for Grantee {
    type Err = ParsePrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = text.parse().map(Self::Unit);
        unit.or_else(|ParseUnitIdError| text.parse().map(Self::Principal))
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Unit(unit) => unit.fmt(f),
        }
    }
}

/// An active account of an organization, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccount {
    /// The account.
    pub id: AccountId,
    /// The organization.
    pub organization: OrganizationId,
    /// The units that it is in, the outermost one first.
    pub units: Vec<UnitId>,
}

/// The text is not the path of an account in its organization.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `o-…/r-…/ou-…/<account>/`")]
pub struct ParsePathError;

impl FromStr for MemberAccount {
    type Err = ParsePathError;

    /// Parses `o-…/r-…/ou-…/ou-…/<account>/`, with any number of units.
    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let fields: Vec<&str> = path.split('/').collect();
        let [organization, root, units @ .., account] = &fields[..] else {
            return Err(ParsePathError);
        };
        let units: Result<_, _> = units.iter().map(|unit| unit.parse()).collect();
        let root = root.strip_prefix("r-").filter(|root| is_part(root, 4));
        root.ok_or(ParsePathError)?;
        Ok(Self {
            id: account.parse().map_err(|_| ParsePathError)?,
            organization: organization.parse().map_err(|_| ParsePathError)?,
            units: units.map_err(|ParseUnitIdError| ParsePathError)?,
        })
    }
}

impl MemberAccount {
    /// The path from the organization to `unit`, if the account is in that unit.
    #[must_use]
    pub fn path_to(&self, unit: &UnitId) -> Option<UnitPath> {
        let end = self.units.iter().position(|of| of == unit)?;
        Some(UnitPath {
            organization: self.organization.clone(),
            units: self.units.get(..=end)?.to_vec(),
        })
    }
}

/// Where a unit is in its organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitPath {
    organization: OrganizationId,
    /// The units that it is in, and itself.
    units: Vec<UnitId>,
}

impl UnitPath {
    /// Whether the unit is in what `grantee` names: in that organization, or in that unit.
    #[must_use]
    pub fn is_in(&self, grantee: &Grantee) -> bool {
        match grantee {
            Grantee::Unit(unit) => self.units.contains(unit),
            Grantee::Principal(Principal::Organization(id)) => self.organization == *id,
            Grantee::Principal(
                Principal::Account(_)
                | Principal::Everyone
                | Principal::Service(_)
                | Principal::Identity(_),
            ) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_id_has_two_parts_of_lower_case_letters_and_digits() {
        let (long, longer) = ("x".repeat(32), "x".repeat(33));
        for (text, last_part) in [
            ("ou-abcd-12345678", Some("12345678")),
            (&format!("ou-{long}-{long}"), Some(long.as_str())),
            (&format!("ou-{longer}-{long}"), None),
            (&format!("ou-{long}-{longer}"), None),
            ("ou-abc-12345678", None),
            ("ou-abcd-1234567", None),
            ("ou-Abcd-12345678", None),
            ("ou-abcd-1234567é", None),
            ("ou-abcd-12345678-12345678", None),
            ("ou-abcd", None),
            ("o-abcd-12345678", None),
            ("", None),
        ] {
            let unit = text.parse::<UnitId>().ok();
            assert_eq!(unit.as_ref().map(UnitId::last_part), last_part, "{text}");
            assert!(unit.is_none_or(|unit| unit.to_string() == text));
        }
    }

    #[test]
    fn a_path_names_the_organization_the_units_and_the_account() {
        let path = "o-abc1234567/r-abcd/ou-abcd-11111111/ou-abcd-22222222/111122223333/";
        let account: MemberAccount = path.parse().expect("a path");
        assert_eq!(account.id.to_string(), "111122223333");
        assert_eq!(account.organization.to_string(), "o-abc1234567");
        let units = account.units.iter().map(ToString::to_string);
        assert!(units.eq(["ou-abcd-11111111", "ou-abcd-22222222"]));
        let of_root = "o-abc1234567/r-abcd/111122223333/".parse::<MemberAccount>();
        assert_eq!(of_root.expect("a path").units, []);
        for path in [
            "",
            "o-abc1234567/r-abcd/",
            "o-abc1234567/111122223333/",
            "o-abc/r-abcd/111122223333/",
            "o-abc1234567/abcd/111122223333/",
            "o-abc1234567/r-abcd/unit/111122223333/",
            "o-abc1234567/r-abcd/ou-abcd-11111111/account/",
            "o-abc1234567/r-abcd/ou-abcd-11111111/",
        ] {
            assert_eq!(path.parse::<MemberAccount>(), Err(ParsePathError), "{path}");
        }
    }

    #[test]
    fn a_unit_is_in_itself_in_what_it_is_nested_in_and_in_its_organization() {
        let path =
            "o-abc1234567/r-abcd/ou-abcd-11111111/ou-abcd-22222222/ou-abcd-33333333/111122223333/";
        let account: MemberAccount = path.parse().expect("a path");
        let unit = "ou-abcd-22222222".parse().expect("a unit");
        let path = account.path_to(&unit).expect("the account is in it");
        for (grantee, is_in) in [
            ("ou-abcd-11111111", true),
            ("ou-abcd-22222222", true),
            ("ou-abcd-33333333", false),
            ("o-abc1234567", true),
            ("o-zzz1234567", false),
            ("111122223333", false),
            ("*", false),
        ] {
            let grantee: Grantee = grantee.parse().expect("a grantee");
            assert_eq!(path.is_in(&grantee), is_in, "{grantee}");
        }
        let other = "ou-abcd-44444444".parse().expect("a unit");
        assert_eq!(account.path_to(&other), None);
    }
}
