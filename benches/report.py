"""Makes of results.json what a person reads: the tables in docs/performance.md, speed.svg, and on the terminal also what each event comes to.
Measures nothing: `python report.py` makes it again from results.json."""

import pathlib
import sys

import picture
import results as stored

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parent / "docs/performance.md"
BEGIN, END = "<!-- begin: written by make bench -->\n", "<!-- end: written by make bench -->\n"
BEGIN_NETWORK = "<!-- begin: network, written by make bench -->\n"
END_NETWORK = "<!-- end: network, written by make bench -->\n"
BEGIN_LARGE = "<!-- begin: large events, written by make bench -->\n"
END_LARGE = "<!-- end: large events, written by make bench -->\n"
WHO = ("provider", "floor", "node", "python")
TITLES = ("this provider", "the floor", "Node", "Python")
NOTHING = "–"
TARGET = ["target", "asked", "came to"]
SHARES = {"whole": "a whole core", "fourteenth": "a fourteenth"}


def write(results: dict):
    table = page_part(results)
    _replace(BEGIN, table, END)
    (HERE / "speed.svg").write_text(picture.draw(results))
    print(table, *rows(TARGET, targets(results)), "", sep="\n")
    print(*rows(["event, cold", "instructions, millions", "CPU, ms", "calls"], by_event(results)), "", sep="\n")
    print(*rows(["Versions: All", "CPU, ms", "calls", "calls a version, ListLayerVersions aside"], all_versions(results)), sep="\n")


def write_network(results: dict):
    table = network_part(results)
    _replace(BEGIN_NETWORK, table, END_NETWORK)
    print("", table, *rows(TARGET, network_targets(results)), "", sep="\n")


def write_large_events(results: dict):
    rows_found = results["large_events"]
    _replace(BEGIN_LARGE, large_events(results["large_events_of"], rows_found), END_LARGE)
    print("", *rows(LARGE_EVENT, [large_event(title, row) for title, row in rows_found.items()]), "", sep="\n")


def _replace(begin: str, table: str, end: str):
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    PAGE.write_text(before + begin + table + end + after, encoding="utf-8")


def page_part(results: dict) -> str:
    head = ["one cold Create", *TITLES]
    return "\n".join([about(results), "", *rows(head, main_table(results))]) + "\n"


def rows(head: list[str], body: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *body]]


def about(results: dict) -> str:
    of = results["of"]
    packages = ", ".join(f"{name} {version}" for name, version in of["packages"].items())
    number = len(results["cold"]["provider"]["runs"]["event_cpu"])
    return (
        f"Medians of {number} cold starts each, measured on {of['date']} at commit {of['commit']} on {of['cores']} cores "
        f"({of['processor']}, {of['system']}); instructions by {of['valgrind']}. {of['python']} with {packages}; "
        f"Node {of['node'].removeprefix('v')} with @aws-sdk/client-lambda {of['sdk']}."
    )


def main_table(results: dict) -> list[list[str]]:
    cold, throttled, warm = results["cold"], results["throttled"], results["warm"]
    ours = cold["provider"]["cpu"]

    def row(name: str, cell) -> list[str]:
        return [name, *(cell(who) for who in WHO)]

    def counted(who: str) -> str:
        count = {"provider": results["instructions"]["create"], "floor": results["instructions"]["floor"]}.get(who)
        return f"{millions(sum(count.values()))} ({millions(count['start'])} + {millions(count['event'])})" if count else NOTHING

    def slow(who: str) -> str:
        if throttled is None:
            return NOTHING
        wall = throttled[who]["event_wall"]
        return f"{wall:.0f} ({wall - cold[who]['waiting']:.0f})"

    def parts(who: str) -> str:
        run = cold[who]
        return f"{run['cpu']:.1f} ({run['start_cpu']:.1f} + {run['event_cpu']:.1f})"

    def times(who: str) -> str:
        ratio = cold[who]["cpu"] / ours
        return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"

    return [
        row("CPU, ms (init + request)", parts),
        row("the same, this provider = 1", times),
        row("instructions, millions (init + request)", counted),
        row("time of init + request, ms", lambda who: f"{cold[who]['start_wall']:.1f} + {cold[who]['event_wall']:.1f}"),
        row("request at a fourteenth of a core, ms (without waiting for the network)", slow),
        row("peak memory, MB", lambda who: f"{cold[who]['peak']:.1f}"),
        row("page faults", lambda who: f"{cold[who]['page_faults']:,}"),
        row("zip, MB", lambda who: f"{results['zip'][who] / 1e6:.2f}" if who in results["zip"] else NOTHING),
        row("calls of Lambda", lambda who: str(cold[who]["calls"])),
        row("CPU of one more Create, warm, ms", lambda who: f"{warm[who]['cpu']:.2f}"),
    ]


