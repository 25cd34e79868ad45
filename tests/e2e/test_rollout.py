"""Roll-outs: the provider in every account and region, one for all accounts, and the way from one provider to another.

The engine has no StackSets: what the example gives to them is deployed here as they would, in each account and region.
"""

import json
import re

import pytest
import yaml

import release
from local_aws import ACCOUNT, REGION
from test_examples import Watch
from response_endpoint import HOST
from layer import Layer
from stack import Stack
from templates import EXAMPLES, OTHER_PARTNER, PARTNER, example, sharing

REGIONS = [REGION, "us-east-2"]


@pytest.fixture
def organization(engine) -> str:
    """The organization of the partner. The engine has one for each account, which is alone in it."""
    return engine.client("organizations", account=PARTNER).describe_organization()["Organization"]["Id"]


def given_to_stack_sets(parameters: dict[str, str]) -> dict:
    """The properties of the example's StackSet, with references put in."""

    class Template(yaml.SafeLoader):
        """Knows `!Ref`."""

    values = parameters | {"AWS::AccountId": ACCOUNT}
    Template.add_constructor("!Ref", lambda _loader, node: values[node.value])
    return yaml.load(example("roll-out"), Template)["Resources"]["Providers"]["Properties"]


def test_stack_set_deploys_a_provider_to_every_account_and_region(engine, provider, organization):
    urls = []
    for region in REGIONS:
        bucket = Stack(engine, "code-bucket", region=region)
        assert bucket.create(example("code-bucket"), Prefix="organizations-code", Organization=organization) == "CREATE_COMPLETE"
        assert bucket.outputs["Bucket"] == f"organizations-code-{ACCOUNT}-{region}"
        urls.append(release.upload(engine, bucket.outputs["Bucket"], region=region))
    parameters = {
        "TemplateURL": urls[0],
        "CodeBucket": "organizations-code",
        "OrganizationalUnits": "r-ab12",
        "Regions": ",".join(REGIONS),
        "AllowedPrincipals": f"{organization}, {OTHER_PARTNER}",
        "CallAs": "SELF",
    }
    roll_out = Stack(engine, "roll-out")
    assert roll_out.create(example("roll-out"), **parameters) == "CREATE_COMPLETE"
    set_ = given_to_stack_sets(parameters)
    assert set_["PermissionModel"] == "SERVICE_MANAGED"
    assert set_["AutoDeployment"]["Enabled"]

    bucket, key = set_["TemplateURL"].split("/", 4)[3:]
    template = engine.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in set_["Parameters"]}
    for region in set_["StackInstancesGroup"][0]["Regions"].split(","):
        instance = Stack(engine, "StackSet-layer-permission-provider", region=region, account=PARTNER)
        assert instance.create(template, **given, ResponseHosts=f"http://{HOST}") == "CREATE_COMPLETE"
        assert instance.outputs["ServiceToken"] == f"arn:aws:lambda:{region}:{PARTNER}:function:layer-permission-provider"

        layer = Layer(engine, "tools", region=region, account=PARTNER)
        version = layer.publish()
        share, refused = (Stack(engine, name, region=region, account=PARTNER) for name in ("share", "refused"))
        in_organization = example("share-with-an-organization")
        assert share.create(in_organization, LayerVersionArn=version, Organization=organization) == "CREATE_COMPLETE"
        assert refused.create(example("share-with-an-account"), LayerVersionArn=version, Account=ACCOUNT) == "ROLLBACK_COMPLETE"
        assert "principal not allowed" in refused.reason("Share")
        assert [stack.delete() for stack in (share, refused)] == ["DELETE_COMPLETE"] * 2
        assert layer.policy(version) == {}
        assert instance.delete() == "DELETE_COMPLETE"


def test_code_bucket_is_readable_only_by_the_organization(engine, provider, organization):
    bucket = Stack(engine, "read-by-organization")
    bucket.create(example("code-bucket"), Prefix="read-by", Organization=organization)
    name = bucket.outputs["Bucket"]
    release.upload(engine, name)

    def reads(account: str) -> bool:
        s3 = engine.client("s3", account=account)
        try:
            s3.get_object(Bucket=name, Key=f"{release.key()}.zip")
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            return False
        return True

    assert [reads(account) for account in (PARTNER, OTHER_PARTNER)] == [True, False]
    with pytest.raises(engine.client("s3").exceptions.ClientError, match="AccessDenied"):
        engine.client("s3", account=PARTNER).put_object(Bucket=name, Key=f"{release.key()}.zip", Body=b"evil")


