"""Sends events of up to 1 MB to the executable that ships, each to a new process: `python large_events.py ZIP [WORDS]`,
with the path of fake-aws in `FAKE_AWS`.

A process has the limits of a Lambda function of 128 MB: this memory, a fourteenth of a core from the start of the event, and 60
seconds. An event that gets no response in time, exceeds a limit or fills the log fails the run. Where no cgroup can be made nothing
is run. Writes its part of results.json and docs/performance.md; with WORDS, runs the events with them in their title only, and writes nothing.
"""

import asyncio
import datetime
import pathlib
import sys
import tempfile

import large_requests
import machine
import report
import results
from large_requests import Row
from harness import namespace
from harness.function import SECONDS, Function
from harness.fake_aws import HOSTS, FakeAws
from harness.cpu_limit import CpuLimit
from subjects import provider

MEGABYTES = 128
LOG = 64 * 1024  # bytes that an event may write to the log
LOG_OF_REQUEST = 4 * 1024  # the same, if it is more: for each request of a notification
LOG_OF_CALL = 1024  # bytes more for each call of AWS, half of them for the plan that follows a removal
KILLED = -9  # the code of a process that the kernel ended


async def measured(aws: FakeAws, archive: pathlib.Path, words: str = "") -> dict[str, dict] | None:
    """The results by the title of each event; none where the CPU cannot be limited."""
    command, environment = provider(archive, aws)
    found = {}
    for row in large_requests.Rows(aws):
        if words not in row.title:
            continue
        with CpuLimit(MEGABYTES) as cpu_limit:
            if not cpu_limit.works:
                return None
            function = Function(aws, command, {**environment, **row.environment}, cpu_limit, timeout=SECONDS + 5)
            found[row.title] = await _of(row, function)
        line = " | ".join(report.large_event(row.title, found[row.title]))
        print(f"{datetime.datetime.now():%H:%M:%S} {line}", file=sys.stderr, flush=True)
    return found


async def _of(row: Row, function: Function) -> dict:
    size, wrong = len(row.invocation.payload), []
    if size > large_requests.MOST:
        raise ValueError(f"{row.title}: too large: got {size} bytes, Lambda takes {large_requests.MOST}")
    try:
        await function.run([row.invocation])
    except RuntimeError as failure:
        first = str(failure).splitlines()[0].rpartition("]: ")[2]
        wrong.append(f"killed: it took over {MEGABYTES} MB of memory" if function.code == KILLED else first[:300])
    run = function.measured
    seconds = run.event_wall[0] / 1000 if run.event_wall else None
    most_log = max(LOG, LOG_OF_REQUEST * len(row.invocation.urls)) + LOG_OF_CALL * run.calls
    if seconds is not None and seconds > SECONDS:
        wrong.append(f"took {seconds:.1f} s")
    if run.peak > MEGABYTES:
        wrong.append(f"took {run.peak:.0f} MB of memory")
    if run.log > most_log:
        wrong.append(f"wrote {run.log:,} bytes of log, more than {most_log:,}")
    return {
        "group": row.group,
        "size": size,
        "seconds": None if seconds is None else round(seconds, 2),
        "cpu": round(run.event_cpu[0], 1) if run.event_cpu else None,
        "peak": round(run.peak, 1),
        "log": run.log,
        "calls": run.calls,
        "responses": len(row.invocation.urls),
        "statuses": sorted({response["Status"] for response in run.responses}),
        "wrong": wrong,
    }


def failures(found: dict[str, dict]) -> str:
    """A line for each event that failed."""
    return "\n".join(f"{title}: {'; '.join(row['wrong'])}" for title, row in found.items() if row["wrong"])


async def run(aws: FakeAws, archive: pathlib.Path, words: str = ""):
    """Ends the program if an event failed, after all of them have been reported."""
    found = await measured(aws, archive, words)
    if found is None:
        sys.exit("CPU cannot be limited for large events: no cgroup can be made here, run it as root")
    if not words:
        kept = results.read() | {"large_events_of": machine.here(), "large_events": found}
        results.write(kept)
        report.write_large_events(kept)
    sys.exit(failures(found) or None)


async def main(archive: pathlib.Path, words: str = ""):
    with tempfile.TemporaryDirectory() as folder, FakeAws(pathlib.Path(folder), https=True) as aws:
        await run(aws, archive, words)


if __name__ == "__main__":
    namespace.enter(HOSTS)
    asyncio.run(main(pathlib.Path(sys.argv[1]).absolute(), *sys.argv[2:]))
