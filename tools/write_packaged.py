"""Writes the template that deploys from a bucket: `python write_packaged.py TEMPLATE PACKAGED ZIP...`, with a zip for each architecture
that is offered, named `bootstrap-<architecture>.zip`.

PACKAGED is TEMPLATE after SAM's transform, so that StackSets and nested stacks accept it. Parameters give the location of the zip, and a
version of the function holds its SHA-256: CloudFormation rolls back a deployment of other bytes. Everything else comes from TEMPLATE.
"""

import base64
import hashlib
import os
import pathlib
import sys

# The transform requires a region, and would replace `AWS::Region` in the function with it: the function does not use `AWS::Region`.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# A zip has to be in the region of its function, and a StackSet passes the same parameters to all its regions. Bucket names are global: one
# that includes the account id is unlikely to belong to somebody else.
ACCOUNT = {"Fn::If": ["HasCodeAccount", {"Ref": "CodeAccount"}, {"Ref": "AWS::AccountId"}]}
BUCKET_OF_REGION = {"Fn::Sub": ["${CodeBucket}-${Account}-${AWS::Region}", {"Account": ACCOUNT}]}
BUCKET = {"Fn::If": ["HasBucketForEachRegion", BUCKET_OF_REGION, {"Ref": "CodeBucket"}]}
CONDITIONS = {
    "HasCodeAccount": {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeAccount"}, ""]}]},
    "HasBucketForEachRegion": {"Fn::Equals": [{"Ref": "BucketForEachRegion"}, "true"]},
    "HasCodeKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeKey"}, ""]}]},
}
LOCATION_PARAMETERS = {
    "CodeBucket": {
        "Type": "String",
        "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "ConstraintDescription": "must be the name of a bucket.",
        "Description": "Bucket with the zip, in the region of the function.",
    },
    "BucketForEachRegion": {
        "Type": "String",
        "Default": "false",
        "AllowedValues": ["false", "true"],
        "Description": "Whether the bucket is named <CodeBucket>-<CodeAccount>-<region>, for deployments to several regions.",
    },
    "CodeAccount": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"(\d{12})?",
        "ConstraintDescription": "must be an account id of 12 digits, or empty.",
        "Description": "Account id in the name of the buckets, with BucketForEachRegion. Empty - the account of the stack.",
    },
    "CodeKey": {
        "Type": "String",
        "Default": "",
        "MaxLength": 140,
        "Description": "Key of the zip. Empty - lambda-permission-provider/<SHA-256 of the zip>.zip.",
    },
}
LABELS = {
    "CodeBucket": "Code bucket",
    "BucketForEachRegion": "One bucket for each region",
    "CodeAccount": "Account of the code buckets",
    "CodeKey": "Code key",
}
FUNCTIONS = ["Provider", "Auditor"]
SAM_BUILD_METADATA = {"BuildMethod", "ContextPath", "WorkingDirectory", "ProjectRootDirectory"}


class NoManagedPolicies:
    """The template uses no managed policies, so the transform has none to look up."""

    def load(self) -> dict:
        return {}


def condition(architecture: str) -> str:
    return f"Is{architecture.title().replace('_', '')}"


def code_key(digests: dict[str, bytes]) -> dict:
    """Differs for every content: CloudFormation updates the code only if its key changes. It is not the default of the parameter, because
    `aws cloudformation deploy` keeps the previous value of a parameter."""
    *others, last = digests
    key = f"lambda-permission-provider/{digests[last].hex()}.zip"
    for name in others:
        key = {"Fn::If": [condition(name), f"lambda-permission-provider/{digests[name].hex()}.zip", key]}
    return {"Fn::If": ["HasCodeKey", {"Ref": "CodeKey"}, key]}


def location(digests: dict[str, bytes]) -> dict:
    """A description that differs for every location of the code."""
    return {"Fn::Sub": ["Custom resource, from ${Bucket}/${Key}", {"Bucket": BUCKET, "Key": code_key(digests)}]}


def code_version(architecture: str, digest: bytes) -> dict:
    """A version of the function, which Lambda publishes only if the code has this SHA-256; nothing invokes it. It is replaced, so that
    Lambda compares again, for every content and, by its description, for every location. Lambda publishes no second version of an
    unchanged function, so the location is in the description of the function, too."""
    properties = {
        "FunctionName": {"Ref": "Provider"},
        "Description": location({architecture: digest}),
        "CodeSha256": base64.b64encode(digest).decode(),
    }
    version = {"Type": "AWS::Lambda::Version", "Condition": condition(architecture), "Properties": properties}
    return {f"Code{digest.hex()[:16]}": version}


def transformed(template: dict) -> dict:
    """The template after SAM's transform. The transform replaces references to parameters by their defaults, so it gets none."""
    defaults = {name: parameter.pop("Default") for name, parameter in template["Parameters"].items() if "Default" in parameter}
    template = transform(template, {}, NoManagedPolicies())
    for name, default in defaults.items():
        template["Parameters"][name]["Default"] = default
    return template


def packaged(template: dict, digests: dict[str, bytes]) -> dict:
    """The template to deploy any of these zips, whose SHA-256 are given by architecture."""
    # Only `sam publish` and `sam build` use these, and they use template.yaml.
    del template["Metadata"]["AWS::ServerlessRepo::Application"]
    metadata = {}
    for name in FUNCTIONS:
        function = template["Resources"][name]
        function["Properties"]["CodeUri"] = "s3://bucket/key"
        metadata[name] = {key: value for key, value in function.pop("Metadata").items() if key not in SAM_BUILD_METADATA}
    result = transformed(template)
    result["Parameters"]["Architecture"] |= {"Default": next(iter(digests)), "AllowedValues": list(digests)}
    result["Parameters"] = LOCATION_PARAMETERS | result["Parameters"]
    interface = result["Metadata"]["AWS::CloudFormation::Interface"]
    interface["ParameterGroups"].insert(0, {"Label": {"default": "Code"}, "Parameters": list(LOCATION_PARAMETERS)})
    interface["ParameterLabels"] |= {name: {"default": label} for name, label in LABELS.items()}
    result["Conditions"] |= CONDITIONS
    for name in FUNCTIONS:
        function = result["Resources"][name]
        function["Metadata"] = metadata[name]
        function["Properties"]["Code"] = {"S3Bucket": BUCKET, "S3Key": code_key(digests)}
    result["Resources"]["Provider"]["Properties"]["Description"] = location(digests)
    for name, digest in digests.items():
        result["Conditions"][condition(name)] = {"Fn::Equals": [{"Ref": "Architecture"}, name]}
        result["Resources"] |= code_version(name, digest)
    return result


def plain(node):
    """Converts to built-in types, which PyYAML can represent."""
    match node:
        case dict():
            return {str(key): plain(value) for key, value in node.items()}
        case list():
            return [plain(value) for value in node]
        case str():
            return str(node)
    return node


class NoAliasDumper(yaml.SafeDumper):
    """Writes repeated values in full: CloudFormation accepts no YAML aliases."""

    def ignore_aliases(self, data) -> bool:
        return True


def main(source: pathlib.Path, target: pathlib.Path, *archives: pathlib.Path) -> None:
    digests = {path.stem.removeprefix("bootstrap-"): hashlib.sha256(path.read_bytes()).digest() for path in archives}
    result = packaged(yaml_parse(source.read_text()), digests)
    head = f"# Made from {source} by tools/{pathlib.Path(__file__).name}.\n"
    target.write_text(head + yaml.dump(plain(result), Dumper=NoAliasDumper, sort_keys=False, width=150, allow_unicode=True))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
