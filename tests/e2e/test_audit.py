"""The program `lambda-permission-audit`: whose each statement is, with the credentials of the person who runs it."""

import csv
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from function import Function
from layer import Layer
from layer_owner import ACCOUNT as OTHER_ACCOUNT
from local_aws import ACCOUNT, REGION, SECRET_KEY, SESSION_TOKEN
from stack import Stack
from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, function_template, sharing_template, without_resource

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/debug/lambda-permission-audit"
TOOLS = ROOT / ".tools"
CLEAN, FINDINGS, FAILED = 0, 1, 2
UNREACHABLE = "http://127.0.0.1:9"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


@pytest.fixture
def start_audit(aws, tmp_path):
    """Starts the program with credentials of the account and a clean environment. Variables with an empty value are removed."""

    def start(*arguments: str, **env: str) -> subprocess.Popen:
        env = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.url, "HOME": str(tmp_path), "PATH": os.environ["PATH"], **(env or CREDENTIALS)}
        env = {name: value for name, value in env.items() if value}
        return subprocess.Popen([PROGRAM, *arguments], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def audit(start_audit):
    """Runs the program, and returns exit code, stdout and stderr."""

    def run(*arguments: str, **env: str) -> tuple[int, str, str]:
        process = start_audit(*arguments, **env)
        stdout, stderr = process.communicate(timeout=120)
        return process.returncode, stdout, stderr

    return run


@pytest.fixture
def findings(audit):
    """The findings that are not accepted, as pairs of kind and statement id."""

    def run(*arguments: str) -> list[tuple[str, str]]:
        code, stdout, stderr = audit("--format", "json", *arguments)
        found = [finding for finding in json.loads(stdout)["findings"] if finding["accepted"] is None]
        assert code == (FINDINGS if found else CLEAN), stderr
        return [(finding["finding"], finding["statement_id"]) for finding in found]

    return run


@pytest.fixture
def accepted_until(audit, findings):
    """Accepts what is found, and checks that it is silent until `change` was called: then `expected` is found."""

    def check(target: str, change, expected: list[tuple[str, str]], *arguments: str):
        accepting = [target, *arguments, "--baseline", "accepted.json"]
        assert audit(*accepting, "--accept", "meant to be so")[0] == CLEAN
        assert findings(*accepting) == []
        change()
        assert findings(*accepting) == expected

    return check


def test_each_statement_has_its_owner(aws, provider, stack, findings, audit):
    layer = Layer(aws, "owned")
    versions = [layer.publish() for _ in range(2)]
    function = Function(aws, "owned").create()
    shared = sharing_template(LayerVersionArn=versions[0], Versions="All", Principals=[PARTNER, OTHER_PARTNER])
    shared["Resources"]["One"] = sharing_template(LayerVersionArn=versions[0], StatementId="one", Principal=PARTNER)["Resources"]["Sharing"]
    of_function = function_template(FunctionName=function, Principal="s3.amazonaws.com", SourceAccount=ACCOUNT)
    shared["Resources"]["Function"] = of_function["Resources"]["Sharing"]
    native = {"LayerVersionArn": versions[1], "Principal": PARTNER, "Action": "lambda:GetLayerVersion"}
    shared["Resources"]["Native"] = {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": native}
    with provider.with_parameters(FunctionNames="owned"):
        assert stack.create(shared) == "CREATE_COMPLETE"

        assert findings(layer.arn, function) == []
        _, stdout, _ = audit("--format", "json", layer.arn, function)
        report = json.loads(stdout)
        owners = {statement["owner"]["logical_id"] for policy in report["policies"] for statement in policy["statements"]}
        assert owners == {"Sharing", "One", "Function", "Native"}
        stack_ids = {statement["owner"]["stack_id"] for policy in report["policies"] for statement in policy["statements"]}
        assert stack_ids == {stack.id}
        assert report["looked_at"]["layer_versions"] == 2 and report["looked_at"]["statements"] == 7
        assert stack.delete() == "DELETE_COMPLETE"


def test_kind_public_and_outside(layer, findings, accepted_until):
    version = layer.publish()
    layer.add_statement(version, "open", "*")
    layer.add_statement(version, "partner", PARTNER)

    assert findings(version) == [("PUBLIC", "open"), ("UNOWNED", "open"), ("UNOWNED", "partner")]
    trusting = ["--trust", f"{PARTNER},{ORGANIZATION}"]
    assert findings(version, *trusting) == findings(version)
    others = findings(version, "--trust", OTHER_PARTNER)
    assert others == [("PUBLIC", "open"), ("OUTSIDE", "partner"), ("UNOWNED", "open"), ("UNOWNED", "partner")]

    def change():
        layer.remove_statement(version, "open")
        layer.remove_statement(version, "partner")
        layer.add_statement(version, "partner", "*")
        layer.add_statement(version, "open", "777788889999")

    changed = [("PUBLIC", "partner"), ("OUTSIDE", "open"), ("UNOWNED", "partner"), ("UNOWNED", "open")]
    accepted_until(version, change, changed, "--trust", OTHER_PARTNER)


def test_kind_missing_and_changed(aws, stack, layer, findings, accepted_until):
    version = layer.publish()
    assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    sid = stack.outputs["StatementId"]
    assert findings(version) == []

    layer.remove_statement(version, sid)
    assert findings(version) == [("MISSING", sid)]
    accepted_until(version, lambda: layer.add_statement(version, sid, OTHER_PARTNER), [("CHANGED", sid)])

    def change():
        layer.remove_statement(version, sid)
        layer.add_statement(version, sid, "777788889999")

    accepted_until(version, change, [("CHANGED", sid)])
    layer.remove_statement(version, sid)
    # The same as the accepted one.
    assert findings(version, "--baseline", "accepted.json") == []
    assert findings(version) == [("MISSING", sid)]
    layer.add_statement(version, sid, PARTNER)
    assert findings(version) == []
    assert stack.delete() == "DELETE_COMPLETE"


def test_kind_owner_gone(aws, stack, layer, findings, audit, accepted_until):
    version = layer.publish()
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER)
    assert stack.create(template) == "CREATE_COMPLETE"
    sid = stack.outputs["StatementId"]
    assert stack.delete() == "DELETE_COMPLETE"
    layer.add_statement(version, sid, PARTNER)

    assert findings(version) == [("OWNER GONE", sid)]
    _, stdout, _ = audit("--format", "json", version)
    [finding] = json.loads(stdout)["findings"]
    assert finding["detail"] == f"Sharing of stack {stack.name} is DELETE_COMPLETE ({stack.id})"
    command = f"aws lambda remove-layer-version-permission --region {REGION} --layer-name {layer.arn} --version-number 1 --statement-id {sid}"
    assert finding["remedy"] == f"remove it with `{command}`"

    def change():
        layer.remove_statement(version, sid)
        layer.add_statement(version, sid, OTHER_PARTNER)

    accepted_until(version, change, [("OWNER GONE", sid)])


def test_kind_unowned_of_function_and_alias(aws, findings, audit):
    function = Function(aws, "unowned")
    arn = function.create()
    function.publish_alias("live")
    function.add_statement("whole", PARTNER)
    function.add_statement("version", PARTNER, Qualifier="1")
    function.add_statement("alias", PARTNER, Qualifier="live")

    assert findings(arn) == [("UNOWNED", "whole"), ("UNOWNED", "version"), ("UNOWNED", "alias")]
    assert findings(f"{arn}:live") == [("UNOWNED", "alias")]
    code, stdout, _ = audit(f"{arn}:live")
    assert code == FINDINGS
    command = f"aws lambda remove-permission --region {REGION} --function-name {arn} --qualifier live --statement-id alias"
    assert f"declare it in a stack, or remove it with `{command}`" in stdout
    function.delete()


def test_baseline_accepts_a_finding_until_it_changes(layer, audit, findings, tmp_path):
    versions = [layer.publish() for _ in range(2)]
    baseline = tmp_path / "audit-baseline.json"
    for version in versions:
        layer.add_statement(version, "open", "*")
    code, _, stderr = audit(layer.arn, "--baseline", "audit-baseline.json")
    assert (code, stderr) == (
        FAILED,
        "baseline not read: got `No such file or directory (os error 2)` for `audit-baseline.json`, correct the path, or make it with `--accept`\n",
    )

    code, stdout, _ = audit(layer.arn, "--baseline", "audit-baseline.json", "--accept", "for everybody since 2023")
    assert code == CLEAN
    assert f"accepted    PUBLIC  {layer.name}:1-2  open: for everybody since 2023\n" in stdout
    accepted = json.loads(baseline.read_text())["accepted"]
    # One for each kind: the same statement on both versions is the same finding.
    assert sorted(entry["finding"] for entry in accepted) == ["PUBLIC", "UNOWNED"]
    assert {entry["reason"] for entry in accepted} == {"for everybody since 2023"}
    accepting = [layer.arn, "--baseline", "audit-baseline.json"]
    assert findings(*accepting) == []

    layer.remove_statement(versions[0], "open")
    layer.add_statement(versions[0], "open", PARTNER)
    assert findings(*accepting) == [("UNOWNED", "open")]
    assert audit(*accepting, "--fail-on", "PUBLIC,OUTSIDE")[0] == CLEAN
    baseline.write_text(baseline.read_text().replace("for everybody since 2023", ""))
    code, stdout, stderr = audit(*accepting)
    assert (code, stdout) == (FAILED, "")
    assert stderr.startswith("no reason in the baseline: got an empty one for `")


def test_docs_show_the_printed_table(aws, stack, audit):
    layer = Layer(aws, "observability")
    versions = [layer.publish() for _ in range(3)]
    template = sharing_template(LayerVersionArn=versions[-1], Versions="All", Principal="*", OrganizationId=ORGANIZATION)
    assert stack.create(template) == "CREATE_COMPLETE"
    layer.add_statement(versions[2], "partner", PARTNER)
    layer.add_statement(versions[0], "for-a-test-in-2023", "*")

    code, stdout, stderr = audit("--trust", ORGANIZATION, layer.arn)

    assert (code, stderr) == (FINDINGS, "")
    lines = [f"$ lambda-permission-audit --trust {ORGANIZATION} {layer.arn}", *stdout.splitlines()]
    shown = [f"    {line}".rstrip() for line in lines]
    docs = (ROOT / "docs/audit.md").read_text()
    assert without_what_differs("\n".join(shown)) in without_what_differs(docs), stdout
    assert stack.delete() == "DELETE_COMPLETE"


def without_what_differs(text: str) -> str:
    """Removes what differs for each stack or run: the suffix of derived ids, names and numbers of stacks."""
    text = re.sub(r"\b(Sharing-)[a-z2-7]{16}\b", r"\1…", text)
    text = re.sub(r"stack [\w-]+", "stack …", text)
    return re.sub(r"\d+ stacks?", "… stacks", text)


def test_csv_and_html_contain_the_findings(layer, audit):
    version = layer.publish()
    layer.add_statement(version, "open", "*")

    _, stdout, _ = audit("--format", "csv", version)
    rows = list(csv.DictReader(io.StringIO(stdout)))
    assert [(row["finding"], row["resource"], row["statement_id"]) for row in rows] == [("PUBLIC", version, "open"), ("UNOWNED", version, "open")]
    code, stdout, _ = audit("--format", "html", version)
    assert code == FINDINGS
    assert stdout.startswith("<!DOCTYPE html>") and "everybody can use it" in stdout


def test_page_is_readable_in_a_browser_and_loads_nothing(aws, audit, tmp_path):
    layer = Layer(aws, "page")
    versions = [layer.publish() for _ in range(2)]
    for version in versions:
        layer.add_statement(version, "open", "*")
        layer.add_statement(version, "partner", PARTNER)
    _, page, _ = audit("--format", "html", "--trust", ORGANIZATION, layer.arn)
    # No name in AWS can have such characters, but a page must not depend on that.
    injected = "<img src=http://127.0.0.1:9/x onerror=alert(1)>"
    baseline = tmp_path / "baseline.json"
    audit("--baseline", str(baseline), "--accept", f"{injected} & \"why\"", layer.arn)
    _, accepted, _ = audit("--format", "html", "--baseline", str(baseline), layer.arn)

    seen = look_at(page, tmp_path / "page.html")
    assert seen["title"] == f"Lambda permissions of account {ACCOUNT}"
    assert seen["headings"] == [seen["title"], "Findings", "Who can use what", layer.arn]
    found = [(kind, resource, sid) for kind, resource, sid, _ in seen["findings"]]
    assert found == [
        ("PUBLIC", "page:1-2", "open"),
        ("OUTSIDE", "page:1-2", "partner"),
        ("UNOWNED", "page:1-2", "open"),
        ("UNOWNED", "page:1-2", "partner"),
    ]
    assert seen["cells"] == ["1-2", "EVERYBODY", "open", "no stack", "1-2", f"account {PARTNER}", "partner", "no stack"]
    assert seen["requests"] == [(tmp_path / "page.html").as_uri()] * 2
    assert not seen["messages"] and not seen["overflows"]
    light, dark = seen["schemes"]["light"], seen["schemes"]["dark"]
    assert light["backgroundColor"] == "rgb(255, 255, 255)" != dark["backgroundColor"]

    seen = look_at(accepted, tmp_path / "accepted.html")
    assert "img" not in seen["elements"] and "script" not in seen["elements"]
    assert seen["findings"][0][3] == f"everybody can use itaccepted: {injected} & \"why\""
    assert seen["requests"] == [(tmp_path / "accepted.html").as_uri()] * 2
    assert not seen["messages"]


def look_at(page: str, path: pathlib.Path) -> dict:
    """What a headless Chromium shows of the page, and what it loads for it."""
    path.write_text(page)
    command = [TOOLS / "node/bin/node", "look.mjs", path.as_uri(), path.with_suffix(".png")]
    env = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "TMPDIR": str(TOOLS / "browser")}
    looked = subprocess.run(command, cwd=TOOLS / "browser", env=env, capture_output=True, text=True, timeout=120)
    assert looked.returncode == 0, looked.stderr
    return json.loads(looked.stdout)


