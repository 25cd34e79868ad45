"""Writes the SBOM of the release zip in CycloneDX format: `python write_sbom.py TARGET ZIP REQUIREMENTS SBOM`.

Lists the crates that are linked into the executable, without build and test dependencies, and the tools that build it: rustc, and zig and
cargo-zigbuild in the versions of REQUIREMENTS. Contains no timestamp and no path: the same sources and the same zip give the same bytes.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib

CARGO_TREE = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "{p}|{l}"]
TREE_LINE = re.compile(r"(?P<depth>\d+)(?P<name>\S+) v(?P<version>\S+)[^|]*\|(?P<licence>.+?)(?: \(\*\))?")


def purl(crate: tuple[str, str]) -> str:
    return "pkg:cargo/{}@{}".format(*crate)


def linked_crates(target: str) -> tuple[dict, dict]:
    """The licence and the dependencies of each crate; the first crate is this package."""
    tree = subprocess.run([*CARGO_TREE, "--target", target], stdout=subprocess.PIPE, text=True, check=True).stdout
    licences, dependencies, path = {}, {}, []
    for line in tree.splitlines():
        found = TREE_LINE.fullmatch(line)
        if not found:
            sys.exit(f"unexpected line of cargo tree: {line}")
        crate = found["name"], found["version"]
        # In older manifests, a slash means `OR`.
        licences[crate] = re.sub(r"\s*/\s*", " OR ", found["licence"])
        path[int(found["depth"]) :] = [crate]
        dependencies.setdefault(crate, set())
        if len(path) > 1:
            dependencies[path[-2]].add(crate)
    return licences, dependencies


def component(crate: tuple[str, str], licence: str, kind: str, checksum: str) -> dict:
    return {
        "type": kind,
        "bom-ref": purl(crate),
        "name": crate[0],
        "version": crate[1],
        "hashes": [{"alg": "SHA-256", "content": checksum}],
        "licenses": [{"expression": licence}],
        "purl": purl(crate),
    }


def build_tools(requirements: pathlib.Path) -> list[dict]:
    """The tools that build the executable from the crates."""
    rustc = subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", requirements.read_text(), re.MULTILINE))
    versions = {"cargo-zigbuild": locked["cargo-zigbuild"], "rustc": rustc, "zig": locked["ziglang"]}
    return [{"type": "application", "name": name, "version": version} for name, version in versions.items()]


def main(target: str, archive: pathlib.Path, requirements: pathlib.Path, sbom: pathlib.Path) -> None:
    licences, dependencies = linked_crates(target)
    locked = tomllib.loads(pathlib.Path("Cargo.lock").read_text())["package"]
    checksums = {(crate["name"], crate["version"]): crate.get("checksum") for crate in locked}
    own, *crates = licences
    package = component(own, licences[own], "application", hashlib.sha256(archive.read_bytes()).hexdigest())
    components = [component(crate, licences[crate], "library", checksums[crate]) for crate in sorted(crates)]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"tools": {"components": build_tools(requirements)}, "component": package},
        "components": components,
        "dependencies": [
            {"ref": purl(crate), "dependsOn": [purl(dependency) for dependency in sorted(dependencies[crate])]}
            for crate in sorted(dependencies)
        ],
    }
    sbom.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{sbom}: {len(components)} crates")


if __name__ == "__main__":
    main(sys.argv[1], *map(pathlib.Path, sys.argv[2:]))
