"""Writes the release zip: `python zip_bootstrap.py EXECUTABLE ZIP`.

Rejects an executable that needs a newer glibc than provided.al2 has. The same executable gives the same bytes.
"""

import pathlib
import re
import subprocess
import sys
import zipfile

import zopfli

MAX_GLIBC = (2, 26)  # of provided.al2
ITERATIONS = 5  # more make it no smaller
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # a timestamp would change the bytes


def required_glibc(executable: pathlib.Path) -> tuple[int, ...]:
    symbols = subprocess.run(["objdump", "-T", executable], capture_output=True, text=True, check=True).stdout
    versions = re.findall(r"GLIBC_([0-9.]+)", symbols)
    if not versions:
        sys.exit(f"{executable}: references no version of glibc, so it is not the expected executable")
    return max(tuple(int(part) for part in version.split(".")) for version in versions)


def main(executable: pathlib.Path, archive: pathlib.Path) -> None:
    required = required_glibc(executable)
    if required > MAX_GLIBC:
        sys.exit(f"{executable}: needs glibc {required}, provided.al2 has {MAX_GLIBC}")
    entry = zipfile.ZipInfo("bootstrap", date_time=FIXED_TIME)
    entry.create_system = 3  # Unix, so that the file mode applies
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zopfli.ZipFile(archive, "w", iterations=ITERATIONS) as file:
        file.writestr(entry, executable.read_bytes())
    version = ".".join(map(str, required))
    print(f"{archive}: {archive.stat().st_size:,} bytes, needs glibc {version} or newer")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
