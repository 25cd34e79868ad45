"""Runs an executable through the events of the benchmarks, over TLS and under AWS's host names: `python smoke.py COMMAND...`, with the path
of fake-aws in `FAKE_AWS`. Fails if an event is not answered by SUCCESS. Measures nothing."""

import asyncio
import pathlib
import sys
import tempfile

import events
from harness import namespace
from harness.fake_aws import HOSTS, FakeAws
from harness.function import Function

SCENARIOS = {
    "create": events.create,
    "create on a function": events.create_on_function,
    "update": events.update,
    "delete": events.delete,
    "redelivered create": events.redelivered_create,
    "all of 40 versions": lambda aws: events.all_versions(aws, 40, True),
    "30 creates": lambda aws: ([], [event for _ in range(30) for event in events.create(aws)[1]]),
}


async def smoke(command: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, FakeAws(pathlib.Path(folder), https=True) as aws:
        environment = {"SSL_CERT_FILE": str(aws.root_certificate), "FUNCTION_NAMES": "*"}
        number = 0
        for name, scenario in SCENARIOS.items():
            first, then = scenario(aws)
            measured = await Function(aws, command, environment).run([*first, *then])
            number += len(measured.event_wall)
            print(f"{name}: {len(measured.event_wall)} events, {measured.calls} calls", flush=True)
        print(f"{number} events over TLS, each with the response SUCCESS")


if __name__ == "__main__":
    namespace.enter(HOSTS)
    asyncio.run(smoke(sys.argv[1:]))
