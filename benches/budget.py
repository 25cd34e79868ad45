"""Checks what the executable that ships costs against budget.json: `python budget.py PLATFORM GLIBC BOOTSTRAP ZIP [--update]`,
with the path of fake-aws in `FAKE_AWS`.

Times nothing, so the result is the same on any machine: instructions of a Create and a Delete, over plain HTTP, in a process that has
just started, and of one more Create in a process that has served some; bytes; crates. And two things that no update forgives: jitter entropy, and a second HTTP or TLS stack.
"""

import asyncio
import json
import pathlib
import sys
import tempfile

import callgrind
import contents
import events
from harness.function import Function
from harness.fake_aws import FakeAws

BUDGET = pathlib.Path(__file__).with_name("budget.json")
UPDATE = "make budget UPDATE=1"

# How much more than the budget may be, in per cent. Compilers and C libraries differ by less; a new crate is always deliberate.
TOLERANCE = {
    "instructions of a cold Create": 5,
    "instructions of a cold Delete": 5,
    "instructions of a cold Create on a function": 5,
    "instructions of a warm Create": 5,
    "bytes of the zip": 5,
    "crates": 0,
}

def exceeded(budget: dict[str, int], found: dict[str, int]) -> list[str]:
    """What is wrong, a line each. What was not found was not looked for."""
    wrong = []
    for name, figure in found.items():
        most = budget[name] * (100 + TOLERANCE[name]) // 100
        if figure > most:
            budgeted = f"the budget is {budget[name]:,} (at most {most:,})"
            wrong.append(f"{name} over budget: got {figure:,}, {budgeted}; make it less, or take the new figure by `{UPDATE}`")
    return wrong


def fallen(budget: dict[str, int], found: dict[str, int]) -> list[str]:
    """What has become so much cheaper that the budget no longer holds it."""
    return [
        f"{name} far below budget: got {figure:,}, the budget is {budget[name]:,}; hold the gain by `{UPDATE}`"
        for name, figure in found.items()
        if figure < budget[name] * (100 - TOLERANCE[name]) // 100
    ]


# The Creates that a warm one is the mean of, after the first.
WARM_CREATES = 20


async def instructions(bootstrap: pathlib.Path) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder, FakeAws(pathlib.Path(folder), https=False) as aws:
        _, create = events.create(aws)
        first, delete = events.delete(aws)
        _, on_function = events.create_on_function(aws)
        await Function(aws, [bootstrap], aws.environment).run(first)
        functions = {**aws.environment, "FUNCTION_NAMES": "*"}
        cold = await callgrind.instructions(aws, [bootstrap], aws.environment, create)
        creates = events.many_creates(aws, 1 + WARM_CREATES)
        with_warm = await callgrind.instructions(aws, [bootstrap], aws.environment, creates)
        return {
            "instructions of a cold Create": cold,
            "instructions of a cold Delete": await callgrind.instructions(aws, [bootstrap], aws.environment, delete),
            "instructions of a cold Create on a function": await callgrind.instructions(aws, [bootstrap], functions, on_function),
            "instructions of a warm Create": (with_warm - cold) // WARM_CREATES,
        }


def main(platform: str, glibc: str, bootstrap: pathlib.Path, archive: pathlib.Path, update: bool):
    found = {}
    if callgrind.missing():
        print(f"SKIPPED: instructions cannot be counted without valgrind, {callgrind.INSTALL}", file=sys.stderr)
    else:
        found |= asyncio.run(instructions(bootstrap))
    crates = contents.crates(platform)
    found |= {"bytes of the zip": archive.stat().st_size, "crates": len(crates)}
    budget = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    if update:
        budget |= found
        BUDGET.write_text(json.dumps(budget, indent=2) + "\n")
    wrong = exceeded(budget, found) + contents.second_stacks(crates) + contents.jitter(contents.cryptography(platform, glibc))
    for name, figure in found.items():
        print(f"{name}: {figure:,} of {budget[name]:,}")
    for line in fallen(budget, found):
        print(line)
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    *given, last = sys.argv[1:]
    update = last == "--update"
    platform, glibc, bootstrap, archive = given if update else [*given, last]
    main(platform, glibc, pathlib.Path(bootstrap).absolute(), pathlib.Path(archive), update)
