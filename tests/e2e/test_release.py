"""`make release`: the files of a release, made of what was built for each platform."""

import os
import shutil
import subprocess
import zipfile

import pytest
import yaml

import release
from provider import ROOT
from response_endpoint import HOST
from stack import Stack

PYTHON = ROOT / ".tools/lint/bin/python"
AUDIT_ARCHIVES = [f"lambda-permission-audit-{system}-{architecture}.tar.gz" for system in ("linux", "macos") for architecture in ("x86_64", "arm64")]


@pytest.fixture
def dist(tmp_path):
    """What the jobs of the release have built. The engine runs x86_64 code only, so the zip for arm64 has it too, and a comment besides."""
    folder = tmp_path / "dist"
    (folder / "arm64").mkdir(parents=True)
    shutil.copy(release.ZIP, folder)
    arm64 = folder / "arm64/bootstrap-arm64.zip"
    shutil.copy(release.ZIP, arm64)
    with zipfile.ZipFile(arm64, "a") as archive:
        archive.comment = b"arm64"
    for name in [*AUDIT_ARCHIVES, "sbom-x86_64.cdx.json", "sbom-arm64.cdx.json"]:
        (folder / name).write_text(name)
    return folder


def assemble(dist, **env: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_REF_NAME"} | env
    completed = subprocess.run(
        [PYTHON, "tools/assemble_release.py", dist, dist / "release"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return completed.returncode, completed.stdout


def test_release_has_the_files_for_each_platform_and_their_checksums(dist):
    assert assemble(dist)[0] == 0
    assert assemble(dist, GITHUB_REF_NAME="v0.1.0")[0] == 0, "again, and with the tag"
    names = sorted(path.name for path in (dist / "release").iterdir())
    expected = [*AUDIT_ARCHIVES, "SHA256SUMS", "bootstrap-arm64.zip", "bootstrap-x86_64.zip", "cfn-lint-rules.zip", "examples.zip", "packaged.yaml"]
    assert names == sorted([*expected, "sbom-arm64.cdx.json", "sbom-x86_64.cdx.json"])
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=dist / "release", stdout=subprocess.PIPE, text=True, check=True)
    assert checked.stdout.count(": OK\n") == len(names) - 1
    notes = (dist / "release-notes.md").read_text()
    assert notes.startswith("### ") and "\n## " not in notes


def test_missing_file_is_named(dist):
    (dist / "lambda-permission-audit-macos-arm64.tar.gz").unlink()
    code, output = assemble(dist)
    assert (code, output) == (
        1,
        f"files of the release are missing: got no lambda-permission-audit-macos-arm64.tar.gz in {dist}, "
        "build them as .github/workflows/release.yml does\n",
    )


def test_tag_of_another_version_is_refused(dist):
    code, output = assemble(dist, GITHUB_REF_NAME="v9.9.9")
    assert (code, output) == (1, "the tag is not that of the version: got v9.9.9, tag v0.1.0, or change the version in Cargo.toml\n")
    assert not (dist / "release").exists()


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_one_template_deploys_each_architecture(aws, provider, dist, architecture):
    assert assemble(dist)[0] == 0
    template = (dist / "release/packaged.yaml").read_text()
    for name in ("x86_64", "arm64"):
        archive = (dist / f"release/bootstrap-{name}.zip").read_bytes()
        aws.upload("release-of-both", release.key_of(archive), archive)
    stack = Stack(aws, f"release-{architecture.replace('_', '-')}")
    parameters = {"CodeBucket": "release-of-both", "Architecture": architecture, "FunctionName": stack.name, "ResponseHosts": f"http://{HOST}"}
    assert stack.create(template, **parameters) == "CREATE_COMPLETE"
    configuration = aws.client("lambda").get_function_configuration(FunctionName=stack.name)
    archive = (dist / f"release/bootstrap-{architecture}.zip").read_bytes()
    assert configuration["Architectures"] == [architecture]
    assert configuration["Description"].endswith(f"/{release.key_of(archive)}")
    # The other zip is rejected: the version of the function has the SHA-256 of this one.
    other = {"x86_64": "arm64", "arm64": "x86_64"}[architecture]
    wrong = release.key_of((dist / f"release/bootstrap-{other}.zip").read_bytes())
    assert stack.update(template, **parameters, CodeKey=wrong) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def test_template_of_one_architecture_offers_no_other():
    architecture = yaml.safe_load(release.PACKAGED.read_text())["Parameters"]["Architecture"]
    assert (architecture["Default"], architecture["AllowedValues"]) == ("x86_64", ["x86_64"])


def test_rules_of_the_release_find_a_mistake(dist, tmp_path):
    assert assemble(dist)[0] == 0
    zipfile.ZipFile(dist / "release/cfn-lint-rules.zip").extractall(tmp_path)
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Sharing: {Type: Custom::LayerVersionPermission, Properties: {ServiceToken: x, Principle: '*'}}}")
    command = [ROOT / ".tools/lint/bin/cfn-lint", "--append-rules", "lint", "--template", template]
    completed = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, timeout=120)
    assert "unknown property: got `Principle`, the nearest known one is `Principal`, use that or remove it" in completed.stdout
