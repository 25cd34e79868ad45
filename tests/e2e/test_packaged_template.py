"""`dist/packaged.yaml`: it deploys the same as template.yaml, with the code from a bucket."""

import base64
import hashlib
import re

import pytest
import yaml

import release
from local_aws import ACCOUNT, REGION
from provider import ROOT
from provider import TEMPLATE as SOURCE
from response_endpoint import HOST
from stack import Stack
from templates import PARTNER, sharing_template

TEMPLATE = release.PACKAGED.read_text() if release.PACKAGED.exists() else ""
SOURCE_TEMPLATE = SOURCE.read_text()


@pytest.fixture
def code(aws):
    """The parameters with the location of the zip."""
    release.upload(aws, "releases")
    return {"CodeBucket": "releases", "ResponseHosts": f"http://{HOST}"}


def test_packaged_template_has_no_transform_and_the_version_of_the_crate():
    template = yaml.safe_load(TEMPLATE)
    assert "Transform" not in template
    assert {resource["Type"] for resource in template["Resources"].values() if "Serverless" in resource["Type"]} == set()
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert template["Outputs"]["Version"]["Value"] == version


def versions(template: dict) -> dict:
    """The function versions, for which Lambda checks the code, by logical id."""
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"}


def test_packaged_template_has_the_sha_256_of_the_zip():
    digest = hashlib.sha256(release.ZIP.read_bytes()).digest()
    [(name, version)] = versions(yaml.safe_load(TEMPLATE)).items()
    assert version["Properties"]["CodeSha256"] == base64.b64encode(digest).decode()
    # Another zip needs another version, because a published version cannot change.
    assert name == f"Code{digest.hex()[:16]}"


def test_longest_code_location_fits_into_the_function_description():
    template = yaml.safe_load(TEMPLATE)
    [version] = versions(template).values()
    text = version["Properties"]["Description"]["Fn::Sub"][0]
    longest_bucket, longest_key = 63, max(template["Parameters"]["CodeKey"]["MaxLength"], len(f"{release.key_prefix()}.zip"))
    assert len(text) - len("${Bucket}${Key}") + longest_bucket + longest_key <= 256
    assert template["Resources"]["Provider"]["Properties"]["Description"] == version["Properties"]["Description"]


def test_service_token_has_no_version():
    """With a version, it would change with every release."""
    assert yaml.safe_load(TEMPLATE)["Outputs"]["ServiceToken"]["Value"] == {"Fn::GetAtt": ["Provider", "Arn"]}


def test_create_with_a_different_zip_is_rolled_back(aws, provider):
    other, key = release.ZIP.read_bytes() + b"\0", f"{release.key_prefix()}.zip"
    aws.upload("wrong-code", key, other)
    stack = Stack(aws, "wrong-code")
    assert stack.create(TEMPLATE, CodeBucket="wrong-code", FunctionName="wrong-code") == "ROLLBACK_COMPLETE"
    [version] = versions(yaml.safe_load(TEMPLATE))
    assert "CodeSHA256" in stack.failure_reason(version)
    # No log group is left that would block the next attempt.
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/wrong-code-")["logGroups"] == []


@pytest.mark.parametrize("location", [{"CodeBucket": "wrong-code"}, {"CodeKey": "other.zip"}])
def test_update_to_a_different_zip_at_another_location_is_rolled_back(aws, provider, code, location):
    other, key = release.ZIP.read_bytes() + b"\0", f"{release.key_prefix()}.zip"
    aws.upload("wrong-code", key, other)
    aws.upload("releases", "other.zip", other)
    stack = Stack(aws, "update-to-wrong-code")
    parameters = {**code, "FunctionName": "update-to-wrong-code"}
    assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
    assert stack.update(TEMPLATE, **{**parameters, **location}) == "UPDATE_ROLLBACK_COMPLETE"
    digest = base64.b64encode(hashlib.sha256(release.ZIP.read_bytes()).digest()).decode()
    configuration = aws.client("lambda").get_function_configuration(FunctionName="update-to-wrong-code")
    assert configuration["CodeSha256"] == digest
    assert stack.delete() == "DELETE_COMPLETE"