@pytest.fixture
def central(engine, provider, organization):
    """A provider for the organization of the partner; it may share the layers `shared-…`."""
    stack = Stack(engine, "central")
    where = {"TemplateURL": release.upload(engine, "central-code"), "CodeBucket": "central-code", "ResponseHosts": f"http://{HOST}"}
    assert stack.create(example("central-provider"), Organization=organization, LayerNames="shared-*", **where) == "CREATE_COMPLETE"
    yield stack.outputs["ServiceToken"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_stack_of_another_account_shares_through_the_central_provider(engine, central, organization):
    layer = Layer(engine, "shared-tools")
    version = layer.publish()
    theirs, strangers = (Stack(engine, "by-central", account=account) for account in (PARTNER, OTHER_PARTNER))
    parameters = {"ServiceToken": central, "LayerVersionArn": version, "Organization": organization}

    assert theirs.create(example("share-by-a-central-provider"), **parameters) == "CREATE_COMPLETE"
    assert [layer.may_be_used_by(account, version) for account in (PARTNER, OTHER_PARTNER)] == [True, False]
    assert strangers.create(example("share-by-a-central-provider"), **parameters) == "ROLLBACK_COMPLETE"
    assert theirs.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_central_provider_enforces_its_guardrails_on_other_accounts(engine, central, organization):
    # What is refused by IAM is waited for, since IAM may be late; so it gets little time.
    client = engine.client("lambda")
    client.update_function_configuration(FunctionName="central-layer-permission-provider", Timeout=4)
    shared, private = Layer(engine, "shared-more").publish(), Layer(engine, "private").publish()
    to_organization = {"Principal": "*", "OrganizationId": organization}
    for number, (properties, reason) in enumerate(
        [
            ({"LayerVersionArn": shared, "Principal": "*"}, "public grant not allowed"),
            ({"LayerVersionArn": shared, "Principal": OTHER_PARTNER}, "principal not allowed"),
            ({"LayerVersionArn": shared, "Principal": PARTNER}, "principal not allowed"),
            ({"LayerVersionArn": private, **to_organization, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any"}, "role not assumable"),
            ({"LayerVersionArn": private, **to_organization}, "access denied"),
        ]
    ):
        stack = Stack(engine, f"too-far-{number}", account=PARTNER)
        template = sharing(ServiceToken=central, **properties)
        assert stack.create(template) == "ROLLBACK_COMPLETE"
        assert reason in stack.reason("Sharing")


@pytest.mark.parametrize("properties", [{"Principal": PARTNER, "StatementId": "somebody-elses"}, {}])
def test_caller_of_the_central_provider_can_revoke_by_statement_id(engine, central, properties):
    """What the table in the examples' README warns of: an event is the caller's word, also for who made a statement."""
    layer, private = Layer(engine, "shared-by-others"), Layer(engine, "private-to-others")
    version, out_of_reach = layer.publish(), private.publish()
    for of, arn in ((layer, version), (private, out_of_reach)):
        of.share(arn, "somebody-elses", PARTNER)
    # The account's own, as the engine does not look for a function that is invoked in other accounts.
    client, gate = engine.client("lambda"), engine.gate
    for arn in (version, out_of_reach):
        event = {
            "RequestType": "Delete",
            "StackId": "arn:aws:cloudformation:eu-west-1:999988887777:stack/of-nobody/1",
            "RequestId": "1",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::LayerVersionPermission",
            "PhysicalResourceId": f"{arn}#somebody-elses",
            "ResourceProperties": {"ServiceToken": central, "LayerVersionArn": arn, **properties},
        }
        event["ResponseURL"] = gate.admit(event)
        client.invoke(FunctionName=central, Payload=json.dumps(event))
        answer = gate.answer_to(event["ResponseURL"], 30)
        assert answer["Status"] == ("SUCCESS" if arn == version else "FAILED")

    assert layer.policy(version) == {}
    assert private.policy(out_of_reach).keys() == {"somebody-elses"}


@pytest.fixture
def other_provider(engine, provider):
    stack = Stack(engine, "other-provider")
    release.upload(engine, "releases")
    where = {"CodeBucket": "releases", "FunctionName": "other-provider", "ResponseHosts": f"http://{HOST}"}
    assert stack.create(release.PACKAGED.read_text(), **where) == "CREATE_COMPLETE"
    yield stack.outputs["ServiceToken"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_move_to_another_provider_never_interrupts_access(stack, provider, other_provider, layer):
    version, template = layer.publish(), example("move-to-another-provider")
    tokens = {"OldServiceToken": provider.service_token, "NewServiceToken": other_provider}
    parameters = {**tokens, "LayerVersionArn": version, "Account": PARTNER}
    assert stack.create(template, Step="1", **parameters) == "CREATE_COMPLETE"

    with Watch(lambda: layer.may_be_used_by(PARTNER, version)) as watch:
        for step, statements in [("2", {"partner", "partner-account"}), ("3", {"partner-account"})]:
            assert stack.update(template, Step=step, **parameters) == "UPDATE_COMPLETE"
            assert layer.policy(version).keys() == statements
    assert watch.looks > 10
    assert watch.lapses == 0
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_grant_survives_a_deleted_provider_and_is_adopted_by_another(engine, stack, other_provider, layer):
    version = layer.publish()
    lost = Stack(engine, "lost-provider")
    where = {"CodeBucket": "releases", "FunctionName": "lost-provider", "ResponseHosts": f"http://{HOST}"}
    assert lost.create(release.PACKAGED.read_text(), **where) == "CREATE_COMPLETE"
    grant = {"LayerVersionArn": version, "Principal": PARTNER, "StatementId": "partner"}
    lost_token = lost.outputs["ServiceToken"]
    assert stack.create(sharing(ServiceToken=lost_token, **grant)) == "CREATE_COMPLETE"
    assert lost.delete() == "DELETE_COMPLETE"

    kept = sharing({"DeletionPolicy": "Retain"}, ServiceToken=lost_token, **grant)
    assert stack.update(kept) == "UPDATE_COMPLETE"
    new = sharing(ServiceToken=other_provider, **grant)
    renamed = json.loads(json.dumps(new).replace("Sharing", "SharingAnew"))
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
    given = re.search(r"parameters = \{\n(.*?)\n  \}", snippet, re.DOTALL)[1]

    class Plain(yaml.SafeLoader):
        """Takes `!Ref` and the like for what they hold."""

    Plain.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))
    template = yaml.load((EXAMPLES / name).read_text(), Plain)
    assert re.findall(r"^    (\w+) ", given, re.MULTILINE) == list(template["Parameters"])
    assert re.findall(r'outputs\["(\w+)"\]', snippet) == list(template["Outputs"])
