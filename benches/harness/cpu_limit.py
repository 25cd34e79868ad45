"""Limits a process to a fourteenth of a core, as Lambda limits a function of 128 MB during an event: 1.43 ms of every 20 ms. If
requested, limits its memory too. Uses cgroups of its own, which it removes; where none can be made, nothing is limited."""

import contextlib
import os
import pathlib

PERIOD = 20_000  # microseconds
QUOTA = PERIOD // 14

ROOT = pathlib.Path("/sys/fs/cgroup")


class CpuLimit:
    """`works`: the CPU is limited. `limits_memory`: the kernel ends a process that takes more than `megabytes`."""

    def __init__(self, megabytes: int | None = None):
        name = f"bench-{os.getpid()}"
        self._folders: list[pathlib.Path] = []
        memory = None if megabytes is None else megabytes * 1024 * 1024
        if (ROOT / "cpu/cpu.cfs_quota_us").exists():
            self.works = self._limit(ROOT / "cpu" / name, {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": QUOTA})
            self.limits_memory = memory is not None and self._limit(ROOT / "memory" / name, {"memory.limit_in_bytes": memory})
        else:
            self.works = self._limit(ROOT / name, {"cpu.max": f"{QUOTA} {PERIOD}"})
            self.limits_memory = memory is not None and self._limit(ROOT / name, {"memory.max": memory})

    def _limit(self, folder: pathlib.Path, limits: dict) -> bool:
        try:
            folder.mkdir(exist_ok=True)
            for file, value in limits.items():
                (folder / file).write_text(str(value))
        except OSError:
            if folder not in self._folders:
                _remove(folder)
            return False
        if folder not in self._folders:
            self._folders.append(folder)
        return True

    def begin(self, process_id: int):
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(process_id))

    def __enter__(self) -> "CpuLimit":
        return self

    def __exit__(self, *_):
        for folder in self._folders:
            _remove(folder)


def _remove(folder: pathlib.Path):
    with contextlib.suppress(OSError):
        folder.rmdir()
