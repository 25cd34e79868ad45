"""Makes the zip that ships: `python zip_bootstrap.py EXECUTABLE ZIP`.

Refuses an executable that needs a newer C library than provided.al2 has. The same executable gives the same bytes.
"""

import pathlib
import re
import subprocess
import sys
import zipfile

NEWEST_GLIBC = (2, 26)  # of provided.al2
NO_TIME = (1980, 1, 1, 0, 0, 0)


def needed_glibc(executable: pathlib.Path) -> tuple[int, ...]:
    symbols = subprocess.run(["objdump", "-T", executable], capture_output=True, text=True, check=True).stdout
    versions = re.findall(r"GLIBC_([0-9.]+)", symbols)
    if not versions:
        sys.exit(f"{executable}: names no version of glibc, so it is not the executable that was asked for")
    return max(tuple(int(part) for part in version.split(".")) for version in versions)


def main(executable: pathlib.Path, archive: pathlib.Path) -> None:
    needed = needed_glibc(executable)
    if needed > NEWEST_GLIBC:
        sys.exit(f"{executable}: needs glibc {needed}, provided.al2 has {NEWEST_GLIBC}")
    entry = zipfile.ZipInfo("bootstrap", date_time=NO_TIME)
    entry.create_system = 3  # Unix, so that the mode counts
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, executable.read_bytes(), compresslevel=9)
    version = ".".join(map(str, needed))
    print(f"{archive}: {archive.stat().st_size:,} bytes, runs with glibc {version} and newer")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
