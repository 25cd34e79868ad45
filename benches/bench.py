"""Measures the executable that ships beside the floor and the peers: `python bench.py ZIP FLOOR PYTHON_PEER NODE_PEER`,
with the path of fake-aws in `FAKE_AWS`.

Writes the results and the commit that they belong to into results.json, from which `report` makes the table and the picture.
Measures first what does not depend on the machine's load, beside the long series, and then what is timed, one process at a time and
all subjects in turn. Large events come last: they have limits, and are not compared.
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
import network
import report
import results
from harness import namespace
from harness.function import Function, Measured
from harness.fake_aws import HOSTS, FakeAws
from harness.cpu_limit import CpuLimit
from subjects import Built, Subject, subjects

EVENTS = ("create_on_function", "update", "delete", "redelivered_create")  # beside a Create on a layer version
COUNTS = 3  # of instructions, which hardly differ
COLD_STARTS = 31
THROTTLED_STARTS = 15
WARM_EVENTS = 120
WARMING_UP = 20  # of those
WARM_PAUSE = 0.25  # seconds between events, so that caches grow cold
LONG_SERIES = 10_000


class Bench:
    def __init__(self, aws: FakeAws, built: Built):
        self.aws = aws
        self.built = built
        self.subjects = subjects(built, aws)
        self.provider = self.subjects["provider"]

    async def run(self) -> dict:
        series = asyncio.create_task(self.long_series())
        return {
            "instructions": await self.instructions(),
            "all_versions": await self.all_versions(),
            "series": await _logged("the long series", series),
            "cold": await self.cold(),
            "events": await self.events(),
            "throttled": await self.throttled(),
            "warm": await self.warm(),
            "zip": {"provider": self.built.zip.stat().st_size, **self.zipped()},
        }

    async def run_scenario(self, subject: Subject, scenario: events.Scenario, cpu_limit: CpuLimit | None = None) -> Measured:
        first, then = scenario
        if first:
            await Function(self.aws, subject.command, subject.environment).run(first)
        return await Function(self.aws, subject.command, subject.environment, cpu_limit).run(then)

    async def long_series(self) -> dict:
        sequence = events.long_series(self.aws, LONG_SERIES)
        measured = await Function(self.aws, self.provider.command, self.provider.environment).run(sequence)
        return {
            "events": LONG_SERIES,
            "cpu": round(statistics.mean(measured.event_cpu[WARMING_UP:]), 3),
            "resident": _rounded(measured.resident[9::10]),
            "calls": measured.calls,
        }

    async def instructions(self) -> dict:
        counted = {}
        for name in ("create", *EVENTS):
            counted[name] = await self._instructions(self.provider, getattr(events, name))
        counted["floor"] = await self._instructions(self.subjects["floor"], events.create)
        # Over plain HTTP, so that only the loading of the roots differs.
        roots = {
            "the roots that are compiled in": {},
            "one root in a file": self.provider.environment,
            "all roots in a file": {"SSL_CERT_FILE": str(self.aws.ca_bundle(self.built.mozillas_roots))},
        }
        with FakeAws(self.aws.folder, https=False) as plain:
            for name, environment in roots.items():
                subject = Subject(name, self.provider.command, {**plain.environment, **environment})
                counted[name] = {"start": await self._start(subject)}
        return await _logged("instructions", counted)

    async def _start(self, subject: Subject) -> int:
        counts = [await callgrind.instructions(self.aws, subject.command, subject.environment, []) for _ in range(COUNTS)]
        return int(statistics.median(counts))

    async def _instructions(self, subject: Subject, scenario) -> dict:
        start, counts = await self._start(subject), []
        for _ in range(COUNTS):
            first, then = scenario(self.aws)
            if first:
                await Function(self.aws, subject.command, subject.environment).run(first)
            counts.append(await callgrind.instructions(self.aws, subject.command, subject.environment, then))
        return {"start": start, "event": int(statistics.median(counts)) - start}

    async def all_versions(self) -> dict:
        aws, found = self.aws, {}
        for number in (1, 10, 100):
            scenarios = {
                "new, on policies": events.all_versions(aws, number, shared=True),
                "new, on none": events.all_versions(aws, number, shared=False),
                "unchanged": events.all_versions_unchanged(aws, number),
            }
            for name, scenario in scenarios.items():
                found[f"{number} {name}"] = _of_runs([await self.run_scenario(self.provider, scenario)])
        return await _logged("Versions: All", found)

    async def cold(self) -> dict:
        """A Create each, in turn, so that the machine's other load affects all of them."""
        runs = {name: [] for name in self.subjects}
        for _ in range(COLD_STARTS + 1):
            for name, subject in self.subjects.items():
                runs[name].append(await self.run_scenario(subject, events.create(self.aws)))
        # The first one reads from the disk.
        return await _logged("cold", {name: _of_runs(measured[1:]) for name, measured in runs.items()})

    async def events(self) -> dict:
        runs = {name: [] for name in EVENTS}
        for _ in range(COLD_STARTS):
            for name, measured in runs.items():
                measured.append(await self.run_scenario(self.provider, getattr(events, name)(self.aws)))
        return await _logged("events", {name: _of_runs(measured) for name, measured in runs.items()})

    async def throttled(self) -> dict | None:
        runs = {name: [] for name in self.subjects}
        for _ in range(THROTTLED_STARTS):
            for name, subject in self.subjects.items():
                # One each: the CPU time that a process has overdrawn when it ends would count against the next one.
                with CpuLimit() as cpu_limit:
                    if not cpu_limit.works:
                        return await _logged("throttled: no cgroup can be made here", None)
                    runs[name].append(await self.run_scenario(subject, events.create(self.aws), cpu_limit))
        return await _logged("throttled", {name: _of_runs(measured) for name, measured in runs.items()})

    async def warm(self) -> dict:
        """The CPU of one more Create in a process that has served some."""
        found = {}
        for name, subject in self.subjects.items():
            sequence = events.many_creates(self.aws, WARM_EVENTS)
            measured = await Function(self.aws, subject.command, subject.environment, pause=WARM_PAUSE).run(sequence)
            cpu = round(statistics.median(measured.event_cpu[WARMING_UP:]), 3)
            found[name] = {"cpu": cpu, "runs": {"event_cpu": _rounded(measured.event_cpu)}}
        return await _logged("warm", found)

    def zipped(self) -> dict:
        sizes = {}
        for name, file in {"floor": self.built.floor, "node": self.built.node_peer / "handler.cjs"}.items():
            archive = self.aws.folder / f"{name}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zip_file:
                zip_file.write(file, file.name)
            sizes[name] = archive.stat().st_size
        return sizes


async def _logged(what: str, found):
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
    with tempfile.TemporaryDirectory() as folder, FakeAws(pathlib.Path(folder), https=True) as aws:
        bench = Bench(aws, built)
        found = {"of": machine.described(built), **await bench.run()}
        results.write(results.read() | found)
        report.write(found)
        await network.run(aws, bench.subjects)
        await large_events.run(aws, built.zip)


if __name__ == "__main__":
    namespace.enter(HOSTS)
    asyncio.run(main(Built(*(pathlib.Path(argument).absolute() for argument in sys.argv[1:]))))
