//! One statement of a policy: its id, whom it grants to, and the JSON that Lambda writes for it.
//! Knows nothing of the policy around it or of who asks for it.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

use super::arn::AccountId;
use super::conditions::Conditions;
use super::principal::{Principal, is_unique_id};
use super::statement_id::StatementId;
use super::target::PolicyTarget;

/// The only action that a layer version's policy can allow.
pub const GET_LAYER_VERSION: &str = "lambda:GetLayerVersion";

/// The action that invokes a function.
pub const INVOKE_FUNCTION: &str = "lambda:InvokeFunction";

/// The action that sends a request to the URL of a function.
pub const INVOKE_FUNCTION_URL: &str = "lambda:InvokeFunctionUrl";

/// A statement as it is desired: `principal` may use the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its id, unique in the policy.
    pub sid: StatementId,
    /// Whom it grants to.
    pub principal: Principal,
    /// What it allows.
    pub action: Cow<'static, str>,
    /// What it demands besides the principal.
    pub conditions: Conditions,
}

impl Statement {
    /// A statement of the policy of a layer version.
    #[must_use]
    pub fn layer_version(sid: StatementId, principal: Principal) -> Self {
        Self {
            sid,
            principal,
            action: Cow::Borrowed(GET_LAYER_VERSION),
            conditions: Conditions::default(),
        }
    }

    /// The statement as Lambda writes it into the policy of `target`.
    #[must_use]
    pub fn to_json(&self, target: &PolicyTarget) -> Value {
        let (principal, organization) = match &self.principal {
            Principal::Account(account) => {
                let partition = target.location().partition();
                (
                    json!({"AWS": format!("arn:{partition}:iam::{account}:root")}),
                    None,
                )
            }
            Principal::Organization(organization) => (json!("*"), Some(organization)),
            Principal::Everyone => (json!("*"), None),
            Principal::Service(service) => (json!({"Service": service.to_string()}), None),
            Principal::Identity(identity) => (json!({"AWS": identity.to_string()}), None),
        };
        let condition = self.conditions.to_json(organization);
        let condition = condition.map(|condition| ("Condition".to_owned(), condition));
        let statement = [
            ("Sid".to_owned(), json!(self.sid.as_ref())),
            ("Effect".to_owned(), json!("Allow")),
            ("Principal".to_owned(), principal),
            ("Action".to_owned(), json!(self.action)),
            ("Resource".to_owned(), json!(target.to_string())),
        ];
        Value::Object(statement.into_iter().chain(condition).collect())
    }

    /// The statement that `found` is in the policy of `target`, if it is one that Lambda writes by its API.
    #[must_use]
    pub fn parse(found: &Value, target: &PolicyTarget) -> Option<Self> {
        let normalized = normalize(found)?;
        let mut conditions = Conditions::parse(normalized.get("Condition"))?;
        let principal = normalized.get("Principal")?;
        let principal = if principal == "*" {
            // Everybody in an organization is a principal of its own.
            let organization = conditions.organization.take();
            organization.map_or(Principal::Everyone, Principal::Organization)
        } else {
            let name = principal.get("AWS").or_else(|| principal.get("Service"));
            name?.as_str()?.parse().ok()?
        };
        // The normalized action has no upper case.
        let action = single(found.get("Action"))?.as_str()?.to_owned();
        let statement = Self {
            sid: found.get("Sid")?.as_str()?.parse().ok()?,
            principal,
            action: Cow::Owned(action),
            conditions,
        };
        statement
            .matches_in_any_partition(found, target)
            .then_some(statement)
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
            let partition = placed.location().partition();
            placed == target.in_partition(partition) && self.matches(found, &placed)
        })
    }

    /// Whether `found` is this statement after its role or user was deleted: IAM shows a unique id instead of the ARN, and grants to
    /// nobody any more, not even to another one of the same name.
    #[must_use]
    pub fn matches_deleted_principal(&self, found: &Value, target: &PolicyTarget) -> bool {
        let (Principal::Identity(identity), Some(unique_id)) =
            (&self.principal, deleted_principal(found))
        else {
            return false;
        };
        let mut alive = found.clone();
        if let Some(principal) = alive.get_mut("Principal") {
            *principal = json!({"AWS": identity.to_string()});
        }
        identity.may_have_been(unique_id) && self.matches_in_any_partition(&alive, target)
    }
}

