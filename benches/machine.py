"""What was measured, where and when: commit, date, machine and versions."""

import datetime
import json
import os
import pathlib
import subprocess

from subjects import PEERS, Built

# What makes a difference to the figures.
MEASURED = ["src", "Cargo.toml", "Cargo.lock", ".cargo", "benches/floor", "benches/peers"]


def here() -> dict:
    changed = _output("git", "status", "--porcelain", "--", *MEASURED)
    cpu = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "commit": _output("git", "rev-parse", "--short=10", "HEAD") + (" and changes" if changed else ""),
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "processor": next((line.partition(": ")[2] for line in cpu if line.startswith("model name")), "unnamed processor"),
        "cores": len(os.sched_getaffinity(0)),
        "system": _output("uname", "-sr"),
    }


def described(built: Built) -> dict:
    freeze = _output(built.python_peer / "bin/pip", "freeze", "--disable-pip-version-check").splitlines()
    packages = dict(line.split("==") for line in freeze)
    return {
        **here(),
        "valgrind": _output("valgrind", "--version"),
        "python": _output(built.python_peer / "bin/python", "--version"),
        "packages": {name: packages[name] for name in ("boto3", "crhelper", "awslambdaric")},
        "node": _output("node", "--version"),
        "sdk": json.loads((PEERS / "node/package.json").read_text())["dependencies"]["@aws-sdk/client-lambda"],
    }


def _output(*command) -> str:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout.strip()
