"""The scripts in `tools/`: their checks pass on any date, and they download only what is pinned."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import release
from provider import ROOT, TEMPLATE
from templates import EXAMPLES

sys.path.insert(0, str(ROOT / "tools"))

import extract_runtime_emulator  # noqa: E402

# Before and after the dates from which Lambda creates and updates no functions on provided.al2, and long after.
DAYS = ["2026-11-26", "2027-02-02", "2027-03-04", "2030-01-01"]
LINT = ROOT / ".tools/lint/bin"


def lint(day: str, *arguments: pathlib.Path | str) -> tuple[int, str]:
    command = [LINT / "python", ROOT / "tools/on_date.py", day, LINT / "cfn-lint", *arguments]
    completed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return completed.returncode, completed.stdout


def with_literal_runtime(template: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A copy in which the reference to the parameter is replaced by its value, as a linter may do."""
    copy = folder / template.name
    text, count = re.subn(r"Runtime:\s+(!Ref|Ref:) Runtime", "Runtime: provided.al2", template.read_text())
    assert count
    copy.write_text(text)
    return copy


@pytest.mark.parametrize("day", DAYS)
def test_templates_pass_cfn_lint_on_any_date(tmp_path, day):
    literal = [with_literal_runtime(template, tmp_path) for template in (TEMPLATE, release.PACKAGED)]
    # W2001: these copies do not use the parameter.
    assert lint(day, TEMPLATE, release.PACKAGED, *sorted(EXAMPLES.glob("*.yaml")), *literal, "--ignore-checks", "W2001") == (0, "")


@pytest.mark.parametrize(("day", "check"), [("2026-07-01", ""), *zip(DAYS, ["W2531", "E2531", "E2533", "E2533"])])
def test_cfn_lint_uses_the_given_date(tmp_path, day, check):
    """Otherwise, the test above would prove nothing."""
    template = tmp_path / "template.yaml"
    code = "Handler: bootstrap, Role: 'arn:aws:iam::123456789012:role/any', Code: {S3Bucket: any, S3Key: any}"
    template.write_text(f"Resources: {{Any: {{Type: AWS::Lambda::Function, Properties: {{Runtime: provided.al2, {code}}}}}}}\n")
    assert lint(day, template)[1][:5] == check


def audit_deps(tmp_path: pathlib.Path, reachable: bool, **env: str) -> tuple[int, str]:
    """Exit code and stderr of audit_deps.sh, with a fake cargo-deny that can or cannot fetch the database."""
    deny = tmp_path / "cargo-deny"
    deny.write_text(f"#!/bin/sh\n[ $2 = check ] || exit {0 if reachable else 1}\necho checked >&2\n")
    deny.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], **env}
    completed = subprocess.run([ROOT / "tools/audit_deps.sh", deny], env=environment, stderr=subprocess.PIPE, text=True)
    return completed.returncode, completed.stderr


@pytest.mark.parametrize("env", [{}, {"CI": "true"}, {"REQUIRE_ADVISORIES": "1"}])
def test_advisories_are_checked_when_the_database_is_reachable(tmp_path, env):
    assert audit_deps(tmp_path, True, **env) == (0, "checked\n")


@pytest.mark.parametrize("env", [{}, {"CI": "true"}])
def test_skipped_advisory_check_is_reported(tmp_path, env):
    code, stderr = audit_deps(tmp_path, False, **env)
    assert code == 0
    assert stderr.startswith("SKIPPED: the advisory database cannot be reached")


def test_skipped_advisory_check_fails_if_required(tmp_path):
    assert audit_deps(tmp_path, False, REQUIRE_ADVISORIES="1") == (
        1,
        "advisories not checked: the advisory database cannot be reached, run the check again\n",
    )


def test_runtime_emulator_is_pinned_by_the_locked_hash():
    locked = extract_runtime_emulator.locked_requirement((ROOT / "tools/requirements-sam.txt").read_text())
    assert re.fullmatch(r"aws-sam-cli==[\d.]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", locked)


@pytest.mark.parametrize("requirements", ["", "aws-sam-cli==1.170.0\n", "aws-sam-cli==1.170.0\nboto3==1.0 \\\n    --hash=sha256:00\n"])
def test_runtime_emulator_without_hash_is_rejected(requirements):
    with pytest.raises(SystemExit, match="no SHA-256 of aws-sam-cli: got a requirements file without it, run `make lock-tools`"):
        extract_runtime_emulator.locked_requirement(requirements)


def test_make_says_what_is_missing_before_anything_fails(tmp_path):
    """A machine with make and a shell only."""
    for program in ["bash", "sh"]:
        (tmp_path / program).symlink_to(shutil.which(program))
    command = [shutil.which("make"), "-C", ROOT, "--no-print-directory", "demo"]
    made = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert made.returncode == 2
    assert made.stdout == (
        "cargo is missing: install Rust, for example from https://rustup.rs\n"
        "python3 is missing: install Python 3.11 or newer with its venv module, for example the packages python3 and python3-venv\n"
        "cc is missing: install a C compiler, for example the package build-essential, gcc or clang\n"
    )
    assert made.stderr.rstrip().endswith("*** nothing was done: got no cargo python3 cc in PATH.  Stop.")


def check_sequences(tmp_path, *sequences: str) -> tuple[int, str]:
    """check.py with a Makefile of three targets, of which `long` ends only if it is interrupted."""
    long = "@trap 'echo interrupted; exit 1' INT; echo started; sleep 100 & wait"
    (tmp_path / "Makefile").write_text(f"quick:\n\t@echo output of quick\nfailing:\n\t@sleep 1; exit 3\nlong:\n\t{long}\n")
    command = [sys.executable, ROOT / "tools/check.py", *sequences]
    completed = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return completed.returncode, re.sub(r"\d+:\d\d", "0:00", completed.stdout)


def test_check_prints_the_output_of_each_target(tmp_path):
    assert check_sequences(tmp_path, "quick") == (0, "output of quick\nmake check: 0:00 quick passed in 0:00, 1 of 1\n")


def test_failed_target_ends_the_other_sequence(tmp_path):
    code, output = check_sequences(tmp_path, "failing quick", "long")
    assert code == 1
    assert "make check: 0:00 failing failed in 0:00, 1 of 3\n" in output
    assert output.endswith("make check: failed: failing; repeat one alone, as in `make test`\n")
    assert "output of quick" not in output