def test_everything_in_several_regions_is_covered(aws, audit):
    regions = ["ap-southeast-2", "ap-southeast-3"]
    layers = [Layer(aws, f"all-{number}", region=region) for region in regions for number in range(2)]
    versions = [layer.publish() for layer in layers for _ in range(2)]
    for layer, version in zip(layers, versions[::2], strict=True):
        layer.add_statement(version, "partner", PARTNER)

    code, stdout, _ = audit("--format", "json", "--region", ",".join(regions))

    assert code == FINDINGS
    report = json.loads(stdout)
    assert report["regions"] == regions
    assert sorted(policy["resource"] for policy in report["policies"]) == sorted(versions[::2])
    assert report["looked_at"] == {
        "stacks": 0,
        "layers": 4,
        "layer_versions": 8,
        "functions": 0,
        "function_policies": 0,
        "statements": 4,
    }
    scope = f"Looked at 0 versions of 0 layers, 0 stacks in sa-east-1 of account {ACCOUNT}."
    assert audit("--region", "sa-east-1", "--trust", PARTNER) == (CLEAN, f"{scope}\nNothing new was found.\n", "")


def test_progress_is_printed_for_many_versions(layer, audit):
    for _ in range(51):
        layer.publish()

    code, _, stderr = audit(layer.arn)

    assert code == CLEAN
    assert re.fullmatch(r"(\d+ of \d+ (stacks|policies) read\n)+", stderr)


