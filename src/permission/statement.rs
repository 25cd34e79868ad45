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
/// action makes it somebody else's. Spelled as IAM takes it for the same, and in whichever partition Lambda places it: a
/// layer version of one account and region has one policy, however the partition in its ARN was written.
#[must_use]
pub fn principal_of(statement: &Value, layer_version: &LayerVersionArn) -> Option<Principal> {
    let principal = principal_named(&normalized(statement)?)?;
    let sid = statement.get("Sid")?.as_str()?.parse().ok()?;
    let ours = Statement { sid, principal };
    ours.is_in_any_partition(statement, layer_version)
        .then_some(ours.principal)
}

impl Statement {
    /// Whether `found` says this of `layer_version`, spelled as IAM takes it for the same.
    #[must_use]
    pub fn is(&self, found: &Value, layer_version: &LayerVersionArn) -> bool {
        // What Lambda writes is compared first: it is what is found, but for odd engines.
        let written = self.written(layer_version);
        *found == written
            || normalized(found).is_some_and(|found| Some(found) == normalized(&written))
    }

    /// The same, whatever partition `found` places it in.
    #[must_use]
    pub fn is_in_any_partition(&self, found: &Value, layer_version: &LayerVersionArn) -> bool {
        let resource = sole(found.get("Resource")).and_then(Value::as_str);
        let placed = resource.and_then(|resource| resource.parse::<LayerVersionArn>().ok());
        placed.is_some_and(|placed| {
            placed == layer_version.in_partition(placed.layer().partition())
                && self.is(found, &placed)
        })
    }
}

/// Whom a normalized statement names.
fn principal_named(statement: &Value) -> Option<Principal> {
    let principal = statement.get("Principal")?;
    if principal == "*" {
        let organization = statement.pointer("/Condition/StringEquals/aws:principalorgid");
        return match organization {
            Some(organization) => Some(Principal::Organization(
                organization.as_str()?.parse().ok()?,
            )),
            None => Some(Principal::Everyone),
        };
    }
    account_of_root_arn(principal.get("AWS")?.as_str()?).map(Principal::Account)
}

/// `statement` in one of the spellings that IAM takes for the same: a list of one entry is that entry, an account id is its
/// root ARN, `{"AWS": "*"}` is `"*"`, an empty condition is none, and neither actions nor condition keys have a case.
///
/// Source: [IAM JSON policy elements](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
fn normalized(statement: &Value) -> Option<Value> {
    let mut normalized = serde_json::Map::new();
    for (name, value) in statement.as_object()? {
        let value = match name.as_str() {
            "Principal" => normalized_principal(value, statement),
            "Action" => match sole(Some(value)).and_then(Value::as_str) {
                Some(action) => json!(action.to_ascii_lowercase()),
                None => value.clone(),
            },
            "Resource" => sole(Some(value)).unwrap_or(value).clone(),
            "Condition" => match normalized_condition(value) {
                Some(condition) => condition,
                None => continue,
            },
            _ => value.clone(),
        };
        normalized.insert(name.clone(), value);
    }
    Some(Value::Object(normalized))
}

fn normalized_principal(principal: &Value, statement: &Value) -> Value {
    let named = match principal.as_object() {
        Some(kinds) if kinds.len() == 1 => sole(kinds.get("AWS")),
        Some(_) => None,
        None => sole(Some(principal)),
    };
    let Some(text) = named.and_then(Value::as_str) else {
        return principal.clone();
    };
    if text == "*" {
        return json!("*");
    }
    let resource = sole(statement.get("Resource")).and_then(Value::as_str);
    let partition = resource.and_then(|resource| resource.split(':').nth(1));
    match (text.parse::<AccountId>(), partition) {
        (Ok(account), Some(partition)) => {
            json!({"AWS": format!("arn:{partition}:iam::{account}:root")})
        }
        _ => json!({"AWS": text}),
    }
}

/// None where nothing is demanded.
fn normalized_condition(condition: &Value) -> Option<Value> {
    let Some(operators) = condition.as_object() else {
        return Some(condition.clone());
    };
    let each = |(operator, keys): (&String, &Value)| (operator.clone(), normalized_keys(keys));
    (!operators.is_empty()).then(|| Value::Object(operators.iter().map(each).collect()))
}

fn normalized_keys(keys: &Value) -> Value {
    let Some(keyed) = keys.as_object() else {
        return keys.clone();
    };
    let each = |(key, value): (&String, &Value)| {
        let value = sole(Some(value)).unwrap_or(value);
        (key.to_ascii_lowercase(), value.clone())
    };
    let normalized: serde_json::Map<_, _> = keyed.iter().map(each).collect();
    // Two spellings of one key are two demands, which no single one can stand for.
    if normalized.len() == keyed.len() {
        Value::Object(normalized)
    } else {
        keys.clone()
    }
}

