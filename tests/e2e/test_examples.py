"""The examples: each is deployed as it stands, and does what it says."""

import json
import pathlib
import re
import shlex
import threading

import jmespath
import pytest

from local_aws import ACCOUNT, REGION
from layer import Layer, layer_content
from stack import Stack
from templates import EXAMPLES, OTHER_PARTNER, PARTNER, example
from iam_user import User

README = (EXAMPLES / "README.md").read_text()
FOREIGN = "somebody-elses"


@pytest.fixture
def version(layer):
    return layer.publish()


@pytest.fixture
def organization(engine) -> str:
    """The organization of the partner. The engine has one for each account, which is alone in it."""
    return engine.client("organizations", account=PARTNER).describe_organization()["Organization"]["Id"]


def users(layer: Layer, version: str) -> list[bool]:
    """Whether the partner and the other one may use it."""
    return [layer.may_be_used_by(account, version) for account in (PARTNER, OTHER_PARTNER)]


def test_every_example_is_tested_and_documented():
    tests = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("*.py"))
    names = [path.stem for path in EXAMPLES.glob("*.yaml")]

    assert names
    assert [name for name in names if f'example("{name}")' not in tests or f"({name}.yaml)" not in README] == []


def test_shared_layer_is_usable_by_the_account(stack, layer, version):
    assert users(layer, version) == [False, False]

    assert stack.create(example("share-with-an-account"), LayerVersionArn=version, Account=PARTNER) == "CREATE_COMPLETE"
    assert users(layer, version) == [True, False]
    assert json.loads(stack.outputs["Statement"]) in layer.policy(version).values()

    assert stack.delete() == "DELETE_COMPLETE"
    assert users(layer, version) == [False, False]


def test_layer_shared_with_an_organization_is_usable_by_its_accounts(stack, layer, version, organization):
    template = example("share-with-an-organization")

    assert stack.create(template, LayerVersionArn=version, Organization=organization) == "CREATE_COMPLETE"
    assert users(layer, version) == [True, False]

    assert stack.delete() == "DELETE_COMPLETE"
    assert users(layer, version) == [False, False]


def test_update_of_a_principal_list_changes_single_principals(stack, layer, version, organization):
    template = example("share-with-a-list")

    partners = f"{OTHER_PARTNER},{organization}"
    assert stack.create(template, LayerVersionArn=version, Partners=partners) == "CREATE_COMPLETE"
    assert users(layer, version) == [True, True]
    assert set(stack.outputs["StatementIds"].split(",")) == set(layer.policy(version))

    assert stack.update(template, LayerVersionArn=version, Partners=organization) == "UPDATE_COMPLETE"
    assert users(layer, version) == [True, False]

    assert stack.delete() == "DELETE_COMPLETE"
    assert users(layer, version) == [False, False]


def test_all_versions_are_shared_and_retained_after_stack_deletion(engine, stack):
    template, layer = example("share-every-version"), Layer(engine, f"{stack.name}-tools")

    def content(key: str) -> dict[str, str]:
        engine.upload("contents", key, layer_content())
        return {"Bucket": "contents", "Key": key}

    assert stack.create(template, Partners=PARTNER, **content("1.zip")) == "CREATE_COMPLETE"
    for number in (2, 3):
        partners = f"{PARTNER},{OTHER_PARTNER}"
        assert stack.update(template, Partners=partners, **content(f"{number}.zip")) == "UPDATE_COMPLETE"
    versions = layer.versions()
    assert versions == [f"{layer.arn}:{number}" for number in (1, 2, 3)]
    assert stack.outputs["LayerVersionArn"] == versions[-1]
    assert [users(layer, version) for version in versions] == [[True, True]] * 3

    assert stack.update(template, Partners=OTHER_PARTNER, **content("3.zip")) == "UPDATE_COMPLETE"
    assert [users(layer, version) for version in versions] == [[False, True]] * 3

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.versions() == versions
    assert [users(layer, version) for version in versions] == [[False, False]] * 3


def test_cross_account_layer_is_shared_by_an_assumed_role(provider, stack, owners):
    layer, role = owners.layer("tools-of-theirs"), owners.role
    version, template = layer.publish(), example("share-another-accounts-layer")
    layer.share(version, FOREIGN, "999988887777")
    parameters = {"LayerVersionArn": version, "RoleArn": role, "ExternalId": owners.external_id}

    with provider.redeployed(AssumableRoles=role):
        assert stack.create(template, Account=PARTNER, **parameters) == "CREATE_COMPLETE"
        assert users(layer, version) == [True, False]
        assert stack.update(template, Account=OTHER_PARTNER, **parameters) == "UPDATE_COMPLETE"
        assert users(layer, version) == [False, True]
        assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version).keys() == {FOREIGN}


