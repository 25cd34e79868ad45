//! Partitions and regions: a request is about the layer where its ARN says, whether or not such a region exists, and so is its Delete.
//! That the provider can reach it is checked later, where its own location is known.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::policy::arn::LayerVersionArn;
use lambda_permission_provider::resources::lifecycle;
use serde_json::Value;

use super::events::is_deleted;

const PARTITIONS: [&str; 7] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-eusc",
];

const REGIONS: [&str; 8] = [
    "eu-west-1",
    "us-east-1",
    "cn-north-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
];

/// A Create of the same in another location: partition and region are drawn from the input, independently.
pub fn check(request: &Request) {
    let named = request.properties.get("LayerVersionArn");
    let named: Option<LayerVersionArn> = named
        .and_then(Value::as_str)
        .and_then(|arn| arn.parse().ok());
    // A role and the ARN of an account have a partition of their own.
    let text = Value::Object(request.properties.clone()).to_string();
    let Some(named) = named.filter(|_| !text.contains(":iam:")) else {
        return;
    };
    let drawn: usize = text.bytes().map(usize::from).sum();
    let partition = PARTITIONS[drawn % PARTITIONS.len()];
    let region = REGIONS[drawn / PARTITIONS.len() % REGIONS.len()];
    let (layer, version) = (named.layer(), named.version());
    let arn = format!(
        "arn:{partition}:lambda:{region}:{}:layer:{}:{version}",
        layer.location().account(),
        layer.name()
    );
    let mut create = Request {
        request_type: RequestType::Create,
        physical_id: None,
        old_properties: None,
        ..request.clone()
    };
    create
        .properties
        .insert("LayerVersionArn".to_owned(), arn.clone().into());
    let operation = match lifecycle::operation(&create) {
        Ok(operation) => operation,
        Err(rejected) => panic!("rejected in another location, {arn}: {rejected}"),
    };
    let Some(spec) = &operation.spec else {
        panic!("nothing is granted on {arn}");
    };
    let targets = &spec.targets;
    let location = targets.location();
    assert_eq!(
        (location.partition(), location.region()),
        (partition, region)
    );
    let begins = format!("arn:{partition}:lambda:{region}:");
    assert!(
        operation.physical_id.as_ref().starts_with(&begins),
        "not of {arn}"
    );
    is_deleted(&create, &operation, spec);
}
