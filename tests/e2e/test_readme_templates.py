"""The templates in README.md can be deployed.

A template may refer to layer versions of the account or to the content of a layer in a bucket: the test creates them first. Parameters
without a default (`LayerVersionArn`, `ServiceToken`, `Principal`) get a value by name.
"""

import re

import pytest

import readme_templates
from layer import Layer, layer_content
from local_aws import ACCOUNT
from templates import PARTNER

LAYER_VERSION = re.compile(rf"arn:aws:lambda:(?P<region>[a-z0-9-]+):{ACCOUNT}:layer:(?P<name>[\w-]+):(?P<version>\d+)")
LAYER_BY_NAME = re.compile(r"LayerName: (?P<name>[\w-]+)\s+VersionNumber: '?(?P<version>\d+)")
CONTENT = re.compile(r"S3Bucket: (?P<bucket>[\w.-]+),?\s+S3Key: (?P<key>[\w./-]+)")


def test_readme_contains_templates():
    assert readme_templates.templates()


@pytest.mark.parametrize("template", readme_templates.templates() if readme_templates.README.exists() else [])
def test_every_readme_template_deploys(aws, provider, stack, layer, template):
    create_referenced_layers(aws, template)
    values = {"LayerVersionArn": layer.publish(), "ServiceToken": provider.service_token, "Principal": PARTNER}
    validated = aws.client("cloudformation").validate_template(TemplateBody=template)
    names = [parameter["ParameterKey"] for parameter in validated["Parameters"] if "DefaultValue" not in parameter]

    assert stack.create(template, **{name: values[name] for name in names}) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def create_referenced_layers(aws, template: str):
    for found in LAYER_VERSION.finditer(template):
        publish_up_to(Layer(aws, found["name"], region=found["region"]), int(found["version"]))
    for found in LAYER_BY_NAME.finditer(template):
        publish_up_to(Layer(aws, found["name"]), int(found["version"]))
    for found in CONTENT.finditer(template):
        aws.upload(found["bucket"], found["key"], layer_content())


def publish_up_to(layer: Layer, version: int):
    while not layer.publish().endswith(f":{version}"):
        pass