def test_interrupted_audit_prints_one_line_and_nothing_else(layer, start_audit):
    for _ in range(51):
        layer.publish()
    process = start_audit(layer.arn)
    time.sleep(1)

    process.send_signal(signal.SIGINT)

    stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout) == (FAILED, "")
    assert stderr == "interrupted: nothing was printed, run it again\n"


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (["--everything"], "error: unexpected argument '--everything' found"),
        (["tools"], "error: invalid value 'tools' for '[TARGETS]...': not the ARN of a layer, a layer version or a function"),
        (["--baseline", "b", "--accept", " "], "no reason: got an empty one for `--accept`, say why the findings are accepted"),
    ],
)
def test_invalid_arguments_fail_before_any_api_call(audit, arguments, reason):
    code, stdout, stderr = audit(*arguments, AWS_ENDPOINT_URL=UNREACHABLE)
    assert (code, stdout) == (FAILED, "")
    assert stderr.splitlines()[0] == reason


def test_missing_resource_is_an_error(aws, layer, audit):
    version = layer.publish()

    missing = f"{layer.arn}:7"
    reason = f"no such layer version: got `{missing}`, which is none of the 1 that exist, correct the ARN\n"
    assert audit(version, missing) == (FAILED, "", reason)
    missing = f"{layer.arn}-typo"
    reason = f"no such layer: got `{missing}`, which is none of the 0 that exist, correct the ARN\n"
    assert audit(missing) == (FAILED, "", reason)
    missing = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:never-created"
    assert audit(missing)[2].startswith(f"no such function: got `{missing}`, which is none of the 0 that exist")
    foreign = layer.arn.replace(ACCOUNT, OTHER_ACCOUNT)
    reason = f"resource of another account: got `{foreign}` with credentials of `{ACCOUNT}`, use credentials of that account\n"
    assert audit(layer.arn, foreign) == (FAILED, "", reason)


