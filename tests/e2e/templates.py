"""Templates that use the provider."""

import pathlib

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"

ORGANIZATION = "o-a1b2c3d4e5"
PARTNER, OTHER_PARTNER = "111122223333", "444455556666"
NOT_OWNED = "statement-not-owned"  # the id of a statement that the provider does not own


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.yaml").read_text()


def sharing_template(policies: dict | None = None, **properties) -> dict:
    """A template with the layer permission `Sharing`, whose return values are the stack's outputs."""
    return template("Custom::LayerVersionPermission", "LayerVersionArn", policies, properties)


def function_template(policies: dict | None = None, **properties) -> dict:
    """The same with a function permission."""
    return template("Custom::FunctionPermission", "FunctionArn", policies, properties)


def template(resource_type: str, arn: str, policies: dict | None, properties: dict) -> dict:
    resource = {
        "Type": resource_type,
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": "lambda-permission-provider-ServiceToken"},
            "ServiceTimeout": 30,
            **properties,
        },
        **(policies or {}),
    }
    attributes = ["Id", arn, "StatementId", "StatementIds", "Statement", "RevisionId"]
    outputs = {name: {"Value": {"Fn::GetAtt": ["Sharing", name]}} for name in attributes}
    return {"Resources": {"Sharing": resource}, "Outputs": {"Ref": {"Value": {"Ref": "Sharing"}}, **outputs}}


def with_failing_resource(template: dict) -> dict:
    """Adds a resource that fails after `Sharing` is complete."""
    missing = "arn:aws:lambda:eu-west-1:123456789012:layer:never-published:1"
    failing = {
        "Type": "AWS::Lambda::LayerVersionPermission",
        "DependsOn": "Sharing",
        "Properties": {"LayerVersionArn": missing, "Principal": PARTNER, "Action": "lambda:GetLayerVersion"},
    }
    return {**template, "Resources": {**template["Resources"], "Failing": failing}}


def without_resource(template: dict, logical_id: str) -> dict:
    """Removes this resource and the outputs; a stack needs at least one resource, so adds one without effect."""
    others = {name: resource for name, resource in template["Resources"].items() if name != logical_id}
    return {"Resources": {**others, "NoOp": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
