"""Measures the executable that ships beside the floor and the peers: `python bench.py ZIP FLOOR PYTHON_PEER NODE_PEER`.

Writes results.json, which holds what was measured with the commit it belongs to, and has `report` make the rest of it. Measures
first what needs no quiet, beside the long series, and then what is timed, a process at a time and everybody in turn. Large events
come last: they are held to limits, and compared with nobody.
"""

import asyncio
import datetime
import pathlib
import statistics
import sys
import tempfile
import zipfile

import callgrind
import events
import large_events
import machine
import report
import results
from stage import namespace
from stage.function import Function, Measured
from stage.stage import NAMES, Stage
from stage.throttle import Throttle
from subjects import Built, Subject, subjects

COUNTS = 3  # of instructions, which hardly differ
COLD_STARTS = 31
THROTTLED_STARTS = 15
WARM_EVENTS = 120
WARMING_UP = 20  # of those
WARM_PAUSE = 0.25  # seconds, in which caches grow cold: events come apart from each other
LONG_SERIES = 10_000


class Bench:
    def __init__(self, stage: Stage, built: Built):
        self.stage = stage
        self.built = built
        self.subjects = subjects(built, stage)
        self.provider = self.subjects["provider"]

    async def run(self) -> dict:
        series = asyncio.create_task(self.long_series())
        return {
            "instructions": await self.instructions(),
            "all_versions": await self.all_versions(),
            "series": await _told("the long series", series),
            "cold": await self.cold(),
            "events": await self.events(),
            "throttled": await self.throttled(),
            "warm": await self.warm(),
            "zip": {"provider": self.built.zip.stat().st_size, **self.zipped()},
        }

    async def play(self, subject: Subject, scenario: events.Scenario, throttle: Throttle | None = None) -> Measured:
        first, then = scenario
        if first:
            await Function(self.stage, subject.command, subject.environment).run(first)
        return await Function(self.stage, subject.command, subject.environment, throttle).run(then)

    async def long_series(self) -> dict:
        played = events.long_series(self.stage.control_plane, LONG_SERIES)
        measured = await Function(self.stage, self.provider.command, self.provider.environment).run(played)
        return {
            "events": LONG_SERIES,
            "cpu": round(statistics.mean(measured.event_cpu[WARMING_UP:]), 3),
            "resident": _rounded(measured.resident[9::10]),
            "calls": measured.calls,
        }

    async def instructions(self) -> dict:
        counted = {}
        for name in ("create", "update", "delete", "redelivered_create"):
            counted[name] = await self._instructions(self.provider, getattr(events, name))
        counted["floor"] = await self._instructions(self.subjects["floor"], events.create)
        # Where no handshake needs them, so that nothing but the roots differs.
        plain = await Stage(self.stage.folder).over_plain_http()
        roots = {
            "the roots that are compiled in": {},
            "one root in a file": self.provider.environment,
            "all roots in a file": {"SSL_CERT_FILE": str(self.stage.authority.bundle(self.built.mozillas_roots))},
        }
        for name, environment in roots.items():
            subject = Subject(name, self.provider.command, {**plain.environment, **environment})
            counted[name] = {"start": await self._start(subject)}
        return await _told("instructions", counted)

    async def _start(self, subject: Subject) -> int:
        counts = [await callgrind.instructions(self.stage, subject.command, subject.environment, []) for _ in range(COUNTS)]
        return int(statistics.median(counts))

    async def _instructions(self, subject: Subject, scenario) -> dict:
        start, counts = await self._start(subject), []
        for _ in range(COUNTS):
            first, then = scenario(self.stage.control_plane)
            if first:
                await Function(self.stage, subject.command, subject.environment).run(first)
            counts.append(await callgrind.instructions(self.stage, subject.command, subject.environment, then))
        return {"start": start, "event": int(statistics.median(counts)) - start}

    async def all_versions(self) -> dict:
        control_plane, found = self.stage.control_plane, {}
        for number in (1, 10, 100):
            scenarios = {
                "new, on policies": events.all_versions(control_plane, number, shared=True),
                "new, on none": events.all_versions(control_plane, number, shared=False),
                "unchanged": events.all_versions_unchanged(control_plane, number),
            }
            for name, scenario in scenarios.items():
                found[f"{number} {name}"] = _of_runs([await self.play(self.provider, scenario)])
        return await _told("Versions: All", found)

    async def cold(self) -> dict:
        """A Create each, in turn, so that whatever else the machine does meets all of them."""
        runs = {name: [] for name in self.subjects}
        for _ in range(COLD_STARTS + 1):
            for name, subject in self.subjects.items():
                runs[name].append(await self.play(subject, events.create(self.stage.control_plane)))
        # The first one reads from the disk.
        return await _told("cold", {name: _of_runs(measured[1:]) for name, measured in runs.items()})

    async def events(self) -> dict:
        runs = {name: [] for name in ("update", "delete", "redelivered_create")}
        for _ in range(COLD_STARTS):
            for name, measured in runs.items():
                measured.append(await self.play(self.provider, getattr(events, name)(self.stage.control_plane)))
        return await _told("events", {name: _of_runs(measured) for name, measured in runs.items()})

    async def throttled(self) -> dict | None:
        runs = {name: [] for name in self.subjects}
        for _ in range(THROTTLED_STARTS):
            for name, subject in self.subjects.items():
                # One each: what a process owes when it ends would be the next one's debt.
                with Throttle() as throttle:
                    if not throttle.works:
                        return await _told("throttled: no cgroup may be made here", None)
                    runs[name].append(await self.play(subject, events.create(self.stage.control_plane), throttle))
        return await _told("throttled", {name: _of_runs(measured) for name, measured in runs.items()})

    async def warm(self) -> dict:
        """The CPU of one more Create in a process that has served some."""
        found = {}
        for name, subject in self.subjects.items():
            played = events.many_creates(self.stage.control_plane, WARM_EVENTS)
            measured = await Function(self.stage, subject.command, subject.environment, pause=WARM_PAUSE).run(played)
            cpu = round(statistics.median(measured.event_cpu[WARMING_UP:]), 3)
            found[name] = {"cpu": cpu, "runs": {"event_cpu": _rounded(measured.event_cpu)}}
        return await _told("warm", found)

    def zipped(self) -> dict:
        sizes = {}
        for name, file in {"floor": self.built.floor, "node": self.built.node_peer / "handler.cjs"}.items():
            archive = self.stage.folder / f"{name}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zip_file:
                zip_file.write(file, file.name)
            sizes[name] = archive.stat().st_size
        return sizes