def test_access_denied_names_the_missing_permission_and_prints_no_half_of_a_report(aws, audit):
    # A region that has one of each, and nothing of other tests.
    region, iam = "ap-south-1", aws.client("iam")
    layer = Layer(aws, "denied", region=region)
    layer.add_statement(layer.publish(), "partner", PARTNER)
    Function(aws, "denied", region=region).create()
    assert Stack(aws, "denied", region=region).create(without_resource({"Resources": {}}, "")) == "CREATE_COMPLETE"
    iam.create_user(UserName="auditor")
    key = iam.create_access_key(UserName="auditor")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    # All permissions that docs/audit.md lists but one, and then all of them.
    actions = documented_permissions()
    try:
        for missing in [*actions, None]:
            allowed = [action for action in actions if action != missing]
            document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": allowed, "Resource": "*"}}
            iam.put_user_policy(UserName="auditor", PolicyName="audit", PolicyDocument=json.dumps(document))
            code, stdout, stderr = audit("--region", region, **credentials)
            if missing is None:
                assert code in (CLEAN, FINDINGS), stderr
            else:
                assert (code, stdout) == (FAILED, ""), missing
                lines = [line for line in stderr.splitlines() if not re.fullmatch(r"\d+ of \d+ [a-z ]+", line)]
                assert len(lines) == 1 and lines[0].startswith("access denied: got `AccessDenied"), (missing, stderr)
                assert f" from `{missing}` on `" in lines[0], (missing, stderr)
                assert lines[0].endswith(", use credentials that are allowed to: docs/audit.md lists the permissions")
    finally:
        iam.delete_user_policy(UserName="auditor", PolicyName="audit")
        iam.delete_access_key(UserName="auditor", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="auditor")


