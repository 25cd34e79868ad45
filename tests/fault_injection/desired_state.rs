//! What a resource asks for, drawn at random, and the statements that Lambda must hold for it.
//! Ids and statements are written here a second time, independently of the code under test.

use data_encoding::BASE32_NOPAD;
use fake_aws::runtime_api::FUNCTION_ARN;
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use fastrand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::organization::{UNITS, members};

/// The role that functions are granted to.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

const SERVICE: &str = "events.amazonaws.com";

/// What a resource grants on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TargetType {
    Layer,
    Function,
}

impl TargetType {
    pub const ALL: [Self; 2] = [Self::Layer, Self::Function];

    pub fn random(rng: &mut Rng) -> Self {
        Self::ALL[rng.usize(..2)]
    }

    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Layer => "Custom::LayerVersionPermission",
            Self::Function => "Custom::FunctionPermission",
        }
    }

    /// The ARN of the layer, or of the function that has its name.
    pub fn arn_of(self, layer: &str) -> String {
        match self {
            Self::Layer => layer.to_owned(),
            Self::Function => layer.replace(":layer:", ":function:"),
        }
    }
}

/// The last two can be granted to on functions only.
const PRINCIPALS: [&str; 8] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "o-abcdefghij",
    "o-klmnopqrst",
    "*",
    SERVICE,
    ROLE,
];

#[expect(clippy::struct_excessive_bools, reason = "as many properties")]
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredState {
    pub target_type: TargetType,
    /// The version of the layer or of the function.
    pub version: u64,
    pub all_versions: bool,
    /// Of all versions, the oldest that may have the grant, and how many of the newest have it.
    pub from: Option<u64>,
    pub newest: Option<u64>,
    /// The `StatementId` property, where it is given.
    pub statement_id: Option<String>,
    pub principals: Vec<String>,
    pub is_list: bool,
    /// Whether a function is granted on for requests of one account only.
    pub has_source_account: bool,
    /// Whether it is granted on for its URL.
    pub is_for_url: bool,
    pub nonce: u32,
    /// Which accounts were in the units when the last request was sent, by the number of the variant.
    pub organization: usize,
    /// The ARN of the layer or function in the properties, where it is valid at no endpoint of Lambda.
    pub mismatched: Option<String>,
}

impl DesiredState {
    /// Any properties of the resource `logical_id` for a layer, or a function, with so many versions.
    pub fn random(rng: &mut Rng, logical_id: &str, target_type: TargetType, versions: u64) -> Self {
        let is_function = target_type == TargetType::Function;
        let mut desired = Self {
            target_type,
            version: rng.u64(1..=versions),
            all_versions: rng.u8(..4) == 0 && !is_function,
            from: None,
            newest: None,
            statement_id: rng.bool().then(|| format!("given-{logical_id}")),
            principals: Vec::new(),
            is_list: rng.u8(..5) < 2,
            has_source_account: is_function && rng.bool(),
            is_for_url: is_function && rng.u8(..4) == 0,
            nonce: 0,
            organization: 0,
            mismatched: None,
        };
        desired.choose_principals(rng);
        desired.choose_range(rng, versions);
        desired
    }

    fn choose_range(&mut self, rng: &mut Rng, versions: u64) {
        self.from = rng.bool().then(|| rng.u64(1..=self.version));
        self.newest = rng.bool().then(|| rng.u64(1..=versions));
    }

    fn choose_principals(&mut self, rng: &mut Rng) {
        let number = if self.is_list { rng.usize(1..=4) } else { 1 };
        let principals = match self.target_type {
            TargetType::Layer => &PRINCIPALS[..6],
            TargetType::Function => &PRINCIPALS,
        };
        let units = if self.is_list { &UNITS[..] } else { &[] };
        let all = principals.iter().chain(units).copied();
        let chosen = rng.choose_multiple(all, number);
        self.principals = chosen.into_iter().map(str::to_owned).collect();
    }

    /// Properties whose writes take seconds: a long list, or a list for all versions.
    pub fn random_slow(
        rng: &mut Rng,
        logical_id: &str,
        target_type: TargetType,
        versions: u64,
    ) -> Self {
        let all_versions = rng.u8(..3) == 0 && target_type == TargetType::Layer;
        let number = if all_versions {
            rng.usize(2..=4)
        } else {
            rng.usize(12..=30)
        };
        Self {
            all_versions,
            is_list: true,
            principals: (1..=number)
                .map(|number| format!("2{number:011}"))
                .collect(),
            is_for_url: false,
            ..Self::random(rng, logical_id, target_type, versions)
        }
    }