def test_cross_account_grant_fails_unless_provider_and_role_both_allow_it(engine, provider, stack, owners):
    layer, role = owners.layer("tools-of-theirs"), owners.role
    version, template = layer.publish(), example("share-another-accounts-layer")
    second = Stack(engine, f"{stack.name}-second")

    def failed(stack: Stack, external_id: str) -> str:
        parameters = {"LayerVersionArn": version, "Account": PARTNER, "RoleArn": role, "ExternalId": external_id}
        assert stack.create(template, **parameters) == "ROLLBACK_COMPLETE"
        return stack.reason("Share")

    # Both are waited for, since IAM may be late; so they get little time.
    with provider.configured(timeout=4):
        reasons = [failed(stack, owners.external_id)]
    with provider.redeployed(AssumableRoles=role), provider.configured(timeout=4):
        reasons.append(failed(second, "of-somebody-elses"))

    assert ["role not assumable: got `AccessDenied` (" in reason for reason in reasons] == [True, True]
    assert ["no identity-based policy allows" in reason for reason in reasons] == [True, False]
    assert layer.policy(version) == {}


def test_migration_from_the_native_type_never_interrupts_access(stack, layer, version):
    template, parameters = example("migrate"), {"LayerVersionArn": version, "Account": PARTNER}
    assert stack.create(template, Step="1", **parameters) == "CREATE_COMPLETE"
    (native,) = layer.policy(version)

    with Watch(lambda: layer.may_be_used_by(PARTNER, version)) as watch:
        for step, statements in [("2", {native, "partner"}), ("3", {"partner"}), ("2", {native, "partner"}), ("1", {native})]:
            assert stack.update(template, Step=step, **parameters) == "UPDATE_COMPLETE"
            assert layer.policy(version).keys() == statements
        assert stack.update(template, Step="3", **parameters) == "UPDATE_COMPLETE"
        assert layer.policy(version).keys() == {"partner"}
    assert watch.looks > 20
    assert watch.lapses == 0

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


class Watch:
    """Looks again and again, while it is open, whether something holds."""

    def __init__(self, holds):
        self.looks, self.lapses = 0, 0
        self._holds, self._closed = holds, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._closed.wait(0.005):
            self.looks += 1
            self.lapses += not self._holds()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closed.set()
        self._thread.join()


ALLOWED = [f"arn:aws:lambda:{REGION}:111122223333:layer:any:7", f"arn:aws:lambda:{REGION}:444455556666:layer:tools-x:1"]
OTHER = [f"arn:aws:lambda:{REGION}:444455556666:layer:mining:1", f"arn:aws:lambda:{REGION}:999988887777:layer:tools-x:1"]


def test_iam_policy_restricts_functions_to_allowed_layers(engine, provider, stack):
    assert stack.create(example("restrict-layers")) == "CREATE_COMPLETE"

    with User(engine, "deployer", provider.role) as user:
        user.is_given(stack.outputs["PolicyArn"])
        uses_allowed_layers_only(user)


def test_service_control_policy_restricts_functions_to_allowed_layers(engine, provider, stack):
    engine.client("organizations").describe_organization()  # makes it
    with User(engine, "administrator", provider.role) as user:
        user.is_given("arn:aws:iam::aws:policy/AdministratorAccess")
        assert user.may_use(OTHER)

        assert stack.create(example("restrict-layers"), Targets=ACCOUNT) == "CREATE_COMPLETE"
        uses_allowed_layers_only(user)
        assert stack.delete() == "DELETE_COMPLETE"

        assert user.may_use(OTHER)


def uses_allowed_layers_only(user: User):
    for layers in ([], [ALLOWED[0]], ALLOWED, None):
        assert user.may_use(layers), layers
    for other in OTHER:
        for layers in ([other], [ALLOWED[0], other], [other, ALLOWED[1]]):
            assert not user.may_use(layers), layers


def test_documented_cli_commands_show_the_policy(engine, stack, layer, version):
    stack.create(example("share-with-an-account"), LayerVersionArn=version, Account=PARTNER)
    readme = README.replace("arn:aws:lambda:eu-west-1:123456789012:layer:tools:1", version)
    readme = readme.replace("--layer-name tools ", f"--layer-name {layer.name} ")
    commands = {shlex.split(command)[2]: command for command in re.findall(r"^    (aws lambda .*)$", readme, re.MULTILINE)}

    shown = json.loads(run(engine, commands["get-layer-version-policy"]))
    assert shown["Statement"] == list(layer.policy(version).values())
    assert run(engine, commands["list-layer-versions"]) == [version]
    assert run(engine, commands["get-layer-version-by-arn"], account=PARTNER) == 1

    statement_id = next(iter(layer.policy(version)))
    run(engine, commands["remove-layer-version-permission"].replace("<its Sid>", statement_id))
    assert layer.policy(version) == {}


def run(engine, command: str, **where: str):
    """What the command of AWS's command line shows, as boto3 has it: both are made from the same description of the service."""
    _aws, service, operation, *options = shlex.split(command)
    options = dict(zip(options[::2], options[1::2], strict=True))
    query = options.pop("--query", "@")
    options.pop("--output", None)
    given = {name.removeprefix("--").title().replace("-", ""): value for name, value in options.items()}
    given |= {name: int(value) for name, value in given.items() if name == "VersionNumber"}
    answer = getattr(engine.client(service, **where), operation.replace("-", "_"))(**given)
    return jmespath.search(query, answer)