/// The value itself, or the one entry of a list of one.
fn sole(value: Option<&Value>) -> Option<&Value> {
    match value?.as_array().map(Vec::as_slice) {
        Some([entry]) => Some(entry),
        Some(_) => None,
        None => value,
    }
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
    fn equal_spellings_of_a_statement_are_recognized() {
        let account: Principal = "111122223333".parse().expect("an account");
        let organization: Principal = "o-abcdefghij".parse().expect("an organization");
        let root = "arn:aws:iam::111122223333:root";
        let equals = |key: &str, value: Value| json!({"Condition": {"StringEquals": {key: value}}});
        for (principal, extra, expected) in [
            (json!({"AWS": "111122223333"}), json!({}), &account),
            (json!({"AWS": [root]}), json!({}), &account),
            (json!({"AWS": ["111122223333"]}), json!({}), &account),
            (json!("111122223333"), json!({}), &account),
            (json!(root), json!({}), &account),
            (json!({"AWS": root}), json!({"Action": [ACTION]}), &account),
            (
                json!({"AWS": root}),
                json!({"Action": "Lambda:getLayerVersion"}),
                &account,
            ),
            (json!({"AWS": root}), json!({"Resource": [ARN]}), &account),
            (json!({"AWS": root}), json!({"Condition": {}}), &account),
            (json!({"AWS": "*"}), json!({}), &Principal::Everyone),
            (json!({"AWS": ["*"]}), json!({}), &Principal::Everyone),
            (json!(["*"]), json!({}), &Principal::Everyone),
            (
                json!("*"),
                equals("aws:PrincipalOrgID", json!(["o-abcdefghij"])),
                &organization,
            ),
            (
                json!("*"),
                equals("AWS:principalorgid", json!("o-abcdefghij")),
                &organization,
            ),
            (
                json!({"AWS": "*"}),
                equals("aws:PrincipalOrgID", json!("o-abcdefghij")),
                &organization,
            ),
        ] {
            assert_eq!(
                read(&principal, &extra).as_ref(),
                Some(expected),
                "{principal} {extra}"
            );
        }
    }

    #[test]
    fn a_statement_is_found_in_any_partition_but_wanted_in_its_own() {
        let ours = Statement {
            sid: "s1".parse().expect("a statement id"),
            principal: "111122223333".parse().expect("an account"),
        };
        let declared = |arn: &str| arn.parse::<LayerVersionArn>().expect("an ARN");
        let here = declared(ARN);
        let layer = |changed: &str| changed.replace("arn:aws:", "arn:aws-cn:");
        let written = ours.written(&here);
        assert!(ours.is(&written, &here));
        assert!(ours.is_in_any_partition(&written, &here));
        let elsewhere = declared(&layer(ARN));
        assert!(!ours.is(&written, &elsewhere));
        assert!(ours.is_in_any_partition(&written, &elsewhere));
        for other in [
            ARN.replace("layer:1", "layer:2"),
            ARN.replace("eu-west-1", "eu-west-2"),
            ARN.replace("my-layer", "other"),
            ARN.replace("123456789012", "210987654321"),
        ] {
            let other = declared(&layer(&other));
            assert!(!ours.is_in_any_partition(&written, &other), "{other}");
        }
        let mut mixed = written;
        mixed["Resource"] = json!(layer(ARN));
        assert!(
            !ours.is_in_any_partition(&mixed, &here),
            "an account of one partition in another"
        );
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
                "two accounts",
                json!({"AWS": ["arn:aws:iam::111122223333:root", "444455556666"]}),
                json!({}),
            ),
            ("an empty list", json!({"AWS": []}), json!({})),
            ("a short account id", json!("11112222333"), json!({})),
            (
                "a canonical user",
                json!({"CanonicalUser": "111122223333"}),
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
                "two spellings of one condition key",
                json!("*"),
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij", "aws:principalorgid": "o-abcdefghij"}}}),
            ),
            (
                "one of two organizations",
                json!("*"),
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-abcdefghij", "o-abcdefghik"]}}}),
            ),
            (
                "a condition that is no object",
                json!("*"),
                json!({"Condition": "none"}),
            ),
            (
                "an organization's condition on an account",
                json!({"AWS": "arn:aws:iam::111122223333:root"}),
                json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}),
            ),
            (
                "an empty condition operator",
                json!("*"),
                json!({"Condition": {"StringEquals": {}}}),
            ),
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
