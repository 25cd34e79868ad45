"""Writes the template that deploys from a bucket: `python write_packaged.py TEMPLATE ZIP ARCHITECTURE PACKAGED`.

It is TEMPLATE after SAM's transform, so that StackSets and nested stacks may have it, with the zip's place as parameters. Decides
nothing else: whatever the function is, TEMPLATE says.
"""

import hashlib
import os
import pathlib
import sys

# The transform asks for a region, and would put it where `AWS::Region` stands in the function: it stands nowhere there.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# A zip has to lie in the region of its function, and a StackSet gives all its regions the same parameters.
BUCKET = {"Fn::If": ["HasBucketForEachRegion", {"Fn::Sub": "${CodeBucket}-${AWS::Region}"}, {"Ref": "CodeBucket"}]}
CONDITIONS = {
    "HasBucketForEachRegion": {"Fn::Equals": [{"Ref": "BucketForEachRegion"}, "true"]},
    "HasCodeKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeKey"}, ""]}]},
}
PLACES = {
    "CodeBucket": {
        "Type": "String",
        "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "ConstraintDescription": "must be the name of a bucket.",
        "Description": "Bucket, of the region that the function is to be in, with the zip.",
    },
    "BucketForEachRegion": {
        "Type": "String",
        "Default": "false",
        "AllowedValues": ["false", "true"],
        "Description": "Whether the bucket's name has - and the name of the region behind what is given, as a roll-out to many regions needs it.",
    },
    "CodeKey": {
        "Type": "String",
        "Default": "",
        "Description": "Key of the zip there. Empty - layer-permission-provider/, its SHA-256 and .zip, as this template knows it.",
    },
}
LABELS = {"CodeBucket": "Bucket", "BucketForEachRegion": "Whether each region has one", "CodeKey": "Key"}
# provided.al2 may still be chosen: see the parameter.
ACCEPTED = {"cfn-lint": {"config": {"ignore_checks": ["W1030"]}}}


class NoPolicies:
    """The template names no managed policies, so none need be looked up."""

    def load(self) -> dict:
        return {}


def key_of(archive: pathlib.Path) -> str:
    """Another one with every content: by the key CloudFormation sees that there is new code. It is no default of the parameter, for
    `aws cloudformation deploy` would keep that of the last time."""
    return f"layer-permission-provider/{hashlib.sha256(archive.read_bytes()).hexdigest()}.zip"


def transformed(template: dict) -> dict:
    """After SAM's transform. It would write a default in the place of its parameter, so it sees none."""
    defaults = {name: parameter.pop("Default") for name, parameter in template["Parameters"].items() if "Default" in parameter}
    template = transform(template, {}, NoPolicies())
    for name, default in defaults.items():
        template["Parameters"][name]["Default"] = default
    return template


def packaged(template: dict, architecture: str, key: str) -> dict:
    function = template["Resources"]["Provider"]
    function["Properties"]["Architectures"] = [architecture]
    function["Properties"]["CodeUri"] = "s3://bucket/key"
    # For `sam build` and `sam publish`, which have a template of their own.
    del function["Metadata"], template["Metadata"]["AWS::ServerlessRepo::Application"]
    result = transformed(template)
    result["Parameters"] = PLACES | result["Parameters"]
    interface = result["Metadata"]["AWS::CloudFormation::Interface"]
    interface["ParameterGroups"].insert(0, {"Label": {"default": "Where its code is"}, "Parameters": list(PLACES)})
    interface["ParameterLabels"] |= {name: {"default": label} for name, label in LABELS.items()}
    result["Conditions"] |= CONDITIONS
    result["Resources"]["Provider"]["Metadata"] = ACCEPTED
    result["Resources"]["Provider"]["Properties"]["Code"] = {
        "S3Bucket": BUCKET,
        "S3Key": {"Fn::If": ["HasCodeKey", {"Ref": "CodeKey"}, key]},
    }
    return result


def plain(node):
    """The same in lists and mappings of the standard library, which YAML has a form for."""
    match node:
        case dict():
            return {str(key): plain(value) for key, value in node.items()}
        case list():
            return [plain(value) for value in node]
        case str():
            return str(node)
    return node


def main(source: pathlib.Path, archive: pathlib.Path, architecture: str, target: pathlib.Path) -> None:
    result = packaged(yaml_parse(source.read_text()), architecture, key_of(archive))
    head = f"# Made from {source} by tools/{pathlib.Path(__file__).name}.\n"
    target.write_text(head + yaml.safe_dump(plain(result), sort_keys=False, width=150, allow_unicode=True))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4]))
