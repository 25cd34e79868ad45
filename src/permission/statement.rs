//! One statement of a layer version's policy: its id, and the one shape in which Lambda writes what it grants.
//! Knows nothing of the policy around it or of who asks for it.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};
use thiserror::Error;

use super::arn::{AccountId, LayerVersionArn, is_word};
use super::principal::{Principal, account_of_root_arn};

/// The only action that a layer version's policy can allow.
pub const ACTION: &str = "lambda:GetLayerVersion";

/// A statement id (sid): 1 to 100 letters, digits, `-` or `_`.
///
/// Source: [AddLayerVersionPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(String);

/// The text is not a statement id.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not 1 to 100 letters, digits, `-` or `_`")]
pub struct NotAStatementId;

impl StatementId {
    /// A text that is known to be made of 1 to 100 characters of the alphabet.
    pub(super) fn of_word(text: String) -> Self {
        debug_assert!(is_word(&text, 100), "not a statement id: {text}");
        Self(text)
    }
}

impl StatementId {
    /// Whether `statement`, of whatever shape, bears this id.
    #[must_use]
    pub fn names(&self, statement: &Value) -> bool {
        statement.get("Sid").and_then(Value::as_str) == Some(&self.0)
    }

    /// The id of the statement for `principal` among those of a list that go by this id, if it is not too long.
    #[must_use]
    pub fn of_each(&self, principal: &Principal) -> Option<Self> {
        let text = match principal {
            Principal::Account(account) => format!("{self}-{account}"),
            Principal::Organization(organization) => format!("{self}-{organization}"),
            Principal::Everyone => format!("{self}-public"),
        };
        text.parse().ok()
    }
}

impl FromStr for StatementId {
    type Err = NotAStatementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_word(text, 100)
            .then(|| Self(text.to_owned()))
            .ok_or(NotAStatementId)
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

/// A statement as it is wanted: `principal` may get the layer version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its id, unique in the policy.
    pub sid: StatementId,
    /// Whom it grants to.
    pub principal: Principal,
}

