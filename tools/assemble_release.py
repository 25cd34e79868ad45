"""Collects the files of a release: `python assemble_release.py DIST RELEASE`.

DIST is what `make package`, `make package ARCH=arm64` and `make package-audit` wrote, on whichever machines. RELEASE gets the zips, their
SBOMs, one template for both architectures, the audit program for each platform, examples, the rules for cfn-lint, and `SHA256SUMS`;
`release-notes.md` beside it gets the version's section of the changelog.
"""

import hashlib
import os
import pathlib
import re
import shutil
import sys
import zipfile

import write_packaged

ARCHITECTURES = ["x86_64", "arm64"]
PLATFORMS = [f"{system}-{architecture}" for system in ("linux", "macos") for architecture in ARCHITECTURES]
FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # a timestamp would change the bytes


def names() -> list[str]:
    """The files that are copied."""
    zips = [f"bootstrap-{architecture}.zip" for architecture in ARCHITECTURES]
    sboms = [f"sbom-{architecture}.cdx.json" for architecture in ARCHITECTURES]
    return zips + sboms + [f"lambda-permission-audit-{platform}.tar.gz" for platform in PLATFORMS]


def version() -> str:
    return re.search(r'^version = "(.*)"', pathlib.Path("Cargo.toml").read_text(), re.MULTILINE)[1]


def notes() -> str:
    """The section of the version in the changelog."""
    section = re.search(rf"^## {re.escape(version())}\b.*?\n(.*?)(?=^## |\Z)", pathlib.Path("CHANGELOG.md").read_text(), re.DOTALL | re.MULTILINE)
    if not section:
        sys.exit(f"CHANGELOG.md has no section: got none for {version()}, add one")
    return section[1].strip() + "\n"


def zip_files(target: pathlib.Path, folder: str, suffixes: set[str]) -> None:
    """A zip of the files in a folder with these suffixes. The same files give the same bytes."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(pathlib.Path(folder).iterdir()):
            if path.suffix in suffixes:
                entry = zipfile.ZipInfo(str(path), date_time=FIXED_TIME)
                entry.external_attr = 0o100644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main(dist: pathlib.Path, release: pathlib.Path) -> None:
    tag = os.environ.get("GITHUB_REF_NAME", f"v{version()}")
    if tag != f"v{version()}":
        sys.exit(f"the tag is not that of the version: got {tag}, tag v{version()}, or change the version in Cargo.toml")
    found = {path.name: path for path in dist.rglob("*") if path.is_file() and release not in path.parents}
    missing = [name for name in names() if name not in found]
    if missing:
        sys.exit(f"files of the release are missing: got no {', '.join(missing)} in {dist}, build them as .github/workflows/release.yml does")
    shutil.rmtree(release, ignore_errors=True)
    release.mkdir(parents=True)
    for name in names():
        shutil.copy(found[name], release / name)
    zips = [release / f"bootstrap-{architecture}.zip" for architecture in ARCHITECTURES]
    write_packaged.main(pathlib.Path("template.yaml"), release / "packaged.yaml", *zips)
    zip_files(release / "cfn-lint-rules.zip", "lint", {".json", ".py"})
    zip_files(release / "examples.zip", "examples", {".yaml", ".ts", ".tf"})
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(release.iterdir())]
    (release / "SHA256SUMS").write_text("".join(sums))
    (release.parent / "release-notes.md").write_text(notes())
    print(f"{release}: {', '.join(sorted(path.name for path in release.iterdir()))}")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
