"""The examples: each is deployed unchanged, and has the documented effect."""

import json
import pathlib
import re
import shlex

import jmespath
import pytest

from access_monitor import AccessMonitor
from iam_user import IamUser
from layer import Layer, layer_content
from local_aws import ACCOUNT, REGION
from stack import Stack
from templates import EXAMPLES, NOT_OWNED, OTHER_PARTNER, PARTNER, example

README = (EXAMPLES / "README.md").read_text()


@pytest.fixture
def version(layer):
    return layer.publish()


@pytest.fixture
def organization(aws) -> str:
    """The organization of the partner. MiniStack has one for each account, without other members."""
    return aws.client("organizations", account=PARTNER).describe_organization()["Organization"]["Id"]


def usable_by_partners(layer: Layer, version: str) -> list[bool]:
    """Whether the two partner accounts can use it."""
    return [layer.is_usable_by(account, version) for account in (PARTNER, OTHER_PARTNER)]


def test_every_example_is_tested_and_documented():
    tests = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("*.py"))
    names = [path.stem for path in EXAMPLES.glob("*.yaml")]

    assert names
    assert [name for name in names if f'example("{name}")' not in tests or f"({name}.yaml)" not in README] == []


def test_shared_layer_is_usable_by_the_account(stack, layer, version):
    assert usable_by_partners(layer, version) == [False, False]

    assert stack.create(example("share-with-an-account"), LayerVersionArn=version, Account=PARTNER) == "CREATE_COMPLETE"
    assert usable_by_partners(layer, version) == [True, False]
    assert json.loads(stack.outputs["Statement"]) in layer.policy(version).values()

    assert stack.delete() == "DELETE_COMPLETE"
    assert usable_by_partners(layer, version) == [False, False]


def test_layer_shared_with_an_organization_is_usable_by_its_accounts(stack, layer, version, organization):
    template = example("share-with-an-organization")

    assert stack.create(template, LayerVersionArn=version, Organization=organization) == "CREATE_COMPLETE"
    assert usable_by_partners(layer, version) == [True, False]

    assert stack.delete() == "DELETE_COMPLETE"
    assert usable_by_partners(layer, version) == [False, False]


def test_update_of_a_principal_list_changes_single_principals(stack, layer, version, organization):
    template = example("share-with-a-list")

    partners = f"{OTHER_PARTNER},{organization}"
    assert stack.create(template, LayerVersionArn=version, Partners=partners) == "CREATE_COMPLETE"
    assert usable_by_partners(layer, version) == [True, True]
    assert set(stack.outputs["StatementIds"].split(",")) == set(layer.policy(version))

    assert stack.update(template, LayerVersionArn=version, Partners=organization) == "UPDATE_COMPLETE"
    assert usable_by_partners(layer, version) == [True, False]

    assert stack.delete() == "DELETE_COMPLETE"
    assert usable_by_partners(layer, version) == [False, False]


def test_all_versions_are_shared_and_retained_after_stack_deletion(aws, stack):
    template, layer = example("share-every-version"), Layer(aws, f"{stack.name}-tools")

    def content(key: str) -> dict[str, str]:
        aws.upload("contents", key, layer_content())
        return {"Bucket": "contents", "Key": key}

    assert stack.create(template, Partners=PARTNER, **content("1.zip")) == "CREATE_COMPLETE"
    for number in (2, 3):
        partners = f"{PARTNER},{OTHER_PARTNER}"
        assert stack.update(template, Partners=partners, **content(f"{number}.zip")) == "UPDATE_COMPLETE"
    versions = layer.versions()
    assert versions == [f"{layer.arn}:{number}" for number in (1, 2, 3)]
    assert stack.outputs["LayerVersionArn"] == versions[-1]
    assert [usable_by_partners(layer, version) for version in versions] == [[True, True]] * 3

    assert stack.update(template, Partners=OTHER_PARTNER, **content("3.zip")) == "UPDATE_COMPLETE"
    assert [usable_by_partners(layer, version) for version in versions] == [[False, True]] * 3

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.versions() == versions
    assert [usable_by_partners(layer, version) for version in versions] == [[False, False]] * 3


def test_newest_versions_are_shared(stack, layer):
    template, versions = example("share-newest-versions"), [layer.publish() for _ in range(3)]

    def usable() -> list[bool]:
        return [layer.is_usable_by(PARTNER, version) for version in versions]

    assert stack.create(template, LayerVersionArn=versions[-1], Partners=PARTNER, Newest="2") == "CREATE_COMPLETE"
    assert usable() == [False, True, True]

    versions.append(layer.publish())
    assert stack.update(template, LayerVersionArn=versions[-1], Partners=PARTNER, Newest="2") == "UPDATE_COMPLETE"
    assert usable() == [False, False, True, True]

    assert stack.update(template, LayerVersionArn=versions[-1], Partners=PARTNER, Newest="3") == "UPDATE_COMPLETE"
    assert usable() == [False, True, True, True]

    assert stack.delete() == "DELETE_COMPLETE"
    assert usable() == [False] * 4


