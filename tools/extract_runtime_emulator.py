"""Takes AWS's Lambda Runtime Interface Emulator out of the wheel of aws-sam-cli: `python extract_runtime_emulator.py REQUIREMENTS TARGET`.

The wheel ships it as a static executable, so that neither SAM's eighty dependencies nor Docker are needed. REQUIREMENTS says which
version, and its SHA-256: pip refuses a wheel that has another one.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

SAM = re.compile(r"^aws-sam-cli==(?:.*\\\n)+.*\n", re.MULTILINE)
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"


def locked(requirements: str) -> str:
    """The one requirement on aws-sam-cli, with its hashes."""
    found = SAM.search(requirements)
    if not found or "--hash=sha256:" not in found[0]:
        sys.exit("no SHA-256 of aws-sam-cli: got a file of requirements without it, run `make lock-tools`")
    return found[0]


def main(requirements: pathlib.Path, target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted = pathlib.Path(folder, "wanted.txt")
        wanted.write_text(locked(requirements.read_text()))
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        if subprocess.run([*download, "--dest", folder, "--requirement", wanted]).returncode:
            sys.exit("aws-sam-cli not taken: pip says above what it got")
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        emulator = zipfile.ZipFile(wheel).read(EMULATOR)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(emulator)
    target.chmod(0o755)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
