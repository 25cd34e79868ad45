"""The example for AWS CDK: it compiles, and the stacks that it makes deploy the provider and share a layer."""

import json
import shutil
import subprocess

import pytest

import release
from layer import Layer
from local_aws import ACCOUNT, REGION
from provider import ROOT
from response_endpoint import HOST
from stack import Stack
from templates import EXAMPLES, PARTNER

CDK = ROOT / ".tools/cdk"
NODE = ROOT / ".tools/node/bin/node"


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory):
    """The folder of the synthesized stacks. The example is in a folder with a layer and the files of a release."""
    folder = tmp_path_factory.mktemp("cdk")
    for path in [*(ROOT / "tests/e2e/cdk").glob("*.ts"), ROOT / "tests/e2e/cdk/tsconfig.json", EXAMPLES / "share-with-cdk.ts"]:
        shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(CDK / "node_modules")
    (folder / "layer").mkdir()
    (folder / "layer/tool.txt").write_text("any content")
    shutil.copy(release.ZIP, folder)
    shutil.copy(release.PACKAGED, folder)
    for command in (["node_modules/typescript/bin/tsc", "--project", "."], ["synth.js", "out"]):
        completed = subprocess.run([NODE, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        assert completed.returncode == 0, completed.stdout
    return folder / "out"


def upload_assets(aws, synthesized, stack: str):
    """What `cdk deploy` uploads."""
    files = json.loads((synthesized / f"{stack}.assets.json").read_text())["files"]
    for asset in files.values():
        source = synthesized / asset["source"]["path"]
        if source.is_dir():
            source = shutil.make_archive(source, "zip", source)
        for destination in asset["destinations"].values():
            bucket = destination["bucketName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
            aws.upload(bucket, destination["objectKey"], open(source, "rb").read())


def template(synthesized, stack: str) -> dict:
    return json.loads((synthesized / f"{stack}.template.json").read_text())


def test_stack_shares_its_layer(aws, provider, synthesized):
    upload_assets(aws, synthesized, "tools")
    stack = Stack(aws, "shared-by-cdk")
    assert stack.create(template(synthesized, "tools")) == "CREATE_COMPLETE"
    [resource] = [name for name in template(synthesized, "tools")["Resources"] if name.startswith("ShareTools")]
    physical_id = aws.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId=resource)
    version, _, statement_id = physical_id["StackResourceDetail"]["PhysicalResourceId"].partition("#")
    assert statement_id == "partners"
    layer = Layer(aws, version.split(":")[-2])
    assert layer.policy(version).keys() == {f"partners-{PARTNER}", "partners-o-a1b2c3d4e5"}
    assert stack.delete() == "DELETE_COMPLETE"


def test_stack_passes_the_rules_for_cfn_lint(synthesized):
    command = [ROOT / ".tools/lint/bin/cfn-lint", "--append-rules", ROOT / "lint", "--template", synthesized / "tools.template.json"]
    completed = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120)
    assert (completed.returncode, completed.stdout) == (0, "")


def test_provider_is_deployed(aws, provider, synthesized):
    upload_assets(aws, synthesized, "provider-by-cdk")
    stack = Stack(aws, "provider-by-cdk")
    parameters = {"FunctionName": stack.name, "ResponseHosts": f"http://{HOST}"}
    assert stack.create(template(synthesized, "provider-by-cdk"), **parameters) == "CREATE_COMPLETE"
    configuration = aws.client("lambda").get_function_configuration(FunctionName=stack.name)
    assert configuration["Runtime"] == "provided.al2023"
    assert stack.delete() == "DELETE_COMPLETE"
