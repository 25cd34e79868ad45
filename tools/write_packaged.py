"""Writes the template that deploys from a bucket: `python write_packaged.py TEMPLATE ZIP ARCHITECTURE PACKAGED`.

It is TEMPLATE after SAM's transform, so that StackSets and nested stacks may have it, with the zip's place as parameters and its
SHA-256 in a version of the function: CloudFormation rolls back what deploys other bytes. Decides nothing else: whatever the function
is, TEMPLATE says.
"""

import base64
import hashlib
import os
import pathlib
import sys

# The transform asks for a region, and would put it where `AWS::Region` stands in the function: it stands nowhere there.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# A zip has to lie in the region of its function, and a StackSet gives all its regions the same parameters. Names of buckets are the world's:
# one with an account's id in it is not likely to be somebody else's.
ACCOUNT = {"Fn::If": ["HasCodeAccount", {"Ref": "CodeAccount"}, {"Ref": "AWS::AccountId"}]}
BUCKET_OF_REGION = {"Fn::Sub": ["${CodeBucket}-${Account}-${AWS::Region}", {"Account": ACCOUNT}]}
BUCKET = {"Fn::If": ["HasBucketForEachRegion", BUCKET_OF_REGION, {"Ref": "CodeBucket"}]}
CONDITIONS = {
    "HasCodeAccount": {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeAccount"}, ""]}]},
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
        "Description": "Whether the bucket's name has -, CodeAccount, - and the region behind what is given, as a roll-out to many regions needs it.",
    },
    "CodeAccount": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"(\d{12})?",
        "ConstraintDescription": "must be an account id of 12 digits, or empty.",
        "Description": "Account of the buckets, if there is one for each region. Empty - the account that the stack is in.",
    },
    "CodeKey": {
        "Type": "String",
        "Default": "",
        "MaxLength": 140,
        "Description": "Key of the zip there. Empty - layer-permission-provider/, its SHA-256 and .zip, as this template knows it.",
    },
}
LABELS = {
    "CodeBucket": "Bucket",
    "BucketForEachRegion": "Whether each region has one",
    "CodeAccount": "Account of the buckets",
    "CodeKey": "Key",
}
OF_SAM_BUILD = {"BuildMethod", "ContextPath", "WorkingDirectory", "ProjectRootDirectory"}


class NoPolicies:
    """The template names no managed policies, so none need be looked up."""

    def load(self) -> dict:
        return {}


def key_of(digest: bytes) -> dict:
    """Another one with every content: by the key CloudFormation sees that there is new code. It is no default of the parameter, for
    `aws cloudformation deploy` would keep that of the last time."""
    return {"Fn::If": ["HasCodeKey", {"Ref": "CodeKey"}, f"layer-permission-provider/{digest.hex()}.zip"]}


def verified(digest: bytes, place: dict) -> dict:
    """The resource by which Lambda compares the code with the SHA-256: a version, which is published only of code that has it. Nobody uses the
    version. It is another one, so that Lambda compares again, with every content and, by its description, with every place; a version of what
    has not changed cannot be published, which is why the place is in the function's description, too."""
    properties = {
        "FunctionName": {"Ref": "Provider"},
        "Description": place,
        "CodeSha256": base64.b64encode(digest).decode(),
    }
    return {f"Code{digest.hex()[:16]}": {"Type": "AWS::Lambda::Version", "Properties": properties}}


def transformed(template: dict) -> dict:
    """After SAM's transform. It would write a default in the place of its parameter, so it sees none."""
    defaults = {name: parameter.pop("Default") for name, parameter in template["Parameters"].items() if "Default" in parameter}
    template = transform(template, {}, NoPolicies())
    for name, default in defaults.items():
        template["Parameters"][name]["Default"] = default
    return template


def packaged(template: dict, architecture: str, digest: bytes) -> dict:
    function = template["Resources"]["Provider"]
    function["Properties"]["Architectures"] = [architecture]
    function["Properties"]["CodeUri"] = "s3://bucket/key"
    # For `sam build` and `sam publish`, which have a template of their own.
    del template["Metadata"]["AWS::ServerlessRepo::Application"]
    accepted = {name: value for name, value in function.pop("Metadata").items() if name not in OF_SAM_BUILD}
    result = transformed(template)
    result["Parameters"] = PLACES | result["Parameters"]
    interface = result["Metadata"]["AWS::CloudFormation::Interface"]
    interface["ParameterGroups"].insert(0, {"Label": {"default": "Where its code is"}, "Parameters": list(PLACES)})
    interface["ParameterLabels"] |= {name: {"default": label} for name, label in LABELS.items()}
    result["Conditions"] |= CONDITIONS
    key = key_of(digest)
    place = {"Fn::Sub": ["Custom resource, from ${Bucket}/${Key}", {"Bucket": BUCKET, "Key": key}]}
    provider = result["Resources"]["Provider"]
    provider["Metadata"] = accepted
    provider["Properties"] |= {"Description": place, "Code": {"S3Bucket": BUCKET, "S3Key": key}}
    result["Resources"] |= verified(digest, place)
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


class Plain(yaml.SafeDumper):
    """Writes what stands in several places in each of them."""

    def ignore_aliases(self, data) -> bool:
        return True


def main(source: pathlib.Path, archive: pathlib.Path, architecture: str, target: pathlib.Path) -> None:
    digest = hashlib.sha256(archive.read_bytes()).digest()
    result = packaged(yaml_parse(source.read_text()), architecture, digest)
    head = f"# Made from {source} by tools/{pathlib.Path(__file__).name}.\n"
    target.write_text(head + yaml.dump(plain(result), Dumper=Plain, sort_keys=False, width=150, allow_unicode=True))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4]))
