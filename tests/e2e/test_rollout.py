"""Deployments to an organization: a provider in every account and region, a central provider, and the move to another provider.

MiniStack has no StackSets: the tests deploy the stack instances of the example themselves, in each account and region.
"""

import json
import re

import pytest
import yaml

import release
from access_monitor import AccessMonitor
from layer import Layer, layer_content
from local_aws import ACCOUNT, REGION
from response_endpoint import HOST
from stack import Stack
from templates import EXAMPLES, NOT_OWNED, OTHER_PARTNER, PARTNER, example, sharing_template

REGIONS = [REGION, "us-east-2"]


@pytest.fixture
def organization(aws) -> str:
    """The organization of the partner. MiniStack has one for each account, without other members."""
    return aws.client("organizations", account=PARTNER).describe_organization()["Organization"]["Id"]


def stack_set_properties(parameters: dict[str, str]) -> dict:
    """The properties of the example's StackSet, with references resolved."""

    class Template(yaml.SafeLoader):
        """Resolves `!Ref`."""

    values = parameters | {"AWS::AccountId": ACCOUNT}
    Template.add_constructor("!Ref", lambda _loader, node: values[node.value])
    return yaml.load(example("roll-out"), Template)["Resources"]["Providers"]["Properties"]


def test_stack_set_deploys_a_provider_to_every_account_and_region(aws, provider, organization):
    urls = []
    for region in REGIONS:
        bucket = Stack(aws, "code-bucket", region=region)
        assert bucket.create(example("code-bucket"), Prefix="organizations-code", Organization=organization) == "CREATE_COMPLETE"
        assert bucket.outputs["Bucket"] == f"organizations-code-{ACCOUNT}-{region}"
        urls.append(release.upload(aws, bucket.outputs["Bucket"], region=region))
    parameters = {
        "TemplateURL": urls[0],
        "CodeBucket": "organizations-code",
        "OrganizationalUnits": "r-ab12",
        "Regions": ",".join(REGIONS),
        "AllowedPrincipals": f"{organization}, {OTHER_PARTNER}",
        "CallAs": "SELF",
    }
    roll_out = Stack(aws, "roll-out")
    assert roll_out.create(example("roll-out"), **parameters) == "CREATE_COMPLETE"
    stack_set = stack_set_properties(parameters)
    assert stack_set["PermissionModel"] == "SERVICE_MANAGED"
    assert stack_set["AutoDeployment"]["Enabled"]

    bucket, key = stack_set["TemplateURL"].split("/", 4)[3:]
    template = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    stack_set_parameters = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack_set["Parameters"]}
    for region in stack_set["StackInstancesGroup"][0]["Regions"].split(","):
        instance = Stack(aws, "StackSet-lambda-permission-provider", region=region, account=PARTNER)
        assert instance.create(template, **stack_set_parameters, ResponseHosts=f"http://{HOST}") == "CREATE_COMPLETE"
        assert instance.outputs["ServiceToken"] == f"arn:aws:lambda:{region}:{PARTNER}:function:lambda-permission-provider"

        layer = Layer(aws, "tools", region=region, account=PARTNER)
        version = layer.publish()
        share, denied = (Stack(aws, name, region=region, account=PARTNER) for name in ("share", "denied"))
        in_organization = example("share-with-an-organization")
        assert share.create(in_organization, LayerVersionArn=version, Organization=organization) == "CREATE_COMPLETE"
        assert denied.create(example("share-with-an-account"), LayerVersionArn=version, Account=ACCOUNT) == "ROLLBACK_COMPLETE"
        assert "principal not allowed" in denied.failure_reason("Share")
        assert [stack.delete() for stack in (share, denied)] == ["DELETE_COMPLETE"] * 2
        assert layer.policy(version) == {}
        assert instance.delete() == "DELETE_COMPLETE"


def test_code_bucket_is_readable_only_by_the_organization(aws, provider, organization):
    bucket = Stack(aws, "read-by-organization")
    bucket.create(example("code-bucket"), Prefix="read-by", Organization=organization)
    name = bucket.outputs["Bucket"]
    release.upload(aws, name)

    def can_read(account: str) -> bool:
        s3 = aws.client("s3", account=account)
        try:
            s3.get_object(Bucket=name, Key=f"{release.key_prefix()}.zip")
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            return False
        return True

    assert [can_read(account) for account in (PARTNER, OTHER_PARTNER)] == [True, False]
    with pytest.raises(aws.client("s3").exceptions.ClientError, match="AccessDenied"):
        aws.client("s3", account=PARTNER).put_object(Bucket=name, Key=f"{release.key_prefix()}.zip", Body=b"other")


