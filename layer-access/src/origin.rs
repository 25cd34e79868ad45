//! Whether the provider has added a statement, as far as its id shows.

use std::fmt;

use lambda_permission_provider::policy::principal::Principal;
use lambda_permission_provider::policy::statement_id::StatementId;

/// How many characters of the logical id a derived id begins with, at most.
const PREFIX_LEN: usize = 24;

/// How many characters of the hash follow.
const HASH_LEN: usize = 16;

/// Whether the provider has added a statement, as far as the policy shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its id looks like one that the provider derives.
    Likely,
    /// Its id was chosen: it may be the `StatementId` of a resource, or another tool's.
    Unknown,
    /// The provider never writes such a statement.
    No,
}

impl Origin {
    /// The origin of the statement `sid` that grants to `principal`, in the form that Lambda writes.
    pub fn from_id(sid: &StatementId, principal: &Principal) -> Self {
        if looks_derived(sid, principal) {
            Self::Likely
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Likely => "likely",
            Self::Unknown => "unknown",
            Self::No => "no",
        })
    }
}

/// Whether `sid` looks like a derived id, or like one of a list under a derived id that grants to `principal`. Only the provider
/// derives ids, but anybody can write a statement with one that looks the same.
fn looks_derived(sid: &StatementId, principal: &Principal) -> bool {
    let parts = sid.as_ref().split_once('-');
    let parts = parts.and_then(|(prefix, rest)| Some((prefix, rest.split_at_checked(HASH_LEN)?)));
    let Some((prefix, (hash, suffix))) = parts else {
        return false;
    };
    let base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    let is_derived = (1..=PREFIX_LEN).contains(&prefix.len())
        && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && hash.bytes().all(base32);
    let in_list = || {
        let list: Option<StatementId> = format!("{prefix}-{hash}").parse().ok();
        list.and_then(|list| list.in_list(principal))
    };
    is_derived && (suffix.is_empty() || in_list().as_ref() == Some(sid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_permission_provider::policy::statement::Statement;
    use lambda_permission_provider::resources::layer_version_permission;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn an_id_looks_derived_only_in_the_form_that_the_provider_derives() {
        let account = Principal::Account("111122223333".parse().unwrap());
        for (case, sid, derived) in [
            ("a derived one", "Share-ukb5vbeuhscn5xae", true),
            ("one of a list", "Share-ukb5vbeuhscn5xae-111122223333", true),
            (
                "one of a list for another account",
                "Share-ukb5vbeuhscn5xae-444455556666",
                false,
            ),
            (
                "one of a list without the dash",
                "Share-ukb5vbeuhscn5xae111122223333",
                false,
            ),
            ("a word", "partners", false),
            ("one of a list under a word", "partners-111122223333", false),
            ("a UUID", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", false),
            ("an upper-case hash", "Share-UKB5VBEUHSCN5XAE", false),
            (
                "a digit that base32 does not have",
                "Share-ukb5vbeuhscn5xa1",
                false,
            ),
            ("a short hash", "Share-ukb5vbeuhscn5xa", false),
            ("a long hash", "Share-ukb5vbeuhscn5xaee", false),
            (
                "a long prefix",
                "ShareTheObservabilityLaye-2trgopmhpv4xieh7",
                false,
            ),
            ("no prefix", "-ukb5vbeuhscn5xae", false),
            (
                "a prefix that no logical id has",
                "my_share-ukb5vbeuhscn5xae",
                false,
            ),
        ] {
            let sid: StatementId = sid.parse().unwrap();
            assert_eq!(looks_derived(&sid, &account), derived, "{case}");
        }
    }

    proptest! {
        #[test]
        fn any_id_that_the_provider_derives_looks_derived(stack in ".*", logical_id in "[a-zA-Z0-9]{1,255}", list in any::<bool>()) {
            let mut properties = if list {
                json!({"Principals": "111122223333,o-abcdefghij,*"})
            } else {
                json!({"Principal": "*"})
            };
            properties["LayerVersionArn"] = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".into();
            let properties = properties.as_object().unwrap();
            let resource = layer_version_permission::parse(properties, &stack, &logical_id).unwrap();
            for Statement { sid, principal, .. } in resource.statements() {
                prop_assert!(looks_derived(&sid, &principal), "{}", sid);
            }
        }
    }
}
