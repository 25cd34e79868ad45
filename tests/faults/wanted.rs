//! What a resource asks for, drawn at random, and the statements in which Lambda is to show it.
//! Refuses to ask the code under test: ids and statements are written out here a second time.

use fastrand::Rng;
use serde_json::{Value, json};

use crate::events::{account_statement, organization_statement, public_statement};

/// What may be granted to.
const PRINCIPALS: [&str; 6] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "o-abcdefghij",
    "o-klmnopqrst",
    "*",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub version: u64,
    pub all: bool,
    /// The statement id, where one is given.
    pub sid: Option<String>,
    pub principals: Vec<String>,
    pub is_list: bool,
    pub nonce: u32,
    /// The ARN that names the layer, where that is not its own.
    pub misplaced: Option<String>,
}

impl Wanted {
    /// Anything for the resource `logical` of a layer that has so many versions.
    pub fn draw(rng: &mut Rng, logical: &str, versions: u64) -> Self {
        let mut wanted = Self {
            version: rng.u64(1..=versions),
            all: rng.u8(..4) == 0,
            sid: rng.bool().then(|| format!("given-{logical}")),
            principals: Vec::new(),
            is_list: rng.u8(..5) < 2,
            nonce: 0,
            misplaced: None,
        };
        wanted.draw_principals(rng);
        wanted
    }

    fn draw_principals(&mut self, rng: &mut Rng) {
        let many = if self.is_list { rng.usize(1..=4) } else { 1 };
        let drawn = rng.choose_multiple(PRINCIPALS, many);
        self.principals = drawn.into_iter().map(str::to_owned).collect();
    }

    /// One whose writes take seconds: a long list, or a list for all versions.
    pub fn draw_long(rng: &mut Rng, logical: &str, versions: u64) -> Self {
        let all = rng.u8(..3) == 0;
        let many = if all {
            rng.usize(2..=4)
        } else {
            rng.usize(12..=30)
        };
        Self {
            all,
            is_list: true,
            principals: (1..=many).map(|number| format!("2{number:011}")).collect(),
            ..Self::draw(rng, logical, versions)
        }
    }

    /// The same with a change or two, as an Update would bring it.
    pub fn changed(&self, rng: &mut Rng, logical: &str, versions: u64) -> Self {
        let mut wanted = self.clone();
        for _ in 0..rng.usize(1..=2) {
            match rng.u8(..9) {
                0..=2 => wanted.version = rng.u64(1..=versions),
                3..=5 => wanted.draw_principals(rng),
                6 => wanted.all = !wanted.all,
                7 => {
                    let other = ["given", "other"][rng.usize(..2)];
                    wanted.sid = rng.bool().then(|| format!("{other}-{logical}"));
                }
                _ => {
                    wanted.is_list = !wanted.is_list;
                    wanted.draw_principals(rng);
                }
            }
        }
        wanted.nonce += u32::from(wanted == *self);
        wanted
    }

    /// The same, so that CloudFormation sends an Update all the same.
    pub fn again(&self) -> Self {
        let nonce = self.nonce + 1;
        Self {
            nonce,
            ..self.clone()
        }
    }

    pub fn properties(&self, layer: &str, service_timeout: u64) -> Value {
        let named = self.misplaced.as_deref().unwrap_or(layer);
        let mut properties = json!({
            "ServiceToken": crate::runtime_api::FUNCTION_ARN,
            "ServiceTimeout": service_timeout.to_string(),
            "LayerVersionArn": format!("{named}:{}", self.version),
        });
        if self.is_list {
            properties["Principals"] = self.principals.clone().into();
        } else if self.principals[0].starts_with("o-") {
            properties["Principal"] = "*".into();
            properties["OrganizationId"] = self.principals[0].as_str().into();
        } else {
            properties["Principal"] = self.principals[0].as_str().into();
        }
        if let Some(sid) = &self.sid {
            properties["StatementId"] = sid.as_str().into();
        }
        if self.all {
            properties["Versions"] = "All".into();
        }
        if self.nonce > 0 {
            properties["Nonce"] = self.nonce.to_string().into();
        }
        properties
    }

    /// What the resource is known by when it is there.
    pub fn id(&self, layer: &str, sid: &str) -> String {
        if self.all {
            format!("{layer}#{sid}")
        } else {
            format!("{layer}:{}#{sid}", self.version)
        }
    }

    /// What a derived statement id depends on.
    pub fn derived_from(&self) -> String {
        let granted_to = if self.is_list {
            "list"
        } else {
            self.principals[0].as_str()
        };
        format!("{granted_to} {}", self.all)
    }

    /// The statements, each with the ARN of the layer version that it belongs to.
    pub fn statements(&self, layer: &str, sid: &str, versions: &[u64]) -> Vec<(String, Value)> {
        let mut statements = Vec::new();
        for number in versions {
            if self.all || *number == self.version {
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
