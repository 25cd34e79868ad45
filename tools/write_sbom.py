"""Tells which crates are in the zip that ships, as CycloneDX: `python write_sbom.py TARGET ZIP REQUIREMENTS SBOM`.

Crates that run only while building or testing are left out; what compiles and links them is named: rustc, and zig and cargo-zigbuild
as REQUIREMENTS has them. Neither time nor place gets into it: the same sources and the same
zip give the same bytes.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib

TREE = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "{p}|{l}"]
LINE = re.compile(r"(?P<depth>\d+)(?P<name>\S+) v(?P<version>\S+)[^|]*\|(?P<licence>.+?)(?: \(\*\))?")


def purl(crate: tuple[str, str]) -> str:
    return "pkg:cargo/{}@{}".format(*crate)


def built_for(target: str) -> tuple[dict, dict]:
    """The licence of each crate, and which crates it needs; the first one is our own."""
    tree = subprocess.run([*TREE, "--target", target], stdout=subprocess.PIPE, text=True, check=True).stdout
    licences, needs, path = {}, {}, []
    for line in tree.splitlines():
        found = LINE.fullmatch(line)
        if not found:
            sys.exit(f"not a line of a tree: {line}")
        crate = found["name"], found["version"]
        # Before there were expressions, a slash meant the same as `OR`.
        licences[crate] = re.sub(r"\s*/\s*", " OR ", found["licence"])
        path[int(found["depth"]) :] = [crate]
        needs.setdefault(crate, set())
        if len(path) > 1:
            needs[path[-2]].add(crate)
    return licences, needs


def component(crate: tuple[str, str], licence: str, kind: str, sum_: str) -> dict:
    return {
        "type": kind,
        "bom-ref": purl(crate),
        "name": crate[0],
        "version": crate[1],
        "hashes": [{"alg": "SHA-256", "content": sum_}],
        "licenses": [{"expression": licence}],
        "purl": purl(crate),
    }


def tools(requirements: pathlib.Path) -> list[dict]:
    """What makes the executable of the crates."""
    rustc = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", requirements.read_text(), re.MULTILINE))
    versions = {"cargo-zigbuild": locked["cargo-zigbuild"], "rustc": rustc, "zig": locked["ziglang"]}
    return [{"type": "application", "name": name, "version": version} for name, version in versions.items()]


def main(target: str, archive: pathlib.Path, requirements: pathlib.Path, sbom: pathlib.Path) -> None:
    licences, needs = built_for(target)
    locked = tomllib.loads(pathlib.Path("Cargo.lock").read_text())["package"]
    sums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    ours, *crates = licences
    described = component(ours, licences[ours], "application", hashlib.sha256(archive.read_bytes()).hexdigest())
    components = [component(crate, licences[crate], "library", sums[crate]) for crate in sorted(crates)]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"tools": {"components": tools(requirements)}, "component": described},
        "components": components,
        "dependencies": [
            {"ref": purl(crate), "dependsOn": [purl(needed) for needed in sorted(needs[crate])]} for crate in sorted(needs)
        ],
    }
    sbom.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{sbom}: {len(components)} crates")


if __name__ == "__main__":
    main(sys.argv[1], *map(pathlib.Path, sys.argv[2:]))
