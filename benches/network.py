"""Measures how long a stack waits for a Create where AWS is as far away as in a region: `python network.py ZIP FLOOR PYTHON_PEER NODE_PEER`,
with the path of fake-aws in `FAKE_AWS`.

Each process handles a few Creates: the first one is cold, the others are warm. Merges the medians into results.json.
"""

import asyncio
import contextlib
import itertools
import pathlib
import statistics
import sys
import tempfile

import events
import machine
import report
import results
from harness import namespace
from harness.cpu_limit import CpuLimit
from harness.fake_aws import HOSTS, FakeAws
from harness.function import Function, Measured
from subjects import Built, Subject, subjects

ROUND_TRIPS = (1, 5)  # ms
POLICY_CALL, PUT = 60, 15  # ms, of the services
PROCESSES = 15
CREATES = 4  # of each process
PAUSE = 0.25  # seconds between events, so that caches grow cold


async def measure(aws: FakeAws, of: dict[str, Subject]) -> dict:
    """By milliseconds of a round trip, share of a core and subject. A share that cannot be had here is missing."""
    shares = {"whole": contextlib.nullcontext}
    with CpuLimit() as cpu_limit:
        if cpu_limit.works:
            shares["fourteenth"] = CpuLimit
    found = {}
    for round_trip in ROUND_TRIPS:
        aws.delay(round_trip, POLICY_CALL, PUT)
        found[str(round_trip)] = {name: await _by_subject(aws, of, share, round_trip) for name, share in shares.items()}
    aws.delay(0, 0, 0)
    return found


async def _by_subject(aws: FakeAws, of: dict[str, Subject], cpu_limit, round_trip: int) -> dict:
    """All subjects in turn, so that the machine's other load affects all of them."""
    runs: dict[str, list[Measured]] = {name: [] for name in of}
    for _ in range(PROCESSES):
        for name, subject in of.items():
            runs[name].append(await _run(aws, subject, cpu_limit))
    return {name: _medians(measured, round_trip) for name, measured in runs.items()}


async def _run(aws: FakeAws, subject: Subject, cpu_limit) -> Measured:
    # A limit each: the CPU time that a process has overdrawn when it ends would count against the next one.
    with cpu_limit() as limit:
        creates = events.many_creates(aws, CREATES)
        return await Function(aws, subject.command, subject.environment, limit, PAUSE).run(creates)


def _medians(runs: list[Measured], round_trip: int) -> dict:
    (calls,) = {run.calls // CREATES for run in runs}
    cold = [run.event_wall[0] for run in runs]
    warm = list(itertools.chain.from_iterable(run.event_wall[1:] for run in runs))
    return {
        "calls": calls * (round_trip + POLICY_CALL) + round_trip + PUT,  # ms
        "cold": round(statistics.median(cold), 2),
        "warm": round(statistics.median(warm), 2),
        "runs": {"cold": [round(wall, 2) for wall in cold], "warm": [round(wall, 2) for wall in warm]},
    }


async def run(aws: FakeAws, of: dict[str, Subject]):
    found = {"network": await measure(aws, of), "network_of": machine.here()}
    results.write(results.read() | found)
    report.write_network(found)


async def main(built: Built):
    with tempfile.TemporaryDirectory() as folder, FakeAws(pathlib.Path(folder), https=True) as aws:
        await run(aws, subjects(built, aws))


if __name__ == "__main__":
    namespace.enter(HOSTS)
    asyncio.run(main(Built(*(pathlib.Path(argument).absolute() for argument in sys.argv[1:]))))