def test_cross_account_layer_is_shared_by_an_assumed_role(provider, stack, layer_owner):
    layer, role = layer_owner.layer("tools-of-the-owner"), layer_owner.role
    version, template = layer.publish(), example("share-another-accounts-layer")
    layer.add_statement(version, NOT_OWNED, "999988887777")
    parameters = {"LayerVersionArn": version, "RoleArn": role, "ExternalId": layer_owner.external_id}

    with provider.with_parameters(AssumableRoles=role):
        assert stack.create(template, Account=PARTNER, **parameters) == "CREATE_COMPLETE"
        assert usable_by_partners(layer, version) == [True, False]
        assert stack.update(template, Account=OTHER_PARTNER, **parameters) == "UPDATE_COMPLETE"
        assert usable_by_partners(layer, version) == [False, True]
        assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version).keys() == {NOT_OWNED}


def test_cross_account_grant_fails_unless_provider_and_role_both_allow_it(aws, provider, stack, layer_owner):
    layer, role = layer_owner.layer("tools-of-the-owner"), layer_owner.role
    version, template = layer.publish(), example("share-another-accounts-layer")
    second = Stack(aws, f"{stack.name}-second")

    def failure(stack: Stack, external_id: str) -> str:
        parameters = {"LayerVersionArn": version, "Account": PARTNER, "RoleArn": role, "ExternalId": external_id}
        assert stack.create(template, **parameters) == "ROLLBACK_COMPLETE"
        return stack.failure_reason("Share")

    # The provider retries both, because IAM is eventually consistent; a short timeout ends the retries.
    with provider.with_configuration(timeout=4):
        reasons = [failure(stack, layer_owner.external_id)]
    with provider.with_parameters(AssumableRoles=role), provider.with_configuration(timeout=4):
        reasons.append(failure(second, "wrong-external-id"))

    assert ["cannot assume role: got `AccessDenied` (" in reason for reason in reasons] == [True, True]
    assert ["no identity-based policy allows" in reason for reason in reasons] == [True, False]
    assert layer.policy(version) == {}


def test_migration_from_the_native_type_never_interrupts_access(stack, layer, version):
    template, parameters = example("migrate"), {"LayerVersionArn": version, "Account": PARTNER}
    assert stack.create(template, Step="1", **parameters) == "CREATE_COMPLETE"
    (native,) = layer.policy(version)

    with AccessMonitor(lambda: layer.is_usable_by(PARTNER, version)) as monitor:
        for step, statements in [("2", {native, "partner"}), ("3", {"partner"}), ("2", {native, "partner"}), ("1", {native})]:
            assert stack.update(template, Step=step, **parameters) == "UPDATE_COMPLETE"
            assert layer.policy(version).keys() == statements
        assert stack.update(template, Step="3", **parameters) == "UPDATE_COMPLETE"
        assert layer.policy(version).keys() == {"partner"}
    assert monitor.checks > 20
    assert monitor.interruptions == 0

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


ALLOWED = [f"arn:aws:lambda:{REGION}:111122223333:layer:any:7", f"arn:aws:lambda:{REGION}:444455556666:layer:tools-x:1"]
OTHER = [f"arn:aws:lambda:{REGION}:444455556666:layer:mining:1", f"arn:aws:lambda:{REGION}:999988887777:layer:tools-x:1"]


def test_iam_policy_restricts_functions_to_allowed_layers(aws, provider, stack):
    assert stack.create(example("restrict-layers")) == "CREATE_COMPLETE"

    with IamUser(aws, "deployer", provider.role) as user:
        user.attach_policy(stack.outputs["PolicyArn"])
        assert_only_allowed_layers_are_usable(user)


def test_service_control_policy_restricts_functions_to_allowed_layers(aws, provider, stack):
    aws.client("organizations").describe_organization()  # creates it
    with IamUser(aws, "administrator", provider.role) as user:
        user.attach_policy("arn:aws:iam::aws:policy/AdministratorAccess")
        assert user.can_use_layers(OTHER)

        assert stack.create(example("restrict-layers"), Targets=ACCOUNT) == "CREATE_COMPLETE"
        assert_only_allowed_layers_are_usable(user)
        assert stack.delete() == "DELETE_COMPLETE"

        assert user.can_use_layers(OTHER)


def assert_only_allowed_layers_are_usable(user: IamUser):
    for layers in ([], [ALLOWED[0]], ALLOWED, None):
        assert user.can_use_layers(layers), layers
    for other in OTHER:
        for layers in ([other], [ALLOWED[0], other], [other, ALLOWED[1]]):
            assert not user.can_use_layers(layers), layers


