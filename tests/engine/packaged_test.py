"""`dist/packaged.yaml`: it deploys from a bucket what template.yaml deploys from a checkout."""

import re

import pytest
import yaml

import release
from deploy import ROOT
from deploy import TEMPLATE as CHECKOUT
from gate import HOST
from stack import Stack
from templates import PARTNER, sharing

TEMPLATE = release.PACKAGED.read_text() if release.PACKAGED.exists() else ""
TEMPLATE_OF_CHECKOUT = CHECKOUT.read_text()


@pytest.fixture
def code(engine):
    """The parameters that say where the zip is."""
    release.upload(engine, "releases")
    return {"CodeBucket": "releases", "ResponseHosts": f"http://{HOST}"}


def the_packaged_template_needs_no_transform_and_has_the_version_of_the_crate():
    template = yaml.safe_load(TEMPLATE)
    assert "Transform" not in template
    assert {resource["Type"] for resource in template["Resources"].values() if "Serverless" in resource["Type"]} == set()
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert template["Outputs"]["Version"]["Value"] == version


def the_readme_names_the_parameters_that_it_has_more():
    more = [name for name in yaml.safe_load(TEMPLATE)["Parameters"] if f"\n  {name}:\n" not in TEMPLATE_OF_CHECKOUT]
    readme = (ROOT / "README.md").read_text()
    assert more
    assert [name for name in more if f"`{name}`" not in readme] == []


def every_parameter_still_reaches_what_it_is_for(engine, provider, code):
    """SAM's transform puts defaults in the place of parameters, if it is let."""
    values = {"FunctionName": "packaged", "Timeout": "77", "MemorySize": "192", "Runtime": "provided.al2023", "MaximumEventAge": "600"}
    stack = Stack(engine, "packaged")
    assert stack.create(TEMPLATE, **code, **values, AllowPublic="true") == "CREATE_COMPLETE"
    client = engine.client("lambda")
    configuration = client.get_function_configuration(FunctionName="packaged")
    assert (configuration["Timeout"], configuration["MemorySize"], configuration["Runtime"]) == (77, 192, "provided.al2023")
    assert configuration["Environment"]["Variables"]["ALLOW_PUBLIC"] == "true"
    invoke = client.get_function_event_invoke_config(FunctionName="packaged", Qualifier="$LATEST")
    assert invoke["MaximumEventAgeInSeconds"] == 600
    assert stack.delete() == "DELETE_COMPLETE"


def the_service_token_stays_when_the_way_of_deploying_changes(provider, code, stack, layer):
    token, version = provider.service_token, layer.publish()
    assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    with provider.redeployed(Timeout="90"):
        assert provider.stack.update(TEMPLATE, **code) == "UPDATE_COMPLETE"
        assert provider.service_token == token
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def the_key_may_be_another_one(engine, provider):
    engine.upload("releases", "by/hand.zip", release.ZIP.read_bytes())
    stack = Stack(engine, "by-hand")
    parameters = {"FunctionName": "by-hand", "CodeBucket": "releases", "CodeKey": "by/hand.zip"}
    assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
    code = engine.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
    assert {"ParameterKey": "CodeKey", "ParameterValue": "by/hand.zip"} in code["Parameters"]
    assert stack.delete() == "DELETE_COMPLETE"
