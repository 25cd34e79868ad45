"""`make deploy`, `make smoke`, `make remove` and `make publish`, with the AWS CLI and AWS SAM on a local AWS."""

import contextlib
import os
import subprocess

import pytest
import yaml

import release
from application_repository import ApplicationRepository
from layer import Layer
from local_aws import ACCOUNT, REGION, SECRET_KEY
from provider import ROOT
from response_endpoint import HOST
from stack import Stack
from templates import PARTNER, sharing_template

NAME = "deployed-by-make"
TOOLS = ROOT / ".tools/aws/bin"


@pytest.fixture
def make(aws, provider, tmp_path):
    """Runs `make`, and returns its exit code and output."""

    def run(target: str, credentials: bool = True, **env: str) -> tuple[int, str]:
        env = {
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "TMPDIR": str(tmp_path),
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_DEFAULT_REGION": REGION,
            "STACK": NAME,
            "FUNCTION": NAME,
            "PARAMETERS": f"FunctionName={NAME} ResponseHosts=http://{HOST}",
            **{key: os.environ[key] for key in ("CARGO_HOME", "RUSTUP_HOME") if key in os.environ},
            **({"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY} if credentials else {}),
            **env,
        }
        completed = subprocess.run(
            ["make", "--no-print-directory", target],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        print(completed.stdout)
        return completed.returncode, completed.stdout

    return run


@pytest.fixture
def deployed(aws, make):
    """The provider, deployed by `make deploy`."""
    aws.upload("deploy-bucket", "any", b"")
    code, output = make("deploy", BUCKET="deploy-bucket", YES="1")
    assert code == 0, output
    yield Stack(aws, NAME)
    with contextlib.suppress(Exception):
        aws.client("cloudformation").delete_stack(StackName=NAME)


def stacks(aws) -> set[str]:
    return {stack["StackName"] for stack in aws.client("cloudformation").describe_stacks()["Stacks"]}


@pytest.mark.parametrize(("target", "command"), [("deploy", "aws cloudformation"), ("smoke", "aws cloudformation"), ("remove", "aws cloudformation"), ("publish", "sam publish")])
@pytest.mark.parametrize("credentials", [True, False])
def test_unconfirmed_commands_are_printed_but_not_run(aws, make, target, command, credentials):
    before = stacks(aws)
    code, output = make(target, credentials, BUCKET="deploy-bucket")

    assert code == 0
    assert f"    {command} " in output
    reason = "stdin is not a terminal, set YES=1 to run these commands" if credentials else "the AWS CLI has no credentials"
    assert output.endswith(f"Nothing was done: {reason}\n")
    assert stacks(aws) == before


def test_deploy_without_a_bucket_does_nothing(aws, make):
    code, output = make("deploy", YES="1")
    assert code == 0
    assert output.endswith("give a bucket in the region of the stack: make deploy BUCKET=my-bucket\n")
    assert NAME not in stacks(aws)


@pytest.mark.parametrize("bucket", ["http://my-bucket", "s3://my-bucket", "my-bucket/folder", "My-Bucket", "a b"])
def test_deploy_rejects_an_invalid_bucket_name(aws, make, bucket):
    code, output = make("deploy", BUCKET=bucket, YES="1")
    assert code != 0
    assert f"not a bucket name: got BUCKET={bucket}, give the bare name, as in make deploy BUCKET=my-bucket" in output
    assert NAME not in stacks(aws)


def test_deploy_smoke_and_remove_succeed(aws, make, deployed):
    assert deployed is not None
    code, output = make("deploy", BUCKET="deploy-bucket", YES="1")
    assert (code, output.splitlines()[-1]) == (0, f"make deploy: the stack {NAME} is up to date")
    configuration = aws.client("lambda").get_function_configuration(FunctionName=NAME)
    assert configuration["Runtime"] == "provided.al2023"

    code, output = make("smoke", YES="1")
    assert (code, output.splitlines()[-1]) == (0, "make smoke: passed; the grant was added and revoked, and the layer is deleted")
    assert not [name for name in stacks(aws) if "smoke" in name]
    layers = aws.client("lambda").list_layers()["Layers"]
    assert not [layer for layer in layers if "smoke" in layer["LayerName"]]

    code, output = make("remove", YES="1")
    assert (code, output.splitlines()[-1]) == (0, f"make remove: the stack {NAME} is deleted")
    assert NAME not in stacks(aws)


def test_failed_smoke_test_cleans_up(aws, make, deployed):
    code, output = make("smoke", YES="1", FUNCTION="no-such-function")
    assert code != 0
    assert "make smoke: failed; cleaning up" in output
    layers = aws.client("lambda").list_layers()["Layers"]
    assert not [layer for layer in layers if "smoke" in layer["LayerName"]]


def test_remove_is_refused_while_stacks_import_the_service_token(aws, make, deployed, stack):
    version = Layer(aws, "tools-in-use").publish()
    token = {"Fn::ImportValue": f"{NAME}-ServiceToken"}
    assert stack.create(sharing_template(ServiceToken=token, LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"

    code, output = make("remove", YES="1")
    assert code != 0
    assert f"stacks use the provider: got {stack.name}, delete them or move them to another provider first" in output
    assert NAME in stacks(aws)
    assert stack.delete() == "DELETE_COMPLETE"


def test_publish_without_a_bucket_does_nothing(make):
    code, output = make("publish", YES="1")
    assert code == 0
    assert output.endswith("give a bucket that serverlessrepo.amazonaws.com can read: make publish BUCKET=my-bucket\n")


def test_published_application_has_all_metadata_and_the_release(aws, make):
    aws.upload("publish-bucket", "any", b"")
    repository = ApplicationRepository()
    code, output = make(
        "publish", BUCKET="publish-bucket", YES="1", SAM_CLI_TELEMETRY="0", AWS_ENDPOINT_URL_SERVERLESSAPPLICATIONREPOSITORY=repository.url
    )
    repository.close()
    assert (code, output.splitlines()[-1]) == (0, "make publish: published")
    [request] = repository.requests
    assert request["path"] == "/applications"
    assert {name: request[name] for name in ("name", "author", "spdxLicenseId", "semanticVersion")} == {
        "name": "lambda-permission-provider",
        "author": "lambda-permission-provider",
        "spdxLicenseId": "Apache-2.0",
        "semanticVersion": "0.1.0",
    }
    template = yaml.load(request["templateBody"], Loader=yaml.BaseLoader)
    assert template["Parameters"]["Architecture"]["AllowedValues"] == ["x86_64"]
    urls = [template["Resources"][name]["Properties"]["CodeUri"] for name in ("Provider", "Auditor")]
    assert [uploaded(aws, url) for url in urls] == [release.ZIP.read_bytes()] * 2
    assert uploaded(aws, request["licenseUrl"]) == (ROOT / "LICENSE").read_bytes()
    assert uploaded(aws, request["readmeUrl"]) == (ROOT / "README.md").read_bytes()


def uploaded(aws, url: str) -> bytes:
    """What is at an URL such as s3://bucket/key."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
