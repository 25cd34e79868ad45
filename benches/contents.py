"""What is in the executable that ships: crates, HTTP and TLS stacks, jitter entropy. Asks cargo and the linker's input; runs nothing.

The executable is linked without its symbols, and to link it with them takes minutes. So the symbols are looked for in the one
library of aws-lc that cargo reports as linked into this executable: what is not in there cannot get in.
"""

import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parent.parent

# What speaks HTTP or TLS beside reqwest, hyper and rustls with aws-lc.
OTHER_STACKS = {"attohttpc", "boring", "curl", "isahc", "mbedtls", "native-tls", "openssl", "openssl-sys", "ring", "ureq"}
ONE_EACH = {"aws-lc-sys", "h2", "hyper", "hyper-rustls", "reqwest", "rustls", "tokio-rustls"}


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def crates(platform: str) -> set[tuple[str, str]]:
    """Names and versions of what is compiled for it, macros included; its build scripts' own crates are not."""
    tree = _output("cargo", "tree", "--locked", "--edges", "normal", "--target", platform, "--prefix", "none")
    return {tuple(line.split()[:2]) for line in tree.splitlines()}


def second_stacks(crates: set[tuple[str, str]]) -> list[str]:
    names = [name for name, _ in crates]
    second = [crate for crate in sorted(crates) if crate[0] in OTHER_STACKS or (crate[0] in ONE_EACH and names.count(crate[0]) > 1)]
    if not second:
        return []
    got = ", ".join(f"`{name} {version}`" for name, version in second)
    return [f"second HTTP or TLS stack: got {got}, see by `cargo tree --invert` who wants it, and leave out the feature that does"]


def cryptography(platform: str, glibc: str) -> pathlib.Path:
    """The library of aws-lc in the build that made the executable; cargo prints it again, since there is nothing left to build."""
    output = _output("tools/build_release.sh", platform, glibc, "--bin", "bootstrap", "--message-format=json")
    built = [json.loads(line) for line in output.splitlines() if '"build-script-executed"' in line]
    (folder,) = (message["out_dir"] for message in built if "aws-lc-sys" in message["package_id"])
    (library,) = pathlib.Path(folder).glob("libaws_lc_*_crypto.a")
    return library


def jitter(library: pathlib.Path) -> list[str]:
    symbols = re.findall(r" [A-Za-z] (\S+)$", _output("nm", str(library)), re.MULTILINE)
    if not any("X25519" in symbol for symbol in symbols):
        got = f"{len(symbols)} symbols in `{library}`"
        return [f"no cryptography in the library: got {got}, look where aws-lc's build puts it now"]
    found = [symbol for symbol in symbols if "jent_" in symbol]
    if not found:
        return []
    got = f"{len(found)} symbols such as `{found[0]}`"
    return [f"jitter entropy compiled in: got {got}, build with AWS_LC_SYS_NO_JITTER_ENTROPY=1, as .cargo/config.toml says"]
