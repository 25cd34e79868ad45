"""Gives events of up to 1 MB to the executable that ships, each to a fresh process: `python large_events.py ZIP [WORDS]`.

A process has what Lambda gives a function of 128 MB: so much memory, a fourteenth of a core from the beginning of the event, and 60
seconds. An event that is not answered then, takes more or fills the log fails the run. Where no cgroup may be made it is not run at
all. Writes its part of results.json and README.md; with WORDS, runs the events with them in their title only, and writes nothing.
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
from stage import namespace
from stage.function import SECONDS, Function
from stage.stage import NAMES, Stage
from stage.throttle import Throttle
from subjects import provider

MEGABYTES = 128
LOG = 64 * 1024  # bytes that an event may write to the log
LOG_OF_REQUEST = 4 * 1024  # the same, if it is more: for each request of a notification
LOG_OF_CALL = 512  # bytes that come to it for each call of AWS
KILLED = -9  # the code of a process that the kernel ended


async def measured(stage: Stage, archive: pathlib.Path, words: str = "") -> dict[str, dict] | None:
    """What was measured by the title of each event; none at all where CPU cannot be limited."""
    command, environment = provider(archive, stage)
    found = {}
    for row in large_requests.Rows(stage):
        if words not in row.title:
            continue
        with Throttle(MEGABYTES) as throttle:
            if not throttle.works:
                return None
            function = Function(stage, command, {**environment, **row.environment}, throttle, longest=SECONDS + 5)
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


async def run(stage: Stage, archive: pathlib.Path, words: str = ""):
    """Ends the program if an event failed, after all of them have been reported."""
    found = await measured(stage, archive, words)
    if found is None:
        sys.exit("CPU cannot be limited for large events: no cgroup may be made here, run it as root")
    if not words:
        kept = results.read() | {"large_events_of": machine.here(), "large_events": found}
        results.write(kept)
        report.write_large_events(kept)
    sys.exit(failures(found) or None)


async def main(archive: pathlib.Path, words: str = ""):
    with tempfile.TemporaryDirectory() as folder:
        await run(await Stage(pathlib.Path(folder)).over_tls(), archive, words)


if __name__ == "__main__":
    namespace.enter(NAMES)
    asyncio.run(main(pathlib.Path(sys.argv[1]).absolute(), *sys.argv[2:]))
