"""Writes the release zip: `python zip_bootstrap.py EXECUTABLE ZIP`.

Rejects an executable that needs a newer glibc than provided.al2 has. The same executable gives the same bytes.
"""

import pathlib
import re
import struct
import subprocess
import sys
import zipfile
import zlib

import zopfli.zlib

MAX_GLIBC = (2, 26)  # of provided.al2
ITERATIONS = 5  # more make it no smaller
FIXED_TIME = (0, 1 << 5 | 1)  # 1980-01-01 as MS-DOS has it: a timestamp would change the bytes
MODE = 0o100755  # of the file in the archive


def required_glibc(executable: pathlib.Path) -> tuple[int, ...]:
    symbols = subprocess.run(["objdump", "-T", executable], capture_output=True, text=True, check=True).stdout
    versions = re.findall(r"GLIBC_([0-9.]+)", symbols)
    if not versions:
        sys.exit(f"{executable}: references no version of glibc, so it is not the expected executable")
    return max(tuple(int(part) for part in version.split(".")) for version in versions)


def zip_of(name: str, content: bytes) -> bytes:
    """An archive with one file, compressed by zopfli, which Python's zipfile cannot be told to use.

    Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
    """
    # Without the two bytes before and the four bytes after that make it a zlib stream.
    compressed = zopfli.zlib.compress(content, numiterations=ITERATIONS)[2:-4]
    needed, unix, deflated = 20, 3, 8
    sizes = zlib.crc32(content), len(compressed), len(content)
    common = struct.pack("<HHHHHLLLHH", needed, 0, deflated, *FIXED_TIME, *sizes, len(name), 0)
    local = b"PK\x03\x04" + common + name.encode() + compressed
    made_by = struct.pack("<BB", needed, unix)
    attributes = struct.pack("<HHHLL", 0, 0, 0, MODE << 16, 0)
    central = b"PK\x01\x02" + made_by + common + attributes + name.encode()
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0)


def main(executable: pathlib.Path, archive: pathlib.Path) -> None:
    required = required_glibc(executable)
    if required > MAX_GLIBC:
        sys.exit(f"{executable}: needs glibc {required}, provided.al2 has {MAX_GLIBC}")
    content = executable.read_bytes()
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(zip_of("bootstrap", content))
    with zipfile.ZipFile(archive) as file:
        if file.read("bootstrap") != content:
            sys.exit(f"{archive}: does not contain {executable}")
    version = ".".join(map(str, required))
    print(f"{archive}: {archive.stat().st_size:,} bytes, needs glibc {version} or newer")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
