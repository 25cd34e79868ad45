"""A private network namespace and /etc/hosts, so that a process can serve under AWS's host names and nothing on the machine changes."""

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
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def enter(hosts: list[str]):
    """Returns inside the namespace only: the program is started again there, with the same arguments."""
    if os.environ.get(INSIDE) == str(os.getppid()):
        _set_up(hosts)
        return
    if why := _denied():
        allow = "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0"
        sys.exit(f"no private namespace: got `{why}`, run it as root or allow user namespaces ({allow})")
    # `unshare` execs, so the parent of the program stays this one.
    environment = {**os.environ, INSIDE: str(os.getpid())}
    child = subprocess.Popen([*_unshare(), sys.executable, *sys.argv], env=environment)
    sys.exit(child.wait())


def _denied() -> str:
    if not shutil.which("unshare"):
        return "unshare: not found"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


def _unshare() -> list[str]:
    return ["unshare", "--map-root-user", "--net", "--mount"]


def _set_up(hosts: list[str]):
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    with tempfile.NamedTemporaryFile("w", suffix="-hosts") as file:
        file.write("127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {host}\n" for host in hosts))
        file.flush()
        pathlib.Path(file.name).chmod(0o644)
        subprocess.run(["mount", "--bind", file.name, "/etc/hosts"], check=True)
