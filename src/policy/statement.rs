//! One statement of a policy: its id, whom it grants to, and the JSON that Lambda writes for it.
//! Knows nothing of the policy around it or of who asks for it.

use std::fmt;

use serde_json::{Value, json};

use super::arn::AccountId;
use super::principal::Principal;
use super::statement_id::StatementId;
use super::target::PolicyTarget;

/// The only action that a layer version's policy can allow.
pub const LAYER_VERSION_ACTION: &str = "lambda:GetLayerVersion";

/// A statement as it is desired: `principal` may use the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its id, unique in the policy.
    pub sid: StatementId,
    /// Whom it grants to.
    pub principal: Principal,
}

impl Statement {
    /// The statement as Lambda writes it into the policy of `target`.
    #[must_use]
    pub fn to_json(&self, target: &PolicyTarget) -> Value {
        let (principal, condition) = match &self.principal {
            Principal::Account(account) => {
                let root = format!("arn:{}:iam::{account}:root", target.partition());
                (json!({"AWS": root}), None)
            }
            Principal::Organization(id) => {
                let condition = json!({"StringEquals": {"aws:PrincipalOrgID": id.to_string()}});
                (json!("*"), Some(("Condition".to_owned(), condition)))
            }
            Principal::Everyone => (json!("*"), None),
        };
        let action = match target {
            PolicyTarget::LayerVersion(_) => LAYER_VERSION_ACTION,
        };
        let statement = [
            ("Sid".to_owned(), json!(self.sid.as_ref())),
            ("Effect".to_owned(), json!("Allow")),
            ("Principal".to_owned(), principal),
            ("Action".to_owned(), json!(action)),
            ("Resource".to_owned(), json!(target.to_string())),
        ];
        Value::Object(statement.into_iter().chain(condition).collect())
    }

    /// Whether `found` is this statement in the policy of `target`, spelled as IAM accepts it. Any other condition, key or action
    /// makes it another statement.
    #[must_use]
    pub fn matches(&self, found: &Value, target: &PolicyTarget) -> bool {
        // What Lambda writes is compared first: it is what is found, except in some emulators.
        let desired = self.to_json(target);
        *found == desired
            || normalize(found).is_some_and(|found| Some(found) == normalize(&desired))
    }