impl Statement {
    /// The statement as Lambda writes it into the policy of `layer_version`.
    #[must_use]
    pub fn written(&self, layer_version: &LayerVersionArn) -> Value {
        let (principal, condition) = match &self.principal {
            Principal::Account(account) => {
                let partition = layer_version.layer().partition();
                let root = format!("arn:{partition}:iam::{account}:root");
                (json!({"AWS": root}), None)
            }
            Principal::Organization(id) => {
                let condition = json!({"StringEquals": {"aws:PrincipalOrgID": id.to_string()}});
                (json!("*"), Some(("Condition".to_owned(), condition)))
            }
            Principal::Everyone => (json!("*"), None),
        };
        let statement = [
            ("Sid".to_owned(), json!(self.sid.as_ref())),
            ("Effect".to_owned(), json!("Allow")),
            ("Principal".to_owned(), principal),
            ("Action".to_owned(), json!(ACTION)),
            ("Resource".to_owned(), json!(layer_version.to_string())),
        ];
        Value::Object(statement.into_iter().chain(condition).collect())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` for `{}`", self.sid, self.principal)
    }
}

/// Whom `statement` grants `layer_version` to, if it says exactly that and nothing else: any further condition, key or
/// action makes it somebody else's.
#[must_use]
pub fn principal_of(statement: &Value, layer_version: &LayerVersionArn) -> Option<Principal> {
    let object = statement.as_object()?;
    let known = [
        "Sid",
        "Effect",
        "Principal",
        "Action",
        "Resource",
        "Condition",
    ];
    let says = |key: &str, value: &str| object.get(key).and_then(Value::as_str) == Some(value);
    let plain = object.keys().all(|key| known.contains(&key.as_str()))
        && says("Effect", "Allow")
        && says("Action", ACTION)
        && says("Resource", &layer_version.to_string());
    if !plain {
        return None;
    }
    let everyone = object.get("Principal") == Some(&json!("*"));
    match object.get("Condition") {
        None if everyone => Some(Principal::Everyone),
        None => account_in(object.get("Principal")?, layer_version).map(Principal::Account),
        Some(condition) if everyone => {
            let organization = condition
                .pointer("/StringEquals/aws:PrincipalOrgID")?
                .as_str()?;
            let nothing_else =
                *condition == json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
            organization
                .parse()
                .ok()
                .filter(|_| nothing_else)
                .map(Principal::Organization)
        }
        Some(_) => None,
    }
}

/// The account of `{"AWS": "<root ARN>"}`, the form in which Lambda shows one of the layer's partition.
fn account_in(principal: &Value, layer_version: &LayerVersionArn) -> Option<AccountId> {
    let object = principal.as_object().filter(|object| object.len() == 1)?;
    let arn = object.get("AWS")?.as_str()?;
    let partition = layer_version.layer().partition();
    account_of_root_arn(arn).filter(|account| arn == format!("arn:{partition}:iam::{account}:root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

    fn read(principal: &Value, extra: &Value) -> Option<Principal> {
        let mut statement = json!({"Sid": "s1", "Effect": "Allow", "Principal": principal, "Action": ACTION, "Resource": ARN});
        for (key, value) in extra.as_object().expect("an object") {
            statement[key] = value.clone();
        }
        principal_of(&statement, &ARN.parse().expect("an ARN"))
    }

    #[test]
    fn the_three_forms_that_lambda_writes_are_recognized() {
        let org = json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}});
        let account = Principal::Account("111122223333".parse().expect("an account"));
        let organization =
            Principal::Organization("o-abcdefghij".parse().expect("an organization"));
        assert_eq!(read(&json!("*"), &json!({})), Some(Principal::Everyone));
        assert_eq!(
            read(
                &json!({"AWS": "arn:aws:iam::111122223333:root"}),
                &json!({})
            ),
            Some(account)
        );
        assert_eq!(read(&json!("*"), &org), Some(organization));
    }

    #[test]
    fn anything_else_is_somebody_elses() {
        for (case, principal, extra) in [
            (
                "a user",
                json!({"AWS": "arn:aws:iam::111122223333:user/u"}),
                json!({}),
            ),
            (
                "an account of another partition",
                json!({"AWS": "arn:aws-cn:iam::111122223333:root"}),
                json!({}),
            ),
            (
                "a deleted principal",
                json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}),
                json!({}),
            ),
            (
                "a list",
                json!({"AWS": ["arn:aws:iam::111122223333:root"]}),
                json!({}),
            ),
            (
                "two kinds",
                json!({"AWS": "arn:aws:iam::111122223333:root", "Service": "s3.amazonaws.com"}),
                json!({}),
            ),
            ("a denial", json!("*"), json!({"Effect": "Deny"})),
            ("another action", json!("*"), json!({"Action": "lambda:*"})),
            (
                "another version",
                json!("*"),
                json!({"Resource": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:2"}),
            ),
            (
                "another operator",
                json!("*"),
                json!({"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-abcdefghij"}}}),
            ),
            (
                "a second condition",
                json!("*"),
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij", "aws:SourceVpc": "vpc-1"}}}),
            ),
            (
                "a condition on an account",
                json!({"AWS": "arn:aws:iam::111122223333:root"}),
                json!({"Condition": {}}),
            ),
            (
                "an organization's condition on an account",
                json!({"AWS": "arn:aws:iam::111122223333:root"}),
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}),
            ),
            ("an empty condition", json!("*"), json!({"Condition": {}})),
            (
                "a key that we do not know",
                json!("*"),
                json!({"NotAction": "lambda:*"}),
            ),
            ("no principal", json!(null), json!({})),
        ] {
            assert_eq!(read(&principal, &extra), None, "{case}");
        }
    }

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
            assert_eq!(text.parse::<StatementId>(), Err(NotAStatementId), "{text}");
        }
    }
}