    /// Whether it grants to a unit.
    pub fn has_units(&self) -> bool {
        self.principals
            .iter()
            .any(|principal| principal.starts_with("ou-"))
    }

    /// The same with one or two changes, as an Update has them.
    pub fn changed(&self, rng: &mut Rng, logical_id: &str, versions: u64) -> Self {
        let mut desired = self.clone();
        for _ in 0..rng.usize(1..=2) {
            match rng.u8(..9) {
                0..=2 => desired.version = rng.u64(1..=versions),
                3..=5 => desired.choose_principals(rng),
                6 if self.target_type == TargetType::Function => {
                    desired.has_source_account = !desired.has_source_account;
                }
                6 if desired.all_versions && rng.bool() => desired.choose_range(rng, versions),
                6 => desired.all_versions = !desired.all_versions,
                7 => {
                    let prefix = ["given", "other"][rng.usize(..2)];
                    desired.statement_id = rng.bool().then(|| format!("{prefix}-{logical_id}"));
                }
                _ => {
                    desired.is_list = !desired.is_list;
                    desired.choose_principals(rng);
                }
            }
        }
        // The version that is named must be in the range.
        desired.from = desired.from.map(|from| from.min(desired.version));
        desired.nonce += u32::from(desired == *self);
        desired
    }

    /// The same grants, but different properties, so that CloudFormation sends an Update.
    pub fn with_new_nonce(&self) -> Self {
        let nonce = self.nonce + 1;
        Self {
            nonce,
            ..self.clone()
        }
    }

    pub fn properties(&self, layer: &str, service_timeout: u64) -> Value {
        let arn = self.target_type.arn_of(layer);
        let arn = self.mismatched.as_deref().unwrap_or(&arn);
        let mut properties = json!({
            "ServiceToken": FUNCTION_ARN,
            "ServiceTimeout": service_timeout.to_string(),
        });
        let mut set = |name: &str, value: Value| properties[name] = value;
        let organization = match self.target_type {
            TargetType::Layer => {
                set("LayerVersionArn", format!("{arn}:{}", self.version).into());
                "OrganizationId"
            }
            TargetType::Function => {
                set("FunctionName", arn.into());
                set("Qualifier", self.version.to_string().into());
                "PrincipalOrgID"
            }
        };
        let first = self.principals[0].as_str();
        if self.is_list {
            set("Principals", self.principals.clone().into());
        } else if first.starts_with("o-") {
            set("Principal", "*".into());
            set(organization, first.into());
        } else {
            set("Principal", first.into());
        }
        if let Some(statement_id) = &self.statement_id {
            set("StatementId", statement_id.as_str().into());
        }
        if self.has_source_account {
            set("SourceAccount", SOURCE_ACCOUNT.into());
        }
        if self.is_for_url {
            set("FunctionUrlAuthType", "AWS_IAM".into());
        }
        match (self.all_versions, self.from, self.newest) {
            (false, _, _) => {}
            (true, None, None) => set("Versions", "All".into()),
            (true, from, newest) => {
                let given = [("From", from), ("Newest", newest)];
                let given =
                    given.map(|(name, number)| Some((name.to_owned(), number?.to_string().into())));
                set(
                    "Versions",
                    Value::Object(given.into_iter().flatten().collect()),
                );
            }
        }
        if self.nonce > 0 {
            set("Nonce", self.nonce.to_string().into());
        }
        properties
    }

    /// The physical id of the resource.
    pub fn physical_id(&self, layer: &str, sid: &str) -> String {
        let arn = self.target_type.arn_of(layer);
        if self.all_versions {
            format!("{arn}#{sid}")
        } else {
            format!("{arn}:{}#{sid}", self.version)
        }
    }

    /// What a derived statement id depends on, apart from the logical id.
    pub fn derivation_key(&self) -> String {
        let principal = if self.is_list {
            "list"
        } else {
            self.principals[0].as_str()
        };
        format!(
            "{:?} {principal} {} {} {}",
            self.target_type, self.all_versions, self.has_source_account, self.is_for_url
        )
    }

    /// The statements, each with the ARN of its layer version or function.
    pub fn statements(&self, layer: &str, sid: &str, versions: &[u64]) -> Vec<(String, Value)> {
        let resource = self.target_type.arn_of(layer);
        let mut statements = Vec::new();
        for number in versions {
            if self.has_version(*number, versions) {
                let arn = format!("{resource}:{number}");
                for principal in &self.principals {
                    for of_principal in self.statements_for(&arn, sid, principal) {
                        statements.push((arn.clone(), of_principal));
                    }
                }
            }
        }
        statements
    }

