"""The example `layer-access`: who can use layers, asked by a person with credentials of their own."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from local_aws import ACCOUNT, REGION, SECRET_KEY, SESSION_TOKEN
from layer import Layer
from layer_owner import ACCOUNT as OTHER_ACCOUNT
from templates import ORGANIZATION, PARTNER, sharing

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/debug/examples/layer-access"
COMMAND = "cargo run --quiet --example layer-access --"
PUBLIC, WRONG_ARGUMENTS, FAILED = 3, 2, 1
NOTHING_THERE = "http://127.0.0.1:9"


@pytest.fixture
def ask(engine, tmp_path):
    """Runs it as a person of the account, with nothing else in the environment: exit code, what it prints, what it complains of.
    A variable that is given empty is not set."""
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def run(*arguments: str, **env: str) -> tuple[int, str, str]:
        env = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": engine.url, "HOME": str(tmp_path), "PATH": os.environ["PATH"], **(env or keys)}
        env = {name: value for name, value in env.items() if value}
        ended = subprocess.run([PROGRAM, *arguments], env=env, capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stdout, ended.stderr

    return run


def test_readme_shows_the_printed_table(engine, stack, ask):
    layer = Layer(engine, "observability")
    versions = [layer.publish() for _ in range(3)]
    template = sharing(LayerVersionArn=versions[-1], Versions="All", Principal="*", OrganizationId=ORGANIZATION)
    assert stack.create(template) == "CREATE_COMPLETE"
    layer.share(versions[2], "partner", PARTNER)
    layer.share(versions[0], "for-a-test-in-2023", "*")

    code, printed, complaints = ask(layer.arn)

    assert (code, complaints) == (PUBLIC, "")
    shown = [f"    $ {COMMAND} {layer.arn}", *(f"    {line}" for line in printed.splitlines())]
    assert bare("\n".join(shown)) in bare((ROOT / "README.md").read_text()), printed
    layer.withdraw(versions[0], "for-a-test-in-2023")
    assert stack.delete() == "DELETE_COMPLETE"
    assert ask(layer.arn)[0] == 0


def bare(text: str) -> str:
    """Without the end of derived ids, which is another one for each stack."""
    return re.sub(r"\b(Sharing-)[a-z2-7]{16}\b", r"\1…", text)


def test_single_layer_version_is_reported_as_json(layer, ask):
    first, second = layer.publish(), layer.publish()
    layer.share(first, "public", "*")
    layer.share(second, "partner", PARTNER)

    code, printed, _ = ask("--json", second)
    assert code == 0
    statement = layer.policy(second)["partner"]
    assert json.loads(printed) == {
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

    code, printed, _ = ask("--json", second, first)
    assert code == PUBLIC
    assert [version["layer_version"] for version in json.loads(printed)["versions"]] == [second, first]


def test_all_option_covers_every_layer_of_the_account_and_region(engine, ask):
    layers = [Layer(engine, f"all-{number}", region="ap-southeast-2") for number in range(3)]
    versions = [layer.publish() for layer in layers for _ in range(2)]
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    code, printed, _ = ask("--all", "--json", AWS_REGION="ap-southeast-2", **keys)

    assert code == 0
    assert sorted(version["layer_version"] for version in json.loads(printed)["versions"]) == sorted(versions)
    assert ask("--all", AWS_REGION="ap-southeast-2", **keys)[1].endswith("6 versions of 3 layers, 0 statements, none of them for everybody\n")
    assert ask("--all", AWS_REGION="ap-southeast-3", **keys)[:2] == (0, "0 versions of 0 layers, 0 statements, none of them for everybody\n")


def test_progress_is_printed_for_many_versions(layer, ask):
    for _ in range(51):
        layer.publish()

    code, printed, complaints = ask(layer.arn)

    assert code == 0
    assert printed.count("nobody else\n") == 51
    assert re.fullmatch(r"(\d+ of 51 versions read\n)+", complaints)


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ([], "no layer: got no argument, give ARNs of layers or of layer versions, or `--all`"),
        (["--everything"], "unknown option: got `--everything`, give `--all`, `--json` or ARNs"),
    ],
)
def test_invalid_arguments_fail_before_any_api_call(ask, arguments, reason):
    assert ask(*arguments, AWS_ENDPOINT_URL=NOTHING_THERE) == (WRONG_ARGUMENTS, "", f"{reason}\n")


def test_missing_layer_or_version_is_an_error(layer, ask):
    version = layer.publish()

    missing = f"{layer.arn}:7"
    reason = f"no such layer version: got `{missing}`, which is none of the 1 that there are, correct the ARN\n"
    assert ask(version, missing) == (FAILED, "", reason)
    missing = f"{layer.arn}-typo"
    assert ask(missing) == (FAILED, "", f"no such layer: got no version of `{missing}`, correct the ARN\n")
    foreign = layer.arn.replace(ACCOUNT, OTHER_ACCOUNT)
    reason = f"layer of another account: got `{foreign}` with credentials of `{ACCOUNT}`, run it with credentials of that account\n"
    assert ask(layer.arn, foreign) == (FAILED, "", reason)


def test_access_denied_names_the_missing_permission(engine, layer, ask):
    version, iam = layer.publish(), engine.client("iam")
    iam.create_user(UserName="curious")
    key = iam.create_access_key(UserName="curious")["AccessKey"]
    try:
        keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        code, printed, complaints = ask(version, **keys)
        assert (code, printed) == (FAILED, "")
        assert complaints.startswith("access denied: got `AccessDeniedException` (")
        assert complaints.endswith(f" from `lambda:ListLayerVersions` on `{layer.arn}`, run it with credentials that may do that\n")
        code, printed, complaints = ask("--all", **keys)
        assert (code, printed) == (FAILED, "")
        assert complaints.startswith("layers not listed: got `AccessDeniedException` (")
    finally:
        iam.delete_access_key(UserName="curious", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="curious")


def test_profile_supplies_region_and_credential_process(engine, ask, tmp_path):
    layer, config = Layer(engine, "profiled", region="sa-east-1"), tmp_path / "config"
    version = layer.publish()
    keys = {"Version": 1, "AccessKeyId": ACCOUNT, "SecretAccessKey": SECRET_KEY}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    config.write_text(f"[profile audit]\nregion = sa-east-1\ncredential_process = cat {tmp_path}/keys.json\n")

    code, printed, complaints = ask("--all", "--json", AWS_CONFIG_FILE=str(config), AWS_PROFILE="audit", AWS_REGION="")

    assert (code, complaints) == (0, "")
    assert [found["layer_version"] for found in json.loads(printed)["versions"]] == [version]


def test_failed_call_prints_the_reason_without_secrets(layer, ask):
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": SESSION_TOKEN}

    code, printed, complaints = ask("--all", AWS_ENDPOINT_URL=NOTHING_THERE, **keys)

    assert (code, printed) == (FAILED, "")
    assert complaints.startswith("no credentials that work: got no answer (`")
    assert SECRET_KEY not in complaints and SESSION_TOKEN not in complaints


def test_missing_credentials_or_region_are_reported(ask):
    nobody = {"AWS_EC2_METADATA_DISABLED": "true"}
    code, _, complaints = ask("--all", **nobody)
    assert code == FAILED
    assert complaints.startswith("no credentials that work: got ")

    reason = "no region: got none from the environment or the profile, set `AWS_REGION`\n"
    assert ask("--all", AWS_REGION="", **nobody) == (FAILED, "", reason)