/// The unique id of the deleted role or user that `statement`, of whatever shape, grants to.
#[must_use]
pub fn deleted_principal(statement: &Value) -> Option<&str> {
    let principal = single(statement.get("Principal")?.get("AWS"))?.as_str()?;
    is_unique_id(principal).then_some(principal)
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` for `{}`", self.sid, self.principal)
    }
}

/// `statement` in one of the spellings that IAM takes for the same: a list of one entry is that entry, an account id is its
/// root ARN, `{"AWS": "*"}` is `"*"`, an empty condition is none, and neither actions nor condition keys nor their operators have a
/// case.
///
/// Source: [IAM JSON policy elements](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
fn normalize(statement: &Value) -> Option<Value> {
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
    if let Some(service) = single(principal.get("Service")).filter(|_| is_only(principal)) {
        return json!({"Service": service});
    }
    let named = match principal.as_object() {
        Some(kinds) if is_only(principal) => single(kinds.get("AWS")),
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

/// Whether it is of one kind.
fn is_only(principal: &Value) -> bool {
    principal.as_object().is_some_and(|kinds| kinds.len() == 1)
}

/// None where nothing is demanded.
fn normalize_condition(condition: &Value) -> Option<Value> {
    let Some(operators) = condition.as_object() else {
        return Some(condition.clone());
    };
    let each =
        |(operator, keys): (&String, &Value)| (operator.to_ascii_lowercase(), normalize_keys(keys));
    let normalized: serde_json::Map<_, _> = operators.iter().map(each).collect();
    // Two spellings of one operator are two demands.
    if normalized.len() < operators.len() {
        return Some(condition.clone());
    }
    (!normalized.is_empty()).then_some(Value::Object(normalized))
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
        let mut statement = json!({"Sid": "s1", "Effect": "Allow", "Principal": principal, "Action": GET_LAYER_VERSION, "Resource": ARN});
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
            Statement::layer_version(sid, principal).matches_in_any_partition(&statement, &target)
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
                json!({"Action": [GET_LAYER_VERSION]}),
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
        let ours = Statement::layer_version(
            "s1".parse().expect("a statement id"),
            "111122223333".parse().expect("an account"),
        );
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

    /// A statement of the policy of a function.
    fn of_function(principal: &str, conditions: Conditions) -> Statement {
        Statement {
            sid: "s1".parse().expect("a statement id"),
            principal: principal.parse().expect("a principal"),
            action: Cow::Borrowed(INVOKE_FUNCTION),
            conditions,
        }
    }

    fn function() -> PolicyTarget {
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live"
            .parse()
            .expect("an ARN")
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

    fn all_conditions() -> Conditions {
        Conditions {
            organization: Some("o-abcdefghij".parse().expect("an organization")),
            source_arn: Some("arn:aws:s3:::my-bucket".to_owned()),
            source_account: Some("111122223333".parse().expect("an account")),
            event_source_token: Some("token".to_owned()),
            function_url_auth_type: Some("AWS_IAM".parse().expect("an authorization")),
            invoked_via_function_url: true,
        }
    }

    #[test]
    fn a_statement_of_a_function_has_each_condition_under_its_key() {
        let statement = of_function(ROLE, all_conditions());
        assert_eq!(
            statement.to_json(&function()),
            json!({
                "Sid": "s1",
                "Effect": "Allow",
                "Principal": {"AWS": ROLE},
                "Action": "lambda:InvokeFunction",
                "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live",
                "Condition": {
                    "StringEquals": {
                        "AWS:SourceAccount": "111122223333",
                        "lambda:EventSourceToken": "token",
                        "lambda:FunctionUrlAuthType": "AWS_IAM",
                        "aws:PrincipalOrgID": "o-abcdefghij",
                    },
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket"},
                    "Bool": {"lambda:InvokedViaFunctionUrl": "true"},
                },
            })
        );
    }

    #[test]
    fn a_statement_is_parsed_from_what_lambda_writes_and_from_nothing_else() {
        for principal in [
            "111122223333",
            "o-abcdefghij",
            "*",
            "s3.amazonaws.com",
            ROLE,
        ] {
            for mut conditions in [Conditions::default(), all_conditions()] {
                if principal == "o-abcdefghij" || principal == "*" {
                    conditions.organization = None;
                }
                let statement = of_function(principal, conditions);
                let written = statement.to_json(&function());
                assert_eq!(Statement::parse(&written, &function()), Some(statement));
                let mut again = written.clone();
                again["Condition"]["StringLike"] = json!({"aws:username": "x"});
                assert_eq!(Statement::parse(&again, &function()), None, "{again}");
                let mut denial = written;
                denial["Effect"] = "Deny".into();
                assert_eq!(Statement::parse(&denial, &function()), None, "{denial}");
            }
        }
    }

    #[test]
    fn condition_keys_and_operators_have_no_case() {
        let conditions = Conditions {
            source_arn: Some("arn:aws:s3:::My-Bucket".to_owned()),
            ..Conditions::default()
        };
        let ours = of_function("s3.amazonaws.com", conditions);
        let with = |condition: Value| {
            let mut found = ours.to_json(&function());
            found["Condition"] = condition;
            found["Principal"] = json!({"Service": ["s3.amazonaws.com"]});
            found
        };
        let arn = "arn:aws:s3:::My-Bucket";
        for (condition, is_ours) in [
            (json!({"ArnLike": {"aws:SourceArn": arn}}), true),
            (json!({"arnlike": {"aws:sourcearn": [arn]}}), true),
            (
                json!({"ArnLike": {"aws:SourceArn": arn.to_lowercase()}}),
                false,
            ),
            (json!({"ArnEquals": {"aws:SourceArn": arn}}), false),
            (
                json!({"ArnLike": {"aws:SourceArn": arn}, "arnLike": {"aws:SourceArn": arn}}),
                false,
            ),
            (json!({"ArnLike": {"aws:SourceArn": [arn, arn]}}), false),
        ] {
            let found = with(condition);
            assert_eq!(ours.matches(&found, &function()), is_ours, "{found}");
        }
    }

    #[test]
    fn a_deleted_principal_is_recognized_where_all_else_is_equal() {
        let ours = of_function(ROLE, Conditions::default());
        let found = |principal: Value, changes: Value| {
            let mut found = ours.to_json(&function());
            found["Principal"] = principal;
            for (key, value) in changes.as_object().expect("an object") {
                found[key] = value.clone();
            }
            found
        };
        let role_id = "AROACKCEVSQ6C2EXAMPLE";
        for (principal, changes, is_dead) in [
            (json!({"AWS": role_id}), json!({}), true),
            (json!({"AWS": [role_id]}), json!({}), true),
            (json!({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}), json!({}), false),
            (json!({"AWS": ROLE}), json!({}), false),
            (json!({"AWS": [role_id, role_id]}), json!({}), false),
            (json!(role_id), json!({}), false),
            (
                json!({"AWS": role_id}),
                json!({"Action": "lambda:*"}),
                false,
            ),
            (json!({"AWS": role_id}), json!({"Effect": "Deny"}), false),
            (json!({"AWS": role_id}), json!({"Sid": "s2"}), false),
            (
                json!({"AWS": role_id}),
                json!({"Condition": {"Bool": {"a": "b"}}}),
                false,
            ),
        ] {
            let found = found(principal, changes);
            let dead = ours.matches_deleted_principal(&found, &function());
            assert_eq!(dead, is_dead, "{found}");
            let account = of_function("111122223333", Conditions::default());
            assert!(!account.matches_deleted_principal(&found, &function()));
        }
    }
}