    /// Those of one principal, or of each account of a unit.
    fn statements_for(&self, arn: &str, sid: &str, principal: &str) -> Vec<Value> {
        let of = |id: Option<&str>, principal: &str| match self.target_type {
            TargetType::Layer => vec![self.layer_statement(arn, sid, id, principal)],
            TargetType::Function => self.function_statements(arn, sid, id, principal),
        };
        let Some(last) = principal.strip_prefix("ou-abcd-") else {
            return of(None, principal);
        };
        let members = members(self.organization, principal).into_iter();
        let each = members.map(|account| of(Some(&format!("{sid}-{last}-{account}")), account));
        each.flatten().collect()
    }

    /// Whether this one of the versions has the grant.
    fn has_version(&self, number: u64, versions: &[u64]) -> bool {
        let newer = versions.iter().filter(|other| **other > number).count() as u64;
        let is_in_range = self.from.is_none_or(|from| number >= from)
            && self.newest.is_none_or(|newest| newer < newest);
        number == self.version || self.all_versions && is_in_range
    }

    /// `of_unit` is the statement id of an account of a unit.
    fn layer_statement(
        &self,
        arn: &str,
        sid: &str,
        of_unit: Option<&str>,
        principal: &str,
    ) -> Value {
        let sid = if let Some(of_unit) = of_unit {
            of_unit.to_owned()
        } else if self.is_list {
            entry_id(sid, principal)
        } else {
            sid.to_owned()
        };
        match principal {
            "*" => public_statement(arn, &sid),
            organization if organization.starts_with("o-") => {
                organization_statement(arn, &sid, organization)
            }
            account => account_statement(arn, &sid, account),
        }
    }

    /// One statement, or both of a function URL.
    fn function_statements(
        &self,
        arn: &str,
        sid: &str,
        of_unit: Option<&str>,
        principal: &str,
    ) -> Vec<Value> {
        let id = |suffix: &str| match (of_unit, self.is_list, self.is_for_url) {
            (Some(of_unit), _, false) => of_unit.to_owned(),
            (Some(of_unit), _, true) => format!("{of_unit}-{suffix}"),
            (None, false, false) => sid.to_owned(),
            (None, false, true) => format!("{sid}-{suffix}"),
            (None, true, false) => entry_id(sid, principal),
            (None, true, true) => hashed_id(sid, &format!("{principal} {suffix}")),
        };
        let statement = |suffix: &str, action: &str| {
            let mut statement = self.function_statement(arn, &id(suffix), principal);
            statement["Action"] = action.into();
            statement
        };
        let mut invoke = statement("invoke", "lambda:InvokeFunction");
        if !self.is_for_url {
            return vec![invoke];
        }
        let mut url = statement("url", "lambda:InvokeFunctionUrl");
        url["Condition"]["StringEquals"]["lambda:FunctionUrlAuthType"] = "AWS_IAM".into();
        invoke["Condition"]["Bool"] = json!({"lambda:InvokedViaFunctionUrl": "true"});
        vec![url, invoke]
    }

    fn function_statement(&self, arn: &str, sid: &str, principal: &str) -> Value {
        let mut statement = json!({"Sid": sid, "Effect": "Allow", "Resource": arn});
        statement["Principal"] = match principal {
            "*" => json!("*"),
            organization if organization.starts_with("o-") => {
                statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = organization.into();
                json!("*")
            }
            SERVICE => json!({"Service": SERVICE}),
            ROLE => json!({"AWS": ROLE}),
            account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        };
        if self.has_source_account {
            statement["Condition"]["StringEquals"]["AWS:SourceAccount"] = SOURCE_ACCOUNT.into();
        }
        statement
    }
}

const SOURCE_ACCOUNT: &str = "123456789012";

/// The id of the statement of `principal` in a list.
fn entry_id(sid: &str, principal: &str) -> String {
    match principal {
        "*" => format!("{sid}-public"),
        SERVICE | ROLE => hashed_id(sid, principal),
        principal => format!("{sid}-{principal}"),
    }
}

fn hashed_id(sid: &str, text: &str) -> String {
    let hash = BASE32_NOPAD.encode(&Sha256::digest(text)).to_lowercase();
    format!("{sid}-{}", &hash[..10])
}