    /// The same, whatever partition `found` names: a resource of one account and region has one policy, however the partition in
    /// its ARN was written.
    #[must_use]
    pub fn matches_in_any_partition(&self, found: &Value, target: &PolicyTarget) -> bool {
        let resource = single(found.get("Resource")).and_then(Value::as_str);
        let placed = resource.and_then(|resource| resource.parse::<PolicyTarget>().ok());
        placed.is_some_and(|placed| {
            placed == target.in_partition(placed.partition()) && self.matches(found, &placed)
        })
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` for `{}`", self.sid, self.principal)
    }
}

/// `statement` in one of the spellings that IAM takes for the same: a list of one entry is that entry, an account id is its
/// root ARN, `{"AWS": "*"}` is `"*"`, an empty condition is none, and neither actions nor condition keys have a case.
///
/// Source: [IAM JSON policy elements](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
#[must_use]
pub fn normalize(statement: &Value) -> Option<Value> {
    let mut normalized = serde_json::Map::new();
    for (name, value) in statement.as_object()? {
        let value = match name.as_str() {
            "Principal" => normalize_principal(value, statement),
            "Action" => match single(Some(value)).and_then(Value::as_str) {
                Some(action) => json!(action.to_ascii_lowercase()),
                None => value.clone(),
            },
            "Resource" => single(Some(value)).unwrap_or(value).clone(),
            "Condition" => match normalize_condition(value) {
                Some(condition) => condition,
                None => continue,
            },
            _ => value.clone(),
        };
        normalized.insert(name.clone(), value);
    }
    Some(Value::Object(normalized))
}

fn normalize_principal(principal: &Value, statement: &Value) -> Value {
    let named = match principal.as_object() {
        Some(kinds) if kinds.len() == 1 => single(kinds.get("AWS")),
        Some(_) => None,
        None => single(Some(principal)),
    };
    let Some(text) = named.and_then(Value::as_str) else {
        return principal.clone();
    };
    if text == "*" {
        return json!("*");
    }
    let resource = single(statement.get("Resource")).and_then(Value::as_str);
    let partition = resource.and_then(|resource| resource.split(':').nth(1));
    match (text.parse::<AccountId>(), partition) {
        (Ok(account), Some(partition)) => {
            json!({"AWS": format!("arn:{partition}:iam::{account}:root")})
        }
        _ => json!({"AWS": text}),
    }
}

/// None where nothing is demanded.
fn normalize_condition(condition: &Value) -> Option<Value> {
    let Some(operators) = condition.as_object() else {
        return Some(condition.clone());
    };
    let each = |(operator, keys): (&String, &Value)| (operator.clone(), normalize_keys(keys));
    (!operators.is_empty()).then(|| Value::Object(operators.iter().map(each).collect()))
}

fn normalize_keys(keys: &Value) -> Value {
    let Some(keyed) = keys.as_object() else {
        return keys.clone();
    };
    let each = |(key, value): (&String, &Value)| {
        let value = single(Some(value)).unwrap_or(value);
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
fn single(value: Option<&Value>) -> Option<&Value> {
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

    /// The principal whose statement `s1` this is, among an account, an organization and everybody.
    fn recognized(principal: &Value, extra: &Value) -> Option<Principal> {
        let mut statement = json!({"Sid": "s1", "Effect": "Allow", "Principal": principal, "Action": LAYER_VERSION_ACTION, "Resource": ARN});
        for (key, value) in extra.as_object().expect("an object") {
            statement[key] = value.clone();
        }
        let target = ARN.parse().expect("an ARN");
        let principals = ["111122223333", "o-abcdefghij", "*"];
        let mut principals = principals
            .map(|text| text.parse().expect("a principal"))
            .into_iter();
        principals.find(|principal: &Principal| {
            let (sid, principal) = ("s1".parse().expect("a statement id"), principal.clone());
            Statement { sid, principal }.matches_in_any_partition(&statement, &target)
        })
    }

    #[test]
    fn the_three_forms_that_lambda_writes_are_recognized() {
        let org = json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}});
        let account = Principal::Account("111122223333".parse().expect("an account"));
        let organization =
            Principal::Organization("o-abcdefghij".parse().expect("an organization"));
        assert_eq!(
            recognized(&json!("*"), &json!({})),
            Some(Principal::Everyone)
        );
        assert_eq!(
            recognized(
                &json!({"AWS": "arn:aws:iam::111122223333:root"}),
                &json!({})
            ),
            Some(account)
        );
        assert_eq!(recognized(&json!("*"), &org), Some(organization));
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
            (
                json!({"AWS": root}),
                json!({"Action": [LAYER_VERSION_ACTION]}),
                &account,
            ),
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
                recognized(&principal, &extra).as_ref(),
                Some(expected),
                "{principal} {extra}"
            );
        }
    }

    #[test]
    fn a_statement_is_found_in_any_partition_but_desired_in_its_own() {
        let ours = Statement {
            sid: "s1".parse().expect("a statement id"),
            principal: "111122223333".parse().expect("an account"),
        };
        let declared = |arn: &str| arn.parse::<PolicyTarget>().expect("an ARN");
        let here = declared(ARN);
        let layer = |changed: &str| changed.replace("arn:aws:", "arn:aws-cn:");
        let written = ours.to_json(&here);
        assert!(ours.matches(&written, &here));
        assert!(ours.matches_in_any_partition(&written, &here));
        let elsewhere = declared(&layer(ARN));
        assert!(!ours.matches(&written, &elsewhere));
        assert!(ours.matches_in_any_partition(&written, &elsewhere));
        for other in [
            ARN.replace("layer:1", "layer:2"),
            ARN.replace("eu-west-1", "eu-west-2"),
            ARN.replace("my-layer", "other"),
            ARN.replace("123456789012", "210987654321"),
        ] {
            let other = declared(&layer(&other));
            assert!(!ours.matches_in_any_partition(&written, &other), "{other}");
        }
        let mut mixed = written;
        mixed["Resource"] = json!(layer(ARN));
        assert!(
            !ours.matches_in_any_partition(&mixed, &here),
            "an account of one partition in another"
        );
    }

    #[test]
    fn any_other_statement_is_not_ours() {
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
            assert_eq!(recognized(&principal, &extra), None, "{case}");
        }
    }
}
