//! The accounts and organizations that statements may grant to.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::policy::arn::AccountId;
use crate::policy::principal::{OrganizationId, Principal};
use crate::text::shown;

/// Accounts and organizations. A grant to one of them is no finding; the account itself is always one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    accounts: BTreeSet<AccountId>,
    organizations: BTreeSet<OrganizationId>,
}

/// The text is none of both.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "invalid trusted principal: got {}, give account ids of 12 digits or organization ids, with commas between",
    shown(.0)
)]
pub struct ParseTrustedError(String);

impl Trusted {
    /// Parses account ids and organization ids with commas between.
    ///
    /// # Errors
    /// If an entry is neither.
    pub fn parse(text: &str) -> Result<Self, ParseTrustedError> {
        let mut trusted = Self::default();
        let entries = text.split(',').map(str::trim);
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if let Ok(account) = entry.parse() {
                trusted.accounts.insert(account);
            } else if let Ok(Principal::Organization(organization)) = entry.parse() {
                trusted.organizations.insert(organization);
            } else {
                return Err(ParseTrustedError(entry.to_owned()));
            }
        }
        Ok(trusted)
    }

    /// Whether nothing is trusted, so that nothing can be told to be outside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.organizations.is_empty()
    }

    /// These, and `account`.
    #[must_use]
    pub fn with_account(mut self, account: AccountId) -> Self {
        self.accounts.insert(account);
        self
    }

    pub(super) fn has_account(&self, account: &AccountId) -> bool {
        self.accounts.contains(account)
    }

    pub(super) fn has_organization(&self, organization: &OrganizationId) -> bool {
        self.organizations.contains(organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_organizations_are_trusted() {
        let trusted = Trusted::parse(" 111122223333,o-abcdefghij ,").expect("trusted ones");
        let account = |id: &str| id.parse().expect("an account");
        assert!(trusted.has_account(&account("111122223333")));
        assert!(!trusted.has_account(&account("444455556666")));
        assert!(trusted.has_organization(&"o-abcdefghij".parse().expect("an organization")));
        assert!(Trusted::parse(" ").expect("none").is_empty());
        assert!(!trusted.is_empty());
    }

    #[test]
    fn anything_else_says_what_to_give() {
        for (text, shown) in [
            ("*", "`*`"),
            ("111122223333 444455556666", "`111122223333 444455556666`"),
            ("ou-abcd-12345678", "`ou-abcd-12345678`"),
        ] {
            assert_eq!(
                Trusted::parse(text).map_err(|error| error.to_string()),
                Err(format!(
                    "invalid trusted principal: got {shown}, give account ids of 12 digits or organization ids, with commas between"
                ))
            );
        }
    }
}
