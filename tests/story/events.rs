//! Reads the requests in `tests/events`, and varies them where a test needs a neighbour of a case.
//! Refuses to know where they are sent.

use serde_json::{Map, Value, json};

/// One complete CloudFormation request; its `ResponseURL` is replaced when it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(pub Value);

/// The request in `tests/events/<name>.json`.
pub fn event(name: &str) -> Event {
    let path = format!("{}/tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Event(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")))
}

impl Event {
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(name);
        self
    }

    pub fn property(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["ResourceProperties"][name] = value.into();
        self
    }

    pub fn without_property(mut self, name: &str) -> Self {
        self.0["ResourceProperties"]
            .as_object_mut()
            .unwrap()
            .remove(name);
        self
    }

    /// The Delete of what this request asks for, which has the physical id `id`.
    pub fn delete_of(&self, id: &str) -> Self {
        self.clone()
            .without("OldResourceProperties")
            .with("RequestType", "Delete")
            .with("PhysicalResourceId", id)
    }

    /// The Update from what this request asks for, which has the physical id `id`, to `properties`.
    pub fn update_to(&self, id: &str, properties: Value) -> Self {
        self.clone()
            .with("RequestType", "Update")
            .with("PhysicalResourceId", id)
            .with("OldResourceProperties", self.properties())
            .with("ResourceProperties", properties)
    }

    pub fn properties(&self) -> Value {
        self.0["ResourceProperties"].clone()
    }
}

/// The layer version that most requests are about.
pub const LAYER_VERSION: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

/// The account that most requests grant to.
pub const ACCOUNT: &str = "111122223333";

/// A statement for one account, as Lambda writes it.
pub fn account_statement(layer_version: &str, sid: &str, account: &str) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
        "Action": "lambda:GetLayerVersion",
        "Resource": layer_version,
    })
}

/// A statement for everybody, as Lambda writes it.
pub fn public_statement(layer_version: &str, sid: &str) -> Value {
    let mut statement = account_statement(layer_version, sid, "");
    statement["Principal"] = "*".into();
    statement
}

/// A statement for one organization, as Lambda writes it.
pub fn organization_statement(layer_version: &str, sid: &str, organization: &str) -> Value {
    let mut statement = public_statement(layer_version, sid);
    statement["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": organization}});
    statement
}

/// Every file in `tests/events`, by name.
pub fn all() -> Map<String, Value> {
    let folder = format!("{}/tests/events", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    names
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .map(|name| (name.clone(), event(&name).0))
        .collect()
}
