"""Extracts AWS's Lambda Runtime Interface Emulator from the wheel of aws-sam-cli: `python extract_runtime_emulator.py REQUIREMENTS TARGET`.

The wheel contains it as a static executable, so neither SAM's eighty dependencies nor Docker are needed. REQUIREMENTS pins the
version and its SHA-256: pip rejects any other wheel.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

REQUIREMENT = re.compile(r"^aws-sam-cli==(?:.*\\\n)+.*\n", re.MULTILINE)
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"


def locked_requirement(requirements: str) -> str:
    """The requirement on aws-sam-cli, with its hashes."""
    found = REQUIREMENT.search(requirements)
    if not found or "--hash=sha256:" not in found[0]:
        sys.exit("no SHA-256 of aws-sam-cli: got a requirements file without it, run `make lock-tools`")
    return found[0]


def main(requirements: pathlib.Path, target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        requirement = pathlib.Path(folder, "requirement.txt")
        requirement.write_text(locked_requirement(requirements.read_text()))
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        if subprocess.run([*download, "--dest", folder, "--requirement", requirement]).returncode:
            sys.exit("aws-sam-cli not downloaded: see pip's error above")
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        emulator = zipfile.ZipFile(wheel).read(EMULATOR)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(emulator)
    target.chmod(0o755)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