def targets(results: dict) -> list[list[str]]:
    cold, counted = results["cold"], results["instructions"]
    create, floor = sum(counted["create"].values()), sum(counted["floor"].values())
    ours, resident = cold["provider"], results["series"]["resident"]
    found = [
        ("instructions of a cold Create, to the floor's", create / floor, 1.5, "at most"),
        ("instructions of a cold Create, millions", create / 1e6, 10, "at most"),
        ("CPU of Node, cold, to ours", cold["node"]["cpu"] / ours["cpu"], 30, "at least"),
        ("CPU of Python, cold, to ours", cold["python"]["cpu"] / ours["cpu"], 30, "at least"),
        ("peak memory, MB", ours["peak"], 10, "at most"),
        ("zip, MB", results["zip"]["provider"] / 1e6, 3, "at most"),
        ("CPU of a warm Create, ms", results["warm"]["provider"]["cpu"], 1, "at most"),
        (f"growth of memory in {results['series']['events']:,} events, MB", max(resident) - resident[0], 0.5, "at most"),
    ]
    # Results that were measured before have none.
    if on_function := counted.get("create_on_function"):
        ratio = sum(on_function.values()) / create
        found.append(("instructions of a cold Create on a function, to a layer version's", ratio, 1.1, "at most"))
    if results["throttled"]:
        above = results["throttled"]["provider"]["event_wall"] - ours["waiting"]
        found.append(("request at a fourteenth of a core, ms above the network", above, 20, "at most"))
    return _judged(found)


def _judged(found: list[tuple]) -> list[list[str]]:
    met = {True: "", False: ", NOT MET"}
    return [
        [name, f"{bound} {limit}", f"{value:.2f}" + met[value <= limit if bound == "at most" else value >= limit]]
        for name, value, limit, bound in found
    ]


def network_part(results: dict) -> str:
    of, body = results["network_of"], []
    for round_trip, shares in results["network"].items():
        calls = [f"{shares['whole'][who]['calls']}" for who in WHO]
        body.append([f"**round trips of {round_trip} ms**: its calls alone", *calls])
        for start in ("cold", "warm"):
            for share, subjects in shares.items():
                cells = [f"{subjects[who][start]:.0f} ({_above(subjects[who], start):+.0f} %)" for who in WHO]
                body.append([f"{start}, {SHARES[share]}", *cells])
    number = len(next(iter(results["network"].values()))["whole"]["provider"]["runs"]["cold"])
    about_run = (
        f"Medians of {number} processes each, measured on {of['date']} at commit {of['commit']} on {of['cores']} cores "
        f"({of['processor']}, {of['system']})."
    )
    return "\n".join([about_run, "", *rows(["one Create, ms", *TITLES], body)]) + "\n"


def _above(subject: dict, start: str) -> float:
    """By how many per cent an event takes longer than the calls that it consists of."""
    return (subject[start] / subject["calls"] - 1) * 100


def network_targets(results: dict) -> list[list[str]]:
    return _judged(
        [
            (f"{start} at {SHARES[share]}, round trips of {round_trip} ms, % above the calls", _above(subjects["provider"], start), 10, "at most")
            for round_trip, shares in results["network"].items()
            for share, subjects in shares.items()
            for start in ("cold", "warm")
        ]
    )


def by_event(results: dict) -> list[list[str]]:
    runs = {"create": results["cold"]["provider"], **results["events"]}
    counted = results["instructions"]
    found = []
    for name, run in runs.items():
        count = counted[name]
        instructions = f"{millions(count['start'])} + {millions(count['event'])}"
        found.append([name.replace("_", " "), instructions, f"{run['start_cpu']:.1f} + {run['event_cpu']:.1f}", str(run["calls"])])
    for name in ("the roots that are compiled in", "one root in a file", "all roots in a file"):
        found.append([f"init without a handshake, {name}", millions(counted[name]["start"]), NOTHING, NOTHING])
    series = results["series"]
    found.append([f"warm, mean of {series['events']:,}", NOTHING, f"{series['cpu']:.2f}", f"{series['calls'] / series['events']:.1f}"])
    return found


def all_versions(results: dict) -> list[list[str]]:
    def row(name: str, run: dict) -> list[str]:
        number, _, what = name.partition(" ")
        pages = -(-int(number) // 50)
        return [f"{number}, {what}", f"{run['cpu']:.1f}", str(run["calls"]), f"{(run['calls'] - pages) / int(number):.2f}"]

    return [row(name, run) for name, run in results["all_versions"].items()]


LARGE_EVENT = ["large event", "seconds", "peak memory, MB", "log, bytes", "responses", "status", "failed"]


def large_event(title: str, row: dict) -> list[str]:
    seconds = NOTHING if row["seconds"] is None else f"{row['seconds']:.1f}"
    statuses = ", ".join(row["statuses"]) or NOTHING
    peak = f"{row['peak']:.1f}" if row["peak"] else NOTHING
    return [title, seconds, peak, f"{row['log']:,}", str(row["responses"]), statuses, "; ".join(row["wrong"])]


def large_events(of: dict, found: dict[str, dict]) -> str:
    """The most of each group."""
    groups: dict[str, list[dict]] = {}
    for row in found.values():
        groups.setdefault(row["group"], []).append(row)
    groups["all"] = list(found.values())

    def most(of_group: list[dict], name: str) -> float:
        return max(row[name] or 0 for row in of_group)

    body = [
        [
            group,
            str(len(of_group)),
            f"{most(of_group, 'seconds'):.1f}",
            f"{most(of_group, 'peak'):.0f}",
            f"{most(of_group, 'log') / 1024:.0f}",
            str(sum(bool(row["wrong"]) for row in of_group)),
        ]
        for group, of_group in groups.items()
    ]
    about_run = f"Measured on {of['date']} at commit {of['commit']} on {of['cores']} cores ({of['processor']}, {of['system']})."
    head = ["events of 1 MB", "how many", "most seconds", "most memory, MB", "most log, KB", "failed"]
    return "\n".join([about_run, "", *rows(head, body)]) + "\n"


def millions(count: int) -> str:
    return f"{count / 1e6:.2f}"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    write(stored.read())
    write_network(stored.read())
    write_large_events(stored.read())
