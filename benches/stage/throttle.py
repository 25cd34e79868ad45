"""Gives a process a fourteenth of a core, as Lambda gives a function of 128 MB while it serves an event: 1.43 ms of every 20 ms.
By a cgroup of its own, which goes with it; where none may be made there is no throttling."""

import contextlib
import os
import pathlib

PERIOD = 20_000  # microseconds
QUOTA = PERIOD // 14

V1 = pathlib.Path("/sys/fs/cgroup/cpu")
V2 = pathlib.Path("/sys/fs/cgroup")


class Throttle:
    def __init__(self):
        name = f"bench-{os.getpid()}"
        if (V1 / "cpu.cfs_quota_us").exists():
            self._folder, limits = V1 / name, {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": QUOTA}
        else:
            self._folder, limits = V2 / name, {"cpu.max": f"{QUOTA} {PERIOD}"}
        try:
            self._folder.mkdir()
            for file, value in limits.items():
                (self._folder / file).write_text(str(value))
            self.works = True
        except OSError:
            self._close()
            self.works = False

    def begin(self, process_id: int):
        (self._folder / "cgroup.procs").write_text(str(process_id))

    def __enter__(self) -> "Throttle":
        return self

    def __exit__(self, *_):
        self._close()

    def _close(self):
        with contextlib.suppress(OSError):
            self._folder.rmdir()
