//! A grant: the statements that a resource declares, with the id that it was given or that is derived from the resource.
//! Knows nothing of what the policy holds already.

use data_encoding::BASE32_NOPAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::arn::LayerVersionArn;
use super::goal::Unwanted;
use super::principal::Principal;
use super::principals::Principals;
use super::properties::{Properties, Violations};
use super::role::Role;
use super::scope::{Scope, Versions};
use super::statement::{Statement, StatementId};
use crate::cloudformation::physical_id::PhysicalId;

/// What a resource declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The layer version that it names.
    pub layer_version: LayerVersionArn,
    /// Whether it is for that version alone or for every version of its layer.
    pub versions: Versions,
    /// The statement id of the resource.
    pub sid: StatementId,
    /// Whether that id is derived, and so no other resource has it.
    pub is_derived: bool,
    /// Whom it grants to.
    pub principals: Principals,
    /// The revision that the policy must have for the first write.
    pub revision_id: Option<String>,
    /// The role to make it by.
    pub role: Option<Role>,
}

impl Grant {
    /// The id that the resource has when the grant is made.
    #[must_use]
    pub fn physical_id(&self) -> PhysicalId {
        PhysicalId::Granted {
            scope: self.scope(),
            sid: self.sid.clone(),
        }
    }

    /// The policies that it is about.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self.versions {
            Versions::This => Scope::This(self.layer_version.clone()),
            Versions::All => Scope::All(self.layer_version.layer().clone()),
        }
    }

    /// Of a list under a derived id: every statement that goes by that id, since no other resource has it. Another list, which
    /// was meant for a while, may have left some that this one does not name.
    #[must_use]
    pub fn whatever_is_ours(&self) -> Option<Unwanted> {
        let is_list = matches!(self.principals, Principals::Each(_));
        (is_list && self.is_derived).then(|| Unwanted::by_id(self.sid.clone()))
    }

    /// What the resource `logical_id` of the stack `stack_id` declares by `properties`.
    ///
    /// # Errors
    /// If the properties do not parse.
    pub fn declared(
        properties: &Map<String, Value>,
        stack_id: &str,
        logical_id: &str,
    ) -> Result<Self, Violations> {
        let properties = Properties::parse(properties, stack_id)?;
        let granted_to = match &properties.principals {
            Principals::One(principal) => principal.to_string(),
            // The list may change, and the resource with it, without becoming another one.
            Principals::Each(_) => "Principals".to_owned(),
        };
        let derived = || match properties.versions {
            Versions::This => derived_id(logical_id, &[stack_id, logical_id, &granted_to]),
            // One version's statement and every version's are two, of which the one goes while the other comes.
            Versions::All => derived_id(logical_id, &[stack_id, logical_id, &granted_to, "All"]),
        };
        Ok(Self {
            is_derived: properties.statement_id.is_none(),
            sid: properties.statement_id.unwrap_or_else(derived),
            layer_version: properties.layer_version,
            versions: properties.versions,
            principals: properties.principals,
            revision_id: properties.revision_id,
            role: properties.role,
        })
    }

    /// The statements that are to be in the policy.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let each = |principal: &Principal| {
            let (sid, principal) = (self.sid.of_each(principal)?, principal.clone());
            Some(Statement { sid, principal })
        };
        match &self.principals {
            Principals::One(principal) => vec![Statement {
                sid: self.sid.clone(),
                principal: principal.clone(),
            }],
            Principals::Each(principals) => principals.iter().filter_map(each).collect(),
        }
    }
}

/// How many characters of the logical id begin a derived id.
const HEAD: usize = 24;

/// How many characters of the hash end it.
const TAIL: usize = 16;

/// Whether `sid` reads like one that is derived, or like one of a list under such an id that grants to `principal`. Only this
/// provider makes them; but whoever writes statements can write one that reads the same.
#[must_use]
pub fn reads_derived(sid: &StatementId, principal: &Principal) -> bool {
    let parts = sid.as_ref().split_once('-');
    let parts = parts.and_then(|(head, rest)| Some((head, rest.split_at_checked(TAIL)?.0)));
    let Some((head, tail)) = parts else {
        return false;
    };
    let base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    let is_derived = (1..=HEAD).contains(&head.len())
        && head.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && tail.bytes().all(base32);
    if !is_derived {
        return false;
    }
    let derived = StatementId::of_word(format!("{head}-{tail}"));
    derived == *sid || derived.of_each(principal).as_ref() == Some(sid)
}

