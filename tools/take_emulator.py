"""Takes AWS's Lambda Runtime Interface Emulator out of the wheel of aws-sam-cli: `python take_emulator.py TARGET`.

The wheel ships it as a static executable, so that neither SAM's eighty dependencies nor Docker are needed.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

WHEEL = "aws-sam-cli==1.170.0"
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"


def main(target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        subprocess.run(download, check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        emulator = zipfile.ZipFile(wheel).read(EMULATOR)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(emulator)
    target.chmod(0o755)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
