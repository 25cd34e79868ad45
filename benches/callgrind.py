"""Counts instructions in user space: of the start, and of the events after it. Counts no time, and so needs no quiet machine."""

import pathlib
import shutil
import tempfile

from harness.function import Function

INSTALL = "install it, as by `apt-get install valgrind` or `dnf install valgrind`"


def missing() -> bool:
    return shutil.which("valgrind") is None


async def instructions(aws, command: list, environment: dict, events: list[dict]) -> int:
    """Of a process that starts and serves these events."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        profiler = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        await Function(aws, [*profiler, *command], environment).run(events)
        (total,) = (line for line in out.read_text().splitlines() if line.startswith("totals:"))
    return int(total.split()[1])
