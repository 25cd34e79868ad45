"""A server process. Stopping it also stops all processes that it started."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

TOOLS = pathlib.Path(__file__).parents[2] / ".tools"
START_TIMEOUT = 30  # seconds
POLL_INTERVAL = 0.02  # seconds


def free_port() -> int:
    """A port that nothing listens on, below those that the system gives to others before the server takes it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Process:
    """Runs with exactly this environment and `PATH`, and writes its output to `log`."""

    def __init__(self, command: list, port: int, log: pathlib.Path, cwd: pathlib.Path, **env: str):
        self._log = log
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
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self._child.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(POLL_INTERVAL)
        raise RuntimeError(f"{self._child.args} does not listen on port {port}:\n{self.output()}")

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def session_processes(self) -> dict[int, str]:
        """The names of all running processes of its session, itself included, by process id."""
        processes = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                head, _, tail = stat.read_text().rpartition(")")
            except OSError:  # the process has ended
                continue
            state, _parent, _group, session, *_ = tail.split()
            if int(session) == self._child.pid and state != "Z":
                processes[int(stat.parent.name)] = head.partition("(")[2]
        return processes

    def kill(self):
        # SIGTERM would wait for pending work, and the runtime emulator starts its function in another process group.
        for id in self.session_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(id, signal.SIGKILL)
        self._child.wait()
