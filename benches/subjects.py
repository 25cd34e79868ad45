"""The measured programs: the executable that ships, the floor and the peers, each with its command and its trust in the test root.

Loading the roots costs each of them as much as in production, or less. The provider and the floor read a file of that one root and
leave the compiled-in ones alone; Python's two stacks read Mozilla's roots, as always, with one more appended; Node adds one to
those that are compiled in.
"""

import dataclasses
import pathlib
import shutil
import zipfile

from harness.fake_aws import FakeAws

PEERS = pathlib.Path(__file__).parent / "peers"


@dataclasses.dataclass
class Subject:
    title: str
    command: list
    environment: dict[str, str]


@dataclasses.dataclass
class Built:
    """What `make bench` has built and installed."""

    zip: pathlib.Path
    floor: pathlib.Path
    python_peer: pathlib.Path
    node_peer: pathlib.Path

    @property
    def mozillas_roots(self) -> pathlib.Path:
        (roots,) = self.python_peer.glob("lib/python*/site-packages/botocore/cacert.pem")
        return roots


def subjects(built: Built, aws: FakeAws) -> dict[str, Subject]:
    command, environment = provider(built.zip, aws)
    one_root = {"SSL_CERT_FILE": str(aws.root_certificate)}
    all_roots = str(aws.ca_bundle(built.mozillas_roots))
    python = {"AWS_CA_BUNDLE": all_roots, "SSL_CERT_FILE": all_roots, "PYTHONPATH": str(PEERS / "python")}
    return {
        "provider": Subject("this provider", command, environment),
        "floor": Subject("the floor", [shutil.copy(built.floor, aws.folder)], one_root),
        "node": Subject("Node", ["node", built.node_peer / "handler.cjs"], {"NODE_EXTRA_CA_CERTS": str(aws.root_certificate)}),
        "python": Subject("Python", [built.python_peer / "bin/python", "-m", "awslambdaric", "handler.handler"], python),
    }


def provider(archive: pathlib.Path, aws: FakeAws) -> tuple[list, dict[str, str]]:
    """The command of the executable that ships, and its environment."""
    return [_unpacked(archive, aws.folder)], {"SSL_CERT_FILE": str(aws.root_certificate), "FUNCTION_NAMES": "*"}


def _unpacked(archive: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The executable that ships, written to the disk in one go, and so is the floor: as a linker leaves it, it costs more page faults."""
    with zipfile.ZipFile(archive) as zip_file:
        executable = pathlib.Path(zip_file.extract("bootstrap", folder))
    executable.chmod(0o755)
    return executable
