"""The gate: stands before every ResponseURL and refuses what CloudFormation refuses.

It takes the place of the presigned S3 URL: each request gets an address of its own here, and the one good answer that comes
in is passed on. Knows nothing of Lambda or of stacks.
"""

import dataclasses
import datetime
import json
import secrets
import sys
import threading
import traceback
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# An address of its own, so that the provider can be allowed to answer here and nowhere else on this machine.
HOST = "127.0.0.2"
LONGEST_BODY = 4096
LONGEST_ID = 1024
FIELDS = {"Status", "Reason", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId", "NoEcho", "Data"}


@dataclasses.dataclass
class Exchange:
    """A request of CloudFormation and the answers that came to it."""

    event: dict
    pass_on_to: str | None
    query: str
    answers: list[dict] = dataclasses.field(default_factory=list)


class Gate:
    def __init__(self):
        self.exchanges: dict[str, Exchange] = {}
        self.violations: list[str] = []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer((HOST, 0), _handler_of(self))
        self._server.handle_error = _tell_unless_they_hung_up
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def admit(self, event: dict, pass_on_to: str | None = None, age: int = 0) -> str:
        """A ResponseURL for this event, formed as CloudFormation's: with escapes in the path and a signature in the query, which was
        made so many seconds ago and is good for two hours."""
        name = "|".join(str(event.get(key)) for key in ("StackId", "LogicalResourceId", "RequestId"))
        nonce = secrets.token_hex(8)
        path = f"/cloudformation-custom-resource-response-useast1/{nonce}/{urllib.parse.quote(name)}"
        signed = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
        query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
            f"&X-Amz-Credential=AKIA{nonce.upper()}%2F{signed:%Y%m%d}%2Fus-east-1%2Fs3%2Faws4_request"
            f"&X-Amz-Signature={secrets.token_hex(32)}"
        )
        self.exchanges[f"{path}?{query}"] = Exchange(event, pass_on_to, query)
        return f"{self.url}{path}?{query}"

    def answer_to(self, url: str, seconds: float) -> dict:
        """The answer that came to this ResponseURL, waiting for it at most so long."""
        exchange = self.exchanges[url.removeprefix(self.url)]
        with self._news:
            assert self._news.wait_for(lambda: exchange.answers, seconds), f"no answer within {seconds} s"
        return exchange.answers[0]

    def receive(self, target: str, headers, body: bytes) -> tuple[int, str]:
        exchange = self.exchanges.get(target)
        if exchange is None:
            faults = ["the ResponseURL is not the one that was given, byte for byte"]
        else:
            faults = list(_faults(exchange, headers, body))
        if faults:
            self.violations += [f"{fault}: PUT {target} {body[:LONGEST_BODY]!r}" for fault in faults]
            return 403, "; ".join(faults)
        if exchange.pass_on_to:
            put = urllib.request.Request(exchange.pass_on_to, data=body, method="PUT")
            urllib.request.urlopen(put, timeout=10).close()
        with self._news:
            exchange.answers.append(json.loads(body))
            self._news.notify_all()
        return 200, ""

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _tell_unless_they_hung_up(*_):
    if not isinstance(sys.exception(), ConnectionError):
        traceback.print_exc()


def _faults(exchange: Exchange, headers, body: bytes):
    event = exchange.event
    if exchange.answers:
        yield "a second answer to one request"
    # The signature of the real URL covers an absent Content-Type; urllib and most clients like to send one.
    if "Content-Type" in headers:
        yield f"Content-Type is set: {headers['Content-Type']}"
    if "Content-Length" not in headers:
        yield "no Content-Length"
    if len(body) > LONGEST_BODY:
        yield f"{len(body)} bytes, more than {LONGEST_BODY}"
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        yield "not a JSON object"
        return
    if unknown := answer.keys() - FIELDS:
        yield f"unknown fields: {sorted(unknown)}"
    for field in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(field) != event.get(field) and field in event:
            yield f"{field} is not the request's"
    status, id, own_id = answer.get("Status"), answer.get("PhysicalResourceId"), event.get("PhysicalResourceId")
    if status not in ("SUCCESS", "FAILED"):
        yield f"Status is {status!r}"
    if status == "FAILED" and not answer.get("Reason"):
        yield "FAILED without a Reason"
    if not isinstance(id, str) or not id:
        yield f"PhysicalResourceId is {id!r}"
    elif len(id.encode()) > LONGEST_ID:
        yield f"PhysicalResourceId is longer than {LONGEST_ID} bytes"
    kind = event.get("RequestType")
    if own_id and id != own_id and (kind == "Delete" or (kind == "Update" and status == "FAILED")):
        yield f"a {status} {kind} changes the PhysicalResourceId from {own_id!r} to {id!r}"


def _handler_of(gate: Gate):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # from the engine: a request is about to be sent to the function
            event = json.loads(self._body())
            self._reply(200, gate.admit(event, pass_on_to=event["ResponseURL"]))

        def do_PUT(self):  # from the function: its answer
            self._reply(*gate.receive(self.path, self.headers, self._body()))

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _reply(self, status: int, text: str):
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler
