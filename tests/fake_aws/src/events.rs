//! The CloudFormation requests in `tests/events`, and variations of them.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// One complete CloudFormation request; its `ResponseURL` is replaced when it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(pub Value);

/// The request in `tests/events/<name>.json`.
#[must_use]
pub fn event(name: &str) -> Event {
    let path = folder().join(format!("{name}.json"));
    let path = path.display();
    let text =
        std::fs::read_to_string(path.to_string()).unwrap_or_else(|error| panic!("{path}: {error}"));
    Event(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")))
}

impl Event {
    /// With this member of the request.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// Without this member of the request.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(name);
        self
    }

    /// With this resource property.
    #[must_use]
    pub fn property(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0["ResourceProperties"][name] = value.into();
        self
    }

    /// Without this resource property.
    #[must_use]
    pub fn without_property(mut self, name: &str) -> Self {
        self.0["ResourceProperties"]
            .as_object_mut()
            .unwrap()
            .remove(name);
        self
    }

    /// The Delete of the resource that this request asks for, which has the physical id `id`.
    #[must_use]
    pub fn delete_of(&self, id: &str) -> Self {
        self.clone()
            .without("OldResourceProperties")
            .with("RequestType", "Delete")
            .with("PhysicalResourceId", id)
    }

    /// The Update from what this request asks for, which has the physical id `id`, to `properties`.
    #[must_use]
    pub fn update_to(&self, id: &str, properties: Value) -> Self {
        self.clone()
            .with("RequestType", "Update")
            .with("PhysicalResourceId", id)
            .with("OldResourceProperties", self.properties())
            .with("ResourceProperties", properties)
    }

    /// The resource properties.
    #[must_use]
    pub fn properties(&self) -> Value {
        self.0["ResourceProperties"].clone()
    }
}

/// The layer version that most requests are about.
pub const LAYER_VERSION: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

/// The function that requests of function permissions are about.
pub const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:my-function";

/// The account that most requests grant to.
pub const ACCOUNT: &str = "111122223333";

/// Every file in `tests/events`, by name.
#[must_use]
pub fn all() -> Map<String, Value> {
    let files = std::fs::read_dir(folder()).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .map(|name| (name.clone(), event(&name).0))
        .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}