def test_service_control_policy_lets_only_the_provider_share(aws, provider, stack, layer, version):
    aws.client("organizations").describe_organization()  # creates it
    sharing = Stack(aws, f"{stack.name}-sharing")
    with IamUser(aws, "sharer", provider.role) as user:
        user.attach_policy("arn:aws:iam::aws:policy/AdministratorAccess")
        assert user.can_share(layer.name, 1, provider.name)

        assert stack.create(example("only-the-provider-shares"), Targets=ACCOUNT) == "CREATE_COMPLETE"
        assert not user.can_share(layer.name, 1, provider.name)
        share = example("share-with-an-account")
        assert sharing.create(share, LayerVersionArn=version, Account=PARTNER) == "CREATE_COMPLETE"
        assert len(layer.policy(version)) == 1
        assert sharing.delete() == "DELETE_COMPLETE"

        # Roles that are not those of the provider are denied like everybody else.
        others = f"arn:aws:iam::{ACCOUNT}:role/somebody-else"
        assert stack.delete() == "DELETE_COMPLETE"
        stack = Stack(aws, f"{stack.name}-others")
        assert stack.create(example("only-the-provider-shares"), Targets=ACCOUNT, Roles=others) == "CREATE_COMPLETE"
        with provider.with_configuration(timeout=4):
            assert sharing.create(share, LayerVersionArn=version, Account=PARTNER) == "ROLLBACK_COMPLETE"
        assert "access denied: got `AccessDeniedException`" in sharing.failure_reason("Share")
        assert stack.delete() == "DELETE_COMPLETE"
        assert user.can_share(layer.name, 1, provider.name)


SESSION = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/x/y"}


@pytest.mark.parametrize(
    ("event", "identity", "is_reported"),
    [
        ("AddLayerVersionPermission20181031", "arn:aws:iam::999988887777:role/lambda-permission-provider-ExecutionRole-AB12", False),
        ("AddPermission20150331v2", f"arn:aws:iam::{ACCOUNT}:role/lambda-permission-provider-ExecutionRole-AB12", False),
        ("AddLayerVersionPermission20181031", f"arn:aws:iam::{ACCOUNT}:role/administrator", True),
        ("AddPermission20150331v2", f"arn:aws:iam::{ACCOUNT}:role/administrator", True),
        ("PutResourcePolicy20260709", f"arn:aws:iam::{ACCOUNT}:role/administrator", True),
        ("AddLayerVersionPermission20181031", None, True),
        ("RemoveLayerVersionPermission20181031", f"arn:aws:iam::{ACCOUNT}:role/administrator", False),
        ("Invoke", None, False),
    ],
)
@pytest.mark.parametrize("error", [None, "AccessDenied"])
def test_rule_reports_grants_of_others(aws, stack, event, identity, is_reported, error):
    topic = aws.client("sns").create_topic(Name="grants")["TopicArn"]
    assert stack.create(example("only-the-provider-shares"), Topic=topic) == "CREATE_COMPLETE"
    events = aws.client("events")
    (rule,) = (rule for rule in events.list_rules()["Rules"] if rule["Name"].startswith(stack.name))
    user = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/somebody"}
    detail = {
        "eventSource": "lambda.amazonaws.com",
        "eventName": event,
        "userIdentity": SESSION | {"sessionContext": {"sessionIssuer": {"type": "Role", "arn": identity}}} if identity else user,
    }
    if error:
        detail["errorCode"] = error
    call = {
        "id": "1",
        "source": "aws.lambda",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": REGION,
        "time": "2026-01-31T12:00:00Z",
        "resources": [],
        "detail": detail,
    }
    matches = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(call))["Result"]
    assert matches == (is_reported and error is None)
    assert stack.delete() == "DELETE_COMPLETE"


def test_documented_cli_commands_show_the_policy(aws, stack, layer, version):
    stack.create(example("share-with-an-account"), LayerVersionArn=version, Account=PARTNER)
    pages = README + (EXAMPLES.parent / "docs/migrate.md").read_text()
    readme = pages.replace("arn:aws:lambda:eu-west-1:123456789012:layer:tools:1", version)
    readme = readme.replace("--layer-name tools ", f"--layer-name {layer.name} ")
    commands = {shlex.split(command)[2]: command for command in re.findall(r"^    (aws lambda .*)$", readme, re.MULTILINE)}

    policy = json.loads(run(aws, commands["get-layer-version-policy"]))
    assert policy["Statement"] == list(layer.policy(version).values())
    assert run(aws, commands["list-layer-versions"]) == [version]
    assert run(aws, commands["get-layer-version-by-arn"], account=PARTNER) == 1

    statement_id = next(iter(layer.policy(version)))
    run(aws, commands["remove-layer-version-permission"].replace("<its Sid>", statement_id))
    assert layer.policy(version) == {}


def run(aws, command: str, **client: str):
    """Runs a command of the AWS CLI with boto3, and returns its output: both are generated from the same service model."""
    _aws, service, operation, *options = shlex.split(command)
    options = dict(zip(options[::2], options[1::2], strict=True))
    query = options.pop("--query", "@")
    options.pop("--output", None)
    arguments = {name.removeprefix("--").title().replace("-", ""): value for name, value in options.items()}
    arguments |= {name: int(value) for name, value in arguments.items() if name == "VersionNumber"}
    response = getattr(aws.client(service, **client), operation.replace("-", "_"))(**arguments)
    return jmespath.search(query, response)
