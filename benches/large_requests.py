"""Events of up to 1 MB, Lambda's limit of an asynchronous invocation, each with the expected statuses. Runs none of them.

An invocation by anybody but CloudFormation may hold any bytes, so the rows go through what can be long or many in an event: lists,
names, texts by what they are made of, values by their structure, what is no JSON, and notifications.
"""

import dataclasses
import itertools
import json
from collections.abc import Iterator

import events
from harness.fake_aws import BUCKET_HOST, FakeAws
from harness.function import Invocation

MOST = 1024 * 1024  # bytes
FILL = 1_040_000  # of those, for what makes an event large

EITHER = ("SUCCESS", "FAILED")
FAILED = ("FAILED",)
MOST_RECORDS = 32  # of a notification that are served
SUCCESS = ("SUCCESS",)

ACCOUNTS = [f"{number:012}" for number in range(100_000_000_000, 100_000_000_200)]
ORGANIZATION = "o-abcdefghij"
ARN = "arn:aws:lambda:us-west-2:123456789012:layer:{}:1"
SLOT = "@slot@"  # where raw JSON is put in


@dataclasses.dataclass
class Row:
    """One event for one process, to whose environment `environment` is added."""

    group: str
    name: str
    invocation: Invocation
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"


class Rows:
    def __init__(self, aws: FakeAws):
        self._aws = aws
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Row]:
        yield from self._lists()
        yield from self._names()
        yield from self._long_texts()
        yield from self._characters()
        yield from self._structures()
        yield from self._no_json()
        yield from self._notifications()

    def _lists(self) -> Iterator[Row]:
        accounts = {"ALLOWED_PRINCIPALS": ",".join(ACCOUNTS)}
        organization = {"ALLOWED_PRINCIPALS": ORGANIZATION}
        for number, allowed in ((10_000, accounts), (60_000, accounts), (10_000, organization), (60_000, organization)):
            what = "200 accounts" if allowed is accounts else "one organization"
            yield self._row("lists", f"Create with {number:,} principals, {what} allowed", FAILED, allowed, Principals=principals(number))
        for separator, name in ((",", "a text of 60,000 principals"), (" ,\t", "the same with white space")):
            text = separator.join(principals(60_000))
            yield self._row("lists", f"Create with {name}", FAILED, accounts, Principals=text)
        yield self._row("lists", "Create with a text of commas", FAILED, Principals="," * FILL)
        yield self._row("lists", "Create with 300,000 empty entries", FAILED, Principals=[""] * 300_000)
        yield self._row("lists", "Create with 128 entries of 8 KB", FAILED, accounts, Principals=["x" * 8000] * 128)
        yield self._row("lists", "Create with 128 new principals", FAILED, Principals=principals(128))
        versions = {"Principals": principals(128), "Versions": "All"}
        yield self._row("lists", "Create with 128 new principals on 100 versions", FAILED, versions=100, **versions)
        before, after = {"Principals": principals(30_000)}, {"Principals": principals(30_000, 30_000)}
        yield self._row("lists", "Update of 30,000 principals to 30,000 others", FAILED, kind="Update", old=before, **after)
        yield self._row("lists", "Update of 60,000 principals to one", EITHER, kind="Update", old={"Principals": principals(60_000)})
        yield self._row("lists", "Update of one principal to 60,000", FAILED, kind="Update", old={}, Principals=principals(60_000))
        for number in (30_000, 60_000):
            yield self._row("lists", f"Delete with {number:,} principals", SUCCESS, kind="Delete", Principals=principals(number))
        yield self._row("lists", "Delete with a text of 60,000", SUCCESS, kind="Delete", Principals=",".join(principals(60_000)))

    def _names(self) -> Iterator[Row]:
        def named(number: int, stem: str) -> dict[str, str]:
            return {f"{stem}{index:05}": "" for index in range(number)}

        yield self._row("names", "60,000 unknown properties", FAILED, Principal="*", **named(60_000, "unkn"))
        yield self._row("names", "48,000 that resemble known ones", FAILED, Principal="*", **named(48_000, "Principals"))
        yield self._row("names", "60,000 in a Delete", SUCCESS, kind="Delete", Principal="*", **named(60_000, "unkn"))
        yield self._row("names", "60,000 in the old properties", EITHER, kind="Update", old=named(60_000, "unkn"))
        yield self._row("names", "56,000 of CloudFormation's own", SUCCESS, **named(56_000, "Service"))
        yield self._row("names", "60,000 members of the request", SUCCESS, beside=named(60_000, "member"))
        yield self._row("names", "an unknown name of 1 MB", FAILED, Principal="*", **{"x" * FILL: ""})
        yield self._row("names", "20 unknown names of 50 KB", FAILED, Principal="*", **{str(index) * 25_000: "" for index in range(10, 30)})
        yield self._row("names", "a member's name of 1 MB", SUCCESS, beside={"x" * FILL: ""})

    def _long_texts(self) -> Iterator[Row]:
        text = "x" * FILL
        for member in ("StackId", "RequestId", "LogicalResourceId", "RequestType"):
            yield self._row("long texts", member, FAILED, beside={member: text})
        yield self._row("long texts", "ResourceType", EITHER, beside={"ResourceType": text})
        for kind in ("Update", "Delete"):
            yield self._row("long texts", f"PhysicalResourceId of a {kind}", FAILED, kind=kind, old={}, beside={"PhysicalResourceId": text})
        names = ("LayerVersionArn", "StatementId", "Principal", "Principals", "OrganizationId", "Action", "Versions", "RevisionId")
        for name in (*names, "RoleArn", "ExternalId"):
            yield self._row("long texts", name, EITHER if name == "RevisionId" else FAILED, **{name: text})
            if name != "LayerVersionArn":
                yield self._row("long texts", f"{name} of a Delete", SUCCESS, kind="Delete", **{name: text})
        yield self._row("long texts", "LayerVersionArn of a Delete", SUCCESS, kind="Delete", LayerVersionArn=text)
        yield self._row("long texts", "Nonce", SUCCESS, Nonce=text)
        yield self._row("long texts", "ServiceTimeout", SUCCESS, ServiceTimeout="9" * FILL)
        yield self._row("long texts", "a layer's name", FAILED, LayerVersionArn=ARN.format(text))
        yield self._row("long texts", "a version of digits", FAILED, LayerVersionArn=ARN.format("name") + "0" * FILL)
        yield self._row("long texts", "an ARN of colons", FAILED, LayerVersionArn="arn:aws" + ":" * FILL)
        yield self._row("long texts", "a principal of digits", FAILED, Principal="1" * FILL)
        # Longer than a URI may be, so there is nowhere to send a response to.
        nowhere = self._row("long texts", "ResponseURL", FAILED, beside={"ResponseURL": f"https://{BUCKET_HOST}/{text}"})
        nowhere.invocation.urls.clear()
        yield nowhere
        yield self._row("long texts", "a root ARN", FAILED, Principal=f"arn:aws:iam::{'1' * FILL}:root")

    def _characters(self) -> Iterator[Row]:
        made_of = {
            r"`\u0000`": r"\u0000",
            r"`\n`": r"\n",
            "quotes": r"\"",
            "backslashes": r"\\",
            "backticks": "`",
            "format characters": "\u202e",
            "escaped format characters": r"\u2066",
            "combining marks": "\u0301",
            "tags": "\U000e0041",
            "emoji": r"\ud83d\ude80",
            "lone surrogates": r"\ud800",
            "half escapes": r"\u12",
            "bytes that are not UTF-8": "\udcff",
        }
        unreadable = ("lone surrogates", "half escapes")
        for what, unit in made_of.items():
            raw = f'"{lots(unit)}"'
            yield self._row("characters", f"{what} as StackId", FAILED, beside={"StackId": SLOT}, raw=raw)
            yield self._row("characters", f"{what} as PhysicalResourceId", FAILED, kind="Delete", beside={"PhysicalResourceId": SLOT}, raw=raw)
            yield self._row("characters", f"{what} as RequestType", FAILED, beside={"RequestType": SLOT}, raw=raw)
            yield self._row("characters", f"{what} as LayerVersionArn", FAILED, LayerVersionArn=SLOT, raw=raw)
            yield self._row("characters", f"{what} as an entry", FAILED, Principals=[SLOT], raw=raw)
            yield self._row("characters", f"{what} as a name", FAILED, **{SLOT: "", "Principal": "*"}, raw=raw)
            yield self._row("characters", f"{what} in a Delete", SUCCESS, kind="Delete", Nonce=SLOT, raw=raw)
            yield self._row("characters", f"{what} as Nonce", FAILED if what in unreadable else EITHER, Nonce=SLOT, raw=raw)

    def _structures(self) -> Iterator[Row]:
        deep_list, deep_object = "[" * 120 + "0" + "]" * 120, '{"":' * 120 + "0" + "}" * 120
        of_json = {
            "zeros": list_of("0"),
            "empty texts": list_of('""'),
            "empty lists": list_of("[]"),
            "lists of one": list_of("[0]"),
            "lists of 120 levels": list_of(deep_list),
            "small objects": list_of('{"":0}'),
            "objects of 120 levels": list_of(deep_object),
            "numbers of double precision": list_of("1e308"),
            "a fraction of 1 MB": "0." + "1" * FILL,
            "an exponent of 1 MB": "0e" + "1" * FILL,
            "an object of 80,000 members": "{" + ",".join(f'"{index}":[0]' for index in range(80_000)) + "}",
        }
        refused = {
            "numbers that are too large": list_of("1e999"),
            "a number of 1 MB": "1" * FILL,
            "1 MB of levels": "[" * (FILL // 2) + "]" * (FILL // 2),
            "objects of 150,000 levels": '{"":' * 150_000 + "0" + "}" * 150_000,
            "small objects and a number that is too large": list_of('{"":0}', "1e999"),
            "objects of 120 levels and a number that is too large": list_of(deep_object, "1e999"),
            "small objects with such a number each": list_of('{"":1e999}'),
            "lists of lists of such numbers": list_of("[[[[1e999]]]]"),
            "five long names above each other": "".join('{"' + "x" * 200_000 + '":' for _ in range(5)) + "01" + "}" * 5,
        }
        for what, raw in (of_json | refused).items():
            create = FAILED if what in refused else EITHER
            yield self._row("structures", f"{what} as Nonce", create, Nonce=SLOT, raw=raw)
            yield self._row("structures", f"{what} as Principals", FAILED, Principals=SLOT, raw=raw)
            yield self._row("structures", f"{what} as an unknown member", create, beside={"Unknown": SLOT}, raw=raw)
            yield self._row("structures", f"{what} in the old properties", EITHER, kind="Update", old={"Nonce": SLOT}, raw=raw)
            yield self._row("structures", f"{what} in a Delete", SUCCESS, kind="Delete", Nonce=SLOT, raw=raw)
        for what, member in {"values that cannot be read": '"":01', "members without a value": '""'}.items():
            raw = long_name(member)
            yield self._row("structures", f"a long name above {what} as Nonce", FAILED, Nonce=SLOT, raw=raw)
            yield self._row("structures", f"a long name above {what} in a Delete", SUCCESS, kind="Delete", Nonce=SLOT, raw=raw)
        members = ",".join(f'"{index:05}":01' for index in range(90_000))
        yield self._row("structures", "90,000 members that cannot be read", FAILED, beside={"First": SLOT}, raw=f"0,{members}")

    def _no_json(self) -> Iterator[Row]:
        for what, unit in {"`x`": b"x", "white space": b" ", "quotes": b'"', "backslashes": b"\\", "`{`": b"{", "`[`": b"[", "`}`": b"}"}.items():
            yield self._bytes("no JSON", f"1 MB of {what}", unit * MOST)
        yield self._bytes("no JSON", "1 MB that is not UTF-8", b"\xff" * MOST)
        yield self._bytes("no JSON", "a JSON text of 1 MB", b'"' + b"x" * FILL + b'"')
        yield self._bytes("no JSON", "a list of small objects", list_of('{"":0}').encode())
        for kind in ("Create", "Delete"):
            cut = self._row("no JSON", f"a {kind} without its end", FAILED, kind=kind, Nonce="x" * FILL)
            cut.invocation.payload = cut.invocation.payload[:-1]
            yield cut
            behind = self._row("no JSON", f"a {kind} with 1 MB behind it", FAILED, kind=kind)
            behind.invocation.payload += b"}" * FILL
            yield behind

    def _notifications(self) -> Iterator[Row]:
        for what, properties, statuses in (
            ("60,000 principals", {"Principals": principals(50_000)}, FAILED),
            ("a Nonce of 1 MB", {"Nonce": "x" * FILL}, SUCCESS),
            ("a Nonce of small objects", {"Nonce": json.loads(list_of('{"":0}', most=700_000))}, FAILED),
        ):
            row = self._row("notifications", f"one request with {what}", statuses, **properties)
            yield self._notified(row.name, [row.invocation], statuses)
        for what, kind, statuses in (("Creates", "Create", EITHER), ("Deletes of what was never created", "Delete", SUCCESS)):
            rows = [self._row("", "", EITHER, kind=kind, never_created=True) for _ in range(MOST_RECORDS)]
            yield self._notified(f"{MOST_RECORDS} {what}", [row.invocation for row in rows], statuses)
        unanswerable = {
            "empty messages": '""',
            "messages that are no requests": r'"{\"RequestType\":\"Create\"}"',
            "requests to a host that is not allowed": r'"{\"ResponseURL\":\"https://host/\"}"',
            "no messages": "0",
        }
        for what, message in unanswerable.items():
            first = '{"Sns":{"Message":""}}'
            yield self._bytes("notifications", f"1 MB of records with {what}", f'{{"Records":{list_of(record(message), first)}}}'.encode())
        yield self._bytes("notifications", "one message and 1 MB of other records", f'{{"Records":{list_of("{}", record(chr(34) * 2))}}}'.encode())
        yield self._bytes("notifications", "a message of 1 MB of `[`", f'{{"Records":[{record(json.dumps("[" * FILL))}]}}'.encode())

    def _notified(self, name: str, requests: list[Invocation], statuses: tuple[str, ...]) -> Row:
        records = [{"EventSource": "aws:sns", "Sns": {"Message": request.payload.decode()}} for request in requests]
        payload = json.dumps({"Records": records}, separators=(",", ":")).encode()
        urls = [url for request in requests for url in request.urls]
        return Row("notifications", name, Invocation(payload, self._request_id(), urls, statuses))

    def _row(
        self,
        group: str,
        name: str,
        statuses: tuple[str, ...],
        environment: dict | None = None,
        *,
        kind: str = "Create",
        old: dict | None = None,
        beside: dict | None = None,
        raw: str | None = None,
        versions: int = 1,
        never_created: bool = False,
        **properties,
    ) -> Row:
        """A request about a layer of its own: `beside` are members of it that replace those of the usual ones."""
        event = events.request(kind, events.new_layer(self._aws, versions), old=old, **properties)
        if never_created and kind == "Delete":
            event["PhysicalResourceId"] = "never-created"
        if "Principal" not in properties and "Principals" not in properties:
            event["ResourceProperties"]["Principal"] = events.ACCOUNT
        event.get("OldResourceProperties", {}).setdefault("Principal", events.ACCOUNT)
        url = self._aws.presign(event["RequestId"])
        text = json.dumps({**event, "ResponseURL": url, **(beside or {})}, separators=(",", ":"))
        if raw is not None:
            text = text.replace(f'"{SLOT}"', raw)
        return Row(group, name, Invocation(text.encode("utf-8", "surrogateescape"), event["RequestId"], [url], statuses), environment or {})

    def _bytes(self, group: str, name: str, payload: bytes) -> Row:
        """Without a response URL: it only has to end."""
        return Row(group, name, Invocation(payload, self._request_id(), []))

    def _request_id(self) -> str:
        return f"7f1a2b3c-0000-4000-9000-{next(self._numbers):012}"


def principals(number: int, start: int = 0) -> list[str]:
    return [f"{index:012}" for index in range(200_000_000_000 + start, 200_000_000_000 + start + number)]


def lots(unit: str) -> str:
    return unit * (FILL // len(unit.encode("utf-8", "surrogateescape")))


def list_of(unit: str, *last: str, most: int = FILL) -> str:
    """A JSON list that is filled with one value, and ends with others."""
    return "[" + ",".join([unit] * (most // (len(unit) + 1)) + list(last)) + "]"


def long_name(member: str) -> str:
    """An object whose one name takes half of the size, with an object in it that has many members."""
    half = FILL // 2
    return '{"' + "x" * half + '":{' + ",".join([member] * (half // (len(member) + 1))) + "}}"


def record(message: str) -> str:
    return '{"Sns":{"Message":' + message + "}}"
