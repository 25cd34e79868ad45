"""A server with all the processes that it starts: they end together."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

TOOLS = pathlib.Path(__file__).parents[2] / ".tools"
SLOWEST_START = 30  # seconds


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Process:
    """Started with exactly this environment and `PATH`; what it prints goes to `log`."""

    def __init__(self, command: list, port: int, log: pathlib.Path, cwd: pathlib.Path, **env: str):
        self.log = log
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={"PATH": os.environ["PATH"], **env},
                start_new_session=True,
            )
        try:
            self._wait_for(port)
        except BaseException:
            self.kill()
            raise

    def _wait_for(self, port: int):
        end = time.monotonic() + SLOWEST_START
        while time.monotonic() < end and self._child.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"{self._child.args} does not listen on port {port}:\n{self.text()}")

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def members(self) -> dict[int, str]:
        """What runs in the session that it started: names by process id, itself included."""
        members = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                head, _, tail = stat.read_text().rpartition(")")
            except OSError:  # it has ended meanwhile
                continue
            state, _parent, _group, session, *_ = tail.split()
            if int(session) == self._child.pid and state != "Z":
                members[int(stat.parent.name)] = head.partition("(")[2]
        return members

    def kill(self):
        # SIGTERM would wait for what is pending; and the emulator starts its function in another process group.
        for member in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self._child.wait()