/// The same for the same `parts` (stack, resource, principal or any list of them) in any process, and never that of another
/// stack: the logical id, cut to 24 characters, and 80 bits of a hash. Short, because the policy's size is limited.
fn derived_id(logical_id: &str, parts: &[&str]) -> StatementId {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps two different lists of parts from being one text.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let tail = BASE32_NOPAD.encode(&hash.finalize()).to_lowercase();
    // CloudFormation's logical ids are letters and digits; what else an event may say stays out of the id.
    let head: String = logical_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(HEAD)
        .collect();
    let text: String = head
        .chars()
        .chain(['-'])
        .chain(tail.chars().take(TAIL))
        .collect();
    StatementId::of_word(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";

    fn sid(changes: &Value, stack: &str, logical_id: &str) -> String {
        let mut properties = json!({
            "LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
            "Principal": "111122223333",
        });
        for (name, value) in changes.as_object().expect("an object") {
            properties[name] = value.clone();
        }
        let properties = properties.as_object().expect("an object");
        let grant = Grant::declared(properties, stack, logical_id).expect("a grant");
        grant.sid.to_string()
    }

    #[test]
    fn a_given_statement_id_is_taken_as_it_is() {
        assert_eq!(
            sid(&json!({"StatementId": "engineering-org"}), STACK, "Share"),
            "engineering-org"
        );
    }

    #[test]
    fn a_derived_statement_id_never_changes_between_releases() {
        assert_eq!(sid(&json!({}), STACK, "Share"), "Share-ukb5vbeuhscn5xae");
        let long = "ShareTheObservabilityLayerWithEverybody";
        assert_eq!(
            sid(&json!({}), STACK, long),
            "ShareTheObservabilityLay-2trgopmhpv4xieh7"
        );
    }

    #[test]
    fn a_derived_statement_id_is_another_one_for_another_resource_or_principal() {
        let here = sid(&json!({}), STACK, "Share");
        assert_ne!(
            here,
            sid(
                &json!({}),
                "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/2",
                "Share"
            )
        );
        assert_ne!(here, sid(&json!({}), STACK, "Shares"));
        assert_ne!(
            here,
            sid(&json!({"Principal": "444455556666"}), STACK, "Share")
        );
        assert_ne!(here, sid(&json!({"Versions": "All"}), STACK, "Share"));
    }

    #[test]
    fn a_derived_statement_id_is_the_same_for_another_spelling_or_a_nonce() {
        let here = sid(&json!({}), STACK, "Share");
        assert_eq!(
            here,
            sid(
                &json!({"Principal": "arn:aws:iam::111122223333:root"}),
                STACK,
                "Share"
            )
        );
        assert_eq!(
            here,
            sid(
                &json!({"Nonce": "2", "Action": "lambda:GetLayerVersion"}),
                STACK,
                "Share"
            )
        );
    }

    #[test]
    fn a_list_has_a_statement_for_each_principal_under_an_id_that_the_list_does_not_change() {
        let declared = |principals: &Value, sid: Option<&str>| {
            let mut properties = json!({
                "LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
                "Principals": principals,
            });
            if let Some(sid) = sid {
                properties["StatementId"] = sid.into();
            }
            let properties = properties.as_object().expect("an object");
            Grant::declared(properties, STACK, "Share").expect("a grant")
        };
        let grant = declared(&json!(["*", "o-abcdefghij", "111122223333"]), Some("team"));
        let statements: Vec<String> = grant.statements().iter().map(ToString::to_string).collect();
        assert_eq!(
            statements,
            [
                "`team-111122223333` for `111122223333`",
                "`team-o-abcdefghij` for `o-abcdefghij`",
                "`team-public` for `*`",
            ]
        );
        let derived = declared(&json!("*"), None);
        assert_eq!(derived.sid, declared(&json!("111122223333"), None).sid);
        assert_ne!(
            derived.sid.to_string(),
            sid(&json!({"Principal": "*"}), STACK, "Share")
        );
    }

    #[test]
    fn what_does_not_read_derived_was_not_derived() {
        let account = Principal::Account("111122223333".parse().expect("an account"));
        for (case, sid, derived) in [
            ("a derived one", "Share-ukb5vbeuhscn5xae", true),
            ("one of a list", "Share-ukb5vbeuhscn5xae-111122223333", true),
            (
                "one of a list for somebody else",
                "Share-ukb5vbeuhscn5xae-444455556666",
                false,
            ),
            ("a word", "partners", false),
            ("one of a list under a word", "partners-111122223333", false),
            ("a UUID", "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", false),
            ("upper case behind", "Share-UKB5VBEUHSCN5XAE", false),
            (
                "a digit that base32 has not",
                "Share-ukb5vbeuhscn5xa1",
                false,
            ),
            ("too short behind", "Share-ukb5vbeuhscn5xa", false),
            ("too long behind", "Share-ukb5vbeuhscn5xaee", false),
            (
                "too long before",
                "ShareTheObservabilityLaye-2trgopmhpv4xieh7",
                false,
            ),
            ("nothing before", "-ukb5vbeuhscn5xae", false),
            ("no logical id before", "my_share-ukb5vbeuhscn5xae", false),
        ] {
            let sid = sid.parse().expect(case);
            assert_eq!(reads_derived(&sid, &account), derived, "{case}");
        }
    }

    proptest! {
        #[test]
        fn any_derived_statement_id_is_a_statement_id(stack in ".*", logical_id in ".*") {
            let sid = sid(&json!({}), &stack, &logical_id);
            prop_assert_eq!(sid.parse::<StatementId>().map(|id| id.to_string()), Ok(sid));
        }

        #[test]
        fn any_derived_statement_id_reads_derived(stack in ".*", logical_id in "[a-zA-Z0-9]{1,255}", list in any::<bool>()) {
            let mut properties = if list {
                json!({"Principals": "111122223333,o-abcdefghij,*"})
            } else {
                json!({"Principal": "*"})
            };
            properties["LayerVersionArn"] = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1".into();
            let properties = properties.as_object().expect("an object");
            let grant = Grant::declared(properties, &stack, &logical_id).expect("a grant");
            for Statement { sid, principal } in grant.statements() {
                prop_assert!(reads_derived(&sid, &principal), "{}", sid);
            }
        }
    }
}