@pytest.fixture
def central(aws, provider, organization):
    """A provider for the partner's organization, which may share layers whose names begin with `shared-`."""
    stack = Stack(aws, "central")
    parameters = {"TemplateURL": release.upload(aws, "central-code"), "CodeBucket": "central-code", "ResponseHosts": f"http://{HOST}"}
    assert stack.create(example("central-provider"), Organization=organization, LayerNames="shared-*", **parameters) == "CREATE_COMPLETE"
    yield stack.outputs["ServiceToken"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_stack_of_another_account_shares_through_the_central_provider(aws, central, organization):
    layer = Layer(aws, "shared-tools")
    version = layer.publish()
    member, other = (Stack(aws, "by-central", account=account) for account in (PARTNER, OTHER_PARTNER))
    parameters = {"ServiceToken": central, "LayerVersionArn": version, "Organization": organization}

    assert member.create(example("share-by-a-central-provider"), **parameters) == "CREATE_COMPLETE"
    assert [layer.is_usable_by(account, version) for account in (PARTNER, OTHER_PARTNER)] == [True, False]
    assert other.create(example("share-by-a-central-provider"), **parameters) == "ROLLBACK_COMPLETE"
    assert member.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_central_provider_enforces_its_guardrails_on_other_accounts(aws, central, organization):
    # The provider retries access denied errors, because IAM is eventually consistent; a short timeout ends the retries.
    client = aws.client("lambda")
    client.update_function_configuration(FunctionName="central-lambda-permission-provider", Timeout=4)
    shared, private = Layer(aws, "shared-more").publish(), Layer(aws, "private").publish()
    to_organization = {"Principal": "*", "OrganizationId": organization}
    for number, (properties, reason) in enumerate(
        [
            ({"LayerVersionArn": shared, "Principal": "*"}, "public grant not allowed"),
            ({"LayerVersionArn": shared, "Principal": OTHER_PARTNER}, "principal not allowed"),
            ({"LayerVersionArn": shared, "Principal": PARTNER}, "principal not allowed"),
            ({"LayerVersionArn": private, **to_organization, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any"}, "cannot assume role"),
            ({"LayerVersionArn": private, **to_organization}, "access denied"),
        ]
    ):
        stack = Stack(aws, f"denied-{number}", account=PARTNER)
        template = sharing_template(ServiceToken=central, **properties)
        assert stack.create(template) == "ROLLBACK_COMPLETE"
        assert reason in stack.failure_reason("Sharing")


@pytest.mark.parametrize("properties", [{"Principal": PARTNER, "StatementId": NOT_OWNED}, {}])
def test_caller_of_the_central_provider_can_revoke_by_statement_id(aws, central, properties):
    """Documented in the examples' README: the provider cannot verify which stack an event belongs to."""
    layer, private = Layer(aws, "shared-by-others"), Layer(aws, "private-to-others")
    version, out_of_reach = layer.publish(), private.publish()
    for owner, arn in ((layer, version), (private, out_of_reach)):
        owner.add_statement(arn, NOT_OWNED, PARTNER)
    # In the provider's own account, because MiniStack does not invoke functions of other accounts.
    client, response_endpoint = aws.client("lambda"), aws.response_endpoint
    for arn in (version, out_of_reach):
        event = {
            "RequestType": "Delete",
            "StackId": "arn:aws:cloudformation:eu-west-1:999988887777:stack/unknown/1",
            "RequestId": "1",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::LayerVersionPermission",
            "PhysicalResourceId": f"{arn}#{NOT_OWNED}",
            "ResourceProperties": {"ServiceToken": central, "LayerVersionArn": arn, **properties},
        }
        event["ResponseURL"] = response_endpoint.register(event)
        client.invoke(FunctionName=central, Payload=json.dumps(event))
        response = response_endpoint.wait_for_response(event["ResponseURL"], 30)
        assert response["Status"] == ("SUCCESS" if arn == version else "FAILED")

    assert layer.policy(version) == {}
    assert private.policy(out_of_reach).keys() == {NOT_OWNED}


@pytest.fixture
def other_provider(aws, provider):
    stack = Stack(aws, "other-provider")
    release.upload(aws, "releases")
    parameters = {"CodeBucket": "releases", "FunctionName": "other-provider", "ResponseHosts": f"http://{HOST}"}
    assert stack.create(release.PACKAGED.read_text(), **parameters) == "CREATE_COMPLETE"
    yield stack.outputs["ServiceToken"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_move_to_another_provider_never_interrupts_access(stack, provider, other_provider, layer):
    version, template = layer.publish(), example("move-to-another-provider")
    tokens = {"OldServiceToken": provider.service_token, "NewServiceToken": other_provider}
    parameters = {**tokens, "LayerVersionArn": version, "Account": PARTNER}
    assert stack.create(template, Step="1", **parameters) == "CREATE_COMPLETE"

    with AccessMonitor(lambda: layer.is_usable_by(PARTNER, version)) as monitor:
        for step, statements in [("2", {"partner", "partner-account"}), ("3", {"partner-account"})]:
            assert stack.update(template, Step=step, **parameters) == "UPDATE_COMPLETE"
            assert layer.policy(version).keys() == statements
    assert monitor.checks > 10
    assert monitor.interruptions == 0
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_grant_survives_a_deleted_provider_and_is_adopted_by_another(aws, stack, other_provider, layer):
    version = layer.publish()
    deleted = Stack(aws, "deleted-provider")
    parameters = {"CodeBucket": "releases", "FunctionName": "deleted-provider", "ResponseHosts": f"http://{HOST}"}
    assert deleted.create(release.PACKAGED.read_text(), **parameters) == "CREATE_COMPLETE"
    grant = {"LayerVersionArn": version, "Principal": PARTNER, "StatementId": "partner"}
    old_token = deleted.outputs["ServiceToken"]
    assert stack.create(sharing_template(ServiceToken=old_token, **grant)) == "CREATE_COMPLETE"
    assert deleted.delete() == "DELETE_COMPLETE"

    kept = sharing_template({"DeletionPolicy": "Retain"}, ServiceToken=old_token, **grant)
    assert stack.update(kept) == "UPDATE_COMPLETE"
    new = sharing_template(ServiceToken=other_provider, **grant)
    renamed = json.loads(json.dumps(new).replace("Sharing", "SharingRenamed"))
    assert stack.update(renamed) == "UPDATE_COMPLETE"
    assert layer.policy(version).keys() == {"partner"}
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


@pytest.mark.parametrize("name", ["roll-out", "central-provider"])
def test_examples_require_https_and_a_supported_runtime(name):
    assert "AllowedPattern: 'https://[^ ]+'" in example(name)
    assert "http://" not in example(name)
    assert re.search("Runtime(: |, ParameterValue: )provided.al2023", example(name))


def test_code_bucket_denies_requests_without_tls():
    policy = example("code-bucket").split("Sid: DenyWithoutTls")[1]
    for line in ("Effect: Deny", "Principal: '*'", "Action: s3:*", "- !GetAtt Code.Arn", "- !Sub ${Code.Arn}/*"):
        assert line in policy
    assert "Bool: {aws:SecureTransport: 'false'}" in policy


def test_terraform_example_matches_the_parameters_of_its_template():
    snippet = (EXAMPLES / "share-with-terraform.tf").read_text()
    (name,) = re.findall(r'template_body = file\("\$\{path.module\}/(.*)"\)', snippet)
    parameters = re.search(r"parameters = \{\n(.*?)\n  \}", snippet, re.DOTALL)[1]

    class Plain(yaml.SafeLoader):
        """Replaces intrinsic functions by their arguments."""

    Plain.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))
    template = yaml.load((EXAMPLES / name).read_text(), Plain)
    assert re.findall(r"^    (\w+) ", parameters, re.MULTILINE) == list(template["Parameters"])
    assert re.findall(r'outputs\["(\w+)"\]', snippet) == list(template["Outputs"])


def test_nested_application_shares_a_layer_with_its_own_provider(aws, provider):
    """The local AWS has no repository of applications: the template's location is that of the release instead, with the parameters that
    an application has not."""
    template = example("nested-application")
    location = "        ApplicationId: !Ref ApplicationId\n        SemanticVersion: 0.1.0\n"
    assert location in template and "      Location:\n" in template
    url = release.upload(aws, "nested-code")
    more = f"        CodeBucket: nested-code\n        FunctionName: nested\n        ResponseHosts: http://{HOST}\n"
    template = template.replace(f"      Location:\n{location}      Parameters:\n", f"      Location: {url}\n      Parameters:\n{more}")
    aws.upload("nested-code", "layer.zip", layer_content())
    template = template.replace("ContentUri: layer", "ContentUri: s3://nested-code/layer.zip")
    stack = Stack(aws, "nested-application")
    # Not with a LayerName: the local AWS transforms the template with the parameters' defaults.
    assert stack.create(template, ApplicationId="unused", Account=PARTNER) == "CREATE_COMPLETE"
    layer = Layer(aws, "tools")
    version = layer.versions()[-1]
    assert layer.is_usable_by(PARTNER, version)
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}
