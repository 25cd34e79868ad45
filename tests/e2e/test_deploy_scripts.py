"""`make deploy`, `make smoke` and `make remove`, run as an operator runs them, by AWS's command line, on the engine."""

import contextlib
import os
import subprocess

import pytest

from provider import ROOT
from local_aws import ACCOUNT, REGION, SECRET_KEY
from response_endpoint import HOST
from layer import Layer
from stack import Stack
from templates import PARTNER, sharing

NAME = "by-an-operator"
TOOLS = ROOT / ".tools/aws/bin"


@pytest.fixture
def operator(engine, provider, tmp_path):
    """Runs `make` with credentials, and tells how it ended and what it said."""

    def run(target: str, credentials: bool = True, **env: str) -> tuple[int, str]:
        path = f"{TOOLS}:{os.environ['PATH']}"
        where = {"AWS_ENDPOINT_URL": engine.url, "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}
        secrets = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY} if credentials else {}
        stack = {"STACK": NAME, "FUNCTION": NAME, "PARAMETERS": f"FunctionName={NAME} ResponseHosts=http://{HOST}"}
        home = {key: os.environ[key] for key in ("CARGO_HOME", "RUSTUP_HOME") if key in os.environ}
        ended = subprocess.run(
            ["make", "--no-print-directory", target],
            cwd=ROOT,
            env={"HOME": os.environ["HOME"], "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
            | home | where | secrets | stack | {"PATH": path, "TMPDIR": str(tmp_path)} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        print(ended.stdout)
        return ended.returncode, ended.stdout

    return run


@pytest.fixture
def operated(engine, operator):
    """The provider as `make deploy` deploys it."""
    engine.upload("operators-bucket", "any", b"")
    ended, said = operator("deploy", BUCKET="operators-bucket", YES="1")
    assert ended == 0, said
    yield Stack(engine, NAME)
    with contextlib.suppress(Exception):
        engine.client("cloudformation").delete_stack(StackName=NAME)


def stacks(engine) -> set[str]:
    return {stack["StackName"] for stack in engine.client("cloudformation").describe_stacks()["Stacks"]}


@pytest.mark.parametrize("target", ["deploy", "smoke", "remove"])
@pytest.mark.parametrize("credentials", [True, False])
def test_unconfirmed_commands_are_printed_but_not_run(engine, operator, target, credentials):
    before = stacks(engine)
    ended, said = operator(target, credentials, BUCKET="operators-bucket")

    assert ended == 0
    assert "    aws cloudformation " in said
    why = "nobody can be asked here, give YES=1 to run these commands" if credentials else "the AWS CLI has no credentials"
    assert said.endswith(f"Nothing was done: {why}\n")
    assert stacks(engine) == before


def test_deploy_without_a_bucket_does_nothing(engine, operator):
    ended, said = operator("deploy", YES="1")
    assert ended == 0
    assert said.endswith("give one of the region to deploy to: make deploy BUCKET=my-bucket\n")
    assert NAME not in stacks(engine)


@pytest.mark.parametrize("bucket", ["http://my-bucket", "s3://my-bucket", "my-bucket/folder", "My-Bucket", "a b"])
def test_deploy_rejects_an_invalid_bucket_name(engine, operator, bucket):
    ended, said = operator("deploy", BUCKET=bucket, YES="1")
    assert ended != 0
    assert f"not the name of a bucket: got BUCKET={bucket}, give the name alone, as in make deploy BUCKET=my-bucket" in said
    assert NAME not in stacks(engine)


def test_deploy_smoke_and_remove_succeed(engine, operator, operated):
    assert operated is not None
    ended, said = operator("deploy", BUCKET="operators-bucket", YES="1")
    assert (ended, said.splitlines()[-1]) == (0, f"make deploy: the stack {NAME} is up to date")
    configuration = engine.client("lambda").get_function_configuration(FunctionName=NAME)
    assert configuration["Runtime"] == "provided.al2023"

    ended, said = operator("smoke", YES="1")
    assert (ended, said.splitlines()[-1]) == (0, "make smoke: granted, read and revoked; nothing is left")
    assert not [name for name in stacks(engine) if "smoke" in name]
    layers = engine.client("lambda").list_layers()["Layers"]
    assert not [layer for layer in layers if "smoke" in layer["LayerName"]]

    ended, said = operator("remove", YES="1")
    assert (ended, said.splitlines()[-1]) == (0, f"make remove: the stack {NAME} is gone")
    assert NAME not in stacks(engine)


def test_failed_smoke_test_cleans_up(engine, operator, operated):
    ended, said = operator("smoke", YES="1", FUNCTION="no-such-function")
    assert ended != 0
    assert "make smoke: failed; removing what is left of it" in said
    layers = engine.client("lambda").list_layers()["Layers"]
    assert not [layer for layer in layers if "smoke" in layer["LayerName"]]


def test_remove_is_refused_while_stacks_import_the_service_token(engine, operator, operated, stack):
    version = Layer(engine, "tools-of-operators").publish()
    token = {"Fn::ImportValue": f"{NAME}-ServiceToken"}
    assert stack.create(sharing(ServiceToken=token, LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"

    ended, said = operator("remove", YES="1")
    assert ended != 0
    assert f"stacks use the provider: got {stack.name}, delete them or have them use another one first" in said
    assert NAME in stacks(engine)
    assert stack.delete() == "DELETE_COMPLETE"
