"""The commands of the README and of docs/install.md deploy the provider from the files of a release, with nothing but their tools."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

import release
from layer import Layer
from local_aws import ACCOUNT, SECRET_KEY
from provider import ROOT
from response_endpoint import HOST
from templates import EXAMPLES, PARTNER

REGION = "eu-north-1"  # which has nothing of other tests
README = (ROOT / "README.md").read_text()
INSTALL = (ROOT / "docs/install.md").read_text()


@pytest.fixture
def shell(aws, provider, tmp_path):
    """Runs a command in a folder with the files of a release, and returns its output."""
    shutil.copy(release.ZIP, tmp_path)
    shutil.copy(release.PACKAGED, tmp_path)
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    env = {
        "PATH": f"{ROOT}/.tools/aws/bin:{ROOT}/.tools/sam/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "SAM_CLI_TELEMETRY": "0",
    }

    def run(command: str, code: int = 0) -> str:
        completed = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
        )
        assert completed.returncode == code, f"{command}\n{completed.stdout}"
        return completed.stdout

    return run


def commands_of_readme() -> list[tuple[str, list[str]]]:
    """Each command of the consoles in the quick start, with the lines that it shows."""
    text = README.partition("## Quick start\n")[2].partition("\n## ")[0]
    commands = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            command, *shown = part.strip().splitlines()
            commands.append((command, shown))
    return commands


def commands_of_install(program: str) -> list[str]:
    """The commands in docs/install.md that deploy a release with this program."""
    indented = re.findall(r"^    (.*(?:(?<=\\)\n.*)*)", INSTALL, re.MULTILINE)
    return [command.replace("\\\n", "") for command in indented if command.startswith((program, "aws s3 cp bootstrap"))]


def here(command: str, name: str) -> str:
    """The command with the bucket, the region and the stack of the test. The local CloudFormation has no hosts of AWS."""
    command = command.replace("my-bucket", name).replace(f"eu-west-1:{ACCOUNT}", f"{REGION}:{ACCOUNT}")
    if "packaged.yaml" in command:
        command += f" ResponseHosts=http://{HOST}"
    # The test environment's roles are named after their stacks, and there is one of this name.
    return command.replace("--stack-name lambda-permission-provider", f"--stack-name {name}")


def bucket(aws, name: str) -> str:
    aws.upload(name, "any", b"", REGION)
    return name


def wait_for_deletion(aws, stack: str):
    waiter = aws.client("cloudformation", region=REGION).get_waiter("stack_delete_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def delete(aws, stack: str):
    aws.client("cloudformation", region=REGION).delete_stack(StackName=stack)
    wait_for_deletion(aws, stack)


def test_quick_start_deploys_shares_and_revokes(aws, shell):
    name, layer = bucket(aws, "quick-start"), Layer(aws, "tools", region=REGION)
    version = layer.publish()
    commands = commands_of_readme()
    assert [shlex.split(command)[:3] for command, _ in commands] == [
        ["aws", "s3", "cp"],
        ["aws", "cloudformation", "deploy"],
        ["aws", "cloudformation", "deploy"],
        ["aws", "lambda", "get-layer-version-policy"],
        ["aws", "cloudformation", "delete-stack"],
    ]
    for command, shown in commands:
        output = shell(here(command, name)).replace(" - quick-start", " - lambda-permission-provider").replace('": ', '":').replace(", ", ",")
        for line in shown:
            assert re.search(re.escape(line.replace(": ", ":")).replace("…", ".*"), output), output
        if "share-tools" in command and "deploy" in command:
            assert PARTNER in str(layer.policy(version))
    wait_for_deletion(aws, "share-tools")
    assert layer.policy(version) == {}
    delete(aws, name)


@pytest.mark.parametrize("program", ["aws cloudformation deploy --template-file packaged.yaml", "sam deploy --template-file packaged.yaml"])
def test_release_is_deployed_by(aws, shell, program):
    name = bucket(aws, f"installed-by-{program.split()[0]}")
    commands = commands_of_install(program)
    assert len(commands) == 2
    for command in commands:
        shell(here(command, name))
    configuration = aws.client("lambda", region=REGION).get_function_configuration(FunctionName="lambda-permission-provider")
    assert configuration["Runtime"] == "provided.al2023"
    delete(aws, name)


@pytest.mark.parametrize("action", ["create-stack-set", "create-stack-instances"])
def test_aws_cli_accepts_the_commands_for_a_stack_set(shell, action):
    """MiniStack has no StackSets, which is the only error."""
    [command] = [command for command in commands_of_install("aws cloudformation") if f" {action} " in command]
    assert f"Unknown action: {action.title().replace('-', '')}\n" in shell(command, code=255)
