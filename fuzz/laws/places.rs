//! Partitions and regions: a request means the layer where its ARN says, whether or not such a place exists, and a Delete finds
//! it there again. That a grant fits its place is checked later, where the function's own place is known.

use lambda_permission_provider::cloudformation::request::{Request, RequestType};
use lambda_permission_provider::permission::arn::LayerVersionArn;
use lambda_permission_provider::permission::intent::Intent;
use serde_json::Value;

use super::events::is_taken_away;

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

/// A Create of what was understood, in another place: partition and region are drawn from the input, one apart from the other.
pub fn hold(request: &Request) {
    let named = request.properties.get("LayerVersionArn");
    let named: Option<LayerVersionArn> = named
        .and_then(Value::as_str)
        .and_then(|arn| arn.parse().ok());
    // A role and the ARN of an account have a partition of their own.
    let said = Value::Object(request.properties.clone()).to_string();
    let Some(named) = named.filter(|_| !said.contains(":iam:")) else {
        return;
    };
    let drawn: usize = said.bytes().map(usize::from).sum();
    let partition = PARTITIONS[drawn % PARTITIONS.len()];
    let region = REGIONS[drawn / PARTITIONS.len() % REGIONS.len()];
    let (layer, version) = (named.layer(), named.version());
    let arn = format!(
        "arn:{partition}:lambda:{region}:{}:layer:{}:{version}",
        layer.account(),
        layer.name()
    );
    let mut create = Request {
        kind: RequestType::Create,
        physical_id: None,
        old_properties: None,
        ..request.clone()
    };
    create
        .properties
        .insert("LayerVersionArn".to_owned(), arn.clone().into());
    let intent = match Intent::of(&create) {
        Ok(intent) => intent,
        Err(refused) => panic!("refused in another place, {arn}: {refused}"),
    };
    let Some(goals) = &intent.goals else {
        panic!("nothing is given on {arn}");
    };
    let layer = goals.scope.layer();
    assert_eq!((layer.partition(), layer.region()), (partition, region));
    let begins = format!("arn:{partition}:lambda:{region}:");
    assert!(intent.physical_id.starts_with(&begins), "not of {arn}");
    is_taken_away(&create, &intent, goals);
}
