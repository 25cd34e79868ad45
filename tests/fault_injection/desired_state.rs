//! What a resource asks for, drawn at random, and the statements that Lambda must hold for it.
//! Ids and statements are written here a second time, independently of the code under test.

use fake_aws::runtime_api::FUNCTION_ARN;
use fake_aws::statements::{account_statement, organization_statement, public_statement};
use fastrand::Rng;
use serde_json::{Value, json};

const PRINCIPALS: [&str; 6] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "o-abcdefghij",
    "o-klmnopqrst",
    "*",
];

#[derive(Debug, Clone, PartialEq)]
pub struct DesiredState {
    pub version: u64,
    pub all_versions: bool,
    /// The `StatementId` property, where it is given.
    pub statement_id: Option<String>,
    pub principals: Vec<String>,
    pub is_list: bool,
    pub nonce: u32,
    /// The layer ARN in the properties, where it is valid at no endpoint of Lambda.
    pub mismatched_layer: Option<String>,
}

impl DesiredState {
    /// Any properties of the resource `logical_id` for a layer with so many versions.
    pub fn random(rng: &mut Rng, logical_id: &str, versions: u64) -> Self {
        let mut desired = Self {
            version: rng.u64(1..=versions),
            all_versions: rng.u8(..4) == 0,
            statement_id: rng.bool().then(|| format!("given-{logical_id}")),
            principals: Vec::new(),
            is_list: rng.u8(..5) < 2,
            nonce: 0,
            mismatched_layer: None,
        };
        desired.choose_principals(rng);
        desired
    }

    fn choose_principals(&mut self, rng: &mut Rng) {
        let number = if self.is_list { rng.usize(1..=4) } else { 1 };
        let chosen = rng.choose_multiple(PRINCIPALS, number);
        self.principals = chosen.into_iter().map(str::to_owned).collect();
    }

    /// Properties whose writes take seconds: a long list, or a list for all versions.
    pub fn random_slow(rng: &mut Rng, logical_id: &str, versions: u64) -> Self {
        let all_versions = rng.u8(..3) == 0;
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
            ..Self::random(rng, logical_id, versions)
        }
    }

    /// The same with one or two changes, as an Update has them.
    pub fn changed(&self, rng: &mut Rng, logical_id: &str, versions: u64) -> Self {
        let mut desired = self.clone();
        for _ in 0..rng.usize(1..=2) {
            match rng.u8(..9) {
                0..=2 => desired.version = rng.u64(1..=versions),
                3..=5 => desired.choose_principals(rng),
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
        let layer = self.mismatched_layer.as_deref().unwrap_or(layer);
        let mut properties = json!({
            "ServiceToken": FUNCTION_ARN,
            "ServiceTimeout": service_timeout.to_string(),
            "LayerVersionArn": format!("{layer}:{}", self.version),
        });
        if self.is_list {
            properties["Principals"] = self.principals.clone().into();
        } else if self.principals[0].starts_with("o-") {
            properties["Principal"] = "*".into();
            properties["OrganizationId"] = self.principals[0].as_str().into();
        } else {
            properties["Principal"] = self.principals[0].as_str().into();
        }
        if let Some(statement_id) = &self.statement_id {
            properties["StatementId"] = statement_id.as_str().into();
        }
        if self.all_versions {
            properties["Versions"] = "All".into();
        }
        if self.nonce > 0 {
            properties["Nonce"] = self.nonce.to_string().into();
        }
        properties
    }

    /// The physical id of the resource.
    pub fn physical_id(&self, layer: &str, sid: &str) -> String {
        if self.all_versions {
            format!("{layer}#{sid}")
        } else {
            format!("{layer}:{}#{sid}", self.version)
        }
    }

    /// What a derived statement id depends on, apart from the logical id.
    pub fn derivation_key(&self) -> String {
        let principal = if self.is_list {
            "list"
        } else {
            self.principals[0].as_str()
        };
        format!("{principal} {}", self.all_versions)
    }

    /// The statements, each with the ARN of its layer version.
    pub fn statements(&self, layer: &str, sid: &str, versions: &[u64]) -> Vec<(String, Value)> {
        let mut statements = Vec::new();
        for number in versions {
            if self.all_versions || *number == self.version {
                let arn = format!("{layer}:{number}");
                for principal in &self.principals {
                    let statement = self.statement(&arn, sid, principal);
                    statements.push((arn.clone(), statement));
                }
            }
        }
        statements
    }

    fn statement(&self, arn: &str, sid: &str, principal: &str) -> Value {
        let sid = match (self.is_list, principal) {
            (false, _) => sid.to_owned(),
            (true, "*") => format!("{sid}-public"),
            (true, principal) => format!("{sid}-{principal}"),
        };
        match principal {
            "*" => public_statement(arn, &sid),
            organization if organization.starts_with("o-") => {
                organization_statement(arn, &sid, organization)
            }
            account => account_statement(arn, &sid, account),
        }
    }
}