async def _told(what: str, found):
    found = await found if asyncio.isfuture(found) else found
    print(f"{datetime.datetime.now():%H:%M:%S} {what}", file=sys.stderr, flush=True)
    return found


def _rounded(numbers) -> list[float]:
    return [round(number, 3) for number in numbers]


def _of_runs(runs: list[Measured]) -> dict:
    """The medians, and of what is timed each run."""
    raw = {
        "start_cpu": [run.start_cpu for run in runs],
        "event_cpu": [run.event_cpu[0] for run in runs],
        "start_wall": [run.start_wall for run in runs],
        "event_wall": [run.event_wall[0] for run in runs],
    }
    medians = {name: round(statistics.median(numbers), 3) for name, numbers in raw.items()}
    medians["cpu"] = round(statistics.median(run.cpu for run in runs), 3)
    medians["waiting"] = round(statistics.median(run.event_wall[0] - run.event_cpu[0] for run in runs), 3)
    medians["peak"] = round(statistics.median(run.peak for run in runs), 2)
    medians["page_faults"] = int(statistics.median(run.page_faults for run in runs))
    medians["calls"] = int(statistics.median(run.calls for run in runs))
    return {**medians, "runs": {name: _rounded(numbers) for name, numbers in raw.items()}}


async def main(built: Built):
    if callgrind.missing():
        sys.exit(f"no valgrind: {callgrind.INSTALL}")
    with tempfile.TemporaryDirectory() as folder:
        stage = await Stage(pathlib.Path(folder)).over_tls()
        found = {"of": machine.described(built), **await Bench(stage, built).run()}
        results.write(results.read() | found)
        report.write(found)
        await large_events.run(stage, built.zip)


if __name__ == "__main__":
    namespace.enter(NAMES)
    asyncio.run(main(Built(*(pathlib.Path(argument).absolute() for argument in sys.argv[1:]))))
