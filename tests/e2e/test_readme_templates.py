"""What README.md shows to copy can be deployed.

A block may name layer versions of the account by their ARNs or declare its own layer: what it refers to is made first. Parameters
without a default are given by their names (`LayerVersionArn`, `ServiceToken`, `Principal`).
"""

import re

import pytest

import readme_templates
from local_aws import ACCOUNT
from layer import Layer, layer_content
from templates import PARTNER

LAYER_VERSION = re.compile(rf"arn:aws:lambda:(?P<region>[a-z0-9-]+):{ACCOUNT}:layer:(?P<name>[\w-]+):(?P<version>\d+)")
LAYER_BY_NAME = re.compile(r"LayerName: (?P<name>[\w-]+)\s+VersionNumber: '?(?P<version>\d+)")
CONTENT = re.compile(r"S3Bucket: (?P<bucket>[\w.-]+),?\s+S3Key: (?P<key>[\w./-]+)")


def test_readme_contains_templates():
    assert readme_templates.templates()


@pytest.mark.parametrize("template", readme_templates.templates() if readme_templates.README.exists() else [])
def test_every_readme_template_deploys(engine, provider, stack, layer, template):
    make_what_is_named(engine, template)
    values = {"LayerVersionArn": layer.publish(), "ServiceToken": provider.service_token, "Principal": PARTNER}
    validated = engine.client("cloudformation").validate_template(TemplateBody=template)
    names = [parameter["ParameterKey"] for parameter in validated["Parameters"] if "DefaultValue" not in parameter]

    assert stack.create(template, **{name: values[name] for name in names}) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def make_what_is_named(engine, template: str):
    for found in LAYER_VERSION.finditer(template):
        publish_up_to(Layer(engine, found["name"], region=found["region"]), int(found["version"]))
    for found in LAYER_BY_NAME.finditer(template):
        publish_up_to(Layer(engine, found["name"]), int(found["version"]))
    for found in CONTENT.finditer(template):
        engine.upload(found["bucket"], found["key"], layer_content())


def publish_up_to(layer: Layer, version: int):
    while not layer.publish().endswith(f":{version}"):
        pass
