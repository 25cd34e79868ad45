"""`dist/packaged.yaml`: it deploys from a bucket what template.yaml deploys from a checkout."""

import base64
import hashlib
import re

import pytest
import yaml

import release
from provider import ROOT
from provider import TEMPLATE as CHECKOUT
from local_aws import ACCOUNT, REGION
from response_endpoint import HOST
from stack import Stack
from templates import PARTNER, sharing

TEMPLATE = release.PACKAGED.read_text() if release.PACKAGED.exists() else ""
TEMPLATE_OF_CHECKOUT = CHECKOUT.read_text()


@pytest.fixture
def code(engine):
    """The parameters that say where the zip is."""
    release.upload(engine, "releases")
    return {"CodeBucket": "releases", "ResponseHosts": f"http://{HOST}"}


def test_packaged_template_has_no_transform_and_the_version_of_the_crate():
    template = yaml.safe_load(TEMPLATE)
    assert "Transform" not in template
    assert {resource["Type"] for resource in template["Resources"].values() if "Serverless" in resource["Type"]} == set()
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert template["Outputs"]["Version"]["Value"] == version


def versions(template: dict) -> dict:
    """The resources that have Lambda compare the code, by their logical ids."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"}


def test_packaged_template_has_the_sha_256_of_the_zip():
    digest = hashlib.sha256(release.ZIP.read_bytes()).digest()
    [(name, version)] = versions(yaml.safe_load(TEMPLATE)).items()
    assert version["Properties"]["CodeSha256"] == base64.b64encode(digest).decode()
    # Another zip has another version: what is published cannot change.
    assert name == f"Code{digest.hex()[:16]}"


def test_longest_code_location_fits_into_the_function_description():
    template = yaml.safe_load(TEMPLATE)
    [version] = versions(template).values()
    text = version["Properties"]["Description"]["Fn::Sub"][0]
    longest_bucket, longest_key = 63, max(template["Parameters"]["CodeKey"]["MaxLength"], len(f"{release.key()}.zip"))
    assert len(text) - len("${Bucket}${Key}") + longest_bucket + longest_key <= 256
    assert template["Resources"]["Provider"]["Properties"]["Description"] == version["Properties"]["Description"]


def test_service_token_has_no_version():
    """It could not stay the same from release to release."""
    assert yaml.safe_load(TEMPLATE)["Outputs"]["ServiceToken"]["Value"] == {"Fn::GetAtt": ["Provider", "Arn"]}


def test_create_with_a_different_zip_is_rolled_back(engine, provider):
    other, key = release.ZIP.read_bytes() + b"\0", f"{release.key()}.zip"
    engine.upload("not-ours", key, other)
    stack = Stack(engine, "not-ours")
    assert stack.create(TEMPLATE, CodeBucket="not-ours", FunctionName="not-ours") == "ROLLBACK_COMPLETE"
    [version] = versions(yaml.safe_load(TEMPLATE))
    assert "CodeSHA256" in stack.reason(version)
    # Nor does it hinder the next try.
    assert engine.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/not-ours-")["logGroups"] == []


@pytest.mark.parametrize("place", [{"CodeBucket": "not-ours"}, {"CodeKey": "other.zip"}])
def test_update_to_a_different_zip_at_another_location_is_rolled_back(engine, provider, code, place):
    other, key = release.ZIP.read_bytes() + b"\0", f"{release.key()}.zip"
    engine.upload("not-ours", key, other)
    engine.upload("releases", "other.zip", other)
    stack = Stack(engine, "moved-to-other-code")
    given = {**code, "FunctionName": "moved-to-other-code"}
    assert stack.create(TEMPLATE, **given) == "CREATE_COMPLETE"
    assert stack.update(TEMPLATE, **{**given, **place}) == "UPDATE_ROLLBACK_COMPLETE"
    digest = base64.b64encode(hashlib.sha256(release.ZIP.read_bytes()).digest()).decode()
    configuration = engine.client("lambda").get_function_configuration(FunctionName="moved-to-other-code")
    assert configuration["CodeSha256"] == digest
    assert stack.delete() == "DELETE_COMPLETE"


def test_update_to_the_same_zip_at_another_location_succeeds(engine, provider, code):
    stack = Stack(engine, "moved")
    given = {**code, "FunctionName": "moved"}
    assert stack.create(TEMPLATE, **given) == "CREATE_COMPLETE"
    engine.upload("releases", "same.zip", release.ZIP.read_bytes())
    assert stack.update(TEMPLATE, **given, CodeKey="same.zip") == "UPDATE_COMPLETE"
    # And without any change of the code.
    assert stack.update(TEMPLATE, **given, CodeKey="same.zip", Timeout="77") == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def test_regional_bucket_name_includes_the_account(engine, provider, code):
    """The account that is given, as in a roll-out, or else that of the stack."""
    for number, account in enumerate([{}, {"CodeAccount": PARTNER}]):
        bucket = f"for-each-region-{account.get('CodeAccount', ACCOUNT)}-{REGION}"
        release.upload(engine, bucket)
        stack = Stack(engine, f"for-each-region-{number}")
        given = {"CodeBucket": "for-each-region", "BucketForEachRegion": "true", "FunctionName": stack.name, **account}
        assert stack.create(TEMPLATE, **given) == "CREATE_COMPLETE"
        configuration = engine.client("lambda").get_function_configuration(FunctionName=stack.name)
        assert configuration["Description"] == f"Custom resource, from {bucket}/{release.key()}.zip"
        assert stack.delete() == "DELETE_COMPLETE"


def test_readme_documents_the_additional_parameters():
    more = [name for name in yaml.safe_load(TEMPLATE)["Parameters"] if f"\n  {name}:\n" not in TEMPLATE_OF_CHECKOUT]
    readme = (ROOT / "README.md").read_text()
    assert more
    assert [name for name in more if f"`{name}`" not in readme] == []


def test_every_parameter_is_applied_after_packaging(engine, provider, code):
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


def test_service_token_is_unchanged_by_another_deployment_method(provider, code, stack, layer):
    token, version = provider.service_token, layer.publish()
    assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    with provider.redeployed(Timeout="90"):
        assert provider.stack.update(TEMPLATE, **code) == "UPDATE_COMPLETE"
        assert provider.service_token == token
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_custom_code_key_is_deployed(engine, provider):
    engine.upload("releases", "by/hand.zip", release.ZIP.read_bytes())
    stack = Stack(engine, "by-hand")
    parameters = {"FunctionName": "by-hand", "CodeBucket": "releases", "CodeKey": "by/hand.zip"}
    assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
    code = engine.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
    assert {"ParameterKey": "CodeKey", "ParameterValue": "by/hand.zip"} in code["Parameters"]
    assert stack.delete() == "DELETE_COMPLETE"