def documented_permissions() -> list[str]:
    docs = (ROOT / "docs/audit.md").read_text()
    [policy] = re.findall(r"```json\n(\{\n  \"Version\": \"2012-10-17\".*?)```", docs, re.DOTALL)
    [statement] = json.loads(policy)["Statement"]
    return statement["Action"]


def test_profile_supplies_region_and_credential_process(aws, audit, tmp_path):
    layer, config = Layer(aws, "profiled", region="us-west-1"), tmp_path / "config"
    version = layer.publish()
    layer.add_statement(version, "partner", PARTNER)
    credentials = {"Version": 1, "AccessKeyId": ACCOUNT, "SecretAccessKey": SECRET_KEY}
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    config.write_text(f"[profile audit]\nregion = us-west-1\ncredential_process = cat {tmp_path}/credentials.json\n")

    code, stdout, stderr = audit("--format", "json", AWS_CONFIG_FILE=str(config), AWS_PROFILE="audit", AWS_REGION="")

    assert (code, stderr) == (FINDINGS, "")
    assert [policy["resource"] for policy in json.loads(stdout)["policies"]] == [version]


def test_failed_call_prints_the_reason_without_secrets(layer, audit):
    credentials = {**CREDENTIALS, "AWS_SESSION_TOKEN": SESSION_TOKEN}

    code, stdout, stderr = audit(AWS_ENDPOINT_URL=UNREACHABLE, **credentials)

    assert (code, stdout) == (FAILED, "")
    assert stderr.startswith("no credentials that work: got no response (`")
    assert SECRET_KEY not in stderr and SESSION_TOKEN not in stderr


def test_missing_credentials_or_region_are_reported(audit):
    no_credentials = {"AWS_EC2_METADATA_DISABLED": "true"}
    code, _, stderr = audit(**no_credentials)
    assert code == FAILED
    assert stderr.startswith("no credentials that work: got ")

    reason = "no region: got none from the environment or the profile, set `AWS_REGION` or give `--region`\n"
    assert audit(AWS_REGION="", **no_credentials) == (FAILED, "", reason)
