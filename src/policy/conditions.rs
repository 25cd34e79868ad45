//! The conditions of a statement: what a use of the target must come with, besides the principal.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::arn::AccountId;
use super::principal::OrganizationId;

/// The conditions that Lambda can write into a statement. All of those that are there must be met.
///
/// Source: [AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conditions {
    /// The organization that the account, role or user must be in. The one of everybody is the principal itself.
    pub organization: Option<OrganizationId>,
    /// The ARN, or the pattern of ARNs, of the resource for which a service acts.
    pub source_arn: Option<String>,
    /// The account of that resource.
    pub source_account: Option<AccountId>,
    /// The token that a service must present.
    pub event_source_token: Option<String>,
    /// The authorization of the function URL through which a request comes.
    pub function_url_auth_type: Option<FunctionUrlAuthType>,
    /// Whether the function is invoked through its URL only.
    pub invoked_via_function_url: bool,
}

/// How a function URL authorizes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FunctionUrlAuthType {
    /// By signatures of IAM.
    AwsIam,
    /// Not at all.
    None,
}

/// The text is not an authorization of function URLs.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("neither `NONE` nor `AWS_IAM`")]
pub struct ParseFunctionUrlAuthTypeError;

impl FunctionUrlAuthType {
    /// As Lambda's API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsIam => "AWS_IAM",
            Self::None => "NONE",
        }
    }
}

impl FromStr for FunctionUrlAuthType {
    type Err = ParseFunctionUrlAuthTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = [Self::AwsIam, Self::None].into_iter();
        all.find(|known| known.as_str() == text)
            .ok_or(ParseFunctionUrlAuthTypeError)
    }
}

impl fmt::Display for FunctionUrlAuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The condition keys as Lambda spells them.
const SOURCE_ARN: &str = "AWS:SourceArn";
const SOURCE_ACCOUNT: &str = "AWS:SourceAccount";
const ORGANIZATION: &str = "aws:PrincipalOrgID";
const EVENT_SOURCE_TOKEN: &str = "lambda:EventSourceToken";
const FUNCTION_URL_AUTH_TYPE: &str = "lambda:FunctionUrlAuthType";
const INVOKED_VIA_FUNCTION_URL: &str = "lambda:InvokedViaFunctionUrl";

impl Conditions {
    /// The conditions as Lambda writes them, with `organization` where everybody in it is the principal; none if there are none.
    pub(super) fn to_json(&self, organization: Option<&OrganizationId>) -> Option<Value> {
        let organization = organization.or(self.organization.as_ref());
        let equals = [
            (
                SOURCE_ACCOUNT,
                self.source_account.as_ref().map(ToString::to_string),
            ),
            (EVENT_SOURCE_TOKEN, self.event_source_token.clone()),
            (
                FUNCTION_URL_AUTH_TYPE,
                self.function_url_auth_type.map(|kind| kind.to_string()),
            ),
            (ORGANIZATION, organization.map(ToString::to_string)),
        ];
        let like = [(SOURCE_ARN, self.source_arn.clone())];
        let via_url = self.invoked_via_function_url.then(|| "true".to_owned());
        let operators = [
            ("StringEquals", keys(equals)),
            ("ArnLike", keys(like)),
            ("Bool", keys([(INVOKED_VIA_FUNCTION_URL, via_url)])),
        ];
        let operators = operators.into_iter().filter(|(_, keys)| !keys.is_empty());
        let operators: Map<_, _> = operators
            .map(|(operator, keys)| (operator.to_owned(), Value::Object(keys)))
            .collect();
        (!operators.is_empty()).then_some(Value::Object(operators))
    }

    /// The conditions of `found`, the value of `Condition` in a normalized statement; none if there is one that Lambda does not
    /// write by its API.
    pub(super) fn parse(found: Option<&Value>) -> Option<Self> {
        let mut conditions = Self::default();
        let Some(found) = found else {
            return Some(conditions);
        };
        for (operator, keys) in found.as_object()? {
            for (key, value) in keys.as_object()? {
                conditions.set(operator, key, value.as_str()?)?;
            }
        }
        Some(conditions)
    }

    /// Sets one condition, whose operator and key are in lower case.
    fn set(&mut self, operator: &str, key: &str, value: &str) -> Option<()> {
        let is = |with: &str, name: &str| operator == with && key.eq_ignore_ascii_case(name);
        if is("stringequals", SOURCE_ACCOUNT) {
            self.source_account = Some(value.parse().ok()?);
        } else if is("stringequals", EVENT_SOURCE_TOKEN) {
            self.event_source_token = Some(value.to_owned());
        } else if is("stringequals", FUNCTION_URL_AUTH_TYPE) {
            self.function_url_auth_type = Some(value.parse().ok()?);
        } else if is("stringequals", ORGANIZATION) {
            self.organization = Some(value.parse().ok()?);
        } else if is("arnlike", SOURCE_ARN) {
            self.source_arn = Some(value.to_owned());
        } else if is("bool", INVOKED_VIA_FUNCTION_URL) && value == "true" {
            self.invoked_via_function_url = true;
        } else {
            return None;
        }
        Some(())
    }
}

/// The keys that have a value.
fn keys<const N: usize>(keys: [(&str, Option<String>); N]) -> Map<String, Value> {
    let keys = keys.into_iter();
    keys.filter_map(|(key, value)| Some((key.to_owned(), json!(value?))))
        .collect()
}
