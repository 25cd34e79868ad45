"""A network, an /etc/hosts and OpenSSL's settings of one's own, so that a process can serve as AWS and nothing of the machine is touched.
Runs nothing itself but the program that asks for it, again and inside."""

import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

INSIDE = "BENCH_IN_NAMESPACE"
OPENSSL_CONF = pathlib.Path(__file__).with_name("openssl.cnf")
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def enter(names: list[str]):
    """Comes back inside only: the program is begun again there, with the same arguments."""
    if os.environ.get(INSIDE) == str(os.getppid()):
        _furnish(names)
        return
    if why := _refused():
        allow = "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0"
        sys.exit(f"no private namespace: got `{why}`, run it as root or allow user namespaces ({allow})")
    # `unshare` execs: the parent of the program stays this one. OpenSSL reads its file when Python starts, and never again.
    environment = {**os.environ, INSIDE: str(os.getpid()), "OPENSSL_CONF": str(OPENSSL_CONF)}
    child = subprocess.Popen([*_unshare(), sys.executable, *sys.argv], env=environment)
    sys.exit(child.wait())


def _refused() -> str:
    if not shutil.which("unshare"):
        return "unshare: not found"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


def _unshare() -> list[str]:
    return ["unshare", "--map-root-user", "--net", "--mount"]


def _furnish(names: list[str]):
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    with tempfile.NamedTemporaryFile("w", suffix="-hosts") as hosts:
        hosts.write("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in names))
        hosts.flush()
        pathlib.Path(hosts.name).chmod(0o644)
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
