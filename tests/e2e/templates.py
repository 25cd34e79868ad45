"""Templates as users of the provider write them."""

import pathlib

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"

ORGANIZATION = "o-a1b2c3d4e5"
PARTNER, OTHER_PARTNER = "111122223333", "444455556666"


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.yaml").read_text()


def sharing(policies: dict | None = None, **properties) -> dict:
    """A stack with the resource `Sharing`, whose return values are the stack's outputs."""
    resource = {
        "Type": "Custom::LayerVersionPermission",
        "Properties": {
            "ServiceToken": {"Fn::ImportValue": "layer-permission-provider-ServiceToken"},
            "ServiceTimeout": 30,
            **properties,
        },
        **(policies or {}),
    }
    attributes = ["Id", "LayerVersionArn", "StatementId", "StatementIds", "Statement", "RevisionId"]
    outputs = {name: {"Value": {"Fn::GetAtt": ["Sharing", name]}} for name in attributes}
    return {"Resources": {"Sharing": resource}, "Outputs": {"Ref": {"Value": {"Ref": "Sharing"}}, **outputs}}


def doomed(template: dict) -> dict:
    """The same, with a resource that fails after `Sharing` is done."""
    missing = "arn:aws:lambda:eu-west-1:123456789012:layer:nobody-published-this:1"
    failing = {
        "Type": "AWS::Lambda::LayerVersionPermission",
        "DependsOn": "Sharing",
        "Properties": {"LayerVersionArn": missing, "Principal": PARTNER, "Action": "lambda:GetLayerVersion"},
    }
    return {**template, "Resources": {**template["Resources"], "Failing": failing}}


def without(template: dict, logical_id: str) -> dict:
    """The same without this resource and what is put out of it; a stack needs one resource, so one that does nothing stays."""
    others = {name: resource for name, resource in template["Resources"].items() if name != logical_id}
    return {"Resources": {**others, "Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