def test_update_to_the_same_zip_at_another_location_succeeds(aws, provider, code):
    stack = Stack(aws, "moved")
    parameters = {**code, "FunctionName": "moved"}
    assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
    aws.upload("releases", "same.zip", release.ZIP.read_bytes())
    assert stack.update(TEMPLATE, **parameters, CodeKey="same.zip") == "UPDATE_COMPLETE"
    # An update without a change of the code succeeds, too.
    assert stack.update(TEMPLATE, **parameters, CodeKey="same.zip", Timeout="77") == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def test_regional_bucket_name_includes_the_account(aws, provider, code):
    """CodeAccount, as in roll-out.yaml, or else the account of the stack."""
    for number, account in enumerate([{}, {"CodeAccount": PARTNER}]):
        bucket = f"for-each-region-{account.get('CodeAccount', ACCOUNT)}-{REGION}"
        release.upload(aws, bucket)
        stack = Stack(aws, f"for-each-region-{number}")
        parameters = {"CodeBucket": "for-each-region", "BucketForEachRegion": "true", "FunctionName": stack.name, **account}
        assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
        configuration = aws.client("lambda").get_function_configuration(FunctionName=stack.name)
        assert configuration["Description"] == f"Custom resource, from {bucket}/{release.key_prefix()}.zip"
        assert stack.delete() == "DELETE_COMPLETE"


def test_page_documents_the_additional_parameters():
    additional = [name for name in yaml.safe_load(TEMPLATE)["Parameters"] if f"\n  {name}:\n" not in SOURCE_TEMPLATE]
    page = (ROOT / "docs/install.md").read_text()
    assert additional
    assert [name for name in additional if f"`{name}`" not in page] == []


def test_every_parameter_is_applied_after_packaging(aws, provider, code):
    """SAM's transform would replace references to parameters by their defaults."""
    values = {"FunctionName": "packaged", "Timeout": "77", "MemorySize": "192", "Runtime": "provided.al2023", "MaximumEventAge": "600"}
    stack = Stack(aws, "packaged")
    assert stack.create(TEMPLATE, **code, **values, AllowPublic="true") == "CREATE_COMPLETE"
    client = aws.client("lambda")
    configuration = client.get_function_configuration(FunctionName="packaged")
    assert (configuration["Timeout"], configuration["MemorySize"], configuration["Runtime"]) == (77, 192, "provided.al2023")
    assert configuration["Environment"]["Variables"]["ALLOW_PUBLIC"] == "true"
    invoke = client.get_function_event_invoke_config(FunctionName="packaged", Qualifier="$LATEST")
    assert invoke["MaximumEventAgeInSeconds"] == 600
    assert stack.delete() == "DELETE_COMPLETE"


def test_service_token_is_unchanged_by_another_deployment_method(provider, code, stack, layer):
    token, version = provider.service_token, layer.publish()
    assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    with provider.with_parameters(Timeout="90"):
        assert provider.stack.update(TEMPLATE, **code) == "UPDATE_COMPLETE"
        assert provider.service_token == token
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_custom_code_key_is_deployed(aws, provider):
    aws.upload("releases", "custom/key.zip", release.ZIP.read_bytes())
    stack = Stack(aws, "custom-key")
    parameters = {"FunctionName": "custom-key", "CodeBucket": "releases", "CodeKey": "custom/key.zip"}
    assert stack.create(TEMPLATE, **parameters) == "CREATE_COMPLETE"
    code = aws.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
    assert {"ParameterKey": "CodeKey", "ParameterValue": "custom/key.zip"} in code["Parameters"]
    assert stack.delete() == "DELETE_COMPLETE"
