//! The schemas in `lint/` are those that the code gives, with each of its properties and no other.

use std::collections::BTreeSet;

use lambda_permission_provider::resources::{function_permission, layer_version_permission};
use serde_json::Value;

use crate::document::read;

#[path = "../../examples/property_schemas.rs"]
#[allow(dead_code, reason = "main is not called here")]
mod property_schemas;

#[test]
fn the_schemas_are_those_of_the_code() {
    for (name, text) in property_schemas::files() {
        let path = format!("lint/{name}");
        assert_eq!(
            read(&path),
            text,
            "{path} is out of date, run `make lint-rules`"
        );
    }
}

#[test]
fn the_schemas_have_each_property_of_the_code_and_no_other() {
    let layers = &layer_version_permission::properties::PROPERTIES[..];
    let functions = &function_permission::properties::PROPERTIES[..];
    for ((name, text), known) in property_schemas::files()
        .into_iter()
        .zip([layers, functions])
    {
        let schema: Value = serde_json::from_str(&text).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let names = properties.iter().filter(|(_, schema)| schema.is_object());
        let names: BTreeSet<&str> = names.map(|(name, _)| name.as_str()).collect();
        let expected = known.iter().copied();
        let expected = expected.chain(["ServiceTimeout", "ServiceToken"]);
        assert_eq!(names, expected.collect(), "{name}");
    }
}
