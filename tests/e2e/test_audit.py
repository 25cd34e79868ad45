"""The program `layer-access`: prints who can use layers, with the credentials of the person who runs it."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from layer import Layer
from layer_owner import ACCOUNT as OTHER_ACCOUNT
from local_aws import ACCOUNT, REGION, SECRET_KEY, SESSION_TOKEN
from templates import ORGANIZATION, PARTNER, sharing_template

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/debug/layer-access"
COMMAND = "cargo run --quiet --package layer-access --"
PUBLIC, WRONG_ARGUMENTS, FAILED = 3, 2, 1
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def layer_access(aws, tmp_path):
    """Runs the program with credentials of the account and a clean environment, and returns exit code, stdout and stderr. Variables with an
    empty value are removed from the environment."""
    credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def run(*arguments: str, **env: str) -> tuple[int, str, str]:
        env = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.url, "HOME": str(tmp_path), "PATH": os.environ["PATH"], **(env or credentials)}
        env = {name: value for name, value in env.items() if value}
        completed = subprocess.run([PROGRAM, *arguments], env=env, capture_output=True, text=True, timeout=60)
        return completed.returncode, completed.stdout, completed.stderr

    return run


def test_readme_shows_the_printed_table(aws, stack, layer_access):
    layer = Layer(aws, "observability")
    versions = [layer.publish() for _ in range(3)]
    template = sharing_template(LayerVersionArn=versions[-1], Versions="All", Principal="*", OrganizationId=ORGANIZATION)
    assert stack.create(template) == "CREATE_COMPLETE"
    layer.add_statement(versions[2], "partner", PARTNER)
    layer.add_statement(versions[0], "for-a-test-in-2023", "*")

    code, stdout, stderr = layer_access(layer.arn)

    assert (code, stderr) == (PUBLIC, "")
    expected = [f"    $ {COMMAND} {layer.arn}", *(f"    {line}" for line in stdout.splitlines())]
    assert without_derived_suffix("\n".join(expected)) in without_derived_suffix((ROOT / "README.md").read_text()), stdout
    layer.remove_statement(versions[0], "for-a-test-in-2023")
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer_access(layer.arn)[0] == 0


def without_derived_suffix(text: str) -> str:
    """Removes the suffix of derived ids, which differs for each stack."""
    return re.sub(r"\b(Sharing-)[a-z2-7]{16}\b", r"\1…", text)


def test_single_layer_version_is_reported_as_json(layer, layer_access):
    first, second = layer.publish(), layer.publish()
    layer.add_statement(first, "public", "*")
    layer.add_statement(second, "partner", PARTNER)

    code, stdout, _ = layer_access("--json", second)
    assert code == 0
    statement = layer.policy(second)["partner"]
    assert json.loads(stdout) == {
        "public": False,
        "versions": [
            {
                "layer_version": second,
                "statements": [
                    {
                        "statement_id": "partner",
                        "principal": PARTNER,
                        "public": False,
                        "made_by_this_provider": "unknown",
                        "statement": statement,
                    }
                ],
            }
        ],
    }

    code, stdout, _ = layer_access("--json", second, first)
    assert code == PUBLIC
    assert [version["layer_version"] for version in json.loads(stdout)["versions"]] == [second, first]


def test_all_option_covers_every_layer_of_the_account_and_region(aws, layer_access):
    layers = [Layer(aws, f"all-{number}", region="ap-southeast-2") for number in range(3)]
    versions = [layer.publish() for layer in layers for _ in range(2)]
    credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    code, stdout, _ = layer_access("--all", "--json", AWS_REGION="ap-southeast-2", **credentials)

    assert code == 0
    assert sorted(version["layer_version"] for version in json.loads(stdout)["versions"]) == sorted(versions)
    summary = "6 versions of 3 layers, 0 statements, none of them for everybody\n"
    assert layer_access("--all", AWS_REGION="ap-southeast-2", **credentials)[1].endswith(summary)
    summary = "0 versions of 0 layers, 0 statements, none of them for everybody\n"
    assert layer_access("--all", AWS_REGION="ap-southeast-3", **credentials)[:2] == (0, summary)


def test_progress_is_printed_for_many_versions(layer, layer_access):
    for _ in range(51):
        layer.publish()

    code, stdout, stderr = layer_access(layer.arn)

    assert code == 0
    assert stdout.count("nobody else\n") == 51
    assert re.fullmatch(r"(\d+ of 51 versions read\n)+", stderr)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "no layer: got no argument, give ARNs of layers or of layer versions, or `--all`"),
        (["--everything"], "unknown option: got `--everything`, give `--all`, `--json` or ARNs"),
    ],
)
def test_invalid_arguments_fail_before_any_api_call(layer_access, arguments, reason):
    assert layer_access(*arguments, AWS_ENDPOINT_URL=UNREACHABLE) == (WRONG_ARGUMENTS, "", f"{reason}\n")


def test_missing_layer_or_version_is_an_error(layer, layer_access):
    version = layer.publish()

    missing = f"{layer.arn}:7"
    reason = f"no such layer version: got `{missing}`, which is none of the 1 that exist, correct the ARN\n"
    assert layer_access(version, missing) == (FAILED, "", reason)
    missing = f"{layer.arn}-typo"
    assert layer_access(missing) == (FAILED, "", f"no such layer: got no version of `{missing}`, correct the ARN\n")
    foreign = layer.arn.replace(ACCOUNT, OTHER_ACCOUNT)
    reason = f"layer of another account: got `{foreign}` with credentials of `{ACCOUNT}`, use credentials of that account\n"
    assert layer_access(layer.arn, foreign) == (FAILED, "", reason)


def test_access_denied_names_the_missing_permission(aws, layer, layer_access):
    version, iam = layer.publish(), aws.client("iam")
    iam.create_user(UserName="no-permissions")
    key = iam.create_access_key(UserName="no-permissions")["AccessKey"]
    try:
        credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        code, stdout, stderr = layer_access(version, **credentials)
        assert (code, stdout) == (FAILED, "")
        assert stderr.startswith("access denied: got `AccessDeniedException` (")
        assert stderr.endswith(f" from `lambda:ListLayerVersions` on `{layer.arn}`, use credentials that are allowed to\n")
        code, stdout, stderr = layer_access("--all", **credentials)
        assert (code, stdout) == (FAILED, "")
        assert stderr.startswith("layers not listed: got `AccessDeniedException` (")
    finally:
        iam.delete_access_key(UserName="no-permissions", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="no-permissions")


def test_profile_supplies_region_and_credential_process(aws, layer_access, tmp_path):
    layer, config = Layer(aws, "profiled", region="sa-east-1"), tmp_path / "config"
    version = layer.publish()
    credentials = {"Version": 1, "AccessKeyId": ACCOUNT, "SecretAccessKey": SECRET_KEY}
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    config.write_text(f"[profile audit]\nregion = sa-east-1\ncredential_process = cat {tmp_path}/credentials.json\n")

    code, stdout, stderr = layer_access("--all", "--json", AWS_CONFIG_FILE=str(config), AWS_PROFILE="audit", AWS_REGION="")

    assert (code, stderr) == (0, "")
    assert [found["layer_version"] for found in json.loads(stdout)["versions"]] == [version]


def test_failed_call_prints_the_reason_without_secrets(layer, layer_access):
    credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": SESSION_TOKEN}

    code, stdout, stderr = layer_access("--all", AWS_ENDPOINT_URL=UNREACHABLE, **credentials)

    assert (code, stdout) == (FAILED, "")
    assert stderr.startswith("no credentials that work: got no response (`")
    assert SECRET_KEY not in stderr and SESSION_TOKEN not in stderr


def test_missing_credentials_or_region_are_reported(layer_access):
    no_credentials = {"AWS_EC2_METADATA_DISABLED": "true"}
    code, _, stderr = layer_access("--all", **no_credentials)
    assert code == FAILED
    assert stderr.startswith("no credentials that work: got ")

    reason = "no region: got none from the environment or the profile, set `AWS_REGION`\n"
    assert layer_access("--all", AWS_REGION="", **no_credentials) == (FAILED, "", reason)
