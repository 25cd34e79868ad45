"""Keeps what was measured in results.json, a line for each part of it. Knows nothing of what the parts are."""

import json
import pathlib

FILE = pathlib.Path(__file__).with_name("results.json")


def read() -> dict:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def write(results: dict):
    lines = ",\n".join(f" {json.dumps(name)}: {_one_line_each(value)}" for name, value in results.items())
    FILE.write_text("{\n" + lines + "\n}\n")


def _one_line_each(value) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(inner)}" for name, inner in value.items()) + "\n }"
