//! Statement ids: given ones, those of the statements of a list, and the ones that are derived from a resource of a stack.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::arn::is_word;
use super::principal::Principal;

/// A statement id (sid): 1 to 100 letters, digits, `-` or `_`.
///
/// Source: [AddLayerVersionPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(String);

/// The text is not a statement id.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not 1 to 100 letters, digits, `-` or `_`")]
pub struct ParseStatementIdError;

/// How many characters of the logical id a derived id begins with.
const PREFIX_LEN: usize = 24;

/// How many characters of the hash a derived id ends with.
const HASH_LEN: usize = 16;

/// How many characters of the hash of a list's entry its id ends with.
const ENTRY_HASH_LEN: usize = 10;

/// What stands for everybody at the end of an id of a list; `*` cannot be in an id.
const PUBLIC: &str = "public";

impl StatementId {
    /// The id that is derived from `parts` (stack, resource, principal or the mark of a list, ...): the same in any process, and never
    /// that of another stack. It is the logical id, cut to 24 characters, `-`, and 80 bits of a hash: short, because the size of
    /// a policy is limited.
    #[must_use]
    pub fn derive(logical_id: &str, parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // The length keeps two different lists of parts from being one text.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = base32(&hash.finalize());
        // CloudFormation's logical ids are letters and digits; anything else that an event may contain stays out of the id.
        let prefix = logical_id.chars().filter(char::is_ascii_alphanumeric);
        let prefix = prefix.take(PREFIX_LEN);
        Self(
            prefix
                .chain(['-'])
                .chain(hash.chars().take(HASH_LEN))
                .collect(),
        )
    }

    /// The id of the statement for `principal` in a list of this id; none if it would be too long.
    #[must_use]
    pub fn in_list(&self, principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Account(account) => self.with_suffix(&account.to_string()),
            Principal::Organization(organization) => self.with_suffix(&organization.to_string()),
            Principal::Everyone => self.with_suffix(PUBLIC),
            Principal::Service(_) | Principal::Identity(_) => {
                self.in_list_of(&principal.to_string())
            }
        }
    }

    /// The id of the statement for `entry` in a list of this id, whose suffix is 10 characters of the hash of the entry; none if it
    /// would be too long.
    #[must_use]
    pub fn in_list_of(&self, entry: &str) -> Option<Self> {
        let hash = base32(&Sha256::digest(entry));
        self.with_suffix(hash.get(..ENTRY_HASH_LEN)?)
    }

    /// This id, `-` and `suffix`; none if it would be too long.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Option<Self> {
        format!("{self}-{suffix}").parse().ok()
    }

    /// The principal whose statement in the list `list` has this id, by [`StatementId::in_list`].
    #[must_use]
    pub fn principal_in(&self, list: &Self) -> Option<Principal> {
        let suffix = self.0.strip_prefix(&list.0)?.strip_prefix('-')?;
        let text = if suffix == PUBLIC { "*" } else { suffix };
        text.parse().ok()
    }

    /// The part of it that has the form of a derived id, if it begins with one: what follows in a list comes after a `-`. Only
    /// [`StatementId::derive`] makes such ids, but anybody can write one that looks the same.
    #[must_use]
    pub fn derived_part(&self) -> Option<Self> {
        let (prefix, rest) = self.0.split_once('-')?;
        let (hash, suffix) = rest.split_at_checked(HASH_LEN)?;
        let base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
        let is_derived = (1..=PREFIX_LEN).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && hash.bytes().all(base32)
            && (suffix.is_empty() || suffix.starts_with('-'));
        is_derived.then(|| Self(format!("{prefix}-{hash}")))
    }

    /// Whether `statement`, of whatever shape, has this id.
    #[must_use]
    pub fn is_of(&self, statement: &Value) -> bool {
        statement.get("Sid").and_then(Value::as_str) == Some(&self.0)
    }
}

fn base32(hash: &[u8]) -> String {
    BASE32_NOPAD.encode(hash).to_lowercase()
}

impl FromStr for StatementId {
    type Err = ParseStatementIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_word(text, 100)
            .then(|| Self(text.to_owned()))
            .ok_or(ParseStatementIdError)
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for StatementId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_statement_id_has_one_to_a_hundred_characters() {
        assert!("a-Z_9".parse::<StatementId>().is_ok());
        assert!("x".repeat(100).parse::<StatementId>().is_ok());
        for text in [
            String::new(),
            "x".repeat(101),
            "a b".into(),
            "a#b".into(),
            "é".into(),
        ] {
            assert_eq!(
                text.parse::<StatementId>(),
                Err(ParseStatementIdError),
                "{text}"
            );
        }
    }

    #[test]
    fn a_derived_id_has_a_form_of_its_own() {
        let derived = "Share-ukb5vbeuhscn5xae";
        for (case, sid, part) in [
            ("a derived one", derived, Some(derived)),
            (
                "one of a list",
                "Share-ukb5vbeuhscn5xae-111122223333",
                Some(derived),
            ),
            (
                "without the dash",
                "Share-ukb5vbeuhscn5xae111122223333",
                None,
            ),
            ("a word", "partners", None),
            ("one of a list under a word", "partners-111122223333", None),
            ("a UUID", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", None),
            ("an upper-case hash", "Share-UKB5VBEUHSCN5XAE", None),
            (
                "a digit that base32 does not have",
                "Share-ukb5vbeuhscn5xa1",
                None,
            ),
            ("a short hash", "Share-ukb5vbeuhscn5xa", None),
            ("a long hash", "Share-ukb5vbeuhscn5xaee", None),
            (
                "a long prefix",
                "ShareTheObservabilityLaye-2trgopmhpv4xieh7",
                None,
            ),
            ("no prefix", "-ukb5vbeuhscn5xae", None),
            (
                "a prefix that no logical id has",
                "my_share-ukb5vbeuhscn5xae",
                None,
            ),
        ] {
            let sid: StatementId = sid.parse().expect("a statement id");
            let found = sid.derived_part().map(|part| part.to_string());
            assert_eq!(found.as_deref(), part, "{case}");
        }
    }

    fn principals() -> impl Strategy<Value = Principal> {
        let texts = prop_oneof!["[0-9]{12}", "o-[a-z0-9]{10,32}", Just("*".to_owned())];
        texts.prop_map(|text| text.parse().expect("a principal"))
    }

    proptest! {
        #[test]
        fn any_derived_id_has_the_form_of_one(logical_id in "[a-zA-Z0-9]{1,255}", part in ".*", principal in principals()) {
            let derived = StatementId::derive(&logical_id, &[&part]);
            prop_assert_eq!(derived.derived_part(), Some(derived.clone()));
            let listed = derived.in_list(&principal).expect("not too long");
            prop_assert_eq!(listed.derived_part(), Some(derived));
        }

        #[test]
        fn the_id_in_a_list_names_its_principal(list in "[a-zA-Z0-9_-]{1,65}", principal in principals()) {
            let list: StatementId = list.parse().expect("a statement id");
            let sid = list.in_list(&principal).expect("not too long");
            prop_assert_eq!(sid.principal_in(&list), Some(principal));
        }

        #[test]
        fn an_id_that_names_a_principal_in_a_list_is_the_one_of_that_principal(list in "[a-z-]{1,4}", sid in "[a-z-]{1,4}-(public|[0-9]{11,13}|o-[a-z]{9,11}|x)") {
            let list: StatementId = list.parse().expect("a statement id");
            let sid: StatementId = sid.parse().expect("a statement id");
            if let Some(principal) = sid.principal_in(&list) {
                prop_assert_eq!(list.in_list(&principal), Some(sid));
            }
        }
    }
}
